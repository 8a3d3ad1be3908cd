import { describe, expect, test } from '@jest/globals';
import type { Controller } from '../../src/controller/controller.ts';
import type { Instance, Target } from '../../src/controller/instance.ts';
import { type InstanceList, readList } from '../../src/controller/instances.ts';
import { shareController, shareLiveInstances, shareSources } from '../../src/fleet/shared-reads.ts';
import type { Job } from '../../src/github/job.ts';
import type { Runner } from '../../src/github/runner.ts';
import { describePattern, exactly, fitsPattern, type NamePattern } from '../../src/github/runner-names.ts';
import type { RunnerList } from '../../src/github/runners.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { instance } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';
import { runner, runningJob } from '../support/runners.ts';
import { HTTP_502 } from '../support/scripted-controller.ts';

const NEVER = new AbortController().signal;

interface Given {
  readonly isCrowded?: boolean;
  /** How long an answer takes, in milliseconds. */
  readonly tookMs?: number;
  /** Whether a slow controller causes no failed attempts. */
  readonly isSilent?: boolean;
  /** What matches; may throw. */
  readonly matching?: (target: Target, list: number) => Instance[];
}

/** A controller that has every requested instance. */
function stage({
  isCrowded = true,
  tookMs = 100,
  isSilent = false,
  matching = ({ id }) => [instance({ instanceId: id })],
}: Given = {}) {
  const time = createVirtualTime(0);
  const calls: string[] = [];
  let lists = 0;
  const call = async (name: string, { signal, onFault }: RetryBounds) => {
    calls.push(`${time.now()} ${name}`);
    if (tookMs > 1_000 && !isSilent) onFault?.(HTTP_502);
    await time.clock.sleep(tookMs, signal);
  };
  const controller: Controller = {
    async getInstance(id, bounds) {
      await call(`get ${id}`, bounds);
      return id === 'missing' ? undefined : instance({ instanceId: id });
    },
    async findInstances({ id }, bounds) {
      await call(`find ${id}`, bounds);
      return [instance({ instanceId: id })];
    },
    async listInstances(bounds): Promise<InstanceList> {
      const number = ++lists;
      await call('list', bounds);
      const readable = () => [instance({ instanceId: 'live' }), instance({ state: 'Terminated' })];
      return { ...readList([]), readable, matching: (target) => matching(target, number) };
    },
    tryRestart: async () => ({ kind: 'accepted' }),
    externalIds: () => [],
    namesOf: () => [],
    restartRetries: () => ({ after: () => ({ kind: 'give up', isFinal: true }) }),
    renewConnections() {},
    getVersion: async () => '1.50.1',
  };
  const { log, lines, warnings } = keepLog();
  const shared = shareController(controller, {
    ...{ clock: time.clock, log, signal: NEVER, isCrowded: () => isCrowded },
  });
  async function read(id: string, afterMs = 0, bounds: Partial<RetryBounds> = {}) {
    await time.clock.sleep(afterMs, NEVER);
    const seen = await shared.getInstance(id, { deadline: 60_000, signal: NEVER, ...bounds }).catch(String);
    return `${time.now()} ${typeof seen === 'object' ? seen.instanceId : seen}`;
  }
  /** By an external ID: that takes a list each time. */
  async function find(id: string, bounds: Partial<RetryBounds> = {}, afterMs = 0) {
    await time.clock.sleep(afterMs, NEVER);
    const target: Target = { by: 'external_id', id };
    const seen = await shared
      .findInstances(target, { deadline: 60_000, signal: NEVER, ...bounds })
      .catch(String);
    return `${time.now()} ${typeof seen === 'string' ? seen : seen[0]?.instanceId}`;
  }
  return { time, calls, lines, warnings, controller, log, shared, read, find };
}

