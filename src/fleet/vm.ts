// One VM, the only one or one of several: its restart, then the wait for guest and runner.

import { type AfterGuest, type GuestCheck, waitForGuest } from '../guest/wait-for-guest.ts';
import type { Outcome, RestartContext, RestartJob } from '../restart/outcome.ts';
import { restart } from '../restart/restart.ts';
import type { Guard } from '../runner/guard.ts';
import type { VmOutcome } from './step-outcome.ts';

export interface VmContext extends RestartContext {
  /** For messages. */
  readonly name: string;
  /** Guards the GitHub runner in the VM; undefined if there is none. */
  readonly guard: Guard | undefined;
  /** How to check whether the guest is up; undefined if the step does not wait for it. */
  readonly guest?: GuestCheck | undefined;
  /** Called with the outcome of the restart, before the wait for guest and runner. */
  readonly onRestarted?: ((outcome: Outcome) => void) | undefined;
}

/** Never throws: errors are part of the outcome. */
export async function restartVm(
  job: RestartJob,
  { name, guard, guest, onRestarted, ...context }: VmContext,
): Promise<VmOutcome> {
  const outcome = await restart(job, { ...context, gate: context.gate ?? guard?.gate });
  onRestarted?.(outcome);
  const whole = await waitUntilBack(outcome, { name, guard, guest, ...context });
  return { ...whole, name, endedAt: context.clock.now() };
}

type Back = Outcome & Pick<VmOutcome, 'runner' | 'guest'>;

async function waitUntilBack(outcome: Outcome, { guard, guest, ...context }: VmContext): Promise<Back> {
  if (guest === undefined) return guard === undefined ? outcome : await guard.afterRestart(outcome);
  // Both waits run in parallel, because the proof that the runner is back depends on reads right after the boot.
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const runnerBack = guard?.afterRestart(outcome, signal);
  const afterGuest = await waitForGuest(outcome, guest, context);
  // If the guest is not up, the VM has failed: the step takes what is known about the runner by now, and stops waiting for it.
  const afterRunner = await (afterGuest.error === undefined ? runnerBack : settledNow(runnerBack));
  if (afterGuest.error !== undefined) stop.abort(afterGuest.error);
  return withGuest({ ...outcome, ...afterRunner }, afterGuest);
}

/** The result of the work if it has settled; otherwise undefined. */
function settledNow<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  return Promise.race([work, Promise.resolve(undefined)]);
}

function withGuest(outcome: Back, { error, ...afterGuest }: AfterGuest): Back {
  return { ...outcome, ...afterGuest, ...(error && { error }) };
}
