import type { Clock } from '../src/clock.ts';
import type { Instance } from '../src/controller/instance.ts';
import type { Dispatchers } from '../src/http/connections.ts';
import { createTransport } from '../src/http/transport.ts';
import type { Inputs } from '../src/inputs/inputs.ts';
import type { Terminal } from '../src/report/terminal.ts';
import type { RunnerOptions } from '../src/runner/guard.ts';
import { fillName } from '../src/runner/runner-names.ts';
import type { RunnerLook } from './observations.ts';
import type { RestartMeans } from './restart-course.ts';

/** What looks at GitHub need. */
export interface RunnerSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** IP addresses of this machine. */
  readonly addresses: readonly string[];
  /** Carry the requests instead of the network. */
  readonly dispatchers?: Dispatchers | undefined;
}

export interface OpenedRunner extends Pick<RestartMeans, 'createGuards' | 'lookAtRunner'> {
  close(): Promise<void>;
}

const NO_RUNNER: OpenedRunner = {
  createGuards: async () => undefined,
  lookAtRunner: undefined,
  close: async () => {},
};

const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
const LOOK_MS = 10_000;

/** The runner as the action guards it, and looks at it beside that. What talks to GitHub is loaded only where it is asked for. */
export async function openRunner(inputs: Inputs, surroundings: RunnerSurroundings): Promise<OpenedRunner> {
  const { runner } = inputs;
  if (runner === undefined) return NO_RUNNER;
  const [{ createGuards }, looks] = await Promise.all([
    import('../src/runner/guard.ts'),
    createLooks(runner, { inputs, surroundings }),
  ]);
  const { ownRunner, requestTimeoutMs, timeoutMs: patienceMs } = inputs;
  const { terminal: log, dispatchers } = surroundings;
  const options = { ...surroundings, log, runner, ownRunner, requestTimeoutMs, patienceMs, dispatchers };
  return { createGuards: async () => createGuards(options), ...looks };
}

async function createLooks(
  runner: RunnerOptions,
  { inputs, surroundings }: { inputs: Inputs; surroundings: RunnerSurroundings },
): Promise<Pick<OpenedRunner, 'lookAtRunner' | 'close'>> {
  const [{ createGitHubClient }, { createRunners, findByName }] = await Promise.all([
    import('../src/runner/github-client.ts'),
    import('../src/runner/runners.ts'),
  ]);
  const { scope, token, apiUrl, proxy, nameTemplate } = runner;
  const { clock, random, signal, terminal, dispatchers } = surroundings;
  const { requestTimeoutMs } = inputs;
  const transport = createTransport({
    baseUrl: apiUrl,
    proxy,
    tls: PUBLIC_TLS,
    requestTimeoutMs,
    clock,
    dispatchers,
  });
  const baseUrl = apiUrl.href.replace(/\/+$/, '');
  const client = createGitHubClient({
    baseUrl,
    token,
    scope,
    transport,
    clock,
    random,
    debug: terminal.debug,
  });
  const runners = createRunners(client, scope);
  return {
    close: transport.close,
    async lookAtRunner(instance: Instance): Promise<Omit<RunnerLook, 'at'>> {
      const bounds = { deadline: clock.now() + LOOK_MS, signal };
      const found = await findByName(runners, fillName(nameTemplate, instance), bounds);
      const [one] = found.length === 1 ? found : [];
      return {
        matches: found.length,
        id: one?.id,
        isOnline: one?.isOnline ?? false,
        isBusy: one?.isBusy ?? false,
      };
    },
  };
}
