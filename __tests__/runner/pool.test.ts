import { expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { createPool } from '../../src/runner/pool.ts';
import type { Runner } from '../../src/runner/runners.ts';
import { instance } from '../support/instances.ts';
import { offline, runner } from '../support/runners.ts';
import { createScriptedRunners } from '../support/scripted-runners.ts';

const BOUNDS = { deadline: 10_000, signal: new AbortController().signal };
const vm = (externalId: string | undefined) => instance({ externalId });

function poolOf(runners: readonly Runner[], live: readonly Instance[]) {
  const scripted = createScriptedRunners([runners]);
  let asked = 0;
  const liveInstances = async () => {
    asked++;
    return live;
  };
  const pool = createPool({ nameTemplate: '{external_id}', runners: scripted, liveInstances });
  return { pool, calls: scripted.calls, asked: () => asked };
}

test.each<[string, Runner[], Instance[], boolean, boolean]>([
  ['one runner of a live VM', [runner()], [vm('mac-7')], true, false],
  ['one that is offline', [offline], [vm('mac-7')], true, false],
  [
    'two that are offline',
    [offline, runner({ id: 24, name: 'mac-8', isOnline: false })],
    [vm('mac-7'), vm('MAC-8')],
    true,
    true,
  ],
  [
    'two, of which one is online',
    [offline, runner({ id: 24, name: 'mac-8' })],
    [vm('mac-7'), vm('mac-8')],
    true,
    false,
  ],
  [
    'an online one of no VM beside two that are offline',
    [offline, runner({ id: 24, name: 'mac-8', isOnline: false }), runner({ id: 25, name: 'linux' })],
    [vm('mac-7'), vm('mac-8')],
    true,
    true,
  ],
  ['runners of no live VM', [runner({ name: 'linux' })], [vm('mac-7')], false, false],
  ['a VM without an external ID', [runner({ name: '' })], [vm(undefined)], false, false],
  ['no runners', [], [vm('mac-7')], false, false],
  ['no VMs', [runner()], [], false, false],
])('%s', async (_, runners, live, isBorneOut, isAllOffline) => {
  const { pool } = poolOf(runners, live);
  expect(await pool.isBorneOut(BOUNDS)).toBe(isBorneOut);
  expect(await pool.isAllOffline(BOUNDS)).toBe(isAllOffline);
});

test('what is borne out stays so; what is offline is read each time', async () => {
  const { pool, calls, asked } = poolOf([runner()], [vm('mac-7')]);
  await pool.isBorneOut(BOUNDS);
  await pool.isBorneOut(BOUNDS);
  expect([calls, asked()]).toEqual([['list'], 1]);
  await pool.isAllOffline(BOUNDS);
  expect([calls, asked()]).toEqual([['list', 'list'], 2]);
});

test('the VMs are not read if there are no runners', async () => {
  const { pool, asked } = poolOf([], [vm('mac-7')]);
  await pool.isBorneOut(BOUNDS);
  expect(asked()).toBe(0);
});
