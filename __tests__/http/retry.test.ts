import { describe, expect, test } from '@jest/globals';
import {
  type Attempt,
  createRetryBudget,
  ENDLESS_BUDGET,
  type Fault,
  type FaultNature,
  isTransientStatus,
  natureOf,
  parseRetryAfter,
  type RetryBounds,
  retry,
} from '../../src/http/retry.ts';
import { createFakeClock } from '../support/fake-clock.ts';

test.each([
  [407, false],
  [408, true],
  [409, false],
  [428, false],
  [429, true],
  [430, false],
  [499, false],
  [500, true],
  [503, true],
])('HTTP %i may be another status the next time: %p', (status, expected) => {
  expect(isTransientStatus(status)).toBe(expected);
});

type Bounds = Partial<Pick<RetryBounds, 'deadline' | 'signal' | 'onFault'>>;

const FAULT: Fault = { kind: 'HTTP 502', reason: 'it is down', hint: 'Look.', nature: 'passing' };

interface Tries extends Bounds {
  readonly chance?: number;
  readonly waitMs?: number;
  readonly nature?: FaultNature;
}

/** The start of each of these failing attempts, and the result. */
async function retried(
  failures: number,
  { chance = 0, waitMs = 0, nature = 'passing', ...bounds }: Tries = {},
) {
  const clock = createFakeClock();
  const startedAt = clock.now();
  const triedAt: number[] = [];
  const tryOnce = async (): Promise<Attempt<string>> => {
    triedAt.push(clock.now() - startedAt);
    return triedAt.length > failures ? { value: 'done' } : { fault: { ...FAULT, nature, waitMs } };
  };
  const { deadline = 1e9, signal = new AbortController().signal, ...others } = bounds;
  const given = { deadline: startedAt + deadline, signal, ...others };
  const result = await retry(
    { clock, random: () => chance, budget: createRetryBudget(clock) },
    tryOnce,
    given,
  );
  return { triedAt, result, pausesMs: triedAt.slice(1).map((at, index) => at - (triedAt[index] ?? 0)) };
}

describe('attempts', () => {
  test('end with the first value', async () => {
    expect(await retried(0)).toMatchObject({ triedAt: [0], result: { value: 'done' } });
  });

  test('begin again after pauses that double, up to three seconds', async () => {
    expect((await retried(6)).pausesMs).toEqual([250, 500, 1_000, 2_000, 3_000, 3_000]);
  });

  test('are sooner by chance, by half of a pause at the most', async () => {
    expect((await retried(5, { chance: 0.5 })).pausesMs).toEqual([187.5, 375, 750, 1_500, 2_250]);
    expect((await retried(2, { chance: 1 })).pausesMs).toEqual([125, 250]);
  });

  test('are as far apart as the server asks for, if that is longer', async () => {
    expect((await retried(2, { waitMs: 7_000 })).pausesMs).toEqual([7_000, 7_000]);
    expect((await retried(2, { waitMs: 300 })).pausesMs).toEqual([300, 500]);
  });

  test('get closer together toward the deadline, and end when another would be useless', async () => {
    const { triedAt, result } = await retried(100, { deadline: 2_000 });
    expect(triedAt).toEqual([0, 250, 750, 1_375, 1_687.5, 1_843.75]);
    expect(result).toEqual({ fault: { ...FAULT, waitMs: 0 }, isFinal: false });
  });

  test.each([
    [249, 1],
    [250, 2],
  ])('with %i ms left there are %i', async (deadline, tries) => {
    expect((await retried(100, { deadline })).triedAt).toHaveLength(tries);
  });

  test.each([
    [4_999, 2],
    [5_000, 1],
  ])('end at once where a quota allows none for longer: %i ms', async (waitMs, tries) => {
    expect((await retried(1, { deadline: 5_000, waitMs, nature: 'quota' })).triedAt).toHaveLength(tries);
  });

  test('continue if the server requests more time than is left: it may be back sooner', async () => {
    const { triedAt } = await retried(100, { deadline: 8_000, waitMs: 9_000 });
    expect(triedAt).toEqual([0, 3_000, 5_500, 6_750, 7_375, 7_687.5, 7_843.75]);
    expect((await retried(1, { deadline: 8_000, waitMs: 7_999 })).triedAt).toEqual([0, 7_999]);
  });

  test('end as soon as the budget is spent, and say so', async () => {
    const { triedAt: once, result } = await retried(100, { nature: 'refusal' });
    expect(once).toEqual([0]);
    expect(result).toMatchObject({ isFinal: true });
    const { triedAt } = await retried(100, { nature: 'mistake' });
    expect(triedAt).toEqual([0, 250, 750, 1_750, 3_750, 6_750, 9_750, 12_750, 15_750]);
  });

  test('do not wait the whole pause if a server requests a long one', async () => {
    const { pausesMs, triedAt } = await retried(100, { nature: 'long pause', waitMs: 600_000 });
    expect(pausesMs).toEqual(Array(10).fill(3_000));
    expect(triedAt.at(-1)).toBe(30_000);
  });

  test('report each one that failed, even the last', async () => {
    const faults: Fault[] = [];
    await retried(100, { deadline: 600, onFault: (fault) => faults.push(fault) });
    expect(faults).toHaveLength(3);
    expect(faults.map(({ leftMs }) => leftMs)).toEqual([600, 350, 0]);
    expect(faults[0]).toEqual({ ...FAULT, waitMs: 0, leftMs: 600 });
  });

  test('say how much longer they go on: no longer than the budget allows', async () => {
    const leftMs: (number | undefined)[] = [];
    const onFault = (fault: Fault) => leftMs.push(fault.leftMs);
    await retried(100, { nature: 'mistake', onFault });
    expect(leftMs).toEqual([15_000, 14_750, 14_250, 13_250, 11_250, 8_250, 5_250, 2_250, 0]);
  });

  test.each([
    [20_000, 40_250],
    [12_000, 49_750],
  ])('that take long to connect use up the budget, too: %i ms each', async (tookMs, endsAfterMs) => {
    const clock = createFakeClock();
    const startedAt = clock.now();
    const { signal } = new AbortController();
    const tryOnce = async (): Promise<Attempt<string>> => {
      await clock.sleep(tookMs, signal);
      return { fault: { ...FAULT, nature: 'unreachable' } };
    };
    const context = { clock, random: () => 0, budget: createRetryBudget(clock) };
    await retry(context, tryOnce, { deadline: Number.POSITIVE_INFINITY, signal });
    expect(clock.now() - startedAt).toBe(endsAfterMs);
  });

  test('end with the signal, unless the last one ended with a value', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));
    const faults: Fault[] = [];
    const onFault = (fault: Fault) => faults.push(fault);
    await expect(retried(1, { signal, onFault })).rejects.toThrow('cancelled');
    expect(faults).toEqual([]);
    expect((await retried(0, { signal })).result).toEqual({ value: 'done' });
  });
});

