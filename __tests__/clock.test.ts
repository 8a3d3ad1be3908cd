import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { endProcessWithin, seconds, systemClock, within } from '../src/clock.ts';
import { createFakeClock } from './support/fake-clock.ts';

const NEVER = new AbortController().signal;

describe('systemClock', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('sleeps for as long as it is told', async () => {
    const startedAt = systemClock.now();
    const slept = systemClock.sleep(1_500, NEVER).then(() => systemClock.now() - startedAt);
    await jest.advanceTimersByTimeAsync(1_499);
    expect(jest.getTimerCount()).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await slept).toBe(1_500);
  });

  test('takes a time in the past for none', async () => {
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

  test('does not fall asleep where the signal has aborted', async () => {
    await expect(systemClock.sleep(1_000, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect(jest.getTimerCount()).toBe(0);
  });

  test.each([
    ['linux', 1],
    ['win32', 0],
  ])('ends the process on %s if something still holds it up', async (platform, replacements) => {
    const original = process.platform;
    Object.defineProperty(process, 'platform', { value: platform });
    const exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const replace = jest
      .spyOn(process as Required<NodeJS.Process>, 'execve')
      .mockReturnValue(undefined as never);
    endProcessWithin(300);
    await jest.advanceTimersByTimeAsync(300);
    Object.defineProperty(process, 'platform', { value: original });
    expect(replace).toHaveBeenCalledTimes(replacements);
    expect(exit).toHaveBeenCalledTimes(1);
  });
});

describe('within', () => {
  const limit = { ms: 10_000, signal: NEVER };
  const isLimit = (ms: number) => ms === 10_000;

  test('hands on what the work gives', async () => {
    await expect(within(createFakeClock(isLimit), limit, async () => 'done')).resolves.toBe('done');
  });

  test('hands on what the work throws, and tells it that it is over', async () => {
    let seen: AbortSignal | undefined;
    const work = async (signal: AbortSignal) => {
      seen = signal;
      throw new Error('broken');
    };
    await expect(within(createFakeClock(isLimit), limit, work)).rejects.toThrow('broken');
    expect(seen?.aborted).toBe(true);
  });

  test('lets go of work that hangs', async () => {
    const clock = createFakeClock(isLimit);
    const result = within(clock, limit, () => new Promise(() => {}));
    clock.expire();
    await expect(result).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('lets go of work when the signal aborts', async () => {
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

test('seconds are for people', () => {
  expect(seconds(12_345)).toBe('12.3 s');
});
