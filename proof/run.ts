import { createRandom } from '../simulator/random.ts';
import type { InstanceRecord } from '../simulator/world.ts';
import { ActionError } from '../src/errors.ts';
import { run as runStep } from '../src/main.ts';
import { createRedactor } from '../src/redactor.ts';
import { outputsOf, reportError, type StepOutcome, titleOf } from '../src/report.ts';
import { renderSummary } from '../src/summary.ts';
import { harmless, type Terminal } from '../src/terminal.ts';
import { inputsFor, PASSWORD } from './inputs.ts';
import { drawMalice, type Malice, PRELUDE_MS } from './malice.ts';
import { GITHUB_TOKEN, type RestartPost, ROOT_TOKEN, Stage } from './stage.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/** What the checker knows of one run: what the step said, and what is true. Times in milliseconds. */
export interface RunRecord {
  readonly seed: number;
  readonly malice: Malice;
  readonly outcome: StepOutcome;
  readonly outputs: Readonly<Record<string, string>>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cancelledAt: number | undefined;
  /** Restarts that the step sent, whatever became of them. */
  readonly posts: readonly RestartPost[];
  /** When the VM that was to be restarted booted, whoever wanted it. */
  readonly boots: readonly TrueBoot[];
  /** What the agent reported of the VM, in order. */
  readonly reports: readonly TrueReport[];
  readonly isUp: boolean;
  /** Healthy answers about the instance that reached the step. */
  readonly answersSeen: number;
  /** When the step began its last request. */
  readonly lastBegunAt: number;
  /** Requests in a row, up to the last, that were not let in. */
  readonly deniedInRow: number;
  /** Kinds of faults that really happened. */
  readonly faults: ReadonlySet<string>;
  /** Requests that went where they should not have, or with what is meant for somebody else. */
  readonly strays: readonly string[];
  /** The GitHub runner in the VM, if there is one to look after. */
  readonly runner: TrueRunner | undefined;
  /** Everything that the step wrote, by lines as the runner would read them. */
  readonly written: string;
  readonly secrets: readonly string[];
}

/** Tells what is broken about a run, if anything is. */
export type Check = (run: RunRecord) => string | undefined;

export interface TrueBoot {
  readonly at: number;
  /** The step had asked for it. */
  readonly isOurs: boolean;
}

export interface TrueRunner {
  readonly jobs: readonly { readonly startedAt: number; readonly isKilledByUs: boolean }[];
  /** When it began to take jobs, after each boot where it did. */
  readonly begins: readonly number[];
  readonly isListening: boolean;
  /** When the answers were made that told the step about it. */
  readonly readings: readonly number[];
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
  /** What to change about the malice that was drawn. */
  readonly change?: (malice: Malice) => Malice;
  /** Told what happens, in order: for people. */
  readonly tell?: (line: string) => void;
}

const START = Date.parse('2026-07-01T12:00:00Z');
const MESSAGE = `${PASSWORD} ${Buffer.from(PASSWORD).toString('base64')}\n::set-output name=x::y\n##[error]<b>z`;

/** One run of the real step in a simulated world; the same seed gives the same run. */
export async function runOnce(
  seed: number,
  { change = (malice) => malice, tell }: RunOptions = {},
): Promise<RunRecord> {
  const random = createRandom(seed);
  const malice = change(drawMalice(random, seed));
  const time = createVirtualTime(START - PRELUDE_MS);
  const stage = new Stage({ malice, random, time, startsAt: START, tell });
  const reports: (TrueReport & OfInstance)[] = [];
  stage.world.onReport = (record) => {
    reports.push(...trueReport(record));
  };
  await schedule(stage, malice, time);

  const { cancelledAt, signal } = cancellation(malice, time);
  const { terminal, written } = createRecorder(tell);
  terminal.mask(PASSWORD, GITHUB_TOKEN);
  const dispatchers = { reader: stage.network, writer: stage.network };
  const host = { terminal, clock: time.clock, random: random.fork('step').next, signal, dispatchers };
  const outcome = await time.run(runStep(inputsFor(malice, stage), host));
  const endedAt = time.now();
  await liveOn(stage, time, START + malice.step.timeoutMs);

  const outputs = outputsOf(outcome, terminal.clean);
  if (outcome.error !== undefined) reportError(outcome.error, { terminal, title: titleOf(outcome) });
  const { posts, answersSeen, deniedInRow, begunAt: lastBegunAt, world } = stage;
  const instanceId = outcome.before?.instanceId ?? stage.instanceId;
  const record = world.records.find((one) => one.instanceId === instanceId);
  return {
    ...{ seed, malice, outcome, outputs, startedAt: START, endedAt, cancelledAt: cancelledAt() },
    ...{ posts, answersSeen, lastBegunAt, deniedInRow },
    ...{ faults: faultsOf(stage, malice), strays: stage.strays, runner: trueRunner(stage) },
    reports: reports.filter((report) => report.instanceId === instanceId),
    boots: world.boots.flatMap(({ instanceId: id, at, requestId = '' }) =>
      id === instanceId ? [{ at, isOurs: stage.requestIds.has(requestId) }] : [],
    ),
    isUp: record?.vm?.power === 'running' && record.state === 'Started',
    written: [...written, JSON.stringify(outputs), renderSummary(outcome, terminal.clean)].join('\n'),
    secrets: [PASSWORD, ROOT_TOKEN, GITHUB_TOKEN, ...stage.tokens],
  };
}

