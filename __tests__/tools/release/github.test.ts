import { describe, expect, test } from '@jest/globals';
import type { Command } from '../../../tools/release/command.ts';
import { moveMajorTag, publish, verify } from '../../../tools/release/github.ts';

const RELEASE = { tag: 'v1.2.0', majorTag: 'v1', isPreRelease: false, commit: 'c0ffee', repository: 'o/n' };
const CANDIDATE = { ...RELEASE, tag: 'v1.2.0-rc.1', isPreRelease: true };

/** A `gh` that gives these answers in order (`null` is a failure), then succeeds without output. It records what it was asked. */
function ghThatAnswers(...answers: (string | null)[]): Command & { readonly asked: string[] } {
  const asked: string[] = [];
  const tryToRun = (args: readonly string[]) => {
    asked.push(args.join(' '));
    return answers.length === 0 ? '' : (answers.shift() ?? undefined);
  };
  const run = (args: readonly string[]) => {
    const answer = tryToRun(args);
    if (answer === undefined) throw new Error(`gh ${args.join(' ')} failed`);
    return answer;
  };
  return { asked, run, tryToRun };
}

const VIEW = 'release view v1.2.0 --repo o/n --json isDraft --jq .isDraft';
const CREATE =
  'release create v1.2.0 --repo o/n --draft --target c0ffee --title v1.2.0 --notes-file notes.md';
const PUBLISH = 'release edit v1.2.0 --repo o/n --draft=false --latest';

describe('publishing', () => {
  test('creates a complete draft, then publishes it', () => {
    const gh = ghThatAnswers(null);
    publish(gh, RELEASE, 'notes.md');
    expect(gh.asked).toEqual([VIEW, CREATE, PUBLISH]);
  });

  test('replaces a draft left by an earlier attempt', () => {
    const gh = ghThatAnswers('true');
    publish(gh, RELEASE, 'notes.md');
    expect(gh.asked).toEqual([VIEW, 'release delete v1.2.0 --repo o/n --yes', CREATE, PUBLISH]);
  });

  test('changes nothing that is published', () => {
    const gh = ghThatAnswers('false');
    expect(() => publish(gh, RELEASE, 'notes.md')).toThrow('v1.2.0 is already published');
    expect(gh.asked).toEqual([VIEW]);
  });

  test('publishes nothing if the draft could not be created', () => {
    const gh = ghThatAnswers(null, null);
    expect(() => publish(gh, RELEASE, 'notes.md')).toThrow('release create');
    expect(gh.asked).toEqual([VIEW, CREATE]);
  });

  test('marks a pre-release as one', () => {
    const gh = ghThatAnswers(null);
    publish(gh, CANDIDATE, 'notes.md');
    expect(gh.asked[1]).toMatch(/--prerelease$/);
    expect(gh.asked[2]).toMatch(/--draft=false --prerelease$/);
  });
});

const VERIFY = 'release verify v1.2.0 --repo o/n';
const READ_TAG = 'api repos/o/n/git/ref/tags/v1.2.0 --jq .object.sha';
const ATTESTED = 'attestation verify dist/index.js --repo o/n --source-digest c0ffee';

describe('verifying', () => {
  test('accepts an immutable release, its commit and an attested dist', async () => {
    const gh = ghThatAnswers('', 'c0ffee');
    await verify(gh, RELEASE, 0);
    expect(gh.asked).toEqual([VERIFY, READ_TAG, ATTESTED]);
  });

  test('waits until GitHub has attested the release', async () => {
    const gh = ghThatAnswers(null, null, '', 'c0ffee');
    await verify(gh, RELEASE, 0);
    expect(gh.asked).toEqual([VERIFY, VERIFY, VERIFY, READ_TAG, ATTESTED]);
  });

  test('fails if the release stays mutable', async () => {
    const gh = ghThatAnswers(...Array.from({ length: 20 }, () => null));
    await expect(verify(gh, RELEASE, 0)).rejects.toThrow('not immutable');
    expect(gh.asked).toHaveLength(6);
  });

  test('fails if the tag points elsewhere', async () => {
    const gh = ghThatAnswers('', 'decaf');
    await expect(verify(gh, RELEASE, 0)).rejects.toThrow('v1.2.0 is decaf, not c0ffee');
  });

  test('fails if dist was not attested', async () => {
    const gh = ghThatAnswers('', 'c0ffee', null);
    await expect(verify(gh, RELEASE, 0)).rejects.toThrow('attestation verify');
  });
});

const READ_MAJOR = 'api repos/o/n/git/ref/tags/v1 --jq .object.sha';

describe('the major tag', () => {
  test('moves to the release', () => {
    const gh = ghThatAnswers('decaf', '', 'c0ffee');
    moveMajorTag(gh, RELEASE);
    const moved =
      'api --silent --method PATCH repos/o/n/git/refs/tags/v1 --raw-field sha=c0ffee --field force=true';
    expect(gh.asked).toEqual([READ_MAJOR, moved, READ_MAJOR]);
  });

  test('is created with the first release', () => {
    const gh = ghThatAnswers(null, '', 'c0ffee');
    moveMajorTag(gh, RELEASE);
    const made =
      'api --silent --method POST repos/o/n/git/refs --raw-field sha=c0ffee --raw-field ref=refs/tags/v1';
    expect(gh.asked).toEqual([READ_MAJOR, made, READ_MAJOR]);
  });

  test('must point there afterwards', () => {
    const gh = ghThatAnswers('decaf', '', 'decaf');
    expect(() => moveMajorTag(gh, RELEASE)).toThrow('v1 is decaf, not c0ffee');
  });

  test('stays where it is for a pre-release', () => {
    const gh = ghThatAnswers();
    moveMajorTag(gh, CANDIDATE);
    expect(gh.asked).toEqual([]);
  });
});
