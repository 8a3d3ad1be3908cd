import { createRandom } from '../../simulator/random.ts';
import type { InstanceRecord } from '../../simulator/world.ts';
import { ActionError } from '../../src/errors.ts';
import type { StepOutcome, VmOutcome } from '../../src/fleet/step-outcome.ts';
import { run as runStep } from '../../src/main.ts';
import { titleOf } from '../../src/report/conclusion.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { createRedactor } from '../../src/report/redactor.ts';
import { reportError } from '../../src/report/report.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { harmless, type Terminal } from '../../src/report/terminal.ts';
import { inputsFor } from './inputs.ts';
import { drawScenario, PASSWORD, type Scenario } from './scenario.ts';
import { GITHUB_TOKEN, type GitHubLook, type RestartPost, ROOT_TOKEN, Testbed } from './testbed.ts';
import { theVm } from './the-vm.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/*
 * One run, from its seed to its record: scenario.ts draws what goes wrong, testbed.ts and events.ts make it happen, and the real step
 * runs in it with inputs from inputs.ts. The record holds what the step said and what really happened; promises.ts checks it. A new
 * fault or event needs nothing here; one that is there from the start gets a line in faultsOf, so that it is counted.
 */

/** What is known of one run: what the step said, and what is true. Times in milliseconds. */
export interface RunRecord {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly outcome: VmOutcome;
  readonly outputs: Readonly<Record<string, string>>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cancelledAt: number | undefined;
  /** Restarts that the step sent, whatever became of them. */
  readonly posts: readonly RestartPost[];
  /** When each try of the restart request began, even if it never left. */
  readonly tries: readonly number[];
  /** When the step was suspended, and when it woke. */
  readonly suspensions: readonly { readonly from: number; readonly until: number }[];
  /** Whether the controller has given the step a good answer, and when the step first asked after the last of them. */
  readonly hadGoodAnswer: boolean;
  readonly askedSince: number | undefined;
  /** When the VM that was to be restarted booted, whoever wanted it. */
  readonly boots: readonly TrueBoot[];
  /** What the agent reported of the VM, in order. */
  readonly reports: readonly TrueReport[];
  readonly isUp: boolean;
  /** Answers about the instance that reached the step whole. */
  readonly answersSeen: number;
  /** When the step began its last request. */
  readonly lastBegunAt: number;
  /** Requests in a row, up to the last, that were not let in. */
  readonly deniedInRow: number;
  /** Kinds of faults that really happened. */
  readonly faults: ReadonlySet<string>;
  /** Requests that went where they should not have, or with what is meant for somebody else. */
  readonly misdirected: readonly string[];
  /** The GitHub runner in the VM, if there is one to look after. */
  readonly runner: TrueRunner | undefined;
  /** The guest in the VM, if it is to be waited for. */
  readonly guest: TrueGuest | undefined;
  /** Everything that the step wrote, by lines as the runner would read them. */
  readonly written: string;
  readonly secrets: readonly string[];
}

/** What is broken about a run, in words, if anything is. */
export type Check = (run: RunRecord) => string | undefined;

export interface TrueBoot {
  readonly at: number;
  /** The step had asked for it. */
  readonly isOurs: boolean;
}

export interface TrueRunner {
  readonly jobs: readonly {
    readonly startedAt: number;
    readonly isKilledByUs: boolean;
  }[];
  /** When it began to take jobs, after each boot where it did. */
  readonly begins: readonly number[];
  readonly isListening: boolean;
  /** GitHub answers no more requests within the hour. */
  readonly isQuotaUsedUp: boolean;
  /** GitHub's answers about it and its jobs that reached the step, damaged or not. */
  readonly looks: readonly GitHubLook[];
}

export interface TrueGuest {
  /** When it was up, for each boot after which it ever was. */
  readonly stretches: readonly { readonly bootedAt: number; readonly from: number; readonly until: number }[];
  /** When the VM was last stopped, booted, or had its ports exchanged, each time. */
  readonly changes: readonly number[];
  /** When the words of an SSH server last reached the step. */
  readonly greetedAt: number | undefined;
}

export interface TrueReport {
  readonly at: number;
  readonly state: string;
  readonly power: string;
  /** When the VM had booted, in truth, and by the node's clock in whole seconds. */
  readonly bootedAt: number;
  readonly startDateMs: number;
  /** By the node's clock. */
  readonly timestampMs: number;
}

export interface RunOptions {
  /** What to change about the scenario that was drawn. */
  readonly change?: (scenario: Scenario) => Scenario;
  /** Gets a line for each thing that happens, in order: for people. */
  readonly log?: (line: string) => void;
}

