import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse, stringify } from 'yaml';

/** One step of a workflow: `uses:` an action, `with:` inputs. */
export interface StepOptions {
  /** The folder that holds action.yml. */
  readonly action: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** Beside what the runner sets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The Node to run it with; this process's own if absent. */
  readonly node?: string;
  /** Lets time pass so many times as fast for it (see fast-time.ts). */
  readonly timeFactor?: number;
  /** Each line of the log, as it comes. */
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

/** Runs a JavaScript action the way a runner does: inputs as `INPUT_*`, defaults filled in, files for what it reports. */
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
      ...inputVariables(action, options.inputs),
      ...files,
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { process: child, finished: finish(child, { folder, files, onLine: options.onLine ?? (() => {}) }) };
}

function inputVariables(action: ActionFile, given: StepOptions['inputs']): Record<string, string> {
  const declared = Object.entries(action.inputs).map(([name, input]) => [name, input.default ?? '']);
  const all: Record<string, string> = { ...Object.fromEntries(declared), ...given };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
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

/** `name<<DELIMITER`, the value's lines, `DELIMITER`. */
function parseOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const entries = text.matchAll(/^(.+?)<<(.+)\r?\n([\s\S]*?)\r?\n\2$/gm);
  for (const [, name = '', , value = ''] of entries) outputs[name] = value;
  return outputs;
}

/** The step as it stands in a workflow. */
export function describeStep(uses: string, inputs: Readonly<Record<string, string>>): string {
  return stringify([{ uses, with: inputs }]).trimEnd();
}
