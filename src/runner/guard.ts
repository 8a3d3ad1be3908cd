// Before the restart, the gate looks the runner up on GitHub by its name and holds the restart back while a job runs on it;
// what it saw last is kept. After the restart, once the VM is verified, the wait compares new looks with that one until they
// prove that the runner is back, or until runner_timeout. What goes wrong before the restart prevents it; what goes wrong
// after it becomes part of the outcome, as the VM is restarted all the same. Gate and wait see GitHub through one tracker,
// which follows the runner across registrations; below it are the runners of the scope, and octokit.

import type { Clock } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { ActionError, asActionError } from '../errors.ts';
import { createTransport, type Dispatchers } from '../http/transport.ts';
import type { Gate, Log } from '../restart/context.ts';
import type { Outcome } from '../restart/outcome.ts';
import { createGate, type RunnerGate } from './gate.ts';
import { createGitHubClient } from './github-client.ts';
import { fillName, hasPlaceholder } from './name.ts';
import type { RunnerOptions, RunnerOutcome } from './options.ts';
import { createRunners } from './runners.ts';
import { describeScope } from './scope.ts';
import { type OwnRunner, refuseSelfRestart, sharedAddress } from './self-restart.ts';
import { createTracker } from './tracker.ts';
import { waitForRunner } from './wait-for-runner.ts';

export interface GuardOptions {
  readonly runner: RunnerOptions;
  readonly ownRunner: OwnRunner;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly terminal: Log;
  readonly signal: AbortSignal;
  /** For one HTTP request. */
  readonly requestTimeoutMs: number;
  /** How long GitHub may give no usable answer, beside the time that a busy runner is waited for. */
  readonly patienceMs: number;
  /** IP addresses of the machine that the step runs on. */
  readonly addresses: readonly string[];
  /** What carries the requests instead of the network. */
  readonly dispatchers: Dispatchers | undefined;
}

/** Sees to it that the restart kills no job, and that the runner is back after it. */
export interface Guard {
  readonly gate: Gate;
  /**
   * After the restart: waits for the runner where the VM is back. Never throws: what goes wrong is part of the outcome.
   * @param signal ends the wait; that of the whole step if absent.
   */
  afterRestart(outcome: Outcome, signal?: AbortSignal): Promise<Outcome & { readonly runner: RunnerOutcome }>;
  close(): Promise<void>;
}

const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

/** @throws ActionError `self_restart` where the runner's name says that much already. */
export function createGuard(options: GuardOptions): Guard {
  const { runner, clock, random, terminal: log, signal, requestTimeoutMs, dispatchers } = options;
  const { scope, token, apiUrl, proxy } = runner;
  if (!hasPlaceholder(runner.nameTemplate))
    refuseSelfRestart(options.ownRunner, { name: runner.nameTemplate, scope });
  const transport = createTransport({
    baseUrl: apiUrl,
    proxy,
    tls: PUBLIC_TLS,
    requestTimeoutMs,
    clock,
    dispatchers,
  });
  const baseUrl = apiUrl.href.replace(/\/+$/, '');
  const { debug } = log;
  const client = createGitHubClient({ baseUrl, token, scope, transport, clock, random, debug });
  const runners = createRunners(client, scope);

  function trackerFor(instance: Instance) {
    const name = fillName(runner.nameTemplate, instance);
    refuseSelfRestart(options.ownRunner, { name, scope });
    warnOfSharedAddress(instance, options);
    log.info(`Looking for the self-hosted runner "${name}" of ${describeScope(scope)}`);
    return createTracker({ runners, sought: { name, scope }, clock, log, signal });
  }

  const { whenBusy, busyTimeoutMs } = runner;
  const { patienceMs } = options;
  const gate = createGate({ whenBusy, busyTimeoutMs, patienceMs, clock, log, signal, trackerFor });
  return {
    gate,
    async afterRestart(outcome, signal = options.signal) {
      const returned = await waitIfVerified(outcome, { gate, options: { ...options, signal } });
      log.debug(client.describeUsage());
      return { ...outcome, ...returned };
    },
    close: transport.close,
  };
}

function warnOfSharedAddress(instance: Instance, { addresses, terminal }: GuardOptions): void {
  const address = sharedAddress(instance, addresses);
  if (address === undefined) return;
  terminal.warning(
    `The VM to restart and the machine that runs this step have the same address, ${address}. If they are the same machine, the restart kills this step.`,
  );
}

interface AfterRestart {
  readonly runner: RunnerOutcome;
  readonly error?: ActionError;
}

async function waitIfVerified(
  { restarted, moments: { verified: verifiedAt } }: Outcome,
  { gate, options }: { gate: RunnerGate; options: GuardOptions },
): Promise<AfterRestart> {
  const findings = gate.findings();
  if (restarted !== 'true' || verifiedAt === undefined || findings === undefined)
    return { runner: NO_RUNNER };
  const { runner: asked, clock, terminal: log, signal } = options;
  const { tracker, last } = findings;
  const { runnerTimeoutMs } = asked;
  try {
    const watching = { tracker, before: last.runner, verifiedAt, runnerTimeoutMs, clock, log, signal };
    return { runner: { status: await waitForRunner(watching), backAt: clock.now() } };
  } catch (thrown) {
    const error = asActionError(thrown);
    const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
    return { runner: { status, backAt: undefined }, error: explainCancelledWait(error) };
  }
}

const NO_RUNNER: RunnerOutcome = { status: undefined, backAt: undefined };

/** A cancelled step has to say what it leaves behind. */
function explainCancelledWait(error: ActionError): ActionError {
  if (error.code !== 'cancelled') return error;
  const left = 'The VM was restarted and verified; whether its runner is back is not known.';
  return new ActionError('cancelled', `${error.message} ${left}`, { cause: error });
}
