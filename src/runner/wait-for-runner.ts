import { type Clock, minutes, seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createProgressLog, type ProgressLog } from '../log.ts';
import {
  judgeOnline,
  likelyCause,
  type OnlineHistory,
  type OnlineVerdict,
  SESSION_LIFE_MS,
  startOnlineHistory,
} from './online-verdict.ts';
import type { Runner } from './runners.ts';
import { LAST_LOOK_MS, LOOK_EVERY_MS, lookUntil, type Tracker } from './tracker.ts';

export interface WaitOptions {
  readonly tracker: Tracker;
  /** As GitHub showed it before the restart. */
  readonly before: Runner | 'gone' | undefined;
  /** When the VM was verified, and how long the runner may take from then on: in milliseconds. */
  readonly verifiedAt: number;
  readonly runnerTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** `online`: proved; `probably_online`: shown online for longer than GitHub remembers a runner that was cut off. */
export type BackStatus = 'online' | 'probably_online';

/**
 * Watches the runner until it is back; there is always a last look at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` where GitHub never gave an answer.
 */
export async function waitForRunner(options: WaitOptions): Promise<BackStatus> {
  const { tracker, verifiedAt, clock, log, signal } = options;
  const journal = createProgressLog({ log, now: clock.now, sentAt: verifiedAt });
  const deadline = verifiedAt + options.runnerTimeoutMs;
  let history = startOnlineHistory(verifiedAt, idOf(options.before));
  for (;;) {
    const lookedAt = clock.now();
    const snapshot = await tracker.glance(lookUntil(lookedAt, deadline));
    const judged = judgeOnline(history, snapshot);
    history = judged.history;
    const { verdict } = judged;
    if (verdict.kind !== 'pending') {
      log.info(`${describeBack(verdict)}, ${seconds(clock.now() - verifiedAt)} after the VM`);
      return verdict.kind;
    }
    const rest = describeProof(verdict, options);
    journal.note(verdict.seen, `waiting for the runner: ${verdict.seen}`, { rest });
    if (lookedAt >= deadline) throw notBack(options, history, journal);
    await clock.sleep(pauseMs(deadline - clock.now()), signal);
  }
}

/** What would be proof, and until when at most. */
function describeProof(
  { proof, isLikely }: Extract<OnlineVerdict, { kind: 'pending' }>,
  { verifiedAt, runnerTimeoutMs, clock }: WaitOptions,
): string {
  const leftMs = verifiedAt + runnerTimeoutMs - clock.now();
  const likelyInMs = verifiedAt + SESSION_LIFE_MS - clock.now();
  const end =
    isLikely && likelyInMs < leftMs ? `probably_online in ${minutes(likelyInMs)}` : `${minutes(leftMs)} left`;
  return `; proof would be ${proof} (${end})`;
}

function describeBack(verdict: { kind: 'online'; proof: string } | { kind: 'probably_online' }): string {
  return verdict.kind === 'online'
    ? `The runner is back, proved: ${verdict.proof}`
    : 'The runner is most likely back: it is still online after GitHub would have forgotten the one before';
}

function notBack(options: WaitOptions, history: OnlineHistory, journal: ProgressLog): ActionError {
  const { last } = history;
  const { reason, hint } = likelyCause(history, isOnline(options.before), options.clock.now());
  const time = seconds(options.runnerTimeoutMs);
  const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Looks: ${journal.tally()}.`;
  return new ActionError(last === undefined ? 'github_api_failed' : 'runner_not_back', message, { hint });
}

/** A look that might outlast the deadline is not begun: the one at the deadline is worth more. */
function pauseMs(leftMs: number): number {
  return leftMs < LOOK_EVERY_MS + LAST_LOOK_MS ? Math.max(0, leftMs) : LOOK_EVERY_MS;
}

function idOf(runner: Runner | 'gone' | undefined): number | undefined {
  return typeof runner === 'object' ? runner.id : undefined;
}

/** Whether a snapshot showed the runner online. */
export function isOnline(runner: Runner | 'gone' | undefined): boolean {
  return runner !== undefined && runner !== 'gone' && runner.isOnline;
}
