import { describe, expect, test } from '@jest/globals';
import { parseJson } from '../../src/controller/json.ts';

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
  ])('does not even try %s', (_, json) => {
    expect(parseJson(json)).toBeUndefined();
  });
});
