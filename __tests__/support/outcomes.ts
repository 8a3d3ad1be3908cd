import { ActionError } from '../../src/errors.ts';
import { nothingKnown, type StepOutcome, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { ID, instance, restarted } from './instances.ts';

// ---- one VM ----

export const NOTHING_DONE = nothingKnown({ name: '', target: undefined });

/** A restart that succeeded. */
export const SUCCESS: VmOutcome = {
  name: ID,
  target: { by: 'instance_id', id: ID },
  endedAt: undefined,
  restarted: 'true',
  before: instance(),
  last: restarted(10, { externalId: undefined }),
  durationMs: 7_349,
  moments: {},
  error: undefined,
};

/** A step about one VM. */
export function one(vm: VmOutcome): StepOutcome {
  return { vms: [vm], isDryRun: false, mostFailures: 0, error: vm.error };
}

/** A restart that failed before anything was known. */
export function failure(
  message: string,
  details: ConstructorParameters<typeof ActionError>[2] = {},
): VmOutcome {
  return { ...NOTHING_DONE, error: new ActionError('vm_failed', message, details) };
}

// ---- several VMs ----

/** The instance ID of a VM with this number. */
export function id(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** The VM of a number, restarted, except for the given values. */
export function member(number: number, changes: Partial<VmOutcome> = {}): VmOutcome {
  const names = { instanceId: id(number), externalId: `mac-${number}` };
  return {
    name: `mac-${number}`,
    target: { by: 'instance_id', id: id(number) },
    restarted: 'true',
    before: instance(names),
    last: restarted(10, names),
    durationMs: 7_349,
    moments: { started: 0, sent: number * 1_000, verified: number * 1_000 + 7_349 },
    error: undefined,
    endedAt: number * 1_000 + 8_000,
    ...changes,
  };
}

/** A VM before its restart: nothing is known yet. */
export const NOTHING = {
  restarted: 'false',
  before: undefined,
  last: undefined,
  durationMs: undefined,
  moments: {},
} as const;

/** A VM whose restart was not verified. */
export function broken(number: number, message = 'It took too long.'): VmOutcome {
  return member(number, {
    restarted: 'unknown',
    error: new ActionError('timed_out', message, { hint: 'Look.' }),
  });
}

/** A step about these VMs. */
export function fleet(...vms: VmOutcome[]): StepOutcome {
  const error = vms.find((vm) => vm.error !== undefined)?.error;
  return { vms, error, isDryRun: false, mostFailures: 0 };
}

/** One restarted, one not verified, one skipped, one not started, one whose runner is not back. */
export const mixed = fleet(
  member(1),
  broken(2),
  member(3, { ...NOTHING, leftAlone: new LeftAlone('busy', 'Runner "mac-3" is busy') }),
  member(4, { ...NOTHING, leftAlone: new LeftAlone('not started') }),
  member(5, { error: new ActionError('runner_not_back', 'It is gone.') }),
);

export const unfit = member(2, { ...NOTHING, error: new ActionError('not_running', 'No.') });
export const cancelled = member(2, {
  ...NOTHING,
  error: new ActionError('cancelled', 'The step was canceled.'),
});
/** What the annotation of {@link mixed} begins with. */
export const COUNTS =
  '1 of 5 VMs failed, 1 not verified, which is more than max_failures (0) allows, so 1 was not started. The output remaining has the IDs of all that were not restarted.';

/** Shows a text that contains no secrets. */
export const same = (text: string) => text;
