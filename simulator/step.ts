import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';

/** One step of a workflow: `uses:` an action, `with:` inputs. */
export interface StepOptions {
  /** The folder that holds action.yml. */
  readonly action: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** In addition to what the runner sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The Node executable; this process's own if absent. */
  readonly node?: string;
  /** How many times as fast time passes for it (see fast-time.ts). */
  readonly timeFactor?: number;
  /** Called for each line of the log. */
  readonly onLine?: (line: string) => void;
}

export interface StepResult {
  readonly exitCode: number | null;
  /** What was printed, stdout and stderr together. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

export interface RunningStep {
  readonly process: ChildProcess;
  readonly finished: Promise<StepResult>;
}

interface ActionFile {
  readonly inputs: Readonly<Record<string, { default?: string }>>;
  readonly runs: { readonly main: string };
}

const FAST_TIME = new URL('./fast-time.ts', import.meta.url).href;

/** Runs a JavaScript action as a runner does: inputs as `INPUT_*`, with defaults, and files for its output. */
export async function startStep(options: StepOptions): Promise<RunningStep> {
  const action: ActionFile = parse(await readFile(join(options.action, 'action.yml'), 'utf8'));
  const folder = await mkdtemp(join(tmpdir(), 'step-'));
  const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') };
  for (const file of Object.values(files)) await writeFile(file, '');

  const { timeFactor = 1 } = options;
  const preloaded = timeFactor === 1 ? [] : ['--import', FAST_TIME];
  const main = join(options.action, action.runs.main);
  const child = spawn(options.node ?? process.execPath, [...preloaded, main], {
    env: {
      PATH: process.env['PATH'],
      TIME_FACTOR: String(timeFactor),
      ...inputVariables(action, options),
      ...files,
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { process: child, finished: finish(child, { folder, files, onLine: options.onLine ?? (() => {}) }) };
}

function inputVariables(
  action: ActionFile,
  { inputs, environment = {} }: Pick<StepOptions, 'inputs' | 'environment'>,
): Record<string, string> {
  const declared = Object.entries(action.inputs).map(([name, input]) => [
    name,
    evaluate(input.default ?? '', environment),
  ]);
  const all: Record<string, string> = { ...Object.fromEntries(declared), ...inputs };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
  );
}

/** Fills in the expressions that action.yml uses: `${{ github.run_id }}` is what the runner puts into GITHUB_RUN_ID. */
function evaluate(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$\{\{ github\.(\w+) \}\}/g,
    (_, name: string) => environment[`GITHUB_${name.toUpperCase()}`] ?? '',
  );
}

interface Report {
  readonly folder: string;
  readonly files: { readonly GITHUB_OUTPUT: string; readonly GITHUB_STEP_SUMMARY: string };
  readonly onLine: (line: string) => void;
}

async function finish(child: ChildProcess, { folder, files, onLine }: Report): Promise<StepResult> {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      onLine(line);
    });
  }
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const outputs = parseOutputs(await readFile(files.GITHUB_OUTPUT, 'utf8'));
  const summary = await readFile(files.GITHUB_STEP_SUMMARY, 'utf8');
  await rm(folder, { recursive: true });
  return { exitCode, log: lines.join('\n'), outputs, summary };
}

/** `name<<DELIMITER`, the value's lines, `DELIMITER`. The last value of an output counts. */
export function parseOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const entries = text.matchAll(/^(.+?)<<(.+)\r?\n([\s\S]*?)\r?\n\2$/gm);
  for (const [, name = '', , value = ''] of entries) outputs[name] = value;
  return outputs;
}

/** The step as YAML for a workflow. */
export function describeStep(uses: string, inputs: Readonly<Record<string, string>>): string {
  return stringify([{ uses, with: inputs }]).trimEnd();
}

export interface Shown {
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** How many times as fast time passes. */
  readonly timeFactor: number;
}

/**
 * Runs the bundled action as a runner would, and prints the step, its log, its outputs and its job summary. On the command line,
 * `--action DIR` runs the action in another folder, `--node FILE` with another Node. @returns the exit code
 */
export async function showStep({ inputs, environment, timeFactor }: Shown): Promise<number> {
  const { values: options } = parseArgs({
    options: { action: { type: 'string' }, node: { type: 'string' } },
    allowPositionals: true,
  });
  heading('The step');
  console.log(describeStep('./', inputs));

  heading(`Its log (time passes ${timeFactor} times as fast)`);
  const step = await startStep({
    action: options.action ?? fileURLToPath(new URL('..', import.meta.url)),
    node: options.node ?? process.execPath,
    ...{ inputs, environment, timeFactor },
    onLine: showLine,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => step.process.kill(signal));
  const { exitCode, outputs, summary } = await step.finished;

  heading(`Its outputs, empty ones omitted (exit code ${exitCode})`);
  showOutputs(outputs);

  heading('Its job summary');
  console.log(plainText(summary));
  return exitCode ?? 1;
}

export function showOutputs(outputs: Readonly<Record<string, string>>): void {
  const set = Object.entries(outputs).filter(([, value]) => value !== '');
  for (const [name, value] of set) console.log(`${name.padEnd(20)} ${shortened(value)}`.trimEnd());
}

export function heading(text: string): void {
  console.log(`\n${text}\n${'-'.repeat(text.length)}`);
}

/** As a runner shows it: no masks or debug lines, and annotations as plain lines. */
function showLine(line: string): void {
  const [, command, message = ''] = /^::(add-mask|debug|warning|error)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
  if (command === undefined) console.log(line);
  if (command === 'warning' || command === 'error')
    console.log(`${command}: ${message.replaceAll('%0A', '\n')}`);
}

/** A job summary as text: tables in columns that fit, charts left out. */
export function plainText(html: string): string {
  return html
    .replace(/```mermaid\n[\s\S]*?```/g, '(A chart that GitHub draws.)')
    .replace(/<table[^>]*>([\s\S]*?)<\/table>/g, (_, table: string) => `\n${inColumns(cellsOf(table))}\n`)
    .split('\n')
    .map((line) => decode(line).trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}

function cellsOf(table: string): string[][] {
  const rows = [...table.matchAll(/<tr[^>]*>([\s\S]*?)<\/tr>/g)];
  return rows.map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell = '']) => cell.trim()),
  );
}

function inColumns(rows: readonly string[][]): string {
  const widthOf = (column: number) => Math.max(...rows.map((row) => decode(row[column] ?? '').length));
  const pad = (cell: string, column: number) => cell + ' '.repeat(widthOf(column) - decode(cell).length);
  return rows.map((row) => row.map(pad).join('  ')).join('\n');
}

const LONGEST_VALUE = 200;

/** An output for the screen: some are long. */
export function shortened(value: string): string {
  if (value.length <= LONGEST_VALUE) return value;
  return `${value.slice(0, LONGEST_VALUE)}... (${value.length} characters)`;
}

function decode(html: string): string {
  const text = html.replace(/<[^>]*>/g, '');
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
