import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** The paths of all files that git tracks, or would with the next commit, without `dist`. */
export function keptFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  return listed.split('\n').filter((path) => existsSync(path) && !path.startsWith('dist/'));
}

/** How a workflow names this action, `owner/name@version`, as the README shows it first. */
export function actionReference(): string {
  const [, reference] = /uses: (\S+\/\S+@\S+)/.exec(readFileSync('README.md', 'utf8')) ?? [];
  if (reference === undefined) throw new Error('README.md uses no action');
  return reference;
}

/** The name of this repository on GitHub, `owner/name`; package.json holds it. */
export function repositoryName(): string {
  const { repository }: { repository: string } = JSON.parse(readFileSync('package.json', 'utf8'));
  return repository.replace('github:', '');
}
