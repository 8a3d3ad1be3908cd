import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { actionReference, keptFiles, repositoryName } from '../../support/repository.ts';

const manifest: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
const [owner = '', name = ''] = repositoryName().split('/');
const texts = keptFiles().map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** Actions of other owners that examples and workflows use, and a repository of the reader's organization. */
const OTHERS = /^(?:actions\/|github\/|anka-actions\/|my-org\/ci\/)/;

test('every example uses the name in package.json', () => {
  const shown = texts.filter(({ path }) => !path.startsWith('__tests__/'));
  const used = shown.flatMap(({ path, text }) =>
    [...text.matchAll(/\buses: ([\w-]+\/[\w./-]+)@/g)].map(([, action = '']) => ({ path, action })),
  );
  const wrong = used.filter(({ action }) => !OTHERS.test(action) && action !== repositoryName());
  expect(wrong).toEqual([]);
  expect(used.map(({ action }) => action)).toContain(repositoryName());
});

test('no other owner is named with the name of this repository', () => {
  const named = texts.flatMap(({ text }) => [...text.matchAll(new RegExp(`([\\w-]+)/${name}\\b`, 'g'))]);
  expect([...new Set(named.map(([, before]) => before))]).toEqual([owner]);
});

test('every example names the same version: a branch until there is a release, then its major version', () => {
  const documents = texts.filter(({ path }) => !path.startsWith('__tests__/'));
  const used = documents.flatMap(({ text }) => [
    ...text.matchAll(new RegExp(`\\b${repositoryName()}@[\\w.]+`, 'g')),
  ]);
  expect([...new Set(used.map(([reference]) => reference))]).toEqual([actionReference()]);
  expect(['main', `v${manifest.version.split('.')[0]}`]).toContain(actionReference().split('@')[1]);
});

test('renaming this repository leaves no placeholder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rename-'));
  for (const { path, text } of texts) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  rename(folder, 'octo-org/reset');
  const left = texts.filter(({ path }) => readFileSync(join(folder, path), 'utf8').includes(owner));
  expect(left.map(({ path }) => path)).toEqual([]);
  rmSync(folder, { recursive: true });
});

function rename(folder: string, to: string): void {
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  execFileSync('git', ['add', '--all'], { cwd: folder });
  execFileSync(process.execPath, [resolve('tools/packaging/rename.ts'), to], { cwd: folder });
}

test('renaming changes every place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rename-'));
  const files = {
    'package.json': '{ "repository": "github:old/thing" }',
    'README.md': 'uses: old/thing@v1, and old-fashioned/thin, runner_scope: old',
    CODEOWNERS: '* @old/maintainers',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  rename(folder, 'new-owner/other.name');
  const after = Object.keys(files).map((path) => readFileSync(join(folder, path), 'utf8'));
  expect(after).toEqual([
    '{ "repository": "github:new-owner/other.name" }',
    'uses: new-owner/other.name@v1, and old-fashioned/thin, runner_scope: old',
    '* @new-owner/maintainers',
  ]);
  rmSync(folder, { recursive: true });
});
