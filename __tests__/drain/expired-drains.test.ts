import { beforeEach, describe, expect, test } from '@jest/globals';
import { createExpiredDrains, type ExpiredDrains } from '../../src/drain/expired-drains.ts';
import { ActionError } from '../../src/errors.ts';
import type { Label } from '../../src/github/runner.ts';
import type { RunnerLabels } from '../../src/github/runner-labels.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { runner } from '../support/runners.ts';

const NOON = Date.UTC(2026, 10, 29, 12);
const marked = (seconds: number, original = 'macos') => `${original}.drained-8000-${NOON / 1_000 + seconds}`;
const EXPIRED = marked(0);
const LIVE = marked(1);

let clock: FakeClock;
let cancellation: AbortController;
let labels: Map<number, string[]>;
let calls: string[];
let logged: string[];
/** What each read waits for, with its signal. */
let beforeRead: (signal: AbortSignal) => Promise<void>;
let expired: ExpiredDrains;

const custom = (names: readonly string[]) => names.map((name): Label => ({ name, type: 'custom' }));

/** GitHub's labels, by the ID of their runner. */
const github: RunnerLabels = {
  async read(id, { signal }) {
    calls.push(`read ${id}`);
    await beforeRead(signal);
    const own = labels.get(id);
    return own && { labels: custom(own), date: NOON };
  },
  async add(id, label) {
    calls.push(`add ${label}`);
    labels.get(id)?.push(label);
  },
  async remove(id, label) {
    calls.push(`remove ${label}`);
    labels.set(
      id,
      (labels.get(id) ?? []).filter((each) => each !== label),
    );
  },
};

function create(api: RunnerLabels | undefined): void {
  const log = {
    info: (line: string) => void logged.push(line),
    warning: (line: string) => void logged.push(`warning: ${line}`),
    debug() {},
  };
  expired = createExpiredDrains({ labels: api, clock, log, signal: cancellation.signal });
}

beforeEach(() => {
  // The limit is not reached unless the test says so.
  clock = createFakeClock((ms) => ms >= 30_000);
  cancellation = new AbortController();
  [calls, logged] = [[], []];
  labels = new Map();
  beforeRead = async () => {};
  create(github);
});

/** GitHub lists runners, by their ID. */
function list(runners: Readonly<Record<number, readonly string[]>>): void {
  for (const [id, names] of Object.entries(runners)) labels.set(Number(id), [...names]);
  const listed = [...labels].map(([id, names]) => runner({ id, name: `mac-${id}`, labels: custom(names) }));
  expired.lookThrough({ runners: listed, date: NOON });
}

/** A read of GitHub that waits until it is aborted. */
const endless = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

const HAS = `still has labels from an expired drain: ${EXPIRED}. Jobs that ask for the part before ".drained-" do not reach it.`;