const START = Date.parse('2026-07-01T12:00:00Z');
const MESSAGE = `${PASSWORD} ${Buffer.from(PASSWORD).toString('base64')}\n::set-output name=x::y\n##[error]<b>z`;

/** One run of the real step in a simulated world; the same seed gives the same run. */
export async function runOnce(
  seed: number,
  { change = (scenario) => scenario, log }: RunOptions = {},
): Promise<RunRecord> {
  const random = createRandom(seed);
  const scenario = change(drawScenario(random.fork('scenario'), seed));
  const time = createVirtualTime(START - scenario.preludeMs);
  const testbed = new Testbed({ scenario, random: random.fork('testbed'), time, startsAt: START, log });
  const reports: (TrueReport & OfInstance)[] = [];
  testbed.world.onReport = (record) => {
    reports.push(...trueReport(record));
  };
  await schedule(testbed, scenario, time);

  const { cancelledAt, signal } = cancellation(scenario, time);
  const { terminal, written } = createRecorder(log);
  terminal.mask(PASSWORD, GITHUB_TOKEN);
  const dispatchers = { openReader: () => testbed.network, openWriter: () => testbed.network };
  const announce = (known: StepOutcome) => {
    testbed.announced = theVm(known).restarted;
    written.push(JSON.stringify(outputsOf(known, terminal.clean)));
  };
  const host = {
    terminal,
    clock: time.clock,
    random: random.fork('step').next,
    signal,
    dispatchers,
    announce,
    ...(testbed.dial && { dial: testbed.dial }),
  };
  const step = await time.run(runStep(inputsFor(scenario, testbed), host));
  const outcome = theVm(step);
  testbed.isStepOver = true;
  const endedAt = time.now();
  await letTimePass(testbed, time, START + scenario.step.timeoutMs);

  const outputs = outputsOf(step, terminal.clean);
  if (outcome.error !== undefined) reportError(outcome.error, { terminal, title: titleOf(step) });
  const { posts, tries, suspensions, answersSeen, deniedInRow, hadGoodAnswer, askedSince, world } = testbed;
  const instanceId = outcome.before?.instanceId ?? testbed.instanceId;
  const record = world.records.find((one) => one.instanceId === instanceId);
  return {
    seed,
    scenario,
    outcome,
    outputs,
    startedAt: START,
    endedAt,
    cancelledAt: cancelledAt(),
    posts,
    tries,
    suspensions,
    hadGoodAnswer,
    askedSince,
    answersSeen,
    lastBegunAt: testbed.begunAt,
    deniedInRow,
    faults: faultsOf(testbed, scenario),
    misdirected: testbed.misdirected,
    runner: trueRunner(testbed),
    guest: trueGuest(testbed, scenario, instanceId),
    reports: reports.filter((report) => report.instanceId === instanceId),
    boots: world.boots.flatMap(({ instanceId: id, at, requestId = '' }) =>
      id === instanceId ? [{ at, isOurs: testbed.requestIds.has(requestId) }] : [],
    ),
    isUp: record?.vm?.power === 'running' && record.state === 'Started',
    written: [...written, JSON.stringify(outputs), renderSummary(step, terminal.clean)].join('\n'),
    secrets: [PASSWORD, ROOT_TOKEN, GITHUB_TOKEN, ...testbed.tokens],
  };
}

/** Kinds of faults: of requests and events, of the world, and those that are there from the start. */
function faultsOf({ faults, world }: Testbed, { world: options, ...scenario }: Scenario): Set<string> {
  const { count, lagMs } = scenario.replicas;
  const standing: readonly [string, boolean][] = [
    ['lagging replica', count > 1 && lagMs > 0],
    ['clock off', options.clockSkewMs !== 0],
    ['local dates', options.writesLocalDates === true],
    ['ports given out anew', options.reassignsPorts === true],
    ['handshake in another form', scenario.handshakeForms.length > 0 && scenario.step.identity === 'api_key'],
    ['dateless boot', options.datelessMs !== 0],
    ['restart just before', scenario.restartedBeforeMs !== undefined],
    ['message left over', scenario.leavesMessage],
    ['runner', scenario.runner !== undefined],
    ['service that does not start', scenario.runner?.startsAfterBoot === false],
    ['jobs that cannot be read', scenario.runner?.showsJobs === false],
    ['pages that shift', scenario.runner?.pagesShiftEveryMs !== undefined],
    ['guest', scenario.guest !== undefined],
    ['guest with a fault', scenario.guest?.habits.fault !== undefined],
    ['nodes out of reach', scenario.guest?.isReachable === false],
    ['no port for SSH', options.forwardsSsh === false],
    ['quota used up', scenario.runner?.quota === 50],
    ['name with a secret', options.nameStem !== 'vm'],
    ['cancelled', scenario.cancelAfterMs !== undefined],
  ];
  return new Set([...faults, ...world.mishaps, ...standing.flatMap(([kind, isSo]) => (isSo ? [kind] : []))]);
}

