// Keeps new jobs away from a runner while its VM waits for its job and restarts: replaces each custom label with a mark that names its owner
// and its expiry, e.g. `macos` with `macos.drained-9001-1764410000`. GitHub stores that state; for the post step, the step also saves which
// runners it has drained.
//
// | label                          | when a drain begins                | when it ends                                             |
// | ------------------------------ | ---------------------------------- | -------------------------------------------------------- |
// | `macos`                        | becomes this drain's               | stays                                                    |
// | this drain's                   | stays                              | becomes `macos`, or is removed if another drain holds it |
// | another drain's, expired       | becomes `macos`, then this drain's | stays                                                    |
// | another drain's, still running | the step waits for that drain      | stays                                                    |
//
// drain-runner.ts   drains one runner; rival-drains.ts waits for the drains of other steps
// restore-runner.ts restores the labels of one runner
// drain-records.ts  the state of each runner that the step drains, and which part of it is saved for the post step
// label-changes.ts  replaces labels, and brings them back; drain-labels.ts says what labels mean
// expired-drains.ts restores labels of drains whose machine died
//
// GitHub's reads lag behind its writes, usually by a second or two. So replacing and restoring end only when a read shows the result. And for
// LONGEST_LAG_MS after a change (`mayLag`), a read may be from before the drain: if it shows only another drain (`isTakenOver`), the runner is
// read again, and restoring does not trust its first read (`doubtfulMarks`). The header of label-changes.ts lists what else GitHub may do.

import { type Bounds, unlessAborted } from '../clock.ts';
import type { Runner } from '../github/runner.ts';
import type { RunnerLabels } from '../github/runner-labels.ts';
import type { RunnerList, Runners } from '../github/runners.ts';
import { parseJson } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import { createProgressLog, type FailedAttempt } from '../log.ts';
import { isMark, MARK } from './drain-labels.ts';
import { DrainRecords, type DrainState, type RecordsOptions, stateFrom } from './drain-records.ts';
import { type DrainContext, drainRunner } from './drain-runner.ts';
import { type RestoreContext, restoreRunner } from './restore-runner.ts';

export type { DrainState } from './drain-records.ts';

export type DrainOptions = Omit<
  DrainContext & RestoreContext & RecordsOptions,
  'deadline' | 'records' | 'isListed'
>;

type RestoreOptions = Pick<RestoreContext, 'labels' | 'clock' | 'log' | 'signal'>;

/** All drains of a step: they share a name and an expiry. */
export interface Drains {
  /**
   * Waits for the drains of other steps, then drains the runner. If this step has drained it already, it does so again only if GitHub shows
   * one of the replaced labels again, or shows labels of other drains but none of this one.
   * A cancellation ends the wait, but not the request that was sent: to restore the labels, the step must know what it changed.
   * @param bounds the deadline limits the wait for other drains; requests have their own.
   * @returns whether the runner has to be read again: it changed labels, or the runner is gone.
   * @throws ActionError `runner_busy` if another drain lasts beyond the deadline, `invalid_input` if the runner has no custom label that can
   * be replaced, `github_api_failed` if GitHub refuses the change or gives no usable answer, `internal_error` if the state cannot be saved.
   */
  drain(runner: Runner, bounds: Bounds): Promise<boolean>;
  /** Restores the labels of a drained runner. Never throws: if it cannot restore them, it writes a warning. */
  restore(id: number): Promise<void>;
}

export function createDrains(options: DrainOptions): Drains {
  const records = new DrainRecords(options);
  const context = { ...options, records, labels: noteAnswers(options, records) };
  return {
    drain(runner, bounds) {
      const change = drainRunner({ ...context, ...bounds }, runner);
      records.follow(runner.id, change);
      return unlessAborted(bounds.signal, change);
    },
    restore: (id) => restoreRunner(context, id),
  };
}

/** The post step: restores what the step has left. A runner may have been drained several times, so each drain is restored by itself. */
export async function restoreLeft(
  state: string,
  { runners, ...options }: RestoreOptions & { readonly runners: Pick<Runners, 'listAll'> },
): Promise<void> {
  let reading: Promise<RunnerList> | undefined;
  /** All runners share one list: after a reset of a large pool, hundreds of them may have new registrations. */
  async function isListed(id: number, bounds: Bounds): Promise<boolean> {
    reading ??= runners.listAll(bounds).catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    const list = await reading;
    return list.runners.some((runner) => runner.id === id);
  }
  const restore = (drain: DrainState[number]) => {
    const records = new DrainRecords(options, [drain]);
    const labels = noteAnswers(options, records);
    return restoreRunner({ ...options, records, labels, isListed }, drain.id);
  };
  const drains = stateFrom(parseJson(state));
  if (drains.length === 0 && state !== NOTHING_SAVED)
    options.log.warning(
      `The saved list of drained runners is damaged, so no labels were restored. Look for labels that contain ${MARK}: for each, add one without that ending, then remove it.`,
    );
  await Promise.all(drains.map(restore));
}

const NOTHING_SAVED = JSON.stringify([]);

/**
 * Failed requests are logged, and become a warning if there are only failures for a while. Changes of a drain, which adds marks and removes
 * other labels, are recorded.
 */
function noteAnswers({ labels, clock, log }: RestoreOptions, records: DrainRecords): RunnerLabels {
  const about = 'the labels of a runner';
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub', about });
  type Send<T> = (bounds: RetryBounds) => Promise<T>;
  /** @param drained the ID of the runner, if the request is a change of a drain. */
  async function ask<T>(bounds: Bounds, send: Send<T>, drained?: number): Promise<T> {
    const onFault = (fault: FailedAttempt) => {
      progress.fault(fault);
      if (drained !== undefined) records.doubt(drained);
    };
    const answer = await send({ ...bounds, onFault });
    progress.answered();
    if (drained !== undefined) records.confirm(drained);
    return answer;
  }
  return {
    read: (id, bounds) => ask(bounds, (noting) => labels.read(id, noting)),
    add: (id, label, bounds) =>
      ask(bounds, (noting) => labels.add(id, label, noting), isMark(label) ? id : undefined),
    remove: (id, label, bounds) =>
      ask(bounds, (noting) => labels.remove(id, label, noting), isMark(label) ? undefined : id),
  };
}
