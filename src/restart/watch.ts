// After the restart was sent: polls the instance until the restart is proved.

import { seconds } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import type { RestartReply } from '../controller/restart-request.ts';
import { millisecondsBetween } from '../dates.ts';
import { ActionError, isTransient } from '../errors.ts';
import { createProgressLog, type ProgressLog } from '../log.ts';
import { type PollOptions, pollUntil } from '../poll.ts';
import type { Baseline } from './boot.ts';
import type { Observation } from './ordering.ts';
import type { RestartContext } from './outcome.ts';
import { learn, nextPollAt, type PollInterval, type ReportTiming } from './schedule.ts';
import { describeTrouble, describeUnmet, type History, judge, startHistory, type Unmet } from './verdict.ts';

interface WatchOptions {
  readonly baseline: Baseline;
  /** The controller's answer to the restart. */
  readonly reply: RestartReply;
  /** When the restart was sent, and when the timeout is reached: milliseconds on the clock's scale. */
  readonly sentAt: number;
  readonly deadline: number;
  readonly pollInterval: PollInterval;
  /** What earlier answers say about when reports arrive. */
  readonly timing: ReportTiming;
  /** Called with each instance that the controller shows. */
  readonly onSeen: (instance: Instance) => void;
}

/**
 * Polls the VM until its restart is proved; there is always a poll at the deadline.
 * @returns the instance in the proof.
 * @throws ActionError `vm_failed`, `timed_out`, or a refusal of the controller.
 */
export async function watch(context: RestartContext, options: WatchOptions): Promise<Instance> {
  const { clock, signal } = context;
  const { baseline, sentAt } = options;
  const progress = createProgressLog({ log: context.log, now: clock.now, sentAt });
  const history = startHistory(baseline, sentAt);
  const state: WatchState = {
    ...{ history, unmet: [], timing: options.timing },
    ...{ startedAt: clock.now(), heartbeatMs: SHORTEST_HEARTBEAT_MS },
    ...{ lastPollAt: sentAt, nextPollAt: sentAt, renewedAt: sentAt },
  };
  const deadline = () => deadlineOf(options, state, clock.now());
  const plan = (at: number) => {
    // A slow answer also makes the next poll late. That must not look like a suspension.
    state.nextPollAt = Math.max(Math.min(at, deadline()), clock.now());
    return at;
  };
  const nextAt = (lastPollAt: number) =>
    nextPollAt(options.pollInterval, { sentAt, lastPollAt, timing: state.timing });
  let hasAnswer = true;
  const polling: PollOptions = {
    ...{ clock, signal, deadline, firstAt: plan(nextAt(sentAt)) },
    // A poll without an answer has used all its time, so the next one follows at once.
    nextAt: ({ startedAt, until }) => plan(hasAnswer ? nextAt(startedAt) : until),
  };
  const proof = await pollUntil(polling, async ({ startedAt, until }) => {
    renewConnectionsIfStuck(context, state);
    state.lastPollAt = startedAt;
    const observation = await pollInstance(context, { options, progress, until });
    hasAnswer = observation !== undefined;
    return observation && consider(observation, state, progress);
  });
  if (proof !== undefined) return proof;
  throw notProved({ ...options, ...state, progress, endedAt: clock.now() });
}

interface WatchState {
  history: History;
  /** The conditions that the last usable answer did not meet; empty if there was none. */
  unmet: readonly Unmet[];
  timing: ReportTiming;
  /** When the reply to the restart arrived. */
  readonly startedAt: number;
  /** The longest time between two reports, by the node's clock. */
  heartbeatMs: number;
  /** When the last poll began; at first, when the restart was sent. */
  lastPollAt: number;
  /** When the next poll should begin: at the deadline at the latest, and not before the last poll ended. */
  nextPollAt: number;
  /** When the connections to the controller were last renewed, or first needed. */
  renewedAt: number;
}

const SHORTEST_HEARTBEAT_MS = 5_000;
/** A restart shows within this many heartbeats. An agent that reports nothing for longer is not just slow. */
const HEARTBEATS_OF_EVIDENCE = 3;

function longSilenceMs({ heartbeatMs }: Pick<WatchState, 'heartbeatMs'>): number {
  return HEARTBEATS_OF_EVIDENCE * heartbeatMs;
}

/**
 * A restart that was rejected, but perhaps only after it was carried out, shows within three heartbeats. The step knows their length only
 * once reports arrive: until then, the silence so far counts as one heartbeat. Any other restart has the whole timeout.
 */
function deadlineOf({ reply, deadline }: WatchOptions, state: WatchState, now: number): number {
  if (reply.kind !== 'rejected') return deadline;
  const heartbeatMs = Math.max(state.heartbeatMs, now - state.history.newestAt);
  return Math.min(deadline, state.startedAt + HEARTBEATS_OF_EVIDENCE * heartbeatMs);
}

/** The time between the newest report and the one before; 0 if that is the same or unknown. */
function gapMs(
  { newest: { reportedAt: before } }: History,
  { newest: { reportedAt: after } }: History,
): number {
  return before === undefined || after === undefined ? 0 : millisecondsBetween(before, after);
}

