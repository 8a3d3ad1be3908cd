import { type Instance, WELL_KNOWN } from '../src/controller/instance.ts';
import { compareInstants, millisecondsBetween } from '../src/dates.ts';
import type { ErrorCode } from '../src/errors.ts';
import { isOlder } from '../src/restart/ordering.ts';
import type { Outcome } from '../src/restart/outcome.ts';
import { type Refusal, refusalTo } from './answers.ts';
import { isAccepted, type ProbeResult } from './probe.ts';
import {
  type Observation,
  observationsIn,
  type ProbeNote,
  type Recording,
  type RestartNotes,
  type RunnerReading,
} from './recorder.ts';
import type { ClockOffset, Heartbeat } from './timing.ts';

/** The observations during one restart. Times are milliseconds since it was sent. */
export interface RestartFacts {
  readonly restarted: Outcome['restarted'];
  readonly errorCode: ErrorCode | undefined;
  readonly answer: Refusal | undefined;
  /** When the VM stopped and booted, by the node's dates, as far as the clocks can be compared. */
  readonly stoppedAfterMs: number | undefined;
  readonly bootedAfterMs: number | undefined;
  readonly shownAfterMs: number | undefined;
  readonly verifiedAfterMs: number | undefined;
  /** States that answers showed for a short time, in order. */
  readonly passing: readonly Passing[];
  /** How long answers showed `Error`. */
  readonly errorMs: number;
  /** Answers without the instance. */
  readonly vanished: number;
  /** Whether the report that first showed the boot was early, outside the heartbeat; undefined if the report timing is unknown. */
  readonly isReportedOutOfTurn: boolean | undefined;
  readonly hasMessageLeft: boolean;
  readonly ports: PortFacts | undefined;
  readonly guest: GuestFacts | undefined;
}

export interface Passing {
  readonly afterMs: number;
  /** A documented word, or `another`. */
  readonly state: string;
  readonly status: string;
  readonly isNewBoot: boolean;
}

export interface PortFacts {
  readonly forwarded: number;
  readonly changed: number;
  readonly isSshChanged: boolean;
  readonly isVncChanged: boolean;
}

/** The VM's SSH server, through the forwarded port. */
export interface GuestFacts {
  readonly before: ProbeResult | undefined;
  readonly goneAfterMs: number | undefined;
  /** When the forwarder accepted connections again, and when SSH answered. */
  readonly acceptedAfterMs: number | undefined;
  readonly bannerAfterMs: number | undefined;
  /** Attempts in which something accepted the connection and sent nothing. */
  readonly silent: number;
  /** Whether anything answered at the former port after the VM had moved to another. */
  readonly answersAtFormerPort: boolean;
}

export interface Comparables {
  readonly controller: ClockOffset | undefined;
  readonly nodes: ReadonlyMap<string, ClockOffset>;
  readonly heartbeats: ReadonlyMap<string, Heartbeat>;
}

/** Undefined if nothing was sent. */
export function restartOf(recording: Recording, comparables: Comparables): RestartFacts | undefined {
  const { restart, recorder } = recording;
  const sentAt = restart?.outcome.moments.sent;
  if (restart === undefined || sentAt === undefined) return undefined;
  const { outcome, before } = restart;
  const after = recorder.exchanges.filter(({ askedAt }) => askedAt >= sentAt);
  const id = before?.instanceId ?? outcome.before?.instanceId;
  const seen = withoutStepsBack(observationsIn(after).filter(({ instance }) => instance.instanceId === id));
  const shown = seen.find(({ instance }) => isNewBoot(restart, instance));
  const last = seen.at(-1)?.instance ?? outcome.last;
  return {
    restarted: outcome.restarted,
    errorCode: outcome.error?.code,
    answer: refusalTo(recorder.exchanges, 'restart'),
    ...bootMoments(restart, { last, sentAt, recording, comparables }),
    shownAfterMs: shown && shown.answeredAt - sentAt,
    verifiedAfterMs: outcome.durationMs,
    passing: passingOf(seen, restart, sentAt),
    errorMs: errorTime(seen),
    vanished: vanishedIn(after, id),
    isReportedOutOfTurn: shown && isOutOfTurn(restart, { seen, shown, comparables }),
    hasMessageLeft: last?.message !== undefined,
    ports: before && last && portsOf(before, last),
    guest: guestOf(recording.restartProbes, sentAt),
  };
}

