import { expect, test } from '@jest/globals';
import { doubtfulMarks, isMark, originalOf } from '../../src/drain/drain-labels.ts';

const MARK = 'macos.drained-9001-1764421200';

test.each<[string, string, boolean]>([
  [MARK, 'macos', true],
  [`${MARK}.drained-9002-1764421300`, MARK, true],
  ['a\nb.drained-9001-1764421200', 'a\nb', true],
  ['macos', 'macos', false],
  ['macos.drained', 'macos.drained', false],
  ['.drained-9001-1764421200', '.drained-9001-1764421200', false],
  ['macos.drained-9001-176442120', 'macos.drained-9001-176442120', false],
  ['macos.drained-x-1764421200', 'macos.drained-x-1764421200', false],
  [`${MARK}-arm`, `${MARK}-arm`, false],
])('the label %j is, or replaced, %j', (label, original, expected) => {
  expect([originalOf(label), isMark(label)]).toEqual([original, expected]);
});

test('a read that may be out of date puts the marks of the labels that it shows in doubt, whatever their case', () => {
  const drain = { id: 23, name: 'mac-7', owner: '9001-1764421200', names: ['macos', 'ARM', 'pool'] };
  const names = ['MACOS', 'arm.drained-8000-1764421200', 'vm'];
  const seen = { labels: names.map((name) => ({ name, type: 'custom' }) as const), date: 0 };
  expect(doubtfulMarks(drain, seen).map(({ label }) => label)).toEqual([
    'macos.drained-9001-1764421200',
    'ARM.drained-9001-1764421200',
  ]);
});
