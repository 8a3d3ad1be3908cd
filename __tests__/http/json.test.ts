import { describe, expect, test } from '@jest/globals';
import {
  isDescription,
  isRecord,
  isTooComplex,
  parseJson,
  text,
  UnusableAnswer,
} from '../../src/http/json.ts';

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
    ['201 objects', '{"a":'.repeat(201), true],
    ['201 lists, each the second value of another', '[0,'.repeat(201), true],
    ['brackets in a string, after an escaped quote', `"\\"${'['.repeat(201)}"`, false],
    ['more spaces than the most tokens', ' '.repeat(2 * HALF + 1), false],
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

test.each([
  ['{}', true],
  ['{"a":1}', true],
  ['[]', false],
  ['null', false],
  ['"text"', false],
  ['7', false],
])('%s is a record: %p', (json, expected) => {
  expect(isRecord(JSON.parse(json))).toBe(expected);
});

test.each<[string, boolean]>([
  [text({ key: 'four' }, 'key', 3) ?? '', true],
  ['(a text of 1234 characters)', true],
  ['(a text of characters)', false],
  ['(a text of 4 characters) and more', false],
  ['more than (a text of 4 characters)', false],
])('%j replaces a long text: %p', (value, expected) => {
  expect(isDescription(value)).toBe(expected);
});

describe('an unusable answer', () => {
  test('says by its name what it is, and may be different the next time', () => {
    const error = new UnusableAnswer('why');
    expect(String(error)).toBe('UnusableAnswer: why');
    expect([error.nature, error.hint, 'cause' in error]).toEqual(['passing', undefined, false]);
  });

  test('can have another nature, a hint and a cause', () => {
    const cause = new Error('deeper');
    const error = new UnusableAnswer('why', { nature: 'mistake', hint: 'Check it.', cause });
    expect(error).toMatchObject({ nature: 'mistake', hint: 'Check it.', cause });
  });
});
