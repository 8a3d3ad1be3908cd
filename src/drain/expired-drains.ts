// If a machine dies during a drain, the drain's labels stay on the runner, even after they have expired. A step with a drain that sees such a
// runner in a list restores the labels in the background, one runner at a time; any other step only warns, because it changes nothing on
// GitHub.

import { NEVER, unlessAborted, within } from '../clock.ts';
import { ActionError, asActionError } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { RunnerLabels } from '../github/runner-labels.ts';
import type { Listing } from '../github/runners.ts';
import { expiredMarks } from './drain-labels.ts';
import { type LabelAccess, restoreLabels } from './label-changes.ts';

type Access = Omit<LabelAccess, 'deadline'>;

/** The signal stops the restoration at once: the next step with a drain continues it. */
export interface ExpiredDrainsOptions extends Omit<Access, 'labels'> {
  /** Undefined if the step must not change labels. */
  readonly labels: RunnerLabels | undefined;
}

export interface ExpiredDrains {
  /** Finds runners with labels of expired drains. Restores, or warns about, each of them once. */
  lookThrough(listing: Listing): void;
  /** Called before the step drains a runner itself: waits while its labels are being restored, and prevents that from then on. */
  leaveTo(id: number): Promise<void>;
  /** Called once the step no longer drains the runner itself: restores the labels that were found to have expired meanwhile. */
  takeBack(id: number): void;
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
        else queue.add(runner.id, () => restore({ labels, clock, log, signal: ending }, runner, problem));
      }
    },
    leaveTo: queue.hold,
    takeBack: queue.release,
    async finish() {
      const limit = { ms: RESTORE_MS, signal: NEVER };
      await within(clock, limit, queue.whenEmpty).catch(() => tooLate.abort(noTimeLeft()));
      await queue.whenEmpty();
    },
  };
}

/** Runs one piece of work after the other, each about one runner. While a runner is held, its work waits. */
function createQueue() {
  let last = Promise.resolve();
  let current: { readonly id: number; readonly end: Promise<void> } | undefined;
  /** The runners that are held, each with its work. */
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

/** Never throws: if it cannot restore the labels, it writes a warning. */
async function restore(access: Access, { id, name }: Runner, problem: string): Promise<void> {
  const { clock, log, signal } = access;
  try {
    signal.throwIfAborted();
    const limited = { ...access, deadline: clock.now() + RESTORE_MS };
    const restored = await unlessAborted(signal, restoreLabels(limited, { id, due: expiredMarks }));
    if (restored !== undefined && restored.length > 0)
      log.info(`The labels of runner "${name}" are restored: a drain of an earlier step has expired`);
  } catch (error) {
    log.warning(`${problem} They were not restored. ${asActionError(error).message}`);
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