describe('reads of the controller', () => {
  test('of several VMs are answered from one list, each with its own instance', async () => {
    const { time, read, calls } = stage();
    expect(await time.run(Promise.all([read('a'), read('b'), read('c', 200), read('d', 300)]))).toEqual([
      '100 a',
      '100 b',
      '1100 c',
      '1100 d',
    ]);
    expect(calls).toEqual(['0 list', '1000 list']);
  });

  test('of a VM that is alone are sent immediately, and read only that instance', async () => {
    const { time, read, calls } = stage({ isCrowded: false });
    expect(await time.run(Promise.all([read('a'), read('a', 150), read('missing', 300)]))).toEqual([
      '100 a',
      '250 a',
      '400 undefined',
    ]);
    expect(calls).toEqual(['0 get a', '150 get a', '300 get missing']);
  });

  test('of one VM while others are in progress wait for the next list', async () => {
    const { time, read, calls } = stage();
    await time.run(Promise.all([read('a'), read('b', 150)]));
    expect(calls).toEqual(['0 get a', '1000 get b']);
  });

  test('by external ID need a list', async () => {
    const { time, shared, calls } = stage();
    const bounds = { deadline: 60_000, signal: NEVER };
    const found = await time.run(shared.findInstances({ by: 'external_id', id: 'x' }, bounds));
    expect([found.map(({ instanceId }) => instanceId), calls]).toEqual([['x'], ['0 list']]);
  });

  test('by an unknown ID find no instance', async () => {
    const { time, shared } = stage();
    const target: Target = { by: 'instance_id', id: 'missing' };
    const found = await time.run(shared.findInstances(target, { deadline: 60_000, signal: NEVER }));
    expect(found).toHaveLength(0);
  });

  test('that cannot wait for the next list are made at once', async () => {
    const { time, read, find, calls } = stage({ tookMs: 900 });
    const urgent = { deadline: 2_500 };
    const later = [read('e', 100, urgent), read('f', 1_500, { deadline: 4_000 })];
    const found = find('g', { deadline: 4_000 }, 2_000);
    await time.run(
      Promise.all([read('a'), read('b'), read('c', 50, urgent), read('d', 50, urgent), ...later, found]),
    );
    expect(calls).toEqual(['0 list', '50 get c', '50 get d', '100 get e', '1500 get f', '2000 find g']);
  });

  test('that get no answer in time say why', async () => {
    const { time, read } = stage({ tookMs: 50_000 });
    const reported: Fault[] = [];
    const onFault = (fault: Fault) => void reported.push(fault);
    expect(await time.run(Promise.all([read('a', 0, { deadline: 5_000, onFault }), read('b')]))).toEqual([
      `5000 ActionError: The controller gave no usable answer in time; last attempt: ${HTTP_502.reason}.`,
      '50000 b',
    ]);
    expect(reported).toEqual([{ ...HTTP_502, isLogged: true }]);
    const silent = stage({ tookMs: 50_000, isSilent: true });
    expect(await silent.time.run(silent.read('a', 0, { deadline: 4_000 }))).toBe(
      '4000 ActionError: The controller gave no usable answer in time.',
    );
  });
});

test('failed attempts do not cause a warning if there is an answer now and then', async () => {
  const { time, read, warnings } = stage({ tookMs: 2_000 });
  await time.run(Promise.all([read('a'), read('b', 20_000), read('c', 40_000)]));
  expect(warnings).toEqual([]);
});

