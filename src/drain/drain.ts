// Keeps new jobs away from a runner until its VM has been restarted: replaces each custom label with a mark that contains the run's ID and
// an expiry time, e.g. `macos` with `macos.drained-9001-1764410000`. GitHub then finds no runner for jobs that ask for `macos`. The labels on
// GitHub are the only state that steps share. For its post step, a step also saves which runners it has drained.
//
// | label of the runner          | when this drain begins                   | when it ends                                            |
// | ---------------------------- | ---------------------------------------- | ------------------------------------------------------- |
// | `macos`                      | becomes this drain's mark                | stays                                                   |
// | this drain's mark            | stays                                    | becomes `macos`; removed if another drain holds `macos` |
// | mark of an expired drain     | becomes `macos`, then this drain's mark  | stays                                                   |
// | mark of another active drain | stays; the step waits for that drain     | stays                                                   |
//
// drain-runner.ts   drains one runner; rival-drains.ts waits for the drains of other steps
// restore-runner.ts restores the labels of one runner
// drain-records.ts  the state of each runner that the step drains, and which part of it is saved for the post step
// label-changes.ts  replaces labels, and brings them back; drain-labels.ts reads and writes marks
// expired-drains.ts restores labels of drains whose machine died
//
// GitHub's reads lag behind its writes, usually by a second or two. So replacing and restoring end only when a read shows the result. A read
// soon after a change (`mayLag`) may even be from before the drain. If it shows only marks of other drains (`isTakenOver`), the runner is read
// again. Restoring does not trust its first read (`doubtfulMarks`). The header of label-changes.ts lists what else GitHub may do.

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

/** All drains of one step. */
export interface Drains {
  /**
   * Waits for the drains of other steps, then drains the runner. A runner that this step has already drained is drained again only if it has
   * registered again: GitHub shows a replaced label, or only marks of other drains.
   * Rejects as soon as the step is canceled, but a change that was sent continues: to restore the labels, the step must know what it changed.
   * @param bounds the deadline limits the wait for other drains; requests have their own.
   * @returns whether earlier reads of the runner are outdated: labels were changed, or it took seconds to find out that the runner is gone.
   * @throws ActionError `runner_busy` if another drain lasts beyond the deadline, `invalid_input` if the runner has no custom label that can
   * be replaced, `github_api_failed` if GitHub refuses the change or gives no usable answer, `internal_error` if the state cannot be saved.
   */
  drain(runner: Runner, bounds: Bounds): Promise<boolean>;
  /** Restores the labels of a drained runner. Never throws: if it cannot restore them, it writes a warning. */
  restore(id: number): Promise<void>;
}

export function createDrains(options: DrainOptions): Drains {
  const records = new DrainRecords(options);
  const context = { ...options, records, labels: logAndRecord(options, records) };
  return {
    drain(runner, bounds) {
      const change = drainRunner({ ...context, ...bounds }, runner);
      records.follow(runner.id, change);
      return unlessAborted(bounds.signal, change);
    },
    restore: (id) => restoreRunner(context, id),
  };
}

/**
 * For the post step: restores the labels of all drains that the step left. Each has records of its own, because a runner may have been
 * drained several times.
 * @param state what the step saved last.
 */
export async function restoreLeft(
  state: string,
  { runners, ...options }: RestoreOptions & { readonly runners: Pick<Runners, 'listAll'> },
): Promise<void> {
  let reading: Promise<RunnerList> | undefined;
  /** One list serves all drains: after the reset of a large pool, hundreds of the saved registrations may be gone. */
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
    const labels = logAndRecord(options, records);
    return restoreRunner({ ...options, records, labels, isListed }, drain.id);
  };
  const drains = stateFrom(parseJson(state));
  if (drains.length === 0 && state !== NOTHING_SAVED)
    options.log.warning(
      `The saved list of drained runners is damaged, so no labels were restored. On GitHub, look for runner labels that contain "${MARK}". For each, first add the part before "${MARK}" as a label, then remove the label itself.`,
    );
  await Promise.all(drains.map(restore));
}

const NOTHING_SAVED = JSON.stringify([]);

/**
 * Logs failed requests, and warns if they are all that happens for a while. Also records the changes that drain a runner (adding marks,
 * removing other labels): confirmed by an answer, in doubt after a failed attempt. All other changes restore labels.
 */
function logAndRecord({ labels, clock, log }: RestoreOptions, records: DrainRecords): RunnerLabels {
  const about = 'the labels of a runner';
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub', about });
  type Send<T> = (bounds: RetryBounds) => Promise<T>;
  /** @param drained the ID of the runner that the request drains; undefined for any other request. */
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
    read: (id, bounds) => ask(bounds, (retryBounds) => labels.read(id, retryBounds)),
    add: (id, label, bounds) =>
      ask(bounds, (retryBounds) => labels.add(id, label, retryBounds), isMark(label) ? id : undefined),
    remove: (id, label, bounds) =>
      ask(bounds, (retryBounds) => labels.remove(id, label, retryBounds), isMark(label) ? undefined : id),
  };
}
