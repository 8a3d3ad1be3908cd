import { expect, test } from '@jest/globals';
import { problemsWith } from '../../../tools/release/check.ts';

const GOOD = {
  version: '1.2.0',
  ref: 'refs/heads/main',
  manifestVersion: '1.2.0',
  lockVersion: '1.2.0',
  tags: ['v1', 'v1.1.9', 'v2.0.0'],
};

test('a version that package.json has, and that is newer than all tags of its major version, can be released', () => {
  expect(problemsWith(GOOD)).toEqual([]);
  expect(problemsWith({ ...GOOD, tags: [] })).toEqual([]);
});

test.each([
  ['no version', { version: '1.2' }, 'not a semantic version'],
  ['another branch', { ref: 'refs/heads/mine' }, 'from main, not from refs/heads/mine'],
  ['another package.json', { manifestVersion: '1.1.0' }, 'package.json has version 1.1.0'],
  ['another package-lock.json', { lockVersion: '1.1.0' }, 'package-lock.json has version 1.1.0'],
  ['an existing release', { tags: ['v1.2.0'] }, '1.2.0 or a newer version has a tag'],
  ['a newer release', { tags: ['v1.3.0'] }, 'v1 would move back'],
])('%s is refused', (_, difference, words) => {
  expect(problemsWith({ ...GOOD, ...difference })).toEqual([expect.stringContaining(words)]);
});

test('all problems are reported together', () => {
  expect(problemsWith({ ...GOOD, version: '1.0.0', ref: 'refs/tags/x' })).toHaveLength(4);
});