interface OfInstance {
  readonly instanceId: string;
}

function trueReport({ instanceId, state, report }: InstanceRecord): (TrueReport & OfInstance)[] {
  if (report === undefined) return [];
  const { vm, readAt, skewMs } = report;
  const startDateMs = Math.floor((vm.bootedAt + vm.bootSkewMs) / 1_000) * 1_000;
  const { power, bootedAt } = vm;
  const timestampMs = Math.floor(readAt + skewMs);
  return [{ instanceId, at: readAt, state, power, bootedAt, startDateMs, timestampMs }];
}

function trueRunner({ runner, requestIds, looks, isQuotaUsedUp }: Testbed): TrueRunner | undefined {
  if (runner === undefined) return undefined;
  const jobs = runner.jobs.map(({ startedAt, killedBy = '' }) => {
    return { startedAt, isKilledByUs: requestIds.has(killedBy) };
  });
  return { jobs, begins: runner.begins, isListening: runner.isListening, isQuotaUsedUp, looks };
}

function trueGuest(testbed: Testbed, { guest }: Scenario, instanceId: string): TrueGuest | undefined {
  if (guest === undefined) return undefined;
  const { swappedAt, greetedAt } = testbed;
  const powerChanges = testbed.powerChanges.filter((change) => change.instanceId === instanceId);
  const stretches = powerChanges.flatMap(({ kind, at: bootedAt }, index) => {
    const from = bootedAt + guest.habits.bootMs;
    const until = powerChanges[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const isUp = kind === 'booted' && guest.habits.fault === undefined && from < until;
    return isUp ? [{ bootedAt, from, until }] : [];
  });
  const changes = [...powerChanges.map(({ at }) => at), ...(swappedAt === undefined ? [] : [swappedAt])];
  return { stretches, changes, greetedAt };
}

/** Sets a time for all that will happen, and lets time pass up to the moment when the step begins. */
async function schedule(testbed: Testbed, scenario: Scenario, time: VirtualTime): Promise<void> {
  if (scenario.leavesMessage) testbed.leaveMessage(MESSAGE);
  for (const { afterMs, forMs } of scenario.runner?.jobs ?? []) {
    time.at(START + afterMs, () => testbed.startJob(forMs));
  }
  const { suspension } = scenario;
  if (suspension?.since === 'start') time.at(START + suspension.afterMs, () => testbed.suspend(suspension));
  for (const event of scenario.events) time.at(START + event.afterMs, () => testbed.applyEvent(event));
  if (scenario.restartedBeforeMs !== undefined) {
    time.at(START - scenario.restartedBeforeMs, () => testbed.restartByOthers());
  }
  await time.run(time.clock.sleep(scenario.preludeMs, new AbortController().signal));
}

/** Lets time pass until what is on its way has arrived, and the deadline is over: then it is known what became of the VM. */
async function letTimePass(testbed: Testbed, time: VirtualTime, deadline: number): Promise<void> {
  const isPostOnItsWay = testbed.posts.some(({ arrivedAt }) => arrivedAt === undefined);
  const until = Math.max(deadline, isPostOnItsWay ? testbed.arrivesAt + 1 : 0);
  await time.run(time.clock.sleep(Math.max(0, until - time.now()), new AbortController().signal));
  testbed.world.advanceTo(time.now());
}

function cancellation({ cancelAfterMs }: Scenario, time: VirtualTime) {
  const controller = new AbortController();
  let cancelledAt: number | undefined;
  if (cancelAfterMs !== undefined) {
    time.atProcess(START + cancelAfterMs, () => {
      cancelledAt = time.now();
      controller.abort(new ActionError('cancelled', 'The step was cancelled (SIGINT).'));
    });
  }
  return { signal: controller.signal, cancelledAt: () => cancelledAt };
}

function createRecorder(log: RunOptions['log']): { terminal: Terminal; written: string[] } {
  const written: string[] = [];
  const redactor = createRedactor();
  const clean = (text: string) => harmless(redactor.redact(text));
  const write = (line: string) => {
    written.push(clean(line));
    log?.(`             | ${clean(line)}`);
  };
  const terminal: Terminal = {
    mask: redactor.add,
    clean,
    info: write,
    debug: write,
    warning: write,
    error: (title, text) => write(`${title} ${text}`),
  };
  return { terminal, written };
}
