import { describe, expect, test } from '@jest/globals';
import type { Runner } from '../../src/github/runner.ts';
import { exactly } from '../../src/github/runner-names.ts';
import { findRunners, runnerNotFound } from '../../src/github/runner-search.ts';
import { idle, runner, wedged } from '../support/runners.ts';
import { type Answer, createScriptedRunners } from '../support/scripted-runners.ts';

describe('the runner of a name', () => {
  const sought = { name: exactly('mac-7'), scope: { kind: 'organization', org: 'octo-org' } } as const;

  async function find(...answers: Answer[]): Promise<{ calls: string[]; found: Runner[] | Error }> {
    const runners = createScriptedRunners(answers);
    const bounds = { deadline: 1_000, signal: new AbortController().signal };
    const found = await findRunners(runners, sought, bounds).catch((error: Error) => error);
    return { calls: runners.calls, found };
  }

  test('the one runner of the name is found', async () => {
    expect(await find([idle])).toEqual({ calls: ['list mac-7'], found: [idle] });
  });

  test('a filter that finds too much, or nothing, changes nothing', async () => {
    const others = [runner({ id: 1, name: 'mac-77' }), runner({ id: 2, name: 'other' })];
    const mine = runner({ name: 'MAC-7' });
    expect((await find([...others, mine])).found).toEqual([mine]);
  });

  describe('none', () => {
    const missing = (...all: Runner[]) => runnerNotFound(sought, all);

    test('is found, which is not an error yet', async () => {
      expect(await find([])).toEqual({ calls: ['list mac-7'], found: [] });
    });

    test('is an error that lists what is there', () => {
      expect(
        missing(runner({ id: 1, name: 'mac-8' }), runner({ ...wedged, id: 2, name: 'x' })),
      ).toMatchObject({
        code: 'runner_not_found',
        message:
          'No self-hosted runner "mac-7" is registered in organization octo-org; there are "mac-8" (ID 1, online, idle), "x" (ID 2, offline, busy).',
        hint: 'Check runner_name and runner_scope: a runner is listed only where it is registered.',
      });
    });

    test.each([
      [0, /; there are none\.$/],
      [10, /"other-9" \(ID 9, online, idle\)\.$/],
      [13, /"other-9" \(ID 9, online, idle\) and 3 more\.$/],
    ])('among %i', (count, message) => {
      const all = Array.from({ length: count }, (_, id) => runner({ id, name: `other-${id}` }));
      expect(missing(...all).message).toMatch(message);
    });
  });

  test('several are an error that lists them', async () => {
    expect((await find([idle, runner({ id: 24 })])).found).toMatchObject({
      code: 'ambiguous_target',
      message:
        '2 self-hosted runners are called "mac-7" in organization octo-org: there are "mac-7" (ID 23, online, idle), "mac-7" (ID 24, online, idle).',
      hint: 'Remove the stale registrations, or give the runners different names.',
    });
  });

  test('several may fit a name with any text in it', async () => {
    const runners = createScriptedRunners([[idle, runner({ id: 24, name: 'mac-8' })]]);
    const pattern = { ...sought, name: { parts: ['mac-', ''] } };
    const bounds = { deadline: 1_000, signal: new AbortController().signal };
    expect((await findRunners(runners, pattern, bounds)).map(({ id }) => id)).toEqual([23, 24]);
  });

  test('if the scope is a repository, it may be registered elsewhere; a typo finds its runner first', () => {
    const all = ['linux-1', 'mac-7', 'mac-71'].map((name, id) => runner({ id, name }));
    expect(
      runnerNotFound(
        { name: exactly('mca-7'), scope: { kind: 'repository', owner: 'octo-org', repo: 'app' } },
        all,
      ),
    ).toMatchObject({
      message:
        'No self-hosted runner "mca-7" is registered in repository octo-org/app; there are "mac-7" (ID 1, online, idle), "mac-71" (ID 2, online, idle), "linux-1" (ID 0, online, idle).',
      hint: 'Check runner_name and runner_scope: a runner is listed only where it is registered. A runner of an organization or enterprise is found only if runner_scope names it.',
    });
  });
});
