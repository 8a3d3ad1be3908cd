import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { ActionError, ERROR_CODES } from '../src/errors.ts';
import { failedStep } from '../src/fleet/step-outcome.ts';
import { DEFAULTS } from '../src/inputs/form.ts';
import { outputsOf } from '../src/report/outputs.ts';

/** Defaults that the runner evaluates. */
const EXPRESSIONS = { run_id: expression('github.run_id'), jobs_token: expression('github.token') };

interface ActionFile {
  description: string;
  inputs: Record<string, { description: string; required?: boolean; default?: string }>;
  outputs: Record<string, { description: string }>;
  runs: { using: string; main: string };
  branding: { icon: string; color: string };
}

const action: ActionFile = parse(readFileSync('action.yml', 'utf8'));
const readme = readFileSync('README.md', 'utf8');
const contributing = readFileSync('CONTRIBUTING.md', 'utf8');
const troubleshooting = readFileSync('docs/troubleshooting.md', 'utf8');
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join('src', path), 'utf8') }));

function expression(name: string): string {
  return ['$', `{{ ${name} }}`].join('');
}

/** Names in the first column of the table below a heading of the README. */
function tableBelow(heading: string): string[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name);
}

/** What a source loads when it is imported, directly or through others. */
function importsOf(path: string, seen: string[] = []): string[] {
  const { text = '' } = sources.find((source) => source.path === path) ?? {};
  for (const [, from = ''] of text.matchAll(/^import (?!type)[^;]*?from '([^']+)'/gm)) {
    const file = from.startsWith('.') ? join(dirname(path), from) : from;
    if (seen.includes(file)) continue;
    seen.push(file);
    importsOf(file, seen);
  }
  return seen;
}

function sourcesWith(pattern: RegExp): string[] {
  return sources
    .filter(({ text }) => pattern.test(text))
    .map(({ path }) => path)
    .sort();
}

test('scripts and tests run on the Node that runners have', () => {
  expect(process.version).toMatch(/^v24\./);
  const post = { post: 'dist/post.js', 'post-if': 'always()' };
  expect(action.runs).toEqual({ using: 'node24', main: 'dist/index.js', ...post });
});

