import type { InstanceRecord } from '../../simulator/world.ts';
import type { VmOutcome } from '../../src/fleet/step-outcome.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import { renderSummary } from '../../src/report/summary.ts';
import type { GitHubReading } from './github-readings.ts';
import type { Outputs, PlayedStep } from './play-step.ts';
import { type PoolEnd, type TruePool, truePool } from './pool-record.ts';
import type { Contact, Greeting, Period, Recorder, TrueReport } from './recorder.ts';
import { PASSWORD, type Scenario } from './scenario.ts';
import { ROOT_TOKEN } from './setting.ts';
import { GITHUB_TOKEN } from './stage.ts';
import type { Testbed } from './testbed.ts';

/*
 * The record of a run, which the guarantees check: what the step said and what really happened (recorder.ts), for the step and for each VM.
 */

/** What the recorder has, as it is. */
type RecordedName =
  | 'posts'
  | 'tries'
  | 'suspensions'
  | 'contacts'
  | 'mostDenied'
  | 'ownVmNamedAt'
  | 'misdirected';

/** One run: what the step said, and what really happened. Times in milliseconds. */
export interface StepRecord
  extends Pick<PlayedStep, 'outcome' | 'outputs' | 'startedAt' | 'endedAt' | 'cancelledAt'>,
    Pick<Recorder, RecordedName> {
  readonly seed: number;
  readonly scenario: Scenario;
  /** One per VM of the outcome, in its order. */
  readonly vms: readonly VmRecord[];
  /** Kinds of faults that really happened. */
  readonly faults: ReadonlySet<string>;
  /** Instances that the targets name. */
  readonly named: ReadonlySet<string>;
  /** If the VMs are a pool. */
  readonly pool: TruePool | undefined;
  /** Everything that the step wrote, one line each as the runner would read it. */
  readonly written: string;
  readonly secrets: readonly string[];
}

/** One VM in a run, with the record of the run. */
export interface VmRecord extends Omit<StepRecord, 'vms' | 'outcome' | 'outputs' | 'tries'> {
  /** Empty if the step never found it. */
  readonly instanceId: string;
  /** Its name in messages. */
  readonly name: string;
  readonly isAlone: boolean;
  /** Only a pattern names it. */
  readonly fitsOnlyPattern: boolean;
  readonly outcome: VmOutcome;
  /** Its object in `results`; and the step's outputs if it is the only VM. */
  readonly outputs: Outputs;
  /** When its `timeout` began, and when the step was done with it. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** When each attempt of its restart began, even if it never left. */
  readonly tries: readonly number[];
  /** Whether the step had a good answer of the controller, and when it sent its first request after the last one. */
  readonly hadGoodAnswer: boolean;
  readonly askedSince: number | undefined;
  /** All its boots, no matter which client asked for them. */
  readonly boots: readonly TrueBoot[];
  /** What the agent reported about it, in order. */
  readonly reports: readonly TrueReport[];
  readonly isUp: boolean;
  /** The number of undamaged answers about it that reached the step. */
  readonly answersSeen: number;
  /** When the step began its last request that may have been about it. */
  readonly lastBegunAt: number;
  /** When its external ID was changed, if it was. */
  readonly renamedAt: number | undefined;
  /** The GitHub runners in it, if the step guards them. */
  readonly runners: readonly TrueRunner[];
  /** Its guest, if the step waits for it. */
  readonly guest: TrueGuest | undefined;
}

interface TrueBoot {
  readonly at: number;
  /** Whether the step asked for it. */
  readonly isOurs: boolean;
}

export interface TrueRunner {
  readonly jobs: readonly {
    readonly startedAt: number;
    readonly endsAt: number;
    readonly killedAt: number | undefined;
    /** Of a killed one: GitHub shows the runner busy with it until then. */
    readonly heldUntil: number | undefined;
    readonly runId: number;
    readonly isKilledByUs: boolean;
  }[];
  /** When it began to take jobs, for each boot after which it did. */
  readonly begins: readonly number[];
  readonly isListening: boolean;
  /** When it had no registration, because it was to be registered again. */
  readonly absences: readonly Period[];
  /** The quota for this hour is used up. */
  readonly isQuotaUsedUp: boolean;
  /** GitHub's answers about it and its jobs that reached the step, damaged or not. */
  readonly readings: readonly GitHubReading[];
}

