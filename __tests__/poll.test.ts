import { describe, expect, test } from '@jest/globals';
import { type PollOptions, type PollTime, pollUntil } from '../src/poll.ts';
import { createFakeClock } from './support/fake-clock.ts';

interface Script extends Partial<Pick<PollOptions, 'firstAt' | 'longestMs' | 'shortestMs'>> {
  /** Milliseconds from the start to the deadline; a function is asked with the number of polls so far. */
  readonly deadline: number | ((polls: number) => number);
  /** From the beginning of one poll to that of the next: in milliseconds. */
  readonly everyMs?: number;
  /** How long each poll takes, in milliseconds; the last entry lasts. */
  readonly takes?: readonly number[];
  /** Which poll returns something. */
  readonly foundBy?: number;
}

/** Each poll as [when it began, how long it may take], and what came of them. Moments count from the start. */
async function run({ deadline, everyMs = 1_000, takes = [0], foundBy, firstAt, ...options }: Script) {
  const clock = createFakeClock();
  const { signal } = new AbortController();
  const startedAt = clock.now();
  const polls: [number, number][] = [];
  const found = await pollUntil(
    {
      ...options,
      ...(firstAt !== undefined && { firstAt: startedAt + firstAt }),
      ...{ clock, signal, nextAt: (last: PollTime) => last.startedAt + everyMs },
      deadline: () => startedAt + (typeof deadline === 'number' ? deadline : deadline(polls.length)),
    },
    async (time) => {
      polls.push([time.startedAt - startedAt, time.until - time.startedAt]);
      await clock.sleep(takes[Math.min(polls.length, takes.length) - 1] ?? 0, signal);
      return polls.length === foundBy ? 'found' : undefined;
    },
  );
  return { polls, found };
}

test('ends with the first poll that finds something', async () => {
  expect(await run({ deadline: 9_000, foundBy: 2 })).toEqual({
    found: 'found',
    polls: [
      [0, 9_000],
      [1_000, 8_000],
    ],
  });
});

describe('polls begin', () => {
  const begun = async (script: Script) => (await run(script)).polls.map(([at]) => at);

  test.each<[string, Script, number[]]>([
    ['at once, and at last at the deadline', { deadline: 2_700 }, [0, 1_000, 2_000, 2_700]],
    ['at once even right before the deadline', { deadline: 100 }, [0, 100]],
    ['at the requested time', { deadline: 2_000, firstAt: 700 }, [700, 2_000]],
    ['not after the deadline', { deadline: 2_000, firstAt: 9_000 }, [2_000]],
    ['500 ms before the deadline', { deadline: 1_500 }, [0, 1_000, 1_500]],
    ['but no later', { deadline: 1_499 }, [0, 1_499]],
    ['as long before it as requested', { deadline: 4_000, shortestMs: 2_000 }, [0, 1_000, 2_000, 4_000]],
    ['right after one that took longer', { deadline: 3_000, takes: [1_800, 0] }, [0, 1_800, 3_000]],
    ['once where the deadline is now', { deadline: 0 }, [0]],
    ['once where it has passed', { deadline: -5_000 }, [0]],
  ])('%s', async (_, script, expected) => {
    expect(await begun(script)).toEqual(expected);
  });

  test('as long as the deadline moves on', async () => {
    expect(await begun({ deadline: (polls) => (polls < 4 ? Infinity : 3_000) })).toEqual([
      0, 1_000, 2_000, 3_000,
    ]);
  });
});

describe('a poll may take', () => {
  const limits = async (script: Script) => (await run(script)).polls.map(([, ms]) => ms);

  test.each<[string, Script, number[]]>([
    ['the time until the deadline; the last one 1.5 s', { deadline: 1_500 }, [1_500, 500, 1_500]],
    ['as long as requested', { deadline: 1_500, longestMs: 700 }, [700, 500, 1_500]],
  ])('%s', async (_, script, expected) => {
    expect(await limits(script)).toEqual(expected);
  });
});

describe('a process that was suspended', () => {
  test('over the deadline gets its last poll, with time for it', async () => {
    expect((await run({ deadline: 2_000, takes: [3_600_000, 0] })).polls).toEqual([
      [0, 2_000],
      [3_600_000, 1_500],
    ]);
  });

  test.each([
    [1_999, 1],
    [2_000, 2],
  ])('during the last poll gets one more: it took %i ms', async (ms, expected) => {
    expect((await run({ deadline: 0, takes: [ms, 0] })).polls).toHaveLength(expected);
  });

  test('again during that gets no third one', async () => {
    expect((await run({ deadline: 0, takes: [60_000] })).polls).toHaveLength(2);
  });
});

test('ends with the signal, before a poll and between two', async () => {
  const clock = createFakeClock();
  const cancellation = new AbortController();
  const options = { clock, signal: cancellation.signal, deadline: () => Infinity, nextAt: () => 0 };
  let polls = 0;
  const polling = pollUntil(options, async () => {
    polls++;
    cancellation.abort(new Error('cancelled'));
    return undefined;
  });
  await expect(polling).rejects.toThrow('cancelled');
  await expect(pollUntil(options, async () => polls++)).rejects.toThrow('cancelled');
  expect(polls).toBe(1);
});