describe('a record that cannot be read', () => {
  const broken = (lasts: number) => (target: Target, list: number) => {
    if (target.id === 'broken' && list <= lasts)
      throw new UnusableAnswer('the instance has no instance_state');
    return [instance({ instanceId: target.id })];
  };

  test('is read again, and affects no other VM', async () => {
    const { time, read, find, lines } = stage({ matching: broken(2) });
    const reported: Fault[] = [];
    const onFault = (fault: Fault) => void reported.push(fault);
    const ended = await time.run(Promise.all([find('broken', { onFault }), read('a')]));
    expect(ended).toEqual(['2300 broken', '100 a']);
    expect(reported).toEqual(
      Array(2).fill({
        kind: 'unusable answer',
        reason: 'the instance has no instance_state',
        hint: 'Check the instance in the controller.',
        nature: 'passing',
        code: 'protocol_error',
      }),
    );
    expect(lines).toEqual([]);
  });

  test('ends in time', async () => {
    const { time, find } = stage({ matching: broken(99) });
    expect(await time.run(find('broken', { deadline: 8_000 }))).toBe(
      '7800 ActionError: The controller gave no usable answer in time; last attempt: the instance has no instance_state.',
    );
  });

  test('for another reason is reported as a bug', async () => {
    const { time, read } = stage({
      matching() {
        throw new TypeError('of null');
      },
    });
    expect((await time.run(Promise.all([read('a'), read('b')])))[0]).toBe('100 TypeError: of null');
  });
});

test.each<[string, Given, number, object]>([
  [
    'nothing came at all',
    { tookMs: 50_000, isSilent: true },
    4_000,
    {
      code: 'controller_unreachable',
      hint: 'Check that the controller is up, and how long it takes to list its instances.',
    },
  ],
  [
    'what came could not be read',
    {
      matching() {
        throw new UnusableAnswer('it has no instance_state');
      },
    },
    3_000,
    { code: 'protocol_error', hint: 'Check the instance in the controller.' },
  ],
])('no answer in time is transient, and says what to check: %s', async (_, given, deadline, error) => {
  const { time, shared } = stage(given);
  const target: Target = { by: 'external_id', id: 'x' };
  const asking = shared.findInstances(target, { deadline, signal: NEVER }).catch((thrown: unknown) => thrown);
  expect(await time.run(asking)).toMatchObject({ ...error, isTransient: true });
});

test('one list of the live VMs serves all callers', async () => {
  const { time, controller, log, calls } = stage();
  const live = shareLiveInstances(controller, { clock: time.clock, log, signal: NEVER });
  const ask = (afterMs: number) =>
    time.clock.sleep(afterMs, NEVER).then(() => live({ deadline: 60_000, signal: NEVER }));
  const read = await time.run(Promise.all([ask(0), ask(0), ask(300)]));
  expect(read.map((instances) => instances.map(({ instanceId }) => instanceId))).toEqual(
    Array(3).fill(['live']),
  );
  expect(calls).toEqual(['0 list', '1000 list']);
});

test('a failed list of the live VMs is logged', async () => {
  const { time, controller, log, lines } = stage({ tookMs: 2_000 });
  const live = shareLiveInstances(controller, { clock: time.clock, log, signal: NEVER });
  await time.run(live({ deadline: 60_000, signal: NEVER }));
  expect(lines).toEqual([`The controller gave no usable answer: ${HTTP_502.reason}`]);
});

test('writes are passed on unchanged', async () => {
  const { shared } = stage();
  const request = { instanceId: 'a', vncPassword: undefined, usbDevice: undefined };
  const bounds = { deadline: 1_000, signal: NEVER };
  const once = { ...bounds, onDeparture: () => undefined, isAfter401: false };
  expect(await shared.tryRestart(request, once)).toEqual({ kind: 'accepted' });
  expect(shared.restartRetries().after(HTTP_502, 0)).toEqual({ kind: 'give up', isFinal: true });
  expect(await shared.getVersion(bounds)).toBe('1.50.1');
});

// ---- GitHub ----

