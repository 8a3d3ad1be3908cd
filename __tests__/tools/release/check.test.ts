import { expect, test } from '@jest/globals';
import { problemsWith } from '../../../tools/release/check.ts';

const GOOD = {
  version: '1.2.0',
  ref: 'refs/heads/main',
  manifestVersion: '1.2.0',
  lockVersion: '1.2.0',
  tags: ['v1', 'v1.1.9', 'v2.0.0'],
};

test('a version that package.json has, and that is newer than all of its kind, may be released', () => {
  expect(problemsWith(GOOD)).toEqual([]);
  expect(problemsWith({ ...GOOD, tags: [] })).toEqual([]);
});

test.each([
  ['no version', { version: '1.2' }, 'no semantic version'],
  ['another branch', { ref: 'refs/heads/mine' }, 'from main, not from refs/heads/mine'],
  ['another package.json', { manifestVersion: '1.1.0' }, 'package.json has version 1.1.0'],
  ['another package-lock.json', { lockVersion: '1.1.0' }, 'package-lock.json has version 1.1.0'],
  ['a release that there is already', { tags: ['v1.2.0'] }, 'a tag of 1.2.0'],
  ['a newer release', { tags: ['v1.3.0'] }, 'v1 would go back'],
])('%s is refused', (_, difference, words) => {
  expect(problemsWith({ ...GOOD, ...difference })).toEqual([expect.stringContaining(words)]);
});

test('everything that is wrong is told at once', () => {
  expect(problemsWith({ ...GOOD, version: '1.0.0', ref: 'refs/tags/x' })).toHaveLength(4);
});
