import type { SimulatedRunner } from '../../simulator/github-world.ts';
import { createRandom, type Random } from '../../simulator/random.ts';
import type { InstanceRecord } from '../../simulator/world.ts';
import type { DrainState } from '../../src/drain/drain.ts';
import type { VmOutcome } from '../../src/fleet/step-outcome.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import { renderSummary } from '../../src/report/summary.ts';
import type { GitHubReading } from './github-readings.ts';
import { inputsFor } from './inputs.ts';
import { scheduleOtherStep } from './other-step.ts';
import { type Outputs, type PlayedStep, playStep } from './play-step.ts';
import { RUN_ID } from './pool-scenario.ts';
import { isDrained, type OtherRecord, playPostStep, type TruePool, truePool } from './pool-stage.ts';
import {
  drawFleetScenario,
  drawPoolScenario,
  drawScenario,
  hasSeveralRunners,
  PASSWORD,
  type Scenario,
} from './scenario.ts';
import { GITHUB_TOKEN } from './stage.ts';
import { type Contact, type Greeting, type RestartPost, ROOT_TOKEN, Testbed } from './testbed.ts';

/*
 * One run, from its seed to its record: scenario.ts draws what goes wrong, testbed.ts and events.ts make it happen, and play-step.ts plays
 * the real step in it with inputs from inputs.ts. The record has what the step said and what really happened, for the step and for each
 * VM; guarantees.ts checks it. New faults and events need no change here; one that is present from the start gets a line in faultsOf, so
 * that it is counted.
 */

/** One run: what the step said, and what really happened. Times in milliseconds. */
export interface StepRecord
  extends Pick<PlayedStep, 'outcome' | 'outputs' | 'startedAt' | 'endedAt' | 'cancelledAt'> {
  readonly seed: number;
  readonly scenario: Scenario;
  /** One per VM of the outcome, in its order. */
  readonly vms: readonly VmRecord[];
  readonly posts: readonly RestartPost[];
  readonly tries: Testbed['tries'];
  /** When the step was suspended, and when it woke. */
  readonly suspensions: Testbed['suspensions'];
  readonly contacts: readonly Contact[];
  /** The most requests in a row that got 401. */
  readonly mostDenied: number;
  /** When an answer first showed the name of the VM that the step runs in; undefined if it runs elsewhere. */
  readonly ownVmNamedAt: number | undefined;
  /** Kinds of faults that really happened. */
  readonly faults: ReadonlySet<string>;
  /** Requests to a wrong server, or with credentials for another one. */
  readonly misdirected: readonly string[];
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
  /** The GitHub runners in it, if the step guards them. */
  readonly runners: readonly TrueRunner[];
  /** Its guest, if the step waits for it. */
  readonly guest: TrueGuest | undefined;
}

export interface TrueBoot {
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
  readonly absences: readonly { readonly from: number; readonly until: number }[];
  /** The quota for this hour is used up. */
  readonly isQuotaUsedUp: boolean;
  /** GitHub's answers about it and its jobs that reached the step, damaged or not. */
  readonly readings: readonly GitHubReading[];
}

export interface TrueGuest {
  /** When it was up, for each boot after which it was. */
  readonly stretches: readonly { readonly bootedAt: number; readonly from: number; readonly until: number }[];
  /** Each time the VM was stopped or booted, or its ports were swapped. */
  readonly changes: readonly number[];
  /** Banners that reached the step from addresses that had been reported for this guest. */
  readonly greetings: readonly Greeting[];
}

export interface TrueReport {
  readonly at: number;
  readonly state: string;
  readonly power: string;
  /** When the VM really booted, and the same by the node's clock in whole seconds. */
  readonly bootedAt: number;
  readonly startDateMs: number;
  /** By the node's clock. */
  readonly timestampMs: number;
  /** The addresses of its guest: the node with the forwarded port, and the VM itself. */
  readonly addresses: readonly { readonly host: string | undefined; readonly port: number }[];
}

export interface RunOptions {
  /** Whether the step is about 2 to 12 VMs. */
  readonly isFleet?: boolean;
  /** Whether the VMs, one or several, are a pool between jobs. */
  readonly isPool?: boolean;
  /** Changes the scenario after it was drawn. */
  readonly change?: (scenario: Scenario) => Scenario;
  /** Called with a line for each thing that happens, in order. */
  readonly log?: (line: string) => void;
}

