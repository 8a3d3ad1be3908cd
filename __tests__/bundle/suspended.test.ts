import { describe, expect, test } from '@jest/globals';
import type { Interventions } from '../../simulator/faults-by-hand.ts';
import { playOnStage, type Stage, type StageSetting } from '../simulation/stage.ts';
import { nameOf } from '../support/scenario.ts';

// A process that sleeps over the deadline, as on a laptop that is closed: the real step against the simulator, in virtual time.

/** The process sleeps for an hour while the request of that name, the n-th, is on its way. */
function asleep(name: string, nth: number) {
  let seen = 0;
  return (stage: Stage): Interventions => ({
    after(request) {
      if (nameOf(request) === name && ++seen === nth) sleepOn(stage);
      return undefined;
    },
  });
}

function sleepOn({ time }: Stage): void {
  time.suspend(3_600_000, 'input');
}

async function play(setting: StageSetting) {
  const { vm, posts, requests, stage } = await playOnStage({ timeout: '5m', poll_interval: '1s' }, setting);
  const names = requests.map(({ name }) => name);
  return { outcome: vm, posts: posts.length, requests: names, world: stage.world };
}

describe('a process that is suspended past the deadline', () => {
  test.each([
    ['while the restart is on its way', 'POST restart', 1],
    ['while the first poll after it is', 'GET one', 2],
    ['while the third poll after it is', 'GET one', 4],
  ])('%s polls once more, and the VM is back', async (_, name, nth) => {
    const { outcome, posts, requests } = await play({ interventions: asleep(name, nth) });
    expect([outcome.restarted, outcome.error, posts]).toEqual(['true', undefined, 1]);
    expect(requests.at(-1)).toBe('GET one');
  });

  test('polls once more, and reports it if the VM is not back', async () => {
    const { outcome, requests } = await play({
      interventions: (stage) => ({
        before(request) {
          if (nameOf(request) !== 'POST restart') return undefined;
          sleepOn(stage);
          return { kind: 'reset' };
        },
      }),
    });
    expect([outcome.restarted, outcome.error?.code]).toEqual(['unknown', 'timed_out']);
    expect(requests).toEqual(['GET one', 'POST restart', 'GET one']);
  });

  test('before the restart was sent sends none', async () => {
    const { outcome, posts, world } = await play({ interventions: asleep('GET one', 1) });
    expect([outcome.restarted, outcome.error?.code, posts, world.restarts]).toEqual([
      'false',
      'timed_out',
      0,
      [],
    ]);
  });
});
