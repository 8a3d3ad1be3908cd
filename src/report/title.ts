import type { Outcome } from '../restart/outcome.ts';

/** What happened to a VM, in a few words. */
export function titleOf({ restarted, error, leftAlone }: Outcome): string {
  if (error !== undefined) return `${FAILURES[restarted]}: ${error.code}`;
  if (leftAlone !== undefined) return LEFT_ALONE[leftAlone];
  return restarted === 'true' ? 'VM restarted' : 'VM can be restarted (dry run)';
}

const FAILURES: Readonly<Record<Outcome['restarted'], string>> = {
  true: 'VM restarted, but not its runner',
  false: 'VM not restarted',
  unknown: 'VM restart not verified',
};

const LEFT_ALONE: Readonly<Record<NonNullable<Outcome['leftAlone']>, string>> = {
  skipped: 'VM left alone: its runner has a job',
  not_started: 'VM not restarted: its turn never came',
};