/** Without answers that are older than an earlier one: they show a past state. */
function withoutStepsBack(observations: readonly Observation[]): Observation[] {
  let newest: Instance | undefined;
  return observations.filter(({ instance }) => {
    if (newest !== undefined && isOlder(instance, newest)) return false;
    newest = instance;
    return true;
  });
}

function isNewBoot({ before }: RestartNotes, { startDate }: Instance): boolean {
  if (startDate === undefined) return false;
  return before?.startDate === undefined || compareInstants(startDate, before.startDate) !== 0;
}

interface BootContext {
  readonly last: Instance | undefined;
  readonly sentAt: number;
  readonly recording: Recording;
  readonly comparables: Comparables;
}

/** Dates are mostly truncated to whole seconds: on average, half a second is missing. */
const HALF_SECOND_MS = 500;

/** Converts the node's dates to this machine's clock, with the known difference between the two. */
function bootMoments(restart: RestartNotes, { last, sentAt, recording, comparables }: BootContext) {
  const node = comparables.nodes.get(last?.nodeId ?? '');
  const { controller } = comparables;
  const isKnown =
    last !== undefined && isNewBoot(restart, last) && node !== undefined && controller !== undefined;
  const place = (moment: Instance['startDate']) => {
    if (!isKnown || moment === undefined) return undefined;
    const epochMs =
      Number(moment.epochNanoseconds / 1_000_000n) + (moment.text.includes('.') ? 0 : HALF_SECOND_MS);
    return epochMs - node.aheadMs - controller.aheadMs - recording.epochAtZeroMs - sentAt;
  };
  return { stoppedAfterMs: place(last?.stopDate), bootedAfterMs: place(last?.startDate) };
}

function passingOf(seen: readonly Observation[], restart: RestartNotes, sentAt: number): Passing[] {
  const passing: Passing[] = [];
  for (const { instance, answeredAt } of seen) {
    const { state, status = 'none' } = instance;
    const now = { state: asWord(state), status: asWord(status), isNewBoot: isNewBoot(restart, instance) };
    const last = passing.at(-1);
    const isSame =
      last?.state === now.state && last.status === now.status && last.isNewBoot === now.isNewBoot;
    if (!isSame) passing.push({ afterMs: answeredAt - sentAt, ...now });
  }
  return passing.slice(0, MOST_PASSING);
}

const MOST_PASSING = 50;

/** A report contains no text from outside, except documented words. */
function asWord(text: string): string {
  return text === 'none' || WELL_KNOWN.has(text) ? text : 'another';
}

/** The sum of all times from the first answer that shows it to the next one that does not. */
function errorTime(seen: readonly Observation[]): number {
  return seen.reduce((sum, { instance, answeredAt }, index) => {
    const next = seen[index + 1];
    return instance.state === 'Error' && next !== undefined ? sum + next.answeredAt - answeredAt : sum;
  }, 0);
}

function vanishedIn(exchanges: Recording['recorder']['exchanges'], id: string | undefined): number {
  const asked = exchanges.filter(
    ({ call, answer }) => (call === 'one' || call === 'list') && answer !== undefined,
  );
  return asked.filter(({ answer }) => {
    const isGone = answer?.envelope === 'FAIL' || answer?.envelope === 'OK';
    return isGone && !answer.instances.some(({ instanceId }) => instanceId === id);
  }).length;
}

/** A report that arrives after less than this share of the period is outside the heartbeat. */
const IN_TURN = 0.7;

interface ReportContext {
  readonly seen: readonly Observation[];
  readonly shown: Observation;
  readonly comparables: Comparables;
}

