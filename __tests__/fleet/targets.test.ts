import { describe, expect, test } from '@jest/globals';
import type { Instance, Target } from '../../src/controller/instance.ts';
import { readList } from '../../src/controller/instances.ts';
import { ActionError } from '../../src/errors.ts';
import {
  createDuplicateCheck,
  fits,
  hasWildcard,
  mayBeSeveral,
  membersOf,
  refuseTooMany,
  resolveTargets,
} from '../../src/fleet/targets.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { instance } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';

const external = (id: string): Target => ({ by: 'external_id', id });
const byId = (id: string): Target => ({ by: 'instance_id', id });

/** A live VM for each name, whose ID is the name and its number. */
function vms(...names: string[]): Instance[] {
  return names.map((externalId, index) => instance({ instanceId: `${externalId}-${index}`, externalId }));
}

describe('a pattern', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['mac-*', 'mac-', true],
    ['mac-*', 'mac-7', true],
    ['mac-*', 'my-mac-7', false],
    ['*-7', 'mac-7', true],
    ['*-7', 'mac-7x', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'acb', false],
    ['a*bc*c', 'abc', false],
    ['a*bc*c', 'abcc', true],
    ['a**c', 'ac', true],
    ['a.c*', 'abc', false],
    ['Mac*', 'mac-7', false],
    ['mac', 'mac', true],
    ['mac', 'mac-7', false],
  ])('%s and "%s": %s', (pattern, text, expected) => {
    expect(fits(pattern, text)).toBe(expected);
  });

  test('is matched in linear time', () => {
    expect(fits(`${'*a'.repeat(200)}b`, 'a'.repeat(400))).toBe(false);
  });

  test('is an external ID with a wildcard', () => {
    expect([external('a*'), external('a'), byId('a*')].map(hasWildcard)).toEqual([true, false, false]);
  });
});

describe('members', () => {
  test('are the live VMs that fit, each once, in the order of the targets', () => {
    const live = vms('b-1', 'a-1', 'a-2', 'b-2');
    const gone = instance({ instanceId: 'gone', externalId: 'a-3', state: 'Terminated' });
    const nameless = instance({ instanceId: 'nameless', externalId: undefined });
    const members = membersOf([external('a-*'), external('b-2'), external('*')], [...live, gone, nameless]);
    expect(members).toEqual([
      { name: 'a-1', externalId: 'a-1', target: byId('a-1-1'), isMatch: true },
      { name: 'a-2', externalId: 'a-2', target: byId('a-2-2'), isMatch: true },
      { name: 'b-2', target: external('b-2') },
      { name: 'b-1', externalId: 'b-1', target: byId('b-1-0'), isMatch: true },
    ]);
  });

  test('that have the same name are distinguished by ID', () => {
    expect(membersOf([external('a*')], vms('a', 'a', 'ab')).map(({ name }) => name)).toEqual([
      'a (a-0)',
      'a (a-1)',
      'ab',
    ]);
  });

  test('include a VM whose name is the pattern itself', () => {
    expect(membersOf([external('a*')], vms('a*', 'ab')).map(({ name }) => name)).toEqual(['a*', 'ab']);
  });

  test('that match no VM fail', () => {
    const [none, one] = membersOf([external('z*'), external('a*')], vms('a'));
    expect([none?.name, one?.error]).toEqual(['z*', undefined]);
    expect(none?.error).toMatchObject({
      code: 'instance_not_found',
      message: 'No live instance has an external_id that matches "z*".',
      hint: 'Check external_id (* matches any text; case matters) and controller_url.',
    });
  });
});

