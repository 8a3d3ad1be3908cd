import type { Outcome } from '../restart/outcome.ts';
import type { RunnerOutcome } from '../runner/options.ts';

/** How the step ended: what came of the restart, and of the runner in the VM where there is one to look after. */
export interface StepOutcome extends Outcome {
  readonly runner?: RunnerOutcome;
}

/** What happened, in a few words. */
export function titleOf({ restarted, error }: Outcome): string {
  if (error === undefined) return restarted === 'true' ? 'VM restarted' : 'VM can be restarted (dry run)';
  return `${FAILURES[restarted]}: ${error.code}`;
}

const FAILURES: Readonly<Record<Outcome['restarted'], string>> = {
  true: 'VM restarted, but not its runner',
  false: 'VM not restarted',
  unknown: 'VM restart not verified',
};
