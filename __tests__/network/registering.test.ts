import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { type Daemon, freePort, startDaemon } from '../support/daemon.ts';
import { yamlBlocks } from '../support/yaml-blocks.ts';

// The scripts in docs/between-jobs.md that register a runner, as they are written there, over a real sshd. They start replacements for the
// runner's own scripts, which refuse in the same cases.

const DOCUMENT = 'docs/between-jobs.md';
const run = promisify(execFile);
const { username } = userInfo();

/** Like the runner's own, it never configures twice. */
const CONFIG_SH = `#!/bin/bash
cd "$(dirname "$0")"
if [ -e .runner ] || [ -e .credentials ]; then echo 'Cannot configure the runner because it is already configured.'; exit 1; fi
echo "$@" >.runner
touch .credentials .credentials_rsaparams
`;
/** Writes its arguments to the pipe \`arguments\`. */
const RUN_SH = `#!/bin/bash
cd "$(dirname "$0")"
echo "$*|$(ls .runner .credentials 2>/dev/null | tr '\\n' ' ')" >arguments
`;

let folder: string;
/** The guest's home. */
let home: string;
let port: number;
let sshd: Daemon;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registering-'));
  home = join(folder, 'home');
  mkdirSync(join(home, 'actions-runner'), { recursive: true });
  save(join(home, 'actions-runner', 'config.sh'), CONFIG_SH);
  save(join(home, 'actions-runner', 'run.sh'), RUN_SH);
  execFileSync('mkfifo', [join(home, 'actions-runner', 'arguments')]);
  for (const name of ['host', 'client'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)]);
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  port = await freePort();
  const options = [
    'ListenAddress=127.0.0.1',
    `PidFile=${folder}/pid`,
    `AuthorizedKeysFile=${folder}/client.pub`,
    'StrictModes=no',
    `ForceCommand=export HOME=${home} && cd && eval "$SSH_ORIGINAL_COMMAND"`,
  ].flatMap((option) => ['-o', option]);
  const args = ['-D', '-e', '-f', '/dev/null', '-p', String(port), '-h', join(folder, 'host'), ...options];
  sshd = await startDaemon('/usr/sbin/sshd', { args, port });
});
afterEach(async () => {
  await sshd.stop();
  rmSync(folder, { recursive: true });
});

function save(path: string, script: string): void {
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

const inRunner = (name: string) => join(home, 'actions-runner', name);

/** What the last boot left on the disk, which a restart does not roll back. */
function leaveConfiguration(): void {
  for (const name of ['.runner', '.credentials']) writeFileSync(inRunner(name), 'of the last boot');
}

test('a reset job registers the next runner over SSH, and removes its key', async () => {
  leaveConfiguration();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  save(join(bin, 'gh'), `#!/bin/bash\necho "$@" >"${folder}/asked"\necho jit-config-of-one-job\n`);
  const script = stepNamed('Register the next runner').replace('anka@', `${username}@`);
  const hostKey = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const started = readFile(inRunner('arguments'), 'utf8');
  await run('bash', ['-eo', 'pipefail', '-c', script], {
    cwd: folder,
    env: {
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
      HOME: folder,
      NAME: 'c2af6080',
      HOST: '127.0.0.1',
      PORT: String(port),
      SSH_KEY: readFileSync(join(folder, 'client'), 'utf8').trim(),
      KNOWN_HOST: `anka-vm ${hostKey}`,
    },
  });
  expect(await started).toBe('--jitconfig jit-config-of-one-job|\n');
  expect(readFileSync(join(folder, 'asked'), 'utf8')).toMatch(
    / name=c2af6080-\d+ .* labels\[\]=macos-pool\n$/,
  );
  expect(existsSync(join(folder, 'key'))).toBe(false);
});

const UUID = 'c2af6080-9fd1-4e2b-8a54-0d6ff0f4b2a7';

test('a VM registers itself at each boot, even if the last boot left a configuration', async () => {
  const server = await serveTokens();
  const { port: tokens } = server.address() as AddressInfo;
  save(
    inRunner('register.sh'),
    scriptThatBegins('#!/bin/bash\n')
      .replaceAll('https://api.github.com', `http://127.0.0.1:${tokens}`)
      .replace('nc -U /var/run/anka', `cat ${home}/anka`),
  );
  writeFileSync(join(home, 'anka'), `name: mac-1\nUUID: ${UUID}\nother: ${UUID.replace('c2', 'd2')}\n`);
  writeFileSync(join(home, '.runner-token'), 'secret\n');
  for (const boot of ['first', 'second']) {
    const started = readFile(inRunner('arguments'), 'utf8');
    await overSsh('actions-runner/register.sh');
    expect([boot, await started]).toEqual([boot, '|.credentials .runner \n']);
    expect(readFileSync(inRunner('.runner'), 'utf8')).toMatch(
      /^--unattended --ephemeral --url \S+ --token of-secret --name c2af6080-9fd1-4e2b-8a54-0d6ff0f4b2a7-\d+ --labels macos-pool\n$/,
    );
  }
  server.close();
});

/** Like GitHub, gives a registration token for the right token. */
async function serveTokens(): Promise<Server> {
  const server = createServer(({ method, headers: { authorization } }, response) => {
    const isRight = method === 'POST' && authorization === 'Bearer secret';
    response
      .writeHead(isRight ? 201 : 401)
      .end('{\n  "token": "of-secret",\n  "expires_at": "2026-01-01"\n}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function overSsh(command: string): Promise<void> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'].flatMap((one) => ['-o', one]);
  const where = ['-i', join(folder, 'client'), '-p', String(port), `${username}@127.0.0.1`];
  await run('ssh', ['-q', ...options, ...where, command]);
}

/** The script of a step that the document shows. */
function stepNamed(name: string): string {
  const blocks = yamlBlocks().filter(({ place, text }) => place.startsWith(DOCUMENT) && text.includes(name));
  const [block] = blocks;
  const { jobs }: { jobs: Record<string, { steps: { name?: string; run?: string }[] }> } = parse(
    block?.text ?? '',
  );
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  return steps.find((step) => step.name === name)?.run ?? '';
}

/** The only script in the document that begins with this text. */
function scriptThatBegins(text: string): string {
  const scripts = readFileSync(DOCUMENT, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm);
  return [...scripts].map(([, script = '']) => script).find((script) => script.startsWith(text)) ?? '';
}
