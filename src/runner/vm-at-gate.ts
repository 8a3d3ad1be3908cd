// What the gate knows about its VM, and the reads that update it: of the runners, and of the jobs in progress. Each read goes through
// the state machine in occupancy.ts, and into the log.

import { type Bounds, type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import type { Runner } from '../github/runner.ts';
import type { SharedBounds } from '../github/runners.ts';
import { createProgressLog, type Log, type ProgressLog } from '../log.ts';
import { pollUntil } from '../poll.ts';
import { LeftAlone } from '../restart/outcome.ts';
import { afterRead, startWaiting, type Waiting, waitsUntil } from './gate-limits.ts';
import { describeOccupancy, describeSeen, notFoundError, type Seen } from './gate-lines.ts';
import type { LiveRunners } from './live-runners.ts';
import type { Occupancy, OccupancyEvent, RunnersReading } from './occupancy.ts';
import type { GateRules } from './runner-options.ts';
import type { KnownJob, VmBoot } from './vm-boot.ts';
import { readUntil, type VmRunners } from './vm-runners.ts';

export interface GateOptions extends GateRules {
  readonly clock: Clock;
  /** Ends the wait; its reason is thrown. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly liveRunners: LiveRunners;
  /** The last job that is known to have run on this VM's runner since the VM booted. */
  readonly lastJob?: KnownJob | undefined;
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

/** One VM at its gate. */
export class VmAtGate {
  readonly options: GateOptions;
  readonly runners: VmRunners;
  readonly progress: ProgressLog;
  boot: VmBoot;
  waiting: Waiting;
  /** GitHub has answered once, so the runners that match the name are known. */
  private isFound = false;

  constructor(options: GateOptions, runners: VmRunners, boot: VmBoot) {
    const { clock, log } = options;
    this.options = options;
    this.runners = runners;
    this.boot = boot;
    this.waiting = startWaiting(clock.now(), options);
    this.progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  }

  get state(): Occupancy {
    return this.waiting.state;
  }

  get seen(): Seen {
    return { state: this.state, current: this.runners.registrations.current };
  }

  get hasBusy(): boolean {
    return this.seen.current.some(({ isBusy }) => isBusy);
  }

  /** Whether the VM is free as far as is known: a last read must confirm it. */
  get isFree(): boolean {
    return this.state.kind === 'idle' || this.state.kind === 'absent';
  }

  // ---- the runners ----

  /** The first read, which finds the runners by name. */
  findRunners(): Promise<void> {
    const { clock, patienceMs } = this.options;
    return this.readRunnersBy(() => this.runners.find(clock.now() + patienceMs));
  }

  readRunners(): Promise<void> {
    return this.readRunnersBy(() => this.runners.read(this.readDeadline()));
  }

  /** The same for a wait: a list that many VMs share may answer it. */
  readSharedRunners(pace?: SharedBounds['pace']): Promise<void> {
    return this.readRunnersBy(() => this.runners.readShared(this.readDeadline(), pace));
  }

  /** Until GitHub has answered once, the runners have yet to be found. @throws LeftAlone if a sweep must skip the VM. */
  private async readRunnersBy(read: () => Promise<RunnersReading>): Promise<void> {
    const reading = this.isFound ? await read() : await firstReading(this, read);
    this.isFound ||= reading.runners !== undefined;
    this.apply({ kind: 'runners', reading });
    if (this.state.kind === 'online')
      throw new LeftAlone('needless', `${describeSeen(this.seen)}; restart_if leaves it alone`);
  }

  // ---- the jobs ----

  /** @param latest when the read must end. */
  async readJobs(latest?: number): Promise<void> {
    const finding = await this.runners.readJobs(this.readDeadline(latest));
    this.apply({ kind: 'jobs', finding });
  }

  /** Reads the jobs if the state is `unconfirmed`, and logs the state. @returns whether they were read. */
  async readJobsIfNeeded(latest?: number): Promise<boolean> {
    const isNeeded = this.state.kind === 'unconfirmed';
    if (isNeeded) await this.readJobs(latest);
    this.logState();
    return isNeeded;
  }

  // ---- their results ----

  apply(event: OccupancyEvent): void {
    const { options: rules, boot } = this;
    this.waiting = afterRead(this.waiting, event, { now: rules.clock.now(), rules, boot });
  }

  readDeadline(latest = Number.POSITIVE_INFINITY): number {
    return readUntil(this.options.clock.now(), Math.min(latest, this.lastReadDeadline()));
  }

  /** A read may end after the wait for the current state is over: its answer can change the state, and with it the limit. */
  lastReadDeadline(): number {
    return Math.max(this.waiting.limits.unknown, waitsUntil(this.options, this.waiting));
  }

  logState(): void {
    const { options, progress, state, seen } = this;
    const rest = state.kind === 'settling' ? ` (${minutes(state.stretch.leftMs)} left)` : '';
    const isDetail = options.isBrief === true && state.kind !== 'busy' && state.kind !== 'unknown';
    progress.note(state.kind, describeOccupancy(seen, options), { rest, isDetail });
  }
}

/** A runner is missing for a moment when it registers again, or when its page shifts: the step searches for this long. */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;

/**
 * The reading that finds the runners by name. Without an answer it says nothing; then the next reading must find them.
 * @throws ActionError `runner_not_found` if none is registered, unless they are one-job runners that may be gone.
 */
async function firstReading(
  { options, runners }: VmAtGate,
  search: () => Promise<RunnersReading>,
): Promise<RunnersReading> {
  const { clock, signal, patienceMs } = options;
  const giveUpAt = clock.now() + MISSING_MS;
  const polling = { clock, signal, deadline: () => giveUpAt, nextAt: () => clock.now() + FIND_EVERY_MS };
  const found = await pollUntil(polling, async () => {
    const reading = await search();
    return reading.runners?.length !== 0 || (await mayBeGone(options)) ? reading : undefined;
  });
  if (found !== undefined) return found;
  throw notFoundError(await runners.missing(clock.now() + patienceMs), options);
}

async function mayBeGone(options: GateOptions): Promise<boolean> {
  const { isEphemeral, lastJob, liveRunners, clock, signal, patienceMs } = options;
  if (!isEphemeral) return false;
  return lastJob !== undefined || liveRunners.isScopeProved({ deadline: clock.now() + patienceMs, signal });
}
