import { expect, test } from '@jest/globals';
import { talking } from '../support/loopback.ts';
import { playVirtually } from '../support/virtual-scenario.ts';

// The step in this process, on a clock whose pauses end at once: what it is put together from, down to real sockets.

test('the guest is asked where the controller says that it is', async () => {
  const server = await talking((socket) => socket.end('SSH-2.0-real\r\n'));
  const world = { nodeIp: '127.0.0.1', ports: [server.port] };
  const { outcome, lines } = await playVirtually({ world, inputs: { guest_check: 'ssh' } });
  server.close();
  expect(outcome).toMatchObject({ restarted: 'true', error: undefined, guest: { status: 'up' } });
  expect(lines).toContainEqual(expect.stringContaining('The guest is up: "SSH-2.0-real"'));
});
