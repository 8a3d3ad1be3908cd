import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

// The steps as the workflow calls them, in a temporary repository.

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
  git('init', '--quiet', '--initial-branch', 'main');
  commit('Begin', '1.0.0');
  git('tag', 'v1.0.0');
  commit('Say *why*', '1.1.0');
});
afterEach(() => rmSync(folder, { recursive: true }));

function git(...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder });
}

function commit(message: string, version: string): void {
  for (const name of ['package.json', 'package-lock.json']) {
    writeFileSync(join(folder, name), JSON.stringify({ version }));
  }
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
}

function takeStep(step: string, environment: Record<string, string> = {}) {
  const given = {
    VERSION: '1.1.0',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_SHA: 'c0ffee',
    GITHUB_REPOSITORY: 'o/n',
  };
  return spawnSync(process.execPath, [resolve('tools/release/main.ts'), step], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...given, ...environment },
  });
}

describe('check', () => {
  test('is silent if nothing is wrong', () => {
    expect(takeStep('check')).toMatchObject({ status: 0, stdout: '' });
  });

  test('annotates each problem, and fails', () => {
    const { status, stdout } = takeStep('check', { VERSION: '1.0.0', GITHUB_REF: 'refs/tags/v1.0.0' });
    expect(stdout.match(/^::error::.+$/gm)).toHaveLength(4);
    expect(status).toBe(1);
  });
});

test('notes list the commits since the previous release', () => {
  const { stdout } = takeStep('notes');
  expect(stdout).toContain('- uses: o/n@c0ffee # v1.1.0\n');
  expect(stdout).toContain('- Say \\*why\\*\n');
  expect(stdout).not.toContain('Begin');
});

test('publishing runs gh, with these notes', () => {
  const gh = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync('asked', args.slice(0, 3).join(' ') + '\\n');
if (args[1] === 'view') process.exit(1);
if (args[1] === 'create') appendFileSync('asked', readFileSync(args[args.indexOf('--notes-file') + 1]));
`;
  writeFileSync(join(folder, 'gh'), gh, { mode: 0o755 });
  const path = `${folder}${delimiter}${process.env['PATH']}`;
  expect(takeStep('publish', { PATH: path, RUNNER_TEMP: folder })).toMatchObject({ status: 0, stderr: '' });
  const asked = readFileSync(join(folder, 'asked'), 'utf8');
  expect(asked).toMatch(
    /^release view v1\.1\.0\nrelease create v1\.1\.0\n```yaml[\s\S]+\nrelease edit v1\.1\.0\n$/,
  );
});

test('a step says that gh is missing', () => {
  const git = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
  symlinkSync(git, join(folder, 'git'));
  expect(takeStep('publish', { PATH: folder, RUNNER_TEMP: folder }).stderr).toContain('gh cannot be run');
});

test('an unknown step fails, and so does one without a version', () => {
  expect(takeStep('shout').stderr).toContain('name a step: check, notes, publish, verify, move-major-tag');
  expect(takeStep('check', { VERSION: '' }).stderr).toContain('VERSION is not set');
});

describe('the workflow', () => {
  interface Job {
    readonly needs?: string;
    readonly environment?: string;
    readonly permissions: Record<string, string>;
    readonly steps: { readonly uses?: string; readonly run?: string }[];
  }
  const { jobs }: { jobs: Record<string, Job> } = parse(
    readFileSync('.github/workflows/release.yml', 'utf8'),
  );
  const mayWrite = Object.entries(jobs).filter(([, { permissions }]) =>
    Object.values(permissions).includes('write'),
  );

  test('runs from the checks to the major tag, one job after another', () => {
    const chain = Object.entries(jobs).map(([name, { needs }]) => [name, needs]);
    expect(chain).toEqual([
      ['check', undefined],
      ['attest', 'check'],
      ['publish', 'attest'],
      ['verify', 'publish'],
      ['move-major-tag', 'verify'],
    ]);
    expect(jobs['publish']?.environment).toBe('release');
  });

  test('installs nothing where it may write, and runs only the steps tested here', () => {
    const commands = mayWrite.flatMap(([, { steps }]) => steps.flatMap(({ run }) => run ?? []));
    expect(mayWrite.map(([name]) => name)).toEqual(['attest', 'publish', 'move-major-tag']);
    expect(commands).toEqual([
      'node tools/release/main.ts publish',
      'node tools/release/main.ts move-major-tag',
    ]);
  });

  test('may write one thing per job', () => {
    expect(mayWrite.map(([, { permissions }]) => permissions)).toEqual([
      { contents: 'read', 'id-token': 'write', attestations: 'write' },
      { contents: 'write' },
      { contents: 'write' },
    ]);
  });
});
