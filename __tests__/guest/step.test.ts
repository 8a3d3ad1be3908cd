import { expect, test } from '@jest/globals';
import { serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { playStep } from '../simulation/play-step.ts';
import { createPausingClock } from '../support/fake-clock.ts';
import { talking } from '../support/loopback.ts';

// The step in this process, down to real sockets, on a clock whose pauses end at once.

test('the step connects to the guest where the controller says that it is', async () => {
  const server = await talking((socket) => socket.end('SSH-2.0-real\r\n'));
  const clock = createPausingClock();
  const startsAt = Date.now();
  const now = () => startsAt + clock.now();
  const world = new World({ ...DEFAULT_WORLD, startsAt: now(), nodeIp: '127.0.0.1', ports: [server.port] });
  const simulator = await serve({ world, port: 0, now });
  const host = { clock, signal: clock.signal, random: () => 0, environment: {} };
  const { outcome, lines } = await playStep(host, {
    controller_url: simulator.url,
    instance_id: world.records[0]?.instanceId ?? '',
    poll_interval: '1s',
    guest_check: 'ssh',
  });
  await simulator.close();
  server.close();
  expect(outcome.vms[0]).toMatchObject({ restarted: 'true', error: undefined, guest: { status: 'up' } });
  expect(lines).toContainEqual(expect.stringContaining('The guest is up: "SSH-2.0-real"'));
});
