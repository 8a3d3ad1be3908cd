import { beforeEach, describe, expect, test } from '@jest/globals';
import { createDrains, type DrainState, type Drains, restoreLeft } from '../../src/drain/drain.ts';
import { ActionError } from '../../src/errors.ts';
import type { Runner } from '../../src/github/runner.ts';
import type { LabelsReading, RunnerLabels } from '../../src/github/runner-labels.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { runner } from '../support/runners.ts';

const NOON = Date.UTC(2026, 10, 29, 12);
const at = (seconds: number) => NOON / 1_000 + seconds;
/** This drain's, which lasts for an hour. */
const OWN = `.drained-9001-${at(3_600)}`;
const READ_ONLY = ['self-hosted', 'ARM64'];

let clock: FakeClock;
let startedAt: number;
let labels: Map<number, string[]>;
let calls: string[];
/** How long each request had for its answer. */
let times: number[];
let logged: string[];
let states: DrainState[];
let failing: string | undefined;
/** GitHub's list of runners in the post step, and how many times it was read. */
let listed: readonly Runner[];
let lists: number;
/** GitHub's clock when the test begins. */
let date: number;
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
    return reading && ({ labels: reading, date: date + clock.now() - startedAt } satisfies LabelsReading);
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
  [times, date, listed, lists] = [[], NOON, [], 0];
  clock = createFakeClock();
  startedAt = clock.now();
  labels = new Map([[23, [...READ_ONLY, 'macos', 'pool.a']]]);
  const note = (kind: string) => (line: string) => void logged.push(`${kind}: ${line}`);
  const log = { info: note('info'), warning: note('warning'), debug: note('debug') };
  const saveState = (state: DrainState) => void states.push(state);
  cancellation = new AbortController();
  const { signal } = cancellation;
  const limits = { lifeMs: 3_600_000, patienceMs: 300_000 };
  options = { labels: { ...github }, runId: '9001', ...limits, clock, log, signal, saveState };
  drains = createDrains(options);
});

/** The post step. */
function post(state: string): Promise<void> {
  const listAll = async () => {
    lists++;
    return { runners: listed, pages: 1, whyIncomplete: () => undefined };
  };
  return restoreLeft(state, { ...options, runners: { listAll } });
}
const afterwards = () => post(JSON.stringify(states.at(-1)));

const bounds = (ms = 600_000) => ({ deadline: clock.now() + ms, signal: new AbortController().signal });
const labelsOf = (id = 23) => (labels.get(id) ?? []).filter((label) => !READ_ONLY.includes(label));
const drain = (ms?: number) => drains.drain(runner(), bounds(ms));

test('each custom label is replaced: the state is saved first, then the mark is added, then the label removed', async () => {
  await drain();
  expect(calls).toEqual([`add macos${OWN}`, `add pool.a${OWN}`, 'remove macos', 'remove pool.a']);
  const owner = OWN.slice('.drained-'.length);
  expect(states).toEqual([[{ id: 23, name: 'mac-7', owner, names: ['macos', 'pool.a'] }]]);
  expect(logged).toEqual([
    'info: Runner "mac-7" is drained (labels removed: macos, pool.a). Jobs that ask for none of these labels still reach it',
  ]);
  // Of three reads and two additions.
  expect(times).toHaveLength(5);
});

describe('an addition that GitHub confirmed but did not make', () => {
  test('is repeated before the label is removed', async () => {
    options.labels.add = async () => {
      options.labels.add = github.add;
    };
    await drain();
    expect(calls).toEqual([`add pool.a${OWN}`, 'remove pool.a', `add macos${OWN}`, 'remove macos']);
    await drains.restore(23);
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });

  test('is repeated for as long as GitHub may give no usable answer; no label is removed', async () => {
    options.labels.add = async () => {};
    drains = createDrains({ ...options, patienceMs: 40_000 });
    await expect(drain()).rejects.toMatchObject({
      code: 'github_api_failed',
      message: 'GitHub still shows the labels of runner "mac-7" (ID 23) as they were before the change.',
      hint: "Check githubstatus.com and the runner's labels on GitHub, then run the step again.",
    });
    expect(clock.now() - startedAt).toBe(40_000);
    expect([calls, labelsOf()]).toEqual([[], ['macos', 'pool.a']]);
    expect(logged).toEqual([
      'info: GitHub confirmed new labels of runner "mac-7" but does not show them; adding them again',
    ]);
  });

  test('is not repeated if the runner disappears in the meantime', async () => {
    let additions = 0;
    options.labels.add = async () => {
      if (++additions > 2) labels.delete(23);
    };
    expect(await drain()).toBe(true);
    expect([additions, calls]).toEqual([4, []]);
    expect(logged).toEqual(['info: Runner "mac-7" is not drained: it is no longer registered']);
  });

  test('is repeated when a runner that registered again is drained again, unless the runner disappears', async () => {
    await drain();
    labels.set(23, ['macos']);
    calls = [];
    options.labels.add = async () => {
      options.labels.add = async () => void labels.delete(23);
    };
    expect(await drains.drain(shown(), bounds())).toBe(true);
    expect([calls, labels.has(23)]).toEqual([[], false]);
    expect(logged.at(-1)).toBe('info: Runner "mac-7" is not drained: it is no longer registered');
  });
});

