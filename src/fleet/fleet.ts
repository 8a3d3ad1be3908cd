// Several VMs, each restarted in the very way in which one is:
//
// 1. The targets are resolved: what is a pattern becomes the VMs that fit it.
// 2. All VMs set out at once, side by side, and come to their gates: what fails before anything is sent fails here. Their looks at the
//    controller, and those at GitHub, are shared.
// 3. The gates let one after the other pass, as many as there are places (turns.ts). A place is held until all is over that
//    belongs to the VM. After too many failures no gate opens any more.
// 4. What came of each is kept in the roster: it is told of before each restart leaves, and once all are at their end.

import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import type { Instance } from '../controller/instance.ts';
import type { ActionError } from '../errors.ts';
import type { GuestCheck } from '../guest/wait-for-guest.ts';
import type { Log } from '../log.ts';
import { createVmLog } from '../log.ts';
import { NOTHING_DONE } from '../restart/outcome.ts';
import type { RestartJob } from '../restart/restart.ts';
import type { RunnerGate } from '../runner/gate.ts';
import type { Guards } from '../runner/guard.ts';
import { type Claim, createClaims } from './claims.ts';
import { createFleetGate } from './fleet-gate.ts';
import { describeDryRun, describeEnd, describeFleet, describeNotBegun, describeOver } from './fleet-lines.ts';
import type { FleetOutcome } from './fleet-outcome.ts';
import { restartOneVm, type VmOutcome } from './one-vm.ts';
import { createPlaces, type Places } from './places.ts';
import { describeProgress, type FleetProgress } from './progress.ts';
import { createRoster, type Roster } from './roster.ts';
import { createSharedLooks } from './shared-looks.ts';
import { type Member, resolveTargets } from './targets.ts';
import { type Amount, isOver, limitsFor, limitsForDryRun, type TurnLimits } from './turns.ts';

/** What is to be restarted, and how. */
export interface Fleet {
  /** At least one; an external ID may hold `*`. */
  readonly targets: readonly RestartJob['target'][];
  readonly maxParallel: Amount;
  readonly maxFailures: Amount;
}

export interface FleetContext {
  readonly clock: Clock;
  readonly controller: Controller;
  readonly log: Log;
  /** Aborts with the error to report, when the step is cancelled. */
  readonly signal: AbortSignal;
  /** Looks after the GitHub runners in the VMs; undefined where there are none to look after. */
  readonly guards: Guards | undefined;
  readonly guest?: GuestCheck | undefined;
  readonly refuse: (instance: Instance) => void;
  readonly announce?: ((outcome: FleetOutcome) => void) | undefined;
}

/** Restarts several VMs. Never throws: what goes wrong is part of the outcome. */
export async function restartFleet(
  fleet: Fleet & Omit<RestartJob, 'target'>,
  context: FleetContext,
): Promise<FleetOutcome> {
  const { clock, log, signal, announce } = context;
  const { timeoutMs, dryRun: isDryRun } = fleet;
  const members = await resolveTargets(fleet.targets, { ...context, timeoutMs });
  const asked = limitsFor(members.length, fleet);
  const limits = isDryRun ? limitsForDryRun(asked) : asked;
  log.info(isDryRun ? describeDryRun(members.length) : describeFleet(members.length, limits));
  const places = createPlaces(members.length, limits);
  const isCrowded = () => places.standings.filter(({ phase }) => phase === 'under way').length > 1;
  const controller = createSharedLooks(context.controller, { clock, log, signal, isCrowded });
  const { mostFailures } = limits;
  const roster = createRoster({ members, clock, announce, isDryRun, mostFailures });
  const course: Course = {
    job: fleet,
    context: { ...context, controller },
    places,
    limits,
    roster,
    claim: createClaims(context.guards?.runnerNameOf),
    runnerGates: new Map(),
  };
  const stopTelling = tellProgress(course);
  await Promise.all(members.map((member, index) => play(course, member, index)));
  stopTelling();
  const outcome = roster.outcome();
  tell(log, describeNotBegun(outcome));
  return outcome;
}

/** A fleet on its way. */
interface Course {
  readonly job: Omit<RestartJob, 'target'>;
  readonly context: FleetContext;
  readonly places: Places;
  readonly limits: TurnLimits;
  readonly roster: Roster;
  readonly claim: Claim;
  /** By the VM's index; none where there is no runner to look after. */
  readonly runnerGates: Map<number, RunnerGate>;
}

async function play(course: Course, member: Member, index: number): Promise<void> {
  const { context, places, roster } = course;
  const { target, error } = member;
  const outcome = error === undefined ? await restartMember(course, member, index) : failed(target, error);
  roster.end(index, outcome);
  tell(createVmLog(context.log, member.name), describeEnd(outcome));
  const wasOver = isOver(places.standings, course.limits);
  // Who was cancelled has not failed.
  places.end(index, outcome.error !== undefined && outcome.error.code !== 'cancelled');
  if (!wasOver) tellIfOver(course);
}

function failed(target: Member['target'], error: ActionError): VmOutcome {
  return { ...NOTHING_DONE, target, error };
}

function restartMember(course: Course, member: Member, index: number): Promise<VmOutcome> {
  const { name, target } = member;
  const { job, context, places, roster, claim } = course;
  const { clock, controller, guest, refuse } = context;
  const signal = AbortSignal.any([context.signal, places.dismissalOf(index)]);
  const guard = context.guards?.guardFor({
    log: createVmLog(context.log, name),
    signal,
    isBrief: true,
    onWait: () => places.giveBack(index),
  });
  if (guard !== undefined) course.runnerGates.set(index, guard.gate);
  const gate = createFleetGate({
    ...{ places, index, clock, signal },
    runnerGate: guard?.gate,
    claim: (instance) => claim(member, instance),
  });
  return restartOneVm(
    { ...job, target },
    {
      ...{ clock, controller, guest, refuse, gate, guard },
      log: createVmLog(context.log, name, () => !job.dryRun && !gate.hasLetPass),
      signal: context.signal,
      onRestarted: (known) => roster.restarted(index, known),
      announce(known) {
        // The last failure too many may have come since the gate let it pass.
        places.dismissalOf(index).throwIfAborted();
        places.depart(index);
        roster.depart(index, known);
      },
    },
  );
}

// ---- what is told ----

function tell(log: Log, line: string | undefined): void {
  if (line !== undefined) log.info(line);
}

function tellIfOver({ context, places: { standings }, limits }: Course): void {
  if (!isOver(standings, limits)) return;
  const failed = standings.filter(({ hasFailed }) => hasFailed).length;
  context.log.info(describeOver(failed, limits));
}

const TELL_EVERY_MS = 10_000;

/** Tells how far the fleet is, every now and then. @returns what ends it. */
function tellProgress(course: Course): () => void {
  const { clock, log, signal } = course.context;
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const tellOnAndOn = async () => {
    for (;;) {
      await clock.sleep(TELL_EVERY_MS, until);
      log.info(describeProgress(progressOf(course)));
    }
  };
  // It has no other end than to be stopped.
  tellOnAndOn().catch(() => {});
  return () => stop.abort();
}

function progressOf({ context, roster, places, limits, runnerGates }: Course): FleetProgress {
  const { vms } = roster.outcome();
  return {
    vms: vms.map((known, index) => {
      return { known, phase: places.phaseOf(index), runner: runnerGates.get(index)?.verdict() };
    }),
    places: limits.places,
    now: context.clock.now(),
  };
}
