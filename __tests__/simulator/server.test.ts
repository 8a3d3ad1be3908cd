import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { GITHUB_OPTIONS } from '../../simulator/github-by-hand.ts';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');

let world: World;
let simulator: RunningSimulator;

beforeEach(async () => {
  await start('1.50.1');
});

afterEach(() => simulator.close());

async function start(controllerVersion: string): Promise<void> {
  world = new World({ ...DEFAULT_WORLD, startsAt: NOON, controllerVersion });
  simulator = await serve({ world, port: 0, now: () => NOON });
}

async function call(method: string, path: string, body?: string): Promise<[number, unknown]> {
  const response = await fetch(`${simulator.url}${path}`, { method, body: body ?? null });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return [response.status, isJson ? JSON.parse(text) : text];
}

const firstId = () => world.records[0]?.instanceId ?? '';

describe('the HTTP interface', () => {
  test.each<[string, string, unknown]>([
    ['GET', '/livez', 'ok\n'],
    ['GET', '/readyz', 'ok\n'],
    ['GET', '/api/v1/status', { status: 'OK', body: { version: '1.50.1-5e3c3f5b' } }],
    ['GET', '/api/v1/node', { status: 'OK', body: [{ node_name: 'mac-1' }, { node_name: 'mac-2' }] }],
    ['GET', '/api/v1/node?id=missing', { status: 'FAIL', message: 'Not found' }],
    [
      'GET',
      '/api/v1/vm',
      { status: 'OK', body: [{ vm: {} }, { vm: {} }, { external_id: 'runner-3', name: 'vm-3', vm: {} }] },
    ],
    ['GET', '/api/v1/vm?id=missing', { status: 'FAIL', message: 'Not found' }],
  ])('%s %s', async (method, path, expected) => {
    const [status, body] = await call(method, path);
    expect(status).toBe(200);
    if (typeof expected === 'string') expect(body).toBe(expected);
    else expect(body).toMatchObject(expected as object);
  });

  test('answers for one instance and for one node', async () => {
    expect(await call('GET', `/api/v1/vm?id=${firstId()}`)).toMatchObject([
      200,
      { body: { instance_id: firstId() } },
    ]);
    const id = world.nodes[1]?.id ?? '';
    expect(await call('GET', `/api/v1/node?id=${id}`)).toMatchObject([200, { body: [{ node_id: id }] }]);
  });

  test('restarts, starts and terminates', async () => {
    const id = firstId();
    const vmid = world.templates[0]?.id;
    expect(await call('POST', '/api/v1/rpc/vm/restart', JSON.stringify({ instance_id: id }))).toEqual([
      200,
      { status: 'OK', message: '' },
    ]);
    const [, started] = await call(
      'POST',
      '/api/v1/vm',
      JSON.stringify({ vmid, count: 2, external_id: 'e', name: 'n' }),
    );
    expect(started).toMatchObject({
      status: 'OK',
      body: [world.records[3]?.instanceId, world.records[4]?.instanceId],
    });
    expect(await call('POST', '/api/v1/vm', JSON.stringify({ vmid }))).toMatchObject([
      200,
      { body: [world.records[5]?.instanceId] },
    ]);
    expect(await call('DELETE', '/api/v1/vm', JSON.stringify({ id }))).toEqual([
      200,
      { status: 'OK', message: '' },
    ]);
    expect(world.records[0]?.state).toBe('Terminating');
  });

  test.each([
    ['POST', '/api/v1/rpc/vm/restart', '{"instance_id":"missing"}', 'instance not found'],
    ['POST', '/api/v1/rpc/vm/restart', 'no JSON', 'instance not found'],
    ['POST', '/api/v1/vm', 'null', 'vmid is required'],
    ['POST', '/api/v1/vm', '{"vmid":"t"}', 'VM not in the registry'],
    ['DELETE', '/api/v1/vm', '{"id":7}', 'instance not found'],
  ])('refuses %s %s %s', async (method, path, body, message) => {
    expect(await call(method, path, body)).toEqual([200, { status: 'FAIL', message }]);
  });

  test('does not know what a controller does not know', async () => {
    expect(await call('GET', '/api/v1/rpc/vm/restart')).toEqual([404, '404 page not found\n']);
    await simulator.close();
    await start('1.43.0');
    expect(await call('POST', '/api/v1/rpc/vm/restart', '{}')).toEqual([404, '404 page not found\n']);
  });
});

