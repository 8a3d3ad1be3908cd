// Restarts the VMs of a step, each exactly as a single VM is restarted:
//
// 1. It resolves the targets: a pattern becomes the VMs that match it.
// 2. All VMs run in parallel up to their gates: any failure before a request is sent happens here. They share their reads of the
//    controller and of GitHub.
// 3. The gates let one VM after another pass, as many as there are slots. A VM holds its slot until it has ended. Once too many have
//    failed, all gates stay closed.
// 4. The roster stores what is known about each VM. It is announced before a restart is sent, and becomes the outcome.
//
// A single VM needs no slot: its gate is its runner's gate, it shares no reads, and the log has no lines about all VMs.

import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import { MOST_DRAINED } from '../drain/drain-labels.ts';
import { type ActionError, asActionError, explainCancellation } from '../errors.ts';
import type { GuestCheck } from '../guest/wait-for-guest.ts';
import { createProgressLog, createVmLog, type Log } from '../log.ts';
import { LeftAlone, type Outcome, type RestartJob } from '../restart/outcome.ts';
import type { RunnerGate } from '../runner/gate.ts';
import type { Guards } from '../runner/guard.ts';
import type { KnownJob } from '../runner/vm-boot.ts';
import {
  describeDryRun,
  describeEnd,
  describeFleet,
  describeNotStarted,
  describeOver,
  describeProgress,
  type FleetProgress,
} from './fleet-log.ts';
import { type Amount, holdsSlot, limitsFor, limitsForDryRun, type SlotLimits } from './scheduling.ts';
import { shareController } from './shared-reads.ts';
import { createSlotGate, createSlots, type Slots } from './slots.ts';
import {
  createRoster,
  failedStep,
  nothingKnown,
  type Roster,
  type StepOutcome,
  type VmOutcome,
} from './step-outcome.ts';
import {
  createDuplicateCheck,
  type DuplicateCheck,
  type Member,
  refuseTooMany,
  resolveTargets,
} from './targets.ts';
import { findVmsUsedByJob, refuseIfRestartedSince, type UsedByJob } from './used-by-job.ts';
import { restartVm } from './vm.ts';

/** Which VMs to restart, and how. */
export interface FleetJob extends Omit<RestartJob, 'target'> {
  /** An external ID may contain `*`. None if {@link usedByJob} says which VMs. */
  readonly targets: readonly Target[];
  readonly usedByJob?: UsedByJob | undefined;
  /** If the targets name more VMs than this, the step restarts none. */
  readonly maxVms: number;
  readonly maxParallel: Amount;
  readonly maxFailures: Amount;
  /** The options of the guards; undefined if there are none. */
  readonly runner?: RunnerPlan | undefined;
}

interface RunnerPlan {
  readonly isSweep: boolean;
  /** Present if the step keeps new jobs away from runners whose VMs hold a slot. */
  readonly drains?: object | undefined;
}

export interface FleetContext {
  readonly clock: Clock;
  readonly controller: Controller;
  readonly log: Log;
  /** Aborts with the error to report, when the step is canceled. */
  readonly signal: AbortSignal;
  /** Guards the GitHub runners in the VMs; undefined if there are none. */
  readonly guards: Guards | undefined;
  readonly guest?: GuestCheck | undefined;
  readonly refuse: (instance: Instance) => void;
  readonly announce?: ((outcome: StepOutcome) => void) | undefined;
}

/** Restarts the VMs of a step, one or many. Never throws: errors are part of the outcome. */
export async function restartFleet(job: FleetJob, context: FleetContext): Promise<StepOutcome> {
  let members: readonly Member[];
  try {
    members = await findMembers(job, context);
    refuseTooMany(members, job.maxVms);
  } catch (thrown) {
    const error = explainCancellation(asActionError(thrown), 'No restart had been sent.');
    return { ...failedStep(error, job.targets), isDryRun: job.dryRun };
  }
  return restartMembers(members, job, context);
}

function findMembers(
  { targets, usedByJob, timeoutMs }: FleetJob,
  { guards, ...context }: FleetContext,
): Promise<readonly Member[]> {
  const options = { ...context, timeoutMs };
  if (usedByJob === undefined || guards === undefined) return resolveTargets(targets, options);
  return findVmsUsedByJob(usedByJob, { ...options, ...guards });
}

