import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * `npm run rename -- OWNER/NAME` changes the repository's name on GitHub everywhere. `package.json` holds it (`repository`). Documents and
 * examples repeat it, and CODEOWNERS names a team of the owner (`@OWNER/`). The reader's own organization is `my-org` in examples.
 */
const next = process.argv[2] ?? '';
if (!/^[a-z\d][a-z\d-]*\/[\w.-]+$/i.test(next)) {
  console.error('Usage: npm run rename -- OWNER/NAME');
  process.exit(2);
}

const { repository }: { repository: string } = JSON.parse(readFileSync('package.json', 'utf8'));
const current = repository.replace('github:', '');
const [owner, nextOwner] = [ownerOf(current), ownerOf(next)];

const listed = execFileSync('git', ['ls-files', '-z', '--', ':!dist', ':!package-lock.json'], {
  encoding: 'utf8',
});
for (const path of listed.split('\0').filter((name) => name !== '')) {
  const before = readFileSync(path, 'utf8');
  const after = before.replaceAll(current, next).replaceAll(`@${owner}/`, `@${nextOwner}/`);
  if (after === before) continue;
  writeFileSync(path, after);
  console.log(path);
}

function ownerOf(name: string): string {
  return name.split('/', 1)[0] ?? '';
}