/** One run of the real step in a simulated world; the same seed gives the same run. */
export async function runOnce(seed: number, options: RunOptions = {}): Promise<StepRecord> {
  const { isFleet = false, isPool = false, change = (scenario) => scenario, log } = options;
  const random = createRandom(seed);
  const draw = isPool ? drawPoolScenario : isFleet ? drawFleetScenario : drawScenario;
  const scenario = change(draw(random.fork('scenario'), seed));
  const testbed = new Testbed({ scenario, random: random.fork('testbed'), log });
  const reports = noteReports(testbed);
  const playingOther = scheduleOther(testbed, { scenario, random, log });
  await testbed.letHistoryPass();
  const { played, drains } = await play(testbed, { scenario, random, log });
  testbed.isStepOver = true;
  const postWarnings = drains.length === 0 ? [] : await playPost(testbed, scenario, drains);
  const { github } = testbed.stage;
  const drainedRunners = github.runners.filter((runner) => isDrained(testbed.stage, runner));
  const other = playingOther && (await testbed.stage.time.run(playingOther));
  await letTimePass(testbed, testbed.stage.startsAt + scenario.step.timeoutMs);
  return recordOf(played, { seed, scenario, testbed, reports, postWarnings, drainedRunners, other });
}

interface Playing {
  readonly log: RunOptions['log'] | undefined;
  readonly scenario: Scenario;
  readonly random: Random;
}

/** @returns also what the post step must restore */
async function play(testbed: Testbed, { scenario, random, log }: Playing) {
  const { stage } = testbed;
  const { ownName } = testbed;
  const environment = {
    ...stage.environment,
    ...(scenario.pool && { GITHUB_RUN_ID: RUN_ID }),
    // Runner names are the same in upper and lower case.
    ...(ownName && { RUNNER_NAME: ownName.toUpperCase() }),
  };
  const host = { ...stage, environment, random: random.fork('step').next };
  let drains: DrainState = [];
  const played = await playStep(host, inputsFor(scenario, testbed.records), {
    onAnnounce: (outputs) => testbed.announce(outputs),
    onDrains: (state) => {
      drains = state;
    },
    ...(log && { onLine: (line) => log(`             | ${line}`) }),
  });
  return { played, drains };
}

function playPost(testbed: Testbed, scenario: Scenario, drains: DrainState): Promise<string[]> {
  const { stage, records } = testbed;
  return stage.time.run(playPostStep(stage, inputsFor(scenario, records), JSON.stringify(drains)));
}

/** The other step of the scenario, if there is one. */
function scheduleOther({ stage, records }: Testbed, { scenario, random, log }: Playing) {
  const { other } = scenario.pool?.drain ?? {};
  if (other === undefined) return undefined;
  const ended = scheduleOtherStep({
    ...{ stage, other, inputs: inputsFor(scenario, records), latencyMs: scenario.network.latencyMs },
    ...{ random: random.fork('other step'), log },
  });
  // It may fail before it is waited for.
  ended.catch(() => {});
  return ended;
}

/** Lets time pass until all requests have arrived and the deadline has passed: then each VM's fate is known. */
async function letTimePass(testbed: Testbed, deadline: number): Promise<void> {
  const { time, world } = testbed.stage;
  const isPostOnItsWay = testbed.posts.some(({ arrivedAt }) => arrivedAt === undefined);
  const until = Math.max(deadline, isPostOnItsWay ? testbed.arrivesAt + 1 : 0);
  await time.run(time.clock.sleep(Math.max(0, until - time.now()), new AbortController().signal));
  world.advanceTo(time.now());
}

type Reports = Map<string, TrueReport[]>;

interface Played {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly testbed: Testbed;
  readonly reports: Reports;
  readonly postWarnings: readonly string[];
  /** The runners that were drained when the post step had ended. */
  readonly drainedRunners: readonly SimulatedRunner[];
  readonly other: OtherRecord | undefined;
}

function recordOf(
  played: PlayedStep,
  { seed, scenario, testbed, reports, postWarnings, drainedRunners, other }: Played,
): StepRecord {
  const { outcome, outputs, startedAt, endedAt, cancelledAt, terminal } = played;
  const { posts, tries, suspensions, contacts, mostDenied, misdirected, ownVmNamedAt } = testbed;
  const warnings = [...played.warnings, ...postWarnings];
  const step = {
    ...{ seed, scenario, outcome, outputs, startedAt, endedAt, cancelledAt },
    ...{ posts, tries, suspensions, contacts, mostDenied, misdirected, ownVmNamedAt },
    faults: faultsOf(testbed, scenario),
    named: namedIn(testbed, scenario),
    pool: scenario.pool && truePool(testbed, { warnings, drainedRunners, other }),
    written: [...played.written, renderSummary(outcome, terminal.clean)].join('\n'),
    secrets: [PASSWORD, ROOT_TOKEN, GITHUB_TOKEN, ...testbed.tokens],
  };
  const vms = outcome.vms.map((vm, index) =>
    vmRecordOf(step, vm, { result: played.results[index] ?? {}, testbed, reports }),
  );
  return { ...step, vms };
}

