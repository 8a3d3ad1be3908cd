import { seconds } from '../clock.ts';
import type { RestartReply } from '../controller/controller.ts';
import type { Instance } from '../controller/instance.ts';
import { ActionError, isTransient } from '../errors.ts';
import { createProgressLog, type ProgressLog } from '../log.ts';
import type { RestartContext } from './outcome.ts';
import { learn, type Rhythm } from './rhythm.ts';
import { nextLookAt, type PollInterval } from './schedule.ts';
import {
  type Baseline,
  describeTrouble,
  describeUnmet,
  type History,
  judge,
  type Sample,
  startHistory,
  type Unmet,
} from './verdict.ts';

export interface WatchOptions {
  readonly baseline: Baseline;
  /** What the controller said to the restart. */
  readonly reply: RestartReply;
  /** When the restart was sent, and when the time is over: milliseconds on the clock's scale. */
  readonly sentAt: number;
  readonly deadline: number;
  readonly pollInterval: PollInterval;
  /** What the looks before told of when reports come. */
  readonly rhythm: Rhythm;
  /** Told of each instance that the controller showed. */
  readonly onSeen: (instance: Instance) => void;
}

/** What the last look may take beyond the deadline: in milliseconds. */
const LAST_LOOK_MS = 1_500;
/** A last look that took so long was slept over by a process that was suspended: another follows, but only one. */
const SLEPT_MS = 2 * LAST_LOOK_MS;

/**
 * Looks at the VM until its restart is proved; there is always a last look at the deadline.
 * @returns the instance as the proof shows it.
 * @throws ActionError `vm_failed`, `timed_out`, or what the controller threw for good.
 */
export async function watch(context: RestartContext, options: WatchOptions): Promise<Instance> {
  const { clock, signal } = context;
  const { baseline, sentAt, deadline, pollInterval } = options;
  let { rhythm } = options;
  const journal = createProgressLog({ log: context.log, now: clock.now, sentAt });
  const findings: WatchFindings = { history: startHistory(baseline, sentAt), unmet: [] };
  let lookAt = nextLookAt(pollInterval, { sentAt, lastLookAt: sentAt, deadline, rhythm });
  let lastLooks = 0;
  for (;;) {
    await clock.sleep(lookAt - clock.now(), signal);
    const lookedAt = clock.now();
    const isLast = lookedAt >= deadline;
    const sample = await lookAtInstance(context, {
      options,
      journal,
      // The process may have been suspended over the deadline: the last look has its time nevertheless.
      until: isLast ? lookedAt + LAST_LOOK_MS : deadline,
    });
    const proof = sample && consider(sample, findings, journal);
    if (proof !== undefined) return proof;
    if (isLast && (++lastLooks > 1 || clock.now() - lookedAt < SLEPT_MS))
      throw notProved({ ...options, ...findings, journal, endedAt: clock.now() });
    // Without a sample the controller was asked for as long as time allowed: the last look is all that is left.
    if (sample !== undefined)
      rhythm = learn(rhythm, { lookedAt, answeredAt: sample.at, instance: sample.instance });
    const progress = { sentAt, lastLookAt: lookedAt, deadline, rhythm };
    lookAt = sample === undefined ? deadline : nextLookAt(pollInterval, progress);
  }
}

interface WatchFindings {
  history: History;
  /** What the last usable answer left open; empty where there was none. */
  unmet: readonly Unmet[];
}

/** Judges an answer: returns the instance if it is the proof, throws if the VM failed, else notes what is missing. */
function consider(sample: Sample, findings: WatchFindings, journal: ProgressLog): Instance | undefined {
  const { verdict, history } = judge(findings.history, sample);
  findings.history = history;
  if (verdict.kind === 'restarted') return verdict.instance;
  if (verdict.kind === 'failed') throw vmFailed(verdict.reason);
  findings.unmet = verdict.unmet;
  journal.note(kindOf(verdict.unmet), `waiting: ${verdict.unmet.map(describeUnmet).join('; ')}`);
  return undefined;
}