describe('a removal of a label', () => {
  test('that a new registration has just brought back without its mark: the mark is added again', async () => {
    options.labels.remove = async (id, label, given) => {
      options.labels.remove = github.remove;
      labels.set(23, ['macos', 'pool.a']);
      await github.remove(id, label, given);
    };
    expect(await drain()).toBe(true);
    expect(labelsOf().toSorted()).toEqual([`macos${OWN}`, `pool.a${OWN}`]);
    await drains.restore(23);
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });

  test('that GitHub confirmed but does not show is repeated after a second', async () => {
    options.labels.remove = async () => {
      options.labels.remove = github.remove;
    };
    expect(await drain()).toBe(true);
    expect([calls.slice(-2), clock.sleeps]).toEqual([['remove pool.a', 'remove macos'], [1_000]]);
  });
});

/** Of a drain that has expired at noon. */
const EXPIRED = `pool.drained-8000-${at(0)}`;

test.each<[string, number, string, string[]]>([
  ['a date in 1970', 0, '9001', ['macos']],
  ['a date after 2286', Date.UTC(2290, 0, 1), '9001', ['macos', EXPIRED]],
  ['a run ID that is no number', NOON, 'abc', ['macos', EXPIRED]],
])('no label is changed if no step could recognize the new ones: %s', async (_, now, runId, given) => {
  date = now;
  labels.set(23, given);
  drains = createDrains({ ...options, runId });
  await expect(drain()).rejects.toMatchObject({
    code: 'github_api_failed',
    message: expect.stringMatching(
      /^The labels of a drain would end in "\.drained-.* No label was changed\.$/,
    ),
    hint: 'Check GITHUB_RUN_ID, which must be a number, and the clock of the server that GITHUB_API_URL names.',
  });
  expect([calls, states]).toEqual([[], []]);
});

describe('a GitHub that gives no usable answer', () => {
  const bad = { kind: 'no answer of GitHub', reason: 'HTTP 502', hint: 'Wait.', nature: 'passing' } as const;

  test.each([
    [60_000, 60_000],
    [10_000, 30_000],
  ])('has its own limit, whatever busy_timeout is: %j', async (patienceMs, ms) => {
    drains = createDrains({ ...options, patienceMs });
    await drain(7_200_000);
    expect(new Set(times)).toEqual(new Set([ms]));
  });

  test('is logged, and causes a warning after a while', async () => {
    options.labels.add = async (id, label, bounds) => {
      options.labels.add = github.add;
      bounds.onFault?.(bad);
      await clock.sleep(30_000, bounds.signal);
      bounds.onFault?.({ ...bad, leftMs: 270_000 });
      await github.add(id, label, bounds);
    };
    await drain();
    expect(logged.slice(0, 3)).toEqual([
      'info: GitHub gave no usable answer about the labels of a runner: HTTP 502',
      'info: GitHub gave no usable answer about the labels of a runner: HTTP 502',
      'warning: GitHub has given no usable answer about the labels of a runner for 30.0 s: HTTP 502. Still retrying, gives up in 4 min 30 s. Wait.',
    ]);
  });

  test('causes no warning if requests fail only now and then', async () => {
    options.labels.add = async (id, label, bounds) => {
      bounds.onFault?.(bad);
      await clock.sleep(30_000, bounds.signal);
      await github.add(id, label, bounds);
    };
    options.labels.read = async (id, bounds) => {
      bounds.onFault?.(bad);
      return github.read(id, bounds);
    };
    await drain();
    expect(logged.filter((line) => line.startsWith('warning'))).toEqual([]);
  });
});

test('the state is saved even if the first change fails', async () => {
  failing = 'add';
  await expect(drain()).rejects.toThrow('GitHub says no.');
  expect([states.length, labelsOf()]).toEqual([1, ['macos', 'pool.a']]);
});

