import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from '@actions/languageservice';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parse } from 'yaml';
import { ask } from '../support/linters.ts';
import { actionReference, keptFiles, repositoryName } from '../support/repository.ts';
import { workflowOf, yamlBlocks } from '../support/yaml-blocks.ts';

// Everything that GitHub runs, and everything that a reader might copy from the documents, before judges that others wrote.

const WORKFLOWS = '.github/workflows';

interface Workflow {
  readonly place: string;
  /** Where the judges find it. */
  readonly path: string;
  readonly text: string;
}

const folder = mkdtempSync(join(tmpdir(), 'workflows-'));
const ours = readdirSync(WORKFLOWS).map((name) => {
  const path = join(WORKFLOWS, name);
  return { place: path, path, text: readFileSync(path, 'utf8') };
});
const shown = yamlBlocks().map((block): Workflow => {
  const path = join(folder, WORKFLOWS, `${block.place.replaceAll(/\W/g, '-')}.yml`);
  return { place: block.place, path, text: workflowOf(block) };
});

beforeAll(() => {
  mkdirSync(join(folder, WORKFLOWS), { recursive: true });
  for (const { path, text } of shown) writeFileSync(path, text);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('there is something to judge', () => {
  expect(ours.length).toBeGreaterThan(1);
  expect(shown.map(({ place }) => place.split(':')[0])).toContain('README.md');
});

describe('actionlint, and shellcheck through it', () => {
  const flags = [
    '-config-file',
    '.github/actionlint.yaml',
    '-shellcheck',
    '.linters/bin/shellcheck',
    '-no-color',
  ];

  test('finds nothing', async () => {
    const { stdout, exitCode } = await ask('actionlint', [
      ...flags,
      ...[...ours, ...shown].map(({ path }) => path),
    ]);
    expect(stdout).toBe('');
    expect(exitCode).toBe(0);
  });

  test('would find a script that forgets its quotes', async () => {
    const path = join(folder, 'careless.yml');
    writeFileSync(
      path,
      'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: test $HOME = x\n',
    );
    expect((await ask('actionlint', [...flags, path])).stdout).toContain('SC2086');
  });
});

test('shellcheck finds nothing in the scripts of this project', async () => {
  const scripts = keptFiles().filter((path) => /^#!.*\b(ba)?sh$/.test(firstLineOf(path)));
  expect(scripts).toEqual(expect.arrayContaining(['.ci/run', 'tools/linters/install']));
  const { stdout, exitCode } = await ask('shellcheck', scripts);
  expect(stdout).toBe('');
  expect(exitCode).toBe(0);
});

function firstLineOf(path: string): string {
  return readFileSync(path, 'utf8').split('\n', 1)[0] ?? '';
}

describe('zizmor, pedantic', () => {
  const flags = ['--pedantic', '--offline', '--no-progress', '--format', 'json-v1'];

  async function findingsIn(...paths: string[]): Promise<string[]> {
    const { stdout } = await ask('zizmor', [...flags, ...paths]);
    const findings: { ident: string; locations: { concrete: { feature: string } }[] }[] = JSON.parse(stdout);
    return findings.map(({ ident, locations }) => `${ident}: ${locations.at(-1)?.concrete.feature.trim()}`);
  }

  test('finds nothing in what GitHub runs', async () => {
    expect(await findingsIn('.')).toEqual([]);
  });

  /** What stays in examples, and why. */
  const ACCEPTED = [
    // Neither a branch nor a tag is a pin. Examples have to be readable, and a reader has no commit of a fork to pin.
    `unpinned-uses: ${actionReference()}`,
    // Jobs of an example go by their keys; a name for each would say the same twice.
    'anonymous-definition: ',
  ];

  test('finds nothing in what the documents show but what is accepted above', async () => {
    const findings = await findingsIn(folder);
    const isAccepted = (finding: string) => ACCEPTED.some((accepted) => finding.startsWith(accepted));
    expect(findings.filter((finding) => !isAccepted(finding))).toEqual([]);
    expect(findings.filter(isAccepted)).not.toEqual([]);
  });
});

describe('the language service of GitHub', () => {
  /** An action of GitHub's, whose inputs nobody can look up offline: any will do. */
  const unknownInputs = new Proxy({}, { get: () => ({ description: '' }), has: () => true });
  const action = parse(readFileSync('action.yml', 'utf8'));

  async function complaintsAbout(place: string, text: string): Promise<string[]> {
    const document = TextDocument.create(`file:///${place}`, 'yaml', 1, text);
    const found = await validate(document, {
      actionsMetadataProvider: {
        async fetchActionMetadata({ owner, name }) {
          const isOurs = `${owner}/${name}` === repositoryName();
          return isOurs ? action : { name, description: '', inputs: unknownInputs };
        },
      },
    });
    return found.map(({ message, range }) => `${place}, line ${range.start.line + 1}: ${message}`);
  }

  test('has no complaint about action.yml', async () => {
    expect(await complaintsAbout('action.yml', readFileSync('action.yml', 'utf8'))).toEqual([]);
  });

  test('has none about a workflow, nor about an input that a document gives', async () => {
    const complaints = await Promise.all(
      [...ours, ...shown].map(({ place, text }) =>
        complaintsAbout(`${WORKFLOWS}/${place.replaceAll(/\W/g, '-')}.yml`, text),
      ),
    );
    expect(complaints.flat()).toEqual([]);
  });

  test('would complain about a key or an input that there is not', async () => {
    const uses = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: ${actionReference()}\n`;
    expect(await complaintsAbout('odd/action.yml', 'name: x\nodd: 1\n')).not.toEqual([]);
    expect(
      await complaintsAbout(`${WORKFLOWS}/odd.yml`, `${uses}        with:\n          controller: x\n`),
    ).toEqual([expect.stringContaining("'controller'"), expect.stringContaining('controller_url')]);
  });
});
