import type { VmOutcome } from '../fleet/one-vm.ts';

/** What happened to a VM, in a few words. */
export function titleOf({ restarted, error, leftAlone, guest }: VmOutcome): string {
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
