import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { type CoalescingOptions, coalesce, spacing } from '../../src/fleet/coalescing.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { HTTP_502 } from '../support/scripted-controller.ts';

interface Asked {
  readonly at: number;
  readonly questions: readonly string[];
  readonly deadline: number;
}

/** Answers with the number of the batch after as many milliseconds as each outcome says, or fails with it. */
function stage(
  options: Partial<CoalescingOptions<string, number>> = {},
  outcomes: readonly (number | Error)[] = [],
) {
  const time = createVirtualTime(0);
  const cancel = new AbortController();
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  let batch = 0;
  const request = coalesce<string, number>({
    clock: time.clock,
    signal: cancel.signal,
    pauseMs: (_, previous) => spacing(1_000, previous, time.now()),
    onFault: (fault) => void faults.push(fault),
    noAnswer: (last) => new ActionError('timed_out', last?.reason ?? 'nothing'),
    async ask(questions, { deadline, signal, onFault }) {
      asked.push({ at: time.now(), questions, deadline });
      const outcome = outcomes[batch++] ?? 100;
      if (outcome instanceof Error) onFault?.(HTTP_502);
      await time.clock.sleep(outcome instanceof Error ? 100 : outcome, signal);
      if (outcome instanceof Error) throw outcome;
      return batch;
    },
    ...options,
  });
  const pass = (ms: number) => time.clock.sleep(ms, new AbortController().signal);
  /** Asks after a while; resolves to the answer, or what was thrown, and when. */
  async function ask(afterMs: number, question: string, bounds: Partial<RetryBounds> = {}) {
    await pass(afterMs);
    const given = { deadline: 60_000, signal: cancel.signal, ...bounds };
    const answer = await request(question, given).catch((error: Error) => error.message);
    return [answer, time.now()];
  }
  return { time, cancel, asked, faults, ask, pass };
}

describe('a batch', () => {
  test('answers all requests from before it began, and no later ones', async () => {
    const { time, ask, asked } = stage();
    const answers = [ask(0, 'a'), ask(0, 'b'), ask(50, 'c'), ask(100, 'd'), ask(1_050, 'e')];
    expect(await time.run(Promise.all(answers))).toEqual([
      [1, 100],
      [1, 100],
      [2, 1_100],
      [2, 1_100],
      [3, 2_100],
    ]);
    expect(asked).toEqual([
      { at: 0, questions: ['a', 'b'], deadline: 60_000 },
      { at: 1_000, questions: ['c', 'd'], deadline: 60_000 },
      { at: 2_000, questions: ['e'], deadline: 60_000 },
    ]);
  });

  test('that took long is followed by a pause as long', async () => {
    const { time, ask, asked } = stage({}, [3_000]);
    await time.run(Promise.all([ask(0, 'a'), ask(1, 'b')]));
    expect(asked.map(({ at }) => at)).toEqual([0, 6_000]);
  });

  test('follows at once if there is no pause', async () => {
    const { time, ask, asked } = stage({ pauseMs: () => 0 }, [3_000]);
    await time.run(Promise.all([ask(0, 'a'), ask(1, 'b')]));
    expect(asked.map(({ at }) => at)).toEqual([0, 3_000]);
  });

  test('can wait for others to join it', async () => {
    const { time, ask, asked } = stage({ pauseMs: () => 500 });
    await time.run(Promise.all([ask(0, 'a'), ask(499, 'b'), ask(5_000, 'c')]));
    expect(asked.map(({ at, questions }) => [at, questions])).toEqual([
      [500, ['a', 'b']],
      [5_500, ['c']],
    ]);
  });
});

