import { globSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ROOMS, sourcesOf } from '../../../tools/mutation/rooms.ts';

test('every source is in exactly one room, so all of them are mutated', () => {
  const mutated = ROOMS.flatMap((room) => globSync(sourcesOf(room)));
  expect(mutated.sort()).toEqual(globSync('src/**/*.ts').sort());
});
