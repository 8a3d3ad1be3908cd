import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import type { Runner } from '../../src/github/runner.ts';
import type { NamePattern } from '../../src/github/runner-names.ts';
import type { Runners } from '../../src/github/runners.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { createLiveRunners } from '../../src/runner/live-runners.ts';
import { instance } from '../support/instances.ts';
import { offline, runner } from '../support/runners.ts';
import { createScriptedRunners, refusal, silence, wholeList } from '../support/scripted-runners.ts';

const BOUNDS = { deadline: 10_000, signal: new AbortController().signal };
const vm = (externalId: string | undefined) => instance({ externalId });

function liveRunnersOf(
  runners: readonly Runner[] | Error,
  live: readonly Instance[],
  given: Partial<Runners> = {},
) {
  const scripted = createScriptedRunners([runners]);
  let asked = 0;
  const liveInstances = async () => {
    asked++;
    return live;
  };
  const liveRunners = createLiveRunners({
    nameTemplate: '{external_id}',
    runners: { ...scripted, ...given },
    liveInstances,
  });
  return { liveRunners, calls: scripted.calls, asked: () => asked };
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
    'two, one of them online',
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
])('%s', async (_, runners, live, isScopeProved, isAllOffline) => {
  const { liveRunners } = liveRunnersOf(runners, live);
  expect(await liveRunners.isScopeProved(BOUNDS)).toBe(isScopeProved);
  expect(await liveRunners.isAllOffline(BOUNDS)).toBe(isAllOffline);
});

test('a proved scope stays proved; whether all are offline is read each time', async () => {
  const { liveRunners, calls, asked } = liveRunnersOf([runner()], [vm('mac-7')]);
  await liveRunners.isScopeProved(BOUNDS);
  await liveRunners.isScopeProved(BOUNDS);
  expect([calls, asked()]).toEqual([['list'], 1]);
  await liveRunners.isAllOffline(BOUNDS);
  expect([calls, asked()]).toEqual([['list', 'list'], 2]);
});

describe('whether all runners are offline', () => {
  const two = [offline, runner({ id: 24, name: 'mac-8', isOnline: false })];
  const live = [vm('mac-7'), vm('mac-8')];

  const listAll = async () => ({
    ...wholeList([offline]),
    whyIncomplete: () => new UnusableAnswer('it has only 1 of 2'),
  });

  test('is not known from a list that lacks some: they may be offline, too', async () => {
    expect(await liveRunnersOf([], live, { listAll }).liveRunners.isAllOffline(BOUNDS)).toBeUndefined();
  });

  test('is known if the only unreadable runner belongs to no live VM', async () => {
    const strange = {
      ...wholeList(two),
      whyIncomplete: ({ parts }: NamePattern) => (parts[0] === 'linux' ? new UnusableAnswer('x') : undefined),
    };
    expect(
      await liveRunnersOf([], live, { listAll: async () => strange }).liveRunners.isAllOffline(BOUNDS),
    ).toBe(true);
  });

  test('is known from such a list if it shows one online', async () => {
    const cut = async () => ({ ...(await listAll()), runners: [...two, runner({ id: 25, name: 'MAC-8' })] });
    expect(await liveRunnersOf([], live, { listAll: cut }).liveRunners.isAllOffline(BOUNDS)).toBe(false);
  });

  test('is not known if GitHub gives no list', async () => {
    expect(await liveRunnersOf(silence, live).liveRunners.isAllOffline(BOUNDS)).toBeUndefined();
  });

  test('fails if GitHub refuses the list', async () => {
    await expect(liveRunnersOf(refusal, live).liveRunners.isAllOffline(BOUNDS)).rejects.toThrow(
      'cannot read runners',
    );
  });
});