describe('a caller', () => {
  test('has its own deadline, and the batch continues for the others', async () => {
    const { time, ask, asked } = stage({}, [5_000]);
    expect(await time.run(Promise.all([ask(0, 'a', { deadline: 2_000 }), ask(0, 'b')]))).toEqual([
      ['nothing', 2_000],
      [1, 5_000],
    ]);
    expect(asked).toEqual([{ at: 0, questions: ['a', 'b'], deadline: 60_000 }]);
  });

  test('that is the last to leave ends the batch', async () => {
    const { time, ask, asked } = stage({}, [50_000]);
    const answers = [ask(0, 'a', { deadline: 2_000 }), ask(0, 'b', { deadline: 3_000 }), ask(10, 'c')];
    expect(await time.run(Promise.all(answers))).toEqual([
      ['nothing', 2_000],
      ['nothing', 3_000],
      [2, 6_100],
    ]);
    expect(asked.map(({ questions }) => questions)).toEqual([['a', 'b'], ['c']]);
  });

  test('that left before its batch began is not part of the request', async () => {
    const { time, ask, asked } = stage({}, [5_000]);
    await time.run(
      Promise.all([ask(0, 'a'), ask(10, 'b', { deadline: 1_000 }), ask(20, 'c', { deadline: 900 })]),
    );
    expect(asked.map(({ questions }) => questions)).toEqual([['a']]);
  });

  test('that left before its batch began, and was alone, causes no request', async () => {
    const { time, ask, asked } = stage();
    await time.run(Promise.all([ask(0, 'a'), ask(150, 'b', { deadline: 500 }), ask(3_000, 'c')]));
    expect(asked.map(({ questions }) => questions)).toEqual([['a'], ['c']]);
  });

  test('can be cancelled, alone or with all others', async () => {
    const { time, ask, cancel, pass } = stage({}, [5_000]);
    const own = new AbortController();
    const cancelled = async () => {
      await pass(1_000);
      own.abort(new DOMException('enough of this one', 'AbortError'));
      await pass(1_000);
      cancel.abort(new Error('enough of all'));
    };
    const answers = [ask(0, 'a', { signal: own.signal }), ask(0, 'b'), ask(10, 'c'), cancelled()];
    expect((await time.run(Promise.all(answers))).slice(0, 3)).toEqual([
      ['enough of this one', 1_000],
      ['enough of all', 2_000],
      ['enough of all', 2_000],
    ]);
  });

  test('that is canceled before its batch began causes no request', async () => {
    const { time, ask, asked, cancel, pass } = stage({ pauseMs: () => 500 });
    const canceled = pass(100).then(() => cancel.abort(new Error('enough of all')));
    const [answer] = await time.run(Promise.all([ask(0, 'a'), canceled]));
    expect([answer, asked]).toEqual([['enough of all', 100], []]);
  });
});

describe('a failure', () => {
  test('reaches each caller', async () => {
    const { time, ask } = stage({}, [new ActionError('permission_denied', 'No.')]);
    expect(await time.run(Promise.all([ask(0, 'a'), ask(0, 'b'), ask(10, 'c')]))).toEqual([
      ['No.', 100],
      ['No.', 100],
      [2, 1_100],
    ]);
  });

  test('of an attempt is logged once, and passed to each caller as logged already', async () => {
    const { time, ask, faults } = stage({}, [new Error('at last')]);
    const reported: unknown[] = [];
    const onFault = (fault: Fault) => void reported.push(fault);
    await time.run(Promise.all([ask(0, 'a', { onFault }), ask(0, 'b', { onFault }), ask(0, 'c')]));
    expect(faults).toEqual([HTTP_502]);
    expect(reported).toEqual(Array(2).fill({ ...HTTP_502, isLogged: true }));
  });

  test('of an attempt also explains to callers of the next batch why they got no answer', async () => {
    const { time, ask } = stage({
      async ask(_, { signal, onFault }) {
        await time.clock.sleep(500, signal);
        onFault?.(HTTP_502);
        await time.clock.sleep(5_000, signal);
        return 1;
      },
    });
    expect(await time.run(Promise.all([ask(0, 'a'), ask(10, 'b', { deadline: 700 })]))).toEqual([
      [1, 5_500],
      [HTTP_502.reason, 700],
    ]);
  });
});
