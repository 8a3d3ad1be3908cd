import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bundledPackages, licenseTexts } from '../../../tools/packaging/licenses.ts';

describe('the packages of a bundle', () => {
  test('are found by their modules, concatenated ones included', () => {
    const joined = { nameForCondition: '/p/node_modules/@actions/io/lib/io.js' };
    const modules = [
      { nameForCondition: '/p/lib/index.js', modules: [joined, { nameForCondition: '/p/lib/main.js' }] },
      { nameForCondition: '/p/node_modules/undici/index.js' },
      { nameForCondition: null },
    ];
    expect(bundledPackages({ modules })).toEqual(['/p/node_modules/@actions/io', '/p/node_modules/undici']);
  });

  test('are found inside other packages, and on Windows', () => {
    const modules = [
      { nameForCondition: '/p/node_modules/a/node_modules/@b/c/index.js' },
      { nameForCondition: 'C:\\p\\node_modules\\d\\index.js' },
    ];
    expect(bundledPackages({ modules })).toEqual([
      '/p/node_modules/a/node_modules/@b/c',
      'C:\\p\\node_modules\\d',
    ]);
  });
});

describe('the text', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'licenses-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function makePackage(place: string, { name, text }: { name: string; text?: string }): string {
    const path = join(folder, place);
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, license: 'MIT' }));
    if (text !== undefined) writeFileSync(join(path, 'LICENCE.md'), text);
    return path;
  }

  test('names each package once, with its license', () => {
    const one = makePackage('one', { name: 'one', text: 'Free\r\nfor all\n\n' });
    const again = makePackage('again', { name: 'one', text: 'Free\nfor all' });
    const two = makePackage('two', { name: '@a/two', text: 'Too' });
    expect(licenseTexts([one, again, two])).toBe('one\nMIT\nFree\nfor all\n\n@a/two\nMIT\nToo\n');
  });

  test('is refused if a package has none', () => {
    const bare = makePackage('bare', { name: 'bare' });
    expect(() => licenseTexts([bare])).toThrow(`${bare} has no license text`);
  });
});

describe('dist/licenses.txt', () => {
  const text = readFileSync('dist/licenses.txt', 'utf8');
  /** A package's name, a line with its license, and the text. */
  const listed = [
    ...text.matchAll(/^((?:@[\w-]+\/)?[\w.-]+)\n(?:MIT|ISC|Apache-2\.0|BSD-\d-Clause)\n/gm),
  ].map(([, name]) => name);

  test('lists exactly the packages whose modules are in the bundle', () => {
    const scripts = readdirSync('dist').filter((name) => name.endsWith('.js'));
    const bundle = scripts.map((name) => readFileSync(join('dist', name), 'utf8')).join('\n');
    const paths = bundle.matchAll(/^;?\/\/ (?:EXTERNAL|CONCATENATED) MODULE: (\.\/node_modules\/.+)$/gm);
    const names = [...paths].map(([, path = '']) => nameOf(path));
    expect([...new Set(names)].sort()).toEqual(listed);
  });

  test('lists every production package, except those that contain only types', () => {
    const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
      readFileSync('package-lock.json', 'utf8'),
    );
    const production = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    const names = new Set(production.map(([path]) => nameOf(path)));
    expect([...names].sort()).toEqual([...listed, '@octokit/openapi-types', '@octokit/types'].sort());
  });
});

/** The name of the package that a path below `node_modules` belongs to. */
function nameOf(path: string): string {
  return /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path;
}