test.each<[number | undefined, FaultNature]>([
  [undefined, 'passing'],
  [60_000, 'passing'],
  [60_001, 'long pause'],
])('to be asked to wait for %p ms is %s', (retryAfterMs, nature) => {
  expect(natureOf(retryAfterMs)).toBe(nature);
});

describe('Retry-After', () => {
  const DATE = 'Sun, 13 Oct 2024 10:51:34 GMT';

  test.each<[string | undefined, string | undefined, number | undefined]>([
    ['7', undefined, 7_000],
    [' 7 ', undefined, 7_000],
    ['0', undefined, 0],
    ['999999999', undefined, 999_999_999_000],
    ['1234567890', undefined, undefined],
    ['in 7', undefined, undefined],
    ['7 s', undefined, undefined],
    ['-7', undefined, undefined],
    ['', DATE, undefined],
    [undefined, DATE, undefined],
    [undefined, undefined, undefined],
    ['Sun, 13 Oct 2024 10:51:44 GMT', DATE, 10_000],
    ['Sun, 13 Oct 2024 10:51:24 GMT', DATE, 0],
    ['Sun, 13 Oct 2024 10:51:44 GMT', undefined, undefined],
    ['Sun, 13 Oct 2024 10:51:44 GMT', 'yesterday', undefined],
  ])('%j, answered at %j, asks for %p milliseconds', (retryAfter, date, expected) => {
    expect(parseRetryAfter(retryAfter, date)).toBe(expected);
  });
});

/** What is noted of faults at these moments, in seconds. */
function noted(faults: readonly (readonly [number, FaultNature | 'good'])[]): string[] {
  let now = 0;
  const budget = createRetryBudget({ now: () => now });
  return faults.map(([at, nature]) => {
    now = at * 1_000;
    if (nature !== 'good') return budget.note(nature) > 0 ? 'left' : 'spent';
    budget.renew();
    return 'good';
  });
}

