import { expect, test } from '@jest/globals';
import { hostedMachine, type JobPlan } from '../../simulator/github-runs.ts';
import type { GitHubWorld, SimulatedRunner } from '../../simulator/github-world.ts';
import { play, type Runners, type Setting } from '../support/scenario.ts';

// The committed bundle as a process, against a GitHub that is wrong, late, or refuses: no job is killed in any case.

const SECOND = 1_000;
const LONG_MS = 300 * SECOND;
/** GitHub never shows a runner busy: only its jobs do. */
const NEVER_BUSY = { busyLagMs: 86_400_000 };
const ONE_JOB = { takesOneJob: true, labels: ['pool'] };
const EPHEMERAL = { runner_ephemeral: 'true' };

function plan(name: string, more: Partial<JobPlan> = {}): JobPlan {
  return { name, labels: ['self-hosted'], forMs: 60 * SECOND, ...more };
}

const queue =
  (...jobs: readonly JobPlan[]) =>
  (github: GitHubWorld) =>
    void github.runs.add({ jobs });
const two = queue(plan('a'), plan('b'));

/** Does something with the only runner. */
const withRunner = (act: (github: GitHubWorld, runner: SimulatedRunner) => void) => (github: GitHubWorld) => {
  const [runner] = github.runners;
  if (runner !== undefined) act(github, runner);
};

interface Case extends Pick<Setting, 'inputs' | 'world'> {
  readonly runners: Runners;
  /** restarted and error_code. */
  readonly ends: readonly [string, string];
}

const RESTARTED = ['true', ''] as const;

test.each<[string, Case]>([
  [
    'a second job waits for the same runner',
    { runners: { habits: NEVER_BUSY, prepare: two }, ends: RESTARTED },
  ],
  [
    'a second job waits for an approval',
    {
      runners: { habits: NEVER_BUSY, prepare: queue(plan('a'), plan('b', { waitsAs: 'waiting' })) },
      ends: RESTARTED,
    },
  ],
  [
    'the runs are refused at first',
    {
      runners: {
        habits: NEVER_BUSY,
        prepare: two,
        refusals: [{ status: 404, endpoint: 'runs', requests: 3 }],
      },
      ends: RESTARTED,
    },
  ],
  [
    'a busy runner is shown offline, and the jobs cannot be read',
    {
      runners: {
        showsJobs: false,
        habits: { busyLagMs: 0 },
        prepare: withRunner((github, runner) => {
          github.startJob(runner, 150 * SECOND);
          github.misreport(runner, { online: false, busy: true, forMs: 150 * SECOND });
        }),
      },
      ends: RESTARTED,
    },
  ],
  [
    'the job does not name its runner',
    {
      runners: { habits: NEVER_BUSY, prepare: queue(plan('a', { hidesRunnerMs: LONG_MS })) },
      ends: RESTARTED,
    },
  ],
  [
    'the job spells its runner in another case',
    {
      runners: { habits: NEVER_BUSY, prepare: queue(plan('a', { spelledRunner: 'RUNNER-1' })) },
      ends: RESTARTED,
    },
  ],
  [
    'a job elsewhere has a runner with the same number',
    {
      runners: { prepare: queue(plan('a', { forMs: 3_600_000, on: { ...hostedMachine(1), id: 23 } })) },
      ends: RESTARTED,
    },
  ],
  [
    'the runner is shown busy permanently',
    {
      runners: {
        prepare: withRunner((github, runner) => github.misreport(runner, { busy: true, forMs: LONG_MS })),
      },
      inputs: { busy_timeout: '60s' },
      ends: ['false', 'runner_busy'],
    },
  ],
  [
    'a one-job runner has its job, and is gone after it',
    {
      runners: {
        employment: ONE_JOB,
        habits: { busyLagMs: 0 },
        prepare: withRunner((github, runner) => github.startJob(runner, 60 * SECOND)),
      },
      inputs: EPHEMERAL,
      world: { vms: 2 },
      ends: RESTARTED,
    },
  ],
  [
    'a one-job runner is searched for in the wrong scope',
    {
      runners: {
        employment: ONE_JOB,
        habits: NEVER_BUSY,
        prepare: withRunner((github, runner) => github.startJob(runner, LONG_MS)),
      },
      inputs: { ...EPHEMERAL, runner_scope: 'octo-org/app' },
      ends: ['false', 'runner_not_found'],
    },
  ],
  [
    'one-job runners have random names',
    {
      runners: { employment: { ...ONE_JOB, atBoot: 'random name' }, habits: NEVER_BUSY, prepare: two },
      inputs: { ...EPHEMERAL, runner_name: '{external_id}-*' },
      ends: RESTARTED,
    },
  ],
  [
    'a one-job runner is about to register and to get a job',
    {
      runners: {
        employment: ONE_JOB,
        habits: { loginMs: 90 * SECOND },
        prepare: withRunner((github, runner) => {
          Object.assign(runner, { isRegistered: false, isListening: false });
          github.world.restart(runner.instanceId);
          github.runs.add({
            jobs: [1, 2, 3].map((number) => plan(`test (${number})`, { forMs: 120 * SECOND })),
          });
        }),
      },
      inputs: EPHEMERAL,
      world: { vms: 2 },
      ends: RESTARTED,
    },
  ],
  [
    'a sweep meets one runner that is shown offline during its job',
    {
      runners: {
        habits: NEVER_BUSY,
        prepare: withRunner((github, runner) => {
          github.startJob(runner, LONG_MS);
          github.misreport(runner, { online: false, busy: false, forMs: LONG_MS });
        }),
      },
      inputs: { external_id: 'runner-*', instance_id: '', restart_if: 'runner_offline' },
      world: { vms: 3 },
      ends: ['false', ''],
    },
  ],
  [
    'a sweep meets an outage that shows all runners offline',
    {
      runners: {
        showsJobs: false,
        habits: NEVER_BUSY,
        prepare: (github) => {
          for (const runner of github.runners) {
            github.startJob(runner, LONG_MS);
            github.misreport(runner, { online: false, busy: false, forMs: LONG_MS });
          }
        },
      },
      inputs: { external_id: 'runner-*', instance_id: '', restart_if: 'runner_offline' },
      world: { vms: 3 },
      ends: ['false', 'github_api_failed'],
    },
  ],
])(
  '%s',
  async (_, { runners, inputs, world, ends }) => {
    const { outputs, github } = await play({ runners, ...(inputs && { inputs }), ...(world && { world }) });
    const jobs = github?.runners.flatMap((runner) => runner.jobs) ?? [];
    expect(jobs.filter(({ killedBy }) => killedBy !== undefined)).toEqual([]);
    expect([outputs['restarted'], outputs['error_code']]).toEqual(ends);
  },
  120_000,
);
