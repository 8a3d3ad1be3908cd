import { describe, expect, test } from '@jest/globals';
import { isTooComplex, parseJson, text, UnusableAnswer } from '../../src/http/json.ts';

describe('parseJson', () => {
  test.each([
    ['{"a":[1]}', { a: [1] }],
    ['null', null],
    ['{"a":', undefined],
    ['', undefined],
  ])('%j', (json, expected) => {
    expect(parseJson(json)).toEqual(expected);
  });

  test('reads a list with one large text in it, and one that contains only commas', () => {
    const list = [
      { startup_script: { stdout: 'a: {"b", [c]},\n'.repeat(100_000) } },
      ...Array(100_000).fill(0),
    ];
    const value = parseJson(JSON.stringify(list));
    // A failed test must not print all of it.
    expect(Array.isArray(value) ? value.length : 'not read').toBe(100_001);
  });
});

describe('JSON that could block the process', () => {
  const record = JSON.stringify({ vm: { instance_id: 'x', ports: [1, 2], script: '[{,:"\\'.repeat(1_000) } });
  const HALF = 2_000_000;

  test.each<[string, string, boolean]>([
    ['a list of records with long scripts', `[${`${record},`.repeat(3_000)}0]`, false],
    ['one long string of brackets', `"${'['.repeat(100_000)}"`, false],
    ['a string of escaped quotes and backslashes', `"${'\\"\\\\'.repeat(1_000)}"${'['.repeat(200)}`, false],
    ['brackets after a string that ends in a backslash', `"\\\\"${'['.repeat(201)}`, true],
    ['brackets in a string without an end', `"${'['.repeat(201)}`, false],
    ['200 levels', '{"a":['.repeat(100) + ']}'.repeat(100), false],
    ['201 levels', '['.repeat(201), true],
    ['many lists side by side', '[],'.repeat(1_000), false],
    ['four million tokens', '{}'.repeat(HALF), false],
    ['one more', `${'{}'.repeat(HALF)},`, true],
    ['too many commas', ','.repeat(2 * HALF + 1), true],
    ['too many colons', ':'.repeat(2 * HALF + 1), true],
    ['too many strings', '""'.repeat(2 * HALF + 1), true],
    ['nothing', '', false],
  ])('%s', (_, json, expected) => {
    expect(isTooComplex(json)).toBe(expected);
  });

  test('is not parsed', () => {
    expect(parseJson(`${'['.repeat(200)}${']'.repeat(200)}`)).toBeDefined();
    expect(parseJson(`${'['.repeat(201)}${']'.repeat(201)}`)).toBeUndefined();
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

  test('can have its own limit', () => {
    expect(text({ key: 'four' }, 'key', 4)).toBe('four');
    expect(text({ key: 'four' }, 'key', 3)).toBe('(a text of 4 characters)');
  });
});

test('an unusable answer says by its name what it is', () => {
  expect(String(new UnusableAnswer('why'))).toBe('UnusableAnswer: why');
});
