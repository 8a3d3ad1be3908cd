import { describe, expect, test } from '@jest/globals';
import { shareSources } from '../../src/fleet/shared-witnesses.ts';
import type { RetryBounds } from '../../src/http/retry.ts';
import type { Job } from '../../src/runner/jobs.ts';
import { describePattern, exactly, fitsPattern, type NamePattern } from '../../src/runner/runner-names.ts';
import type { Runner } from '../../src/runner/runners.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { runner, runningJob } from '../support/runners.ts';
import { HTTP_502 } from '../support/scripted-controller.ts';

const NEVER = new AbortController().signal;

/** A GitHub whose list has so many runners, `mac-1` and so on; each answer takes a tenth of a second, unless it takes longer. */
function stage(count: number, tookMs = 100) {
  const time = createVirtualTime(0);
  const calls: string[] = [];
  const lines: string[] = [];
  const all = Array.from({ length: count }, (_, index) =>
    runner({ id: index + 1, name: `mac-${index + 1}` }),
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
    getRunner: one('get'),
    glanceAt: one('glance'),
    listRunners: (pattern: NamePattern | undefined, bounds: RetryBounds) =>
      answer(
        `list ${pattern === undefined ? 'all' : describePattern(pattern)}`,
        bounds,
        all.filter((each) => pattern === undefined || fitsPattern(pattern, each.name)),
      ),
  };
  const jobs = {
    runningJobs: (bounds: RetryBounds) => answer<readonly Job[]>('jobs', bounds, [runningJob()]),
  };
  const warnings: string[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    debug() {},
    warning: (line: string) => void warnings.push(line),
  };
  const shared = shareSources({ runners, jobs }, { clock: time.clock, log, signal: NEVER });
  const bounds = (deadline = 60_000): RetryBounds => ({ deadline, signal: NEVER });
  const later = (ms: number) => time.clock.sleep(ms, NEVER);
  return { time, calls, lines, warnings, ...shared, bounds, later };
}

describe('looks at runners', () => {
  test('come from one list, five seconds apart', async () => {
    const { time, runners, calls, bounds, later } = stage(3);
    const glance = async (id: number, afterMs: number) => {
      await later(afterMs);
      return (await runners.glanceAt(id, bounds()))?.name;
    };
    const seen = await time.run(
      Promise.all([glance(1, 0), glance(2, 400), glance(3, 1_000), glance(1, 4_000)]),
    );
    expect(seen).toEqual(['mac-1', 'mac-2', 'mac-3', 'mac-1']);
    expect(calls).toEqual(['500 list all', '5500 list all']);
  });

  test('of one alone are made by its ID', async () => {
    const { time, runners, calls, bounds } = stage(3);
    expect((await time.run(runners.glanceAt(2, bounds())))?.name).toBe('by ID');
    expect(calls).toEqual(['500 glance 2']);
  });

  test('that are fewer than the pages of the list are made one by one', async () => {
    const { time, runners, calls, bounds } = stage(250);
    const glances = () => time.run(Promise.all([1, 2, 3].map((id) => runners.glanceAt(id, bounds()))));
    expect((await glances()).map((each) => each?.name)).toEqual(['mac-1', 'mac-2', 'mac-3']);
    expect((await glances()).map((each) => each?.name)).toEqual(Array(3).fill('by ID'));
    expect(calls).toEqual(['500 list all', '5500 glance 1', '5500 glance 2', '5500 glance 3']);
  });

  test('that a list does not show are made by their ID: its pages shift', async () => {
    const { time, runners, calls, bounds } = stage(1);
    const seen = await time.run(Promise.all([runners.glanceAt(1, bounds()), runners.glanceAt(9, bounds())]));
    expect(seen.map((each) => each?.name)).toEqual(['mac-1', 'by ID']);
    expect(calls).toEqual(['500 list all', '600 glance 9']);
  });

  test('that cannot wait, and last looks, are made by their ID', async () => {
    const { time, runners, calls, bounds } = stage(3);
    await time.run(
      Promise.all([
        runners.glanceAt(1, bounds(2_000)),
        runners.glanceAt(2, bounds(2_000)),
        runners.getRunner(3, bounds()),
      ]),
    );
    expect(calls).toEqual(['0 get 3', '0 glance 1', '0 glance 2']);
  });

  test('that cannot wait later on are made by their ID, too', async () => {
    const { time, runners, calls, bounds, later } = stage(3);
    await time.run(later(10_000).then(() => runners.glanceAt(1, bounds(12_000))));
    expect(calls).toEqual(['10000 glance 1']);
  });
});