describe('npm run simulator', () => {
  function run(...args: string[]) {
    const child = spawn(process.execPath, ['simulator/main.ts', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, ended };
  }

  async function output(stream: NodeJS.ReadableStream): Promise<string> {
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  }

  test('prints where it is and how to talk to it, until it is ended', async () => {
    const { child, ended } = run('--port', '0', '--vms', '2', '--controller-version', '1.48.0');
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.endsWith('/readyz')) break;
    }
    const [, url = ''] = /^Controller 1\.48\.0 \(simulated\): (\S+)/.exec(lines[0] ?? '') ?? [];
    const listed = (await (await fetch(`${url}/api/v1/vm`)).json()) as { body: { instance_id: string }[] };
    for (const { instance_id } of listed.body) expect(lines.join('\n')).toContain(instance_id);
    expect(lines.filter((line) => line.startsWith('  curl '))).toHaveLength(12);
    expect(lines).toContain("      external_id: runner-*   # shell: INPUT_EXTERNAL_ID='runner-*'");
    const command = lines.slice(lines.indexOf('  out=$(mktemp) summary=$(mktemp)'));
    expect(command).toContain('    GITHUB_OUTPUT="$out" \\');
    expect(command).toContain('    GITHUB_STEP_SUMMARY="$summary" \\');
    expect(command).toContain('  npx node simulator/show-results.ts "$out" "$summary"');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  test('prints the step with its credentials', async () => {
    const { child, ended } = run(
      '--port',
      '0',
      '--root-token',
      'hunter2-hunter2',
      '--mtls',
      '--api-key',
      'ci',
      '--replicas',
      '2',
    );
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.endsWith('/readyz')) break;
    }
    const text = lines.join('\n');
    for (const input of [
      'root_token: hunter2-hunter2',
      'api_key_id: ci',
      'api_key: /',
      'ca_cert: /',
      'client_cert: /',
      'client_key: /',
    ]) {
      expect(text).toContain(`      ${input}`);
    }
    expect(text).toMatch(/curl --cacert \S+ --cert \S+ --key \S+ -u 'root:hunter2-hunter2' https:/);
    const [, folder = ''] = /ca_cert: (.*)\/ca_cert\.pem/.exec(text) ?? [];
    expect(existsSync(folder)).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(folder)).toBe(false);
  });

  test('can have a GitHub as well', async () => {
    const { child, ended } = run('--port', '0', '--vms', '1', '--runners');
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.endsWith('/readyz')) break;
    }
    const text = lines.join('\n');
    const [, apiUrl = ''] = /GITHUB_API_URL=(\S+)/.exec(text) ?? [];
    const [, token = ''] = /github_token: (\S+)/.exec(text) ?? [];
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${apiUrl}/orgs/octo-org/actions/runners`, { headers });
    expect(await answer.json()).toMatchObject({
      total_count: 1,
      runners: [{ name: 'runner-1', status: 'online' }],
    });
    expect(text).toContain('      runner_name: runner-1');
    expect(text).not.toContain('external_id: runner-*');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  test('says how to get another port if its port is in use', async () => {
    const { child, ended } = run('--port', new URL(simulator.url).port);
    expect(await output(child.stderr)).toMatch(/EADDRINUSE.* \(--port 0 takes any free port\)/);
    expect(await ended).toBe(2);
  });

  test('explains its options', async () => {
    const { child, ended } = run('--help');
    const help = await output(child.stdout);
    for (const option of [
      ...Object.keys(GITHUB_OPTIONS),
      'new-ports',
      'capacity',
      'address-after',
      'old-fields',
      'one-lacks',
      'fail-status',
      'deleted-share',
      'stopped-vm',
      'key-ttl',
      'deny-restarts',
      'long-secrets',
      'sticky',
      'fault',
      'stuck',
      'error',
      'root-token',
      'api-key',
      'session-ttl',
      'replicas',
      'replica-lag',
      'tls',
      'mtls',
      'port',
      'vms',
      'nodes',
      'controller-version',
      'heartbeat-ms',
      'heartbeat-jitter',
      'stop-ms',
      'start-ms',
      'pick-up-ms',
      'seed',
    ]) {
      expect(help).toMatch(new RegExp(`^  --${option} `, 'm'));
    }
    expect(await ended).toBe(0);
  });

  test.each([
    [['--vms', 'many'], '--vms must be a whole number from 0 to 1000, not "many"'],
    [['--nodes', '1.5'], '--nodes must be a whole number from 1 to 100, not "1.5"'],
    [['--heartbeat-jitter', '2'], '--heartbeat-jitter must be a number from 0 to 0.9, not "2"'],
    [['--controller-version', 'x'], '"x" is not a version'],
    [['--root-token', 'ninechars'], '--root-token needs at least 10 characters'],
    [['--fault', '500'], '--fault must be KIND or KIND:SHARE'],
    [['--fault', '502:2'], 'and a SHARE from 0 to 1, not "502:2"'],
    [['--job', '60'], '--job needs --runners'],
    [['--fail-status', '300'], '--fail-status must be 200 or 400'],
    [['--queue', '3'], '--queue needs --runners'],
    [['--runners', '--random-names'], '--random-names needs --one-job'],
    [['--runners', '--queue', 'x'], '--queue must be N or N:SECONDS, not "x"'],
    [['--runners', '--shown', 'gone:3'], '--shown must be WHAT:SECONDS, with a WHAT of online, offline'],
    [['--runners', '--github-refuses', '404:what'], '--github-refuses must be STATUS[:WHAT[:SECONDS]]'],
    [['--runners', '--runners-per-vm', '0'], '--runners-per-vm must be a whole number from 1 to 26'],
    [['--what'], "Unknown option '--what'"],
  ])('refuses %j', async (args, message) => {
    const { child, ended } = run(...args);
    expect(await output(child.stderr)).toContain(message);
    expect(await ended).toBe(2);
  });
});
