import type { Clock } from '../src/clock.ts';
import type { Instance } from '../src/controller/instance.ts';
import type { Dispatchers } from '../src/http/connections.ts';
import type { Inputs } from '../src/inputs/inputs.ts';
import type { Terminal } from '../src/report/terminal.ts';
import type { RunnerOptions } from '../src/runner/guard.ts';
import { fillPattern } from '../src/runner/runner-names.ts';
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
  const { openSources } = await import('../src/runner/sources.ts');
  const { clock, random, signal, terminal: log, dispatchers } = surroundings;
  const { requestTimeoutMs, ownRunner } = inputs;
  const { repository } = ownRunner;
  const context = { repository, requestTimeoutMs, clock, random, log, dispatchers };
  const { runners, close } = openSources({ ...runner, ...context });
  return {
    close,
    async lookAtRunner(instance: Instance): Promise<Omit<RunnerLook, 'at'>> {
      const bounds = { deadline: clock.now() + LOOK_MS, signal };
      const found = await runners.listRunners(fillPattern(runner.nameTemplate, instance), bounds);
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