describe('action.yml', () => {
  test('has a description that the Marketplace takes', () => {
    expect(action.description.length).toBeLessThan(125);
  });

  test('declares the inputs that are read, with their defaults', () => {
    const readers = sources.filter(({ path }) => path.startsWith('inputs/'));
    const read = readers.flatMap(({ text }) => [...text.matchAll(/read\w*\((?:form, )?'(\w+)'/g)]);
    expect([...new Set(read.map(([, name]) => name))].sort()).toEqual(Object.keys(action.inputs).sort());
    const defaults = Object.entries(action.inputs).filter(([, input]) => input.default !== undefined);
    const texts = Object.fromEntries(defaults.map(([name, input]) => [name, input.default]));
    expect(texts).toEqual({ ...DEFAULTS, ...EXPRESSIONS });
  });

  test('declares the outputs that are set', () => {
    const nothing = failedStep(new ActionError('internal_error', 'No.'));
    expect(Object.keys(action.outputs).sort()).toEqual(Object.keys(outputsOf(nothing, String)).sort());
  });
});

describe('the documents', () => {
  test('README lists every input and output in the order of action.yml', () => {
    expect(tableBelow('Inputs')).toEqual(Object.keys(action.inputs));
    expect(tableBelow('Outputs')).toEqual(Object.keys(action.outputs));
  });

  test('README can be read in five minutes', () => {
    expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1_800);
  });

  test('Troubleshooting lists every error code in order, and has a section for each', () => {
    const links = troubleshooting.matchAll(/^\| \[`(\w+)`\]\(#(\w+)\) \|/gm);
    expect([...links].map(([, code, anchor]) => [code, anchor])).toEqual(
      ERROR_CODES.map((code) => [code, code]),
    );
    const sections = troubleshooting.matchAll(/^## `(\w+)`$/gm);
    expect([...sections].map(([, code]) => code)).toEqual([...ERROR_CODES]);
  });

  test('Troubleshooting quotes only what the action writes', () => {
    const written = sources.map(({ text }) => text.toLowerCase());
    const rows = troubleshooting.matchAll(/^\| ([^|]*) \|/gm);
    const quotes = [...rows]
      .flatMap(([, seen = '']) => [...seen.matchAll(/`([^`]+)`/g)])
      .map(([, quote = '']) => quote)
      .filter((quote) => quote.includes(' '));
    expect(quotes.length).toBeGreaterThan(50);
    expect(quotes.filter((quote) => !written.some((text) => text.includes(quote.toLowerCase())))).toEqual([]);
  });

  test('the map in CONTRIBUTING lists exactly the modules of src', () => {
    const [, map = ''] = contributing.split('## The map\n');
    const [table = ''] = map.split('Some modules have no test');
    const named = [...table.matchAll(/^\|.*?\|(.*?)\|/gm)].flatMap(([, cell = '']) => [
      ...cell.matchAll(/`([\w-]+\.ts)`/g),
    ]);
    const modules = sources.map(({ path }) => path.split('/').at(-1));
    expect(named.map(([, name]) => name).sort()).toEqual(modules.sort());
  });

  test('CONTRIBUTING says where modules without a test file of their own are tested', () => {
    const [, table = ''] = contributing.split('| module | tested in |\n');
    const rows = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| (`.*`) \| (`.*`) \|$/gm)];
    const pathsIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
    const withoutTest = sources
      .map(({ path }) => path)
      .filter((path) => !existsSync(`__tests__/${path.replace('.ts', '.test.ts')}`));
    expect(rows.flatMap(([, modules]) => pathsIn(modules)).sort()).toEqual(withoutTest.sort());
    expect(rows.flatMap(([, , tests]) => pathsIn(tests)).filter((path) => !existsSync(path))).toEqual([]);
  });

  test('README gives the defaults', () => {
    for (const [name, value] of Object.entries({ ...DEFAULTS, ...EXPRESSIONS })) {
      expect(readme).toContain(`\n| \`${name}\` | \`${value}\` | `);
    }
  });
});

/** From top to bottom. A file directly in `src` is a room of its own, except for the ground. */
const ROOMS = [
  'post',
  'index',
  'main',
  'post-step',
  'process',
  'inputs',
  'report',
  'fleet',
  'runner',
  'drain',
  'github',
  'guest',
  'restart',
  'controller',
  'http',
  'ground',
];
const GROUND = ['clock.ts', 'errors.ts', 'dates.ts', 'likeness.ts', 'log.ts', 'poll.ts'];

function roomOf(path: string): string {
  if (GROUND.includes(path)) return 'ground';
  return path.includes('/') ? dirname(path) : path.replace('.ts', '');
}

/** The modules of src that a module imports, types included. */
function localImportsOf({ path, text }: { path: string; text: string }): string[] {
  const imports = text.matchAll(/(?:from|import\() ?'(\.{1,2}\/[^']+)'/g);
  return [...imports].map(([, from = '']) => join(dirname(path), from));
}

/** Modules that are in no cycle. Keeping them avoids following every path again: there are far more paths than modules. */
const acyclic = new Set<string>();

/** A cycle of imports that can be reached from a module; undefined if there is none. */
function cycleFrom(path: string, trail: readonly string[] = []): readonly string[] | undefined {
  if (acyclic.has(path)) return undefined;
  if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
  const source = sources.find((one) => one.path === path);
  for (const next of source === undefined ? [] : localImportsOf(source)) {
    const cycle = cycleFrom(next, [...trail, path]);
    if (cycle !== undefined) return cycle;
  }
  acyclic.add(path);
  return undefined;
}

describe('the rooms', () => {
  test('are all listed', () => {
    expect([...new Set(sources.map(({ path }) => roomOf(path)))].sort()).toEqual([...ROOMS].sort());
  });

  test('import only from rooms below them', () => {
    const isUpwards = (path: string, other: string) =>
      ROOMS.indexOf(roomOf(other)) < ROOMS.indexOf(roomOf(path));
    const upwards = sources.flatMap((source) =>
      localImportsOf(source)
        .filter((other) => isUpwards(source.path, other))
        .map((other) => `${source.path} imports ${other}`),
    );
    expect(upwards).toEqual([]);
  });

  test('have no import cycles', () => {
    expect(sources.map(({ path }) => cycleFrom(path)).find((cycle) => cycle !== undefined)).toBeUndefined();
  });
});

describe('one place for each thing', () => {
  test.each<[string, RegExp, string[]]>([
    ['undici', /from 'undici/, ['http/connections.ts', 'http/transport.ts']],
    ['octokit', /@actions\/github'|@octokit/, ['github/octokit.ts']],
    ['inputs', /INPUT_/, ['inputs/form.ts']],
    ['the environment and the process', /\bprocess\.(?!stdout|ts')/, ['main.ts', 'post.ts', 'process.ts']],
    [
      'the log',
      /core\.(info|debug|notice|warning|error|setSecret|setFailed)|console\.|\.(stdout|stderr)\b/,
      ['report/terminal.ts'],
    ],
    ['the runner', /from '@actions\/core'/, ['report/outputs.ts', 'report/summary.ts', 'report/terminal.ts']],
    [
      'time',
      /\b(setTimeout|setInterval|setImmediate|performance\.now|Date\.now|new Date\(\)|AbortSignal\.timeout)\b|node:timers/,
      ['clock.ts', 'process.ts'],
    ],
    ['plain sockets', /\bconnect\b[^;]*from 'node:net'/, ['guest/contact.ts']],
    ['chance', /Math\.random|randomUUID/, ['main.ts']],
  ])('%s', (_, pattern, places) => {
    expect(sourcesWith(pattern)).toEqual(places);
  });

  test('octokit is loaded only if the step uses GitHub', () => {
    expect(importsOf('main.ts')).toContain('github/scope.ts');
    expect(importsOf('main.ts')).not.toContain('@actions/github');
    expect(importsOf('runner/guard.ts')).toContain('@actions/github');
  });

  test('restart/ imports only types from other rooms, except the ground and what the states of an instance mean', () => {
    const imports = sources
      .filter(({ path }) => path.startsWith('restart/'))
      .flatMap(({ text }) =>
        [...text.matchAll(/^import (?!type)[^;]*?from '(\.\.\/[^']+)'/gm)].map(([, from]) => from),
      );
    expect([...new Set(imports)].sort()).toEqual([
      '../clock.ts',
      '../controller/instance.ts',
      '../dates.ts',
      '../errors.ts',
      '../likeness.ts',
      '../log.ts',
      '../poll.ts',
    ]);
  });
});
