import { type Clock, minutes, seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { createProgressLog, type Log, type ProgressLog } from '../log.ts';
import { type PollOptions, pollUntil } from '../poll.ts';
import {
  type BackHistory,
  type BackVerdict,
  type BeforeRestart,
  judgeBack,
  likelyCause,
  SESSION_LIFE_MS,
  startBackHistory,
} from './back-verdict.ts';
import {
  LAST_READ_MS,
  LONGEST_READ_MS,
  READ_EVERY_MS,
  READ_ONE_JOB_EVERY_MS,
  type VmRunners,
} from './vm-runners.ts';

export interface WaitOptions {
  readonly runners: VmRunners;
  /** As GitHub showed them. */
  readonly before: BeforeRestart;
  /** When the VM was verified, and how long the runners may take from then on: in milliseconds. */
  readonly verifiedAt: number;
  readonly runnerTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The state of the runners after the restart. */
export interface RunnerOutcome {
  /**
   * `online`: proved; `probably_online`: shown online for longer than GitHub remembers a runner that was cut off. Undefined if the step never
   * got that far, or if nothing is known.
   */
  readonly status: 'online' | 'probably_online' | 'not_back' | undefined;
  /** When a read showed that they are back, in milliseconds on the clock's scale. */
  readonly backAt: number | undefined;
}

/**
 * Reads the runners until they are back; there is always a last read at the deadline.
 * @throws ActionError `runner_not_back` with the likely cause; `github_api_failed` if GitHub never gave an answer.
 */
export async function waitForRunner(options: WaitOptions): Promise<'online' | 'probably_online'> {
  const { runners, verifiedAt, clock, log, signal } = options;
  const progress = createProgressLog({ log, now: clock.now, sentAt: verifiedAt });
  const deadline = verifiedAt + options.runnerTimeoutMs;
  let history = startBackHistory(verifiedAt, options.before);
  const polling: PollOptions = {
    ...{ clock, signal, deadline: () => deadline, longestMs: LONGEST_READ_MS, shortestMs: LAST_READ_MS },
    nextAt: () => clock.now() + (isDueSoon(options) ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS),
  };
  const back = await pollUntil(polling, async ({ until }) => {
    const reading = await runners.readShared(until, isDueSoon(options) ? 'soon' : undefined);
    const judged = judgeBack(history, reading);
    history = judged.history;
    const { verdict } = judged;
    if (verdict.kind !== 'pending') return verdict;
    const rest = describeNeeded(verdict, options);
    progress.note(verdict.seen, `waiting for the runner: ${verdict.seen}`, { rest });
    return undefined;
  });
  if (back === undefined) throw notBack(options, history, progress);
  log.info(describeBack(back, seconds(clock.now() - verifiedAt)));
  return back.kind;
}

/** A boot rarely takes longer than this. In milliseconds. */
const LONG_BOOT_MS = 120_000;

/** Whether a one-job runner is about to register: until a read shows that, its VM is out of service. */
function isDueSoon({ before, verifiedAt, clock }: WaitOptions): boolean {
  return before.isEphemeral && clock.now() - verifiedAt < LONG_BOOT_MS;
}

/** What must happen, and by when. */
function describeNeeded(
  { needed, isLikely }: Extract<BackVerdict, { kind: 'pending' }>,
  { verifiedAt, runnerTimeoutMs, clock }: WaitOptions,
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

function notBack(options: WaitOptions, history: BackHistory, progress: ProgressLog): ActionError {
  const { reason, hint } = likelyCause(history, options.clock.now());
  const time = seconds(options.runnerTimeoutMs);
  const message = `The VM was restarted, but the runner was not proved to be back within ${time}: ${reason}. Reads: ${progress.tally()}.`;
  const code = history.lastAt === undefined ? 'github_api_failed' : 'runner_not_back';
  return new ActionError(code, message, { hint });
}
