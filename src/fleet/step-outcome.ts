// How the step ended, as a list of VM outcomes, and what is known about each VM before that.

import type { Target } from '../controller/instance.ts';
import type { ActionError } from '../errors.ts';
import type { GuestOutcome } from '../guest/wait-for-guest.ts';
import { NOTHING_DONE, type Outcome } from '../restart/outcome.ts';
import type { RunnerOutcome } from '../runner/wait-for-runner.ts';

/** How one VM ended: its restart, and its guest and runner if the step waits for them. */
export interface VmOutcome extends Outcome {
  /** For messages; unique within the step. */
  readonly name: string;
  /** The external ID if it was known before the VM's first read, from the list that showed the VM. */
  readonly externalId?: string | undefined;
  /** When it had ended, in milliseconds on the clock's scale; undefined before that. */
  readonly endedAt: number | undefined;
  readonly runner?: RunnerOutcome;
  readonly guest?: GuestOutcome;
}

/** How the step ended: its VMs in the order of the targets, usually a single one. */
export interface StepOutcome {
  /** Empty if the step failed before it knew them, or if there was nothing to restart. */
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

/** A step that failed before it restarted any VM. */
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

/** What the log and the summary call it. */
export const KIND_WORDS: Readonly<Record<ResultKind, string>> = {
  restarted: 'restarted',
  failed: 'failed',
  skipped: 'skipped',
  not_started: 'not started',
  unknown: 'not verified',
};

/**
 * In a dry run, a VM counts as not started; so does one that had no restart before the step was canceled. If its restart was verified before
 * that, it counts as restarted, although the step no longer waits for guest and runner.
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

export function countKinds(vms: readonly VmOutcome[]): Readonly<Record<ResultKind, number>> {
  const counts = { restarted: 0, failed: 0, skipped: 0, not_started: 0, unknown: 0 };
  for (const vm of vms) counts[resultKindOf(vm)]++;
  return counts;
}

/** `unknown` if it is for any VM. `true` if at least one VM was restarted, and so was every VM that was not skipped. */
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
  /** To be called right before a restart may be sent: announces everything known. If `announce` throws, it must not be sent. */
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

/** The most announcements per step, because each is appended to a file. */
const MOST_ANNOUNCEMENTS = 50;
/** The most VMs in all announcements together, because each costs CPU time. */
const MOST_ANNOUNCED = 40_000;

export function createOutcomesSoFar({ members, announce, ...plan }: OutcomesSoFarOptions): OutcomesSoFar {
  const vms = members.map(nothingKnown);
  const announcements = Math.min(MOST_ANNOUNCEMENTS, MOST_ANNOUNCED / members.length);
  const atOnce = Math.ceil(members.length / announcements);
  /** The indexes of the VMs that are already announced as `unknown`. */
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
      // Few announcements are allowed, so each covers the next VMs, too: if the process is killed, their restarts may have been sent.
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
