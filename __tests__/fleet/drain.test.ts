import { expect, test } from '@jest/globals';
import { GITHUB_TOKEN, playOnStage } from '../simulation/stage.ts';

/** GitHub notices jobs at once, and runners soon. */
const habits = {
  busyLagMs: 0,
  idleLagMs: 0,
  jobsLagMs: 0,
  staleMs: 10_000,
  sessionMs: 5_000,
  loginMs: 25_000,
};

/** A pool of persistent runners with a full queue: each gets its next job as soon as it is free. */
test('a busy pool is reset with a drain, and no job is killed', async () => {
  const inputs = {
    ...{ external_id: 'runner-*', runner_name: '{external_id}', runner_scope: 'octo-org' },
    ...{ github_token: GITHUB_TOKEN, drain: 'true', max_parallel: '2', idle_for: '10s', timeout: '2m' },
  };
  const { ends, stage, posts } = await playOnStage(inputs, {
    world: { vms: 6 },
    github: { habits },
    runnersIn: ({ externalId = '' }) => [{ name: externalId, labels: ['macos-vm'] }],
    latencyMs: 10,
    prepare({ github }) {
      const jobs = Array.from({ length: 60 }, (_, index) => ({
        name: `test ${index}`,
        forMs: 90_000,
        labels: ['self-hosted', 'macos-vm'],
      }));
      github.runs.add({ jobs });
    },
  });
  const { runners } = stage.github;
  expect(Object.values(ends)).toEqual(Array(6).fill('restarted'));
  expect(posts).toHaveLength(6);
  expect(runners.flatMap(({ jobs }) => jobs.filter((job) => job.killedAt !== undefined))).toEqual([]);
  expect(runners.map((runner) => stage.github.labelsOf(runner))).toEqual(Array(6).fill(['macos-vm']));
  const changes = runners.flatMap(({ labels }) => labels.map(({ since, names }) => ({ since, names })));
  const drainedAt = (moment: number) =>
    runners.filter(({ labels }) => {
      const now = labels.findLast(({ since }) => since <= moment);
      return now?.names.some((name) => name.startsWith('macos-vm.drained-'));
    }).length;
  expect(Math.max(...changes.map(({ since }) => drainedAt(since)))).toBe(2);
});
