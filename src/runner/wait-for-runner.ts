// After the restart: reads the runners until they are back, or until runner_timeout. back-verdict.ts decides whether they are.

import { type Clock, minutes, seconds } from '../clock.ts';
import { ActionError, asActionError, explainCancellation } from '../errors.ts';
import { createProgressLog, type Log } from '../log.ts';
import { type PollOptions, pollUntil } from '../poll.ts';
import type { Outcome } from '../restart/outcome.ts';
import {
  type BackHistory,
  type BackVerdict,
  judgeBack,
  likelyCause,
  SESSION_LIFE_MS,
  startBackHistory,
} from './back-verdict.ts';
import type { RunnerOptions } from './runner-options.ts';
import {
  LAST_READ_MS,
  LONGEST_READ_MS,
  READ_EVERY_MS,
  READ_ONE_JOB_EVERY_MS,
  type VmRunners,
} from './vm-runners.ts';

interface WaitOptions extends Pick<RunnerOptions, 'isEphemeral' | 'waitsForRunner' | 'runnerTimeoutMs'> {
  /** Undefined if the step never read them. */
  readonly runners: VmRunners | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The state of the runners after the restart. */
export interface RunnerOutcome {
  /**
   * `online`: proved. `probably_online`: shown online for longer than GitHub keeps the session of a runner that was cut off. Undefined if the
   * step did not wait, or if the wait ended without a result.
   */
  readonly status: 'online' | 'probably_online' | 'not_back' | undefined;
  /** When a read showed that they are back, on the clock's scale. */
  readonly backAt: number | undefined;
}

/** What the wait for the runners adds to an outcome. */
interface AfterRunner {
  readonly runner: RunnerOutcome;
  readonly error?: ActionError;
}

/** Waits for the runners after a verified restart. Never throws: a failure is part of the result. */
export async function waitForRunner(
  { restarted, moments: { verified: verifiedAt } }: Outcome,
  options: WaitOptions,
): Promise<AfterRunner> {
  const { runners, waitsForRunner, clock, log } = options;
  if (restarted !== 'true' || verifiedAt === undefined || runners === undefined) return { runner: NO_RUNNER };
  if (!waitsForRunner) {
    log.info('The step does not wait for the runner, because wait_for_runner is false');
    return { runner: NO_RUNNER };
  }
  try {
    const status = await untilBack({ ...options, runners, verifiedAt });
    return { runner: { status, backAt: clock.now() } };
  } catch (thrown) {
    const error = asActionError(thrown);
    const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
    return { runner: { status, backAt: undefined }, error: explainCancellation(error, RUNNER_UNKNOWN) };
  }
}

const RUNNER_UNKNOWN = 'The VM was restarted and verified; whether its runner is back is not known.';
const NO_RUNNER: RunnerOutcome = { status: undefined, backAt: undefined };

interface Wait extends WaitOptions {
  readonly runners: VmRunners;
  /** On the clock's scale. */
  readonly verifiedAt: number;
}

/**
 * Reads the runners until they are back; there is always a last read at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` if GitHub gave no usable answer at all.
 */
async function untilBack(wait: Wait): Promise<'online' | 'probably_online'> {
  const { runners, verifiedAt, isEphemeral, clock, log, signal } = wait;
  const progress = createProgressLog({ log, now: clock.now, sentAt: verifiedAt });
  const deadline = verifiedAt + wait.runnerTimeoutMs;
  let history = startBackHistory(verifiedAt, runners.registrations, isEphemeral);
  const polling: PollOptions = {
    ...{ clock, signal, deadline: () => deadline, longestMs: LONGEST_READ_MS, shortestMs: LAST_READ_MS },
    nextAt: () => clock.now() + (isDueSoon(wait) ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS),
  };
  const back = await pollUntil(polling, async ({ until }) => {
    const reading = await runners.readShared(until, isDueSoon(wait) ? 'soon' : undefined);
    const judged = judgeBack(history, reading);
    history = judged.history;
    const { verdict } = judged;
    if (verdict.kind !== 'pending') return verdict;
    const rest = describeNeeded(verdict, wait);
    progress.note(verdict.seen, `waiting for the runner: ${verdict.seen}`, { rest });
    return undefined;
  });
  if (back === undefined) throw notBack(wait, history, progress.tally());
  log.info(describeBack(back, seconds(clock.now() - verifiedAt)));
  return back.kind;
}

/** A boot rarely takes longer than this. In milliseconds. */
const LONG_BOOT_MS = 120_000;

/** Whether a one-job runner is about to register: its VM is out of service until a read shows the registration. */
function isDueSoon({ isEphemeral, verifiedAt, clock }: Wait): boolean {
  return isEphemeral && clock.now() - verifiedAt < LONG_BOOT_MS;
}

/** What must happen, and how much time is left for it. */
function describeNeeded(
  { needed, isLikely }: Extract<BackVerdict, { kind: 'pending' }>,
  { verifiedAt, runnerTimeoutMs, clock }: Wait,
): string {
  const leftMs = verifiedAt + runnerTimeoutMs - clock.now();
  const likelyInMs = verifiedAt + SESSION_LIFE_MS - clock.now();
  const end =
    isLikely && likelyInMs < leftMs ? `probably_online in ${minutes(likelyInMs)}` : `${minutes(leftMs)} left`;
  return `; ${needed} (${end})`;
}

function describeBack(verdict: Exclude<BackVerdict, { kind: 'pending' }>, time: string): string {
  return verdict.kind === 'online'
    ? `The runner is back, ${time} after the VM was verified (proof: ${verdict.proof})`
    : `The runner is most likely back, ${time} after the VM was verified: it is still online, although GitHub would have dropped its old session by now`;
}

function notBack({ runnerTimeoutMs, clock }: Wait, history: BackHistory, tally: string): ActionError {
  const { reason, hint } = likelyCause(history, clock.now());
  const time = seconds(runnerTimeoutMs);
  const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Reads: ${tally}.`;
  const code = history.lastAt === undefined ? 'github_api_failed' : 'runner_not_back';
  return new ActionError(code, message, { hint });
}
