// The gate before the restart of one VM:
//
// 1. The VM arrives: the gate determines which boot the VM is in, and finds its runners by name.
// 2. The gate reads the runners, and sometimes the jobs in progress, until no job keeps the VM busy. occupancy.ts has the states;
//    gate-limits.ts says how long to wait in each.
// 3. Right before the restart, it reads the runners, the jobs, and the runners again, because reading the jobs may take seconds. With
//    `drain`, it keeps new jobs away first.
//
// | call         | when                           | waits                                   | reads of the runners           | drains |
// | ------------ | ------------------------------ | --------------------------------------- | ------------------------------ | ------ |
// | `untilIdle`  | before it queues for a slot    | until idle; with `drain`, at most 5 s   | shared with other VMs          | no     |
// | `stillIdle`  | while it is queued for a slot  | no                                      | shared                         | no     |
// | `passOrWait` | when it has a slot             | if the check does not find the VM free  | its own; shared while it waits | yes    |
//
// With several VMs, fleet/slot-gate.ts calls all three. A single VM needs no slot, so restart/attempt.ts calls only `passOrWait`. That returns
// true if the VM was free without a wait. It returns false if it had to wait: the caller then reads the VM's record and calls again. It throws
// once the limit of the VM's state is reached.

import type { Instance } from '../controller/instance.ts';
import { describePattern } from '../github/runner-names.ts';
import { pollUntil } from '../poll.ts';
import { type Gate, LeftAlone } from '../restart/outcome.ts';
import {
  gatePauseMs,
  isNotKnown,
  LEAVES_WITHIN_MS,
  limitsFrom,
  waitsUntil,
  whileQueued,
} from './gate-limits.ts';
import {
  allOfflineError,
  describeSeen,
  describeUnknown,
  notKnownError,
  renamedError,
  stillBusyError,
} from './gate-lines.ts';
import type { Occupancy, RunnersReading } from './occupancy.ts';
import { type GateOptions, VmAtGate } from './vm-at-gate.ts';
import { leaveAloneIfFresh, vmBootOf } from './vm-boot.ts';
import type { VmRunners } from './vm-runners.ts';

/** Lets the restart pass only while no job runs on the VM's runners. */
export interface RunnerGate extends Gate {
  /**
   * For a VM without a slot: waits until it is free.
   * @throws ActionError, LeftAlone as `passOrWait` does.
   */
  untilIdle(instance: Instance): Promise<void>;
  /**
   * For a free VM that is queued for a slot: one read of the runners, which keeps its state up to date if it is called every few seconds.
   * @returns false if the runners have a job, so that the VM must leave the queue. Always true with `drain`: the VM waits for that job in
   * its slot.
   * @throws ActionError if GitHub's refusal is final.
   */
  stillIdle(): Promise<boolean>;
  /** The VM's runners; undefined if they were never read. */
  runners(): VmRunners | undefined;
  /** The state after all reads so far; undefined before the first. */
  occupancy(): Occupancy['kind'] | undefined;
}

export function createGate(options: GateOptions): RunnerGate {
  let vm: VmAtGate | undefined;
  /** Whether the last `passOrWait` returned true. A further call then means that the restart was not carried out. */
  let hasLetPass = false;

  async function arrive(instance: Instance): Promise<VmAtGate> {
    const now = options.clock.now();
    const boot = vmBootOf({ ...options, now }, instance, vm?.boot);
    if (options.isSweep) leaveAloneIfFresh(now, boot, instance);
    if (vm === undefined) {
      const found = new VmAtGate(options, options.runnersOf(instance), boot);
      refuseIfRenamed(found, instance);
      await found.findRunners();
      vm = found;
    } else refuseIfRenamed(vm, instance);
    if (boot.text !== vm.boot.text) vm.runners.registrations.forgetOnline();
    vm.boot = boot;
    return vm;
  }

  return {
    async passOrWait(instance) {
      const isFirst = vm === undefined;
      const arrived = await arrive(instance);
      // The restart was not carried out, so the limits start over.
      if (hasLetPass)
        arrived.waiting = { ...arrived.waiting, limits: limitsFrom(options.clock.now(), options) };
      hasLetPass = await passOrWait(arrived, isFirst);
      return hasLetPass;
    },
    untilIdle: async (instance) => waitWithoutSlot(await arrive(instance)),
    async rehearse(instance) {
      vm = undefined;
      return rehearse(await arrive(instance));
    },
    stillIdle: async () => vm === undefined || keepIdle(vm),
    runners: () => vm?.runners,
    occupancy: () => vm?.state.kind,
  };
}

