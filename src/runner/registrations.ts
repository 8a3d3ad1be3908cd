// The registrations of the runners in one VM, and what the log says about a new one. A runner that registers again usually gets a new ID;
// with `--replace`, it can keep its ID.

import type { Runner } from '../github/runner.ts';
import type { Log } from '../log.ts';
import type { RunnerOptions } from './runner-options.ts';

export interface Registrations {
  /** The runners in GitHub's last usable answer. */
  readonly current: readonly Runner[];
  /** Every registration seen so far, as last shown. */
  readonly everSeen: readonly Runner[];
  /** The registrations that the last usable answer lacks, as last shown. */
  readonly gone: readonly Runner[];
  remember(found: readonly Runner[]): void;
  /** To be called when the VM has booted again: that a runner was online before says nothing about this boot. */
  forgetOnline(): void;
}

/** @param onNew called for each registration when it first appears. */
export function createRegistrations(onNew: (runner: Runner) => void): Registrations {
  const byId = new Map<number, Runner>();
  let current: readonly Runner[] = [];
  return {
    get current() {
      return current;
    },
    get everSeen() {
      return [...byId.values()];
    },
    get gone() {
      const ids = new Set(current.map(({ id }) => id));
      return [...byId.values()].filter(({ id }) => !ids.has(id));
    },
    remember(found) {
      for (const runner of found) {
        if (!byId.has(runner.id)) onNew(runner);
        byId.set(runner.id, runner);
      }
      current = found;
    },
    forgetOnline() {
      for (const [id, runner] of byId) byId.set(id, { ...runner, isOnline: false });
    },
  };
}

// ---- the log ----

/** Since 2026, GitHub refuses the registration of older versions, but may let one connect briefly. */
const LEAST_VERSION = [2, 329, 0];

/** @returns a function to call for each new registration: warns if the runner is too old, and once if GitHub contradicts `runner_ephemeral`. */
export function createRegistrationWarnings(
  { isEphemeral }: RunnerOptions,
  log: Log,
): (runner: Runner) => void {
  let hasContradicted = false;
  return ({ name, id, ephemeral, version }) => {
    if (version !== undefined && isOlderVersion(version.split('.').map(Number), LEAST_VERSION))
      log.warning(
        `Runner "${name}" (ID ${id}) has version ${version}, but GitHub requires ${LEAST_VERSION.join('.')}: it may connect, then exit without taking a job. Update it.`,
      );
    if (hasContradicted || ephemeral === undefined || ephemeral === isEphemeral) return;
    hasContradicted = true;
    const kind = ephemeral ? 'takes one job per registration' : 'takes one job after another';
    log.warning(
      `runner_ephemeral is ${isEphemeral}, but GitHub says that runner "${name}" (ID ${id}) ${kind}. The step believes GitHub.`,
    );
  };
}

/** A part that is not a number (NaN) counts as newer. */
function isOlderVersion(
  [part = 0, ...rest]: readonly number[],
  [thanPart, ...thanRest]: readonly number[],
): boolean {
  if (thanPart === undefined) return false;
  return part < thanPart || (part === thanPart && isOlderVersion(rest, thanRest));
}
