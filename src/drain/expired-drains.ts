// If a machine dies during a drain, its labels stay until they expire. When a list shows such a runner, a step with a drain restores the
// labels in the background, one runner at a time; any other step only warns, because it changes nothing on GitHub.

import { type Clock, NEVER, unlessAborted, within } from '../clock.ts';
import { ActionError, asActionError } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { RunnerLabels } from '../github/runner-labels.ts';
import type { Listing } from '../github/runners.ts';
import type { Log } from '../log.ts';
import { expiredMarks, restoreLabels } from './drain-labels.ts';

export interface ExpiredDrainsOptions {
  /** Undefined if the step must not change labels. */
  readonly labels: RunnerLabels | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops restoring at once: the next step with a drain continues. */
  readonly signal: AbortSignal;
}

export interface ExpiredDrains {
  /** Finds runners with labels of expired drains. Restores, or warns about, each of them once. */
  lookThrough(listing: Listing): void;
  /** Called before the step drains a runner itself: waits while its labels are being restored, and prevents that from then on. */
  leaveTo(id: number): Promise<void>;
  /** Once the step no longer drains the runner itself: restores what was found expired meanwhile. */
  takeBack(id: number): void;
  /** Waits for pending restorations, up to a limit. Never throws: if it cannot restore labels, it writes a warning. */
  finish(): Promise<void>;
}

/** How long to keep trying to restore a runner's labels, in milliseconds. */
const RESTORE_MS = 30_000;

export function createExpiredDrains({ labels, clock, log, signal }: ExpiredDrainsOptions): ExpiredDrains {
  const known = new Set<number>();
  const leftAlone = new Set<number>();
  const postponed = new Map<number, () => void>();
  const restoring = new Map<number, Promise<void>>();
  const tooLate = new AbortController();
  const ending = AbortSignal.any([signal, tooLate.signal]);
  let queue = Promise.resolve();

  async function restore(api: RunnerLabels, { id, name }: Runner, found: string): Promise<void> {
    const bounds = { deadline: clock.now() + RESTORE_MS, signal: ending };
    try {
      ending.throwIfAborted();
      const work = restoreLabels({ labels: api, clock }, { id, due: expiredMarks }, bounds);
      const restored = await unlessAborted(ending, work);
      if (restored !== undefined && restored.length > 0)
        log.info(`The labels of runner "${name}" are restored: a drain of an earlier step has expired`);
    } catch (error) {
      log.warning(`${describe({ id, name }, found)} They were not restored. ${asActionError(error).message}`);
    }
  }

  function restoreSoon(api: RunnerLabels, runner: Runner, found: string): void {
    queue = queue.then(() => restoreNext(api, runner, found));
  }

  async function restoreNext(api: RunnerLabels, runner: Runner, found: string): Promise<void> {
    if (leftAlone.has(runner.id)) {
      postponed.set(runner.id, () => restoreSoon(api, runner, found));
      return;
    }
    const work = restore(api, runner, found);
    restoring.set(runner.id, work);
    await work;
  }

  return {
    lookThrough({ runners, date }) {
      for (const runner of runners) {
        const marks = expiredMarks({ labels: runner.labels, date });
        if (marks.length === 0 || known.has(runner.id)) continue;
        known.add(runner.id);
        const found = marks.map(({ label }) => label).join(', ');
        if (labels === undefined) log.warning(`${describe(runner, found)} A step with drain restores them.`);
        else restoreSoon(labels, runner, found);
      }
    },
    async leaveTo(id) {
      leftAlone.add(id);
      await restoring.get(id);
    },
    takeBack(id) {
      leftAlone.delete(id);
      postponed.get(id)?.();
      postponed.delete(id);
    },
    async finish() {
      const limit = { ms: RESTORE_MS, signal: NEVER };
      await within(clock, limit, () => queue).catch(() => tooLate.abort(noTimeLeft()));
      await queue;
    },
  };
}

function describe({ id, name }: Pick<Runner, 'id' | 'name'>, labels: string): string {
  return `Runner "${name}" (ID ${id}) has labels of a drain that has expired: ${labels}. Jobs that ask for the part before ".drained-" do not reach it.`;
}

function noTimeLeft(): ActionError {
  return new ActionError(
    'timed_out',
    'The step ended before it could restore them. The next step with drain will restore them.',
  );
}