// ---- the VM arrives ----

/**
 * A runner keeps its name if its VM is renamed, and another VM may get that name.
 * @throws ActionError `runner_not_found`
 */
function refuseIfRenamed({ options, runners }: VmAtGate, instance: Instance): void {
  const sought = describePattern(runners.sought.name);
  const names = options.runnerNamesOf(instance);
  const [now = sought] = names;
  const before = now === sought ? names.find((name) => name !== sought) : sought;
  if (before !== undefined) throw renamedError(before, now);
}

/** Whether the restart may kill jobs. In a sweep it never may, whatever `when_busy` says: it skips VMs with an online runner. */
function ignoresJobs({ whenBusy, isSweep }: GateOptions): boolean {
  return whenBusy === 'ignore' && !isSweep;
}

// ---- with a slot, right before the restart ----

/** In milliseconds. A slower answer says too little about the present: the process may have been suspended during the read. */
const LONGEST_LAST_READ_MS = 10_000;

/** @param isFirst whether this is the first call: the runners were read just now, when they were found. */
async function passOrWait(vm: VmAtGate, isFirst: boolean): Promise<boolean> {
  const { options } = vm;
  const { clock, log, onWait } = options;
  if (ignoresJobs(options)) {
    if (vm.hasBusy) log.warning(`${describeSeen(vm.seen)}; when_busy says to ignore that.`);
    return true;
  }
  const askedAt = clock.now();
  const hasDrained = await drainRunners(vm);
  // After a long wait for another step's drain, the VM's record has to be read again.
  const isRecent = clock.now() - askedAt <= LONGEST_LAST_READ_MS;
  await checkBeforeRestart(vm, isFirst && !hasDrained);
  await drainNew(vm);
  if (vm.state.kind === 'idle' && isRecent) return true;
  if (!isFirst) onWait?.();
  await waitUntilIdle(vm);
  return false;
}

async function rehearse(vm: VmAtGate): Promise<true> {
  if (!ignoresJobs(vm.options)) await vm.readJobs();
  const doubt = vm.state.kind === 'unknown' ? `; ${describeUnknown(vm.state)}` : '';
  vm.options.log.info(`Dry run: ${describeSeen(vm.seen)}${doubt}`);
  return true;
}

/** Reads the runners, the jobs, and the runners again. @param areRunnersFresh whether the runners were read just now. */
async function checkBeforeRestart(vm: VmAtGate, areRunnersFresh: boolean): Promise<void> {
  const { clock } = vm.options;
  if (!areRunnersFresh) await vm.readRunners();
  const areJobsRead = await vm.readJobsIfNeeded();
  if (!vm.isFree) return;
  if (!areJobsRead) await vm.readJobs();
  if (!vm.isFree) return vm.logState();
  await refuseIfAllOffline(vm);
  if (!vm.isFree) return vm.logState();
  const askedAt = clock.now();
  await readLast(vm);
  if (clock.now() - askedAt > LONGEST_LAST_READ_MS) await readLast(vm);
}

async function readLast(vm: VmAtGate): Promise<void> {
  await vm.readRunners();
  await vm.readJobsIfNeeded();
}

/** In a sweep: checks whether the runner of any live VM is online. @throws ActionError if GitHub shows all of them offline. */
async function refuseIfAllOffline(vm: VmAtGate): Promise<void> {
  const { isSweep, liveRunners, signal } = vm.options;
  if (!isSweep) return;
  const isAllOffline = await liveRunners.isAllOffline({ deadline: vm.readDeadline(), signal });
  if (isAllOffline) throw allOfflineError();
  if (isAllOffline === undefined) vm.apply({ kind: 'runners', reading: NO_ANSWER });
}

const NO_ANSWER: RunnersReading = { askedAt: 0, answeredAt: 0, runners: undefined, gone: [] };

