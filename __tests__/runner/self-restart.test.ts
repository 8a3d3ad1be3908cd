import { describe, expect, test } from '@jest/globals';
import { exactly } from '../../src/github/runner-names.ts';
import type { Scope } from '../../src/github/scope.ts';
import { refuseOwnMachine, refuseSelfRestart, warnOfSharedAddress } from '../../src/runner/self-restart.ts';
import { instance } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';

const scope: Scope = { kind: 'organization', org: 'octo-org' };
const itself = { runnerName: 'mac-7', repository: 'octo-org/app' };

test('the runner that the step runs on is not restarted', () => {
  expect(() => refuseSelfRestart(itself, { name: exactly('MAC-7'), scope })).toThrow(
    expect.objectContaining({
      code: 'self_restart',
      message: 'The step runs on runner "mac-7", which is in the VM to restart.',
      hint: 'The restart would kill the job that waits for it: run the step on another machine (runs-on).',
    }),
  );
});

test("the step's own runner is refused even if only a pattern matches it", () => {
  const name = { parts: ['Mac-', ''] };
  expect(() => refuseSelfRestart(itself, { name, scope })).toThrow(
    expect.objectContaining({
      code: 'self_restart',
      message:
        'The step runs on runner "mac-7", which runner_name ("Mac-*") matches, so it may be in the VM to restart.',
      hint: expect.stringMatching(/let runner_name match only runners in the VM.*\{external_id\}/),
    }),
  );
  expect(() => refuseSelfRestart({ ...itself, runnerName: 'imac-7' }, { name, scope })).not.toThrow();
});

test.each([
  ['another runner', itself, { name: exactly('mac-8'), scope }],
  ['the same name elsewhere', { ...itself, repository: 'other/app' }, { name: exactly('mac-7'), scope }],
  [
    'any runner, for a GitHub-hosted step,',
    { ...itself, runnerName: undefined },
    { name: exactly('mac-7'), scope },
  ],
])('%s is restarted', (_, self, target) => {
  expect(() => refuseSelfRestart(self, target)).not.toThrow();
});

describe('without GitHub, the VM that the step runs in', () => {
  test.each([
    ['external ID', instance({ externalId: 'MAC-7', name: undefined })],
    ['name', instance({ externalId: undefined, name: 'mac-7' })],
    ['name beside another external ID', instance({ externalId: 'other', name: 'Mac-7' })],
    ['name before it was renamed', instance({ name: 'new', formerNames: ['mac-6', 'Mac-7'] })],
  ])('is known by its %s', (_, itsOwn) => {
    expect(() => refuseOwnMachine(itself, itsOwn)).toThrow(
      expect.objectContaining({
        code: 'self_restart',
        message: 'The step runs on runner "mac-7", which is in the VM to restart.',
        hint: 'The restart would kill the job that waits for it: run the step on another machine (runs-on).',
      }),
    );
  });

  test.each([
    ['is not one with other names', itself, instance({ externalId: 'mac-77', name: 'mac' })],
    ['is not one without names', itself, instance({ externalId: undefined, name: undefined })],
    ['is none if the runner is GitHub-hosted', { ...itself, runnerName: undefined }, instance()],
  ])('%s', (_, ownRunner, other) => {
    expect(() => refuseOwnMachine(ownRunner, other)).not.toThrow();
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
