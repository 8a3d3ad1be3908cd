import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from '@actions/languageservice';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parse } from 'yaml';
import { runLinter } from '../support/linters.ts';
import { actionReference, keptFiles, repositoryName } from '../support/repository.ts';
import { workflowOf, yamlBlocks } from '../support/yaml-blocks.ts';

// Linters check everything that GitHub runs, and everything that a reader might copy from the documents.

const WORKFLOWS = '.github/workflows';

interface Workflow {
  readonly place: string;
  /** Where the linters find it. */
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

test('there is something to check', () => {
  expect(ours.length).toBeGreaterThan(1);
  expect(shown.map(({ place }) => place.split(':')[0])).toContain('README.md');
});

describe('actionlint with shellcheck', () => {
  const flags = [
    '-config-file',
    '.github/actionlint.yaml',
    '-shellcheck',
    '.linters/bin/shellcheck',
    '-no-color',
  ];

  test('finds nothing', async () => {
    const { stdout, exitCode } = await runLinter('actionlint', [
      ...flags,
      ...[...ours, ...shown].map(({ path }) => path),
    ]);
    expect(stdout).toBe('');
    expect(exitCode).toBe(0);
  });

  test('would find a script without quotes', async () => {
    const path = join(folder, 'careless.yml');
    writeFileSync(
      path,
      'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: test $HOME = x\n',
    );
    expect((await runLinter('actionlint', [...flags, path])).stdout).toContain('SC2086');
  });
});

test('shellcheck finds nothing in the scripts of this project', async () => {
  const scripts = keptFiles().filter((path) => /^#!.*\b(ba)?sh$/.test(firstLineOf(path)));
  expect(scripts).toEqual(expect.arrayContaining(['.ci/run', 'tools/linters/install']));
  const { stdout, exitCode } = await runLinter('shellcheck', scripts);
  expect(stdout).toBe('');
  expect(exitCode).toBe(0);
});

function firstLineOf(path: string): string {
  return readFileSync(path, 'utf8').split('\n', 1)[0] ?? '';
}

describe('zizmor, pedantic', () => {
  const flags = ['--pedantic', '--offline', '--no-progress', '--format', 'json-v1'];

  async function findingsIn(...paths: string[]): Promise<string[]> {
    const { stdout } = await runLinter('zizmor', [...flags, ...paths]);
    const findings: { ident: string; locations: { concrete: { feature: string } }[] }[] = JSON.parse(stdout);
    return findings.map(({ ident, locations }) => `${ident}: ${locations.at(-1)?.concrete.feature.trim()}`);
  }

  test('finds nothing in what GitHub runs', async () => {
    expect(await findingsIn('.')).toEqual([]);
  });

  /** Accepted findings in examples, and why. */
  const ACCEPTED = [
    // Neither a branch nor a tag is a pin. Examples have to be readable, and a reader has no commit of a fork to pin.
    `unpinned-uses: ${actionReference()}`,
    'unpinned-uses: my-org/ci/.github/workflows/reset.yml@main',
    // Runs that use a pool are concurrent.
    'concurrency-limits: ',
    // The keys of an example's jobs are their names; a `name` would repeat them.
    'anonymous-definition: ',
  ];

  test('finds only what is accepted above in the documents', async () => {
    const findings = await findingsIn(folder);
    const isAccepted = (finding: string) => ACCEPTED.some((accepted) => finding.startsWith(accepted));
    expect(findings.filter((finding) => !isAccepted(finding))).toEqual([]);
    expect(findings.filter(isAccepted)).not.toEqual([]);
  });
});

describe("GitHub's language service", () => {
  /** An action of GitHub's, whose inputs are not known offline: accept any. */
  const unknownInputs = new Proxy({}, { get: () => ({ description: '' }), has: () => true });
  const action = parse(readFileSync('action.yml', 'utf8'));

  async function problemsIn(place: string, text: string): Promise<string[]> {
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

  test('finds no problem in action.yml', async () => {
    expect(await problemsIn('action.yml', readFileSync('action.yml', 'utf8'))).toEqual([]);
  });

  test('finds none in a workflow, or in the inputs of an example', async () => {
    const problems = await Promise.all(
      [...ours, ...shown].map(({ place, text }) =>
        problemsIn(`${WORKFLOWS}/${place.replaceAll(/\W/g, '-')}.yml`, text),
      ),
    );
    expect(problems.flat()).toEqual([]);
  });

  test('would find an unknown key, and an unknown input', async () => {
    const uses = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: ${actionReference()}\n`;
    expect(await problemsIn('odd/action.yml', 'name: x\nodd: 1\n')).not.toEqual([]);
    expect(
      await problemsIn(`${WORKFLOWS}/odd.yml`, `${uses}        with:\n          controller: x\n`),
    ).toEqual([expect.stringContaining("'controller'"), expect.stringContaining('controller_url')]);
  });
});
