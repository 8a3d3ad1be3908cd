import type { ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { playBehindBalancer } from '../support/gateway.ts';
import { type Ended, end } from '../support/scenario.ts';
import { type Moment, RESTARTED, reported, signalled } from '../support/signals.ts';

// The bundle as a process, against the simulator: what only real time shows.

test('a replica that repeats its last report after the restart: a new connection proves it', async () => {
  const repeat = (response: ServerResponse, earlier: Buffer) => void response.end(earlier);
  const { ended, connections } = await playBehindBalancer(repeat, { timeout: '60s' });
  expect(reported(ended)).toEqual(RESTARTED);
  // Before the restart, for it, and after three heartbeats: at least 15 s.
  expect(connections).toBe(3);
});

describe('stopped over the deadline, and woken up', () => {
  async function sleepOver(where: Moment): Promise<Ended> {
    const scenario = await signalled('SIGSTOP', { ...where, isShort: true });
    await new Promise((resolve) => setTimeout(resolve, 2_800));
    scenario.step.process.kill('SIGCONT');
    return end(scenario);
  }

  test.each([
    ['while the restart is on its way', { name: 'POST restart' }],
    ['while it polls the VM', { name: 'GET one', nth: 2 }],
  ])('%s: it polls once more, and the VM is back', async (_, where) => {
    expect(reported(await sleepOver(where))).toEqual(RESTARTED);
  });

  test('before the restart was sent: it is not sent at all', async () => {
    const ended = await sleepOver({ name: 'GET one' });
    expect(reported(ended)).toMatchObject({ exitCode: 1, restarted: 'false', posts: 0, restarts: 0 });
    expect(['timed_out', 'controller_unreachable']).toContain(ended.outputs['error_code']);
  });
});
