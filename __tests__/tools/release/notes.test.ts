import { describe, expect, test } from '@jest/globals';
import { notesOf, tagBefore } from '../../../tools/release/notes.ts';

describe('the previous release', () => {
  const tags = ['v1', 'v0.9.0', 'v1.0.0', 'v1.10.0', 'v1.2.0', 'v1.11.0-rc.1', 'v2.0.0'];

  test.each([
    ['1.10.1', 'v1.10.0'],
    ['1.11.0', 'v1.10.0'],
    ['1.11.0-rc.2', 'v1.11.0-rc.1'],
    ['3.0.0', 'v2.0.0'],
    ['0.9.0', undefined],
    ['nonsense', undefined],
  ])('of %s is %s', (version, tag) => {
    expect(tagBefore(version, tags)).toBe(tag);
  });
});

describe('the notes', () => {
  const release = { version: '1.1.0', repository: 'o/n', commit: 'c0ffee', subjects: ['Say why', 'Mend it'] };

  test('say how to pin the release, and what is new', () => {
    expect(notesOf({ ...release, previousTag: 'v1.0.0' })).toBe(`\`\`\`yaml
- uses: o/n@c0ffee # v1.1.0
\`\`\`

## What is new

- Say why
- Mend it

[All changes](https://github.com/o/n/compare/v1.0.0...v1.1.0)
`);
  });

  test('of the first release list no commits', () => {
    expect(notesOf({ ...release, previousTag: undefined })).toMatch(
      /v1\.1\.0\n```\n\nThe first release\.\n$/,
    );
  });

  test('quote commits literally: no markup, no mention, no HTML', () => {
    const subjects = ['Let `a_b` [x](y) <img> @someone *be*'];
    expect(notesOf({ ...release, subjects, previousTag: 'v1.0.0' })).toContain(
      '- Let \\`a\\_b\\` \\[x\\](y) \\<img\\> @\u200bsomeone \\*be\\*\n',
    );
  });
});
