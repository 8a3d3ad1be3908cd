import { describe, expect, test } from '@jest/globals';
import { compareVersions, parseVersion, type Version, versionsOf } from '../../../tools/release/version.ts';

describe('a version', () => {
  test.each(['0.1.0', '1.2.3', '10.20.30', '1.0.0-rc.1', '1.0.0-alpha-7.x', '1.0.0-0'])(
    'can be %s',
    (text) => {
      expect(parseVersion(text)).toBeDefined();
    },
  );

  test.each([
    '',
    '1',
    '1.2',
    'v1.2.3',
    '01.2.3',
    '1.2.3 ',
    '1.2.3-',
    '1.2.3-rc..1',
    '1.2.3-01',
    '1.2.3+build',
    '1.2.3\n',
  ])('cannot be %j', (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });

  test('is parsed', () => {
    expect(parseVersion('1.20.3-rc.4')).toEqual({ major: 1, minor: 20, patch: 3, preRelease: 'rc.4' });
  });
});

test('versions are ordered as semantic versioning says', () => {
  const ordered = [
    '0.9.9',
    '1.0.0-1',
    '1.0.0-2',
    '1.0.0-11',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
  ].concat(...['1.0.0-beta', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0']);
  const versions = ordered.map((text) => parseVersion(text) as Version);
  for (const [index, one] of versions.entries()) {
    const signs = versions.map((other) => Math.sign(compareVersions(one, other)));
    expect(signs).toEqual(versions.map((_, other) => Math.sign(index - other)));
  }
});

test('only the tags of releases count', () => {
  expect(versionsOf(['v1', 'v1.2.3', 'latest', '1.2.4', ''])).toEqual([parseVersion('1.2.3')]);
});
