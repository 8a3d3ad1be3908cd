import { compareVersions, parseVersion, versionsOf } from './version.ts';

/** The data for the notes of a release. */
interface ReleaseContent {
  readonly version: string;
  /** `owner/name` on GitHub. */
  readonly repository: string;
  readonly commit: string;
  /** The first lines of the commits since the previous release, newest first. */
  readonly subjects: readonly string[];
  /** The tag of the previous release; undefined for the first one. */
  readonly previousTag: string | undefined;
}

/** The newest tag that is older than a version; a final release ignores its own release candidates. */
export function tagBefore(version: string, tags: readonly string[]): string | undefined {
  const ours = parseVersion(version);
  if (ours === undefined) return undefined;
  const older = versionsOf(tags)
    .filter(({ preRelease }) => preRelease === '' || ours.preRelease !== '')
    .filter((other) => compareVersions(other, ours) < 0)
    .sort(compareVersions)
    .at(-1);
  if (older === undefined) return undefined;
  const { major, minor, patch, preRelease } = older;
  return `v${major}.${minor}.${patch}${preRelease === '' ? '' : `-${preRelease}`}`;
}

/** The notes in Markdown: how to pin this release, and what is new in it. */
export function notesOf({ version, repository, commit, subjects, previousTag }: ReleaseContent): string {
  const lines = subjects.map((subject) => `- ${escapeMarkdown(subject)}`);
  const comparison =
    previousTag === undefined
      ? []
      : ['', `[All changes](https://github.com/${repository}/compare/${previousTag}...v${version})`];
  const news =
    previousTag === undefined ? ['The first release.'] : ['## What is new', '', ...lines, ...comparison];
  return ['```yaml', `- uses: ${repository}@${commit} # v${version}`, '```', '', ...news, ''].join('\n');
}

/** Commit messages are plain text: nothing in them may act as Markdown or HTML, or mention a user. */
function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|~]/g, '\\$&').replaceAll('@', '@\u200b');
}
