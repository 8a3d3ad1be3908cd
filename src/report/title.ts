import {
  countKinds,
  type FleetOutcome,
  isFleet,
  numberOfVms,
  type StepOutcome,
  wasCancelled,
} from '../fleet/fleet-outcome.ts';
import type { VmOutcome } from '../fleet/one-vm.ts';

/** What came of the step, in a few words. */
export function titleOf(outcome: StepOutcome): string {
  return isFleet(outcome) ? titleOfFleet(outcome) : titleOfVm(outcome);
}

function titleOfFleet(outcome: FleetOutcome): string {
  const { vms, error, isDryRun } = outcome;
  const { restarted, failed, unknown, not_started: notStarted } = countKinds(vms);
  const of = `of ${numberOfVms(vms.length)}`;
  if (wasCancelled(outcome)) return `Cancelled: ${restarted} ${of} restarted`;
  if (isDryRun && error !== undefined) return `${failed} ${of} cannot be restarted (dry run): ${error.code}`;
  if (isDryRun) return `${notStarted} ${of} can be restarted (dry run)`;
  if (error !== undefined) return `${failed + unknown} ${of} failed: ${error.code}`;
  return `${restarted} ${of} restarted`;
}

/** What happened to a VM, in a few words. */
function titleOfVm({ restarted, error, leftAlone, guest }: VmOutcome): string {
  if (error !== undefined) {
    const isGuests = restarted === 'true' && guest !== undefined && guest.status !== 'up';
    return `${isGuests ? 'VM restarted, but not its guest' : FAILURES[restarted]}: ${error.code}`;
  }
  if (leftAlone !== undefined) return LEFT_ALONE[leftAlone];
  return restarted === 'true' ? 'VM restarted' : 'VM can be restarted (dry run)';
}

const FAILURES: Readonly<Record<VmOutcome['restarted'], string>> = {
  true: 'VM restarted, but not its runner',
  false: 'VM not restarted',
  unknown: 'VM restart not verified',
};

const LEFT_ALONE: Readonly<Record<NonNullable<VmOutcome['leftAlone']>, string>> = {
  skipped: 'VM left alone: its runner has a job',
  not_started: 'VM not restarted: its turn never came',
};