interface LookOptions {
  readonly options: WatchOptions;
  readonly journal: ProgressLog;
  /** Milliseconds on the clock's scale. */
  readonly until: number;
}

/** One answer of the controller, or undefined if none that could be used came in time. */
async function lookAtInstance(
  context: RestartContext,
  { options, journal, until }: LookOptions,
): Promise<Sample | undefined> {
  const { controller, clock, signal } = context;
  const askedAt = clock.now();
  try {
    const instance = await controller.getInstance(options.baseline.instance.instanceId, {
      deadline: until,
      signal,
      onFault: journal.fault,
    });
    if (instance !== undefined) options.onSeen(instance);
    return { askedAt, at: clock.now(), instance };
  } catch (error) {
    if (isTransient(error)) return undefined;
    throw error;
  }
}

function kindOf(unmet: readonly Unmet[]): string {
  return `waiting for ${unmet.map(({ condition }) => condition).join(' and ')}`;
}

function vmFailed(reason: string): ActionError {
  return new ActionError('vm_failed', `The VM failed after the restart was sent: ${reason}.`, {
    hint: 'Look at the instance and its node in the controller. A VM that is gone or in Error has to be started anew.',
  });
}

interface Ending extends WatchOptions, WatchFindings {
  readonly journal: ProgressLog;
  readonly endedAt: number;
}

/** A request that was rejected fails as such, unless a new boot shows that it was carried out before. */
function notProved(ending: Ending): ActionError {
  const { reply, sentAt, endedAt } = ending;
  if (reply.kind !== 'rejected') return timedOut(ending);
  const { code, message, hint, cause } = reply.error;
  const evidence = `No new boot showed within ${seconds(endedAt - sentAt)}.`;
  const advice = 'Look at the instance before you send another restart.';
  return new ActionError(code, `${message} ${evidence}`, { hint: `${hint ?? ''} ${advice}`.trim(), cause });
}

function timedOut({ baseline, reply, sentAt, history, unmet, journal, endedAt }: Ending): ActionError {
  const { newest, newestAt } = history;
  const missing = unmet.length === 0 ? 'any usable answer' : unmet.map(describeUnmet).join('; ');
  const hasNews = newest !== baseline.instance;
  const message = [
    `The restart was sent, but not verified after ${seconds(endedAt - sentAt)}.`,
    ...(reply.kind === 'uncertain' ? [`Whether the controller took it is unclear: ${reply.reason}.`] : []),
    `Missing: ${missing}.`,
    `Last seen: ${describeTrouble(newest)}; before the restart: start_date ${baseline.startDate.text}.`,
    hasNews
      ? `The last new report came ${seconds(endedAt - newestAt)} before the end.`
      : 'No new report came since.',
    `Answers: ${journal.tally()}.`,
  ];
  const silentMs = hasNews ? 0 : endedAt - sentAt;
  return new ActionError('timed_out', message.join(' '), { hint: hintFor({ reply, unmet, silentMs }) });
}

/** Three heartbeats: an agent that reports nothing for longer is not just slow. */
const LONG_SILENCE_MS = 15_000;

interface Signs {
  readonly reply: RestartReply;
  readonly unmet: readonly Unmet[];
  /** For how long no new report came. */
  readonly silentMs: number;
}

function hintFor({ reply, unmet, silentMs }: Signs): string {
  const mayStill = 'The restart may still happen: look at the instance before you send another.';
  if (unmet.length === 0) return `The controller gave no usable answer: check that it is up. ${mayStill}`;
  if (reply.kind === 'uncertain') return `Most likely the restart never reached the controller. ${mayStill}`;
  if (silentMs > LONG_SILENCE_MS)
    return `The node's agent reported nothing: check that the node is up. ${mayStill}`;
  return `The node's agent may be busy, or the timeout too short. ${mayStill}`;
}