function vmRecordOf(
  step: Omit<StepRecord, 'vms'>,
  outcome: VmOutcome,
  { result, testbed, reports }: { readonly result: Outputs } & Pick<Played, 'testbed' | 'reports'>,
): VmRecord {
  const { scenario, outputs } = step;
  const isAlone = scenario.vms.length === 1;
  const [only] = isAlone ? testbed.records : [];
  const instanceId = outcome.before?.instanceId ?? only?.instanceId ?? instanceIdOf(outcome) ?? '';
  const record = testbed.world.records.find((one) => one.instanceId === instanceId);
  const tries = step.tries.filter((one) => one.instanceId === instanceId).map(({ at }) => at);
  const endedAt = outcome.endedAt ?? step.endedAt;
  const hasOwnStart = !isAlone || scenario.pool?.usedByJob !== undefined;
  const ofVm = reports.get(instanceId) ?? [];
  const begun = testbed.begun.findLast(
    ({ at, instanceId: about = instanceId }) => about === instanceId && at <= endedAt,
  );
  return {
    ...step,
    ...{ instanceId, isAlone, outcome, tries, endedAt, reports: ofVm },
    name: outcome.name,
    fitsOnlyPattern: !scenario.step.targets.includes(record?.externalId ?? outcome.name),
    outputs: { ...result, ...(isAlone && outputs) },
    startedAt: hasOwnStart ? (ownStartOf(step, outcome, tries) ?? step.startedAt) : step.startedAt,
    posts: step.posts.filter((post) => post.instanceId === instanceId),
    ...lastAnswerIn(step.contacts, endedAt),
    boots: testbed.world.boots.flatMap(({ instanceId: id, at, requestId = '' }) =>
      id === instanceId ? [{ at, isOurs: testbed.requestIds.has(requestId) }] : [],
    ),
    isUp: record?.vm?.power === 'running' && record.state === 'Started',
    answersSeen: testbed.answersSeen.get(instanceId) ?? 0,
    lastBegunAt: begun?.at ?? 0,
    runners: record === undefined ? [] : trueRunners(testbed, record, endedAt),
    guest: trueGuest(testbed, scenario, { instanceId, endedAt, reports: ofVm }),
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

function namedIn({ world }: Testbed, { step }: Scenario): Set<string> {
  const isNamed = (name: string) =>
    step.targets.some((target) => target === name || (target.includes('*') && fits(name, target)));
  return new Set(
    world.records.filter(({ externalId = '' }) => isNamed(externalId)).map(({ instanceId }) => instanceId),
  );
}

/** A pattern with one `*`. */
function fits(name: string, pattern: string): boolean {
  const [start = '', end = ''] = pattern.split('*');
  return name.startsWith(start) && name.endsWith(end) && name.length >= start.length + end.length;
}

/** The kinds of faults that happened: of requests, events and the world, and those present from the start. */
function faultsOf({ faults, world }: Testbed, { world: options, ...scenario }: Scenario): Set<string> {
  const { count, lagMs } = scenario.replicas;
  const standing: readonly [string, boolean][] = [
    ['lagging replica', count > 1 && lagMs > 0],
    ['clock off', options.clockSkewMs !== 0],
    ['step that begins within a second', scenario.startsAfterMs > 0],
    ['answers dated by a wrong clock', scenario.dateErrorsMs.length > 0],
    ['answers dated by several clocks', scenario.dateErrorsMs.length > 1],
    ['local dates', options.writesLocalDates === true],
    ['new ports after a restart', options.reassignsPorts === true],
    ['handshake in another form', scenario.handshakeForms.length > 0 && scenario.step.identity === 'api_key'],
    ['dateless boot', options.datelessMs !== 0],
    ['restart just before', scenario.vms.some(({ restartedBeforeMs }) => restartedBeforeMs !== undefined)],
    ['VM that does not restart', scenario.vms.some(({ trouble }) => trouble !== undefined)],
    ['message left over', scenario.leavesMessage],
    ['step in the VM', scenario.runsInVm !== undefined],
    ['uneven records', options.oneLacks !== undefined],
    ['runner', scenario.runner !== undefined],
    ['several runners in a VM', hasSeveralRunners(scenario)],
    ['service that does not start', scenario.runner?.startsAfterBoot === false],
    ['jobs that cannot be read', scenario.runner?.showsJobs === false],
    ['long list', scenario.runner?.longList !== undefined],
    ['list that lies about its length', scenario.runner?.longList?.totals !== undefined],
    ['pages that shift', scenario.runner?.pagesShiftEveryMs !== undefined],
    ['guest', scenario.guest !== undefined],
    ['guest with a fault', scenario.guest?.habits.fault !== undefined],
    ['nodes out of reach', scenario.guest?.isReachable === false],
    ['no port for SSH', options.forwardsSsh === false],
    ['quota used up', scenario.runner?.quota === 50],
    ['name with a secret', options.nameStem !== 'vm'],
    ...poolTraits(scenario.pool),
    ['cancelled', scenario.cancelAfterMs !== undefined],
    ['dry run', scenario.step.dryRun],
  ];
  return new Set([...faults, ...world.mishaps, ...standing.flatMap(([kind, isSo]) => (isSo ? [kind] : []))]);
}

function poolTraits(pool: Scenario['pool']): [string, boolean][] {
  if (pool === undefined) return [];
  return [
    ['one-job runners', pool.takesOneJob],
    ['runner_ephemeral that is wrong', pool.takesOneJob !== pool.saysEphemeral && pool.drain === undefined],
    ['wrong scope', pool.hasWrongScope],
    ['sweep', pool.isSweep],
    ['used_by_job', pool.usedByJob !== undefined],
    ['drain', pool.drain !== undefined],
    ['labels refused', pool.drain?.refused !== undefined],
    ['foreign drain', pool.drain?.foreign !== undefined],
    ['labels reset', pool.drain?.reset !== undefined],
    ['outdated reads of labels', pool.drain?.readsLagMs !== undefined],
    ['another step with a drain', pool.drain?.other !== undefined],
    ['another step that is killed', pool.drain?.other?.killed !== undefined],
    ['lost machine of another step', pool.drain?.other?.killed?.losesMachine === true],
    ['token that expires', pool.drain?.token?.isInstallation === false],
    ['installation token', pool.drain?.token?.isInstallation === true],
    ['all shown offline', pool.outage !== undefined],
  ];
}

/** Records what the agents report from now on. */
function noteReports({ world }: Testbed): Reports {
  const reports: Reports = new Map();
  world.onReport = (record) => {
    const report = trueReport(record);
    if (report === undefined) return;
    const known = reports.get(record.instanceId);
    if (known === undefined) reports.set(record.instanceId, [report]);
    else known.push(report);
  };
  return reports;
}

function trueReport({ state, report, node }: InstanceRecord): TrueReport | undefined {
  if (report === undefined) return undefined;
  const { vm, readAt, skewMs } = report;
  const { power, bootedAt } = vm;
  return {
    ...{ at: readAt, state, power, bootedAt },
    startDateMs: Math.floor((vm.bootedAt + vm.bootSkewMs) / 1_000) * 1_000,
    timestampMs: Math.floor(readAt + skewMs),
    addresses: [
      { host: node?.ip, port: vm.sshPort },
      { host: vm.ip, port: SSH_PORT },
    ],
  };
}

const SSH_PORT = 22;

function trueRunners(testbed: Testbed, record: InstanceRecord, endedAt: number): TrueRunner[] {
  const { requestIds, readings, absences, isQuotaUsedUp } = testbed;
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
  testbed: Testbed,
  { guest }: Scenario,
  { instanceId, endedAt, reports }: OfGuest,
): TrueGuest | undefined {
  if (guest === undefined) return undefined;
  const changes = testbed.changes.filter((change) => change.instanceId === instanceId);
  const power = changes.filter(({ kind }) => kind !== 'ports');
  const stretches = power.flatMap(({ kind, at: bootedAt }, index) => {
    const from = bootedAt + guest.habits.bootMs;
    const until = power[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const isUp = kind === 'booted' && guest.habits.fault === undefined && from < until;
    return isUp ? [{ bootedAt, from, until }] : [];
  });
  const greetings = testbed.greetings.filter(({ at, address }) => {
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
