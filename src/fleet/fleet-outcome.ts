import type { ActionError } from '../errors.ts';
import type { VmOutcome } from './one-vm.ts';

/** What came of one VM of a fleet. */
export interface MemberOutcome extends VmOutcome {
  /** For people; no other member has it. */
  readonly name: string;
  /** When all was over that was to be done about it, in milliseconds on the clock's scale; undefined as long as it is not. */
  readonly endedAt: number | undefined;
}

/** What came of several VMs, in the order of the targets. */
export interface FleetOutcome {
  readonly vms: readonly MemberOutcome[];
  /** Whether nothing was to be changed. */
  readonly isDryRun: boolean;
  /** Once more had failed than these, none was begun. */
  readonly mostFailures: number;
  /** What went wrong first, if anything did. */
  readonly error: ActionError | undefined;
}

/** What came of a step: of the one VM, or of several. */
export type StepOutcome = VmOutcome | FleetOutcome;

export function isFleet(outcome: StepOutcome): outcome is FleetOutcome {
  return 'vms' in outcome;
}

/** What came of a VM in a word, as the output `results` has it. `unknown`: a restart was sent, or may have been. */
export type ResultKind = 'restarted' | 'failed' | 'skipped' | 'not_started' | 'unknown';

/** A dry run begins nothing; and so does a step that was cancelled before the VM's turn came. */
export function kindOf({ leftAlone, restarted, error, moments }: VmOutcome): ResultKind {
  if (leftAlone !== undefined) return leftAlone;
  if (restarted === 'unknown') return 'unknown';
  if (error?.code === 'cancelled' && moments.sent === undefined) return 'not_started';
  if (error !== undefined) return 'failed';
  return restarted === 'true' ? 'restarted' : 'not_started';
}

/** Whether the step was cancelled before the last VM had come to its end. */
export function wasCancelled({ vms }: FleetOutcome): boolean {
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

/** How many came to what. */
export function countKinds(vms: readonly VmOutcome[]): Readonly<Record<ResultKind, number>> {
  const counts = { restarted: 0, failed: 0, skipped: 0, not_started: 0, unknown: 0 };
  for (const vm of vms) counts[kindOf(vm)]++;
  return counts;
}

/** Whether all is well with those that were not left alone: `true` only where one at least was restarted. */
export function restartedOf(vms: readonly VmOutcome[]): VmOutcome['restarted'] {
  if (vms.some(({ restarted }) => restarted === 'unknown')) return 'unknown';
  const wanted = vms.filter(({ leftAlone }) => leftAlone !== 'skipped');
  return wanted.length > 0 && wanted.every(({ restarted }) => restarted === 'true') ? 'true' : 'false';
}
