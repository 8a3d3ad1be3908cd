import { beforeEach, describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { createDrains, type DrainState, type Drains, restoreLeft } from '../../src/runner/drain.ts';
import type { LabelsReading, RunnerLabels } from '../../src/runner/runners.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { runner } from '../support/runners.ts';

const NOON = Date.UTC(2026, 10, 29, 12);
const at = (seconds: number) => NOON / 1_000 + seconds;
/** This drain's, which lasts for an hour. */
const OWN = `.drained-9001-${at(3_600)}`;
const READ_ONLY = ['self-hosted', 'macOS'];

let clock: FakeClock;
let startedAt: number;
let labels: Map<number, string[]>;
let calls: string[];
/** How long each request had for its answer. */
let times: number[];
let logged: string[];
let states: DrainState[];
let failing: string | undefined;
let drains: Drains;
let cancellation: AbortController;
let options: Parameters<typeof createDrains>[0];

/** GitHub's labels, by the ID of their runner. */
const github: RunnerLabels = {
  async read(id, { deadline }) {
    times.push(deadline - clock.now());
    if (failing === 'read') throw new ActionError('github_api_failed', 'GitHub is away.');
    const own = labels.get(id);
    const type = (name: string) => (READ_ONLY.includes(name) ? 'read-only' : 'custom');
    const reading = own?.map((name) => ({ name, type: type(name) }) as const);
    return reading && ({ labels: reading, date: NOON + clock.now() - startedAt } satisfies LabelsReading);
  },
  async add(id, label, { deadline }) {
    times.push(deadline - clock.now());
    if (failing === 'add') throw new ActionError('github_api_failed', 'GitHub says no.');
    calls.push(`add ${label}`);
    if (labels.get(id)?.includes(label) === false) labels.get(id)?.push(label);
  },
  async remove(id, label) {
    calls.push(`remove ${label}`);
    labels.set(
      id,
      (labels.get(id) ?? []).filter((each) => each !== label),
    );
  },
};

beforeEach(() => {
  [calls, logged, states, failing] = [[], [], [], undefined];
  times = [];
  clock = createFakeClock();
  startedAt = clock.now();
  labels = new Map([[23, [...READ_ONLY, 'macos', 'pool.a']]]);
  const note = (kind: string) => (line: string) => void logged.push(`${kind}: ${line}`);
  const log = { info: note('info'), warning: note('warning'), debug: note('debug') };
  const saveState = (state: DrainState) => void states.push(state);
  cancellation = new AbortController();
  const { signal } = cancellation;
  options = { labels: { ...github }, runId: '9001', lifeMs: 3_600_000, clock, log, signal, saveState };
  drains = createDrains(options);
});

const bounds = (ms = 600_000) => ({ deadline: clock.now() + ms, signal: new AbortController().signal });
const labelsOf = (id = 23) => (labels.get(id) ?? []).filter((label) => !READ_ONLY.includes(label));
const drain = (ms?: number) => drains.drain(runner(), bounds(ms));

test('each custom label is replaced, the new one added first, and the state saved before', async () => {
  await drain();
  expect(calls).toEqual([`add macos${OWN}`, `add pool.a${OWN}`, 'remove macos', 'remove pool.a']);
  expect(states).toEqual([[{ id: 23, name: 'mac-7', owner: OWN.slice('.drained-'.length) }]]);
  expect(logged).toEqual([
    'info: Runner "mac-7" is drained of macos, pool.a: jobs that ask for none of these labels still reach it',
  ]);
});

test('the state is saved even if the first change fails', async () => {
  failing = 'add';
  await expect(drain()).rejects.toThrow('GitHub says no.');
  expect([states.length, labelsOf()]).toEqual([1, ['macos', 'pool.a']]);
});

test('draining again changes nothing; restoring brings the labels back, once', async () => {
  await drain();
  calls = [];
  await drain();
  expect(calls).toEqual([]);
  await drains.restore(23);
  await drains.restore(23);
  expect(calls).toEqual(['add macos', 'add pool.a', `remove macos${OWN}`, `remove pool.a${OWN}`]);
  expect([labelsOf(), states.at(-1)]).toEqual([['macos', 'pool.a'], []]);
  expect(logged.at(-1)).toBe('info: The labels of runner "mac-7" are restored');
});

/** As GitHub's list shows it. */
const shown = (id = 23) => {
  const own = labels.get(id) ?? [];
  return runner({ id, labels: own.map((name) => ({ name, type: 'custom' })) });
};

test('a runner that registers again while it is drained is drained again, of the same labels', async () => {
  await drain();
  labels.set(23, [...READ_ONLY, 'new', 'pool.a', 'macos']);
  [calls, states] = [[], []];
  expect(await drains.drain(shown(), bounds())).toBe(true);
  expect(calls).toEqual([`add macos${OWN}`, `add pool.a${OWN}`, 'remove macos', 'remove pool.a']);
  expect(logged.at(-1)).toBe(
    'info: Runner "mac-7" has registered again, with macos, pool.a, and is drained of these labels again',
  );
  await drains.restore(23);
  expect([labelsOf(), states]).toEqual([['new', 'macos', 'pool.a'], [[]]]);
});

test('only a label that is back is replaced again', async () => {
  await drain();
  labels.get(23)?.push('pool.a');
  calls = [];
  expect(await drains.drain(shown(), bounds())).toBe(true);
  expect(calls).toEqual([`add pool.a${OWN}`, 'remove pool.a']);
});

test('a list from before the drain changes nothing', async () => {
  const before = shown();
  await drain();
  calls = [];
  expect(await drains.drain(before, bounds())).toBe(false);
  labels.delete(23);
  expect(await drains.drain(before, bounds())).toBe(false);
  expect(calls).toEqual([]);
});

test('after a restoring that was refused, its runner stays one of the 20: it is still drained', async () => {
  for (let id = 1; id <= 20; id++) {
    labels.set(id, ['macos']);
    await drains.drain(runner({ id, name: `mac-${id}` }), bounds());
  }
  failing = 'add';
  await drains.restore(1);
  failing = undefined;
  expect(await drain()).toBe(false);
  await drains.restore(1);
  expect(await drain()).toBe(true);
});

test.each(['a\nb', 'a\u2028b'])('the label %j is restored, too', async (label) => {
  labels.set(23, [label]);
  await drain();
  expect(labelsOf()).toEqual([`${label}${OWN}`]);
  await drains.restore(23);
  expect(labelsOf()).toEqual([label]);
});

test('labels that no URL can name stay', async () => {
  labels.set(23, ['.', 'macos', '..', '...']);
  await drain();
  expect(labelsOf()).toEqual(['.', '..', `macos${OWN}`, `...${OWN}`]);
  await drains.restore(23);
  expect(labelsOf()).toEqual(['.', '..', 'macos', '...']);
});

test('a runner that is gone by then has nothing to restore', async () => {
  await drain();
  labels.delete(23);
  calls = [];
  await drains.restore(23);
  expect([calls, states.at(-1)]).toEqual([[], []]);
  expect(logged.at(-1)).toBe('info: Runner "mac-7" is no longer registered, so it has no labels to restore');
  expect(clock.sleeps).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
});

describe('an answer that is wrong once', () => {
  /** The next call of this kind goes wrong, as if GitHub answered 404. */
  function missOnce(kind: 'read' | 'remove'): void {
    const real = github[kind];
    Object.assign(options.labels, {
      [kind]: async () => {
        Object.assign(options.labels, { [kind]: real });
      },
    });
  }

  test('404 for the runner: its labels are restored once GitHub shows it again', async () => {
    await drain();
    missOnce('read');
    await drains.restore(23);
    expect([labelsOf(), states.at(-1)]).toEqual([['macos', 'pool.a'], []]);
    expect(logged.at(-1)).toBe('info: The labels of runner "mac-7" are restored');
  });

  test('404 for the runner in the post step', async () => {
    await drain();
    missOnce('read');
    await restoreLeft(JSON.stringify(states.at(-1)), options);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('404 for a label of the drain, which stays: it is removed after the labels are read again', async () => {
    await drain();
    missOnce('remove');
    await drains.restore(23);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('404 for the runner when the drain begins', async () => {
    missOnce('read');
    expect(await drain()).toBe(true);
    expect(labelsOf()).toEqual([`macos.drained-9001-${at(3_602)}`, `pool.a.drained-9001-${at(3_602)}`]);
  });
});

test('404 for too short a time is a warning, and the post step tries again', async () => {
  await drain();
  const own = labels.get(23) ?? [];
  labels.delete(23);
  cancellation.abort(new ActionError('cancelled', 'The step was cancelled.'));
  await drains.restore(23);
  expect(logged.at(-1)).toContain('were not restored within 5.0 s');
  expect(logged.at(-1)).toContain('too short a time to believe that it is gone');
  labels.set(23, own);
  await restoreLeft(JSON.stringify(states.at(-1)), options);
  expect(labelsOf()).toEqual(['macos', 'pool.a']);
});

test('labels that GitHub keeps showing are a warning', async () => {
  await drain();
  options.labels.remove = async (_, label) => void calls.push(`remove ${label}`);
  await drains.restore(23);
  expect(logged.at(-1)).toContain('GitHub still shows the labels as they were before the change.');
  expect(states.at(-1)).toHaveLength(1);
});

test('labels that others changed during the drain are left alone', async () => {
  await drain();
  labels.set(23, [...labelsOf().slice(0, 1), 'new', 'old.drained', 'x.drained-1-2']);
  await drains.restore(23);
  expect(labelsOf()).toEqual(['new', 'old.drained', 'x.drained-1-2', 'macos']);
});

describe('a runner is not drained', () => {
  test('if it takes one job only', async () => {
    for (let time = 1; time <= 2; time++) await drains.drain(runner({ ephemeral: true }), bounds());
    expect([calls, logged]).toEqual([[], ['info: Runner "mac-7" is not drained: it takes one job only']]);
  });

  test('if the token might expire before the end', async () => {
    drains = createDrains({ ...options, beginsBy: clock.now() });
    labels.set(24, ['macos']);
    expect(await drain()).toBe(true);
    await clock.sleep(1, new AbortController().signal);
    expect(await drains.drain(runner({ id: 24, name: 'mac-8' }), bounds())).toBe(false);
    expect([labelsOf(24), logged.at(-1)]).toEqual([
      ['macos'],
      'info: Runner "mac-8" is not drained: the token might expire before its labels are restored',
    ]);
  });

  test('if it goes while the labels of an expired drain are restored', async () => {
    labels.set(23, [`macos.drained-8000-${at(0)}`]);
    options.labels.remove = async (id) => void labels.delete(id);
    expect(await drain()).toBe(true);
    expect([calls, states]).toEqual([['add macos'], []]);
    expect(logged).toEqual(['info: Runner "mac-7" is not drained: it is no longer registered']);
  });

  test('if it is gone: that takes a while, so the runner has to be read again', async () => {
    expect(await drains.drain(runner({ id: 24 }), bounds())).toBe(true);
    expect([calls, states]).toEqual([[], []]);
    expect(logged).toEqual(['info: Runner "mac-7" is not drained: it is no longer registered']);
    await drains.restore(24);
  });

  test.each([[[...READ_ONLY]], [[...READ_ONLY, 'x'.repeat(216)]], [['.', '..']]])(
    'without a custom label that can be replaced: %j',
    async (given) => {
      labels.set(23, given);
      await expect(drain()).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('no custom label'),
      });
      expect([calls, states]).toEqual([[], []]);
    },
  );

  test('beside 20 others', async () => {
    for (let id = 1; id <= 20; id++) {
      labels.set(id, ['macos']);
      await drains.drain(runner({ id, name: `mac-${id}` }), bounds());
    }
    await drain();
    expect([labelsOf(), logged.at(-1)]).toEqual([
      ['macos', 'pool.a'],
      'info: Runner "mac-7" is not drained: 20 others are, the most at once',
    ]);
  });
});

test('a runner that goes while it is being drained has nothing to restore', async () => {
  options.labels.add = async (...given) => {
    await github.add(...given);
    labels.delete(23);
  };
  expect(await drain()).toBe(true);
  await drains.restore(23);
  expect([labelsOf(), states.at(-1)]).toEqual([[], []]);
});

describe('a request that is on its way when the step is cancelled', () => {
  const cancelled = new ActionError('cancelled', 'The step was cancelled.');
  let answer: () => void;

  /** GitHub is slow to make the next change of this kind. */
  function delay(kind: 'add' | 'remove'): void {
    const real = options.labels[kind];
    options.labels[kind] = async (...given) => {
      options.labels[kind] = real;
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      await real(...given);
      given[2].signal.throwIfAborted();
    };
  }

  async function cancelDuring(kind: 'add' | 'remove'): Promise<void> {
    delay(kind);
    const drained = drains.drain(runner(), { ...bounds(), signal: cancellation.signal });
    await new Promise((resolve) => setImmediate(resolve));
    cancellation.abort(cancelled);
    await expect(drained).rejects.toBe(cancelled);
  }

  test.each(['add', 'remove'] as const)('is waited for before the labels are restored: %s', async (kind) => {
    clock = createFakeClock((ms) => ms === 3_500);
    drains = createDrains({ ...options, clock });
    await cancelDuring(kind);
    const restored = drains.restore(23);
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged).toEqual([]);
    answer();
    await restored;
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
    expect(logged).toEqual(['info: The labels of runner "mac-7" are restored']);
  });

  test('is not waited for longer than 3.5 s: the post step restores the labels', async () => {
    await cancelDuring('remove');
    await drains.restore(23);
    expect(clock.sleeps).toEqual([3_500]);
    expect(logged.at(-1)).toMatch(/^warning: .* GitHub has not answered the last change of the labels\.$/);
    answer();
    await restoreLeft(JSON.stringify(states.at(-1)), options);
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });
});

test.each([
  [
    'removal',
    () =>
      labels.set(
        23,
        labelsOf().filter((label) => label !== 'macos'),
      ),
  ],
  ['addition', () => labels.get(23)?.push(`macos${OWN}`)],
])('a late %s, which got no answer, is found', async (_, change) => {
  options.labels.remove = async () => {
    options.labels.remove = github.remove;
    throw new ActionError('github_api_failed', 'GitHub did not answer.');
  };
  await expect(drain()).rejects.toThrow('GitHub did not answer.');
  let reads = 0;
  options.labels.read = async (...given) => {
    if (++reads === 3) change();
    return github.read(...given);
  };
  await drains.restore(23);
  expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
});

test('a change that GitHub makes after the labels are restored is undone by the post step', async () => {
  options.labels.add = async () => {
    options.labels.add = github.add;
    throw new ActionError('github_api_failed', 'GitHub did not answer.');
  };
  await expect(drain()).rejects.toThrow('GitHub did not answer.');
  await drains.restore(23);
  labels.get(23)?.push(`macos${OWN}`);
  await restoreLeft(JSON.stringify(states.at(-1)), options);
  expect([labelsOf(), states.at(-1)]).toEqual([['macos', 'pool.a'], []]);
});

test('a cancellation leaves 5 s to restore labels, also while they are being restored', async () => {
  await drain();
  options.labels.read = (_id, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const restored = drains.restore(23);
  await new Promise((resolve) => setImmediate(resolve));
  failing = 'read';
  options.labels.read = github.read;
  cancellation.abort(new ActionError('cancelled', 'The step was cancelled.'));
  await restored;
  expect(times.at(-1)).toBe(5_000);
  expect(logged.filter((line) => line.startsWith('warning'))).toEqual([
    expect.stringContaining('were not restored within 5.0 s'),
  ]);
});

describe('two steps', () => {
  const DRAINED = { 23: [`macos${OWN}`, `pool.a${OWN}`] };

  test.each([
    ['9000', '9001'],
    ['9001', '9000'],
  ])('that drain a runner at the same moment: the first of %s, %s keeps it', async (...runs) => {
    const steps = runs.map((runId) => createDrains({ ...options, runId }));
    const ends = await Promise.allSettled(steps.map((step) => step.drain(runner(), bounds())));
    expect(ends.map(({ status }) => status)).toEqual(
      runs.map((runId) => (runId === '9000' ? 'fulfilled' : 'rejected')),
    );
    expect(labelsOf()).toEqual(DRAINED[23].map((label) => label.replace('9001', '9000')));
    for (const step of steps) await step.restore(23);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('one of which was there first: the other keeps its labels until that one has ended', async () => {
    await drain();
    const rival = createDrains({ ...options, runId: '9000' });
    let isOver = false;
    // It read the labels before that.
    const reads = [['macos', 'pool.a']];
    options.labels.read = async (...given) => {
      const before = reads.shift();
      const seen = await github.read(...given);
      if (clock.now() - startedAt === 20_000 && !isOver) {
        isOver = true;
        await drains.restore(23);
      }
      return before === undefined || seen === undefined
        ? seen
        : { ...seen, labels: before.map((name) => ({ name, type: 'custom' })) };
    };
    expect(await rival.drain(runner(), bounds())).toBe(true);
    expect(labelsOf()).toEqual(DRAINED[23].map((label) => label.replace('9001', '9000')));
    await rival.restore(23);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('one of which does not end', async () => {
    await drain();
    const [rival, reads] = [createDrains({ ...options, runId: '9000' }), [['macos']]];
    options.labels.read = async (...given) => {
      const before = reads.shift();
      const seen = await github.read(...given);
      return before && seen ? { ...seen, labels: [{ name: 'macos', type: 'custom' }] } : seen;
    };
    await expect(rival.drain(runner(), bounds(12_000))).rejects.toMatchObject({ code: 'runner_busy' });
    expect(clock.sleeps).toEqual([5_000, 5_000, 2_000]);
    await rival.restore(23);
    await drains.restore(23);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('that restore a runner at the same moment, each leaving its labels to the other', async () => {
    const owners = [9_001, 9_002].map((run) => `${run}-${at(3_600)}`);
    labels.set(
      23,
      owners.map((owner) => `macos.drained-${owner}`),
    );
    const states = owners.map((owner) => JSON.stringify([{ id: 23, name: 'mac-7', owner }]));
    await Promise.all(states.map((state) => restoreLeft(state, options)));
    expect(labelsOf()).toEqual(['macos']);
  });
});

describe("another step's drain", () => {
  const marked = (seconds: number) => `macos.drained-8000-${at(seconds)}`;

  test('is undone once it has expired, and the runner drained', async () => {
    labels.set(23, [marked(-1), 'macos']);
    await drain();
    expect(calls).toEqual([`remove ${marked(-1)}`, `add macos${OWN}`, 'remove macos']);
  });

  test('is waited for', async () => {
    labels.set(23, [marked(40)]);
    await drain();
    expect(clock.sleeps).toEqual([15_000, 15_000, 15_000]);
    expect(calls.slice(0, 2)).toEqual(['add macos', `remove ${marked(40)}`]);
    expect(logged[0]).toBe('info: Runner "mac-7" is drained by run 8000; waiting for that drain to end');
    expect(logged.filter((line) => line.includes('waiting'))).toHaveLength(1);
  });

  test('is not waited for longer than busy_timeout', async () => {
    labels.set(23, [marked(400)]);
    await expect(drain(20_000)).rejects.toMatchObject({ code: 'runner_busy' });
    expect([clock.sleeps, calls, states]).toEqual([[15_000, 5_000], [], []]);
  });

  test('that ends right at busy_timeout leaves time for the next requests', async () => {
    labels.set(23, [marked(20), 'vm']);
    await drain(20_000);
    expect(times).toEqual([20_000, ...Array(8).fill(10_000)]);
    expect(labelsOf().map((label) => label.split('.')[0])).toEqual(['vm', 'macos']);
  });

  test('that holds the same label keeps it: the last drain restores it', async () => {
    await drain();
    labels.set(23, [`macos${OWN}`, `pool.a${OWN}`, marked(400)]);
    calls = [];
    await drains.restore(23);
    expect(calls).toEqual(['add pool.a', `remove macos${OWN}`, `remove pool.a${OWN}`]);
  });

  test('that has expired by then does not block it', async () => {
    await drain();
    labels.set(23, [`macos${OWN}`, marked(-1)]);
    await drains.restore(23);
    expect(labelsOf()).toEqual([marked(-1), 'macos']);
  });
});

test('what cannot be restored is a warning that names the runner and its labels', async () => {
  await drain();
  failing = 'read';
  await drains.restore(23);
  expect(logged.at(-1)).toBe(
    `warning: The labels of runner "mac-7" (ID 23) were not restored within 30.0 s. Replace each that ends in ${OWN} with the part before that. GitHub is away.`,
  );
  expect(states.at(-1)).toHaveLength(1);
});

describe('the post step', () => {
  test('restores what the step has left', async () => {
    await drain();
    await restoreLeft(JSON.stringify(states.at(-1)), options);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test.each(['', 'x', '{}', '[7,{"id":"23","name":"mac-7","owner":"x"}]'])(
    'makes nothing of %j',
    async (state) => {
      await restoreLeft(state, options);
      expect([calls, logged]).toEqual([[], []]);
    },
  );
});