async function restartMembers(
  members: readonly Member[],
  job: FleetJob,
  context: FleetContext,
): Promise<StepOutcome> {
  const { announce } = context;
  const { dryRun: isDryRun } = job;
  const limits = cappedFor(job, limitsFor(members.length, job));
  const roster = createRoster({ members, announce, isDryRun, mostFailures: limits.mostFailures });
  const step = { job, context, roster };
  const [first, ...others] = members;
  if (others.length > 0) await restartSeveral(members, step, isDryRun ? limitsForDryRun(limits) : limits);
  else if (first !== undefined) await restartTheOnly(first, step);
  return roster.outcome();
}

/** The step drains a runner only while its VM holds a slot. */
function cappedFor({ runner }: FleetJob, limits: SlotLimits): SlotLimits {
  if (runner?.drains === undefined) return limits;
  return { ...limits, slots: Math.min(limits.slots, MOST_DRAINED) };
}

/** A step in progress. */
interface Step {
  readonly job: FleetJob;
  readonly context: FleetContext;
  readonly roster: Roster;
}

async function restartTheOnly(member: Member, step: Step): Promise<void> {
  const { job, context, roster } = step;
  const { error } = member;
  if (error !== undefined) return roster.end(0, failedBefore(member, error, context));
  const guard = context.guards?.guardFor({ ...context, lastJob: knownJobOf(member) });
  const outcome = await restartVm({ ...job, target: member.target }, { ...hooksFor(member, 0, step), guard });
  const ended = skipIfNotRunning(member, outcome);
  const { leftAlone } = ended;
  if (leftAlone !== undefined && leftAlone.why !== 'busy')
    context.log.info(`The VM is left alone: ${leftAlone.message}`);
  roster.end(0, ended);
}

/** The gate refuses a VM that has booted since the job, so the job belongs to the current boot. */
function knownJobOf({ lastJob }: Member): KnownJob | undefined {
  return lastJob && { hasEnded: lastJob.endedAt !== undefined };
}

/** What the restart of one VM needs, including the callbacks that keep the roster up to date. */
function hooksFor({ name, lastJob }: Member, index: number, { context, roster }: Step) {
  let hasDeparted = false;
  return {
    ...context,
    name,
    refuse(instance: Instance): void {
      context.refuse(instance);
      // Once a request was sent, it may have caused a new boot.
      if (lastJob !== undefined && !hasDeparted) refuseIfRestartedSince(lastJob, instance, context.clock);
    },
    onRestarted: (known: Outcome) => roster.restarted(index, known),
    announce(known: Outcome): void {
      hasDeparted = true;
      roster.depart(index, known);
    },
  };
}

/** A pattern matches every VM with such an ID; the user did not mean the ones that are not running. */
function skipIfNotRunning({ isMatch }: Member, outcome: VmOutcome): VmOutcome {
  const { error, moments } = outcome;
  if (!isMatch || error?.code !== 'not_running' || moments.sent !== undefined) return outcome;
  return { ...outcome, error: undefined, leftAlone: new LeftAlone('not running', error.message) };
}

function failedBefore(member: Member, error: ActionError, { clock }: FleetContext): VmOutcome {
  return { ...nothingKnown(member), error, endedAt: clock.now() };
}

// ---- several VMs ----

/** A running step with several VMs. */
interface Fleet extends Step {
  readonly limits: SlotLimits;
  readonly slots: Slots;
  readonly checkDuplicate: DuplicateCheck;
  /** By the VM's index; empty if there is no runner to guard. */
  readonly runnerGates: Map<number, RunnerGate>;
}

async function restartSeveral(members: readonly Member[], step: Step, limits: SlotLimits): Promise<void> {
  const { job, context, roster } = step;
  const { log, guards } = context;
  log.info(job.dryRun ? describeDryRun(members.length) : describeFleet(members.length, limits));
  const onTooManyFailures = (failed: number) => log.info(describeOver(failed, limits));
  const slots = createSlots({ vms: members.length, limits, onTooManyFailures });
  const isCrowded = () => slots.states.filter(holdsSlot).length > 1;
  const controller = shareController(context.controller, { ...context, isCrowded });
  const checkDuplicate = createDuplicateCheck(guards?.runnerNameOf);
  const own = { limits, slots, checkDuplicate, runnerGates: new Map() };
  const fleet: Fleet = { ...step, ...own, context: { ...context, controller } };
  const stopLogging = logProgress(fleet);
  await Promise.all(members.map((member, index) => restartOneOfSeveral(fleet, member, index)));
  stopLogging();
  infoIfAny(log, describeNotStarted(roster.outcome()));
}

