// Restarts the VMs of a step, each exactly as a single VM is restarted:
//
// 1. It resolves the targets: a pattern becomes the VMs that match it.
// 2. All VMs run in parallel up to their gates, and share their reads of the controller and of GitHub. Most failures show here, before the
//    first restart is sent.
// 3. The gates let as many VMs pass as there are slots. A VM keeps its slot until it has ended. Once too many have failed, no further VM passes.
// 4. `OutcomesSoFar` stores what is known about each VM. That is announced before a restart is sent, and becomes the outcome.
//
// A single VM needs no slot: its gate is its runner's gate, it shares no reads, and the log has no lines about all VMs.

import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import { MOST_DRAINED } from '../drain/drain-labels.ts';
import { asActionError, explainCancellation } from '../errors.ts';
import type { GuestCheck } from '../guest/wait-for-guest.ts';
import { createVmLog, type Log } from '../log.ts';
import { LeftAlone, type Outcome, type RestartJob } from '../restart/outcome.ts';
import type { RunnerGate } from '../runner/gate.ts';
import type { Guards } from '../runner/guard.ts';
import type { RunnerOptions } from '../runner/runner-options.ts';
import type { KnownJob } from '../runner/vm-boot.ts';
import {
  describeDryRun,
  describeEnd,
  describeFleet,
  describeNotStarted,
  describeTooManyFailures,
  logProgress,
} from './fleet-log.ts';
import { shareController } from './shared-reads.ts';
import { createSlotGate } from './slot-gate.ts';
import {
  createSlots,
  holdsSlot,
  type LimitOptions,
  limitsFor,
  type SlotLimits,
  type Slots,
} from './slots.ts';
import {
  createOutcomesSoFar,
  failedStep,
  nothingKnown,
  type OutcomesSoFar,
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
import { restartVm, type VmContext } from './vm.ts';

/** Which VMs to restart, and how. */
export interface FleetJob extends Omit<RestartJob, 'target'>, LimitOptions {
  /** An external ID may contain `*`. None if {@link usedByJob} says which VMs. */
  readonly targets: readonly Target[];
  readonly usedByJob?: UsedByJob | undefined;
  /** If the targets name more VMs than this, the step restarts none. */
  readonly maxVms: number;
  /** The options of the guards; undefined if there are none. */
  readonly runner?: Pick<RunnerOptions, 'isSweep' | 'drains'> | undefined;
}

interface FleetContext {
  readonly clock: Clock;
  readonly controller: Controller;
  readonly log: Log;
  /** Aborts with the error to report, when the step is canceled. */
  readonly signal: AbortSignal;
  /** Guards the GitHub runners in the VMs; undefined if there are none. */
  readonly guards: Guards | undefined;
  readonly guest?: GuestCheck | undefined;
  /** Throws if the instance must never be restarted. */
  readonly refuse: (instance: Instance) => void;
  /** Called right before a restart may be sent. If it throws, nothing is sent. */
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
  // The step drains a runner only while its VM holds a slot.
  const limits = limitsFor(members.length, job, job.runner?.drains && MOST_DRAINED);
  const outcomes = createOutcomesSoFar({ members, announce, isDryRun, mostFailures: limits.mostFailures });
  const step = { job, context, outcomes };
  const [first, ...others] = members;
  if (others.length > 0) await restartSeveral(members, step, limits);
  else if (first !== undefined) await restartTheOnly(first, step);
  return outcomes.ofStep();
}

/** A step in progress. */
interface Step {
  readonly job: FleetJob;
  readonly context: FleetContext;
  readonly outcomes: OutcomesSoFar;
}

async function restartTheOnly(member: Member, step: Step): Promise<void> {
  const { context } = step;
  const { leftAlone } = await restartMember(step, { member, index: 0 }, () => ({
    guard: context.guards?.guardFor({ ...context, lastJob: knownJobOf(member) }),
  }));
  // If the runner is busy, the gate has logged that already.
  if (leftAlone !== undefined && leftAlone.why !== 'busy')
    context.log.info(`The VM is left alone: ${leftAlone.message}`);
}

/** The job belongs to the VM's current boot: `refuseIfRestartedSince` stops a VM that has booted since. */
function knownJobOf({ lastJob }: Member): KnownJob | undefined {
  return lastJob && { hasEnded: lastJob.endedAt !== undefined };
}

// ---- one VM, the only one or one of several ----

interface IndexedMember {
  readonly member: Member;
  /** Its position among the members. */
  readonly index: number;
}

/** The parts of the context that differ between VMs. */
interface OwnContext extends Pick<VmContext, 'guard' | 'gate'> {
  readonly log?: Log;
  /** Called right before the restart may be sent. If it throws, nothing is sent. */
  readonly onDeparture?: () => void;
}

/** @param prepare called only if the member has a VM to restart. */
async function restartMember(
  step: Step,
  { member, index }: IndexedMember,
  prepare: () => OwnContext,
): Promise<VmOutcome> {
  const { job, context, outcomes } = step;
  const { name, target, lastJob, error } = member;
  const { clock } = context;
  if (error !== undefined)
    return outcomes.end(index, { ...nothingKnown(member), error, endedAt: clock.now() });
  const { onDeparture, ...own } = prepare();
  let hasDeparted = false;
  const outcome = await restartVm(
    { ...job, target },
    {
      ...{ ...context, name, ...own },
      refuse(instance: Instance): void {
        context.refuse(instance);
        // After the first request, a new boot may be the result of this step.
        if (lastJob !== undefined && !hasDeparted) refuseIfRestartedSince(lastJob, instance, clock);
      },
      onRestarted: (known: Outcome) => outcomes.note(index, known),
      announce(known: Outcome): void {
        onDeparture?.();
        hasDeparted = true;
        outcomes.depart(index, known);
      },
    },
  );
  return outcomes.end(index, skipIfNotRunning(member, outcome));
}

/** A VM that is not running is an error only if the user named it, not if a pattern matched it. */
function skipIfNotRunning({ isMatch }: Member, outcome: VmOutcome): VmOutcome {
  const { error, moments } = outcome;
  if (!isMatch || error?.code !== 'not_running' || moments.sent !== undefined) return outcome;
  return { ...outcome, error: undefined, leftAlone: new LeftAlone('not running', error.message) };
}

// ---- several VMs ----

/** A running step with several VMs. */
interface Fleet extends Step {
  readonly slots: Slots;
  readonly checkDuplicate: DuplicateCheck;
  /** By the VM's index; empty if there is no runner to guard. */
  readonly runnerGates: Map<number, RunnerGate>;
}

async function restartSeveral(members: readonly Member[], step: Step, limits: SlotLimits): Promise<void> {
  const { job, context, outcomes } = step;
  const { clock, log, signal, guards } = context;
  log.info(job.dryRun ? describeDryRun(members.length) : describeFleet(members.length, limits));
  const onTooManyFailures = (failed: number) => log.info(describeTooManyFailures(failed, limits));
  const slots = createSlots({ vms: members.length, limits, onTooManyFailures });
  const isCrowded = () => slots.states.filter(holdsSlot).length > 1;
  const controller = shareController(context.controller, { ...context, isCrowded });
  const runnerGates = new Map<number, RunnerGate>();
  const checkDuplicate = createDuplicateCheck(guards?.runnerNameOf);
  const fleet = { ...step, context: { ...context, controller }, slots, checkDuplicate, runnerGates };
  const stopLogging = logProgress({ clock, log, signal }, () => ({
    vms: outcomes.ofStep().vms.map((known, index) => {
      return { known, state: slots.stateOf(index), runner: runnerGates.get(index)?.occupancy() };
    }),
    slots: limits.slots,
    now: clock.now(),
  }));
  await Promise.all(members.map((member, index) => restartOneOfSeveral(fleet, { member, index })));
  stopLogging();
  infoIfAny(log, describeNotStarted(outcomes.ofStep()));
}

async function restartOneOfSeveral(fleet: Fleet, indexed: IndexedMember): Promise<void> {
  const outcome = await restartMember(fleet, indexed, () => prepareForSlot(fleet, indexed));
  infoIfAny(createVmLog(fleet.context.log, indexed.member.name), describeEnd(outcome));
  fleet.slots.apply(indexed.index, countsAsFailed(outcome, fleet.job) ? 'fail' : 'end');
}

/** The VM's guard, and its gate, which waits for a slot. */
function prepareForSlot(fleet: Fleet, { member, index }: IndexedMember): OwnContext {
  const { job, context, slots, runnerGates } = fleet;
  const dismissal = slots.dismissalOf(index);
  const signal = AbortSignal.any([context.signal, dismissal]);
  const guard = context.guards?.guardFor({
    log: createVmLog(context.log, member.name),
    signal,
    isBrief: true,
    lastJob: knownJobOf(member),
    // With `drain`, a VM that has to wait again keeps its slot.
    ...(job.runner?.drains === undefined && { onWait: () => slots.apply(index, 'wait') }),
  });
  if (guard !== undefined) runnerGates.set(index, guard.gate);
  const gate = createSlotGate({
    ...{ slots, index, signal, clock: context.clock },
    runnerGate: guard?.gate,
    comesLast: () => guard !== undefined && comesLast(guard.gate, job),
    checkDuplicate: (instance) => fleet.checkDuplicate(member, instance),
  });
  return {
    ...{ guard, gate },
    log: createVmLog(context.log, member.name, () => !job.dryRun && !gate.hasLetPass),
    onDeparture() {
      // Too many may have failed since the gate let it pass.
      dismissal.throwIfAborted();
      slots.apply(index, 'depart');
    },
  };
}

/** A canceled VM has not failed. A sweep restarts VMs with dead runners: some will not come back, and should not stop the others. */
function countsAsFailed({ error }: VmOutcome, { runner }: FleetJob): boolean {
  if (error === undefined || error.code === 'cancelled') return false;
  return !(runner?.isSweep && error.code === 'runner_not_back');
}

/** The states of a VM whose runner has a job, or may have one. */
const MAY_HAVE_A_JOB: readonly ReturnType<RunnerGate['occupancy']>[] = ['busy', 'unknown'];

/**
 * With `drain`, VMs without a job go first, because the others would hold a slot while their job runs. In a sweep, VMs that have had their job
 * go first, because they are known to come back, unlike those with a dead runner.
 */
function comesLast(gate: RunnerGate, { runner }: FleetJob): boolean {
  if (runner?.drains !== undefined) return MAY_HAVE_A_JOB.includes(gate.occupancy());
  const shown = gate.runners()?.registrations.current ?? [];
  return runner?.isSweep === true && shown.some(({ isOnline }) => !isOnline);
}

function infoIfAny(log: Log, line: string | undefined): void {
  if (line !== undefined) log.info(line);
}
