import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import type { Runner } from '../../src/github/runner.ts';
import { exactly, fitsPattern, type NamePattern } from '../../src/github/runner-names.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createJobReader } from '../../src/runner/job-finding.ts';
import { createVmRunners, readUntil } from '../../src/runner/vm-runners.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { keepLog } from '../support/log.ts';
import { idle, runner, runningJob } from '../support/runners.ts';
import {
  createScriptedJobs,
  type JobsAnswer,
  refusal,
  refused,
  silence,
  wholeList,
} from '../support/scripted-runners.ts';

test.each([
  ['far away', 100_000, 16_000],
  ['further away than a read takes', 16_001, 16_000],
  ['as far away as a read takes', 16_000, 16_000],
  ['near', 5_000, 5_000],
  ['too near for an answer', 2_499, 2_500],
  ['now', 1_000, 2_500],
  ['over', 500, 2_500],
])('a read that begins at 1 s, where the deadline is %s (%i ms), ends at %i ms', (_, deadline, until) => {
  expect(readUntil(1_000, deadline)).toBe(until);
});

const NO_ANSWER: Fault = {
  kind: 'no answer of GitHub',
  reason: 'HTTP 502',
  hint: 'Check githubstatus.com.',
  nature: 'passing',
};

type Script = readonly (Runner | readonly Runner[] | Error | undefined)[];

/** Plays GitHub; each answer takes two seconds. */
function follow(script: Script, jobs: readonly JobsAnswer[] = [], name = exactly('mac-7')) {
  const clock = createFakeClock();
  const { signal } = new AbortController();
  const calls: string[] = [];
  const answers = [...script];
  async function answer(call: string, { deadline, signal: given, onFault }: RetryBounds) {
    calls.push(`${call} until ${deadline}${given === signal ? '' : ', which cannot be canceled'}`);
    await clock.sleep(2_000, signal);
    const next = answers.shift();
    if (next === silence) onFault?.(NO_ANSWER);
    if (next instanceof Error) throw next;
    return next;
  }
  const getRunner = async (id: number, bounds: RetryBounds) => (await answer(`get ${id}`, bounds)) as Runner;
  const busyAt = new Map<number, number>();
  const runners = {
    shownBusyAt: (id: number) => busyAt.get(id),
    getRunner,
    pollRunner: getRunner,
    listAll: async (bounds: RetryBounds) => wholeList((await answer('list all', bounds)) as Runner[]),
    listRunners: async (pattern: NamePattern, bounds: RetryBounds) => {
      const listed = (await answer(`list ${pattern.parts}`, bounds)) as Runner[];
      return listed.filter(({ name }) => fitsPattern(pattern, name));
    },
  };
  const { log, lines, warnings } = keepLog();
  const sought = { name, scope: { kind: 'organization', org: 'octo-org' } } as const;
  const reader = createJobReader(createScriptedJobs(jobs), { clock, log });
  const first: string[] = [];
  const onNew = ({ id }: Runner) => void first.push(`new ${id}`);
  const vm = createVmRunners({ runners, jobs: reader, sought, onNew, clock, log, signal });
  return { vm, calls, first, lines, warnings, busyAt };
}