async function restartOneOfSeveral(fleet: Fleet, member: Member, index: number): Promise<void> {
  const { context, slots, roster } = fleet;
  const { name, error } = member;
  const outcome =
    error === undefined
      ? skipIfNotRunning(member, await restartInItsSlot(fleet, member, index))
      : failedBefore(member, error, context);
  roster.end(index, outcome);
  infoIfAny(createVmLog(context.log, name), describeEnd(outcome));
  slots.apply(index, countsAsFailed(outcome, fleet.job) ? 'fail' : 'end');
}

/** A canceled VM has not failed. A sweep restarts VMs with dead runners: some will not come back, and should not stop the others. */
function countsAsFailed({ error }: VmOutcome, { runner }: FleetJob): boolean {
  if (error === undefined || error.code === 'cancelled') return false;
  return !(runner?.isSweep && error.code === 'runner_not_back');
}

/** Verdicts of VMs that come last: they have a job, or GitHub does not say. */
const MAY_HAVE_A_JOB: readonly ReturnType<RunnerGate['occupancy']>[] = ['busy', 'unknown'];

/**
 * With a drain, VMs without a job go before those that wait for their job in their slot. In a sweep, VMs that have run their job go before
 * those with a dead runner, because they are known to come back.
 */
function comesLast(gate: RunnerGate, { runner }: FleetJob): boolean {
  if (runner?.drains !== undefined) return MAY_HAVE_A_JOB.includes(gate.occupancy());
  const shown = gate.runners()?.registrations.current ?? [];
  return runner?.isSweep === true && shown.some(({ isOnline }) => !isOnline);
}

function restartInItsSlot(fleet: Fleet, member: Member, index: number): Promise<VmOutcome> {
  const { job, context, slots, runnerGates } = fleet;
  const { name, target } = member;
  const dismissal = slots.dismissalOf(index);
  const signal = AbortSignal.any([context.signal, dismissal]);
  const guard = context.guards?.guardFor({
    log: createVmLog(context.log, name),
    signal,
    isBrief: true,
    lastJob: knownJobOf(member),
    // With a drain it waits in its slot.
    ...(job.runner?.drains === undefined && { onWait: () => slots.apply(index, 'wait') }),
  });
  if (guard !== undefined) runnerGates.set(index, guard.gate);
  const gate = createSlotGate({
    ...{ slots, index, signal, clock: context.clock },
    runnerGate: guard?.gate,
    comesLast: () => guard !== undefined && comesLast(guard.gate, job),
    checkDuplicate: (instance) => fleet.checkDuplicate(member, instance),
  });
  const hooks = hooksFor(member, index, fleet);
  return restartVm(
    { ...job, target },
    {
      ...{ ...hooks, guard, gate },
      log: createVmLog(context.log, name, () => !job.dryRun && !gate.hasLetPass),
      announce(known) {
        // Too many may have failed since the gate let it pass.
        dismissal.throwIfAborted();
        slots.apply(index, 'depart');
        hooks.announce(known);
      },
    },
  );
}

// ---- the log ----

function infoIfAny(log: Log, line: string | undefined): void {
  if (line !== undefined) log.info(line);
}

const PROGRESS_EVERY_MS = 10_000;

/** Logs the progress of the fleet every few seconds, less often while it does not change. @returns a function that stops it. */
function logProgress(fleet: Fleet): () => void {
  const { clock, log, signal } = fleet.context;
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const repeat = async () => {
    for (;;) {
      await clock.sleep(PROGRESS_EVERY_MS, until);
      progress.note('progress', describeProgress(progressOf(fleet)));
    }
  };
  // It ends only when it is stopped.
  repeat().catch(() => {});
  return () => stop.abort();
}

function progressOf({ context, roster, slots, limits, runnerGates }: Fleet): FleetProgress {
  const { vms } = roster.outcome();
  return {
    vms: vms.map((known, index) => {
      return { known, state: slots.stateOf(index), runner: runnerGates.get(index)?.occupancy() };
    }),
    slots: limits.slots,
    now: context.clock.now(),
  };
}
