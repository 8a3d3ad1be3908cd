import type { Target } from '../controller/instance.ts';
import type { ActionError } from '../errors.ts';
import type { GuestOutcome } from '../guest/wait-for-guest.ts';
import { NOTHING_DONE, type Outcome } from '../restart/outcome.ts';
import type { RunnerOutcome } from '../runner/wait-for-runner.ts';

/** How one VM ended: its restart, and its guest and runner if the step waits for them. */
export interface VmOutcome extends Outcome {
  /** For messages; unique within the step. */
  readonly name: string;
  /** As known before its first read; absent if only that shows it. */
  readonly externalId?: string | undefined;
  /** When it had ended, in milliseconds on the clock's scale; undefined before that. */
  readonly endedAt: number | undefined;
  readonly runner?: RunnerOutcome;
  readonly guest?: GuestOutcome;
}

/** How the step ended: its VMs in the order of the targets, usually a single one. */
export interface StepOutcome {
  /** Empty if the inputs do not say which. */
  readonly vms: readonly VmOutcome[];
  /** Whether the step must change nothing. */
  readonly isDryRun: boolean;
  /** When more VMs than this have failed, no new restart starts. */
  readonly mostFailures: number;
  /** The first error, if there was one. */
  readonly error: ActionError | undefined;
}

/** A VM about which only the name is known. */
export function nothingKnown({ name, target, externalId }: Named): VmOutcome {
  return { ...NOTHING_DONE, name, target, externalId, endedAt: undefined };
}

interface Named extends Pick<VmOutcome, 'name' | 'target' | 'externalId'> {}

/** A step that failed as a whole, before any VM could. */
export function failedStep(error: ActionError, targets: readonly Target[] = []): StepOutcome {
  const vms = targets.map((target) => ({ ...nothingKnown({ name: target.id, target }), error }));
  return { vms, isDryRun: false, mostFailures: 0, error };
}

/** The VM of a step that has exactly one. */
export function theOnlyVm({ vms }: StepOutcome): VmOutcome | undefined {
  return vms.length === 1 ? vms[0] : undefined;
}

/** How a VM ended, in one word, as in the output `results`. `unknown`: a restart was sent, or may have been. */
export type ResultKind = 'restarted' | 'failed' | 'skipped' | 'not_started' | 'unknown';

/** For the log and the summary. */
export const KIND_WORDS: Readonly<Record<ResultKind, string>> = {
  restarted: 'restarted',
  failed: 'failed',
  skipped: 'skipped',
  not_started: 'not started',
  unknown: 'not verified',
};

/**
 * A dry run starts nothing, and neither does a step that was canceled before the VM got its slot. If the restart was verified before the
 * step was canceled, the VM counts as restarted.
 */
export function resultKindOf({ leftAlone, restarted, error, moments }: VmOutcome): ResultKind {
  if (leftAlone !== undefined) return leftAlone.why === 'not started' ? 'not_started' : 'skipped';
  if (restarted === 'unknown') return 'unknown';
  const wasCancelled = error?.code === 'cancelled';
  if (wasCancelled && moments.sent === undefined) return 'not_started';
  if (error !== undefined && !(wasCancelled && restarted === 'true')) return 'failed';
  return restarted === 'true' ? 'restarted' : 'not_started';
}

/** Whether the step was canceled before its last VM had ended. */
export function wasCancelled({ vms }: StepOutcome): boolean {
  return vms.some(({ error }) => error?.code === 'cancelled');
}

/** e.g. `1 VM`, `40 VMs`. */
export function numberOfVms(count: number): string {
  return count === 1 ? '1 VM' : `${count} VMs`;
}

/** The first of them, e.g. `a, b and 3 more`. */
export function listNames(names: readonly string[], most: number): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** How many ended in each way. */
export function countKinds(vms: readonly VmOutcome[]): Readonly<Record<ResultKind, number>> {
  const counts = { restarted: 0, failed: 0, skipped: 0, not_started: 0, unknown: 0 };
  for (const vm of vms) counts[resultKindOf(vm)]++;
  return counts;
}

/** `true` only if at least one VM was restarted, and all others were left alone. */
export function restartedOf(vms: readonly VmOutcome[]): VmOutcome['restarted'] {
  if (vms.some(({ restarted }) => restarted === 'unknown')) return 'unknown';
  const wanted = vms.filter((vm) => resultKindOf(vm) !== 'skipped');
  return wanted.length > 0 && wanted.every(({ restarted }) => restarted === 'true') ? 'true' : 'false';
}

// ---- while the step runs ----

/** What is known so far about each VM, by its index. */
export interface OutcomesSoFar {
  /** The outcome of the step as of now. */
  ofStep(): StepOutcome;
  /** Announces everything known right before a restart may be sent. If `announce` throws, it is not sent. */
  depart(index: number, known: Outcome): void;
  /** Notes what is known after the restart; the step may still wait for the guest and the runner. */
  note(index: number, known: Outcome): void;
  /** @returns the outcome. */
  end(index: number, outcome: VmOutcome): VmOutcome;
}

interface OutcomesSoFarOptions extends Pick<StepOutcome, 'isDryRun' | 'mostFailures'> {
  readonly members: readonly Named[];
  readonly announce?: ((outcome: StepOutcome) => void) | undefined;
}

/** At most this many announcements per step, and this many VMs in all of them: each is appended to a file, and costs CPU time per VM. */
const MOST_ANNOUNCEMENTS = 50;
const MOST_ANNOUNCED = 40_000;

export function createOutcomesSoFar({ members, announce, ...plan }: OutcomesSoFarOptions): OutcomesSoFar {
  const vms = members.map(nothingKnown);
  const announcements = Math.min(MOST_ANNOUNCEMENTS, MOST_ANNOUNCED / members.length);
  const atOnce = Math.ceil(members.length / announcements);
  /** Those already announced as `unknown`. */
  let covered: ReadonlySet<number> = new Set();
  let error: StepOutcome['error'];

  function note(index: number, to: Partial<VmOutcome>): void {
    const vm = vms[index];
    if (vm !== undefined) vms[index] = { ...vm, ...to };
  }

  return {
    ofStep: () => ({ ...plan, vms: [...vms], error }),
    depart(index, known) {
      note(index, known);
      if (covered.has(index)) return;
      // If the process is killed, it is unknown whether these restarts were sent: the one sent now, and the next ones.
      const next = vms.flatMap(({ endedAt }, other) => {
        return endedAt === undefined && other !== index && !covered.has(other) ? [other] : [];
      });
      const maybeSent = new Set([...covered, index, ...next.slice(0, atOnce - 1)]);
      announce?.({ ...plan, vms: vms.map((vm, at) => (maybeSent.has(at) ? asMaybeSent(vm) : vm)), error });
      covered = maybeSent;
    },
    note,
    end(index, outcome) {
      error ??= outcome.error;
      note(index, outcome);
      return outcome;
    },
  };
}

/** A verified restart stays verified while the step waits for guest and runner. */
function asMaybeSent(vm: VmOutcome): VmOutcome {
  return vm.endedAt === undefined && vm.restarted !== 'true' ? { ...vm, restarted: 'unknown' } : vm;
}
