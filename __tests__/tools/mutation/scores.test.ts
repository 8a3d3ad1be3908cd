import { expect, test } from '@jest/globals';
import { describeScores, type Mutant, scoreOf } from '../../../tools/mutation/scores.ts';

function mutants(numbers: Readonly<Record<string, number>>): Mutant[] {
  return Object.entries(numbers).flatMap(([status, count]) => Array<Mutant>(count).fill({ status }));
}

test('a time-out counts as found, and is also listed separately', () => {
  const found = { Killed: 90, Timeout: 5, Survived: 3, NoCoverage: 2, RuntimeError: 7, Ignored: 1 };
  const score = scoreOf('http', mutants(found));
  expect(score).toEqual({
    ...{ room: 'http', killed: 90, timedOut: 5, survived: 5 },
    ...{ percent: 95, percentKilled: 90 },
  });
  expect(describeScores([score])).toBe(
    [
      '| room | mutants | killed | timed out | survived | score | without timeouts |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| http | 100 | 90 | 5 | 5 | 95.0% | 90.0% |',
      '',
    ].join('\n'),
  );
});

test('a room without mutants has the full score', () => {
  expect(scoreOf('ground', [])).toMatchObject({ percent: 100, percentKilled: 100 });
});
