import { describe, expect, test } from '@jest/globals';
import { describeRunner, findRunner } from '../../src/runner/find-runner.ts';
import type { Runner } from '../../src/runner/runners.ts';
import { idle, offline, runner, wedged } from '../support/runners.ts';
import { type Answer, createScriptedRunners } from '../support/scripted-runners.ts';

const sought = { name: 'mac-7', scope: { kind: 'organization', org: 'octo-org' } } as const;

async function find(...answers: Answer[]): Promise<{ calls: string[]; found: Runner | Error }> {
  const runners = createScriptedRunners(answers);
  const bounds = { deadline: 1_000, signal: new AbortController().signal };
  const found = await findRunner(runners, sought, bounds).catch((error: Error) => error);
  return { calls: runners.calls, found };
}

test('the one runner of the name is found', async () => {
  expect(await find([idle])).toEqual({ calls: ['list mac-7'], found: idle });
});

test('a filter that finds too much, or none at all, does not matter', async () => {
  const others = [runner({ id: 1, name: 'mac-77' }), runner({ id: 2, name: 'other' })];
  const mine = runner({ name: 'MAC-7' });
  expect((await find([...others, mine])).found).toEqual(mine);
});

describe('none', () => {
  test('is an error that lists what is there', async () => {
    const { calls, found } = await find(
      [],
      [runner({ id: 1, name: 'mac-8' }), runner({ ...wedged, id: 2, name: 'x' })],
    );
    expect(calls).toEqual(['list mac-7', 'list']);
    expect(found).toMatchObject({
      code: 'runner_not_found',
      message:
        'No self-hosted runner "mac-7" is registered in organisation octo-org; there are "mac-8" (ID 1, online, idle), "x" (ID 2, offline, busy).',
      hint: 'Check runner_name and runner_scope: a runner is listed only where it is registered.',
    });
  });

  test('among none', async () => {
    expect((await find([], [])).found).toMatchObject({
      message: expect.stringContaining('; there are none.'),
    });
  });

  test('among as many as are listed', async () => {
    const ten = Array.from({ length: 10 }, (_, id) => runner({ id, name: `other-${id}` }));
    expect((await find([], ten)).found).toMatchObject({
      message: expect.stringMatching(/"other-9" \(ID 9, online, idle\)\.$/),
    });
  });

  test('among many', async () => {
    const many = Array.from({ length: 13 }, (_, id) => runner({ id, name: `other-${id}` }));
    expect((await find([], many)).found).toMatchObject({
      message: expect.stringMatching(/"other-9" \(ID 9, online, idle\) and 3 more\.$/),
    });
  });
});

test('several are an error that lists them', async () => {
  expect((await find([idle, runner({ id: 24 })])).found).toMatchObject({
    code: 'ambiguous_target',
    message:
      '2 self-hosted runners are called "mac-7" in organisation octo-org: there are "mac-7" (ID 23, online, idle), "mac-7" (ID 24, online, idle).',
    hint: 'Remove the stale registrations, or give the runners different names.',
  });
});

test('a runner in two words', () => {
  expect([idle, offline, wedged].map(describeRunner)).toEqual([
    'online, idle',
    'offline, idle',
    'offline, busy',
  ]);
});
