import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeStep, startStep } from './step.ts';

export interface Shown {
  readonly inputs: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Time passes so many times as fast. */
  readonly timeFactor: number;
  /** Of a column in the summary's tables, in characters. */
  readonly columnWidth: number;
}

/**
 * Runs the bundled action as a runner would, and shows the step, its log, its outputs and its job summary. `--action DIR` on the
 * command line runs the one in another folder, `--node FILE` with another Node. @returns the exit code
 */
export async function showStep({ inputs, environment, timeFactor, columnWidth }: Shown): Promise<number> {
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
  for (const [name, value] of Object.entries(outputs)) console.log(`${name.padEnd(20)} ${value}`);

  heading('Its job summary');
  console.log(plainText(summary, columnWidth));
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

/** The summary's HTML the way a person reads it. */
function plainText(html: string, columnWidth: number): string {
  const cell = (text: string) => text.padEnd(columnWidth);
  return html
    .replace(/<tr>(.*?)<\/tr>/g, (_, row: string) => {
      return [...row.matchAll(/<t[hd]>(.*?)<\/t[hd]>/g)]
        .map(([, text = '']) => cell(decode(text)))
        .join('')
        .trimEnd();
    })
    .split('\n')
    .map(decode)
    .filter((line) => line !== '')
    .join('\n');
}

function decode(html: string): string {
  const text = html.replace(/<[^>]*>/g, '');
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
