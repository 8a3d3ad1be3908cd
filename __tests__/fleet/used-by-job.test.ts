import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { readList } from '../../src/controller/instances.ts';
import { ActionError } from '../../src/errors.ts';
import type { LastJob } from '../../src/fleet/targets.ts';
import { findVmsUsedByJob, refuseIfRestartedSince } from '../../src/fleet/used-by-job.ts';
import type { Job } from '../../src/github/job.ts';
import { mayBeIn } from '../../src/github/runner-names.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { bootedAt, instance } from '../support/instances.ts';
import { runningJob } from '../support/runners.ts';

/** Of the fake clock. */
const START = 1_000;
/** The name of a matrix job that was skipped before its values were known. */
const UNEXPANDED = ['test ($', '{{ matrix.os }})'].join('');
const NEVER = new AbortController().signal;
/** GitHub's clock when it answers. */
const READ_AT = Date.parse('2026-07-01T12:00:00Z');

/** A job that ended on a runner before GitHub answered. */
function ended(name: string, runnerName: string, secondsAgo = 60, changes: Partial<Job> = {}): Job {
  const completedAt = READ_AT - secondsAgo * 1_000;
  return runningJob({
    name,
    runnerName,
    status: 'completed',
    conclusion: 'success',
    completedAt,
    ...changes,
  });
}

function unassigned(name: string, conclusion: string | undefined): Job {
  return ended(name, '', 60, { conclusion, runnerName: undefined, runnerId: undefined });
}

function vm(externalId: string, changes: Partial<Instance> = {}): Instance {
  return instance({ instanceId: `id-${externalId}`, externalId, ...changes });
}

interface Given {
  /** What each read of the run shows; the last one stays. */
  readonly reads?: readonly (readonly Job[])[];
  readonly jobs?: readonly Job[];
  /** Later reads of the run fail. */
  readonly failsLater?: boolean;
  /** How many jobs GitHub counts. */
  readonly total?: number;
  /** What each list of the controller shows; the last one stays. */
  readonly lists?: readonly (readonly Instance[])[];
  readonly patterns?: readonly string[];
  readonly runnerName?: string;
  readonly readAt?: number | undefined;
}

async function find({ jobs = [], lists = [[vm('mac-1'), vm('mac-2')]], ...given }: Given) {
  const { patterns = ['test*'], runnerName = '{external_id}' } = given;
  const clock = createFakeClock();
  const lines: string[] = [];
  const asked: unknown[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    debug() {},
    warning: (line: string) => void lines.push(`warning: ${line}`),
  };
  let reads = 0;
  const controller = {
    async listInstances() {
      const list = lists[Math.min(reads++, lists.length - 1)] ?? [];
      return { ...readList([]), readable: () => [...list] };
    },
  };
  const found = await findVmsUsedByJob(
    { patterns, runId: 17, own: { runId: 17, runnerName: 'hosted-1' } },
    {
      ...{ controller, clock, log, signal: NEVER, timeoutMs: 60_000 },
      async readRun(runId, { deadline, onFault }) {
        asked.push([runId, deadline]);
        onFault?.({ kind: 'HTTP 502', reason: 'it answered HTTP 502', hint: 'Wait.', nature: 'passing' });
        if (given.failsLater && asked.length > 1) throw new ActionError('github_api_failed', 'away');
        const shown = given.reads?.[Math.min(asked.length, given.reads.length) - 1] ?? jobs;
        return { jobs: shown, total: given.total ?? 0, readAt: 'readAt' in given ? given.readAt : READ_AT };
      },
      isRunnerIn: (one, name) => mayBeIn(one, runnerName, name),
    },
  ).catch((error: unknown) => {
    if (error instanceof ActionError) return error;
    throw error;
  });
  return {
    found,
    lines: lines.filter((line) => !line.includes('HTTP 502')),
    faults: lines.filter((line) => line.includes('HTTP 502')),
    asked,
    reads: () => reads,
    clock,
  };
}

