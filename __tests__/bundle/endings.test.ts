import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Reaction, SeenRequest } from '../../simulator/controller-api.ts';
import { playBehindBalancer, startGzippingGateway } from '../support/gateway.ts';
import { edited, end, isPoll, nameOf, play } from '../support/scenario.ts';
import { RESTARTED, reported, signalled } from '../support/signals.ts';

// The bundle as a process, against the simulator: its outputs are true even if it is killed, delayed, or answered strangely.

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'endings-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A pipe without a reader: opening it blocks forever. */
function createPipe(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

/** Root may write to any file but the kernel's own. */
function readOnlyFile(): string {
  if (process.getuid?.() === 0) return '/proc/sys/kernel/ostype';
  const path = join(folder, `read-only-${Math.random()}`);
  writeFileSync(path, '', { mode: 0o444 });
  return path;
}

describe('killed', () => {
  test('after the restart was sent: the outputs say that it is unknown', async () => {
    const { outputs, record } = await end(await signalled('SIGKILL', { name: 'POST restart' }));
    expect(outputs).toMatchObject({
      restarted: 'unknown',
      instance_id: record.instanceId,
      external_id: 'runner-1',
      previous_start_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      error_code: '',
    });
    expect(outputs['start_date']).toBe(outputs['previous_start_date']);
  });

  test('while it polls the VM: the same', async () => {
    const { outputs } = await end(await signalled('SIGKILL', { name: 'GET one', nth: 2 }));
    expect(outputs).toMatchObject({ restarted: 'unknown', instance_id: expect.stringMatching(/.{36}/) });
  });

  test('before the restart was sent: there are no outputs', async () => {
    expect(await end(await signalled('SIGKILL', { name: 'GET one' }))).toMatchObject({
      outputs: {},
      posts: 0,
    });
  });
});

test('cancelled while the action is being loaded: the outputs say that nothing was sent', async () => {
  const module = `process.on('newListener', (event) => event === 'SIGINT' && process.kill(process.pid, 'SIGINT'));`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(module)}`;
  const ended = await play({ way: { environment: { NODE_OPTIONS: preload } } });
  expect(reported(ended)).toMatchObject({ exitCode: 1, restarted: 'false', error_code: 'cancelled' });
  expect(ended.posts).toBe(0);
});

describe('held up at its end', () => {
  // Without its own time limit, the process would wait until the test gives up.
  test('by a summary pipe without a reader, after a restart that went well', async () => {
    const way = { environment: { GITHUB_STEP_SUMMARY: createPipe('summary-1') } };
    expect(reported(await play({ way }))).toEqual(RESTARTED);
  });

  test('by a summary pipe without a reader, after a failure', async () => {
    const way = { environment: { GITHUB_STEP_SUMMARY: createPipe('summary-2') } };
    const ended = await play({ way, inputs: { instance_id: 'x' } });
    expect(reported(ended)).toMatchObject({ exitCode: 1, restarted: 'false', error_code: 'invalid_input' });
    expect(ended.log).toContain('::error title=VM not restarted');
  });

  test('by a name lookup that occupies the only thread and never ends: what NODE_OPTIONS preloads runs once', async () => {
    const [pipe, runs, preloaded] = [createPipe('name'), join(folder, 'runs'), join(folder, 'preload.cjs')];
    // Opening the pipe blocks a thread just as a lookup does, and a lookup cannot be made to hang on loopback.
    const block = `require('node:dns').lookup = (_, __, done) => fs.open(${JSON.stringify(pipe)}, done);`;
    const note = `fs.appendFileSync(${JSON.stringify(runs)}, 'once ');`;
    writeFileSync(preloaded, `const fs = require('node:fs'); ${block} ${note}`);
    const environment = { NODE_OPTIONS: `--require ${JSON.stringify(preloaded)}`, UV_THREADPOOL_SIZE: '1' };
    const ended = await play({
      way: { environment, url: (url) => url.replace('127.0.0.1', 'controller.example') },
      isShort: true,
    });
    expect(reported(ended)).toMatchObject({
      exitCode: 1,
      restarted: 'false',
      error_code: 'controller_unreachable',
    });
    expect(ended.log).toContain('timed out while connecting');
    expect(readFileSync(runs, 'utf8')).toBe('once ');
  });
});

describe('without a usable file for its outputs', () => {
  test.each([
    ['too long a path', () => join(folder, 'x'.repeat(300))],
    [
      'a link that leads to itself',
      () => {
        symlinkSync('loop', join(folder, 'loop'));
        return join(folder, 'loop');
      },
    ],
    ['a folder', () => folder],
    ['a file that may not be written', readOnlyFile],
  ])('%s: one annotation, and no restart', async (_, pathOf) => {
    const ended = await play({ way: { environment: { GITHUB_OUTPUT: pathOf() } } });
    expect([ended.exitCode, ended.posts]).toEqual([1, 0]);
    expect(ended.log.match(/^::error .*$/gm)).toEqual([
      expect.stringContaining('The outputs cannot be written, so no restart was sent'),
    ]);
    expect(ended.log).not.toMatch(/^ +at /m);
  });
});

test('a summary that cannot be written is a warning: the restart counts', async () => {
  const ended = await play({ way: { environment: { GITHUB_STEP_SUMMARY: readOnlyFile() } } });
  expect(reported(ended)).toEqual(RESTARTED);
  expect(ended.log.match(/^::(warning|error).*$/gm)).toEqual([
    expect.stringContaining('The job summary could not be written'),
  ]);
});

describe('a runner in the VM itself', () => {
  test.each([
    ['external id', { RUNNER_NAME: 'runner-1' }],
    ['external id in other letters', { RUNNER_NAME: 'RUNNER-1', RUNNER_ENVIRONMENT: 'self-hosted' }],
    ['name', { RUNNER_NAME: 'vm-1' }],
  ])('that is called like its %s is refused without a question to GitHub', async (_, environment) => {
    const ended = await play({ way: { environment } });
    expect(reported(ended)).toMatchObject({ exitCode: 1, restarted: 'false', error_code: 'self_restart' });
    expect([ended.story, ended.world.restarts]).toEqual([['GET one'], []]);
  });

  test.each([
    ["one of GitHub's own", { RUNNER_NAME: 'runner-1', RUNNER_ENVIRONMENT: 'github-hosted' }],
    ['another one', { RUNNER_NAME: 'runner-2', RUNNER_ENVIRONMENT: 'self-hosted' }],
  ])('is not %s', async (_, environment) => {
    const ended = await play({ way: { environment } });
    expect(reported(ended)).toEqual(RESTARTED);
    expect(ended.story).toEqual(['GET one', 'POST restart', 'GET one']);
  });
});

test('a server that encodes everything, although the step did not ask for it', async () => {
  const gateway = await startGzippingGateway();
  const url = (simulatorUrl: string) => {
    gateway.leadTo(simulatorUrl);
    return gateway.url;
  };
  const ended = await play({ way: { url } });
  gateway.close();
  expect(reported(ended)).toEqual(RESTARTED);
  expect(new Set(gateway.received.map((headers) => headers['accept-encoding']))).toEqual(
    new Set(['identity']),
  );
});

test.each<[string, (response: ServerResponse) => void]>([
  ['answers 503', (response) => void response.writeHead(503).end()],
  ['hangs', () => {}],
])('a replica that %s after the restart, behind the connection that was kept', async (_, stuck) => {
  const { ended, connections } = await playBehindBalancer(stuck, { request_timeout: '1s' });
  expect(reported(ended)).toEqual(RESTARTED);
  // Before the restart, for it, and after it.
  expect(connections).toBe(3);
});

describe('a startup script that wrote 2 MiB', () => {
  const stdout = 'x'.repeat(2 * 1024 * 1024);

  function verbose(request: SeenRequest, reaction: Reaction) {
    if (isPoll(request)) {
      return edited(reaction, (instance) => {
        instance['startup_script'] = { stdout };
      });
    }
    if (nameOf(request) !== 'GET all') return undefined;
    const list: { body: { vm: Record<string, unknown> }[] } = JSON.parse(reaction.body);
    for (const { vm } of list.body) vm['startup_script'] = { stdout };
    return { kind: 'answer', body: JSON.stringify(list) } as const;
  }

  test.each<[string, Record<string, string>]>([
    ['instance_id', {}],
    ['external_id', { external_id: 'runner-1' }],
  ])('does not keep a VM that is named by %s from being restarted and proved', async (_, inputs) => {
    const ended = await play({ inputs, interventions: () => ({ after: verbose }) });
    expect(reported(ended)).toEqual(RESTARTED);
  });
});
