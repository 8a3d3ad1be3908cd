import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeStep, startStep } from './step.ts';

export interface Shown {
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Time passes so many times as fast. */
  readonly timeFactor: number;
}

/**
 * Runs the bundled action as a runner would, and shows the step, its log, its outputs and its job summary. `--action DIR` on the
 * command line runs the one in another folder, `--node FILE` with another Node. @returns the exit code
 */
export async function showStep({ inputs, environment, timeFactor }: Shown): Promise<number> {
  const { values: options } = parseArgs({
    options: { action: { type: 'string' }, node: { type: 'string' } },
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

  heading(`Its outputs (exit code ${exitCode})`);
  for (const [name, value] of Object.entries(outputs))
    console.log(`${name.padEnd(20)} ${shortened(value)}`.trimEnd());

  heading('Its job summary');
  console.log(plainText(summary));
  return exitCode ?? 1;
}

function heading(text: string): void {
  console.log(`\n${text}\n${'-'.repeat(text.length)}`);
}

/** As a runner shows it: masks and debug lines stay unseen, an annotation becomes a line. */
function showLine(line: string): void {
  const [, command, message = ''] = /^::(add-mask|debug|warning|error)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
  if (command === undefined) console.log(line);
  if (command === 'warning' || command === 'error')
    console.log(`${command}: ${message.replaceAll('%0A', '\n')}`);
}

/** A job summary the way a person reads it: its tables in columns that fit what stands in them, its charts left out. */
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

/** An output for the screen: with hundreds of VMs, some are long. */
export function shortened(value: string): string {
  if (value.length <= LONGEST_VALUE) return value;
  return `${value.slice(0, LONGEST_VALUE)}... (${value.length} characters)`;
}

function decode(html: string): string {
  const text = html.replace(/<[^>]*>/g, '');
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
