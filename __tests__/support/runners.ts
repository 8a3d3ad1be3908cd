import type { Job } from '../../src/github/job.ts';
import type { Runner } from '../../src/github/runner.ts';
import type { RunnersReading } from '../../src/runner/occupancy.ts';

/** A runner that is online and has no job, except for the given values. */
export function runner(changes: Partial<Runner> = {}): Runner {
  const labels = [
    { name: 'self-hosted', type: 'read-only' },
    { name: 'macOS', type: 'read-only' },
    { name: 'macos-vm-7', type: 'custom' },
  ] as const;
  const identity = { id: 23, name: 'mac-7', labels, ephemeral: false, version: '2.336.0' };
  return { ...identity, isOnline: true, isBusy: false, ...changes };
}

export const idle = runner();
export const busy = runner({ isBusy: true });
export const offline = runner({ isOnline: false });
export const wedged = runner({ isOnline: false, isBusy: true });

/** A job in progress on the runner, except for the given values. */
export function runningJob(changes: Partial<Job> = {}): Job {
  return {
    ...{ runId: 17, attempt: 1, name: 'build', status: 'in_progress', conclusion: undefined },
    ...{ completedAt: undefined, labels: ['self-hosted', 'macos-vm-7'] },
    ...{ runnerId: 23, runnerName: 'mac-7', runnerGroup: 'Default' },
    ...changes,
  };
}

/** A read that began at `seconds` on the clock and was answered at once. */
export function reading(
  seconds: number,
  runners: RunnersReading['runners'],
  tookSeconds = 0,
): RunnersReading {
  return { askedAt: seconds * 1_000, answeredAt: (seconds + tookSeconds) * 1_000, runners, gone: [] };
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
    version: '2.336.0',
    runner_group_id: 1,
    labels: [
      { id: 5, name: 'self-hosted', type: 'read-only' },
      { id: 7, name: 'macOS', type: 'read-only' },
      { id: 20, name: 'macos-vm-7', type: 'custom' },
    ],
    ...changes,
  };
}

/** As GitHub's reference shows one. */
export function wireJob(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 399444496,
    run_id: 17,
    status: 'in_progress',
    conclusion: null,
    name: 'build',
    steps: [{ name: 'Set up job', status: 'completed', conclusion: 'success', number: 1 }],
    labels: ['self-hosted', 'macos-vm-7'],
    runner_id: 23,
    runner_name: 'mac-7',
    run_attempt: 1,
    runner_group_id: 1,
    runner_group_name: 'Default',
    completed_at: null,
    ...changes,
  };
}