interface TrueGuest {
  /** When it was up, for each boot after which it was. */
  readonly stretches: readonly (Period & { readonly bootedAt: number })[];
  /** Each time the VM was stopped or booted, or its ports were swapped. */
  readonly changes: readonly number[];
  /** Banners that reached the step from addresses that had been reported for this guest. */
  readonly greetings: readonly Greeting[];
}

/** A scenario on its testbed. */
export interface Run {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly testbed: Testbed;
}

/** @param faults the kinds that happened */
export function recordOf(
  { seed, scenario, testbed }: Run,
  played: PlayedStep,
  { faults, ...end }: PoolEnd & Pick<StepRecord, 'faults'>,
): StepRecord {
  const { outcome, outputs, startedAt, endedAt, cancelledAt, terminal } = played;
  const { stage, recorder } = testbed;
  const { posts, tries, suspensions, contacts, mostDenied, misdirected, ownVmNamedAt } = recorder;
  const step = {
    ...{ seed, scenario, outcome, outputs, startedAt, endedAt, cancelledAt },
    ...{ posts, tries, suspensions, contacts, mostDenied, misdirected, ownVmNamedAt },
    ...{ faults, named: namedIn(testbed, scenario) },
    pool: scenario.pool && truePool(stage, recorder.pool, end),
    written: [...played.written, renderSummary(outcome, terminal.clean)].join('\n'),
    secrets: [PASSWORD, ROOT_TOKEN, GITHUB_TOKEN, ...recorder.tokens],
  };
  const vms = outcome.vms.map((vm, index) =>
    vmRecordOf(step, vm, { result: played.results[index] ?? {}, testbed }),
  );
  return { ...step, vms };
}

function vmRecordOf(
  step: Omit<StepRecord, 'vms'>,
  outcome: VmOutcome,
  { result, testbed }: { readonly result: Outputs; readonly testbed: Testbed },
): VmRecord {
  const { scenario, outputs } = step;
  const { recorder } = testbed;
  const isAlone = scenario.vms.length === 1;
  const [only] = isAlone ? testbed.records : [];
  const instanceId = outcome.before?.instanceId ?? only?.instanceId ?? instanceIdOf(outcome) ?? '';
  const record = testbed.world.records.find((one) => one.instanceId === instanceId);
  const { externalId } = record === undefined ? {} : recorder.firstNamesOf(record);
  const tries = step.tries.filter((one) => one.instanceId === instanceId).map(({ at }) => at);
  const endedAt = outcome.endedAt ?? step.endedAt;
  const hasOwnStart = !isAlone || scenario.pool?.usedByJob !== undefined;
  const ofVm = recorder.reports.get(instanceId) ?? [];
  const begun = recorder.begun.findLast(
    ({ at, instanceId: about = instanceId }) => about === instanceId && at <= endedAt,
  );
  return {
    ...step,
    ...{ instanceId, isAlone, outcome, tries, endedAt, reports: ofVm },
    name: outcome.name,
    fitsOnlyPattern: !scenario.step.targets.includes(externalId ?? outcome.name),
    outputs: { ...result, ...(isAlone && outputs) },
    startedAt: hasOwnStart ? (ownStartOf(step, outcome, tries) ?? step.startedAt) : step.startedAt,
    posts: step.posts.filter((post) => post.instanceId === instanceId),
    ...lastAnswerIn(step.contacts, endedAt),
    boots: testbed.world.boots.flatMap(({ instanceId: id, at, requestId = '' }) =>
      id === instanceId ? [{ at, isOurs: recorder.requestIds.has(requestId) }] : [],
    ),
    isUp: record?.vm?.power === 'running' && record.state === 'Started',
    answersSeen: recorder.answersSeen.get(instanceId) ?? 0,
    lastBegunAt: begun?.at ?? 0,
    renamedAt: recorder.renamedAt.get(instanceId),
    runners: record === undefined ? [] : trueRunners(testbed, record, endedAt),
    guest: trueGuest(recorder, scenario, { instanceId, endedAt, reports: ofVm }),
  };
}

