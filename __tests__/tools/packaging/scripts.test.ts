import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'));
const CHECK = 'node tools/packaging/check-node.js && ';

test('every shell can run the npm scripts, Windows included', () => {
  const commands = Object.values(manifest.scripts).flatMap((script) => script.split(' && '));
  const foreign = commands.filter(
    (command) => !/^(node|npm run|tsc|ncc|biome|stryker)( [\w./:=-]+)*$/.test(command),
  );
  expect(foreign).toEqual([]);
});

test('every script that runs TypeScript first checks the version of Node', () => {
  const runsTypeScript = Object.values(manifest.scripts).filter((script) =>
    /node (?!tools\/packaging)\S.*\.ts/.test(script),
  );
  expect(runsTypeScript.filter((script) => !script.startsWith(CHECK))).toEqual([]);
});

test('an older Node gets an explanation in one sentence', () => {
  const source = readFileSync('tools/packaging/check-node.js', 'utf8');
  const pretend = `Object.defineProperty(process, 'versions', { value: { node: '20.19.0' } });\n${source}`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', pretend], {
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^This is Node .* need Node 24\. .*--ignore-scripts.*\n$/);
  expect(status).toBe(1);
});

test('the Node that runs the scripts is new enough', () => {
  expect(execFileSync(process.execPath, ['tools/packaging/check-node.js'], { encoding: 'utf8' })).toBe('');
});

test('clearing removes exactly the named folders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clear-'));
  for (const name of ['lib', 'dist', 'src']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'dist', 'left-over.js'), '');
  execFileSync(process.execPath, [join(process.cwd(), 'tools/packaging/clear.ts'), 'lib', 'dist', 'absent'], {
    cwd: folder,
  });
  expect(readdirSync(folder)).toEqual(['src']);
  rmSync(folder, { recursive: true });
});
