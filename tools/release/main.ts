import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemsWith } from './check.ts';
import { commandOf } from './command.ts';
import { moveMajorTag, publish, type Release, verify } from './github.ts';
import { notesOf, tagBefore } from './notes.ts';
import { parseVersion } from './version.ts';

/**
 * The steps of `.github/workflows/release.yml`, one per call: `node tools/release/main.ts STEP`. VERSION, GITHUB_REPOSITORY, GITHUB_REF and
 * GITHUB_SHA in the environment say what to release; `gh` finds its token there, too. No step uses an installed package, so no package's
 * code runs where it could write a release.
 */
const STEPS: Readonly<Record<string, () => void | Promise<void>>> = {
  check,
  notes: () => console.log(notes()),
  publish: () => publish(gh, release(), writeNotes()),
  verify: () => verify(gh, release()),
  'move-major-tag': () => moveMajorTag(gh, release()),
};

const [git, gh] = [commandOf('git'), commandOf('gh')];
const version = environment('VERSION');
const tags = git.run(['tag', '--list']).split('\n');
const step = STEPS[process.argv[2] ?? ''];
if (step === undefined) throw new Error(`name a step: ${Object.keys(STEPS).join(', ')}`);
await step();

function check(): void {
  const problems = problemsWith({
    version,
    ref: environment('GITHUB_REF'),
    manifestVersion: versionIn('package.json'),
    lockVersion: versionIn('package-lock.json'),
    tags,
  });
  for (const problem of problems) console.log(`::error::${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

function versionIn(file: string): string {
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

function release(): Release {
  const parsed = parseVersion(version);
  if (parsed === undefined) throw new Error(`${JSON.stringify(version)} is not a version`);
  return {
    tag: `v${version}`,
    majorTag: `v${parsed.major}`,
    isPreRelease: parsed.preRelease !== '',
    commit: environment('GITHUB_SHA'),
    repository: environment('GITHUB_REPOSITORY'),
  };
}

function notes(): string {
  const previousTag = tagBefore(version, tags);
  const range = previousTag === undefined ? 'HEAD' : `${previousTag}..HEAD`;
  const subjects = git.run(['log', '--no-merges', '--format=%s', range]).split('\n');
  const { repository, commit } = release();
  return notesOf({ version, repository, commit, subjects, previousTag });
}

function writeNotes(): string {
  const file = join(process.env['RUNNER_TEMP'] ?? tmpdir(), 'notes.md');
  writeFileSync(file, notes());
  return file;
}

function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}