describe('the runners in a VM', () => {
  test('finds the runner by its name, then reads it by its ID, and says when', async () => {
    const { vm, calls } = follow([[idle], idle]);
    expect(await vm.find(9_000)).toEqual({ askedAt: 1_000, answeredAt: 3_000, runners: [idle], gone: [] });
    expect(await vm.read(8_000)).toEqual({ askedAt: 3_000, answeredAt: 5_000, runners: [idle], gone: [] });
    expect(calls).toEqual(['list mac-7 until 9000', 'get 23 until 8000']);
  });

  test('follows a new registration, the newest of several of that name', async () => {
    const others = [
      runner({ id: 99, name: 'other' }),
      runner({ id: 24 }),
      runner({ id: 26 }),
      runner({ id: 25 }),
    ];
    const { vm, calls } = follow([[idle], undefined, others, runner({ id: 26 })]);
    await vm.find(9_000);
    expect((await vm.read(9_000)).runners).toEqual([runner({ id: 26 })]);
    await vm.read(9_000);
    expect(calls.slice(1)).toEqual(['get 23 until 9000', 'list mac-7 until 9000', 'get 26 until 9000']);
  });

  test('has a job once if a list that was read for another VM showed it since the last read', async () => {
    const { vm, busyAt } = follow([[idle], idle, idle, idle]);
    await vm.find(9_000);
    busyAt.set(23, 3_000);
    expect((await vm.read(9_000)).runners).toEqual([idle]);
    busyAt.set(23, 6_000);
    expect((await vm.read(9_000)).runners).toEqual([runner({ isBusy: true })]);
    expect((await vm.read(9_000)).runners).toEqual([idle]);
  });

  test('is ambiguous if the first answer shows two of the name, even to a read that follows others', async () => {
    const { vm } = follow([undefined, [idle, runner({ id: 24 })]]);
    await expect(vm.read(9_000)).rejects.toThrow();
    await expect(vm.read(9_000)).rejects.toMatchObject({ code: 'ambiguous_target' });
  });

  test('searches by name again for one that is gone', async () => {
    const { vm, calls } = follow([[idle], undefined, [], []]);
    await vm.find(9_000);
    expect((await vm.read(9_000)).runners).toEqual([]);
    expect((await vm.read(9_000)).runners).toEqual([]);
    expect(calls.slice(3)).toEqual(['list mac-7 until 9000']);
  });

  test('knows nothing if GitHub gives no usable answer, and still knows the ID', async () => {
    const { vm, calls, lines } = follow([[idle], silence, idle]);
    await vm.find(9_000);
    expect(await vm.read(9_000)).toEqual({
      ...{ askedAt: 3_000, answeredAt: 5_000 },
      ...{ runners: undefined, gone: [] },
    });
    expect((await vm.read(9_000)).runners).toEqual([idle]);
    expect(calls.at(-1)).toBe('get 23 until 9000');
    expect(lines).toEqual(['GitHub gave no usable answer about the runner: HTTP 502']);
  });

  test.each<[string, Error]>([
    ['a no of GitHub', refusal],
    ['a defect', new TypeError('bug')],
    ['a cancelled step', new ActionError('cancelled', 'The step was canceled.')],
  ])('throws %s', async (_, error) => {
    const { vm } = follow([[idle], error]);
    await vm.find(9_000);
    await expect(vm.read(9_000)).rejects.toBe(error);
  });

  test('throws if GitHub gives no usable answer and the runner is not known yet', async () => {
    await expect(follow([silence]).vm.find(9_000)).rejects.toBe(silence);
  });

  test('knows nothing yet if the list lacks runners', async () => {
    const { vm } = follow([new UnusableAnswer('its list is incomplete'), [idle]]);
    expect(await vm.find(9_000)).toMatchObject({ runners: undefined, gone: [] });
    expect(await vm.read(9_000)).toMatchObject({ runners: [idle] });
  });

  test('warns once after half a minute without a usable answer', async () => {
    const { vm, warnings } = follow([[idle], ...Array(40).fill(silence)]);
    await vm.find(9_000);
    for (let count = 1; count <= 15; count++) await vm.read(9_000);
    expect(warnings).toEqual([]);
    for (let count = 1; count <= 25; count++) await vm.read(9_000);
    expect(warnings).toEqual([
      'GitHub has given no usable answer about the runner for 30.0 s: HTTP 502. Still retrying. Check githubstatus.com.',
    ]);
  });

  test('does not warn if there is an answer now and then', async () => {
    const now = [...Array(10).fill(silence), idle];
    const { vm, warnings } = follow([[idle], ...now, ...now, ...now, ...now]);
    await vm.find(9_000);
    for (let count = 1; count <= 44; count++) await vm.read(9_000);
    expect(warnings).toEqual([]);
  });
});

describe('the answers of one source do not hide that the other gives none', () => {
  test('the runner', async () => {
    const { vm, warnings } = follow([[idle], ...Array(40).fill(silence)], [[]]);
    await vm.find(9_000);
    for (let count = 1; count <= 40; count++) {
      await vm.read(9_000);
      await vm.readJobs(9_000);
    }
    expect(warnings).toEqual([
      'GitHub has given no usable answer about the runner for 30.0 s: HTTP 502. Still retrying. Check githubstatus.com.',
    ]);
  });

  test.each<[string, JobsAnswer[], string]>([
    [
      'the jobs, which are silent',
      [silence],
      '30.0 s: it answered HTTP 502. Still retrying. Check githubstatus.com.',
    ],
    [
      'the jobs, which are silent and refused by turns',
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? refused : silence)),
      '32.0 s: it answered HTTP 502. Still retrying. Check githubstatus.com.',
    ],
  ])('%s', async (_, jobs, words) => {
    const { vm, warnings } = follow([[idle], ...Array(40).fill(idle)], jobs);
    await vm.find(9_000);
    for (let count = 1; count <= 18; count++) {
      await vm.read(9_000);
      await vm.readJobs(9_000);
    }
    expect(warnings).toEqual([`GitHub has given no usable answer about the jobs in progress for ${words}`]);
  });
});

