import type { RunningJob } from '../../src/runner/jobs.ts';
import type { Runner } from '../../src/runner/runners.ts';
import type { RunnerSnapshot } from '../../src/runner/snapshot.ts';

/** A runner that is online and has no job, but for what is given. */
export function runner(changes: Partial<Runner> = {}): Runner {
  return { id: 23, name: 'mac-7', isOnline: true, isBusy: false, ...changes };
}

export const idle = runner();
export const busy = runner({ isBusy: true });
export const offline = runner({ isOnline: false });
export const wedged = runner({ isOnline: false, isBusy: true });

/** A job in progress on the runner, but for what is given. */
export function runningJob(changes: Partial<RunningJob> = {}): RunningJob {
  return { runId: 17, name: 'build', runnerId: 23, runnerName: 'mac-7', ...changes };
}

/** A look that began at `seconds` on the clock and was answered at once. */
export function snapshot(seconds: number, seen: RunnerSnapshot['runner'], tookSeconds = 0): RunnerSnapshot {
  return { askedAt: seconds * 1_000, answeredAt: (seconds + tookSeconds) * 1_000, runner: seen };
}

/** As GitHub's reference shows one. */
export function wireRunner(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 23,
    name: 'mac-7',
    os: 'macos',
    status: 'online',
    busy: false,
    ephemeral: false,
    runner_group_id: 1,
    labels: [
      { id: 5, name: 'self-hosted', type: 'read-only' },
      { id: 7, name: 'macOS', type: 'read-only' },
      { id: 20, name: 'macos-vm-7', type: 'custom' },
    ],
    ...changes,
  };
}
