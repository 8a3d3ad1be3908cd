import { describe, expect, test } from '@jest/globals';
import { parseJson, text, UnusableAnswer } from '../../src/http/json.ts';

describe('parseJson', () => {
  test.each([
    ['{"a":[1]}', { a: [1] }],
    ['null', null],
    ['{"a":', undefined],
    ['', undefined],
  ])('%j', (json, expected) => {
    expect(parseJson(json)).toEqual(expected);
  });

  test('reads a list with one large text in it, and what holds nothing but commas', () => {
    const list = [
      { startup_script: { stdout: 'a: {"b", [c]},\n'.repeat(100_000) } },
      ...Array(100_000).fill(0),
    ];
    const value = parseJson(JSON.stringify(list));
    // A failed test must not print it all.
    expect(Array.isArray(value) ? value.length : 'not read').toBe(100_001);
  });
});

describe('a text field', () => {
  test.each<[unknown, string | undefined]>([
    ['x', 'x'],
    ['', undefined],
    [7, undefined],
    [undefined, undefined],
    ['x'.repeat(200), 'x'.repeat(200)],
    ['x'.repeat(201), '(a text of 201 characters)'],
  ])('%j', (value, expected) => {
    expect(text({ key: value }, 'key')).toBe(expected);
  });

  test('may have a limit of its own', () => {
    expect(text({ key: 'four' }, 'key', 4)).toBe('four');
    expect(text({ key: 'four' }, 'key', 3)).toBe('(a text of 4 characters)');
  });
});

test('an unusable answer says by its name what it is', () => {
  expect(String(new UnusableAnswer('why'))).toBe('UnusableAnswer: why');
});
