// The drains of a step: how long they may last, and the drains of the runners in one VM.

import { type Clock, minutes } from '../clock.ts';
import { createDrains, type DrainState, type Drains } from '../drain/drain.ts';
import { createExpiredDrains, type ExpiredDrains } from '../drain/expired-drains.ts';
import { ActionError } from '../errors.ts';
import type { RunnerLabels } from '../github/runner-labels.ts';
import type { Log } from '../log.ts';
import type { Outcome } from '../restart/outcome.ts';
import type { RunnerOptions } from './runner-options.ts';
import type { GateOptions } from './vm-at-gate.ts';

export interface StepDrainsOptions {
  readonly runner: RunnerOptions;
  readonly clock: Clock;
  /** For messages that concern no single VM. */
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The input `timeout`: how long GitHub may give no usable answer, on top of the waits for a busy runner and for `idle_for`. */
  readonly patienceMs: number;
  /** A dry run: the step changes nothing, so it does not restore labels of expired drains. */
  readonly isDryRun?: boolean | undefined;
  /** Saves what the post step must restore if the step is killed. */
  readonly saveDrains?: ((state: DrainState) => void) | undefined;
}

export interface StepDrains extends Pick<ExpiredDrains, 'lookThrough'> {
  /**
   * The step waits for a busy runner only until this time on the clock's scale, and begins no drain later, so that it can restore the labels
   * before the token expires. Undefined without `drain`, or if the token does not expire that soon.
   */
  readonly busyUntil: number | undefined;
  /** @param log the VM's log. */
  forVm(log: Log): VmDrains;
  /** Waits for pending restorations. */
  finish(): Promise<void>;
}

interface VmDrains {
  readonly drain: GateOptions['drain'];
  /** Restores the labels of all runners that `drain` has drained. Never throws. */
  restore(outcome: Outcome): Promise<void>;
}

export function createStepDrains(options: StepDrainsOptions, labels: RunnerLabels): StepDrains {
  const mayRestore = options.runner.drains !== undefined && options.isDryRun !== true;
  const expired = createExpiredDrains({ ...options, labels: mayRestore ? labels : undefined });
  const { drains, busyUntil } = openDrains(options, labels);
  const shared: SharedDrains | undefined = drains && { drains, expired, restoring: [] };
  return {
    busyUntil,
    lookThrough: expired.lookThrough,
    forVm: (log) => (shared === undefined ? NO_DRAINS : createVmDrains(shared, log)),
    async finish() {
      await Promise.all(shared?.restoring ?? []);
      await expired.finish();
    },
  };
}

/** Added to the waits of a drain to get its lifetime, in milliseconds: time for the guest and for requests. */
const DRAIN_MARGIN_MS = 3_600_000;
/** With an installation token, all drains must end this long after the step's start, in milliseconds: such a token is valid for an hour. */
const INSTALLATION_TOKEN_MS = 50 * 60_000;

function openDrains(
  options: StepDrainsOptions,
  labels: RunnerLabels,
): { drains?: Drains; busyUntil?: number } {
  const { runner, clock, log, signal, patienceMs, saveDrains = () => {} } = options;
  const { drains: asked, busyTimeoutMs, idleForMs, runnerTimeoutMs, token } = runner;
  if (asked === undefined) return {};
  if (runner.whenBusy === 'ignore' && !runner.isSweep)
    log.warning('drain has no effect with when_busy: ignore, because the step waits for no job');
  const restartMs = patienceMs + runnerTimeoutMs;
  const lifeMs = busyTimeoutMs + idleForMs + restartMs + DRAIN_MARGIN_MS;
  const draining = { labels, ...asked, lifeMs, patienceMs, clock, log, signal, saveState: saveDrains };
  if (!token.startsWith('ghs_')) return { drains: createDrains(draining) };
  const waitsForMs = INSTALLATION_TOKEN_MS - idleForMs - restartMs;
  if (waitsForMs <= 0) throw tokenTooShort(idleForMs + restartMs);
  const busyUntil = clock.now() + waitsForMs;
  if (waitsForMs < busyTimeoutMs)
    log.info(
      `github_token is an installation token, which is valid for an hour: busy_timeout ends ${minutes(waitsForMs)} after the step's start, so that all labels can be restored`,
    );
  return { drains: createDrains({ ...draining, beginsBy: busyUntil }), busyUntil };
}

function tokenTooShort(needsMs: number): ActionError {
  const message = `github_token is an installation token, which is valid for an hour, so a drain must end within ${minutes(INSTALLATION_TOKEN_MS)} of the step's start. But idle_for, timeout and runner_timeout together are ${minutes(needsMs)}.`;
  return new ActionError('invalid_input', message, {
    hint: 'Shorten them, use another kind of token, or leave out drain.',
  });
}

// ---- one VM ----

const NO_DRAINS: VmDrains = { drain: undefined, restore: async () => {} };

interface SharedDrains {
  readonly drains: Drains;
  readonly expired: ExpiredDrains;
  /** Pending restorations of labels. */
  readonly restoring: Promise<void>[];
}

function createVmDrains({ drains, expired, restoring }: SharedDrains, log: Log): VmDrains {
  const drained = new Set<number>();

  async function restoreAll(): Promise<void> {
    await Promise.all([...drained].map((id) => drains.restore(id)));
    for (const id of drained) expired.release(id);
  }

  return {
    async drain(found, bounds) {
      let hasChanged = false;
      for (const each of found) {
        drained.add(each.id);
        await expired.hold(each.id);
        if (await drains.drain(each, bounds)) hasChanged = true;
      }
      return hasChanged;
    },
    restore({ restarted }) {
      if (drained.size > 0 && restarted === 'unknown')
        log.warning(
          'The labels are being restored, but the restart may still happen, and would kill a job that begins before then',
        );
      const restored = restoreAll();
      restoring.push(restored);
      return restored;
    },
  };
}
