import { countKinds, type FleetOutcome, isFleet, type StepOutcome } from '../fleet/fleet-outcome.ts';
import type { VmOutcome } from '../fleet/one-vm.ts';

/** What came of the step, in a few words. */
export function titleOf(outcome: StepOutcome): string {
  return isFleet(outcome) ? titleOfFleet(outcome) : titleOfVm(outcome);
}

function titleOfFleet({ vms, error }: FleetOutcome): string {
  const { restarted, failed, unknown, not_started: notStarted } = countKinds(vms);
  const of = `of ${vms.length} VMs`;
  if (failed + unknown > 0) return `${failed + unknown} ${of} failed: ${error?.code}`;
  if (error !== undefined) return `${restarted} ${of} restarted: ${error.code}`;
  return notStarted > 0 ? `${notStarted} ${of} can be restarted (dry run)` : `${restarted} ${of} restarted`;
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