describe('a step with a drain', () => {
  test('restores the labels of each runner, one runner after the other', async () => {
    list({ 1: [EXPIRED, marked(-9, 'xcode'), 'mine'], 2: ['macos'], 3: [EXPIRED] });
    await expired.finish();
    expect(calls).toEqual([
      ...['read 1', 'add macos', 'add xcode', `remove ${EXPIRED}`, `remove ${marked(-9, 'xcode')}`, 'read 1'],
      ...['read 3', 'add macos', `remove ${EXPIRED}`, 'read 3'],
    ]);
    expect([...labels.values()]).toEqual([['mine', 'macos', 'xcode'], ['macos'], ['macos']]);
    expect(logged).toEqual(
      [1, 3].map(
        (id) => `The labels of runner "mac-${id}" are restored: a drain of an earlier step has expired`,
      ),
    );
  });

  test('restores each runner once, however often it is listed', async () => {
    list({ 1: [EXPIRED] });
    list({ 1: [EXPIRED] });
    await expired.finish();
    expect(calls.filter((call) => call === 'add macos')).toHaveLength(1);
  });

  test.each([
    ['a drain that is still running', [LIVE]],
    ['a drain that is still running, and one that has expired', [EXPIRED, LIVE]],
    ["a user's own labels", ['old.drained', 'x.drained-1-2', '.drained-8000-1764410000', 'y.drained-']],
  ])('leaves alone %s', async (_, names) => {
    list({ 1: names });
    await expired.finish();
    expect([calls, logged]).toEqual([[], []]);
  });

  test.each([
    ['that is gone by then', undefined],
    ['that was restored by then', ['macos']],
    ['that another step drains by then', [EXPIRED, LIVE]],
  ])('leaves alone a runner %s', async (_, names) => {
    list({ 1: [EXPIRED] });
    if (names === undefined) labels.delete(1);
    else labels.set(1, names);
    await expired.finish();
    expect([new Set(calls), logged]).toEqual([new Set(['read 1']), []]);
  });

  test('tries again at the next list if a read of the labels lagged behind the first', async () => {
    list({ 1: [EXPIRED] });
    labels.set(1, ['macos']);
    await expired.finish();
    list({ 1: [EXPIRED] });
    await expired.finish();
    expect([labels.get(1), logged.length]).toEqual([['macos'], 1]);
  });

  test('does not drain a runner until its labels are restored', async () => {
    list({ 1: [EXPIRED] });
    await Promise.resolve();
    await expired.hold(1);
    expect(labels.get(1)).toEqual(['macos']);
  });

  test('does not restore the labels of a runner that it drains itself', async () => {
    list({ 1: [EXPIRED], 2: [EXPIRED] });
    await expired.hold(2);
    await expired.finish();
    expect([labels.get(1), labels.get(2)]).toEqual([['macos'], [EXPIRED]]);
  });

  test('restores marks found during its own drain after that has ended, or has not begun', async () => {
    await expired.hold(1);
    await expired.hold(2);
    list({ 1: [EXPIRED], 2: ['macos'] });
    await expired.finish();
    expect(labels.get(1)).toEqual([EXPIRED]);
    for (const id of [1, 2]) expired.release(id);
    list({ 2: [EXPIRED] });
    await expired.finish();
    expect([...labels.values()]).toEqual([['macos'], ['macos']]);
  });

  test('still restores marks found during its own drain if that was repeated', async () => {
    await expired.hold(1);
    list({ 1: [EXPIRED] });
    await expired.finish();
    await expired.hold(1);
    expired.release(1);
    await expired.finish();
    expect(labels.get(1)).toEqual(['macos']);
  });

  test('warns if GitHub refuses to restore the labels of a runner, and continues with the next one', async () => {
    beforeRead = async () => {
      beforeRead = async () => {};
      throw new ActionError('github_api_failed', 'GitHub says no.');
    };
    list({ 1: [EXPIRED], 2: [EXPIRED] });
    await expired.finish();
    expect(logged[0]).toBe(`warning: Runner "mac-1" (ID 1) ${HAS} They were not restored. GitHub says no.`);
    expect(labels.get(2)).toEqual(['macos']);
  });

  test('waits 30 s at its end, then warns about each runner that is left', async () => {
    beforeRead = endless;
    list({ 1: [EXPIRED], 2: [EXPIRED] });
    const since = clock.now();
    const finished = expired.finish();
    await new Promise((resolve) => setImmediate(resolve));
    clock.expire();
    await finished;
    expect(clock.now() - since).toBe(30_000);
    expect([calls, logged]).toEqual([
      ['read 1'],
      [1, 2].map(
        (id) =>
          `warning: Runner "mac-${id}" (ID ${id}) ${HAS} They were not restored. The step ended before it could restore them. The next step with drain will restore them.`,
      ),
    ]);
  });

  test('that is cancelled ends at once, with the same warning', async () => {
    beforeRead = endless;
    list({ 1: [EXPIRED] });
    await new Promise((resolve) => setImmediate(resolve));
    cancellation.abort(new ActionError('cancelled', 'The step was canceled.'));
    await expired.finish();
    expect(logged).toEqual([
      `warning: Runner "mac-1" (ID 1) ${HAS} They were not restored. The step was canceled.`,
    ]);
  });
});

test('a step that must not change anything warns about each runner once', async () => {
  create(undefined);
  list({ 1: [EXPIRED], 2: [LIVE] });
  list({ 1: [EXPIRED] });
  await expired.finish();
  expect([calls, logged]).toEqual([
    [],
    [`warning: Runner "mac-1" (ID 1) ${HAS} A step with drain restores them.`],
  ]);
});
