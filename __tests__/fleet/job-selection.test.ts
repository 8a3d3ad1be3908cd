import { describe, expect, test } from '@jest/globals';
import { selectJobs } from '../../src/fleet/job-selection.ts';
import type { Job } from '../../src/github/job.ts';
import { runningJob } from '../support/runners.ts';

const NO_OWN_JOB = { runId: undefined, runnerName: undefined };

/** A job that has ended on the runner, except for the given values. */
function job(name: string, changes: Partial<Job> = {}): Job {
  return runningJob({ name, status: 'completed', conclusion: 'success', ...changes });
}

const names = (jobs: readonly { readonly name: string }[]) => jobs.map(({ name }) => name);

describe('the jobs whose names fit', () => {
  test.each<[string[], string[]]>([
    [['test (14)'], ['test (14)']],
    [['test*'], ['test (14)', 'test (15)']],
    [['*'], ['test (14)', 'test (15)', 'call / build', 'Test (14)']],
    [
      ['call / *', 'test (15)'],
      ['test (15)', 'call / build'],
    ],
    [['*/ build'], ['call / build']],
    [['te.t*'], []],
    [[], []],
  ])('%j', (patterns, expected) => {
    const jobs = ['test (14)', 'test (15)', 'call / build', 'Test (14)'].map((name) => job(name));
    expect(names(selectJobs(jobs, patterns, NO_OWN_JOB).onRunners)).toEqual(expected);
  });
});

test('never the job that the step runs in', () => {
  const own = { runId: 17, runnerName: 'mac-7' };
  const select = (changes: Partial<Job>) => names(selectJobs([runningJob(changes)], ['*'], own).onRunners);
  expect(select({})).toEqual([]);
  expect(select({ runId: 18 })).toEqual(['build']);
  expect(select({ runnerName: 'mac-8' })).toEqual(['build']);
  expect(select({ status: 'completed' })).toEqual(['build']);
  expect(
    selectJobs([runningJob({ runnerName: undefined })], ['*'], { ...own, runnerName: undefined }).others,
  ).toHaveLength(1);
});

test('nor an earlier attempt of that job', () => {
  const own = { runId: 17, runnerName: 'mac-7' };
  const jobs = [runningJob({ attempt: 2 }), job('build', { attempt: 1, runnerName: 'mac-8' }), job('test')];
  expect(names(selectJobs(jobs, ['*'], own).onRunners)).toEqual(['test']);
});

test('a job names no VM without a self-hosted runner', () => {
  const none = { runnerId: undefined, runnerName: undefined, runnerGroup: undefined };
  const jobs = [
    job('skipped', { ...none, conclusion: 'skipped' }),
    job('cancelled', { ...none, conclusion: 'cancelled' }),
    job('queued', { ...none, status: 'queued', conclusion: undefined }),
    job('hosted', { runnerName: 'GitHub Actions 12', runnerGroup: 'GitHub Actions' }),
    job('hidden', { ...none, conclusion: 'failure' }),
    job('somewhere', { ...none, status: 'in_progress', conclusion: undefined }),
    job('lost', { conclusion: 'failure' }),
    job('in a group that is not shown', { runnerGroup: undefined }),
  ];
  const { onRunners, others } = selectJobs(jobs, ['*'], NO_OWN_JOB);
  expect(others.map(({ job: { name }, why }) => [name, why])).toEqual([
    ['skipped', 'skipped'],
    ['cancelled', 'canceled'],
    ['queued', 'not started'],
    ['hosted', 'hosted by GitHub'],
    ['hidden', 'runner not shown'],
    ['somewhere', 'runner not shown'],
  ]);
  expect(names(onRunners)).toEqual(['lost', 'in a group that is not shown']);
});

test('a matrix that was skipped keeps its unexpanded name', () => {
  const name = `test (\${{ matrix.os }})`;
  const jobs = [
    job(name, { conclusion: 'skipped', runnerName: undefined }),
    job(name),
    job('other', { conclusion: 'skipped' }),
  ];
  expect(selectJobs(jobs, ['test (14)'], NO_OWN_JOB)).toEqual({
    onRunners: [],
    others: [],
    unexpanded: jobs.slice(0, 1),
  });
});
