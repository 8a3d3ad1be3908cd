// Before the restart: reads GitHub until the runners of one VM leave it free. occupancy.ts has the states and says what a read means; this
// module makes the reads and keeps the limits. Right before the restart it reads both sources again, and the runners once more after the
// jobs, because reading the jobs may take seconds.

import { type Bounds, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import type { Runner } from '../github/runner.ts';
import { describePattern } from '../github/runner-names.ts';
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
  renamedError,
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
import { readUntil, type VmRunners } from './vm-runners.ts';

export interface GateOptions
  extends EntryOptions,
    LimitOptions,
    Pick<OccupancyRules, 'seesAllJobs' | 'isSweep' | 'isEphemeral'> {
  readonly log: Log;
  /** The step knows which runners these are only once it knows the instance. @throws ActionError */
  readonly runnersOf: (instance: Instance) => VmRunners;
  /** The name or pattern of these runners; undefined if the record lacks a value for it. */
  readonly runnerNameOf: (instance: Instance) => string | undefined;
  /**
   * Keeps new jobs away from the runners once the VM holds its slot, including runners that register again; undefined without `drain`.
   * Returns whether it changed labels.
   */
  readonly drain?: ((runners: readonly Runner[], bounds: Bounds) => Promise<boolean>) | undefined;
  /** Lines about idle runners go only to the debug log: with many VMs, what matters is which of them have a job. */
  readonly isBrief?: boolean | undefined;
  /** Called when a free VM is no longer free: the gate begins to wait again. */
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
   * For a free VM that waits for a slot: a read of the runners every few seconds keeps its state fresh. False if they show a job
   * and the VM must leave the queue. With a drain it stays true: the VM waits for that job in its slot.
   * @throws ActionError if GitHub's refusal is final.
   */
  stillIdle(): Promise<boolean>;
  /** The runners as last seen; undefined if they never were. */
  findings(): Findings | undefined;
  /** The state after all reads so far; undefined before the first. */
  verdict(): Occupancy['kind'] | undefined;
}

export interface Findings {
  readonly runners: VmRunners;
  readonly shown: readonly Runner[];
}

/** What changes while the gate waits. */
interface GateState extends Findings, Waiting {
  /** According to the last usable answer. */
  shown: readonly Runner[];
  boot: KnownBoot;
  /** The gate let the restart pass. If it is called again, that restart was not carried out. */
  hasLetPass: boolean;
  /** GitHub has answered: which runners fit the name is known. */
  isFound: boolean;
  readonly progress: ProgressLog;
}

export function createGate(options: GateOptions): RunnerGate {
  const { whenBusy, isSweep, log } = options;
  // A sweep cannot ignore jobs: it leaves a VM with an online runner alone.
  const isIgnored = whenBusy === 'ignore' && isSweep !== true;
  let gate: GateState | undefined;

  async function enter(instance: Instance): Promise<GateState> {
    const boot = vmBootOf(options, instance, gate?.boot);
    if (isSweep && options.clock.now() - boot.at < boot.registersWithinMs)
      throw leftAloneAsFresh(options, boot, instance);
    if (gate === undefined) gate = await begin(options, instance, boot);
    else refuseIfRenamed(options, gate, instance);
    if (boot.text !== gate.boot.text) gate.runners.forgetOnline();
    gate.boot = boot;
    return gate;
  }

  return {
    async passOrWait(instance) {
      const isFirst = gate === undefined;
      const known = await enter(instance);
      // Asked again after a restart that was not carried out: the limits start again.
      if (known.hasLetPass) known.limits = limitsFrom(options.clock.now(), options);
      known.hasLetPass = false;
      if (isIgnored) {
        if (hasBusy(known)) log.warning(`${describeSeen(known)}; when_busy says to ignore that.`);
        return true;
      }
      const askedAt = options.clock.now();
      const hasDrained = await drainRunners(options, known);
      // The wait for another step's drain may have been long. Then the VM's record has to be read again.
      const isRecent = options.clock.now() - askedAt <= LONGEST_LAST_READ_MS;
      await checkBeforeRestart(options, known, isFirst && !hasDrained);
      await drainNew(options, known);
      known.hasLetPass = known.state.kind === 'idle' && isRecent;
      if (known.hasLetPass) return true;
      if (!isFirst) options.onWait?.();
      await waitUntilIdle(options, known);
      return false;
    },
    async untilIdle(instance) {
      const known = await enter(instance);
      if (isIgnored) return;
      await readJobsIfNeeded(options, known);
      if (options.drain === undefined) await waitUntilIdle(options, known);
      // With a drain, a busy VM waits in its slot. First it waits here for a few seconds, so that idle VMs get their slots before it.
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

/** Drains runners that registered during the check. What the check read may be outdated by then. */
async function drainNew(options: GateOptions, gate: GateState): Promise<void> {
  if (!isFree(gate)) return;
  const { clock } = options;
  const readAt = clock.now();
  const hasDrained = await drainRunners(options, gate);
  if (hasDrained || clock.now() - readAt > LONGEST_LAST_READ_MS) await readLast(options, gate);
}

/** How long idle VMs go first when busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 5_000;
/** The time limit for changing labels: in milliseconds. */
const CHANGE_LABELS_MS = 30_000;

/** @returns whether it changed labels. Always false for a busy VM that the step does not wait for. */
async function drainRunners(options: GateOptions, gate: GateState): Promise<boolean> {
  const { drain, whenBusy, clock, signal } = options;
  const { shown, limits } = gate;
  if (drain === undefined || (whenBusy !== 'wait' && hasBusy(gate))) return false;
  return drain(shown, { deadline: Math.max(limits.busy, clock.now() + CHANGE_LABELS_MS), signal });
}

/** How many boots of the VM in a row the gate waits for its runner to register. */
const MOST_BOOTS = 3;

/** @throws ActionError `runner_not_found` */
function refuseIfRenamed({ runnerNameOf }: GateOptions, { runners }: GateState, instance: Instance): void {
  const before = describePattern(runners.sought.name);
  const now = runnerNameOf(instance) ?? before;
  if (now !== before) throw renamedError(before, now);
}

function lastRegistration({ clock }: GateOptions, { registersWithinMs }: KnownBoot): number {
  return clock.now() + MOST_BOOTS * registersWithinMs;
}

async function begin(options: GateOptions, instance: Instance, boot: KnownBoot): Promise<GateState> {
  const { clock, log } = options;
  const limits = limitsFrom(clock.now(), options);
  const runners = options.runnersOf(instance);
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const gate: GateState = {
    ...{ runners, shown: [], limits, boot, progress },
    registersBy: lastRegistration(options, boot),
    ...{ state: UNREAD, idleSince: undefined, hasBeenUnknown: false, isFound: false, hasLetPass: false },
  };
  const search = () => runners.find(clock.now() + options.patienceMs);
  const found = await firstReading(options, runners, search);
  applyRunners(options, gate, found);
  return gate;
}

// ---- reads ----

/** In milliseconds. A slower answer says too little about the present: the process may have been suspended while it waited. */
const LONGEST_LAST_READ_MS = 10_000;

/** Reads the runners, the jobs, and the runners again. @param areRunnersFresh whether the runners were read just now. */
async function checkBeforeRestart(
  options: GateOptions,
  gate: GateState,
  areRunnersFresh: boolean,
): Promise<void> {
  const { clock } = options;
  if (!areRunnersFresh) await readRunners(options, gate);
  const areJobsRead = await readJobsIfNeeded(options, gate);
  if (!isFree(gate)) return;
  if (!areJobsRead) await readJobs(options, gate);
  if (!isFree(gate)) return reportState(options, gate);
  await refuseIfAllOffline(options, gate);
  if (!isFree(gate)) return reportState(options, gate);
  const askedAt = clock.now();
  await readLast(options, gate);
  if (clock.now() - askedAt > LONGEST_LAST_READ_MS) await readLast(options, gate);
}

/** So far: a last read must confirm it. */
function isFree({ state: { kind } }: GateState): boolean {
  return kind === 'idle' || kind === 'absent';
}

async function readLast(options: GateOptions, gate: GateState): Promise<void> {
  await readRunners(options, gate);
  await readJobsIfNeeded(options, gate);
}

/** Reads the jobs if the state is `unconfirmed`, and logs the state. @param latest when the read must end. @returns whether they were read. */
async function readJobsIfNeeded(options: GateOptions, gate: GateState, latest?: number): Promise<boolean> {
  const isNeeded = gate.state.kind === 'unconfirmed';
  if (isNeeded) await readJobs(options, gate, latest);
  reportState(options, gate);
  return isNeeded;
}

async function readRunners(options: GateOptions, gate: GateState): Promise<void> {
  await readAndApply(options, gate, (until) => gate.runners.read(until));
}

/** Until GitHub has answered once, the runners have yet to be found. */
async function readAndApply(
  options: GateOptions,
  gate: GateState,
  read: (until: number) => Promise<RunnersReading>,
): Promise<void> {
  const readNow = () => read(readDeadline(options, gate));
  const reading = gate.isFound ? await readNow() : await firstReading(options, gate.runners, readNow);
  applyRunners(options, gate, reading);
}

async function readJobs(options: GateOptions, gate: GateState, latest?: number): Promise<void> {
  const finding = await gate.runners.readJobs(readDeadline(options, gate, latest));
  apply(options, gate, { kind: 'jobs', finding });
}

/** @throws LeftAlone if a sweep must skip the VM. */
function applyRunners(options: GateOptions, gate: GateState, reading: RunnersReading): void {
  gate.isFound ||= reading.runners !== undefined;
  gate.shown = reading.runners ?? gate.shown;
  if (reading.runners !== undefined && reading.runners.length > 0)
    gate.registersBy = lastRegistration(options, gate.boot);
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
  // Waiting for a registration has its own limit: the others begin after it.
  if (gate.state.kind === 'registering') gate.limits = limitsFrom(options.clock.now(), options);
  gate.state = nextOccupancy(gate.state, event, rules);
  gate.hasBeenUnknown ||= gate.state.kind === 'unknown';
  const stretch = 'stretch' in gate.state ? gate.state.stretch : undefined;
  // While the jobs are unread, the runner may not be idle: a jobs source that hangs must not prolong the wait.
  if (stretch !== undefined && stretch.jobs !== 'unread') gate.idleSince = stretch.since;
}

function readDeadline(options: GateOptions, gate: GateState, latest = Number.POSITIVE_INFINITY): number {
  return readUntil(options.clock.now(), Math.min(latest, lastReadDeadline(options, gate)));
}

/** A read may end after the wait for the current state is over: its answer can change the state, and with it the limit. */
function lastReadDeadline(options: GateOptions, gate: GateState): number {
  return Math.max(gate.limits.unknown, endOfPatience(options, gate));
}

/** In a sweep: reads whether any other runner is online. @throws ActionError if GitHub shows all offline. */
async function refuseIfAllOffline(options: GateOptions, gate: GateState): Promise<void> {
  const { isSweep, pool, signal } = options;
  if (!isSweep) return;
  const isAllOffline = await pool.isAllOffline({ deadline: readDeadline(options, gate), signal });
  if (isAllOffline) throw allOfflineError();
  if (isAllOffline === undefined) apply(options, gate, { kind: 'runners', reading: NOT_KNOWN });
}

const NOT_KNOWN: RunnersReading = { askedAt: 0, answeredAt: 0, runners: undefined, gone: [] };

/** busy_timeout for the next job does not start while a free VM waits for a slot. */
async function keepIdle(options: GateOptions, gate: GateState): Promise<boolean> {
  await readAndApply(options, gate, (until) => gate.runners.readShared(until));
  const { kind } = gate.state;
  // With a drain it waits for its job only once it has its slot.
  if (kind === 'busy' && options.drain === undefined) return false;
  gate.registersBy = lastRegistration(options, gate.boot);
  if (kind !== 'unknown') gate.limits = limitsFrom(options.clock.now(), options);
  return true;
}

// ---- the wait ----

/** @param end if given, the VM has no slot, and it returns then, idle or not. */
async function waitUntilIdle(
  options: GateOptions,
  gate: GateState,
  end = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { clock, signal } = options;
  if (gate.state.kind === 'idle') return;
  const holdsSlot = end === Number.POSITIVE_INFINITY;
  const leavesBy = options.isEphemeral === true ? clock.now() + LEAVES_WITHIN_MS : Number.NEGATIVE_INFINITY;
  const leavesSoon = () => clock.now() < leavesBy;
  const nextAt = () => clock.now() + gatePauseMs(gate.state, leavesSoon());
  const deadline = () => Math.min(end, endOfPatience(options, gate));
  const polling = { clock, signal, deadline, nextAt, firstAt: nextAt() };
  const isIdle =
    clock.now() < deadline() &&
    (await pollUntil(polling, async ({ startedAt }) => {
      // Computed before the runners are read: if they show no job, the new state has no limit, but the jobs must be read within the old one.
      const latest = lastReadDeadline(options, gate);
      const isSoon = leavesSoon() || gate.state.kind === 'absent';
      const pace = startedAt >= deadline() ? 'now' : isSoon ? 'soon' : undefined;
      await readAndApply(options, gate, (until) => gate.runners.readShared(until, pace));
      if (holdsSlot && clock.now() < deadline()) await drainRunners(options, gate);
      await readJobsIfNeeded(options, gate, latest);
      return gate.state.kind === 'idle' || undefined;
    }));
  if (isIdle || clock.now() >= end) return;
  if (!isNotKnown(gate)) throw await stillBusy(options, gate);
  throw notKnownError({ ...gate, lastFault: gate.runners.lastFault() });
}

/** GitHub can show a runner as busy forever. Whether it lists a job for the runner decides what the user should do. */
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
