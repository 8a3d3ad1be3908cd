// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them. Once the
// VM is verified after the restart, the wait reads the runners until they are proved to be back, or until runner_timeout. An error before
// the restart prevents it; an error after it becomes part of the outcome, because the VM was restarted all the same.
//
// gate.ts            before the restart: occupancy.ts has its states, gate-lines.ts its words
// wait-for-runner.ts after the restart: back-verdict.ts judges
// vm-runners.ts      the runners in one VM, which both read
// sources.ts         the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository

import { type Bounds, type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { createDrains, type DrainState, type Drains } from '../drain/drain.ts';
import { createExpiredDrains, type ExpiredDrains } from '../drain/expired-drains.ts';
import { ActionError, asActionError, explainCancellation } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { RunnerLabels } from '../github/runner-labels.ts';
import { describePattern, fillPattern, fixedPattern, hasValues, mayBeIn } from '../github/runner-names.ts';
import type { Runners } from '../github/runners.ts';
import { describeScope, type Scope } from '../github/scope.ts';
import { type OpenedSources, openSources, type Sources } from '../github/sources.ts';
import type { Dispatchers } from '../http/connections.ts';
import type { Log } from '../log.ts';
import type { Outcome } from '../restart/outcome.ts';
import { createGate, type RunnerGate } from './gate.ts';
import type { KnownJob } from './gate-entry.ts';
import type { WhenBusy } from './gate-limits.ts';
import { createJobReader, type JobReader } from './job-finding.ts';
import { type OwnRunner, refuseSelfRestart, sharedAddress } from './self-restart.ts';
import { createPool, createVmRunners, type LiveInstances, type Pool } from './vm-runners.ts';
import { type RunnerOutcome, waitForRunner } from './wait-for-runner.ts';

/** The options for the GitHub runners inside the VMs. */
export interface RunnerOptions {
  /** Can contain the placeholders of runner-names.ts. */
  readonly nameTemplate: string;
  readonly scope: Scope;
  /** Can read the scope's self-hosted runners. */
  readonly token: string;
  /** Reads the jobs of the workflow's own repository; if undefined or blank, `token` does. */
  readonly jobsToken?: string | undefined;
  readonly whenBusy: WhenBusy;
  /** How long the runners must show no job before the restart. */
  readonly idleForMs: number;
  readonly busyTimeoutMs: number;
  /** They take one job per registration, unless GitHub says otherwise. */
  readonly isEphemeral: boolean;
  /** The step restarts only VMs without an online runner. */
  readonly isSweep: boolean;
  /** The step keeps new jobs away from the runners while it waits and restarts. */
  readonly drains?: { readonly runId: string } | undefined;
  /** Whether the step ends only once the runners are back. */
  readonly waitsForRunner: boolean;
  /** From the verified restart on. */
  readonly runnerTimeoutMs: number;
  /** Of GitHub's REST API. */
  readonly apiUrl: URL;
  readonly proxy: URL | undefined;
}

export interface GuardsOptions {
  readonly runner: RunnerOptions;
  readonly ownRunner: OwnRunner;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** For messages that concern no single VM. */
  readonly log: Log;
  readonly signal: AbortSignal;
  /** For one HTTP request. */
  readonly requestTimeoutMs: number;
  /** How long GitHub may give no usable answer, in addition to the wait for a busy runner. */
  readonly patienceMs: number;
  /** IP addresses of the machine that runs the step. */
  readonly addresses: readonly string[];
  /** Carries the requests instead of the network. */
  readonly dispatchers: Dispatchers | undefined;
  /** Reads all live VMs of the controller. Without it, no runner proves that name and scope are right. */
  readonly liveInstances?: LiveInstances | undefined;
  /** A dry run: the step changes nothing, so it does not restore labels of expired drains. */
  readonly isDryRun?: boolean | undefined;
  /** Saves what the post step must restore if the step is killed. */
  readonly saveDrains?: ((state: DrainState) => void) | undefined;
  /** Lets several VMs share their reads. */
  readonly share?: ((sources: Sources) => Sources) | undefined;
}

/** The guards of all VMs of a step. They share only their access to GitHub. */
export interface Guards {
  guardFor(vm: GuardedVm): Guard;
  /** The name of the runner in a VM. */
  runnerNameOf(instance: Instance): string;
  /** Whether a runner of this name may be in the VM. */
  isRunnerIn(instance: Instance, runnerName: string): boolean;
  /** The jobs of a run of the workflow's own repository. @throws ActionError */
  readonly readRun: OpenedSources['readRun'];
  /** Closes the connections, and writes to the debug log how much of GitHub's quota the step used. */
  close(): Promise<void>;
}

/** The parts that belong to one VM. */
export interface GuardedVm {
  readonly log: Log;
  /** Ends the wait before the restart; its reason is thrown there. */
  readonly signal: AbortSignal;
  /** The last job that is known to have run on the VM's runner since the VM booted. */
  readonly lastJob?: KnownJob | undefined;
  /** Lines about idle runners go only to the debug log: with many VMs, what matters is which of them have a job. */
  readonly isBrief?: boolean;
  /** Called when a free VM is no longer free. */
  readonly onWait?: () => void;
}

/** Makes sure that the restart of one VM kills no job, and that its runners are back after it. */
export interface Guard {
  readonly gate: RunnerGate;
  /**
   * After the restart: waits for the runner if the VM is back. Never throws: errors are part of the outcome.
   * @param signal ends the wait; if absent, the step's own signal does.
   */
  afterRestart(outcome: Outcome, signal?: AbortSignal): Promise<Outcome & { readonly runner: RunnerOutcome }>;
}

/** The parts that the guards of all VMs share. */
interface Shared {
  readonly drains: Drains | undefined;
  readonly expired: ExpiredDrains;
  /**
   * With a drain, the step waits for a busy runner only until this time, and begins no drain later, so that it can restore the labels
   * before the token expires: on the clock's scale.
   */
  readonly busyUntil: number | undefined;
  /** Pending restorations of labels. */
  readonly restoring: Set<Promise<void>>;
  readonly runners: Runners;
  readonly jobs: JobReader;
  readonly pool: Pool;
  readonly onNew: (runner: Runner) => void;
}

/** @throws ActionError `self_restart` if the runner's name already shows it. */
export function createGuards(options: GuardsOptions): Guards {
  const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
  const { scope, nameTemplate } = runner;
  const name = fixedPattern(nameTemplate);
  if (name !== undefined) refuseSelfRestart(ownRunner, { name, scope });
  const { repository } = ownRunner;
  const opened: OpenedSources = openSources({
    ...{ ...runner, repository, clock, random, log, requestTimeoutMs, dispatchers },
    onList: (listing) => expired.lookThrough(listing),
  });
  const mayRestore = runner.drains !== undefined && options.isDryRun !== true;
  const expired = createExpiredDrains({ ...options, labels: mayRestore ? opened.labels : undefined });
  const { share = (sources: Sources) => sources, liveInstances = async () => [] } = options;
  const { runners, jobs } = share(opened);
  const shared: Shared = {
    ...openDrains(options, opened.labels),
    expired,
    restoring: new Set(),
    runners,
    jobs: createJobReader(jobs, { clock, log }),
    pool: createPool({ nameTemplate, runners, liveInstances }),
    onNew: createWarnings(runner, log),
  };
  return {
    runnerNameOf: (instance) => describePattern(fillPattern(nameTemplate, instance)),
    isRunnerIn: (instance, runnerName) => mayBeIn(instance, nameTemplate, runnerName),
    guardFor: (vm) => createGuard({ ...options, log: vm.log }, { shared, vm }),
    readRun: opened.readRun,
    async close() {
      await Promise.all(shared.restoring);
      await expired.finish();
      await opened.close();
    },
  };
}

/** In milliseconds: time for the guest and for requests, in addition to the waits that the inputs limit. */
const DRAIN_MARGIN_MS = 3_600_000;
/** In milliseconds. An installation token is valid for an hour; with less time left than this, no drain begins, because the step could not end it. */
const INSTALLATION_TOKEN_MS = 50 * 60_000;

function openDrains(options: GuardsOptions, labels: RunnerLabels): Pick<Shared, 'drains' | 'busyUntil'> {
  const { runner, clock, log, signal, patienceMs, saveDrains = () => {} } = options;
  const { drains: asked, busyTimeoutMs, idleForMs, runnerTimeoutMs, token } = runner;
  if (asked === undefined) return { drains: undefined, busyUntil: undefined };
  if (runner.whenBusy === 'ignore' && !runner.isSweep)
    log.warning('drain has no effect with when_busy: ignore, because the step waits for no job');
  const restartMs = patienceMs + runnerTimeoutMs;
  const lifeMs = busyTimeoutMs + idleForMs + restartMs + DRAIN_MARGIN_MS;
  const draining = { labels, ...asked, lifeMs, patienceMs, clock, log, signal, saveState: saveDrains };
  if (!token.startsWith('ghs_')) return { drains: createDrains(draining), busyUntil: undefined };
  const waitsForMs = INSTALLATION_TOKEN_MS - idleForMs - restartMs;
  if (waitsForMs <= 0) throw tokenTooShort(idleForMs + restartMs);
  const busyUntil = clock.now() + waitsForMs;
  if (waitsForMs < busyTimeoutMs)
    log.info(
      `github_token is an installation token, which is valid for an hour: busy_timeout ends ${minutes(waitsForMs)} after the step's start, so that all labels can be restored`,
    );
  return { drains: createDrains({ ...draining, beginsBy: busyUntil }), busyUntil };
}

function tokenTooShort(needsMs: number): ActionError {
  const message = `github_token is an installation token, which is valid for an hour, so a drain must end within ${minutes(INSTALLATION_TOKEN_MS)} of the step's start. But idle_for, timeout and runner_timeout together are ${minutes(needsMs)}.`;
  return new ActionError('invalid_input', message, {
    hint: 'Shorten them, use another kind of token, or leave out drain.',
  });
}

/** A runner that has not registered this long after the boot, or for `runner_timeout` if that is longer, never will. In milliseconds. */
const REGISTERS_WITHIN_MS = 300_000;

/** @param options with the log of the one VM. */
function createGuard(options: GuardsOptions, { shared, vm }: { shared: Shared; vm: GuardedVm }): Guard {
  const { runner, ownRunner, clock, log, patienceMs } = options;
  const { scope } = runner;

  function runnersOf(instance: Instance) {
    const name = fillPattern(runner.nameTemplate, instance);
    refuseSelfRestart(ownRunner, { name, scope });
    warnOfSharedAddress(instance, options);
    (vm.isBrief ? log.debug : log.info)(
      `Looking for the self-hosted runner "${describePattern(name)}" of ${describeScope(scope)}`,
    );
    return createVmRunners({ ...shared, sought: { name, scope }, clock, log, signal: vm.signal });
  }

  function runnerNameOf(instance: Instance): string | undefined {
    const { nameTemplate } = runner;
    return hasValues(instance, nameTemplate)
      ? describePattern(fillPattern(nameTemplate, instance))
      : undefined;
  }

  const drained = new Set<number>();
  const { drains, busyUntil } = shared;

  async function drain(found: readonly Runner[], bounds: Bounds): Promise<boolean> {
    let hasChanged = false;
    for (const each of found) {
      drained.add(each.id);
      await shared.expired.leaveTo(each.id);
      if (await drains?.drain(each, bounds)) hasChanged = true;
    }
    return hasChanged;
  }

  async function restore(outcome: Outcome): Promise<void> {
    if (drained.size > 0 && outcome.restarted === 'unknown')
      log.warning(
        'The labels are restored, but the restart may still happen, and would kill a job that begins before then',
      );
    await Promise.all([...drained].map((id) => drains?.restore(id)));
    for (const id of drained) shared.expired.takeBack(id);
  }

  const gate = createGate({
    ...(drains && { drain, busyUntil }),
    ...{ ...runner, ...vm, patienceMs, clock, runnersOf, runnerNameOf, pool: shared.pool },
    seesAllJobs: scope.kind === 'repository',
    registersWithinMs: Math.max(REGISTERS_WITHIN_MS, runner.runnerTimeoutMs),
  });
  return {
    gate,
    async afterRestart(outcome, until = options.signal) {
      const back = await waitIfVerified(outcome, { gate, options: { ...options, signal: until } });
      const restoring = restore(outcome);
      shared.restoring.add(restoring);
      await restoring;
      return { ...outcome, ...back };
    },
  };
}

function warnOfSharedAddress(instance: Instance, { addresses, log }: GuardsOptions): void {
  const address = sharedAddress(instance, addresses);
  if (address === undefined) return;
  log.warning(
    `The VM to restart and the machine that runs this step have the same address, ${address}. If they are the same machine, the restart kills this step.`,
  );
}

interface AfterRestart {
  readonly runner: RunnerOutcome;
  readonly error?: ActionError;
}

async function waitIfVerified(
  { restarted, moments: { verified: verifiedAt } }: Outcome,
  { gate, options }: { gate: RunnerGate; options: GuardsOptions },
): Promise<AfterRestart> {
  const findings = gate.findings();
  if (restarted !== 'true' || verifiedAt === undefined || findings === undefined)
    return { runner: NO_RUNNER };
  const { runner: asked, clock, log, signal } = options;
  const { runners, shown } = findings;
  const { waitsForRunner, runnerTimeoutMs } = asked;
  if (!waitsForRunner) {
    log.info('The step does not wait for the runner, because wait_for_runner is false');
    return { runner: NO_RUNNER };
  }
  try {
    const before = { shown, seen: runners.seen, isEphemeral: asked.isEphemeral };
    const watching = { runners, before, verifiedAt, runnerTimeoutMs, clock, log, signal };
    return { runner: { status: await waitForRunner(watching), backAt: clock.now() } };
  } catch (thrown) {
    const error = asActionError(thrown);
    const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
    return { runner: { status, backAt: undefined }, error: explainCancellation(error, RUNNER_UNKNOWN) };
  }
}

const RUNNER_UNKNOWN = 'The VM was restarted and verified; whether its runner is back is not known.';
const NO_RUNNER: RunnerOutcome = { status: undefined, backAt: undefined };

/** GitHub lets no older version register, though it may let one connect briefly. Since 2026. */
const LEAST_VERSION = [2, 329, 0];

/** What the log says about a registration when it first appears. */
function createWarnings({ isEphemeral }: RunnerOptions, log: Log): (runner: Runner) => void {
  let hasToldOfKind = false;
  return ({ name, id, ephemeral, version }) => {
    if (version !== undefined && isOlderVersion(version.split('.').map(Number), LEAST_VERSION))
      log.warning(
        `Runner "${name}" (ID ${id}) has version ${version}, but GitHub requires ${LEAST_VERSION.join('.')}: it may connect, and end without taking a job. Update it.`,
      );
    if (hasToldOfKind || ephemeral === undefined || ephemeral === isEphemeral) return;
    hasToldOfKind = true;
    const kind = ephemeral ? 'takes one job per registration' : 'takes one job after another';
    log.warning(
      `runner_ephemeral is ${isEphemeral}, but GitHub says that runner "${name}" (ID ${id}) ${kind}. The step believes GitHub.`,
    );
  };
}

/** Whether a version is older than another. A part that is not a number is not older. */
function isOlderVersion(
  [part = 0, ...rest]: readonly number[],
  [thanPart, ...thanRest]: readonly number[],
): boolean {
  if (thanPart === undefined) return false;
  return part < thanPart || (part === thanPart && isOlderVersion(rest, thanRest));
}
