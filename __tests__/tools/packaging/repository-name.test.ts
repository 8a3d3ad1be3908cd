import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { keptFiles, repositoryName } from '../../support/repository.ts';

const manifest: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
const [owner = '', name = ''] = repositoryName().split('/');
const texts = keptFiles().map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** Actions by others, which examples and workflows use. */
const OTHERS = /^(?:actions|github|anka-actions)\//;

test('whoever uses this action is shown the name that package.json holds', () => {
  const shown = texts.filter(({ path }) => !path.startsWith('__tests__/'));
  const used = shown.flatMap(({ path, text }) =>
    [...text.matchAll(/\buses: ([\w-]+\/[\w./-]+)@/g)].map(([, action = '']) => ({ path, action })),
  );
  const wrong = used.filter(({ action }) => !OTHERS.test(action) && action !== repositoryName());
  expect(wrong).toEqual([]);
  expect(used.map(({ action }) => action)).toContain(repositoryName());
});

test('no other owner is named beside the name of this repository', () => {
  const named = texts.flatMap(({ text }) => [...text.matchAll(new RegExp(`([\\w-]+)/${name}\\b`, 'g'))]);
  expect([...new Set(named.map(([, before]) => before))]).toEqual([owner]);
});

test('the README names the major version that is released next', () => {
  const tags = readFileSync('README.md', 'utf8').matchAll(
    new RegExp(`uses: ${repositoryName()}@(v\\d\\S*)`, 'g'),
  );
  expect([...new Set([...tags].map(([, tag]) => tag))]).toEqual([`v${manifest.version.split('.')[0]}`]);
});

test('it is changed everywhere at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rename-'));
  const files = {
    'package.json': '{ "repository": "github:old/thing" }',
    'README.md': 'uses: old/thing@v1, and old-fashioned/thin',
    CODEOWNERS: '* @old/maintainers',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  execFileSync('git', ['add', '--all'], { cwd: folder });
  execFileSync(process.execPath, [resolve('tools/packaging/rename.ts'), 'new-owner/other.name'], {
    cwd: folder,
  });
  const after = Object.keys(files).map((path) => readFileSync(join(folder, path), 'utf8'));
  expect(after).toEqual([
    '{ "repository": "github:new-owner/other.name" }',
    'uses: new-owner/other.name@v1, and old-fashioned/thin',
    '* @new-owner/maintainers',
  ]);
  rmSync(folder, { recursive: true });
});
