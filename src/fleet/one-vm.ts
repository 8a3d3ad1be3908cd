import {
  type AfterGuest,
  type GuestCheck,
  type GuestOutcome,
  waitForGuest,
} from '../guest/wait-for-guest.ts';
import type { RestartContext } from '../restart/context.ts';
import type { Outcome } from '../restart/outcome.ts';
import { type RestartJob, restart } from '../restart/restart.ts';
import type { Guard } from '../runner/guard.ts';
import type { RunnerOutcome } from '../runner/options.ts';

/** What came of one VM: of its restart, and of the guest and the runner in it where they are to be waited for. */
export interface VmOutcome extends Outcome {
  readonly runner?: RunnerOutcome;
  readonly guest?: GuestOutcome;
}

export interface OneVmContext extends RestartContext {
  /** Looks after the GitHub runner in the VM; undefined where there is none to look after. */
  readonly guard: Guard | undefined;
  /** How to find out whether the guest is up; undefined where nobody wants to know. */
  readonly guest?: GuestCheck | undefined;
  /** Told of what came of the restart, before guest and runner are waited for. */
  readonly onRestarted?: ((outcome: Outcome) => void) | undefined;
}

/** Restarts one VM and waits for what is to be back in it. Never throws: what goes wrong is part of the outcome. */
export async function restartOneVm(
  job: RestartJob,
  { guard, guest, onRestarted, ...context }: OneVmContext,
): Promise<VmOutcome> {
  const outcome = await restart(job, { ...context, gate: context.gate ?? guard?.gate });
  onRestarted?.(outcome);
  if (guest === undefined) return guard === undefined ? outcome : await guard.afterRestart(outcome);
  // The proof that the runner is back lives on looks right after the boot, so both are waited for side by side.
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const runnerBack = guard?.afterRestart(outcome, signal);
  const afterGuest = await waitForGuest(outcome, guest, context);
  // The first error is enough: what the runner has come to by then is told, but it is not waited for any more.
  const afterRunner = await (afterGuest.error === undefined ? runnerBack : settledNow(runnerBack));
  if (afterGuest.error !== undefined) stop.abort(afterGuest.error);
  return merge({ ...outcome, ...afterRunner }, afterGuest);
}

/** What has come of it already; undefined if nothing has. */
function settledNow<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  return Promise.race([work, Promise.resolve(undefined)]);
}

function merge(outcome: VmOutcome, { error, ...afterGuest }: AfterGuest): VmOutcome {
  return { ...outcome, ...afterGuest, ...(error && { error }) };
}
