import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GITHUB_API_PATH } from './github-api.ts';
import { GitHubWorld } from './github-world.ts';
import { takeGuestPorts } from './guest-servers.ts';
import { serve } from './server.ts';
import { describeStep, startStep } from './step.ts';
import { DEFAULT_WORLD, World } from './world.ts';

/**
 * `npm start`: runs the bundled action as a runner would, against a simulated controller and GitHub, and shows what it
 * reports: a job that ends, a restart, the guest that is up, and the runner that comes back. What takes minutes in life takes seconds here.
 * `--action DIR` runs the one in another folder, `--node FILE` with another Node.
 */
const { values: options } = parseArgs({ options: { action: { type: 'string' }, node: { type: 'string' } } });
const TIME_FACTOR = 20;
const TOKEN = 'simulated-token';
const JOB_MS = 40_000;
const GUEST_BOOT_MS = 22_000;

const startsAt = Date.now();
const guests = await takeGuestPorts(2 * DEFAULT_WORLD.vms);
const world = new World({ ...DEFAULT_WORLD, startsAt, nodeIp: '127.0.0.1', ports: guests.ports });
const github = new GitHubWorld({ world, token: TOKEN });
for (const record of world.records) github.employ({ record, name: record.externalId ?? '' });
for (const runner of github.runners.slice(0, 1)) github.startJob(runner, JOB_MS);
const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
const habits = { bootMs: GUEST_BOOT_MS, forwarder: 'accepts' } as const;
guests.open({ world, now, timeFactor: TIME_FACTOR, habits });
const simulator = await serve({ world, github, port: 0, now });
const inputs = {
  controller_url: simulator.url,
  external_id: 'runner-1',
  runner_name: '{external_id}',
  runner_scope: 'octo-org',
  github_token: TOKEN,
  guest_check: 'ssh',
};

heading('The step');
console.log(describeStep('./', inputs));

heading(`Its log (time passes ${TIME_FACTOR} times as fast)`);
const step = await startStep({
  action: options.action ?? fileURLToPath(new URL('..', import.meta.url)),
  node: options.node ?? process.execPath,
  inputs,
  environment: {
    GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
    GITHUB_REPOSITORY: 'octo-org/app',
  },
  timeFactor: TIME_FACTOR,
  onLine: showLine,
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => step.process.kill(signal));
const { exitCode, outputs, summary } = await step.finished;
await simulator.close();
await guests.close();

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
