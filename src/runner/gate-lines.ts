import { minutes } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { Occupancy } from './occupancy.ts';
import { describeRunner, type Runner } from './runners.ts';

// What the log and the errors say of the runners in one VM before the restart. All of it is pure.

/** What to do about a runner that has a job. */
export type WhenBusy = 'wait' | 'fail' | 'skip' | 'ignore';

/** What is known, and the runners by the last usable answer. */
export interface Seen {
  readonly state: Occupancy;
  readonly shown: readonly Runner[];
}

interface Wanted {
  readonly whenBusy: WhenBusy;
  readonly idleForMs: number;
}

/** What is seen, and what comes next. */
export function describeState(seen: Seen, { whenBusy, idleForMs }: Wanted): string {
  const { state } = seen;
  const what = describe(seen);
  switch (state.kind) {
    case 'unread':
    case 'unconfirmed':
      return what;
    case 'idle':
      return `${what}${idleForMs === 0 ? '' : `, and was for ${minutes(idleForMs)}`}: no job runs on it`;
    case 'settling':
      return `${what}; making sure, as GitHub learns late of a new job`;
    case 'busy':
      return `${what}${BUSY_NOW[whenBusy]}`;
    case 'unknown':
      return `${NO_ANSWER_ABOUT[state.about]}; asking again`;
  }
}

export const NO_ANSWER_ABOUT = {
  runners: 'GitHub gave no usable answer about the runner',
  jobs: 'GitHub gave no usable answer about the jobs in progress',
} as const;

const BUSY_NOW: Readonly<Record<WhenBusy, string>> = {
  wait: '; waiting for its job to end',
  fail: '',
  skip: '; the VM is left alone, as when_busy says',
  ignore: '',
};

/** e.g. `Runner "mac-7" (ID 12) is online, busy`, as it was last seen. */
export function describe({ state, shown }: Seen): string {
  const job = state.kind === 'busy' ? state.job : undefined;
  const working = job === undefined ? '' : `, but job "${job.name}" of run ${job.runId} is in progress on it`;
  const [only, ...others] = shown;
  if (only === undefined) return `The runner is no longer registered${working}`;
  const is = job === undefined ? 'is' : 'is shown';
  if (others.length === 0)
    return `Runner "${only.name}" (ID ${only.id}) ${is} ${describeRunner(only)}${working}`;
  const each = shown.map((runner) => `"${runner.name}" (ID ${runner.id}) ${is} ${describeRunner(runner)}`);
  return `Runner ${each.join(', runner ')}${working.replace(/it$/, 'one of them')}`;
}

/** @param tally of the reads while the job was waited for; undefined if it was not. */
export function stillBusyError(seen: string, tally: string | undefined): ActionError {
  const [waited, reads] =
    tally === undefined ? ['', ''] : [', and was until busy_timeout', ` Reads: ${tally}.`];
  return new ActionError('runner_busy', `${seen}${waited}. No restart was sent.${reads}`, {
    hint: 'Let the job end (needs, concurrency), or raise busy_timeout, or let when_busy be wait.',
  });
}

export function notKnownError(tally: string): ActionError {
  const message = `GitHub does not say whether a job runs on the runner, so no restart was sent. Reads: ${tally}.`;
  return new ActionError('github_api_failed', message, {
    hint: 'Look at githubstatus.com and at the debug log of this step.',
  });
}
