// Before the restart, the gate finds the VM's runners on GitHub by name and blocks the restart while a job runs on one of them.
// After the restart, once the VM is verified, the wait reads them until they are proved to be back, or until runner_timeout. What
// goes wrong before the restart prevents it; what goes wrong after it becomes part of the outcome, as the VM is restarted all the same.
//
// gate.ts            before the restart: occupancy.ts has its states, gate-lines.ts its words
// wait-for-runner.ts after the restart: back-verdict.ts judges
// vm-runners.ts      the runners in one VM, which both read
// sources.ts         the two sources, shared by all VMs: the runners of the scope, and the jobs of a repository

import type { Clock } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { type ActionError, asActionError, explainCancellation } from '../errors.ts';
import type { Dispatchers } from '../http/connections.ts';
import type { Log } from '../log.ts';
import type { Outcome } from '../restart/outcome.ts';
import { createGate, type RunnerGate } from './gate.ts';
import type { WhenBusy } from './gate-lines.ts';
import { describePattern, fillPattern, hasPlaceholder, mayBeIn } from './runner-names.ts';
import { describeScope, type Scope } from './scope.ts';
import { type OwnRunner, refuseSelfRestart, sharedAddress } from './self-restart.ts';
import { type OpenedSources, openSources, type Sources } from './sources.ts';
import { createVmRunners } from './vm-runners.ts';
import { type RunnerOutcome, waitForRunner } from './wait-for-runner.ts';

/** What the step is to know and do about the GitHub runners inside the VMs. */
export interface RunnerOptions {
  /** May hold the placeholders of runner-names.ts. */
  readonly nameTemplate: string;
  readonly scope: Scope;
  /** Can read the scope's self-hosted runners. */
  readonly token: string;
  readonly whenBusy: WhenBusy;
  /** How long the runners have to be seen without a job before the restart. */
  readonly idleForMs: number;
  readonly busyTimeoutMs: number;
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
  /** For what concerns no VM more than the others. */
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

/** @throws ActionError `self_restart` where the runner's name says that much already. */
export function createGuards(options: GuardsOptions): Guards {
  const { runner, ownRunner, clock, random, log, requestTimeoutMs, dispatchers } = options;
  const { scope, nameTemplate: name } = runner;
  if (!hasPlaceholder(name)) refuseSelfRestart(ownRunner, { name, scope });
  const { repository } = ownRunner;
  const opened = openSources({
    ...{ ...runner, repository, clock, random, log, requestTimeoutMs, dispatchers },
  });
  const { share = (sources: Sources) => sources } = options;
  const sources = share(opened);
  return {
    runnerNameOf: (instance) => describePattern(fillPattern(name, instance)),
    isRunnerIn: (instance, runnerName) => mayBeIn(instance, name, runnerName),
    guardFor: (ward) => createGuard({ ...options, log: ward.log }, { sources, ward }),
    readRun: opened.readRun,
    close: opened.close,
  };
}

/** @param options with the log of the one VM. */
function createGuard(options: GuardsOptions, { sources, ward }: { sources: Sources; ward: Ward }): Guard {
  const { runner, ownRunner, clock, log, patienceMs } = options;
  const { signal, isBrief = false, onWait } = ward;
  const { scope, whenBusy, idleForMs, busyTimeoutMs } = runner;

  function runnersOf(instance: Instance) {
    const pattern = fillPattern(runner.nameTemplate, instance);
    const name = describePattern(pattern);
    refuseSelfRestart(ownRunner, { name, scope });
    warnOfSharedAddress(instance, options);
    (isBrief ? log.debug : log.info)(
      `Looking for the self-hosted runner "${name}" of ${describeScope(scope)}`,
    );
    return createVmRunners({ ...sources, sought: { name: pattern, scope }, clock, log, signal });
  }

  const times = { idleForMs, busyTimeoutMs, patienceMs };
  const gate = createGate({ whenBusy, ...times, clock, log, signal, runnersOf, isBrief, onWait });
  return {
    gate,
    async afterRestart(outcome, until = options.signal) {
      return {
        ...outcome,
        ...(await waitIfVerified(outcome, { gate, options: { ...options, signal: until } })),
      };
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
  const { runners, shown: before } = findings;
  const { waitsForRunner, runnerTimeoutMs } = asked;
  if (!waitsForRunner) {
    log.info('The runner is not waited for, as wait_for_runner says');
    return { runner: NO_RUNNER };
  }
  try {
    const watching = { runners, before, verifiedAt, runnerTimeoutMs, clock, log, signal };
    return { runner: { status: await waitForRunner(watching), backAt: clock.now() } };
  } catch (thrown) {
    const error = asActionError(thrown);
    const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
    return { runner: { status, backAt: undefined }, error: explainCancellation(error, LEFT_BEHIND) };
  }
}

const LEFT_BEHIND = 'The VM was restarted and verified; whether its runner is back is not known.';
const NO_RUNNER: RunnerOutcome = { status: undefined, backAt: undefined };
