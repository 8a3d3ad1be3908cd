// The guard of a VM makes sure that the restart kills no job, and that the runners are back after it.
//
// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them. Once the
// restart is verified, the guard reads the runners until they are proved to be back, or until runner_timeout. An error before the restart
// prevents it. An error after it becomes part of the outcome, because the VM was restarted all the same.
//
// gate.ts            the gate; occupancy.ts has its states, gate-limits.ts its limits, gate-lines.ts its log lines and errors
// wait-for-runner.ts the wait after the restart; back-verdict.ts decides whether the runners are back
// vm-runners.ts      reads the runners in one VM, for both
// vm-drains.ts       keeps new jobs away from them in the meantime
// github/sources.ts  the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository

import type { Controller } from '../controller/controller.ts';
import type { Instance } from '../controller/instance.ts';
import type { Runner } from '../github/runner.ts';
import { describePattern, fillPattern, hasValues, mayBeIn } from '../github/runner-names.ts';
import type { Runners } from '../github/runners.ts';
import { describeScope } from '../github/scope.ts';
import { type OpenedSources, openSources, type Sources } from '../github/sources.ts';
import type { Dispatchers } from '../http/connections.ts';
import type { Outcome } from '../restart/outcome.ts';
import { createGate, type RunnerGate } from './gate.ts';
import { createJobReader, type JobReader } from './job-finding.ts';
import { createLiveRunners, type LiveRunners, type LiveRunnersOptions } from './live-runners.ts';
import { createRegistrationWarnings } from './registrations.ts';
import { type OwnRunner, refuseFixedName, warnOfSharedAddress } from './self-restart.ts';
import type { GateOptions } from './vm-at-gate.ts';
import { createStepDrains, type StepDrains, type StepDrainsOptions } from './vm-drains.ts';
import { createVmRunners, type VmRunners } from './vm-runners.ts';
import { type RunnerOutcome, waitForRunner } from './wait-for-runner.ts';

export interface GuardsOptions extends StepDrainsOptions {
  readonly ownRunner: OwnRunner;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** For one HTTP request. */
  readonly requestTimeoutMs: number;
  /** IP addresses of the machine that runs the step. */
  readonly addresses: readonly string[];
  /** Sends the requests instead of the network. */
  readonly dispatchers: Dispatchers | undefined;
  /** The names of a VM in every answer so far; if absent, only its newest ones count. */
  readonly namesOf?: Controller['namesOf'] | undefined;
  /** If absent, no other VM's runner can prove that name and scope are right. */
  readonly liveInstances?: LiveRunnersOptions['liveInstances'] | undefined;
  /** Lets several VMs share their reads. */
  readonly share?: ((sources: Sources) => Sources) | undefined;
}

/** The guards of all VMs of a step, which share their access to GitHub. */
export interface Guards {
  guardFor(vm: GuardedVm): Guard;
  /** `runner_name` with this VM's values. */
  runnerNameOf(instance: Instance): string;
  /** Whether a runner of this name may be in the VM. */
  isRunnerIn(instance: Instance, runnerName: string): boolean;
  /** The jobs of a run of the workflow's own repository. @throws ActionError */
  readonly readRun: OpenedSources['readRun'];
  /** Closes the connections, and writes to the debug log how much of GitHub's quota the step used. */
  close(): Promise<void>;
}

/** The options that differ between VMs. */
export type GuardedVm = Pick<GateOptions, 'log' | 'signal' | 'lastJob' | 'isBrief' | 'onWait'>;

export interface Guard {
  readonly gate: RunnerGate;
  /**
   * Waits for the runners if the restart is verified; in any case, then restores the labels of a drain. Never throws: errors become part of the
   * outcome.
   * @param signal ends the wait; if absent, the step's own signal does.
   */
  afterRestart(outcome: Outcome, signal?: AbortSignal): Promise<Outcome & { readonly runner: RunnerOutcome }>;
}

/** What the guards of all VMs share. */
interface Shared {
  readonly drains: StepDrains;
  readonly runners: Runners;
  readonly jobs: JobReader;
  readonly liveRunners: LiveRunners;
  /** Called for each new registration. */
  readonly onNew: (runner: Runner) => void;
}

/** @throws ActionError `self_restart` if `runner_name` has no placeholder and matches the step's own runner. */
export function createGuards(options: GuardsOptions): Guards {
  const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
  const { nameTemplate } = runner;
  refuseFixedName(ownRunner, runner);
  const { repository } = ownRunner;
  const opened: OpenedSources = openSources({
    ...{ ...runner, repository, clock, random, log, requestTimeoutMs, dispatchers },
    onList: (listing) => drains.lookThrough(listing),
  });
  const drains = createStepDrains(options, opened.labels);
  const { share = (sources: Sources) => sources, liveInstances = async () => [] } = options;
  const { runners, jobs } = share(opened);
  const shared: Shared = {
    ...{ drains, runners, jobs: createJobReader(jobs, { clock, log }) },
    liveRunners: createLiveRunners({ nameTemplate, runners, liveInstances }),
    onNew: createRegistrationWarnings(runner, log),
  };
  return {
    runnerNameOf: (instance) => describePattern(fillPattern(nameTemplate, instance)),
    isRunnerIn: (instance, runnerName) => mayBeIn(instance, nameTemplate, runnerName),
    guardFor: (vm) => createGuard(options, shared, vm),
    readRun: opened.readRun,
    async close() {
      await drains.finish();
      await opened.close();
    },
  };
}

/** A runner that has not registered this long after the boot, or within `runner_timeout` if that is longer, will not. In milliseconds. */
const REGISTERS_WITHIN_MS = 300_000;

function createGuard(options: GuardsOptions, shared: Shared, vm: GuardedVm): Guard {
  const { runner, clock, patienceMs, signal, namesOf = () => [] } = options;
  const { nameTemplate, scope, runnerTimeoutMs } = runner;
  const { drain, restore } = shared.drains.forVm(vm.log);
  const gate = createGate({
    ...{ ...runner, ...vm, patienceMs, clock, liveRunners: shared.liveRunners },
    ...(drain && { drain, busyUntil: shared.drains.busyUntil }),
    seesAllJobs: scope.kind === 'repository',
    registersWithinMs: Math.max(REGISTERS_WITHIN_MS, runnerTimeoutMs),
    runnersOf: (instance) => runnersIn(instance, { options, shared, vm }),
    runnerNamesOf: (instance) =>
      [instance, ...namesOf(instance).map((names) => ({ ...instance, ...names }))]
        .filter((each) => hasValues(each, nameTemplate))
        .map((each) => describePattern(fillPattern(nameTemplate, each))),
  });
  return {
    gate,
    async afterRestart(outcome, until = signal) {
      const wait = { ...runner, runners: gate.runners(), clock, log: vm.log, signal: until };
      const back = await waitForRunner(outcome, wait);
      await restore(outcome);
      return { ...outcome, ...back };
    },
  };
}

/** @throws ActionError `runner_not_found` */
function runnersIn(
  instance: Instance,
  { options, shared, vm }: { options: GuardsOptions; shared: Shared; vm: GuardedVm },
): VmRunners {
  const { runner, addresses, clock } = options;
  const { log, signal, isBrief } = vm;
  const { nameTemplate, scope } = runner;
  const name = fillPattern(nameTemplate, instance);
  warnOfSharedAddress(instance, { addresses, log });
  (isBrief ? log.debug : log.info)(
    `Looking for the self-hosted runner "${describePattern(name)}" of ${describeScope(scope)}`,
  );
  return createVmRunners({ ...shared, sought: { name, scope }, clock, log, signal });
}
