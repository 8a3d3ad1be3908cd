import { expect, test } from '@jest/globals';
import { type Job, readJobs, readRuns } from '../../src/github/job.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { runningJob, wireJob } from '../support/runners.ts';

test.each<[Record<string, unknown>, Partial<Job>]>([
  [{}, {}],
  [
    { status: 'completed', conclusion: 'success' },
    { status: 'completed', conclusion: 'success' },
  ],
  [{ name: 'x'.repeat(1_001) }, { name: '(a text of 1001 characters)' }],
  [{ runner_name: 'x'.repeat(1_001) }, { runnerName: undefined }],
  [{ runner_id: null }, { runnerId: undefined }],
  [{ runner_id: 0 }, { runnerId: undefined }],
  [{ runner_id: '23' }, { runnerId: undefined }],
  [{ runner_name: null }, { runnerName: undefined }],
  [{ name: null }, { name: '' }],
  [{ run_attempt: undefined }, { attempt: 1 }],
  [{ run_attempt: 3 }, { attempt: 3 }],
  [{ runner_group_name: null }, { runnerGroup: undefined }],
  [{ labels: null }, { labels: [] }],
  [{ labels: [7, 'macos'] }, { labels: ['macos'] }],
  [{ completed_at: '2026-11-28T10:05:00Z' }, { completedAt: Date.UTC(2026, 10, 28, 10, 5) }],
])('a job may lack something: %j', (changes, expected) => {
  expect(readJobs({ jobs: [wireJob(changes)] }, 17)).toEqual([runningJob(expected)]);
});

test.each<[string, unknown, string]>([
  ['nothing', null, 'without a list of jobs'],
  ['no list', { jobs: {} }, 'without a list of jobs'],
  ['a page that is too long', { jobs: Array(101).fill(wireJob()) }, 'with more jobs than were asked for'],
  [
    'a job without a status',
    { jobs: [wireJob(), wireJob({ status: null })] },
    'with a job that lacks its status',
  ],
  ['a job that is not one', { jobs: ['build'] }, 'with a job that lacks its status'],
])('jobs cannot be read: %s', (_, data, problem) => {
  expect(() => readJobs(data, 17)).toThrow(new UnusableAnswer(`it answered ${problem}`));
});

test('a run changes with its status, and when it is updated', () => {
  const [queued, updated, started] = readRuns({
    workflow_runs: [
      { id: 17, status: 'queued', updated_at: '2026-11-29T01:00:00Z' },
      { id: 17, status: 'queued', updated_at: '2026-11-29T01:00:05Z' },
      { id: 17, status: 'in_progress', updated_at: '2026-11-29T01:00:05Z' },
    ],
  });
  expect(new Set([queued?.state, updated?.state, started?.state]).size).toBe(3);
});

test('a run without an ID cannot be read', () => {
  expect(() => readRuns({ workflow_runs: [{ status: 'queued' }] })).toThrow(
    new UnusableAnswer('it answered with a workflow run that lacks its id'),
  );
});