/** A poll that begins this much later than planned: the process was suspended. In milliseconds. */
const SUSPENDED_MS = 5_000;

/**
 * Renews the connections if no new report has come for long: the replica behind them may be stuck while others have newer data. Also after a
 * suspension, between two polls or during one: the connections may be dead.
 */
function renewConnectionsIfStuck({ clock, controller }: RestartContext, state: WatchState): void {
  const now = clock.now();
  const since = Math.max(Math.min(state.history.newestAt, state.lastPollAt), state.renewedAt);
  const wasSuspended = now - state.nextPollAt > SUSPENDED_MS;
  if (!wasSuspended && now - since <= longSilenceMs(state)) return;
  controller.renewConnections();
  state.renewedAt = now;
}

/** Judges an answer: returns the instance if it is the proof, throws if the VM has failed, otherwise notes what is missing. */
function consider(observation: Observation, state: WatchState, progress: ProgressLog): Instance | undefined {
  const { verdict, history } = judge(state.history, observation);
  state.heartbeatMs = Math.max(state.heartbeatMs, gapMs(state.history, history));
  state.history = history;
  if (verdict.kind === 'restarted') return verdict.instance;
  if (verdict.kind === 'failed') throw vmFailed(verdict.reason);
  state.unmet = verdict.unmet;
  state.timing = learn(state.timing, observation);
  progress.note(kindOf(verdict.unmet), `waiting: ${verdict.unmet.map(describeUnmet).join('; ')}`);
  return undefined;
}

interface ReadOptions {
  readonly options: WatchOptions;
  readonly progress: ProgressLog;
  /** Milliseconds on the clock's scale. */
  readonly until: number;
}

/** One answer of the controller; undefined if there was no usable one in time. */
async function pollInstance(
  { controller, clock, signal }: RestartContext,
  { options, progress, until }: ReadOptions,
): Promise<Observation | undefined> {
  const { instanceId } = options.baseline.instance;
  const askedAt = clock.now();
  try {
    const bounds = { deadline: until, signal, onFault: progress.fault };
    const instance = await controller.getInstance(instanceId, bounds);
    if (instance !== undefined) options.onSeen(instance);
    return { askedAt, answeredAt: clock.now(), instance };
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
    hint: 'Check the instance and its node in the controller. A VM that is gone or in Error must be started again.',
  });
}

interface Ending extends Omit<WatchOptions, 'timing'>, WatchState {
  readonly progress: ProgressLog;
  readonly endedAt: number;
}

/** A rejected request fails with its own error: no new boot has shown that it was carried out. */
function notProved(ending: Ending): ActionError {
  const { reply, sentAt, endedAt } = ending;
  if (reply.kind !== 'rejected') return timedOut(ending);
  const { code, message, hint, cause } = reply.error;
  const evidence = `No new boot showed within ${seconds(endedAt - sentAt)}.`;
  return new ActionError(code, `${message} ${evidence}`, {
    hint: `${hint ?? ''} ${MAY_STILL}`.trim(),
    cause,
  });
}

function timedOut(ending: Ending): ActionError {
  const { baseline, reply, sentAt, history, unmet, progress, endedAt } = ending;
  const { newest, newestAt } = history;
  const missing = unmet.length === 0 ? 'any usable answer' : unmet.map(describeUnmet).join('; ');
  const hasNews = newest !== baseline.instance;
  const message = [
    `The restart was sent, but not verified after ${seconds(endedAt - sentAt)}.`,
    ...(reply.kind === 'uncertain'
      ? [`It is unclear whether the controller accepted it: ${reply.reason}.`]
      : []),
    `Missing: ${missing}.`,
    `Last seen: ${describeTrouble(newest)}; before the restart: start_date ${baseline.startDate.text}.`,
    hasNews
      ? `The last new report came ${seconds(endedAt - newestAt)} before the end.`
      : 'No new report has arrived since then.',
    `Answers: ${progress.tally()}.`,
  ];
  const isSilent = !hasNews && endedAt - sentAt > longSilenceMs(ending);
  return new ActionError('timed_out', message.join(' '), {
    hint: hintForTimeout({ reply, unmet, isSilent }),
  });
}

/** Controllers drop a queued task after 24 h. */
const MAY_STILL =
  'The restart may still happen, up to a day later if the node is offline: check the instance before you send another.';

interface Signs {
  readonly reply: RestartReply;
  readonly unmet: readonly Unmet[];
  /** Whether no new report has arrived for a long time. */
  readonly isSilent: boolean;
}

function hintForTimeout({ reply, unmet, isSilent }: Signs): string {
  if (unmet.length === 0) return `The controller gave no usable answer: check that it is up. ${MAY_STILL}`;
  if (reply.kind === 'uncertain') return `Most likely the restart never reached the controller. ${MAY_STILL}`;
  if (isSilent) return `The node's agent reported nothing: check that the node is up. ${MAY_STILL}`;
  return `The node's agent may be busy, or the timeout too short. ${MAY_STILL}`;
}
