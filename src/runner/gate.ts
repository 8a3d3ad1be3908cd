// Before the restart: reads GitHub until the runners of one VM leave it free. occupancy.ts has the states and says what a read means;
// here the reads are made, and the limits kept. Right before the restart both sources are read again, and the runners once more
// after the jobs: reading the jobs may take seconds.

import { type Bounds, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { createProgressLog, type Log, type ProgressLog } from '../log.ts';
import { pollUntil } from '../poll.ts';
import { type Gate, LeftAlone } from '../restart/outcome.ts';
import { type EntryOptions, firstReading, type KnownBoot, leftAloneAsFresh, vmBootOf } from './gate-entry.ts';
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
} from './occupancy.ts';
import type { Runner } from './runners.ts';
import { readUntil, type VmRunners } from './vm-runners.ts';

export interface GateOptions
  extends EntryOptions,
    LimitOptions,
    Pick<OccupancyRules, 'seesAllJobs' | 'isSweep' | 'isEphemeral'> {
  readonly log: Log;
  /** Which runners these are is known only once the instance is. @throws ActionError */
  readonly runnersOf: (instance: Instance) => VmRunners;
  /** Keeps new jobs away from the runners once the VM holds its slot; undefined if that is not asked for. */
  readonly drain?: ((runners: readonly Runner[], bounds: Bounds) => Promise<void>) | undefined;
  /** Whether an idle runner is a detail: with many VMs, what matters is which of them have a job. */
  readonly isBrief?: boolean | undefined;
  /** Called when a VM that was free before no longer is: the gate begins to wait again. */
  readonly onWait?: (() => void) | undefined;
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
  /** It let the restart pass, which was not carried out if the gate is asked again. */
  hasLetPass: boolean;
  readonly progress: ProgressLog;
}

export function createGate(options: GateOptions): RunnerGate {
  const { whenBusy, isSweep, log } = options;
  const isIgnored = whenBusy === 'ignore' && isSweep !== true;
  let gate: GateState | undefined;

  async function enter(instance: Instance): Promise<GateState> {
    const boot = vmBootOf(options, instance, gate?.boot);
    if (isSweep && options.clock.now() - boot.at < boot.registersWithinMs)
      throw leftAloneAsFresh(options, boot, instance);
    if (gate === undefined) gate = await begin(options, instance, boot);
    else if (boot.text !== gate.boot.text) gate.runners.forgetOnline();
    gate.boot = boot;
    return gate;
  }

  return {
    async passOrWait(instance) {
      const isFirst = gate === undefined;
      const known = await enter(instance);
      // What the attempt took does not count as waiting.
      if (known.hasLetPass) known.limits = limitsFrom(options.clock.now(), options);
      known.hasLetPass = false;
      if (isIgnored) {
        if (hasBusy(known)) log.warning(`${describeSeen(known)}; when_busy says to ignore that.`);
        return true;
      }
      const hasDrained = await drainRunners(options, known);
      await checkBeforeRestart(options, known, isFirst && !hasDrained);
      known.hasLetPass = known.state.kind === 'idle';
      if (known.hasLetPass) return true;
      if (!isFirst) options.onWait?.();
      await waitUntilIdle(options, known);
      return false;
    },
    async untilIdle(instance) {
      const known = await enter(instance);
      if (isIgnored) return;
      await confirm(options, known);
      if (options.drain === undefined) await waitUntilIdle(options, known);
      // With a drain a VM waits with its slot, which those without a job get first: they have been read by then, too.
      else if (hasBusy(known) || known.state.kind === 'busy')
        await waitUntilIdle(options, known, options.clock.now() + IDLE_FIRST_MS);
    },
    async rehearse(instance) {
      gate = undefined;
      const known = await enter(instance);
      if (!isIgnored) await readJobs(options, known);
      log.info(`Dry run: ${describeWithDoubt(known)}`);
      return true;
    },
    stillIdle: async () => gate === undefined || keepIdle(options, gate),
    findings: () => gate,
    verdict: () => gate?.state.kind,
  };
}

function hasBusy({ shown }: Findings): boolean {
  return shown.some(({ isBusy }) => isBusy);
}