/** Drains runners that registered during the check, and repeats its last reads if that has made them outdated. */
async function drainNew(vm: VmAtGate): Promise<void> {
  if (!vm.isFree) return;
  const { clock } = vm.options;
  const readAt = clock.now();
  const hasDrained = await drainRunners(vm);
  if (hasDrained || clock.now() - readAt > LONGEST_LAST_READ_MS) await readLast(vm);
}

/** The shortest time limit for waiting until another step's drain ends, even right before `busy_timeout`: in milliseconds. */
const SHORTEST_DRAIN_WAIT_MS = 30_000;

/** @returns whether earlier reads are outdated. Always false for a busy VM that the step does not wait for. */
async function drainRunners(vm: VmAtGate): Promise<boolean> {
  const { options, waiting, runners } = vm;
  const { drain, whenBusy, clock, signal } = options;
  if (drain === undefined || (whenBusy !== 'wait' && vm.hasBusy)) return false;
  const deadline = Math.max(waiting.limits.busy, clock.now() + SHORTEST_DRAIN_WAIT_MS);
  return drain(runners.registrations.current, { deadline, signal });
}

// ---- without a slot ----

/** The head start of idle VMs in the queue for slots, if busy ones are drained: in milliseconds. */
const IDLE_FIRST_MS = 5_000;

async function waitWithoutSlot(vm: VmAtGate): Promise<void> {
  const { options } = vm;
  if (ignoresJobs(options)) return;
  await vm.readJobsIfNeeded();
  if (options.drain === undefined) await waitUntilIdle(vm);
  // With `drain`, a busy VM waits for its job in its slot.
  else if (vm.hasBusy || vm.state.kind === 'busy')
    await waitUntilIdle(vm, options.clock.now() + IDLE_FIRST_MS);
}

async function keepIdle(vm: VmAtGate): Promise<boolean> {
  const { options } = vm;
  await vm.readSharedRunners();
  if (vm.state.kind === 'busy' && options.drain === undefined) return false;
  vm.waiting = whileQueued(vm.waiting, options.clock.now(), options);
  return true;
}

// ---- the wait ----

/** @param end only with `drain`, for a VM without a slot: return at this time, idle or not, and drain nothing. */
async function waitUntilIdle(vm: VmAtGate, end = Number.POSITIVE_INFINITY): Promise<void> {
  const { options, runners, progress } = vm;
  const { clock, signal, isEphemeral } = options;
  if (vm.state.kind === 'idle') return;
  const leavesBy = isEphemeral ? clock.now() + LEAVES_WITHIN_MS : Number.NEGATIVE_INFINITY;
  const leavesSoon = () => clock.now() < leavesBy;
  const nextAt = () => clock.now() + gatePauseMs(vm.state, leavesSoon());
  const deadline = () => Math.min(end, waitsUntil(options, vm.waiting));
  const polling = { clock, signal, deadline, nextAt, firstAt: nextAt() };
  const mayDrain = end === Number.POSITIVE_INFINITY;
  const isIdle =
    clock.now() < deadline() &&
    (await pollUntil(polling, async ({ startedAt }) => {
      // Taken before the runners are read: if they show no job, that lifts the limit, but the jobs must still be read within the old one.
      const latest = vm.lastReadDeadline();
      const isSoon = leavesSoon() || vm.state.kind === 'absent';
      await vm.readSharedRunners(startedAt >= deadline() ? 'now' : isSoon ? 'soon' : undefined);
      if (mayDrain && clock.now() < deadline()) await drainRunners(vm);
      await vm.readJobsIfNeeded(latest);
      return vm.state.kind === 'idle' || undefined;
    }));
  if (isIdle || clock.now() >= end) return;
  if (!isNotKnown(vm.waiting)) throw await stillBusy(vm);
  throw notKnownError(vm.state, progress.tally(), runners.lastFault());
}

/** Reads the jobs first, because GitHub can show a runner as busy forever: what the user should do depends on whether it lists a job. */
async function stillBusy(vm: VmAtGate): Promise<Error> {
  const { options, state, progress } = vm;
  const { whenBusy } = options;
  if (state.kind === 'busy' && whenBusy === 'skip') return new LeftAlone('busy', describeSeen(vm.seen));
  if (state.kind === 'busy' && state.job === 'unread') await vm.readJobs();
  return stillBusyError(vm.seen, whenBusy, progress.tally());
}