test('draining a second time changes nothing; restoring brings the labels back, once', async () => {
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

test('a runner that registers again while it is drained loses the same labels again', async () => {
  await drain();
  labels.set(23, [...READ_ONLY, 'new', 'pool.a', 'macos']);
  [calls, states] = [[], []];
  expect(await drains.drain(shown(), bounds())).toBe(true);
  expect(calls).toEqual([`add macos${OWN}`, `add pool.a${OWN}`, 'remove macos', 'remove pool.a']);
  expect(logged.at(-1)).toBe(
    'info: Runner "mac-7" had the labels macos, pool.a again, so they were removed again',
  );
  await drains.restore(23);
  expect([labelsOf(), states]).toEqual([['new', 'macos', 'pool.a'], [[]]]);
});

test('only a label that has come back is replaced again', async () => {
  await drain();
  labels.get(23)?.push('pool.a');
  calls = [];
  expect(await drains.drain(shown(), bounds())).toBe(true);
  expect(calls).toEqual(['remove pool.a']);
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

test('a runner whose labels GitHub refused to restore still counts as one of the 20', async () => {
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

/** With the mark it would have 257 characters. */
const LONG = 'x'.repeat(257 - OWN.length);

test('labels that no URL can name, or that are too long, are kept; the log says so before the first change', async () => {
  const longest = LONG.slice(1);
  labels.set(23, ['.', 'macos', LONG, longest, '(a text of 400 characters)']);
  options.labels.add = async (...given) => {
    expect(logged).toEqual([
      `info: Runner "mac-7" keeps the labels ., ${LONG}, (a text of 400 characters), which cannot be replaced: they are too long, or only dots`,
    ]);
    await github.add(...given);
  };
  await drain();
  expect(labelsOf().slice(3)).toEqual([`macos${OWN}`, `${longest}${OWN}`]);
  expect(labelsOf().map((label) => label.length <= 256)).not.toContain(false);
});

test('a runner with only labels that no URL can name is not drained', async () => {
  labels.set(23, ['.', 'macos', '..', '...']);
  await drain();
  expect(labelsOf()).toEqual(['.', '..', `macos${OWN}`, `...${OWN}`]);
  await drains.restore(23);
  expect(labelsOf()).toEqual(['.', '..', 'macos', '...']);
});

describe('a runner that is gone when its labels are to be restored', () => {
  const GONE = 'info: Runner "mac-7" is no longer registered, so it has no labels to restore';
  let own: string[];

  beforeEach(async () => {
    await drain();
    own = labels.get(23) ?? [];
    labels.delete(23);
    [calls, listed] = [[], []];
    await drains.restore(23);
  });

  test('has nothing to restore', () => {
    expect(calls).toEqual([]);
    expect(logged.at(-1)).toBe(GONE);
    expect(clock.sleeps).toEqual([2_000, 2_000, 2_000, 2_000, 2_000]);
  });

  test('is checked again by the post step, which restores it if GitHub shows it again', async () => {
    labels.set(23, own);
    listed = [runner()];
    await afterwards();
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('is not read by the post step if GitHub does not list it; one list serves all runners', async () => {
    labels.set(24, ['macos']);
    await drains.drain(runner({ id: 24, name: 'mac-8' }), bounds());
    labels.delete(24);
    await drains.restore(24);
    [times, logged] = [[], []];
    await afterwards();
    expect([times, lists, logged]).toEqual([[], 1, [GONE.replace('mac-7', 'mac-8'), GONE]]);
  });

  test('is read first if it disappeared after the step was killed', async () => {
    times = [];
    await post(JSON.stringify(states[0]));
    expect([times.length, lists, logged.at(-1)]).toEqual([6, 1, GONE]);
  });

  test('is read by the post step until GitHub shows it, if GitHub lists it', async () => {
    labels.set(23, own);
    listed = [runner()];
    const hiddenUntil = clock.now() + 60_000;
    options.labels.read = async (...given) => (clock.now() < hiddenUntil ? undefined : github.read(...given));
    await afterwards();
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
    expect(lists).toBe(1);
  });

  test('causes a warning in the post step if GitHub lists it, but answers 404 for three minutes', async () => {
    listed = [runner({ id: 24 }), runner()];
    const beganAt = clock.now();
    await afterwards();
    expect(clock.now() - beganAt).toBe(180_000);
    expect(logged.at(-1)).toMatch(
      /^warning: The labels of runner "mac-7" \(ID 23\) were not restored: .* GitHub lists the runner, but answers HTTP 404 to requests for this runner\.$/,
    );
  });
});

describe('reads that lag behind writes', () => {
  /** From now on, reads show the labels as they were before, for this long. */
  function lag(before: readonly string[], ms: number): void {
    const until = clock.now() + ms;
    options.labels.read = async (...given) => {
      const seen = await github.read(...given);
      const old = before.map((name) => ({ name, type: 'custom' }) as const);
      return seen && clock.now() < until ? { ...seen, labels: old } : seen;
    };
  }
  const BEFORE = ['macos', 'pool.a'];
  const BACK = ['add macos', 'add pool.a', `remove macos${OWN}`, `remove pool.a${OWN}`];

  test.each([
    ['from before the drain', BEFORE],
    ['from the middle of the drain', ['macos', 'pool.a', `macos${OWN}`]],
    ['from before the end of an expired drain', [`macos.drained-8000-${at(0)}`, 'pool.a']],
  ])('do not keep the labels of a short drain away: %s', async (_, before) => {
    await drain();
    calls = [];
    lag(before, 3_000);
    await drains.restore(23);
    expect([labelsOf(), calls.slice(0, 4)]).toEqual([BEFORE, BACK]);
    expect(states.at(-1)).toMatchObject([{ id: 23, names: BEFORE, restored: BEFORE }]);
    await afterwards();
    expect(labelsOf()).toEqual(BEFORE);
  });

  test('do not keep labels from being restored after a cancellation, however long they lag', async () => {
    await drain();
    lag(BEFORE, 60_000);
    cancellation.abort(new ActionError('cancelled', 'The step was cancelled.'));
    await drains.restore(23);
    expect([labelsOf(), clock.sleeps]).toEqual([BEFORE, []]);
  });

  test('do not keep labels from being restored in the post step of a killed step', async () => {
    await drain();
    lag(BEFORE, 60_000);
    await afterwards();
    expect(labelsOf()).toEqual(BEFORE);
  });

  test('are in doubt for only a minute: after that, a new registration has removed the marks', async () => {
    await drain();
    labels.set(23, [...BEFORE]);
    calls = [];
    await clock.sleep(60_001, bounds().signal);
    await drains.restore(23);
    expect([calls, states.at(-1)]).toEqual([[], []]);
  });

  test('add no label that a new registration does not have', async () => {
    await drain();
    labels.set(23, ['new', 'macos']);
    await drains.restore(23);
    expect(labelsOf()).toEqual(['new', 'macos']);
  });

  test('add no label that another drain holds', async () => {
    await drain();
    const other = `macos.drained-8000-${at(400)}`;
    labels.set(23, ['macos', other, `pool.a${OWN}`]);
    calls = [];
    await drains.restore(23);
    expect(calls).toEqual(['add pool.a', `remove pool.a${OWN}`, `remove macos${OWN}`]);
  });

  test('do not make the post step change labels that the step could not change', async () => {
    failing = 'add';
    await expect(drain()).rejects.toThrow('GitHub says no.');
    await drains.restore(23);
    failing = undefined;
    await afterwards();
    expect([calls, labelsOf()]).toEqual([[], BEFORE]);
  });

  test('leave no mark of a drain that gives way', async () => {
    const rival = `macos.drained-8000-${at(400)}`;
    options.labels.read = async (...given) => {
      options.labels.read = async (...again) => {
        lag(['macos', 'pool.a', rival], 60_000);
        return options.labels.read(...again);
      };
      return github.read(...given);
    };
    await expect(drain(20_000)).rejects.toMatchObject({ code: 'runner_busy' });
    expect(labelsOf()).toEqual(BEFORE);
  });
});

test('a drain that gives way to one that ends at that moment restores all labels', async () => {
  const rival = createDrains({ ...options, labels: github, runId: '8000' });
  options.labels.add = async (...given) => {
    options.labels.add = github.add;
    await rival.drain(runner(), bounds());
    await github.add(...given);
  };
  let reads = 0;
  options.labels.read = async (...given) => {
    const seen = await github.read(...given);
    if (++reads === 2) await rival.restore(23);
    return seen;
  };
  expect(await drain()).toBe(true);
  await drains.restore(23);
  expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
});

/** It disappears after a read that shows only the drain before. */
async function drainGone(old: Runner): Promise<boolean> {
  const own = labels.get(23) ?? [];
  options.labels.read = async (id, given) => {
    const seen = await github.read(id, given);
    labels.delete(23);
    options.labels.read = github.read;
    return seen && { ...seen, labels: old.labels };
  };
  const hasChanged = await drains.drain(old, bounds());
  labels.set(23, own);
  return hasChanged;
}

test('a read that lags behind and shows only an earlier drain does not make the step wait', async () => {
  const before = `macos.drained-8000-${at(400)}`;
  await drain();
  const old = runner({ labels: [{ name: before, type: 'custom' }] });
  options.labels.read = async (id, given) => {
    options.labels.read = github.read;
    const seen = await github.read(id, given);
    return seen && { ...seen, labels: old.labels };
  };
  expect(await drains.drain(old, bounds())).toBe(false);
  expect(clock.sleeps).toEqual([5_000]);
  expect([await drainGone(old), clock.sleeps]).toEqual([false, [5_000, 5_000]]);
  await drains.restore(23);
  expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
});

test('a state that is still too long is saved without runners that are gone', async () => {
  for (let id = 100; id < 600; id++) {
    labels.set(id, ['macos']);
    await drains.drain(runner({ id, name: `mac-${id}` }), bounds());
    labels.delete(id);
    await drains.restore(id);
  }
  await drain();
  const state = states.at(-1) ?? [];
  expect(JSON.stringify(state).length).toBeLessThanOrEqual(30_100);
  expect(state.slice(0, 2).map(({ id }) => id)).toEqual([23, 599]);
});

test('the post step requests the list again if it got none', async () => {
  await drain();
  const [state] = states;
  labels.delete(23);
  let lost = 1;
  const listAll = async () => {
    if (lost-- > 0) throw new ActionError('github_api_failed', 'GitHub is away.');
    return { runners: [], pages: 1, whyIncomplete: () => undefined };
  };
  // It asks later.
  options.labels.read = async (id, given) => {
    if (id === 24) await clock.sleep(60_000, given.signal);
    return github.read(id, given);
  };
  const twice = [...(state ?? []), ...(state ?? []).map((each) => ({ ...each, id: 24 }))];
  await restoreLeft(JSON.stringify(twice), { ...options, runners: { listAll } });
  expect(lost).toBeLessThan(0);
});

test('a state that is too long for an environment variable is saved without the names of labels', async () => {
  const many = Array.from({ length: 100 }, (_, index) => `${index}-${'x'.repeat(210)}`);
  for (const id of [23, 24]) labels.set(id, [...many]);
  await drain();
  await drains.drain(runner({ id: 24, name: 'mac-8' }), bounds());
  const lengths = states.map((state) => state.map(({ names }) => names.length));
  expect(lengths).toEqual([[100], [0, 0]]);
});

describe('a single wrong answer', () => {
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
    await afterwards();
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('404 for a mark that is still there: it is removed after the labels are read again', async () => {
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

test('404 for only a short time causes a warning, and the post step tries again', async () => {
  await drain();
  const own = labels.get(23) ?? [];
  labels.delete(23);
  cancellation.abort(new ActionError('cancelled', 'The step was canceled.'));
  await drains.restore(23);
  expect(logged.at(-1)).toContain(
    'were not restored: the step gave up after 4 s. Its post step tries again. ',
  );
  expect(logged.at(-1)).toContain('not for long enough to prove that it is gone');
  labels.set(23, own);
  await afterwards();
  expect(labelsOf()).toEqual(['macos', 'pool.a']);
});

test('marks that GitHub keeps showing cause a warning after 3 minutes, and are removed less and less often until then', async () => {
  await drain();
  calls = [];
  options.labels.remove = async (_, label) => void calls.push(`remove ${label}`);
  await drains.restore(23);
  expect(logged.at(-1)).toContain(
    'GitHub still shows the labels of runner "mac-7" (ID 23) as they were before the change.',
  );
  expect(states.at(-1)).toHaveLength(1);
  expect(clock.sleeps).toEqual([...Array(9).fill(1_000), ...Array(11).fill(15_000)]);
  expect(calls).toHaveLength(2 + 2 * 21);
});

describe('labels that differ only in case are the same label', () => {
  test('a label that is back in another case is restored', async () => {
    await drain();
    labels.set(23, ['MACOS', `MacOS${OWN}`, `pool.a${OWN}`]);
    calls = [];
    await clock.sleep(60_001, bounds().signal);
    await drains.restore(23);
    expect(calls).toEqual(['add pool.a', `remove MacOS${OWN}`, `remove pool.a${OWN}`]);
    expect(clock.sleeps).toEqual([60_001]);
  });

  test('a label that is back in another case is replaced again', async () => {
    await drain();
    labels.get(23)?.push('Pool.A');
    calls = [];
    options.labels.remove = async (id) => {
      calls.push('remove');
      labels.set(
        23,
        labelsOf(id).filter((label) => label !== 'Pool.A'),
      );
    };
    expect(await drains.drain(shown(), bounds())).toBe(true);
    expect(calls).toEqual(['remove']);
  });

  test('another drain that holds the label in another case keeps it', async () => {
    await drain();
    labels.set(23, [`macos${OWN}`, `pool.a${OWN}`, `MACOS.drained-8000-${at(400)}`]);
    calls = [];
    await drains.restore(23);
    expect(calls).toEqual(['add pool.a', `remove macos${OWN}`, `remove pool.a${OWN}`]);
  });

  test('reads that lag behind may show labels in another case', async () => {
    await drain();
    const read = options.labels.read;
    options.labels.read = async (...given) => {
      options.labels.read = read;
      const seen = await read(...given);
      return (
        seen && {
          ...seen,
          labels: [
            { name: 'MACOS', type: 'custom' },
            { name: 'POOL.A', type: 'custom' },
          ],
        }
      );
    };
    await drains.restore(23);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });
});

test('a rate limit of a minute or two is waited out', async () => {
  await drain();
  const read = options.labels.read;
  options.labels.read = async (id, given) => {
    await clock.sleep(120_000, given.signal);
    options.labels.read = read;
    return read(id, given);
  };
  times = [];
  await drains.restore(23);
  expect([labelsOf(), times[0]]).toEqual([['macos', 'pool.a'], 60_000]);
});

test('a runner is not drained, and has nothing to restore, if the state cannot be saved', async () => {
  const saveState = () => {
    throw new Error('ENOSPC');
  };
  drains = createDrains({ ...options, saveState });
  await expect(drain()).rejects.toMatchObject({
    code: 'internal_error',
    message: 'The state for the post step cannot be saved, so the runner was not drained: ENOSPC.',
    hint: expect.stringContaining('GITHUB_STATE'),
  });
  await drains.restore(23);
  expect([calls, logged]).toEqual([[], []]);
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

  test('if it disappears while the labels of an expired drain are restored', async () => {
    labels.set(23, [`macos.drained-8000-${at(0)}`]);
    options.labels.remove = async (id) => void labels.delete(id);
    expect(await drain()).toBe(true);
    expect([calls, states]).toEqual([['add macos'], []]);
    expect(logged).toEqual(['info: Runner "mac-7" is not drained: it is no longer registered']);
  });

  test('if it is gone: finding that out takes a while, so the runner has to be read again', async () => {
    expect(await drains.drain(runner({ id: 24 }), bounds())).toBe(true);
    expect([calls, states]).toEqual([[], []]);
    expect(logged).toEqual(['info: Runner "mac-7" is not drained: it is no longer registered']);
    await drains.restore(24);
  });

  test.each([
    [[...READ_ONLY], ''],
    [[...READ_ONLY, LONG], ` (${LONG}: they are too long, or only dots)`],
    [['.', '..'], ' (., ..: they are too long, or only dots)'],
    [['(a text of 400 characters)'], ' ((a text of 400 characters): they are too long, or only dots)'],
  ])('without a custom label that can be replaced: %j', async (given, why) => {
    labels.set(23, given);
    await expect(drain()).rejects.toMatchObject({
      code: 'invalid_input',
      message: `Runner "mac-7" has no custom label that can be replaced${why}, so it cannot be drained: jobs that ask for its default labels would still reach it.`,
      hint: expect.stringMatching(/^Give the runner a custom label .*, or leave out drain\.$/),
    });
    expect([calls, states]).toEqual([[], []]);
  });

  test('if 20 others are drained already', async () => {
    for (let id = 1; id <= 20; id++) {
      labels.set(id, ['macos']);
      await drains.drain(runner({ id, name: `mac-${id}` }), bounds());
    }
    await drain();
    expect([labelsOf(), logged.at(-1)]).toEqual([
      ['macos', 'pool.a'],
      'info: Runner "mac-7" is not drained: 20 others are drained already, which is the limit',
    ]);
  });
});

test('at most 20 runners are drained if many drains begin at the same moment', async () => {
  const ids = Array.from({ length: 30 }, (_, index) => index + 1);
  for (const id of ids) labels.set(id, ['macos']);
  await Promise.all(ids.map((id) => drains.drain(runner({ id, name: `mac-${id}` }), bounds())));
  expect(ids.filter((id) => labelsOf(id).includes(`macos${OWN}`))).toHaveLength(20);
});

test('a runner that disappears while it is being drained is not drained, and has nothing to restore', async () => {
  options.labels.add = async (...given) => {
    await github.add(...given);
    labels.delete(23);
  };
  expect(await drain()).toBe(true);
  await drains.restore(23);
  expect(labelsOf()).toEqual([]);
  expect(logged).toEqual([
    'info: Runner "mac-7" is not drained: it is no longer registered',
    'info: Runner "mac-7" is no longer registered, so it has no labels to restore',
  ]);
});

test('a state that cannot be saved after the labels are restored is not a failure', async () => {
  let isFull = false;
  const saveState = () => {
    if (isFull) throw new Error('ENOSPC');
  };
  drains = createDrains({ ...options, saveState });
  await drain();
  isFull = true;
  await drains.restore(23);
  expect(labelsOf()).toEqual(['macos', 'pool.a']);
  expect(logged.slice(1)).toEqual([
    'info: The labels of runner "mac-7" are restored',
    'info: The post step will check the labels of runner "mac-7" again, because the state cannot be saved: ENOSPC',
  ]);
});

describe('a request that is on its way when the step is canceled', () => {
  const cancelled = new ActionError('cancelled', 'The step was canceled.');
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

  test.each(['add', 'remove'] as const)('is answered before the labels are restored: %s', async (kind) => {
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

  test('delays restoring by at most 3.5 s: the post step then restores the labels', async () => {
    await cancelDuring('remove');
    await drains.restore(23);
    expect(clock.sleeps).toEqual([3_500]);
    expect(logged.at(-1)).toMatch(/^warning: .* GitHub has not answered the last change of the labels\.$/);
    answer();
    await afterwards();
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
  await afterwards();
  expect(labelsOf()).toEqual(['macos', 'pool.a']);
});

describe('an unanswered request of a drain that GitHub carries out late', () => {
  const lost = {
    kind: 'no answer of GitHub',
    reason: 'timed out',
    hint: 'Wait.',
    nature: 'passing',
  } as const;

  /** The first request of this kind gets no answer, and GitHub may carry it out later. */
  function loseFirst(kind: 'add' | 'remove'): void {
    const real = options.labels[kind];
    options.labels[kind] = async (id, label, given) => {
      options.labels[kind] = real;
      given.onFault?.(lost);
      await real(id, label, given);
    };
  }

  test('adds a mark: the post step removes it', async () => {
    loseFirst('add');
    await drain();
    await drains.restore(23);
    labels.get(23)?.push(`macos${OWN}`);
    await afterwards();
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('removes a label: the post step adds it', async () => {
    loseFirst('remove');
    await drain();
    await drains.restore(23);
    await github.remove(23, 'macos', bounds());
    await afterwards();
    expect(labelsOf()).toEqual(['pool.a', 'macos']);
  });

  test('removes a label that a new registration does not have: the post step does not add it', async () => {
    loseFirst('remove');
    await drain();
    labels.set(23, ['new']);
    await drains.restore(23);
    await afterwards();
    expect(labelsOf()).toEqual(['new']);
  });

  test('leaves the post step nothing to do if it was a request to restore labels', async () => {
    await drain();
    for (const kind of ['add', 'remove'] as const) loseFirst(kind);
    await drains.restore(23);
    expect(states.at(-1)).toEqual([]);
  });
});

test('a cancellation leaves 5 s to restore labels, even if it comes while they are being restored', async () => {
  await drain();
  options.labels.read = (_id, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const restored = drains.restore(23);
  await new Promise((resolve) => setImmediate(resolve));
  failing = 'read';
  options.labels.read = github.read;
  cancellation.abort(new ActionError('cancelled', 'The step was canceled.'));
  await restored;
  expect(times.at(-1)).toBe(5_000);
  expect(logged.filter((line) => line.startsWith('warning'))).toEqual([
    expect.stringContaining('were not restored: the step gave up after 0 s. '),
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

  test('one of which was first: the other changes no label until that one has ended', async () => {
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
    expect(logged.filter((line) => line.includes('waiting for that drain'))).toEqual([]);
    expect(labelsOf()).toEqual(DRAINED[23].map((label) => label.replace('9001', '9000')));
    await rival.restore(23);
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('one of which does not end: the other fails', async () => {
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

  test('that restore a runner at the same moment, each leaving the labels to the other', async () => {
    const owners = [9_001, 9_002].map((run) => `${run}-${at(3_600)}`);
    labels.set(
      23,
      owners.map((owner) => `macos.drained-${owner}`),
    );
    const states = owners.map((owner) => JSON.stringify([{ id: 23, name: 'mac-7', owner }]));
    await Promise.all(states.map(post));
    expect(labelsOf()).toEqual(['macos']);
  });
});

describe("another step's drain", () => {
  const marked = (seconds: number) => `macos.drained-8000-${at(seconds)}`;

  test('is undone once it has expired, and then the runner is drained', async () => {
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

  test('is also waited for if a runner that registered again has only its marks', async () => {
    await drain();
    labels.set(23, [marked(40), 'pool.a']);
    [calls, states] = [[], []];
    expect(await drains.drain(shown(), bounds())).toBe(true);
    expect(calls.slice(0, 2)).toEqual(['add macos', `remove ${marked(40)}`]);
    expect(labelsOf().map((label) => label.split('.drained-9001-')[0])).toEqual(['pool.a', 'macos']);
    await drains.restore(23);
    expect(labelsOf()).toEqual(['pool.a', 'macos']);
  });

  test('that takes over a runner: the post step looks for leftover marks of the first drain', async () => {
    await drain();
    labels.set(23, [marked(90), 'pool.a']);
    await clock.sleep(60_001, bounds().signal);
    await drains.drain(shown(), bounds());
    await drains.restore(23);
    expect(states.at(-1)).toMatchObject([{ id: 23, owner: OWN.slice('.drained-'.length), restored: [] }]);
    labels.get(23)?.push(`pool.a${OWN}`);
    await afterwards();
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });

  test('is not waited for after a new registration if the token might expire first', async () => {
    drains = createDrains({ ...options, beginsBy: clock.now() + 60_000 });
    await drain();
    await clock.sleep(60_001, bounds().signal);
    labels.set(23, [marked(3_600), 'pool.a']);
    calls = [];
    expect(await drains.drain(shown(), bounds())).toBe(false);
    expect(calls).toEqual([]);
    expect(logged.at(-1)).toBe(
      'info: Runner "mac-7" is not drained: the token might expire before its labels are restored',
    );
  });

  test('is waited for after a new registration even if 19 other runners are drained', async () => {
    await drain();
    for (let id = 1; id < 20; id++) {
      labels.set(id, ['macos']);
      await drains.drain(runner({ id, name: `mac-${id}` }), bounds());
    }
    await clock.sleep(60_001, bounds().signal);
    labels.set(23, [marked(90), 'pool.a']);
    expect(await drains.drain(shown(), bounds())).toBe(true);
    expect(labelsOf().map((label) => label.split('.drained-9001-')[0])).toEqual(['pool.a', 'macos']);
  });

  test('changes nothing if only an outdated list shows it', async () => {
    const old = runner({ labels: [{ name: marked(-1), type: 'custom' }] });
    await drain();
    calls = [];
    expect(await drains.drain(old, bounds())).toBe(false);
    expect(calls).toEqual([]);
  });

  test('that has expired according to only every other answer ends in an error', async () => {
    labels.set(23, [marked(200)]);
    let reads = 0;
    options.labels.read = async (id, given) => {
      const seen = await github.read(id, given);
      return seen && { ...seen, date: seen.date + (reads++ % 2 === 0 ? 3_600_000 : 0) };
    };
    await expect(drain(200_000)).rejects.toMatchObject({
      code: 'github_api_failed',
      message:
        'GitHub\'s answers contradict each other about the drains of runner "mac-7". No restart was sent.',
      hint: 'Check the clocks of the GitHub servers.',
    });
    expect(reads).toBeLessThan(50);
  });

  test('that is always first, and is over by the next read, ends in an error that says so', async () => {
    const rival = marked(400);
    options.labels.add = async (id, label, given) => {
      await github.add(id, label, given);
      if (label.startsWith('macos.drained-9001-')) labels.get(id)?.push(rival);
    };
    options.labels.remove = async (id, label, given) => {
      await github.remove(id, label, given);
      labels.set(
        id,
        labelsOf(id).filter((each) => each !== rival),
      );
    };
    await expect(drain()).rejects.toMatchObject({
      code: 'runner_busy',
      message: 'Other runs drained runner "mac-7" first, 20 times in a row. No restart was sent.',
      hint: 'Let only one run at a time drain it (concurrency).',
    });
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });

  test('is not waited for longer than busy_timeout', async () => {
    labels.set(23, [marked(400)]);
    await expect(drain(20_000)).rejects.toMatchObject({
      code: 'runner_busy',
      message: `Runner "mac-7" is drained by run 8000 (label ${marked(400)}), and still was when busy_timeout expired. No restart was sent.`,
      hint: 'Wait until that run has ended (with concurrency), or raise busy_timeout.',
    });
    expect([clock.sleeps, calls, states]).toEqual([[15_000, 5_000], [], []]);
  });

  test('is waited for if it appears after the labels of an expired one are restored', async () => {
    const expired = `vm.drained-7000-${at(0)}`;
    labels.set(23, [expired]);
    options.labels.remove = async (id, label, given) => {
      await github.remove(id, label, given);
      if (label === expired) labels.set(23, [marked(30)]);
    };
    await drain();
    expect(logged[0]).toBe('info: Runner "mac-7" is drained by run 8000; waiting for that drain to end');
    expect(labelsOf()).toEqual([
      expect.stringMatching(/^vm\.drained-9001-/),
      expect.stringMatching(/^macos\.drained-9001-/),
    ]);
  });

  test('that ends right at busy_timeout leaves enough time for the next requests', async () => {
    labels.set(23, [marked(20), 'vm']);
    await drain(20_000);
    expect(new Set(times)).toEqual(new Set([300_000]));
    expect(labelsOf().map((label) => label.split('.')[0])).toEqual(['vm', 'macos']);
  });

  test('that holds the same label keeps it: the last drain to end restores it', async () => {
    await drain();
    labels.set(23, [`macos${OWN}`, `pool.a${OWN}`, marked(400)]);
    calls = [];
    await drains.restore(23);
    expect(calls).toEqual(['add pool.a', `remove macos${OWN}`, `remove pool.a${OWN}`]);
  });

  test('that has expired by then does not keep a label from being restored', async () => {
    await drain();
    labels.set(23, [`macos${OWN}`, marked(-1)]);
    await drains.restore(23);
    expect(labelsOf()).toEqual([marked(-1), 'macos']);
  });
});

test('labels that cannot be restored cause a warning, which says what to do only after the last attempt', async () => {
  await drain();
  failing = 'read';
  await drains.restore(23);
  expect(logged.at(-1)).toBe(
    `warning: The labels of runner "mac-7" (ID 23) were not restored: the step gave up after 0 s. Its post step tries again. GitHub is away.`,
  );
  expect(states.at(-1)).toHaveLength(1);
  await afterwards();
  expect(logged.at(-1)).toBe(
    `warning: The labels of runner "mac-7" (ID 23) were not restored: the post step gave up after 0 s. For each label that ends in ${OWN}, first add it without that ending, then remove the one with it. GitHub is away.`,
  );
});

describe('the post step', () => {
  test('restores what the step has left', async () => {
    await drain();
    await afterwards();
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('reads twice to find a change that was in flight when the step was killed', async () => {
    await drain();
    labels.get(23)?.push('macos');
    const [killedAt, { signal }] = [clock.now(), bounds()];
    let isInFlight = true;
    const removeSecondLater = async () => {
      if (!isInFlight || clock.now() - killedAt < 1_000) return;
      isInFlight = false;
      await github.remove(23, 'macos', bounds());
    };
    options.labels.read = async (...given) => {
      await removeSecondLater();
      return github.read(...given);
    };
    await afterwards();
    await clock.sleep(60_000, signal);
    await removeSecondLater();
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });

  test('restores a runner that the step drained twice', async () => {
    options.labels.remove = async () => {
      options.labels.remove = github.remove;
      throw new ActionError('github_api_failed', 'GitHub did not answer.');
    };
    await expect(drain()).rejects.toThrow('GitHub did not answer.');
    await drains.restore(23);
    await drain();
    const [state = []] = states.slice(-1);
    expect(state.map(({ id }) => id)).toEqual([23, 23]);
    await post(JSON.stringify(state));
    expect(labelsOf().toSorted()).toEqual(['macos', 'pool.a']);
  });

  test('tries once more if the process was suspended until its time was over', async () => {
    await drain();
    let reads = 0;
    options.labels.read = async (id, given) => {
      if (++reads === 1) await clock.sleep(600_000, given.signal);
      if (clock.now() > given.deadline) throw new ActionError('github_api_failed', 'No time left.');
      return github.read(id, given);
    };
    await afterwards();
    expect(labelsOf()).toEqual(['macos', 'pool.a']);
  });

  test('does not try once more if GitHub only took all the time', async () => {
    await drain();
    options.labels.read = async (_, given) => {
      await clock.sleep(180_000, given.signal);
      throw new ActionError('github_api_failed', 'No time left.');
    };
    await afterwards();
    expect(clock.sleeps).toEqual([180_000]);
    expect(logged.at(-1)).toContain('were not restored: the post step gave up after 3 min. ');
  });

  test('ignores entries in its state that are not labels', async () => {
    const owner = OWN.slice('.drained-'.length);
    await post(JSON.stringify([{ id: 23, name: 'mac-7', owner, restored: [7, 'vm'] }]));
    expect(labelsOf()).toEqual(['macos', 'pool.a', 'vm']);
  });

  test('changes no label for an owner that no step can have', async () => {
    await post(JSON.stringify([{ id: 23, name: 'mac-7', owner: 'x', names: ['macos'] }]));
    expect(calls).toEqual([]);
  });

  test.each(['x{', '{}', '12', '[7,{"id":"23","name":"mac-7","owner":"x"}]'])(
    'warns if the state is damaged: %s',
    async (state) => {
      await post(state);
      expect([calls, logged]).toEqual([
        [],
        [
          'warning: The saved list of drained runners is damaged, so no labels were restored. On GitHub, look for runner labels that contain ".drained-". For each, first add the part before ".drained-" as a label, then remove the label itself.',
        ],
      ]);
    },
  );

  test('says nothing if all labels are back', async () => {
    await post('[]');
    expect([calls, logged]).toEqual([[], []]);
  });
});