/** A GitHub with this many runners, `mac-1` and so on. */
function gitHub(count: number, tookMs = 100, whyIncomplete: RunnerList['whyIncomplete'] = () => undefined) {
  const time = createVirtualTime(0);
  const calls: string[] = [];
  const all = Array.from({ length: count }, (_, index) =>
    runner({ id: index + 1, name: `mac-${index + 1}`, isBusy: index === 2 }),
  );
  async function answer<T>(call: string, { signal, onFault }: RetryBounds, value: T): Promise<T> {
    calls.push(`${time.now()} ${call}`);
    if (tookMs > 1_000) onFault?.(HTTP_502);
    await time.clock.sleep(tookMs, signal);
    return value;
  }
  const one = (call: string) => (id: number, bounds: RetryBounds) =>
    answer<Runner | undefined>(`${call} ${id}`, bounds, runner({ id, name: 'by ID' }));
  const runners = {
    shownBusyAt: () => undefined,
    getRunner: one('get'),
    pollRunner: one('poll'),
    listAll: (bounds: RetryBounds) =>
      answer('list all', bounds, { runners: all, pages: Math.ceil(count / 100), whyIncomplete }),
    listRunners: (pattern: NamePattern, bounds: RetryBounds) =>
      answer(
        `list ${describePattern(pattern)}`,
        bounds,
        all.filter((each) => fitsPattern(pattern, each.name)),
      ),
  };
  const jobs = {
    runningJobs: (bounds: RetryBounds) => answer<readonly Job[]>('jobs', bounds, [runningJob()]),
  };
  const { log, lines, warnings } = keepLog();
  const shared = shareSources({ runners, jobs }, { clock: time.clock, log, signal: NEVER });
  const bounds = (deadline = 60_000): RetryBounds => ({ deadline, signal: NEVER });
  const later = (ms: number) => time.clock.sleep(ms, NEVER);
  return { time, calls, lines, warnings, ...shared, bounds, later };
}

describe('reads of runners', () => {
  test('come from one list, five seconds apart', async () => {
    const { time, runners, calls, bounds, later } = gitHub(3);
    const poll = async (id: number, afterMs: number) => {
      await later(afterMs);
      return (await runners.pollRunner(id, bounds()))?.name;
    };
    const seen = await time.run(Promise.all([poll(1, 0), poll(2, 400), poll(3, 1_000), poll(1, 4_000)]));
    expect(seen).toEqual(['mac-1', 'mac-2', 'mac-3', 'mac-1']);
    expect(calls).toEqual(['500 list all', '5500 list all']);
  });

  test('of a single VM are made by ID', async () => {
    const { time, runners, calls, bounds } = gitHub(3);
    expect((await time.run(runners.pollRunner(2, bounds())))?.name).toBe('by ID');
    expect(calls).toEqual(['500 poll 2']);
  });

  test('that are fewer than the pages of the list are sent one by one', async () => {
    const { time, runners, calls, bounds } = gitHub(250);
    const polls = () => time.run(Promise.all([1, 2, 3].map((id) => runners.pollRunner(id, bounds()))));
    expect((await polls()).map((each) => each?.name)).toEqual(['mac-1', 'mac-2', 'mac-3']);
    expect((await polls()).map((each) => each?.name)).toEqual(Array(3).fill('by ID'));
    expect(calls).toEqual(['500 list all', '5500 poll 1', '5500 poll 2', '5500 poll 3']);
  });

  test('of a single VM do not wait for the time between two lists', async () => {
    const { time, runners, calls, bounds } = gitHub(3);
    await time.run(runners.pollRunner(2, bounds()));
    await time.run(runners.pollRunner(2, bounds()));
    expect(calls).toEqual(['500 poll 2', '1100 poll 2']);
  });

  test('that a list does not show are made by ID: its pages shift', async () => {
    const { time, runners, calls, bounds } = gitHub(1);
    const seen = await time.run(
      Promise.all([runners.pollRunner(1, bounds()), runners.pollRunner(9, bounds())]),
    );
    expect(seen.map((each) => each?.name)).toEqual(['mac-1', 'by ID']);
    expect(calls).toEqual(['500 list all', '600 poll 9']);
  });

  test('that cannot wait, and the last ones, are made by ID', async () => {
    const { time, runners, calls, bounds } = gitHub(3);
    await time.run(
      Promise.all([
        runners.pollRunner(1, bounds(2_000)),
        runners.pollRunner(2, bounds(2_000)),
        runners.getRunner(3, bounds()),
      ]),
    );
    expect(calls).toEqual(['0 get 3', '0 poll 1', '0 poll 2']);
  });

  test('that end a wait share a list that is requested at once', async () => {
    const { time, runners, calls, bounds, later } = gitHub(3);
    const last = (id: number) => runners.pollRunner(id, { ...bounds(), pace: 'now' });
    await time.run(Promise.all([1, 2].map((id) => runners.pollRunner(id, bounds()))));
    const seen = await time.run(later(1_000).then(() => Promise.all([last(1), last(2)])));
    expect(seen.map((each) => each?.name)).toEqual(['mac-1', 'mac-2']);
    expect(calls).toEqual(['500 list all', '1600 list all']);
  });

  test('with the pace soon share a list that is requested a moment later', async () => {
    const { time, runners, calls, bounds, later } = gitHub(3);
    const soon = (id: number) => runners.pollRunner(id, { ...bounds(), pace: 'soon' });
    await time.run(Promise.all([1, 2].map((id) => runners.pollRunner(id, bounds()))));
    await time.run(later(1_000).then(() => Promise.all([soon(1), later(50).then(() => soon(2))])));
    expect(calls).toEqual(['500 list all', '1700 list all']);
  });

  test('that are due soon do not delay those that end a wait', async () => {
    const { time, runners, calls, bounds, later } = gitHub(3);
    const poll = (id: number, pace: 'now' | 'soon') => runners.pollRunner(id, { ...bounds(), pace });
    const first = [poll(1, 'now'), poll(2, 'now')];
    const next = later(50).then(() => Promise.all([poll(3, 'soon'), poll(1, 'now')]));
    await time.run(Promise.all([...first, next]));
    expect(calls).toEqual(['0 list all', '100 list all']);
  });

  test('that cannot wait later on are made by ID, too', async () => {
    const { time, runners, calls, bounds, later } = gitHub(3);
    await time.run(later(10_000).then(() => runners.pollRunner(1, bounds(12_000))));
    expect(calls).toEqual(['10000 poll 1']);
  });
});

