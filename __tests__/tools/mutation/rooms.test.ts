import { globSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ROOMS, sourcesOf } from '../../../tools/mutation/rooms.ts';

test('each source is in one room, so that all of them are mutated', () => {
  const mutated = ROOMS.flatMap((room) => globSync(sourcesOf(room)));
  expect(mutated.sort()).toEqual(globSync('src/**/*.ts').sort());
});
