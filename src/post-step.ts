import type { Clock } from './clock.ts';
import { asActionError } from './errors.ts';
import { ENDLESS_BUDGET } from './http/retry.ts';
import { readRunnersAccess } from './inputs/runner.ts';
import type { Terminal } from './report/terminal.ts';

// The post step: restores the labels of runners that a killed step has left drained.

/** For one HTTP request: in milliseconds. */
const REQUEST_MS = 10_000;

interface RestoringHost {
  readonly environment: Record<string, string | undefined>;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: () => number;
  /** Aborts with the error to report. */
  readonly signal: AbortSignal;
}

/**
 * Restores the labels, or warns: a failure does not fail the job.
 * @param left what the step saved.
 * @returns closes the connections.
 */
export async function runPostStep(
  left: string,
  { environment, terminal, clock, random, signal }: RestoringHost,
): Promise<() => Promise<void>> {
  let close = async () => {};
  try {
    const access = readRunnersAccess(environment, terminal.mask);
    delete environment['GITHUB_EVENT_PATH'];
    const [{ restoreLeft }, { openSources }] = await Promise.all([
      import(/* webpackChunkName: "guard" */ './drain/drain.ts'),
      import(/* webpackChunkName: "guard" */ './github/sources.ts'),
    ]);
    const context = { clock, random, log: terminal, dispatchers: undefined };
    // The step has drained runners with this token and scope, so they are right.
    const connection = { budget: ENDLESS_BUDGET, repository: '', requestTimeoutMs: REQUEST_MS };
    const sources = openSources({ ...access, ...context, ...connection });
    close = sources.close;
    await restoreLeft(left, { ...sources, ...context, signal });
  } catch (error) {
    terminal.warning(`The labels of drained runners were not restored: ${asActionError(error).message}`);
  }
  return close;
}