describe('the VMs of jobs', () => {
  test('are those that the runners of the jobs are in', async () => {
    const jobs = [ended('test (14)', 'MAC-2', 60), ended('lint', 'mac-1'), ended('test (15)', 'mac-2', 30)];
    const { found, lines, faults, asked } = await find({ jobs });
    expect(found).toEqual([
      {
        name: 'mac-2',
        externalId: 'mac-2',
        target: { by: 'instance_id', id: 'id-mac-2' },
        lastJob: { name: 'test (15)', endedAt: START - 30_000 },
      },
    ]);
    expect(asked).toEqual([[17, START + 60_000]]);
    expect(faults).toEqual(['GitHub gave no usable answer: it answered HTTP 502']);
    expect(lines).toEqual([
      'Job "test (14)" used runner "MAC-2", which is in VM mac-2',
      'Job "test (15)" used runner "mac-2", which is in VM mac-2',
    ]);
  });

  test('have a job in progress if one of their jobs is, even if others have ended', async () => {
    const running = runningJob({ name: 'test (3)', runnerName: 'mac-1' });
    for (const jobs of [
      [running, ended('test', 'mac-1')],
      [ended('test', 'mac-1'), running],
    ]) {
      const { found } = await find({ jobs });
      expect(found).toMatchObject([{ name: 'mac-1', lastJob: { name: 'test (3)', endedAt: undefined } }]);
    }
  });

  test('are found even if as many jobs ran on no runner', async () => {
    const { found, lines } = await find({
      jobs: [ended('test a', 'mac-1'), unassigned('test b', 'skipped')],
    });
    expect(found).toMatchObject([{ name: 'mac-1' }]);
    expect(lines).toEqual([
      'Job "test b" names no VM: it was skipped',
      'Job "test a" used runner "mac-1", which is in VM mac-1',
    ]);
  });

  test('have a job in progress until its status says that it has ended', async () => {
    const running = runningJob({ name: 'test', runnerName: 'mac-1', completedAt: READ_AT - 60_000 });
    expect((await find({ jobs: [running] })).found).toMatchObject([{ lastJob: { endedAt: undefined } }]);
  });

  test('have a job without a known end if GitHub does not report it', async () => {
    const without = ended('test', 'mac-1', 60, { completedAt: undefined });
    expect((await find({ jobs: [without] })).found).toMatchObject([{ lastJob: { endedAt: undefined } }]);
    const { found } = await find({ jobs: [ended('test', 'mac-1')], readAt: undefined });
    expect(found).toMatchObject([{ lastJob: { endedAt: undefined } }]);
  });

  test('are named by external ID, name, or ID; and also by ID if that is not unique', async () => {
    const nameless = { externalId: undefined, name: undefined };
    const lists = [
      [
        instance({ instanceId: 'a', externalId: undefined, name: 'vm' }),
        instance({ instanceId: 'b', ...nameless }),
        instance({ instanceId: 'c', externalId: 'x' }),
        instance({ instanceId: 'd', externalId: 'x' }),
      ],
    ];
    const jobs = ['a', 'b', 'c', 'd'].map((id) => ended('test', id));
    const { found } = await find({ jobs, lists, runnerName: '{instance_id}' });
    expect(found).toMatchObject([{ name: 'vm' }, { name: 'b' }, { name: 'x (c)' }, { name: 'x (d)' }]);
  });

  test('are searched for again if a list lacks one', async () => {
    const { found, reads, lines } = await find({
      jobs: [ended('test', 'mac-1'), ended('test 2', 'mac-2')],
      lists: [[vm('mac-1')], [vm('mac-1')], [vm('mac-2')]],
    });
    expect([found, reads()]).toMatchObject([[{ name: 'mac-1' }, { name: 'mac-2' }], 3]);
    expect(lines).toEqual([
      'Trying again, this may be temporary: The jobs ran on runners that are in no live instance: mac-2.',
      'Job "test" used runner "mac-1", which is in VM mac-1',
      'Job "test 2" used runner "mac-2", which is in VM mac-2',
    ]);
  });
});

