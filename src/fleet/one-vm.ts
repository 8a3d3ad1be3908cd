import type { RestartContext } from '../restart/context.ts';
import type { Outcome } from '../restart/outcome.ts';
import { type RestartJob, restart } from '../restart/restart.ts';
import type { Guard } from '../runner/guard.ts';
import type { RunnerOutcome } from '../runner/options.ts';

/** What came of one VM: of its restart, and of the runner in it where there is one to look after. */
export interface VmOutcome extends Outcome {
  readonly runner?: RunnerOutcome;
}

export interface OneVmContext extends Omit<RestartContext, 'gate'> {
  /** Looks after the GitHub runner in the VM; undefined where there is none to look after. */
  readonly guard: Guard | undefined;
}

/** Restarts one VM and waits for what is to be back in it. Never throws: what goes wrong is part of the outcome. */
export async function restartOneVm(job: RestartJob, { guard, ...context }: OneVmContext): Promise<VmOutcome> {
  const outcome = await restart(job, { ...context, gate: guard?.gate });
  return guard === undefined ? outcome : await guard.afterRestart(outcome);
}
