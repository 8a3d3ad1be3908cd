// What the gate knows about its VM, and the reads that update it: of the runners, and of the jobs in progress. Each result goes to the
// state machine in occupancy.ts, and the new state to the log.

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
  /** With `used_by_job`: the last job of the run on this VM's runner. */
  readonly lastJob?: KnownJob | undefined;
  /** Called when the VM arrives, because `runner_name` may need the instance's values. @throws ActionError */
  readonly runnersOf: (instance: Instance) => VmRunners;
  /** What `runner_name` stands for, according to each answer so far that has the values for it. The newest comes first. */
  readonly runnerNamesOf: (instance: Instance) => readonly string[];
  /** Keeps new jobs away from these runners. Returns whether earlier reads of them are outdated. Undefined without `drain`. */
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
  /** Whether GitHub has answered once, so that the runners that match the name are known. */
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

  /** Whether the VM is free as far as is known. A last read must confirm it. */
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

  /** The same for a wait: the answer may come from a list that many VMs share. */
  readSharedRunners(pace?: SharedBounds['pace']): Promise<void> {
    return this.readRunnersBy(() => this.runners.readShared(this.readDeadline(), pace));
  }

  /** @throws LeftAlone if a sweep must skip the VM. */
  private async readRunnersBy(read: () => Promise<RunnersReading>): Promise<void> {
    const reading = this.isFound ? await read() : await firstReading(this, read);
    this.isFound ||= reading.runners !== undefined;
    this.apply({ kind: 'runners', reading });
    if (this.state.kind === 'online')
      throw new LeftAlone('needless', `${describeSeen(this.seen)}; restart_if leaves it alone`);
  }

  // ---- the jobs ----

  /** @param latest the read ends by then. */
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

  /** A read may take longer than the wait in the current state: its answer can change the state, and with it the limit. */
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

/**
 * How long to search for runners that GitHub does not list, in milliseconds. One may be missing briefly, because it is registering again or
 * because the pages of the list shifted.
 */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;

/**
 * Searches for the runners by name. Without a usable answer from GitHub, the next read searches again.
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

/** An absent one-job runner counts as gone only if something proves that name and scope are right: a job of the run, or another runner. */
async function mayBeGone(options: GateOptions): Promise<boolean> {
  const { isEphemeral, lastJob, liveRunners, clock, signal, patienceMs } = options;
  if (!isEphemeral) return false;
  return lastJob !== undefined || liveRunners.isScopeProved({ deadline: clock.now() + patienceMs, signal });
}