describe('searches for runners', () => {
  test('by name come from the same list, whatever the case', async () => {
    const { time, runners, calls, bounds } = gitHub(3);
    const names = [exactly('MAC-1'), exactly('mac-2')];
    const found = await time.run(Promise.all(names.map((name) => runners.listRunners(name, bounds()))));
    expect(found.map((each) => each.map(({ id }) => id))).toEqual([[1], [2]]);
    expect(calls).toEqual(['500 list all']);
  });

  test('for a pattern come from it only if it lacks none that fit', async () => {
    const lacking = new UnusableAnswer('one of them cannot be read');
    const { time, runners, calls, bounds } = gitHub(3, 100, ({ parts }) =>
      parts[0] === 'm' ? lacking : undefined,
    );
    const faults: string[] = [];
    const onFault = ({ reason }: Fault) => void faults.push(reason);
    const find = (...parts: string[]) => runners.listRunners({ parts }, { ...bounds(), onFault });
    const unreported = runners.listRunners({ parts: ['m', ''] }, bounds());
    const found = await time.run(Promise.allSettled([find('mac-', ''), find('m', ''), unreported]));
    expect(found).toMatchObject([
      { value: [{ id: 1 }, { id: 2 }, { id: 3 }] },
      { reason: lacking },
      { reason: lacking },
    ]);
    expect([calls, faults]).toEqual([['500 list all'], ['one of them cannot be read']]);
  });

  test('by a name that is not in a list with unreadable runners are made one by one', async () => {
    const { time, runners, calls, bounds } = gitHub(3, 100, () => new UnusableAnswer('one cannot be read'));
    const names = ['mac-1', 'x-9'].map(exactly);
    const found = await time.run(Promise.all(names.map((name) => runners.listRunners(name, bounds()))));
    expect([found.map((each) => each.length), calls]).toEqual([
      [1, 0],
      ['500 list all', '600 list x-9'],
    ]);
  });

  test('for a pattern of a single VM are made by themselves', async () => {
    const { time, runners, calls, bounds } = gitHub(3);
    const found = await time.run(runners.listRunners({ parts: ['mac-', ''] }, bounds()));
    expect([found.length, calls]).toEqual([3, ['500 list mac-*']]);
  });

  test.each([
    ['several pages are made one by one, because runners move between pages', 250, 3],
    ['one page are answered by it', 3, 0],
  ])('for a runner that is not in a list of %s', async (_, count, more) => {
    const { time, runners, calls, bounds } = gitHub(count);
    const names = ['mac-1', 'x-9', 'x-9', 'x-9'].map(exactly);
    const found = await time.run(Promise.all(names.map((name) => runners.listRunners(name, bounds()))));
    expect(found.map((each) => each.length)).toEqual([1, 0, 0, 0]);
    expect(calls).toEqual(['500 list all', ...Array(more).fill('600 list x-9')]);
  });
});