/** Those on the way, those in the world, and those that are there from the start. */
function faultsOf({ faults, world }: Stage, { world: options, ...malice }: Malice): Set<string> {
  const { count, lagMs } = malice.replicas;
  const standing: readonly [string, boolean][] = [
    ['lagging replica', count > 1 && lagMs > 0],
    ['clock off', options.clockSkewMs !== 0],
    ['local dates', options.writesLocalDates === true],
    ['dateless boot', options.datelessMs !== 0],
    ['restart just before', malice.restartedBeforeMs !== undefined],
    ['message left over', malice.leavesMessage],
    ['runner', malice.runner !== undefined],
    ['service that does not start', malice.runner?.startsAfterBoot === false],
    ['quota used up', malice.runner?.quota === 50],
    ['cancelled', malice.cancelAfterMs !== undefined],
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

function trueRunner({ runner, requestIds, readings }: Stage): TrueRunner | undefined {
  if (runner === undefined) return undefined;
  const jobs = runner.jobs.map(({ startedAt, killedBy = '' }) => {
    return { startedAt, isKilledByUs: requestIds.has(killedBy) };
  });
  return { jobs, begins: runner.begins, isListening: runner.isListening, readings };
}

/** Puts what will happen on the agenda, and lets the world live up to the moment when the step begins. */
async function schedule(stage: Stage, malice: Malice, time: VirtualTime): Promise<void> {
  if (malice.leavesMessage) stage.leaveMessage(MESSAGE);
  for (const { afterMs, forMs } of malice.runner?.jobs ?? []) {
    time.at(START + afterMs, () => stage.startJob(forMs));
  }
  for (const event of malice.events) time.at(START + event.afterMs, () => stage.happen(event));
  if (malice.restartedBeforeMs !== undefined) {
    time.at(START - malice.restartedBeforeMs, () => stage.restartByOthers());
  }
  await time.run(time.clock.sleep(PRELUDE_MS, new AbortController().signal));
}

/** What is still on its way arrives, and what would have become of the VM by the deadline comes to light. */
async function liveOn(stage: Stage, time: VirtualTime, deadline: number): Promise<void> {
  const isPostOnItsWay = stage.posts.some(({ arrivedAt }) => arrivedAt === undefined);
  const until = Math.max(deadline, isPostOnItsWay ? stage.arrivesAt + 1 : 0);
  await time.run(time.clock.sleep(Math.max(0, until - time.now()), new AbortController().signal));
  stage.world.advanceTo(time.now());
}

function cancellation({ cancelAfterMs }: Malice, time: VirtualTime) {
  const controller = new AbortController();
  let cancelledAt: number | undefined;
  if (cancelAfterMs !== undefined) {
    time.at(START + cancelAfterMs, () => {
      cancelledAt = time.now();
      controller.abort(new ActionError('cancelled', 'The step was cancelled (SIGINT).'));
    });
  }
  return { signal: controller.signal, cancelledAt: () => cancelledAt };
}

function createRecorder(tell: RunOptions['tell']): { terminal: Terminal; written: string[] } {
  const written: string[] = [];
  const redactor = createRedactor();
  const clean = (text: string) => harmless(redactor.redact(text));
  const write = (line: string) => {
    written.push(clean(line));
    tell?.(`             | ${clean(line)}`);
  };
  const terminal: Terminal = {
    ...{ mask: redactor.add, scrub: redactor.scrub, clean, info: write, debug: write, warning: write },
    error: (title, text) => write(`${title} ${text}`),
  };
  return { terminal, written };
}