describe('a runner', () => {
  test('in no live instance causes a warning', async () => {
    const lists = [[vm('mac-1'), vm('mac-2', { state: 'Terminated' })]];
    const { found, lines } = await find({ jobs: [ended('test', 'mac-1'), ended('test 2', 'mac-2')], lists });
    expect(found).toMatchObject([{ name: 'mac-1' }]);
    expect(lines.at(-1)).toBe('warning: Job "test 2" ran on runner "mac-2", which is in no live instance.');
  });

  test('in no live instance is an error if that is true for all runners', async () => {
    const { found, lines } = await find({ jobs: [ended('test', 'mac-8'), ended('test 2', 'mac-9')] });
    expect(found).toMatchObject({
      code: 'instance_not_found',
      message: 'The jobs ran on runners that are in no live instance: mac-8, mac-9.',
      hint: expect.stringContaining('Check runner_name'),
    });
    expect(lines.filter((line) => line.startsWith('warning'))).toHaveLength(2);
  });

  test('that fits several VMs is ambiguous, and none of them is restarted', async () => {
    const lists = [[vm('mac-1'), vm('mac-1-2'), vm('mac-3')]];
    const jobs = [ended('test', 'mac-1-2-x'), ended('test 2', 'mac-3-y'), ended('test 3', 'mac-1-7')];
    const { found } = await find({ jobs, lists, runnerName: '{external_id}-*' });
    const error = expect.objectContaining({
      code: 'ambiguous_target',
      message: 'Runner "mac-1-2-x" of job "test" fits several live instances: id-mac-1, id-mac-1-2.',
      hint: expect.stringContaining('{uuid}'),
    });
    expect(found).toEqual([
      expect.objectContaining({ name: 'mac-1', error }),
      expect.objectContaining({ name: 'mac-1-2', error }),
      expect.not.objectContaining({ error: expect.anything() }),
    ]);
  });

  test('that fits a VM with another external ID is ambiguous, even if only one of them runs', async () => {
    const lists = [[vm('mac-1', { state: 'Error' }), vm('mac-1-2')]];
    const { found } = await find({
      jobs: [ended('test', 'mac-1-2-x')],
      lists,
      runnerName: '{external_id}-*',
    });
    expect(found).toMatchObject([
      { name: 'mac-1', error: { code: 'ambiguous_target' } },
      { name: 'mac-1-2', error: { code: 'ambiguous_target' } },
    ]);
  });

  test.each([
    ['the only one that runs', ['Started', 'Error'], [['id-0', undefined]]],
    [
      'any of several that run',
      ['Started', 'Started'],
      [
        ['id-0', 'ambiguous_target'],
        ['id-1', 'ambiguous_target'],
      ],
    ],
    [
      'any of them if several run',
      ['Started', 'Error', 'Started'],
      [
        ['id-0', 'ambiguous_target'],
        ['id-1', 'ambiguous_target'],
        ['id-2', 'ambiguous_target'],
      ],
    ],
    [
      'any of them if none runs',
      ['Error', 'Error'],
      [
        ['id-0', 'ambiguous_target'],
        ['id-1', 'ambiguous_target'],
      ],
    ],
  ])('named after an external ID that several instances have is in %s', async (_, states, expected) => {
    const lists = [states.map((state, index) => vm('mac-1', { instanceId: `id-${index}`, state }))];
    const { found } = await find({ jobs: [ended('test', 'mac-1')], lists });
    expect(Array.isArray(found) && found.map(({ target, error }) => [target.id, error?.code])).toEqual(
      expected,
    );
  });
});

describe('there is nothing to restart', () => {
  test('if no matching job ran on a self-hosted runner, and the log says why', async () => {
    const jobs = [
      unassigned('test a', 'skipped'),
      unassigned('test b', 'cancelled'),
      ended('test c', 'GitHub Actions 7', 60, { runnerGroup: 'GitHub Actions' }),
      ended('lint', 'mac-1'),
    ];
    const { found, lines, reads, asked } = await find({ jobs });
    expect([found, reads(), asked.length]).toEqual([[], 0, 1]);
    expect(lines).toEqual([
      'Job "test a" names no VM: it was skipped',
      'Job "test b" names no VM: it was canceled before a runner took it',
      'Job "test c" names no VM: it ran on a runner hosted by GitHub',
    ]);
  });

  test('if a matrix was skipped before its jobs got their names', async () => {
    const jobs = [unassigned(UNEXPANDED, 'skipped')];
    const { found, lines } = await find({ jobs, patterns: ['test (14)', 'test (15)'] });
    expect(found).toEqual([]);
    expect(lines).toEqual([
      `warning: No job of run 17 matches used_by_job ("test (14)", "test (15)"), but skipped ones such as "${UNEXPANDED}" have unexpanded matrix names. Nothing is restarted.`,
    ]);
  });
});

