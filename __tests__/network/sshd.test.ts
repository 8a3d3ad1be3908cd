import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Daemon, freePort, startDaemon } from '../support/daemon.ts';
import { begin, end } from '../support/scenario.ts';

// A real sshd behind the forwarded port of a simulated VM.

let folder: string;
let port: number;
let sshd: Daemon;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sshd-'));
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  // As root, sshd needs this folder, which its service would have created.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  port = await freePort();
  const options = ['ListenAddress=127.0.0.1', `PidFile=${folder}/pid`].flatMap((option) => ['-o', option]);
  const args = ['-D', '-e', '-f', '/dev/null', '-p', String(port), '-h', key, ...options];
  sshd = await startDaemon('/usr/sbin/sshd', { args, port });
});

afterAll(async () => {
  await sshd.stop();
  rmSync(folder, { recursive: true });
});

const signal = (name: NodeJS.Signals) =>
  process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), name);

/** A step that waits for the guest; `onLine` is called with each line of its log. */
async function play(onLine: (log: string) => void = () => {}) {
  const scenario = await begin({
    world: { nodes: 1, vms: 1, nodeIp: '127.0.0.1', ports: [port] },
    inputs: { guest_check: 'ssh', guest_timeout: '40s' },
  });
  let log = '';
  scenario.step.process.stdout?.on('data', (text) => {
    log += text;
    onLine(log);
  });
  return end(scenario);
}

test('a real server is known by its banner', async () => {
  const { exitCode, outputs, log } = await play();
  expect([exitCode, outputs['guest_status'], outputs['ssh_port']]).toEqual([0, 'up', String(port)]);
  expect(log).toMatch(/^The guest is up: "SSH-2\.0-OpenSSH_[^"]+", /m);
});

test('while it hangs, connections stand, and that is not enough', async () => {
  signal('SIGSTOP');
  try {
    const { exitCode, outputs, log } = await play((line) => {
      if (line.includes('waiting for the guest: no SSH banner came')) signal('SIGCONT');
    });
    expect([exitCode, outputs['guest_status']]).toEqual([0, 'up']);
    expect(log).toContain('connected, but nothing was sent');
  } finally {
    signal('SIGCONT');
  }
}, 60_000);
