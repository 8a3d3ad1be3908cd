import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from './command.ts';

/** What is released, and where. */
export interface Release {
  /** `v1.2.3`, immutable. */
  readonly tag: string;
  /** `v1`, which moves. */
  readonly majorTag: string;
  readonly isPreRelease: boolean;
  readonly commit: string;
  /** `owner/name` on GitHub. */
  readonly repository: string;
}

/**
 * Creates a complete draft, then publishes it: after that it cannot change. A draft left by an earlier attempt is replaced.
 *
 * @throws Error if the release is already published.
 */
export function publish(gh: Command, release: Release, notesFile: string): void {
  const { tag, isPreRelease, commit, repository } = release;
  const there = ['--repo', repository];
  const isDraft = gh.tryToRun(['release', 'view', tag, ...there, '--json', 'isDraft', '--jq', '.isDraft']);
  if (isDraft === 'false') throw new Error(`${tag} is already published`);
  if (isDraft === 'true') gh.run(['release', 'delete', tag, ...there, '--yes']);
  const kind = isPreRelease ? ['--prerelease'] : [];
  const content = ['--target', commit, '--title', tag, '--notes-file', notesFile];
  gh.run(['release', 'create', tag, ...there, '--draft', ...content, ...kind]);
  gh.run(['release', 'edit', tag, ...there, '--draft=false', ...(isPreRelease ? kind : ['--latest'])]);
}

const TRIES = 6;
const PAUSE_MS = 10_000;

/**
 * Verifies what users rely on: the release is immutable, its tag points to the checked commit, and `dist` is attested. GitHub attests a
 * release seconds after it was published, so this asks several times.
 *
 * @throws Error if one of these does not hold.
 */
export async function verify(gh: Command, release: Release, pauseMs = PAUSE_MS): Promise<void> {
  const { tag, commit, repository } = release;
  const there = ['--repo', repository];
  for (let left = TRIES - 1; gh.tryToRun(['release', 'verify', tag, ...there]) === undefined; left--) {
    if (left === 0)
      throw new Error(`${tag} is not immutable: are immutable releases enabled in the settings?`);
    await pause(pauseMs);
  }
  const tagged = commitOf(gh, repository, tag);
  if (tagged !== commit) throw new Error(`${tag} is ${tagged}, not ${commit}`);
  gh.run(['attestation', 'verify', 'dist/index.js', ...there, '--source-digest', commit]);
}

/**
 * Moves `v1`, or creates it; a pre-release leaves it where it is. It is a plain tag without a release, so it can move.
 *
 * @throws Error if it does not point to the release afterwards.
 */
export function moveMajorTag(gh: Command, { majorTag, isPreRelease, commit, repository }: Release): void {
  if (isPreRelease) return;
  const refs = `repos/${repository}/git/refs`;
  const isThere = commitOf(gh, repository, majorTag) !== undefined;
  const [method, path, more] = isThere
    ? ['PATCH', `${refs}/tags/${majorTag}`, ['--field', 'force=true']]
    : ['POST', refs, ['--raw-field', `ref=refs/tags/${majorTag}`]];
  gh.run(['api', '--silent', '--method', method, path, '--raw-field', `sha=${commit}`, ...more]);
  const moved = commitOf(gh, repository, majorTag);
  if (moved !== commit) throw new Error(`${majorTag} is ${moved}, not ${commit}`);
}

/** The commit that a tag points to; undefined if there is no such tag. */
function commitOf(gh: Command, repository: string, tag: string): string | undefined {
  return gh.tryToRun(['api', `repos/${repository}/git/ref/tags/${tag}`, '--jq', '.object.sha']);
}