describe('searches for runners', () => {
  test('by name come from the same list, in any case', async () => {
    const { time, runners, calls, bounds } = stage(3);
    const names = [exactly('MAC-1'), exactly('mac-2'), undefined];
    const found = await time.run(Promise.all(names.map((name) => runners.listRunners(name, bounds()))));
    expect(found.map((each) => each.map(({ id }) => id))).toEqual([[1], [2], [1, 2, 3]]);
    expect(calls).toEqual(['500 list all']);
  });

  test('for what the list does not show are made one by one', async () => {
    const { time, runners, calls, bounds } = stage(3);
    const found = await time.run(
      Promise.all([
        runners.listRunners(exactly('mac-1'), bounds()),
        runners.listRunners(exactly('mac-9'), bounds()),
      ]),
    );
    expect(found.map((each) => each.length)).toEqual([1, 0]);
    expect(calls).toEqual(['500 list all', '600 list mac-9']);
  });
});

test.each([
  ['at once where it cannot wait', 2_000, '0 list all'],
  ['by itself where it is alone', 60_000, '500 list all'],
])('a question for all runners is asked %s', async (_, deadline, call) => {
  const { time, runners, calls, bounds } = stage(3);
  const found = await time.run(runners.listRunners(undefined, bounds(deadline)));
  expect([found.map(({ id }) => id), calls]).toEqual([[1, 2, 3], [call]]);
});

test('one reading of the jobs serves all who asked before it began', async () => {
  const { time, jobs, calls, bounds, later } = stage(0);
  const read = async (afterMs: number) => {
    await later(afterMs);
    return jobs.runningJobs(bounds());
  };
  const readings = await time.run(Promise.all([read(0), read(0), read(50), read(90)]));
  expect(readings).toEqual(Array(4).fill([runningJob()]));
  expect(calls).toEqual(['0 jobs', '100 jobs']);
});

test('faults are not warned of where an answer comes now and then', async () => {
  const { time, jobs, warnings, bounds, later } = stage(0, 2_000);
  const read = (afterMs: number) => later(afterMs).then(() => jobs.runningJobs(bounds()));
  await time.run(Promise.all([read(0), read(20_000), read(40_000)]));
  expect(warnings).toEqual([]);
});

test('what goes wrong is told once, and why there was no answer', async () => {
  const { time, runners, lines, bounds } = stage(3, 50_000);
  const ask = () => runners.glanceAt(1, bounds(5_000)).catch((error: unknown) => error);
  const errors = await time.run(Promise.all([ask(), ask()]));
  expect(errors).toEqual(
    Array(2).fill(
      expect.objectContaining({
        code: 'github_api_failed',
        message: `GitHub gave no usable answer in time; at last: ${HTTP_502.reason}.`,
        hint: HTTP_502.hint,
        isTransient: true,
      }),
    ),
  );
  expect(lines).toEqual([`GitHub gave no usable answer: ${HTTP_502.reason}`]);
  const silent = stage(3, 900);
  const asking = silent.jobs.runningJobs(silent.bounds(500)).catch((error: unknown) => error);
  expect(await silent.time.run(asking)).toMatchObject({
    message: 'GitHub gave no usable answer in time.',
    hint: 'Look at githubstatus.com and at the debug log of this step.',
  });
});
