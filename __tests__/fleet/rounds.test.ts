import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { createRounds, type RoundsOptions } from '../../src/fleet/rounds.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { HTTP_502 } from '../support/scripted-controller.ts';

interface Asked {
  readonly at: number;
  readonly questions: readonly string[];
  readonly deadline: number;
}

/** What takes `tookMs` to answer with the number of the round; an error is thrown instead. */
function stage(
  options: Partial<RoundsOptions<string, number>> = {},
  outcomes: readonly (number | Error)[] = [],
) {
  const time = createVirtualTime(0);
  const cancel = new AbortController();
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  let round = 0;
  const rounds = createRounds<string, number>({
    clock: time.clock,
    signal: cancel.signal,
    everyMs: () => 1_000,
    onFault: (fault) => void faults.push(fault),
    unanswered: (last) => new ActionError('timed_out', last?.reason ?? 'nothing'),
    async ask(questions, { deadline, signal, onFault }) {
      asked.push({ at: time.now(), questions, deadline });
      const outcome = outcomes[round++] ?? 100;
      if (outcome instanceof Error) onFault?.(HTTP_502);
      await time.clock.sleep(outcome instanceof Error ? 100 : outcome, signal);
      if (outcome instanceof Error) throw outcome;
      return round;
    },
    ...options,
  });
  const pass = (ms: number) => time.clock.sleep(ms, new AbortController().signal);
  /** Asks after so long; resolves to the answer, or what was thrown, and when. */
  async function ask(afterMs: number, question: string, bounds: Partial<RetryBounds> = {}) {
    await pass(afterMs);
    const given = { deadline: 60_000, signal: cancel.signal, ...bounds };
    const answer = await rounds.ask(question, given).catch((error: Error) => error.message);
    return [answer, time.now()];
  }
  return { time, cancel, asked, faults, ask, pass };
}

describe('a round', () => {
  test('answers all who asked before it began, and nobody who asked later', async () => {
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

  test('that took long is followed by as long a pause', async () => {
    const { time, ask, asked } = stage({}, [3_000]);
    await time.run(Promise.all([ask(0, 'a'), ask(1, 'b')]));
    expect(asked.map(({ at }) => at)).toEqual([0, 6_000]);
  });

  test('follows at once where none has to wait', async () => {
    const { time, ask, asked } = stage({ everyMs: () => 0 }, [3_000]);
    await time.run(Promise.all([ask(0, 'a'), ask(1, 'b')]));
    expect(asked.map(({ at }) => at)).toEqual([0, 3_000]);
  });

  test('may wait for others to join it', async () => {
    const { time, ask, asked } = stage({ gatherMs: 500 });
    await time.run(Promise.all([ask(0, 'a'), ask(499, 'b'), ask(5_000, 'c')]));
    expect(asked.map(({ at, questions }) => [at, questions])).toEqual([
      [500, ['a', 'b']],
      [5_500, ['c']],
    ]);
  });

  test('may overlap with another', async () => {
    const { time, ask, asked } = stage({ everyMs: () => 0, overlaps: true }, [3_000, 100]);
    expect(await time.run(Promise.all([ask(0, 'a'), ask(1, 'b')]))).toEqual([
      [2, 3_000],
      [2, 101],
    ]);
    expect(asked.map(({ at }) => at)).toEqual([0, 1]);
  });
});

describe('an asker', () => {
  test('has a deadline of its own, and the round goes on for the others', async () => {
    const { time, ask, asked } = stage({}, [5_000]);
    expect(await time.run(Promise.all([ask(0, 'a', { deadline: 2_000 }), ask(0, 'b')]))).toEqual([
      ['nothing', 2_000],
      [1, 5_000],
    ]);
    expect(asked).toEqual([{ at: 0, questions: ['a', 'b'], deadline: 60_000 }]);
  });

  test('that is the last to go breaks the round off', async () => {
    const { time, ask, asked } = stage({}, [50_000]);
    const answers = [ask(0, 'a', { deadline: 2_000 }), ask(0, 'b', { deadline: 3_000 }), ask(10, 'c')];
    expect(await time.run(Promise.all(answers))).toEqual([
      ['nothing', 2_000],
      ['nothing', 3_000],
      [2, 6_100],
    ]);
    expect(asked.map(({ questions }) => questions)).toEqual([['a', 'b'], ['c']]);
  });

  test('that has gone before its round began is asked for no more', async () => {
    const { time, ask, asked } = stage({}, [5_000]);
    await time.run(
      Promise.all([ask(0, 'a'), ask(10, 'b', { deadline: 1_000 }), ask(20, 'c', { deadline: 900 })]),
    );
    expect(asked.map(({ questions }) => questions)).toEqual([['a']]);
  });

  test('that has gone while others might have joined its round leaves nothing to ask', async () => {
    const { time, ask, asked } = stage();
    await time.run(Promise.all([ask(0, 'a'), ask(150, 'b', { deadline: 500 }), ask(3_000, 'c')]));
    expect(asked.map(({ questions }) => questions)).toEqual([['a'], ['c']]);
  });

  test('may be cancelled, with all others', async () => {
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
});

describe('what goes wrong', () => {
  test('is what each asker gets', async () => {
    const { time, ask } = stage({}, [new ActionError('permission_denied', 'No.')]);
    expect(await time.run(Promise.all([ask(0, 'a'), ask(0, 'b'), ask(10, 'c')]))).toEqual([
      ['No.', 100],
      ['No.', 100],
      [2, 1_100],
    ]);
  });

  test('for a while is told once, and to each asker as told already', async () => {
    const { time, ask, faults } = stage({}, [new Error('at last')]);
    const told: unknown[] = [];
    const onFault = (fault: Fault) => void told.push(fault);
    await time.run(Promise.all([ask(0, 'a', { onFault }), ask(0, 'b', { onFault }), ask(0, 'c')]));
    expect(faults).toEqual([HTTP_502]);
    expect(told).toEqual(Array(2).fill({ ...HTTP_502, isTold: true }));
  });

  test('is what those missed, too, who wait for the next round', async () => {
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
