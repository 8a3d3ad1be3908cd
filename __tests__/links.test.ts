import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { keptFiles } from './support/repository.ts';

const documents = keptFiles().filter((path) => path.endsWith('.md'));

/** The anchors that GitHub makes from a document's headings. */
function anchorsOf(path: string): string[] {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function exists(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? from : join(dirname(from), file);
  if (!existsSync(path)) return false;
  return anchor === undefined || anchorsOf(path).includes(anchor);
}

/** Markdown links, and pictures in HTML. */
const LINK = /(?:\]\(|\b(?:src|srcset)=")([^)"\s]+)/g;

test.each(documents)('every link in %s has a target', (path) => {
  const links = readFileSync(path, 'utf8').matchAll(LINK);
  const own = [...links].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
  expect(own.filter((link) => !exists(path, link))).toEqual([]);
});
