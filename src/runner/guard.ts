// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them.
// After the restart, once the VM is verified, the wait reads them until they are proved to be back, or until runner_timeout. What
// goes wrong before the restart prevents it; what goes wrong after it becomes part of the outcome, as the VM is restarted all the same.
//
// gate.ts            before the restart: occupancy.ts has its states, gate-lines.ts its words
// wait-for-runner.ts after the restart: back-verdict.ts judges
// vm-runners.ts      the runners in one VM, which both read
// sources.ts         the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository

import { type Bounds, type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { type ActionError, asActionError, explainCancellation } from '../errors.ts';
import type { Dispatchers } from '../http/connections.ts';
import type { Log } from '../log.ts';
import type { Outcome } from '../restart/outcome.ts';
import {
  createDrains,
  type DrainState,
  type Drains,
  RESTORE_AFTER_CANCELLATION_MS,
  RESTORE_MS,
} from './drain.ts';
import { createExpiredDrains, type ExpiredDrains } from './expired-drains.ts';
import { createGate, type RunnerGate } from './gate.ts';
import type { JobEvidence } from './gate-entry.ts';
import type { WhenBusy } from './gate-lines.ts';
import { createJobReader, type JobReader } from './job-finding.ts';
import { describePattern, fillPattern, fixedPattern, mayBeIn } from './runner-names.ts';
import type { Runner, RunnerLabels, Runners } from './runners.ts';
import { describeScope, type Scope } from './scope.ts';
import { type OwnRunner, refuseSelfRestart, sharedAddress } from './self-restart.ts';
import { type OpenedSources, openSources, type Sources } from './sources.ts';
import { createPool, createVmRunners, type LiveInstances, type Pool } from './vm-runners.ts';
import { type RunnerOutcome, waitForRunner } from './wait-for-runner.ts';

/** What the step is to know and do about the GitHub runners inside the VMs. */
export interface RunnerOptions {
  /** May hold the placeholders of runner-names.ts. */
  readonly nameTemplate: string;
  readonly scope: Scope;
  /** Can read the scope's self-hosted runners. */
  readonly token: string;
  /** Reads the jobs of the workflow's own repository; undefined or blank: `token` does. */
  readonly jobsToken?: string | undefined;
  readonly whenBusy: WhenBusy;
  /** How long the runners have to be seen without a job before the restart. */
  readonly idleForMs: number;
  readonly busyTimeoutMs: number;
  /** They take one job per registration, if GitHub does not say otherwise. */
  readonly isEphemeral: boolean;
  /** Only a VM without an online runner is restarted. */
  readonly isSweep: boolean;
  /** New jobs are kept away from the runners while the step waits and restarts. */
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
  /** How long GitHub may give no usable answer, beside the time that a busy runner is waited for. */
  readonly patienceMs: number;
  /** IP addresses of the machine that the step runs on. */
  readonly addresses: readonly string[];
  /** What carries the requests instead of the network. */
  readonly dispatchers: Dispatchers | undefined;
  /** Reads the VMs that are live on the controller; without it nothing is known about others than the step's. */
  readonly liveInstances?: LiveInstances | undefined;
  /** The step changes nothing, so it restores no labels of expired drains. */
  readonly isDryRun?: boolean | undefined;
  /** Saves what the post step has to restore if the step is killed. */
  readonly saveDrains?: ((state: DrainState) => void) | undefined;
  /** Lets several VMs share their reads. */
  readonly share?: ((sources: Sources) => Sources) | undefined;
}

/** The guards of all the VMs of a step: they share what asks GitHub, and nothing else. */
export interface Guards {
  guardFor(ward: Ward): Guard;
  /** The name of the runner in a VM. */
  runnerNameOf(instance: Instance): string;
  /** Whether a runner of this name may be in the VM. */
  isRunnerIn(instance: Instance, runnerName: string): boolean;
  /** The jobs of a run of the workflow's own repository. @throws ActionError */
  readonly readRun: OpenedSources['readRun'];
  /** Ends the connections, and says in the debug log how much of GitHub's quota was used. */
  close(): Promise<void>;
}

/** What is one VM's own. */
export interface Ward {
  readonly log: Log;
  /** Ends the wait before the restart, with what is to be thrown there. */
  readonly signal: AbortSignal;
  /** A job of a workflow run that ran on a runner of the VM, in its boot as it is now. */
  readonly evidence?: JobEvidence | undefined;
  /** Whether an idle runner is a detail: with many VMs, what matters is which of them have a job. */
  readonly isBrief?: boolean;
  /** Called when the VM was free before and no longer is. */
  readonly onWait?: () => void;
}

/** Makes sure that the restart of one VM kills no job, and that its runners are back after it. */
export interface Guard {
  readonly gate: RunnerGate;
  /**
   * After the restart: waits for the runner where the VM is back. Never throws: what goes wrong is part of the outcome.
   * @param signal ends the wait; that of the whole step if absent.
   */
  afterRestart(outcome: Outcome, signal?: AbortSignal): Promise<Outcome & { readonly runner: RunnerOutcome }>;
}

/** What the guards of all VMs share. */
interface Shared {
  readonly drains: Drains | undefined;
  readonly expired: ExpiredDrains;
  /** No drained runner is waited for beyond, and no drain begins later: on the clock's scale. */
  readonly drainedUntil: number | undefined;
  /** What still restores labels. */
  readonly restoring: Set<Promise<void>>;
  readonly runners: Runners;
  readonly jobs: JobReader;
  readonly pool: Pool;
  readonly onNew: (runner: Runner) => void;
}

/** @throws ActionError `self_restart` if the runner's name says that much already. */
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
    guardFor: (ward) => createGuard({ ...options, log: ward.log }, { shared, ward }),
    readRun: opened.readRun,
    async close() {
      await Promise.all([...shared.restoring, expired.finish()]);
      await opened.close();
    },
  };
}

