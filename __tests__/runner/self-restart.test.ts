import { describe, expect, test } from '@jest/globals';
import type { Scope } from '../../src/github/scope.ts';
import { refuseFixedName, refuseOwnMachine, warnOfSharedAddress } from '../../src/runner/self-restart.ts';
import { instance } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';

const scope: Scope = { kind: 'organization', org: 'octo-org' };
const itself = { runnerName: 'mac-7', repository: 'octo-org/app' };
const certain = {
  code: 'self_restart',
  message: 'The step runs on runner "mac-7", which is in the VM to restart.',
  hint: 'The restart would kill the job that waits for it: run the step on another machine (runs-on).',
};

describe('before any request', () => {
  test('the runner that the step runs on is not restarted', () => {
    expect(() => refuseFixedName(itself, { nameTemplate: 'MAC-7', scope })).toThrow(
      expect.objectContaining(certain),
    );
  });

  test("the step's own runner is refused even if only a pattern matches it", () => {
    const watched = { nameTemplate: 'Mac-*', scope };
    expect(() => refuseFixedName(itself, watched)).toThrow(
      expect.objectContaining({
        code: 'self_restart',
        message:
          'The step runs on runner "mac-7", which runner_name ("Mac-*") matches, so it may be in the VM to restart.',
        hint: expect.stringMatching(/let runner_name match only runners in the VM.*\{external_id\}/),
      }),
    );
    expect(() => refuseFixedName({ ...itself, runnerName: 'imac-7' }, watched)).not.toThrow();
  });

  test.each([
    ['another runner', itself, 'mac-8'],
    ['the same name elsewhere', { ...itself, repository: 'other/app' }, 'mac-7'],
    ['any runner, for a GitHub-hosted step,', { ...itself, runnerName: undefined }, 'mac-7'],
    ['a name that depends on the VM', itself, '{name}'],
  ])('%s is restarted', (_, self, nameTemplate) => {
    expect(() => refuseFixedName(self, { nameTemplate, scope })).not.toThrow();
  });
});

describe('the VM that the step runs in', () => {
  const UUID = '8e1f2a34-5b6c-47d8-9e0f-a1b2c3d4e5f6';
  const INSTANCE_ID = 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5';
  const none = { names: [] };

  test.each([
    ['external ID', instance({ externalId: 'MAC-7', name: undefined })],
    ['name', instance({ externalId: undefined, name: 'mac-7' })],
    ['name beside another external ID', instance({ externalId: 'other', name: 'Mac-7' })],
  ])('is known by its %s', (_, itsOwn) => {
    expect(() => refuseOwnMachine(itself, itsOwn, none)).toThrow(expect.objectContaining(certain));
  });

  test.each([
    ['UUID, followed by a time,', `${UUID.toUpperCase()}-1764410000`],
    ['UUID after a prefix', `mac-${UUID}`],
    ['instance ID', INSTANCE_ID],
  ])("is known by its %s in the runner's name, wherever runner_name looks", (_, runnerName) => {
    const elsewhere = { nameTemplate: '{uuid}-*', scope: { kind: 'organization', org: 'other' } } as const;
    for (const watched of [undefined, elsewhere])
      expect(() => refuseOwnMachine({ ...itself, runnerName }, instance(), { ...none, watched })).toThrow(
        expect.objectContaining({
          ...certain,
          message: `The step runs on runner "${runnerName}", which is in the VM to restart.`,
        }),
      );
  });

  test.each([
    ['{external_id}-7', `The step runs on runner "mac-7", which is in the VM to restart.`],
    [
      '{external_id}-*',
      `The step runs on runner "mac-7", which runner_name ("mac-*") matches, so it may be in`,
    ],
  ])('is known by runner_name with its values: %s', (nameTemplate, message) => {
    const watched = { nameTemplate, scope };
    expect(() => refuseOwnMachine(itself, instance({ externalId: 'mac' }), { ...none, watched })).toThrow(
      expect.objectContaining({ code: 'self_restart', message: expect.stringContaining(message) }),
    );
  });

  const old = { externalId: undefined, name: 'vm-1', uuid: undefined };
  test.each([
    ['name', itself, { ...old, name: 'Mac-7' }, 'another answer of the controller showed the VM as "Mac-7"'],
    [
      'external ID',
      itself,
      { ...old, externalId: 'mac-7' },
      'another answer of the controller showed the VM as "mac-7"',
    ],
    [
      'UUID',
      { ...itself, runnerName: `${INSTANCE_ID.replace('c', 'd')}-1` },
      { ...old, uuid: INSTANCE_ID.replace('c', 'd') },
      `another answer of the controller showed the VM as "${INSTANCE_ID.replace('c', 'd')}"`,
    ],
    [
      'external ID in runner_name',
      itself,
      { ...old, externalId: 'mac' },
      'with the names of the VM in another answer of the controller, runner_name is "mac-*"',
    ],
  ])('may be known only by a %s in another answer, which may be outdated', (_, self, shown, reason) => {
    const watched = { nameTemplate: '{external_id}-*', scope };
    expect(() => refuseOwnMachine(self, instance(), { names: [old, shown], watched })).toThrow(
      expect.objectContaining({
        code: 'self_restart',
        message: `The step runs on runner "${self.runnerName}", which may be in the VM to restart: ${reason}.`,
        hint: 'The restart would kill the job that waits for it. If the step runs on another machine, run it again; otherwise run it on another machine (runs-on).',
      }),
    );
  });

  const watched = { nameTemplate: '{external_id}-*', scope };
  test.each([
    ['is not one with other names', itself, instance({ externalId: 'mac-77', name: 'mac' })],
    [
      'is not one without names',
      itself,
      instance({ externalId: undefined, name: undefined, uuid: undefined }),
    ],
    ['is none if the runner is GitHub-hosted', { ...itself, runnerName: undefined }, instance()],
    ['is not one whose ID is short', itself, instance({ instanceId: '7', uuid: 'mac' })],
    [
      'is not one whose runner has the same name elsewhere',
      { ...itself, repository: 'other/app' },
      instance({ externalId: 'mac' }),
    ],
  ])('%s', (_, ownRunner, other) => {
    const names = [{ ...old, externalId: 'imac' }];
    expect(() => refuseOwnMachine(ownRunner, other, { names, watched })).not.toThrow();
    expect(() => refuseOwnMachine(ownRunner, other, { names })).not.toThrow();
  });
});

test('a shared address is reported', () => {
  const { log, warnings } = keepLog();
  warnOfSharedAddress(instance(), { addresses: ['127.0.0.1'], log });
  warnOfSharedAddress(instance({ ip: undefined }), { addresses: ['127.0.0.1'], log });
  expect(warnings).toEqual([]);
  warnOfSharedAddress(instance(), { addresses: ['127.0.0.1', '192.168.64.25'], log });
  expect(warnings).toEqual([expect.stringContaining('have the same address, 192.168.64.25.')]);
});
