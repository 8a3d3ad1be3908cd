import { describe, expect, test } from '@jest/globals';
import { parseJson, text, UnusableAnswer } from '../../src/http/json.ts';

const MIB = 1024 * 1024;

describe('parseJson', () => {
  test.each([
    ['{"a":[1]}', { a: [1] }],
    ['null', null],
    ['{"a":', undefined],
    ['', undefined],
  ])('%j', (json, expected) => {
    expect(parseJson(json)).toEqual(expected);
  });

  /** How many items were read, or that none were: a failed test must not print them all. */
  function countOf(json: string): number | 'not read' {
    const value = parseJson(json);
    return Array.isArray(value) ? value.length : 'not read';
  }

  test('reads a large list of instances', () => {
    const item = {
      external_id: null,
      instance_id: 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5',
      vm: { instance_state: 'Started' },
    };
    expect(countOf(JSON.stringify(Array(20_000).fill(item)))).toBe(20_000);
  });

  test.each<[string, string]>([
    ['empty objects', `[${'{},'.repeat(MIB / 2)}{}]`],
    ['nothing but depth', '['.repeat(2 * MIB)],
    ['tiny keys', `{${'"a":1,'.repeat(MIB / 2)}"b":1}`],
    ['empty lists with some white space', `[${'[]       ,'.repeat(MIB / 2)}0]`],
    ['empty objects with some white space', `[${'{}       ,'.repeat(MIB / 2)}0]`],
    ['as much as one token in less than 6 characters', `[${'0    ,'.repeat(MIB / 2)}0]`],
  ])('does not even try %s', (_, json) => {
    expect(parseJson(json) === undefined).toBe(true);
  });

  test('reads the densest text that is short enough, whatever it holds', () => {
    const json = `[${'0,'.repeat(MIB / 2 - 2)}10]`;
    expect([json.length, countOf(json)]).toEqual([MIB, MIB / 2 - 1]);
    expect(countOf(`${json} `)).toBe('not read');
  });

  test('reads the densest text of those that are long', () => {
    const items = MIB / 2;
    const json = `[${'0    ,'.repeat(items - 1)}0   ]`;
    expect([json.length, countOf(json)]).toEqual([6 * items, items]);
    expect(countOf(json.replace(' ]', ']'))).toBe('not read');
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
