import { ActionError } from '../../src/errors.ts';
import type { VmOutcome } from '../../src/fleet/step-outcome.ts';
import { readInputs } from '../../src/inputs/inputs.ts';
import { run } from '../../src/main.ts';
import { theVm } from '../simulation/the-vm.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { ID } from './instances.ts';

/** The step in this process, over real sockets. */
export interface InProcess {
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly clock: FakeClock;
}

export interface EndedInProcess {
  readonly outcome: VmOutcome;
  /** Virtual seconds that it took. */
  readonly seconds: number;
  readonly warnings: readonly string[];
  /** Everything else that was logged. */
  readonly lines: readonly string[];
}

/** The signal of a step that nobody cancels. */
const { signal } = new AbortController();

/**
 * Pauses end at once, and are counted. Limits, which have signals of their own, are not reached unless the test says so, or there
 * is no time to begin with.
 */
export function createPausingClock(): FakeClock {
  return createFakeClock((ms, given) => given !== signal && ms > 0);
}

export async function runInProcess({ inputs, environment = {}, clock }: InProcess): Promise<EndedInProcess> {
  const [warnings, lines]: [string[], string[]] = [[], []];
  const log = (line: string) => void lines.push(line);
  const terminal = {
    mask: () => {},
    clean: (text: string) => text,
    info: log,
    debug: log,
    error: log,
    warning: (line: string) => void warnings.push(line),
  };
  const given = { instance_id: ID, ...inputs };
  const variables = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const startedAt = clock.now();
  const host = { terminal, signal, clock, random: () => 0 };
  const read = readInputs({ ...environment, ...Object.fromEntries(variables) }, terminal.mask);
  const outcome = theVm(await run(read, host));
  if (outcome.error !== undefined && !(outcome.error instanceof ActionError)) throw outcome.error;
  return { outcome, seconds: (clock.now() - startedAt) / 1_000, warnings, lines };
}
