import { describe, expect, test } from '@jest/globals';
import { createJobReader, findJob, type JobOwner } from '../../src/runner/job-finding.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { keepLog } from '../support/log.ts';
import { runningJob } from '../support/runners.ts';
import {
  createScriptedJobs,
  type JobsAnswer,
  refusal,
  refused,
  silence,
} from '../support/scripted-runners.ts';

const OWNER: JobOwner = {
  pattern: { parts: ['mac-7', ''] },
  ids: new Set([23, 24]),
  labels: [
    ['self-hosted', 'macOS'],
    ['self-hosted', 'pool-a', 'pool-c.drained-9001-1764410000'],
  ],
};
const nameless = { runnerName: undefined } as const;
const unassigned = { ...nameless, runnerId: undefined } as const;

test.each<[string, Parameters<typeof runningJob>[0], string]>([
  ['its name', {}, 'job'],
  ['its name in other case', { runnerName: 'MAC-7-B' }, 'job'],
  ['its name, with any number', { runnerId: 99 }, 'job'],
  ['its name, with any labels', { labels: ['other'] }, 'job'],
  ['its name alone', { runnerId: undefined }, 'job'],
  ['the number of another runner', { runnerName: 'linux-3' }, 'none'],
  ['a number that was seen, and labels that fit', { ...nameless, labels: ['POOL-A'] }, 'job'],
  ['a number that was seen, and labels that do not fit', { ...nameless, labels: ['pool-b'] }, 'unassigned'],
  ['another number, and labels that fit', { ...nameless, runnerId: 99, labels: ['pool-a'] }, 'unassigned'],
  ['labels that fit', { ...unassigned, labels: ['self-hosted', 'pool-a'] }, 'unassigned'],
  ['a label that a drain has replaced', { ...unassigned, labels: ['pool-c'] }, 'unassigned'],
  ['no labels', { ...unassigned, labels: [] }, 'unassigned'],
  ['labels of two runners', { ...unassigned, labels: ['macos', 'pool-a'] }, 'unplaced'],
  ['labels that do not fit', { ...unassigned, labels: ['ubuntu-latest'] }, 'unplaced'],
  ['a runner that GitHub hosts', { ...unassigned, labels: [], runnerGroup: 'GitHub Actions' }, 'none'],
])('a job with %s', (_, changes, kind) => {
  const job = runningJob(changes);
  const expected = kind === 'unplaced' ? { kind: 'none', unplaced: job } : { kind, job };
  expect(findJob([runningJob({ runnerName: 'linux-1' }), job], OWNER)).toEqual(
    kind === 'none' ? { kind } : expected,
  );
});

test('a certain job counts more than a possible one', () => {
  const [vague, numbered, named] = [runningJob(unassigned), runningJob(nameless), runningJob()];
  const owner = { ...OWNER, labels: [['self-hosted', 'macos-vm-7']] };
  expect(findJob([vague, numbered, named], owner)).toEqual({ kind: 'job', job: named });
  expect(findJob([vague, numbered], owner)).toEqual({ kind: 'job', job: numbered });
  expect(findJob([runningJob()], { ...OWNER, labels: [] })).toMatchObject({ kind: 'job' });
  expect(findJob([vague], { ...OWNER, labels: [] })).toEqual({ kind: 'none', unplaced: vague });
  expect(findJob([vague], { ...OWNER, labels: [[]] })).toEqual({ kind: 'unassigned', job: vague });
});

describe('a source that GitHub refuses', () => {
  /** Reads the jobs at each of these times, in seconds. */
  async function readAt(times: readonly number[], answers: readonly JobsAnswer[]) {
    const clock = createFakeClock();
    const { log, warnings } = keepLog();
    const jobs = createScriptedJobs(answers);
    const reader = createJobReader(jobs, { clock, log });
    const { signal } = new AbortController();
    const kinds: unknown[] = [];
    const startedAt = clock.now();
    for (const time of times) {
      await clock.sleep(startedAt + time * 1_000 - clock.now(), signal);
      const bounds = { deadline: clock.now() + 10_000, signal };
      const found = await reader.read(() => OWNER, bounds).catch((error: unknown) => error);
      kinds.push(found instanceof Error ? found : (found as { kind: string }).kind);
    }
    return { kinds, warnings, asked: jobs.count() };
  }

  const [NO, OFF, NONE] = ['no answer', 'unreadable', 'none'];

  test('is given up after half a minute of nothing but refusals, with a warning, and is still read each time', async () => {
    const { kinds, warnings, asked } = await readAt([0, 15, 29.9, 30, 31], [refused]);
    expect([kinds, asked]).toEqual([[NO, NO, NO, OFF, OFF], 5]);
    expect(warnings).toEqual([
      'GitHub has refused to list the jobs in progress for 30.0 s: github_token: HTTP 403. Only the runners themselves now show whether a job runs, and GitHub may show that a minute late: such a job would be killed. Give jobs_token or github_token "Actions: read".',
    ]);
  });

  test.each<[string, JobsAnswer]>([
    ['a good answer', []],
    ['silence', silence],
    ['an error', refusal],
  ])('gets another half minute after %s', async (_, between) => {
    const { kinds } = await readAt([0, 20, 25, 40, 54.9, 70], [refused, refused, between, refused]);
    expect(kinds).toEqual([NO, NO, Array.isArray(between) ? NONE : between, NO, NO, OFF]);
  });

  test('gets another half minute if GitHub answered a part of the read', async () => {
    const partly = { ...refused, isPartial: true };
    const { kinds } = await readAt([0, 29, 31, 58, 61], [refused, partly, refused]);
    expect(kinds).toEqual([NO, NO, NO, NO, OFF]);
  });

  test('counts again once GitHub answers a part of the read', async () => {
    const partly = { ...refused, isPartial: true };
    const { kinds } = await readAt([0, 30, 31], [refused, refused, partly]);
    expect(kinds).toEqual([NO, OFF, NO]);
  });

  test('gets another half minute if it was not read for a while', async () => {
    expect((await readAt([0, 31, 60, 61], [refused])).kinds).toEqual([NO, NO, NO, OFF]);
  });

  test('counts again once it answers', async () => {
    const { kinds, warnings } = await readAt([0, 30, 31, 32, 62], [refused, refused, [], refused]);
    expect([kinds, warnings.length]).toEqual([[NO, OFF, NONE, NO, OFF], 1]);
  });

  test('is given up at once, without a warning, if there is no repository', async () => {
    const { kinds, warnings } = await readAt([0, 5], [{ refused: 'no repository', isFinal: true }]);
    expect([kinds, warnings]).toEqual([[OFF, OFF], []]);
  });
});
