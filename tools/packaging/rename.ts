import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * `npm run rename -- OWNER/NAME`: tells the repository where it is kept on GitHub. package.json says it (`repository`), and the documents and
 * examples repeat it; this changes them all at once. `@OWNER/` goes along, which begins the names of an organisation's teams.
 */
const next = process.argv[2] ?? '';
if (!/^[a-z\d][a-z\d-]*\/[\w.-]+$/i.test(next)) {
  console.error('Usage: npm run rename -- OWNER/NAME');
  process.exit(2);
}

const { repository }: { repository: string } = JSON.parse(readFileSync('package.json', 'utf8'));
const current = repository.replace('github:', '');
const teamsOf = (name: string) => `@${name.split('/')[0]}/`;

const listed = execFileSync('git', ['ls-files', '-z', '--', ':!dist', ':!package-lock.json'], {
  encoding: 'utf8',
});
for (const path of listed.split('\0').filter((name) => name !== '')) {
  const before = readFileSync(path, 'utf8');
  const after = before.replaceAll(current, next).replaceAll(teamsOf(current), teamsOf(next));
  if (after === before) continue;
  writeFileSync(path, after);
  console.log(path);
}
