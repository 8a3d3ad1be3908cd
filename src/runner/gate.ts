// Before the restart: reads GitHub until the runners of one VM leave it free. occupancy.ts has the states and says what a read means;
// here the reads are made, and the limits kept. Right before the restart both sources are read again, and the runners once more
// after the jobs: reading the jobs may take seconds.

import { type Bounds, type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { millisecondsBetween } from '../dates.ts';
import { createProgressLog, type Log, type ProgressLog } from '../log.ts';
import { pollUntil } from '../poll.ts';
import { type Gate, LeftAlone } from '../restart/outcome.ts';
import {
  endOfPatience,
  gatePauseMs,
  isNotKnown,
  LEAVES_WITHIN_MS,
  type LimitOptions,
  limitsFrom,
  type Waiting,
} from './gate-limits.ts';
import {
  allOfflineError,
  describeOccupancy,
  describeSeen,
  describeUnknown,
  notFoundError,
  notKnownError,
  stillBusyError,
} from './gate-lines.ts';
import {
  nextOccupancy,
  type Occupancy,
  type OccupancyEvent,
  type OccupancyRules,
  type RunnersReading,
  UNREAD,
  type VmBoot,
} from './occupancy.ts';
import type { Runner } from './runners.ts';
import type { Pool } from './vm-runners.ts';
import { readUntil, type VmRunners } from './vm-runners.ts';

export interface GateOptions
  extends LimitOptions,
    Pick<OccupancyRules, 'seesAllJobs' | 'isSweep' | 'isEphemeral'> {
  /** How long after its boot the VM's runner may still register. */
  readonly registersWithinMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Which runners these are is known only once the instance is. @throws ActionError */
  readonly runnersOf: (instance: Instance) => VmRunners;
  readonly pool: Pool;
  /** A job that ran on a runner of this VM, in its boot as it is now. */
  readonly evidence?: JobEvidence | undefined;
  /** Keeps new jobs away from the runners once the VM holds its slot; undefined if that is not asked for. */
  readonly drain?: ((runners: readonly Runner[], bounds: Bounds) => Promise<void>) | undefined;
  /** Whether an idle runner is a detail: with many VMs, what matters is which of them have a job. */
  readonly isBrief?: boolean | undefined;
  /** Called when a VM that was free before no longer is: the gate begins to wait again. */
  readonly onWait?: (() => void) | undefined;
}

/** What a job of a workflow run says about the runner that it ran on, and the VM's current boot. */
export interface JobEvidence {
  /** In progress: this confirms name and scope, but not that the runner has had its job. */
  readonly hasEnded: boolean;
}

/** Lets the restart pass only while no job runs on the VM's runners. */
export interface RunnerGate extends Gate {
  /**
   * For a VM without a slot: waits until it is free, by reads that other VMs share. A VM with a slot calls `passOrWait`, which reads
   * its own runners alone.
   * @throws ActionError, LeftAlone as `passOrWait` does.
   */
  untilIdle(instance: Instance): Promise<void>;
  /**
   * For a free VM that waits for a slot: a read of the runners every few seconds keeps its state fresh. False once
   * they show a job.
   * @throws ActionError if GitHub's refusal is final.
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
interface GateState extends Findings, Waiting {
  /** By the last usable answer. */
  shown: readonly Runner[];
  boot: KnownBoot;
  readonly progress: ProgressLog;
}

interface KnownBoot extends VmBoot {
  /** `start_date`. */
  readonly text: string | undefined;
}

export function createGate(options: GateOptions): RunnerGate {
  const { whenBusy, isSweep, log } = options;
  const isIgnored = whenBusy === 'ignore' && isSweep !== true;
  let gate: GateState | undefined;

  async function enter(instance: Instance): Promise<GateState> {
    const boot = vmBootOf(options, instance, gate?.boot);
    if (isSweep && options.clock.now() - boot.at < boot.registersWithinMs)
      throw fresh(options, boot, instance);
    if (gate === undefined) gate = await begin(options, instance, boot);
    else if (boot.text !== gate.boot.text) gate.runners.forgetOnline();
    gate.boot = boot;
    return gate;
  }

  return {
    async passOrWait(instance) {
      const isFirst = gate === undefined;
      const known = await enter(instance);
      if (isIgnored) {
        if (known.shown.some(({ isBusy }) => isBusy))
          log.warning(`${describeSeen(known)}; when_busy says to ignore that.`);
        return true;
      }
      const hasDrained = await drainRunners(options, known);
      await checkBeforeRestart(options, known, isFirst && !hasDrained);
      if (known.state.kind === 'idle') return true;
      if (!isFirst) options.onWait?.();
      await waitUntilIdle(options, known);
      return false;
    },
    async untilIdle(instance) {
      const known = await enter(instance);
      if (isIgnored) return;
      await confirm(options, known);
      // With a drain a busy VM waits with its slot, which idle ones get first.
      const end = options.drain === undefined ? undefined : options.clock.now() + IDLE_FIRST_MS;
      await waitUntilIdle(options, known, end);
    },
    async rehearse(instance) {
      gate = undefined;
      const known = await enter(instance);
      if (!isIgnored) await readJobs(options, known);
      const { state } = known;
      const doubt = state.kind === 'unknown' ? `; ${describeUnknown(state)}` : '';
      log.info(`Dry run: ${describeSeen(known)}${doubt}`);
      return true;
    },
    stillIdle: async () => gate === undefined || keepIdle(options, gate),
    findings: () => gate,
    verdict: () => gate?.state.kind,
  };
}

/** How long idle VMs go first when busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 30_000;
/** What changing labels may take: in milliseconds. */
const CHANGE_LABELS_MS = 30_000;

/** @returns whether it had something to drain. Always false for a busy VM that the step does not wait for. */
async function drainRunners(options: GateOptions, { shown, limits }: GateState): Promise<boolean> {
  const { drain, whenBusy, clock, signal } = options;
  if (drain === undefined || (whenBusy !== 'wait' && shown.some(({ isBusy }) => isBusy))) return false;
  await drain(shown, { deadline: Math.max(limits.busy, clock.now() + CHANGE_LABELS_MS), signal });
  return shown.length > 0;
}

async function begin(options: GateOptions, instance: Instance, boot: KnownBoot): Promise<GateState> {
  const { clock, log } = options;
  const limits = limitsFrom(clock.now(), options);
  const runners = options.runnersOf(instance);
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const gate: GateState = {
    runners,
    shown: [],
    state: UNREAD,
    idleSince: undefined,
    hasBeenUnknown: false,
    limits,
    boot,
    progress,
  };
  applyRunners(options, gate, await firstReading(options, runners));
  return gate;
}

// ---- the first read ----

/** A runner that registers again is missing for a moment, and so is one whose page shifts: it is searched for this long. */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;

/** @throws ActionError `runner_not_found`, unless its absence can be believed. */
async function firstReading(options: GateOptions, runners: VmRunners): Promise<RunnersReading> {
  const { clock, signal, patienceMs } = options;
  const startedAt = clock.now();
  const found = await pollUntil(
    {
      ...{ clock, signal, deadline: () => startedAt + MISSING_MS },
      nextAt: () => clock.now() + FIND_EVERY_MS,
    },
    async () => {
      const reading = await runners.find(clock.now() + patienceMs);
      const isUsable = reading.runners?.length !== 0 || (await mayBeGone(options));
      return isUsable ? reading : undefined;
    },
  );
  if (found !== undefined) return found;
  throw notFoundError(await runners.missing(clock.now() + patienceMs), options);
}

async function mayBeGone({
  isEphemeral,
  evidence,
  pool,
  clock,
  signal,
  patienceMs,
}: GateOptions): Promise<boolean> {
  if (isEphemeral !== true) return false;
  return evidence !== undefined || pool.isBorneOut({ deadline: clock.now() + patienceMs, signal });
}

/** An unknown time since the boot counts as none. */
function vmBootOf(
  { clock, registersWithinMs, evidence }: GateOptions,
  instance: Instance,
  before: KnownBoot | undefined,
): KnownBoot {
  const text = instance.startDate?.text;
  const at = clock.now() - Math.max(0, uptimeMsOf(instance) ?? 0);
  const isSameBoot = before === undefined || before.text === text;
  const hadJob = isSameBoot && (before?.hadJob ?? evidence?.hasEnded === true);
  // A record may be older than now, so the earliest boot that any record shows is closest to the truth.
  return { text, at: isSameBoot ? Math.min(at, before?.at ?? at) : at, registersWithinMs, hadJob };
}

/** As of its record; undefined if that lacks a date. */
function uptimeMsOf({ startDate, reportedAt }: Instance): number | undefined {
  return startDate && reportedAt && millisecondsBetween(startDate, reportedAt);
}

function fresh({ clock, registersWithinMs }: GateOptions, boot: VmBoot, instance: Instance): LeftAlone {
  const up = minutes(clock.now() - boot.at);
  const age =
    uptimeMsOf(instance) !== undefined
      ? `for ${up} only`
      : 'for an unknown time (its record lacks start_date or timestamp)';
  const seen = `The VM has been up ${age}, and its runner may take ${minutes(registersWithinMs)} to register; restart_if leaves it alone`;
  return new LeftAlone('skipped', seen, { isNeedless: true });
}

// ---- reads ----

/** A slower answer says too little about the present: the process may have been suspended while it waited. In milliseconds. */
const LONGEST_LAST_READ_MS = 10_000;

/** Reads the runners, the jobs, and the runners again. @param isFirst their first read was made just now. */
async function checkBeforeRestart(options: GateOptions, gate: GateState, isFirst: boolean): Promise<void> {
  const { clock } = options;
  if (!isFirst) await readRunners(options, gate);
  const areJobsRead = await confirm(options, gate);
  if (!isFree(gate)) return;
  if (!areJobsRead) await readJobs(options, gate);
  if (!isFree(gate)) return reportState(options, gate);
  await refuseIfAllOffline(options, gate);
  const askedAt = clock.now();
  await readAndConfirm(options, gate);
  if (clock.now() - askedAt > LONGEST_LAST_READ_MS) await readAndConfirm(options, gate);
}

/** So far: a last read has to confirm it. */
function isFree({ state: { kind } }: GateState): boolean {
  return kind === 'idle' || kind === 'absent';
}

async function readAndConfirm(options: GateOptions, gate: GateState): Promise<void> {
  await readRunners(options, gate);
  await confirm(options, gate);
}

/** Reads the jobs if the state takes that. @returns whether it did. */
async function confirm(options: GateOptions, gate: GateState): Promise<boolean> {
  const isNeeded = gate.state.kind === 'unconfirmed';
  if (isNeeded) await readJobs(options, gate);
  reportState(options, gate);
  return isNeeded;
}

async function readRunners(options: GateOptions, gate: GateState): Promise<void> {
  applyRunners(options, gate, await gate.runners.read(endOfRead(options, gate)));
}

async function readJobs(options: GateOptions, gate: GateState): Promise<void> {
  const finding = await gate.runners.readJobs(endOfRead(options, gate));
  apply(options, gate, { kind: 'jobs', finding });
}

/** @throws LeftAlone if a sweep must skip the VM. */
function applyRunners(options: GateOptions, gate: GateState, reading: RunnersReading): void {
  gate.shown = reading.runners ?? gate.shown;
  apply(options, gate, { kind: 'runners', reading });
  if (gate.state.kind === 'online')
    throw new LeftAlone('skipped', `${describeSeen(gate)}; restart_if leaves it alone`, {
      isNeedless: true,
    });
}

function apply(options: GateOptions, gate: GateState, event: OccupancyEvent): void {
  const { idleForMs, seesAllJobs = false, isSweep = false, isEphemeral = false } = options;
  const { boot } = gate;
  const ignoresJobs = options.whenBusy === 'ignore';
  const rules = { idleForMs, seesAllJobs, isSweep, isEphemeral, ignoresJobs, boot };
  gate.state = nextOccupancy(gate.state, event, rules);
  gate.hasBeenUnknown ||= gate.state.kind === 'unknown';
  if ('stretch' in gate.state) gate.idleSince = gate.state.stretch?.since ?? gate.idleSince;
}

function endOfRead(options: GateOptions, gate: GateState): number {
  // What ends an idle stretch has its own time limit.
  return readUntil(options.clock.now(), Math.max(gate.limits.unknown, endOfPatience(options, gate)));
}

/** @throws ActionError in a sweep if GitHub shows all runners offline. */
async function refuseIfAllOffline(options: GateOptions, gate: GateState): Promise<void> {
  const { isSweep, pool, signal } = options;
  if (!isSweep) return;
  if (await pool.isAllOffline({ deadline: endOfRead(options, gate), signal })) throw allOfflineError();
}

/** While a free VM waits for a slot, busy_timeout for its next job does not start. */
async function keepIdle(options: GateOptions, gate: GateState): Promise<boolean> {
  applyRunners(options, gate, await gate.runners.readShared(endOfRead(options, gate)));
  const { kind } = gate.state;
  // With a drain it waits for its job only once it has its slot.
  if (kind === 'busy' && options.drain === undefined) return false;
  if (kind !== 'unknown') gate.limits = limitsFrom(options.clock.now(), options);
  return true;
}

// ---- the wait ----

/** @param end if given, it returns then, idle or not. */
async function waitUntilIdle(
  options: GateOptions,
  gate: GateState,
  end = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { clock, signal } = options;
  if (gate.state.kind === 'idle') return;
  const leavesBy = options.isEphemeral === true ? clock.now() + LEAVES_WITHIN_MS : Number.NEGATIVE_INFINITY;
  const nextAt = () => clock.now() + gatePauseMs(gate.state, clock.now() < leavesBy);
  const deadline = () => Math.min(end, endOfPatience(options, gate));
  const polling = { clock, signal, deadline, nextAt, firstAt: nextAt() };
  const isIdle =
    clock.now() < deadline() &&
    (await pollUntil(polling, async () => {
      applyRunners(options, gate, await gate.runners.readShared(endOfRead(options, gate)));
      await confirm(options, gate);
      return gate.state.kind === 'idle' || undefined;
    }));
  if (isIdle || clock.now() >= end) return;
  throw isNotKnown(gate) ? notKnownError(gate) : await stillBusy(options, gate);
}

/** GitHub can show a runner as busy forever: whether it lists a job for the runner decides what to do. */
async function stillBusy(options: GateOptions, gate: GateState): Promise<Error> {
  const { whenBusy } = options;
  const { state } = gate;
  if (state.kind === 'busy' && whenBusy === 'skip') return new LeftAlone('skipped', describeSeen(gate));
  if (state.kind === 'busy' && state.job === 'unread') await readJobs(options, gate);
  return stillBusyError(gate, { ...options, tally: gate.progress.tally() });
}

function reportState(options: GateOptions, gate: GateState): void {
  const { state, shown, progress } = gate;
  const rest = state.kind === 'settling' ? ` (${minutes(state.stretch.leftMs)} left)` : '';
  const isDetail = options.isBrief === true && state.kind !== 'busy' && state.kind !== 'unknown';
  progress.note(state.kind, describeOccupancy({ state, shown }, options), { rest, isDetail });
}
