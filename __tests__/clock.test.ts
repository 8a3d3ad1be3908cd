import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isTimeout, minutes, seconds, systemClock, unlessAborted, within } from '../src/clock.ts';
import { createFakeClock } from './support/fake-clock.ts';

const NEVER = new AbortController().signal;

describe('systemClock', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('sleeps for the given time', async () => {
    const startedAt = systemClock.now();
    const slept = systemClock.sleep(1_500, NEVER).then(() => systemClock.now() - startedAt);
    await jest.advanceTimersByTimeAsync(1_499);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await slept).toBe(1_500);
  });

  test('does not sleep for a negative time', async () => {
    const slept = systemClock.sleep(-5, NEVER);
    await jest.advanceTimersByTimeAsync(0);
    await expect(slept).resolves.toBeUndefined();
  });

  test('wakes up when the signal aborts, and leaves no timer behind', async () => {
    const controller = new AbortController();
    const slept = systemClock.sleep(1_000, controller.signal);
    controller.abort(new Error('stop'));
    await expect(slept).rejects.toThrow('stop');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('leaves nothing behind, whether the signal or the timer ends it', async () => {
    const controller = new AbortController();
    const slept = systemClock.sleep(1_000, controller.signal);
    await jest.advanceTimersByTimeAsync(1_000);
    await slept;
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    const interrupted = systemClock.sleep(1_000, controller.signal);
    controller.abort(new Error('stop'));
    await expect(interrupted).rejects.toThrow('stop');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('does not fall asleep if the signal has aborted', async () => {
    await expect(systemClock.sleep(1_000, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('within', () => {
  const limit = { ms: 10_000, signal: NEVER };
  const isLimit = (ms: number) => ms === 10_000;

  test('returns the result of the work', async () => {
    await expect(within(createFakeClock(isLimit), limit, async () => 'done')).resolves.toBe('done');
  });

  test('throws what the work throws, and aborts its signal', async () => {
    let seen: AbortSignal | undefined;
    const work = async (signal: AbortSignal) => {
      seen = signal;
      throw new Error('broken');
    };
    await expect(within(createFakeClock(isLimit), limit, work)).rejects.toThrow('broken');
    expect(seen?.reason).toMatchObject({ name: 'AbortError', message: 'the work is over' });
  });

  test('leaves neither a timer nor a listener behind', async () => {
    jest.useFakeTimers();
    const { signal } = new AbortController();
    await within(systemClock, { ms: 10_000, signal }, async () => 'done');
    expect(jest.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    jest.useRealTimers();
  });

  test('abandons work that hangs', async () => {
    const clock = createFakeClock(isLimit);
    const result = within(clock, limit, () => new Promise(() => {}));
    clock.expire();
    await expect(result).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'the time allowed is over',
    });
  });

  /** A process that is suspended past its timer, and finds an answer as soon as it can read. */
  async function sleptOver(ms: number, lateMs: number): Promise<unknown> {
    const sleeps: number[] = [];
    let now = 0;
    let answer = (_: string): void => {};
    const clock = {
      now: () => now,
      async sleep(duration: number) {
        sleeps.push(duration);
        now += duration + (sleeps.length === 1 ? lateMs : 0);
        if (sleeps.length > 1) answer('in time');
      },
    };
    const result = within(clock, { ms, signal: NEVER }, () => {
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    return [await result.catch(({ name }: Error) => name), sleeps];
  }

  test('reads what has already arrived if the process was suspended past the limit', async () => {
    expect(await sleptOver(10_000, 251)).toEqual(['in time', [10_000, 50]]);
    expect(await sleptOver(10_000, 250)).toEqual(['TimeoutError', [10_000]]);
  });

  test('does not even begin if the signal has aborted', async () => {
    const work = jest.fn(async () => 'done');
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(within(createFakeClock(isLimit), { ms: 10_000, signal }, work)).rejects.toThrow('cancelled');
    expect(work).not.toHaveBeenCalled();
  });

  test('abandons work when the signal aborts', async () => {
    const controller = new AbortController();
    const result = within(
      createFakeClock(isLimit),
      { ms: 10_000, signal: controller.signal },
      () => new Promise(() => {}),
    );
    controller.abort(new Error('cancelled'));
    await expect(result).rejects.toThrow('cancelled');
  });
});

describe('work that is waited for unless a signal aborts', () => {
  const never = new Promise<never>(() => {});

  test('gives its result, and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(signal, Promise.resolve('done'))).toBe('done');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('ends with the reason, at once if the signal has aborted already', async () => {
    const controller = new AbortController();
    const result = unlessAborted(controller.signal, never);
    controller.abort(new Error('canceled'));
    await expect(result).rejects.toThrow('canceled');
    await expect(unlessAborted(controller.signal, never)).rejects.toThrow('canceled');
  });
});

test.each<[string, unknown, boolean]>([
  ['the end of the time allowed', new DOMException('over', 'TimeoutError'), true],
  ['an abort', new DOMException('over', 'AbortError'), false],
  ['an error of that name from elsewhere', Object.assign(new Error('over'), { name: 'TimeoutError' }), false],
  ['nothing', undefined, false],
])('%s as a timeout', (_, thrown, expected) => {
  expect(isTimeout(thrown)).toBe(expected);
});

test('seconds are formatted with one decimal', () => {
  expect(seconds(12_345)).toBe('12.3 s');
});

test.each([
  [250_000, '4 min 10 s'],
  [35_000, '35 s'],
  [34_001, '35 s'],
  [120_000, '2 min'],
  [0, '0 s'],
  [-5, '0 s'],
])('%i ms that are left: %s', (ms, text) => {
  expect(minutes(ms)).toBe(text);
});