describe('the jobs in progress', () => {
  test.each<[string, JobsAnswer, unknown]>([
    ['one on the runner', [runningJob()], { kind: 'job', job: runningJob() }],
    ['one on another', [runningJob({ runnerName: 'other' })], { kind: 'none' }],
    [
      'they are refused',
      refused,
      { kind: 'no answer', finalFrom: 33_000, refused: 'github_token: HTTP 403' },
    ],
    ['no usable answer', silence, { kind: 'no answer' }],
  ])('%s', async (_, answer, finding) => {
    const { vm } = follow([[idle]], [answer]);
    await vm.find(9_000);
    expect(await vm.readJobs(9_000)).toEqual(finding);
  });

  test('are compared with every registration that was seen', async () => {
    const nameless = runningJob({ runnerName: undefined, runnerId: 23 });
    const { vm } = follow([[idle], undefined, [runner({ id: 24 })]], [[nameless]]);
    await vm.find(9_000);
    await vm.read(9_000);
    expect(await vm.readJobs(9_000)).toEqual({ kind: 'job', job: nameless });
  });

  test('are unavailable if GitHub refuses permanently', async () => {
    await expect(follow([], [refusal]).vm.readJobs(9_000)).rejects.toBe(refusal);
  });
});

describe('registrations', () => {
  const renamed = runner({ name: 'other' });

  test('are reported when they are first seen', async () => {
    const { vm, first } = follow([[idle], idle, undefined, [runner({ id: 24 })]]);
    await vm.find(9_000);
    await vm.read(9_000);
    await vm.read(9_000);
    expect([first, vm.registrations.everSeen]).toEqual([
      ['new 23', 'new 24'],
      [idle, runner({ id: 24 })],
    ]);
  });

  test('that are gone are known as they were last shown', async () => {
    const last = runner({ isBusy: true });
    const { vm } = follow([[idle], last, undefined, [], [runner({ id: 24 })]]);
    await vm.find(9_000);
    await vm.read(9_000);
    expect(await vm.read(9_000)).toMatchObject({ runners: [], gone: [last] });
    expect(await vm.read(9_000)).toMatchObject({ runners: [{ id: 24 }], gone: [last] });
  });

  test('count as offline once the VM has booted again, until they are read', async () => {
    const { vm } = follow([[idle], undefined, [], [runner({ id: 24 })], undefined, []]);
    await vm.find(9_000);
    vm.registrations.forgetOnline();
    expect(await vm.read(9_000)).toMatchObject({ runners: [], gone: [{ id: 23, isOnline: false }] });
    expect(await vm.read(9_000)).toMatchObject({ runners: [{ id: 24, isOnline: true }] });
    expect((await vm.read(9_000)).gone).toMatchObject([
      { id: 23, isOnline: false },
      { id: 24, isOnline: true },
    ]);
  });

  test('under another name belong to another runner', async () => {
    const { vm, calls } = follow([[idle], renamed, [renamed]]);
    await vm.find(9_000);
    expect(await vm.read(9_000)).toMatchObject({ runners: [], gone: [idle] });
    expect(calls.slice(1)).toEqual(['get 23 until 9000', 'list mac-7 until 9000']);
  });

  test('that are missing cause no error at first, but there is an error to report', async () => {
    const { vm, calls } = follow([[], [renamed]]);
    expect(await vm.find(9_000)).toMatchObject({ runners: [], gone: [] });
    expect(await vm.missing(9_000)).toMatchObject({ code: 'runner_not_found' });
    expect(calls).toEqual(['list mac-7 until 9000', 'list all until 9000']);
  });
});

describe('a pattern', () => {
  const pattern: NamePattern = { parts: ['mac-7-', ''] };
  const a = runner({ id: 30, name: 'mac-7-a' });
  const b = runner({ id: 31, name: 'mac-7-b' });
  const c = runner({ id: 32, name: 'mac-7-c' });

  test('watches every runner that fits, from the list each time', async () => {
    const { vm, calls } = follow(
      [
        [b, idle, a],
        [a, b, c],
      ],
      [],
      pattern,
    );
    expect((await vm.find(9_000)).runners).toEqual([b, a]);
    expect((await vm.read(9_000)).runners).toEqual([a, b, c]);
    expect(calls).toEqual(Array(2).fill('list mac-7-, until 9000'));
  });

  test('reads a runner that the list lacks by its ID, because pages shift', async () => {
    const { vm, calls } = follow([[a, b], [b], a, [b], undefined], [], pattern);
    await vm.find(9_000);
    expect((await vm.readShared(9_000)).runners).toEqual([a, b]);
    expect(await vm.readShared(9_000)).toMatchObject({ runners: [b], gone: [a] });
    expect(calls.slice(1).map((call) => call.split(' until')[0])).toEqual([
      ...['list mac-7-,', 'get 30'],
      ...['list mac-7-,', 'get 30'],
    ]);
  });
});
