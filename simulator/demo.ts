import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from './server.ts';
import { startStep } from './step.ts';
import { DEFAULT_WORLD, World } from './world.ts';

/**
 * `npm start`: runs the bundled action as a runner would, against a simulated controller, and shows what it reports.
 * `--action DIR` runs the one in another folder, `--node FILE` with another Node.
 */
const { values: options } = parseArgs({ options: { action: { type: 'string' }, node: { type: 'string' } } });
const world = new World({ ...DEFAULT_WORLD, startsAt: Date.now() });
const simulator = await serve({ world, port: 0, now: Date.now });
const instanceId = world.records[0]?.instanceId ?? '';

heading('The step');
console.log(`- uses: ./
  with:
    controller_url: ${simulator.url}
    instance_id: ${instanceId}`);

heading('Its log');
const step = await startStep({
  action: options.action ?? fileURLToPath(new URL('..', import.meta.url)),
  node: options.node ?? process.execPath,
  inputs: { controller_url: simulator.url, instance_id: instanceId },
  onLine: showLine,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => step.process.kill(signal));
const { exitCode, outputs, summary } = await step.finished;
await simulator.close();

heading(`Its outputs (exit code ${exitCode})`);
for (const [name, value] of Object.entries(outputs)) console.log(`${name.padEnd(20)} ${value}`);

heading('Its job summary');
console.log(plainText(summary));
process.exitCode = exitCode ?? 1;

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
function plainText(html: string): string {
  const cell = (text: string) => text.padEnd(40);
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