describe('GitHub is asked again', () => {
  const late = [
    ['a job that has ended without a runner', unassigned('test', 'success')],
    ['a job in progress without a runner', runningJob({ name: 'test', runnerName: undefined })],
    ['a job that has not begun', runningJob({ name: 'test', runnerName: undefined, status: 'queued' })],
  ] as const;

  test.each(late)('where it shows %s, until it shows the runner', async (_, job) => {
    const { found, asked, clock } = await find({ reads: [[job], [job], [ended('test', 'mac-1')]] });
    expect(found).toMatchObject([{ name: 'mac-1' }]);
    // Without the second list of the controller.
    expect([asked.length, clock.now() - 1_000]).toEqual([3, START + 10_000]);
  });

  test.each([
    [late[0][1], 'warning: Job "test" names no VM: GitHub does not show its runner'],
    [late[1][1], 'warning: Job "test" names no VM: GitHub does not show its runner'],
    [late[2][1], 'Job "test" names no VM: no runner has taken it yet'],
  ])('for half a minute; then the job names no VM (%#)', async (job, line) => {
    const { found, lines, clock } = await find({ jobs: [job] });
    expect([found, clock.now()]).toEqual([[], START + 30_000]);
    expect(lines.at(-1)).toBe(line);
    expect(lines[0]).toContain('Trying again, this may be temporary: job "test": ');
  });

  test('and if it then gives no usable answer, the last one counts', async () => {
    const jobs = [ended('test a', 'mac-1'), unassigned('test b', 'success')];
    const { found, asked, lines } = await find({ jobs, failsLater: true });
    expect(found).toMatchObject([{ name: 'mac-1' }]);
    expect(asked).toEqual([
      [17, START + 60_000],
      [17, START + 35_000],
    ]);
    expect(lines).toContain('warning: Job "test b" names no VM: GitHub does not show its runner');
  });

  test('where its list lacks jobs; if it stays like that, a warning says so', async () => {
    const { found, lines, asked } = await find({ jobs: [ended('test', 'mac-1')], total: 2 });
    expect(found).toMatchObject([{ name: 'mac-1' }]);
    expect(asked).toHaveLength(7);
    expect(lines).toContain(
      'warning: GitHub lists 1 of the 2 jobs of the run: the step cannot restart the VMs of the others.',
    );
  });
});

test('a VM counts as used by the jobs of every attempt', async () => {
  const again = ended('test', 'mac-2', 30, { attempt: 2 });
  const { found } = await find({ jobs: [ended('test', 'mac-1', 600), again] });
  expect(found).toMatchObject([{ name: 'mac-1' }, { name: 'mac-2' }]);
});

test("if no job matches, the error lists the existing ones; the step's own job never counts", async () => {
  const own = runningJob({ name: 'test reset', runnerName: 'hosted-1' });
  const { found } = await find({ jobs: [own, ended('lint', 'mac-1'), ended('lint', 'mac-2')] });
  expect(found).toMatchObject({
    code: 'job_not_found',
    message: 'No job of run 17 matches used_by_job ("test*"). It has: lint.',
    hint: expect.stringContaining('needs'),
  });
});

test("if the step's own job is the only one, the error says that there is no other", async () => {
  const own = runningJob({ name: 'test reset', runnerName: 'hosted-1' });
  expect((await find({ jobs: [own] })).found).toMatchObject({
    message: 'No job of run 17 matches used_by_job ("test*"). It has no other job.',
  });
});

describe('a VM that was restarted since its job ended', () => {
  const clock = { now: () => 1_000_000 };
  const endedAgo = (seconds: number): LastJob => ({ name: 'test', endedAt: 1_000_000 - seconds * 1_000 });
  const upFor = (seconds: number) => {
    const reportedAt = instance().reportedAt;
    const startedAt = Date.parse(reportedAt?.text ?? '') - seconds * 1_000;
    return instance({ reportedAt, ...bootedAt(new Date(startedAt).toISOString()) });
  };

  /** How old the report was when the controller answered. */
  const oldReport = (ageMs: number) => {
    const one = upFor(40);
    return { ...one, answeredAtMs: Date.parse(one.updatedAt?.text ?? '') + ageMs };
  };

  test('is skipped, because it needs no restart', () => {
    expect(() => refuseIfRestartedSince(endedAgo(90), upFor(40), clock)).toThrow(
      expect.objectContaining({
        name: 'LeftAlone',
        why: 'needless',
        message: 'The VM booted 41 s ago, and its job "test" had ended before that: 1 min 30 s ago',
      }),
    );
    expect(() => refuseIfRestartedSince(endedAgo(40.1), upFor(40), clock)).toThrow(LeftAlone);
    expect(() => refuseIfRestartedSince(endedAgo(50.1), oldReport(60_000), clock)).toThrow(LeftAlone);
    const undated = { ...oldReport(61_000), updatedAt: undefined };
    expect(() => refuseIfRestartedSince(endedAgo(50.1), undated, clock)).toThrow(LeftAlone);
  });

  test.each<[string, LastJob, Instance]>([
    ['it booted before', endedAgo(40), upFor(40)],
    ['it booted long before', endedAgo(40), upFor(4_000)],
    ['its job is in progress', { name: 'test', endedAt: undefined }, upFor(40)],
    ['its boot is not known', endedAgo(90), instance(bootedAt(undefined))],
    ['its report has no date', endedAgo(90), { ...upFor(40), reportedAt: undefined }],
    ["it booted before, by a report that is old by the controller's clock", endedAgo(90), oldReport(61_000)],
  ])('is not skipped if %s', (_, job, one) => {
    expect(() => refuseIfRestartedSince(job, one, clock)).not.toThrow();
  });
});