describe('before the first good answer', () => {
  test.each<[FaultNature, number, number]>([
    ['mistake', 14.999, 15],
    ['long pause', 29.999, 30],
  ])('a %s is retried for %d s', (nature, before, at) => {
    expect(
      noted([
        [3, nature],
        [3 + before, nature],
        [3 + at, nature],
      ]),
    ).toEqual(['left', 'left', 'spent']);
  });

  test('an unreachable server is retried for 37 s, so that it ends within a minute', () => {
    const faults = [3, 20, 39.999, 40].map((at) => [at, 'unreachable'] as const);
    expect(noted(faults)).toEqual(['left', 'left', 'left', 'spent']);
  });

  test.each<[FaultNature, FaultNature, number]>([
    ['unreachable', 'mistake', 15],
    ['mistake', 'unreachable', 37],
  ])('%s and %s have times of their own', (first, second, forS) => {
    expect(
      noted([
        [0, first],
        [10, first],
        [14, second],
        [14 + forS / 2, second],
        [14 + forS - 0.001, second],
        [14 + forS, second],
      ]),
    ).toEqual(['left', 'left', 'left', 'left', 'left', 'spent']);
  });

  test('a refusal is final at once', () => {
    expect(noted([[0, 'refusal']])).toEqual(['spent']);
  });

  test('a fault that may pass is never final', () => {
    expect(
      noted([
        [0, 'passing'],
        [1e6, 'passing'],
      ]),
    ).toEqual(['left', 'left']);
  });

  test.each<[string, FaultNature]>([
    ['what may pass', 'passing'],
    ['a quota', 'quota'],
  ])('%s restarts the time for all others', (_, nature) => {
    expect(
      noted([
        [0, 'mistake'],
        [10, nature],
        [20, 'mistake'],
        [34, 'mistake'],
        [35, 'mistake'],
      ]),
    ).toEqual(['left', 'left', 'left', 'left', 'spent']);
  });
});

describe('an attempt that ended without a connection', () => {
  const noteAt = (nature: FaultNature, tookMs: number) => {
    let now = 0;
    const budget = createRetryBudget({ now: () => now });
    now = tookMs;
    return budget.note(nature, tookMs);
  };

  test.each([
    [0, 37_000],
    [10_000, 27_000],
    [20_000, 17_000],
    // The process was suspended.
    [600_000, 17_000],
  ])('counts from its begin: %i ms', (tookMs, leftMs) => {
    expect(noteAt('unreachable', tookMs)).toBe(leftMs);
  });

  test('is the only one that does: a slow refusal may be the first of many', () => {
    expect(noteAt('mistake', 10_000)).toBe(15_000);
  });
});

describe('any answer shows that the server can be reached', () => {
  test.each<[FaultNature, boolean]>([
    ['unreachable', true],
    ['mistake', false],
  ])('so the time for %s begins again: %s', (nature, beginsAgain) => {
    let now = 0;
    const budget = createRetryBudget({ now: () => now });
    budget.reached();
    const allowedMs = budget.note(nature);
    now = 5_000;
    budget.reached();
    expect(budget.note(nature)).toBe(allowedMs - (beginsAgain ? 0 : 5_000));
  });
});

describe('after a good answer', () => {
  test.each<[FaultNature]>([['refusal'], ['long pause']])('a %s is retried for 30 s', (nature) => {
    const faults = [
      [0, 'good'],
      [1, nature],
      [30.999, nature],
      [31, nature],
    ] as const;
    expect(noted(faults)).toEqual(['good', 'left', 'left', 'spent']);
  });

  test.each<[FaultNature]>([['mistake'], ['unreachable']])('%s is never final', (nature) => {
    expect(
      noted([
        [0, 'good'],
        [1, nature],
        [30, nature],
        [1e6, nature],
      ]),
    ).toEqual(['good', 'left', 'left', 'left']);
  });

  test.each([
    [31, 'spent'],
    [31.001, 'left'],
  ])('a long gap without requests restarts the time: from 1 s to %d s', (at, expected) => {
    const faults = [
      [0, 'good'],
      [1, 'refusal'],
      [at, 'long pause'],
    ] as const;
    expect(noted(faults)).toEqual(['good', 'left', expected]);
  });

  test('another good answer restarts the time', () => {
    const faults = [
      [0, 'good'],
      [1, 'refusal'],
      [20, 'good'],
      [40, 'refusal'],
      [69, 'refusal'],
      [70, 'refusal'],
    ] as const;
    expect(noted(faults)).toEqual(['good', 'left', 'good', 'left', 'left', 'spent']);
  });
});

test('a separate budget counts only the faults of its own kind of request', () => {
  let now = 0;
  const budget = createRetryBudget({ now: () => now });
  expect(budget.apart().note('refusal')).toBe(0);
  budget.renew();
  const apart = budget.apart();
  expect(apart.note('refusal')).toBe(30_000);
  now = 30_000;
  budget.renew();
  expect([apart.note('refusal'), budget.note('refusal')]).toEqual([0, 30_000]);
});

test('an endless budget is never spent', () => {
  ENDLESS_BUDGET.renew();
  ENDLESS_BUDGET.reached();
  for (const nature of ['mistake', 'refusal', 'denial', 'long pause', 'unreachable'] as const)
    expect([ENDLESS_BUDGET, ENDLESS_BUDGET.apart()].map((budget) => budget.note(nature, 1e9))).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
});

test('a quota is never final', () => {
  expect(
    noted([
      [0, 'quota'],
      [1e6, 'quota'],
    ]),
  ).toEqual(['left', 'left']);
});
