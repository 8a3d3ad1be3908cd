// If a machine dies during a drain, the drain's marks stay on the runner, even after they have expired. A later step that sees them in a list of
// runners restores the labels in the background, one runner at a time. A step without `drain` only warns: it changes nothing on GitHub.

import { NEVER, unlessAborted, within } from '../clock.ts';
import { ActionError, asActionError } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { RunnerLabels } from '../github/runner-labels.ts';
import type { Listing } from '../github/runners.ts';
import { expiredMarks } from './drain-labels.ts';
import { type LabelAccess, restoreLabels } from './label-changes.ts';

type Access = Omit<LabelAccess, 'deadline'>;

/** Once `signal` aborts, restoring stops at once: the next step with `drain` continues it. */
export interface ExpiredDrainsOptions extends Omit<Access, 'labels'> {
  /** Undefined if the step must not change labels. */
  readonly labels: RunnerLabels | undefined;
}

export interface ExpiredDrains {
  /** Looks for runners with marks of expired drains. Restores their labels, or warns about them, once per runner. */
  lookThrough(listing: Listing): void;
  /** To be called before the step drains the runner: blocks new restorations of its labels, and waits for one in progress. */
  hold(id: number): Promise<void>;
  /** To be called after the step has drained the runner: starts the restoration that `hold` has delayed, if any. */
  release(id: number): void;
  /** Waits for pending restorations, up to a limit. Never throws: if it cannot restore labels, it writes a warning. */
  finish(): Promise<void>;
}

/** How long to keep trying to restore a runner's labels, in milliseconds. */
const RESTORE_MS = 30_000;

export function createExpiredDrains(options: ExpiredDrainsOptions): ExpiredDrains {
  const { labels, clock, log, signal } = options;
  const known = new Set<number>();
  const tooLate = new AbortController();
  const ending = AbortSignal.any([signal, tooLate.signal]);
  const queue = createQueue();
  return {
    lookThrough({ runners, date }) {
      for (const runner of runners) {
        const marks = expiredMarks({ labels: runner.labels, date });
        if (marks.length === 0 || known.has(runner.id)) continue;
        known.add(runner.id);
        const problem = describe(runner, marks.map(({ label }) => label).join(', '));
        if (labels === undefined) log.warning(`${problem} A step with drain restores them.`);
        else
          queue.add(runner.id, async () => {
            const isDone = await restore({ labels, clock, log, signal: ending }, runner, problem);
            // GitHub's lists and reads of labels may lag behind each other, so a later list decides.
            if (!isDone) known.delete(runner.id);
          });
      }
    },
    hold: queue.hold,
    release: queue.release,
    async finish() {
      const limit = { ms: RESTORE_MS, signal: NEVER };
      await within(clock, limit, queue.whenEmpty).catch(() => tooLate.abort(noTimeLeft()));
      await queue.whenEmpty();
    },
  };
}

/** Runs one piece of work at a time, each about one runner. The work of a runner that is held waits until it is released. */
function createQueue() {
  let last = Promise.resolve();
  let current: { readonly id: number; readonly end: Promise<void> } | undefined;
  /** The runners that are held, each with the work that waits for its release. */
  const held = new Map<number, (() => void) | undefined>();

  function add(id: number, work: () => Promise<void>): void {
    last = last.then(async () => {
      if (held.has(id)) {
        held.set(id, () => add(id, work));
        return;
      }
      current = { id, end: work() };
      await current.end;
    });
  }

  return {
    add,
    async hold(id: number): Promise<void> {
      held.set(id, held.get(id));
      if (current?.id === id) await current.end;
    },
    release(id: number): void {
      const work = held.get(id);
      held.delete(id);
      work?.();
    },
    whenEmpty: () => last,
  };
}

/** Never throws: if it cannot restore the labels, it writes a warning. Returns false if a read of the labels showed none to restore. */
async function restore(access: Access, { id, name }: Runner, problem: string): Promise<boolean> {
  const { clock, log, signal } = access;
  try {
    signal.throwIfAborted();
    const limited = { ...access, deadline: clock.now() + RESTORE_MS };
    const restored = await unlessAborted(signal, restoreLabels(limited, { id, name, due: expiredMarks }));
    if (restored !== undefined && restored.length > 0)
      log.info(`The labels of runner "${name}" are restored: a drain of an earlier step has expired`);
    return restored?.length !== 0;
  } catch (error) {
    log.warning(`${problem} They were not restored. ${asActionError(error).message}`);
    return true;
  }
}

function describe({ id, name }: Runner, labels: string): string {
  return `Runner "${name}" (ID ${id}) still has labels from an expired drain: ${labels}. Jobs that ask for the part before ".drained-" do not reach it.`;
}

function noTimeLeft(): ActionError {
  return new ActionError(
    'timed_out',
    'The step ended before it could restore them. The next step with drain will restore them.',
  );
}