function isOutOfTurn(
  { before }: RestartNotes,
  { seen, shown, comparables }: ReportContext,
): boolean | undefined {
  const periodMs = comparables.heartbeats.get(shown.instance.nodeId ?? '')?.periodMs;
  const reportedAt = shown.instance.reportedAt;
  const earlier = [before, ...seen.map(({ instance }) => instance)].flatMap((instance) => {
    const date = instance?.reportedAt;
    return date && reportedAt && compareInstants(date, reportedAt) < 0
      ? [millisecondsBetween(date, reportedAt)]
      : [];
  });
  if (periodMs === undefined || earlier.length === 0) return undefined;
  return Math.min(...earlier) < IN_TURN * periodMs;
}

function portsOf(before: Instance, after: Instance): PortFacts {
  const former = new Map(before.portForwarding.map((port) => [portName(port), port.hostPort]));
  const changed = after.portForwarding.filter((port) => former.get(portName(port)) !== port.hostPort);
  return {
    forwarded: after.portForwarding.length,
    changed: changed.length,
    isSshChanged: changed.some(({ guestPort }) => guestPort === 22),
    isVncChanged: before.vncPort !== after.vncPort,
  };
}

function portName({ guestPort, protocol = 'tcp' }: Instance['portForwarding'][number]): string {
  return `${guestPort}/${protocol.toLowerCase()}`;
}

function guestOf(probes: readonly ProbeNote[], sentAt: number): GuestFacts | undefined {
  if (probes.length === 0) return undefined;
  const before = probes.findLast(({ at }) => at < sentAt);
  const after = probes.filter(({ at }) => at >= sentAt);
  const moved = after.filter(({ isFormerPort }) => !isFormerPort);
  // Once the VM has moved to another port, the former port is no longer its own.
  const ours = after.filter(({ at, isFormerPort }) => !isFormerPort || !moved.some((one) => one.at <= at));
  const gone = before?.result === 'banner' ? ours.find(({ result }) => result !== 'banner') : undefined;
  const back = ours.filter(({ at }) => gone !== undefined && at > gone.at);
  const accepted = back.find(({ result }) => isAccepted(result));
  const banner = back.find(({ result }) => result === 'banner');
  const since = (note: ProbeNote | undefined) => note && note.at - sentAt;
  return {
    before: before?.result,
    goneAfterMs: since(gone),
    acceptedAfterMs: since(accepted),
    bannerAfterMs: since(banner),
    silent: ours.filter(({ result }) => isAccepted(result) && result !== 'banner').length,
    answersAtFormerPort: after.some(
      ({ at, isFormerPort, result }) =>
        isFormerPort && result === 'banner' && moved.some((one) => one.at <= at),
    ),
  };
}

/** What GitHub showed about the runner. Times are milliseconds since the restart was sent. */
export interface RunnerFacts {
  readonly reads: number;
  /** Runners with that name in the last read. */
  readonly matches: number;
  readonly wasOnline: boolean | undefined;
  readonly wasBusy: boolean | undefined;
  /** When GitHub first showed it offline, and online again after that. */
  readonly offlineAfterMs: number | undefined;
  readonly onlineAfterMs: number | undefined;
  readonly isNewRegistration: boolean;
  /** The action's verdict. */
  readonly status: string | undefined;
}

/** Undefined if the survey did not ask GitHub. */
export function runnerOf({ runnerReadings, restart }: Recording): RunnerFacts | undefined {
  if (runnerReadings.length === 0) return undefined;
  const sentAt = restart?.outcome.moments.sent ?? Number.POSITIVE_INFINITY;
  const before = runnerReadings.findLast(({ at }) => at < sentAt);
  const after = runnerReadings.filter(({ at }) => at >= sentAt);
  const offline = after.find(({ matches, isOnline }) => matches === 1 && !isOnline);
  const online = after.find(({ at, isOnline }) => offline !== undefined && at > offline.at && isOnline);
  const since = (reading: RunnerReading | undefined) => reading && reading.at - sentAt;
  return {
    reads: runnerReadings.length,
    matches: runnerReadings.at(-1)?.matches ?? 0,
    wasOnline: before?.isOnline,
    wasBusy: before?.isBusy,
    offlineAfterMs: since(offline),
    onlineAfterMs: since(online),
    isNewRegistration: new Set(runnerReadings.flatMap(({ id }) => id ?? [])).size > 1,
    status: restart?.outcome.runner?.status,
  };
}
