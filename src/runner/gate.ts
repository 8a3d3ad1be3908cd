// Before the restart: reads GitHub until no job runs on the runners of one VM. occupancy.ts has the states and says what a read
// means; here the reads are made, and the limits kept. Right before the restart both sources are read again, and the runners once
// more after the jobs, by their IDs: reading the jobs may take seconds.

import { type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { createProgressLog, type Log, type ProgressLog } from '../log.ts';
import { type Gate, LeftAlone } from '../restart/outcome.ts';
import {
  describe,
  describeState,
  NO_ANSWER_ABOUT,
  notKnownError,
  stillBusyError,
  type WhenBusy,
} from './gate-lines.ts';
import { nextOccupancy, type Occupancy, type OccupancyEvent, UNREAD } from './occupancy.ts';
import type { Runner } from './runners.ts';
import { READ_EVERY_MS, type RunnersReading, readUntil, type VmRunners } from './vm-runners.ts';

export interface GateOptions {
  readonly whenBusy: WhenBusy;
  /** How long the runners have to be seen without a job. */
  readonly idleForMs: number;
  /** How long `wait` waits for the job to end. */
  readonly busyTimeoutMs: number;
  /** How much longer GitHub may give no usable answer. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Which runners these are is known only once the instance is. @throws ActionError */
  readonly runnersOf: (instance: Instance) => VmRunners;
  /** Whether an idle runner is a detail: with many VMs, what matters is which of them have a job. */
  readonly isBrief?: boolean | undefined;
  /** Called when a VM that was free before no longer is: the gate begins to wait again. */
  readonly onWait?: (() => void) | undefined;
}

/** Lets the restart pass only while no job runs on the VM's runners. */
export interface RunnerGate extends Gate {
  /**
   * For a VM without a slot: waits until no job was seen for long enough, by reads that other VMs share. A VM with a slot calls
   * `isOpen`, which reads its own runners alone.
   * @throws ActionError, LeftAlone as `isOpen` does.
   */
  untilIdle(instance: Instance): Promise<void>;
  /**
   * For a free VM that waits for a slot: a read of the runners every few seconds keeps what is known from growing old. False once
   * they show a job.
   * @throws ActionError if GitHub refuses for good.
   */
  stillIdle(): Promise<boolean>;
  /** The runners as they were last seen; undefined if they never were. */
  findings(): Findings | undefined;
  /** What the reads so far came to; undefined before the first. */
  verdict(): Occupancy['kind'] | undefined;
}

export interface Findings {
  readonly runners: VmRunners;
  readonly shown: readonly Runner[];
}

/** What changes while the gate waits. */
interface Watch extends Findings {
  /** By the last usable answer. */
  shown: readonly Runner[];
  state: Occupancy;
  limits: Limits;
  readonly progress: ProgressLog;
}

/** On the clock's scale. */
interface Limits {
  /** A busy runner is waited for until then, and a silent GitHub. That no job is seen is made sure of in any case. */
  readonly busy: number;
  readonly unknown: number;
}

export function createGate(options: GateOptions): RunnerGate {
  const { whenBusy, log } = options;
  let watch: Watch | undefined;
  return {
    async isOpen(instance) {
      const isFirst = watch === undefined;
      watch ??= await begin(options, instance);
      if (whenBusy === 'ignore') {
        if (watch.shown.some(({ isBusy }) => isBusy))
          log.warning(`${describe(watch)}; when_busy says to ignore that.`);
        return true;
      }
      await checkBeforeRestart(options, watch, isFirst);
      if (watch.state.kind === 'idle') return true;
      if (!isFirst) options.onWait?.();
      await waitUntilIdle(options, watch);
      return false;
    },
    async untilIdle(instance) {
      watch ??= await begin(options, instance);
      if (whenBusy === 'ignore') return;
      await confirm(options, watch);
      await waitUntilIdle(options, watch);
    },
    async rehearse(instance) {
      watch = await begin(options, instance);
      if (whenBusy !== 'ignore') await readJobs(options, watch);
      const { state } = watch;
      const doubt = state.kind === 'unknown' ? `; ${NO_ANSWER_ABOUT[state.about]}` : '';
      log.info(`Dry run: ${describe(watch)}${doubt}`);
      return true;
    },
    stillIdle: async () => watch === undefined || keepIdle(options, watch),
    findings: () => watch,
    verdict: () => watch?.state.kind,
  };
}

async function begin(options: GateOptions, instance: Instance): Promise<Watch> {
  const { patienceMs, clock, log } = options;
  const limits = limitsFrom(clock.now(), options);
  const runners = options.runnersOf(instance);
  const reading = await runners.find(clock.now() + patienceMs);
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const watch: Watch = { runners, shown: [], state: UNREAD, limits, progress };
  applyRunners(options, watch, reading);
  return watch;
}

/** To see no job for long enough takes its time in any case: that is no silence. */
function limitsFrom(now: number, { whenBusy, idleForMs, busyTimeoutMs, patienceMs }: GateOptions): Limits {
  const busy = now + (whenBusy === 'wait' ? busyTimeoutMs : 0);
  return { busy, unknown: busy + idleForMs + patienceMs };
}

// ---- reads ----

/** An answer that took longer tells too little of now: the process may have been suspended meanwhile. In milliseconds. */
const LONGEST_LAST_READ_MS = 10_000;

/** Reads the runners, the jobs, and the runners again. @param isFirst their first read was made just now. */
async function checkBeforeRestart(options: GateOptions, watch: Watch, isFirst: boolean): Promise<void> {
  const { clock } = options;
  if (!isFirst) await readRunners(options, watch);
  const areJobsRead = await confirm(options, watch);
  if (watch.state.kind !== 'idle') return;
  if (!areJobsRead) await readJobs(options, watch);
  if (watch.state.kind !== 'idle') return report(options, watch);
  const askedAt = clock.now();
  await readAndConfirm(options, watch);
  if (clock.now() - askedAt > LONGEST_LAST_READ_MS) await readAndConfirm(options, watch);
}

async function readAndConfirm(options: GateOptions, watch: Watch): Promise<void> {
  await readRunners(options, watch);
  await confirm(options, watch);
}

/** Reads the jobs if the state takes that. @returns whether it did. */
async function confirm(options: GateOptions, watch: Watch): Promise<boolean> {
  const isNeeded = watch.state.kind === 'unconfirmed';
  if (isNeeded) await readJobs(options, watch);
  report(options, watch);
  return isNeeded;
}

async function readRunners(options: GateOptions, watch: Watch): Promise<void> {
  applyRunners(options, watch, await watch.runners.read(endOfRead(options, watch)));
}

async function readJobs(options: GateOptions, watch: Watch): Promise<void> {
  apply(options, watch, {
    kind: 'jobs',
    finding: await watch.runners.readJobs(endOfRead(options, watch)),
  });
}

function applyRunners(options: GateOptions, watch: Watch, reading: RunnersReading): void {
  watch.shown = reading.runners ?? watch.shown;
  apply(options, watch, { kind: 'runners', reading });
}

function apply({ idleForMs }: GateOptions, watch: Watch, event: OccupancyEvent): void {
  watch.state = nextOccupancy(watch.state, event, { idleForMs });
}

function endOfRead({ clock }: GateOptions, { limits }: Watch): number {
  return readUntil(clock.now(), limits.unknown);
}

/** While a free VM waits for a slot, the time that its next job may take does not begin. */
async function keepIdle(options: GateOptions, watch: Watch): Promise<boolean> {
  applyRunners(options, watch, await watch.runners.readShared(endOfRead(options, watch)));
  const { kind } = watch.state;
  if (kind === 'busy') return false;
  if (kind !== 'unknown') watch.limits = limitsFrom(options.clock.now(), options);
  return true;
}

// ---- the wait ----

/** Time between two reads of a job that no runner shows: in milliseconds. They cost many requests. */
const READ_JOBS_EVERY_MS = 15_000;

async function waitUntilIdle(options: GateOptions, watch: Watch): Promise<void> {
  const { clock, signal } = options;
  while (watch.state.kind !== 'idle') {
    const leftMs = endOfPatience(watch) - clock.now();
    if (leftMs <= 0)
      throw watch.state.kind === 'busy' ? stillBusy(options, watch) : notKnownError(watch.progress.tally());
    await clock.sleep(Math.min(pauseMs(watch.state), leftMs), signal);
    applyRunners(options, watch, await watch.runners.readShared(endOfRead(options, watch)));
    await confirm(options, watch);
  }
}

function endOfPatience({ state: { kind }, limits }: Watch): number {
  return kind === 'busy' || kind === 'unknown' ? limits[kind] : Number.POSITIVE_INFINITY;
}

function pauseMs(state: Occupancy): number {
  return state.kind === 'busy' && state.job !== undefined ? READ_JOBS_EVERY_MS : READ_EVERY_MS;
}

function report(options: GateOptions, { state, shown, progress }: Watch): void {
  const rest = state.kind === 'settling' ? ` (${minutes(state.stretch.leftMs)} left)` : '';
  const isDetail = options.isBrief === true && (state.kind === 'settling' || state.kind === 'idle');
  progress.note(state.kind, describeState({ state, shown }, options), { rest, isDetail });
}

function stillBusy({ whenBusy }: GateOptions, watch: Watch): Error {
  if (whenBusy === 'skip') return new LeftAlone('skipped', describe(watch));
  return stillBusyError(describe(watch), whenBusy === 'fail' ? undefined : watch.progress.tally());
}
