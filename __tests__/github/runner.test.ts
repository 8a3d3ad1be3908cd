import { expect, test } from '@jest/globals';
import { describeRunner } from '../../src/github/runner.ts';
import { idle, offline, wedged } from '../support/runners.ts';

test('a runner in two words', () => {
  expect([idle, offline, wedged].map(describeRunner)).toEqual([
    'online, idle',
    'offline, idle',
    'offline, busy',
  ]);
});
