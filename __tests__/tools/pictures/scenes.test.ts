import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ACTION } from '../../../tools/pictures/scenes.ts';

test('the pictures show the action of this repository', () => {
  expect(existsSync(join(ACTION, 'action.yml'))).toBe(true);
});