describe('targets', () => {
  function stage(answers: readonly (readonly Instance[] | Error)[]) {
    const clock = createFakeClock();
    let asked = 0;
    const controller = {
      async listInstances() {
        const answer = answers[Math.min(asked++, answers.length - 1)] ?? [];
        if (answer instanceof Error) throw answer;
        return { ...readList([]), readable: () => [...answer] };
      },
    };
    const { log, lines } = keepLog();
    const options = { controller, clock, log, signal: new AbortController().signal, timeoutMs: 60_000 };
    const resolve = (...targets: Target[]) => resolveTargets(targets, options);
    return { resolve, asked: () => asked, clock, lines };
  }

  test('without a pattern need no request', async () => {
    const { resolve, asked } = stage([]);
    expect(await resolve(external('a'), external('b'))).toEqual([
      { name: 'a', target: external('a') },
      { name: 'b', target: external('b') },
    ]);
    expect(asked()).toBe(0);
  });

  test('are searched for twice if there is a pattern: one list may briefly lack a VM', async () => {
    const { resolve, asked, clock, lines } = stage([vms('a'), vms('a', 'b')]);
    expect((await resolve(external('*'))).map(({ name }) => name)).toEqual(['a', 'b']);
    expect([asked(), clock.sleeps, lines]).toEqual([2, [1_000], []]);
    const [old] = vms('a');
    const ended = stage([vms('a', 'b'), old ? [{ ...old, state: 'Terminated' }] : [], vms('a', 'b')]);
    expect((await ended.resolve(external('a'), external('*'))).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('that ended stay ended, even if a lagging replica shows otherwise', async () => {
    const [live] = vms('a');
    const over = live ? [{ ...live, state: 'Terminated' }] : [];
    const { resolve } = stage([over, vms('a'), vms('a', 'b')]);
    expect(
      (await resolve(external('a*'), external('b*'))).map(({ name, error }) => [name, error?.code]),
    ).toEqual([
      ['a*', 'instance_not_found'],
      ['b', undefined],
    ]);
  });

  test('are searched for again for a few seconds if a pattern matches no VM', async () => {
    const late = stage([[], vms('a')]);
    expect(await late.resolve(external('a*'))).toEqual([
      { name: 'a', externalId: 'a', target: byId('a-0'), isMatch: true },
    ]);
    expect([late.asked(), late.lines]).toEqual([
      2,
      ['Trying again, this may be temporary: No live instance has an external_id that matches "a*".'],
    ]);
    const second = stage([vms('a'), vms('a'), vms('a', 'z')]);
    expect((await second.resolve(external('a*'), external('z*'))).map(({ name }) => name)).toEqual([
      'a',
      'z',
    ]);
    const never = stage([[]]);
    expect((await never.resolve(external('a*')))[0]?.error?.code).toBe('instance_not_found');
    expect([never.asked(), never.clock.sleeps]).toEqual([7, Array(6).fill(1_000)]);
  });

  test('are unknown if the controller cannot list its instances', async () => {
    const error = new ActionError('permission_denied', 'No.');
    await expect(stage([error]).resolve(external('a*'), external('b'))).rejects.toBe(error);
  });

  test('are at most as many as max_vms says', () => {
    const members = ['a', 'b'].map((name) => ({ name, target: external(name) }));
    expect(() => refuseTooMany(members, 2)).not.toThrow();
    expect(() => refuseTooMany(members, 1)).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        message: 'The targets name 2 VMs, but max_vms is 1. No restart was sent.',
        hint: 'Narrow the targets, raise max_vms (2000 at most), or divide the VMs among several steps.',
      }),
    );
  });
});

test.each<[Target[], boolean]>([
  [[], false],
  [[external('mac')], false],
  [[byId('a*')], false],
  [[external('mac-*')], true],
  [[byId('a'), byId('b')], true],
])('%j may name several VMs: %p', (targets, expected) => {
  expect(mayBeSeveral(targets)).toBe(expected);
});

// ---- no VM twice ----

const [FIRST, SECOND] = ['a0000000-0000-4000-8000-000000000000', 'b0000000-0000-4000-8000-000000000000'];
const first = instance({ instanceId: FIRST, name: 'mac' });
const second = instance({ instanceId: SECOND, name: 'MAC' });
const member = (name: string) => ({ name, target: external(name) });
const MEMBERS = { 'mac-1': member('mac-1'), 'mac-2': member('mac-2'), 'mac-3': member('mac-3') };
const nameOf = ({ name = '' }: { name?: string | undefined }) => name;

test('a VM is one target, however often it is checked', () => {
  const check = createDuplicateCheck(undefined);
  check(MEMBERS['mac-1'], first);
  check(MEMBERS['mac-1'], first);
  check(MEMBERS['mac-2'], second);
  expect(() => check(MEMBERS['mac-3'], { ...first, instanceId: FIRST.toUpperCase() })).toThrow(
    expect.objectContaining({
      code: 'ambiguous_target',
      message: `Instance ${FIRST.toUpperCase()} is the same VM as "mac-1", which is already being restarted.`,
      hint: 'Name each VM once.',
    }),
  );
});

test('two VMs with the same name are two', () => {
  const check = createDuplicateCheck(undefined);
  check(member('mac'), first);
  expect(() => check(member('mac'), first)).toThrow('is the same VM as "mac"');
});

test('several VMs with the same runner are not restarted: it is unknown which one it belongs to', () => {
  const check = createDuplicateCheck(nameOf);
  check(MEMBERS['mac-1'], first);
  check(MEMBERS['mac-1'], first);
  const ambiguous = expect.objectContaining({
    code: 'ambiguous_target',
    message: expect.stringContaining(`would be the runner of several VMs: instances ${FIRST}, ${SECOND}.`),
    hint: expect.stringContaining('{external_id}'),
  });
  expect(() => check(MEMBERS['mac-2'], second)).toThrow(ambiguous);
  expect(() => check(MEMBERS['mac-1'], first)).toThrow(ambiguous);
});

test('a runner name that is only written in another way is the same', () => {
  const check = createDuplicateCheck(nameOf);
  check(MEMBERS['mac-1'], { ...first, name: 'm\u00fcller' });
  expect(() => check(MEMBERS['mac-2'], { ...second, name: 'MU\u0308LLER' })).toThrow(
    expect.objectContaining({ code: 'ambiguous_target' }),
  );
});

test('runners with different names are fine', () => {
  const check = createDuplicateCheck(nameOf);
  check(MEMBERS['mac-1'], first);
  check(MEMBERS['mac-2'], { ...second, name: 'mac-2' });
  expect(() => check(MEMBERS['mac-1'], first)).not.toThrow();
});
