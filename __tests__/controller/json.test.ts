import { describe, expect, test } from '@jest/globals';
import { parseJson, text, UnusableAnswer } from '../../src/controller/json.ts';

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

  test('reads a large list of instances', () => {
    const item = {
      external_id: null,
      instance_id: 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5',
      vm: { instance_state: 'Started' },
    };
    expect(parseJson(JSON.stringify(Array(20_000).fill(item)))).toHaveLength(20_000);
  });

  test.each<[string, string]>([
    ['empty objects', `[${'{},'.repeat(MIB)}{}]`],
    ['nothing but depth', '['.repeat(2 * MIB)],
    ['tiny keys', `{${'"a":1,'.repeat(MIB)}"b":1}`],
    ['empty lists with some white space', `[${'[]       ,'.repeat(MIB)}0]`],
    ['empty objects with some white space', `[${'{}       ,'.repeat(MIB)}0]`],
    ['as much as one token in less than 6 characters', `[${'0    ,'.repeat(MIB)}0]`],
  ])('does not even try %s', (_, json) => {
    expect(parseJson(json)).toBeUndefined();
  });

  test('reads the densest text that is short enough, whatever it holds', () => {
    const json = `[${'0,'.repeat(MIB / 2 - 2)}10]`;
    expect(json).toHaveLength(MIB);
    expect(parseJson(json)).toHaveLength(MIB / 2 - 1);
    expect(parseJson(`${json} `)).toBeUndefined();
  });

  test('reads the densest text of those that are long', () => {
    const json = `[${'0    ,'.repeat(MIB)}0    ]`;
    expect(json).toHaveLength(6 * (MIB + 1) + 1);
    expect(parseJson(json)).toHaveLength(MIB + 1);
    expect(parseJson(json.replace('    ]', '   ]'))).toHaveLength(MIB + 1);
    expect(parseJson(json.replace('    ]', '  ]'))).toBeUndefined();
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