test.each([
  ['at once where it cannot wait', 2_000, '0 list all'],
  ['by itself where it is alone', 60_000, '500 list all'],
])('a request for all runners is sent %s', async (_, deadline, call) => {
  const { time, runners, calls, bounds } = gitHub(3);
  const found = await time.run(runners.listAll(bounds(deadline)));
  expect([found.runners.map(({ id }) => id), calls]).toEqual([[1, 2, 3], [call]]);
});

test('requests for all runners share a list', async () => {
  const { time, runners, calls, bounds } = gitHub(3);
  const found = await time.run(Promise.all([runners.listAll(bounds()), runners.listAll(bounds())]));
  expect([found.map((list) => list.runners.length), calls]).toEqual([[3, 3], ['500 list all']]);
});

test('one read of the jobs serves all requests from before it began', async () => {
  const { time, jobs, calls, bounds, later } = gitHub(0);
  const read = async (afterMs: number) => {
    await later(afterMs);
    return jobs.runningJobs(bounds());
  };
  const readings = await time.run(Promise.all([read(0), read(0), read(50), read(90)]));
  expect(readings).toEqual(Array(4).fill([runningJob()]));
  expect(calls).toEqual(['0 jobs', '100 jobs']);
});

test('failed attempts at GitHub do not cause a warning if there is an answer now and then', async () => {
  const { time, jobs, warnings, bounds, later } = gitHub(0, 2_000);
  const read = (afterMs: number) => later(afterMs).then(() => jobs.runningJobs(bounds()));
  await time.run(Promise.all([read(0), read(20_000), read(40_000)]));
  expect(warnings).toEqual([]);
});

test('failed lists of runners do not cause a warning if there is an answer now and then', async () => {
  const { time, runners, warnings, bounds, later } = gitHub(3, 2_000);
  const poll = (afterMs: number) =>
    later(afterMs).then(() => Promise.all([1, 2].map((id) => runners.pollRunner(id, bounds()))));
  await time.run(Promise.all([poll(0), poll(20_000), poll(40_000)]));
  expect(warnings).toEqual([]);
});

test('a failure is logged once, with the reason why there was no answer', async () => {
  const { time, runners, lines, bounds } = gitHub(3, 50_000);
  const ask = () => runners.pollRunner(1, bounds(5_000)).catch((error: unknown) => error);
  const errors = await time.run(Promise.all([ask(), ask()]));
  expect(errors).toEqual(
    Array(2).fill(
      expect.objectContaining({
        code: 'github_api_failed',
        message: `GitHub gave no usable answer in time; last attempt: ${HTTP_502.reason}.`,
        hint: HTTP_502.hint,
        isTransient: true,
      }),
    ),
  );
  expect(lines).toEqual([`GitHub gave no usable answer: ${HTTP_502.reason}`]);
  const silent = gitHub(3, 900);
  const asking = silent.jobs.runningJobs(silent.bounds(500)).catch((error: unknown) => error);
  expect(await silent.time.run(asking)).toMatchObject({
    message: 'GitHub gave no usable answer in time.',
    hint: 'Check githubstatus.com and the debug log of this step.',
  });
});