/** Beyond the waits that the inputs limit: what the guest may take, and the requests. In milliseconds. */
const DRAIN_MARGIN_MS = 3_600_000;
/** An installation token lives for an hour; with less time left than this, no drain begins, because it could not be ended. In milliseconds. */
const INSTALLATION_TOKEN_MS = 50 * 60_000;

function openDrains(options: GuardsOptions, labels: RunnerLabels): Pick<Shared, 'drains' | 'drainedUntil'> {
  const { runner, clock, log, patienceMs, saveDrains = () => {} } = options;
  const { drains: asked, busyTimeoutMs, idleForMs, runnerTimeoutMs, token } = runner;
  if (asked === undefined) return { drains: undefined, drainedUntil: undefined };
  const restartMs = patienceMs + runnerTimeoutMs;
  const lifeMs = busyTimeoutMs + idleForMs + restartMs + DRAIN_MARGIN_MS;
  const draining = { labels, ...asked, lifeMs, clock, log, saveState: saveDrains };
  if (!token.startsWith('ghs_')) return { drains: createDrains(draining), drainedUntil: undefined };
  const waitsForMs = Math.max(0, INSTALLATION_TOKEN_MS - idleForMs - restartMs);
  const drainedUntil = clock.now() + waitsForMs;
  if (waitsForMs < busyTimeoutMs)
    log.info(
      `github_token is an installation token, which lives for an hour: busy_timeout ends ${minutes(waitsForMs)} after the step's start, so that all labels can be restored`,
    );
  return { drains: createDrains({ ...draining, beginsBy: drainedUntil }), drainedUntil };
}

/** A runner that has not registered this long after the boot never will: a minimum, in milliseconds. */
const REGISTERS_WITHIN_MS = 300_000;

/** @param options with the log of the one VM. */
function createGuard(options: GuardsOptions, { shared, ward }: { shared: Shared; ward: Ward }): Guard {
  const { runner, ownRunner, clock, log, patienceMs } = options;
  const { scope } = runner;

  function runnersOf(instance: Instance) {
    const name = fillPattern(runner.nameTemplate, instance);
    refuseSelfRestart(ownRunner, { name, scope });
    warnOfSharedAddress(instance, options);
    (ward.isBrief ? log.debug : log.info)(
      `Looking for the self-hosted runner "${describePattern(name)}" of ${describeScope(scope)}`,
    );
    return createVmRunners({ ...shared, sought: { name, scope }, clock, log, signal: ward.signal });
  }

  const drained = new Set<number>();
  const { drains, drainedUntil: busyUntil } = shared;

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
        'The labels are restored, but the restart may still come: a job that begins by then is killed',
      );
    const forMs = options.signal.aborted ? RESTORE_AFTER_CANCELLATION_MS : RESTORE_MS;
    await Promise.all([...drained].map((id) => drains?.restore(id, forMs)));
  }

  const gate = createGate({
    ...(drains && { drain, busyUntil }),
    ...{ ...runner, ...ward, patienceMs, clock, runnersOf, pool: shared.pool },
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
    log.info('The runner is not waited for, as wait_for_runner says');
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

/** What the log says about registrations when they are first seen. */
function createWarnings({ isEphemeral }: RunnerOptions, log: Log): (runner: Runner) => void {
  let hasToldOfKind = false;
  return ({ name, id, ephemeral, version }) => {
    if (version !== undefined && isOlderVersion(version.split('.').map(Number), LEAST_VERSION))
      log.warning(
        `Runner "${name}" (ID ${id}) has version ${version}, but GitHub requires ${LEAST_VERSION.join('.')}: it may connect, and end without taking a job. Update it.`,
      );
    if (hasToldOfKind || ephemeral === undefined || ephemeral === isEphemeral) return;
    hasToldOfKind = true;
    const kind = ephemeral ? 'takes one job per registration' : 'takes one job after the other';
    log.warning(
      `runner_ephemeral is ${isEphemeral}, but GitHub says that runner "${name}" (ID ${id}) ${kind}. What GitHub says counts.`,
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