function instanceIdOf({ last, target }: VmRecord['outcome']): string | undefined {
  return last?.instanceId ?? (target?.by === 'instance_id' ? target.id : undefined);
}

/** With several VMs, `timeout` begins when a VM gets its slot; if a pattern or a job names only one VM, with its first read. */
function ownStartOf(
  { outcome: { vms } }: Pick<StepRecord, 'outcome'>,
  { moments }: VmRecord['outcome'],
  tries: readonly number[],
): number | undefined {
  const [first] = tries;
  if (first === undefined || vms.length === 1) return moments.started;
  return Math.min(first, moments.gateAnswered ?? first);
}

function lastAnswerIn(contacts: readonly Contact[], until: number) {
  const before = contacts.filter(({ at }) => at <= until);
  const last = before.findLastIndex(({ kind }) => kind === 'good answer');
  return { hadGoodAnswer: last >= 0, askedSince: before[last + 1]?.at };
}

function namedIn({ world, recorder }: Testbed, { step }: Scenario): Set<string> {
  const isNamed = (name: string) =>
    step.targets.some((target) => target === name || (target.includes('*') && fits(name, target)));
  return new Set(
    world.records
      .filter((record) => isNamed(recorder.firstNamesOf(record).externalId ?? ''))
      .map(({ instanceId }) => instanceId),
  );
}

/** A pattern with one `*`. */
function fits(name: string, pattern: string): boolean {
  const [start = '', end = ''] = pattern.split('*');
  return name.startsWith(start) && name.endsWith(end) && name.length >= start.length + end.length;
}

function trueRunners(testbed: Testbed, record: InstanceRecord, endedAt: number): TrueRunner[] {
  const { isQuotaUsedUp, recorder } = testbed;
  const { requestIds, readings, absences } = recorder;
  return testbed.runnersOf(record).map((runner) => ({
    jobs: runner.jobs.map(({ runId, startedAt, endsAt, killedAt, heldUntil, killedBy = '' }) => {
      return { runId, startedAt, endsAt, killedAt, heldUntil, isKilledByUs: requestIds.has(killedBy) };
    }),
    ...{ begins: runner.begins, isListening: runner.isListening, isQuotaUsedUp },
    absences: absences.filter((absence) => absence.runner === runner),
    readings: readings.filter((reading) => reading.runner === runner && reading.at <= endedAt),
  }));
}

interface OfGuest {
  readonly instanceId: string;
  readonly endedAt: number;
  readonly reports: readonly TrueReport[];
}

function trueGuest(
  recorder: Recorder,
  { guest }: Scenario,
  { instanceId, endedAt, reports }: OfGuest,
): TrueGuest | undefined {
  if (guest === undefined) return undefined;
  const changes = recorder.changes.filter((change) => change.instanceId === instanceId);
  const power = changes.filter(({ kind }) => kind !== 'ports');
  const stretches = power.flatMap(({ kind, at: bootedAt }, index) => {
    const from = bootedAt + guest.habits.bootMs;
    const until = power[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const isUp = kind === 'booted' && guest.habits.fault === undefined && from < until;
    return isUp ? [{ bootedAt, from, until }] : [];
  });
  const greetings = recorder.greetings.filter(({ at, address }) => {
    const earlier = reports.filter((report) => report.at <= at);
    // The last report counts, however old: its agent may have fallen silent.
    const known = earlier.filter(
      (report, index) => report.at >= at - RECENT_MS || index === earlier.length - 1,
    );
    return at <= endedAt && known.some(({ addresses }) => addresses.some((one) => isSame(one, address)));
  });
  return { stretches, changes: changes.map(({ at }) => at), greetings };
}

/** An address may be as old as a replica's copy, and a connection takes time. */
const RECENT_MS = 90_000;

function isSame(one: TrueReport['addresses'][number], { host, port }: GuestAddress): boolean {
  return one.host === host && one.port === port;
}