function describeWithDoubt(gate: GateState): string {
  const { state } = gate;
  return `${describeSeen(gate)}${state.kind === 'unknown' ? `; ${describeUnknown(state)}` : ''}`;
}

/** How long idle VMs go first when busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 5_000;
/** What changing labels may take: in milliseconds. */
const CHANGE_LABELS_MS = 30_000;

/** @returns whether it had something to drain. Always false for a busy VM that the step does not wait for. */
async function drainRunners(options: GateOptions, gate: GateState): Promise<boolean> {
  const { drain, whenBusy, clock, signal } = options;
  const { shown, limits } = gate;
  if (drain === undefined || (whenBusy !== 'wait' && hasBusy(gate))) return false;
  await drain(shown, { deadline: Math.max(limits.busy, clock.now() + CHANGE_LABELS_MS), signal });
  return shown.length > 0;
}

async function begin(options: GateOptions, instance: Instance, boot: KnownBoot): Promise<GateState> {
  const { clock, log } = options;
  const limits = limitsFrom(clock.now(), options);
  const runners = options.runnersOf(instance);
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const gate: GateState = {
    ...{ runners, shown: [], limits, boot, progress },
    ...{ state: UNREAD, idleSince: undefined, hasBeenUnknown: false, hasLetPass: false },
  };
  applyRunners(options, gate, await firstReading(options, runners));
  return gate;
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
  if (!isFree(gate)) return reportState(options, gate);
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

/** Reads the jobs if the state takes that. @param latest when that must end. @returns whether it did. */
async function confirm(options: GateOptions, gate: GateState, latest?: number): Promise<boolean> {
  const isNeeded = gate.state.kind === 'unconfirmed';
  if (isNeeded) await readJobs(options, gate, latest);
  reportState(options, gate);
  return isNeeded;
}

async function readRunners(options: GateOptions, gate: GateState): Promise<void> {
  applyRunners(options, gate, await gate.runners.read(endOfRead(options, gate)));
}

async function readJobs(options: GateOptions, gate: GateState, latest?: number): Promise<void> {
  const finding = await gate.runners.readJobs(endOfRead(options, gate, latest));
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
  const stretch = 'stretch' in gate.state ? gate.state.stretch : undefined;
  // While the jobs are unread, nothing says that the runner is idle: a jobs source that hangs must not prolong the wait.
  if (stretch !== undefined && stretch.jobs !== 'unread') gate.idleSince = stretch.since;
}

function endOfRead(options: GateOptions, gate: GateState, latest = Number.POSITIVE_INFINITY): number {
  return readUntil(options.clock.now(), Math.min(latest, endOfReads(options, gate)));
}

/** What ends an idle stretch has its own time limit. */
function endOfReads(options: GateOptions, gate: GateState): number {
  return Math.max(gate.limits.unknown, endOfPatience(options, gate));
}

/** In a sweep: reads whether any other runner is online. @throws ActionError if GitHub shows all offline. */
async function refuseIfAllOffline(options: GateOptions, gate: GateState): Promise<void> {
  const { isSweep, pool, signal } = options;
  if (!isSweep) return;
  const isAllOffline = await pool.isAllOffline({ deadline: endOfRead(options, gate), signal });
  if (isAllOffline) throw allOfflineError();
  if (isAllOffline === undefined) apply(options, gate, { kind: 'runners', reading: NOT_KNOWN });
}

const NOT_KNOWN: RunnersReading = { askedAt: 0, answeredAt: 0, runners: undefined, gone: [] };

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
      // Runners that show no job have no limit of their own; the jobs that are to confirm that keep the one from before.
      const latest = endOfReads(options, gate);
      applyRunners(options, gate, await gate.runners.readShared(endOfRead(options, gate)));
      await confirm(options, gate, latest);
      return gate.state.kind === 'idle' || undefined;
    }));
  if (isIdle || clock.now() >= end) return;
  if (!isNotKnown(gate)) throw await stillBusy(options, gate);
  throw notKnownError({ ...gate, lastFault: gate.runners.lastFault() });
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
