import type { Clock } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { createTransport, type Dispatchers } from '../controller/transport.ts';
import { ActionError, asActionError } from '../errors.ts';
import type { Gate } from '../restart/means.ts';
import type { Outcome } from '../restart/restart.ts';
import type { Terminal } from '../terminal.ts';
import { createApi } from './api.ts';
import { awaitReturn } from './await-return.ts';
import { createGate, type RunnerGate } from './gate.ts';
import { createGitHub } from './github.ts';
import { refuseSelfRestart, sharedAddress } from './itself.ts';
import { fillName, hasPlaceholder } from './name.ts';
import { describeScope } from './scope.ts';
import { createTracker } from './tracker.ts';
import type { RunnerOutcome, RunnerWish } from './wish.ts';

export interface GuardOptions {
  readonly wish: RunnerWish;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly terminal: Terminal;
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
  /** After the restart: waits for the runner where the VM is back. Never throws: what goes wrong is part of the outcome. */
  conclude(outcome: Outcome): Promise<Outcome & { readonly runner: RunnerOutcome }>;
  close(): Promise<void>;
}

const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

/** @throws ActionError `self_restart` where the runner's name says that much already. */
export function createGuard(options: GuardOptions): Guard {
  const { wish, clock, random, terminal: log, signal, requestTimeoutMs, dispatchers } = options;
  const { scope, token, apiUrl, proxy } = wish;
  if (!hasPlaceholder(wish.nameTemplate)) refuseSelfRestart(wish.itself, { name: wish.nameTemplate, scope });
  const transport = createTransport({
    baseUrl: apiUrl,
    proxy,
    tls: PUBLIC_TLS,
    requestTimeoutMs,
    clock,
    dispatchers,
  });
  const baseUrl = apiUrl.href.replace(/\/+$/, '');
  const api = createApi({ baseUrl, token, scope, transport, clock, random, scrub: log.scrub });
  const github = createGitHub(api, scope);

  function trackerFor(instance: Instance) {
    const name = fillName(wish.nameTemplate, instance);
    refuseSelfRestart(wish.itself, { name, scope });
    warnOfSharedAddress(instance, options);
    log.info(`Looking for the self-hosted runner "${name}" of ${describeScope(scope)}`);
    return createTracker({ github, sought: { name, scope }, clock, log, signal });
  }

  const { whenBusy, busyTimeoutMs } = wish;
  const { patienceMs } = options;
  const gate = createGate({ whenBusy, busyTimeoutMs, patienceMs, clock, log, signal, trackerFor });
  return {
    gate,
    async conclude(outcome) {
      const runner = await conclude(outcome, { gate, options });
      log.debug(api.describeUsage());
      return { ...outcome, ...runner };
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

interface Conclusion {
  readonly runner: RunnerOutcome;
  readonly error?: ActionError;
}

async function conclude(
  { restarted, moments: { verified: verifiedAt } }: Outcome,
  { gate, options }: { gate: RunnerGate; options: GuardOptions },
): Promise<Conclusion> {
  const findings = gate.findings();
  if (restarted !== 'true' || verifiedAt === undefined || findings === undefined)
    return { runner: NO_RUNNER };
  const { wish, clock, terminal: log, signal } = options;
  const { tracker, last } = findings;
  const { runnerTimeoutMs } = wish;
  try {
    const watching = { tracker, before: last.runner, verifiedAt, runnerTimeoutMs, clock, log, signal };
    return { runner: { status: await awaitReturn(watching), backAt: clock.now() } };
  } catch (thrown) {
    const error = asActionError(thrown);
    const status = error.code === 'runner_not_back' ? 'not_back' : undefined;
    return { runner: { status, backAt: undefined }, error: explain(error) };
  }
}

const NO_RUNNER: RunnerOutcome = { status: undefined, backAt: undefined };

/** A cancelled step has to say what it leaves behind. */
function explain(error: ActionError): ActionError {
  if (error.code !== 'cancelled') return error;
  const left = 'The VM was restarted and verified; whether its runner is back is not known.';
  return new ActionError('cancelled', `${error.message} ${left}`, { cause: error });
}
