import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FAULT_KINDS, interventionsOf, readFault } from '../../simulator/faults-by-hand.ts';
import { createRandom } from '../../simulator/random.ts';
import { ok, type SeenRequest } from '../../simulator/replies.ts';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { over1 } from '../support/strict-client.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');

let simulator: RunningSimulator | undefined;

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
});

async function start(...faults: string[]) {
  const world = new World({ ...DEFAULT_WORLD, startsAt: NOON });
  const interventions = interventionsOf(faults.map(readFault), createRandom(1));
  simulator = await serve({ world, port: 0, now: () => NOON, interventions });
  const ask = over1(simulator.url);
  const restart = () =>
    ask({
      method: 'POST',
      path: '/api/v1/rpc/vm/restart',
      body: { instance_id: world.records[0]?.instanceId },
    });
  return { world, list: () => ask({ method: 'GET', path: '/api/v1/vm' }), ask, restart };
}

test.each([
  ['502', 502, undefined, /^<html>/],
  ['503', 503, '2', /^$/],
  ['429', 429, '2', /^$/],
  ['html', 200, undefined, /^<html>/],
  ['401', 401, undefined, /^\{"status":"FAIL","message":"Authentication Required"\}\n$/],
])('--fault %s', async (fault, status, retryAfter, body) => {
  const { list, ask } = await start(fault);
  const answer = await list();
  expect([answer.status, answer.headers['retry-after']]).toEqual([status, retryAfter]);
  expect(answer.text).toMatch(body);
  expect((await ask({ method: 'GET', path: '/livez' })).status).toBe(200);
});

test('--fault reset keeps a restart from the controller; --fault lost-answer only its answer from the client', async () => {
  const lost = await start('reset');
  await expect(lost.restart()).rejects.toThrow();
  await simulator?.close();
  const carriedOut = await start('lost-answer');
  const { requestId } = carriedOut.world.records[0] ?? {};
  await expect(carriedOut.restart()).rejects.toThrow();
  expect((await carriedOut.list()).status).toBe(200);
  expect(carriedOut.world.records[0]?.requestId).not.toBe(requestId);
  expect(lost.world.records[0]?.requestId).toBe(requestId);
});

describe('a share', () => {
  const request: SeenRequest = { method: 'GET', path: '/api/v1/vm', headers: {}, body: '' };
  const count = (fault: string) => {
    const { before, after } = interventionsOf([readFault(fault)], createRandom(1));
    const happened = Array.from({ length: 1_000 }, () => before?.(request) ?? after?.(request, ok()));
    return happened.filter((one) => one !== undefined).length;
  };

  test.each(FAULT_KINDS.filter((kind) => kind !== 'lost-answer'))('of %s happens that often', (kind) => {
    expect([count(`${kind}:0`), count(kind)]).toEqual([0, 1_000]);
    expect(Math.abs(count(`${kind}:0.3`) - 300)).toBeLessThan(60);
  });
});

test.each(['', 'x', '502:', '502:x', '502:-1', '502:0.5:1'])('%j is not a fault', (text) => {
  expect(() => readFault(text)).toThrow('--fault must be KIND or KIND:SHARE');
});

describe('a world where things go wrong', () => {
  test.each([
    ['agents are stuck', { agentsAreStuck: true }, 'Started running'],
    ['boots fail', { bootsFail: true }, 'Error stopped'],
    ['nothing does', {}, 'Started running'],
  ])('%s', (_, options, expected) => {
    const world = new World({ ...DEFAULT_WORLD, ...options, startsAt: NOON });
    const [record] = world.records;
    world.restart(record?.instanceId ?? '');
    world.advanceTo(NOON + 600_000);
    expect(`${record?.state} ${record?.report?.vm.power}`).toBe(expected);
    expect(world.restarts).toHaveLength(
      expected === 'Started running' && !('agentsAreStuck' in options) ? 1 : 0,
    );
  });
});

test('all of them on the command line', async () => {
  const args = ['--port', '0', '--fault', '502:0', '--fault', 'slow:0', '--stuck', '--error', '--new-ports'];
  const child = spawn(process.execPath, ['simulator/main.ts', ...args, '--runners', '--job', '3600']);
  const ended = new Promise((resolve) => child.once('close', resolve));
  let text = '';
  for await (const line of createInterface(child.stdout)) {
    text += `${line}\n`;
    if (line.endsWith('/readyz')) break;
  }
  const [, apiUrl = ''] = /GITHUB_API_URL=(\S+)/.exec(text) ?? [];
  const [, token = ''] = /github_token: (\S+)/.exec(text) ?? [];
  const answer = await fetch(`${apiUrl}/orgs/octo-org/actions/runners`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await answer.json()).toMatchObject({ total_count: 3 });
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});
