import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  connectToGuest,
  type GuestHabits,
  type GuestServers,
  guestUpAt,
  takeGuestPorts,
} from '../../simulator/guests.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const HABITS: GuestHabits = { bootMs: 20_000, forwarder: 'accepts' };
const BANNER = /^SSH-2\.0-/;

function createWorld(options: Partial<WorldOptions> = {}) {
  const world = new World({ ...DEFAULT_WORLD, startsAt: NOON, nodes: 1, vms: 2, ...options });
  const [first, second] = world.records;
  if (first?.vm === undefined || second?.vm === undefined) throw new Error('the world is empty');
  return { world, first, vm: first.vm, other: second.vm };
}

/** Restarts the first VM, and lets time pass until it has booted. */
function reboot({ world, first, vm }: ReturnType<typeof createWorld>): void {
  const before = vm.bootedAt;
  world.restart(first.instanceId);
  while (vm.bootedAt === before) world.advanceTo(world.now + 100);
}

describe('guests', () => {
  const at = ({ sshPort }: { sshPort: number }) => ({ host: '192.0.2.1', port: sshPort });

  test('of VMs that have long booted answer, at the node and at their own address', () => {
    const { world, vm } = createWorld();
    const says = { text: expect.stringMatching(BANNER) };
    expect(connectToGuest(world, at(vm), HABITS)).toMatchObject({ kind: 'accepted', says });
    expect(connectToGuest(world, { host: vm.ip, port: 22 }, HABITS)).toMatchObject({ says });
  });

  test('answer a while after a boot; the forwarder takes connections before', () => {
    const setting = createWorld();
    reboot(setting);
    const { world, vm, first } = setting;
    const upAt = vm.bootedAt + 20_000;
    const refusing: GuestHabits = { ...HABITS, forwarder: 'refuses' };
    expect(connectToGuest(world, at(vm), HABITS)).toMatchObject({ kind: 'accepted', says: { at: upAt } });
    expect(connectToGuest(world, at(vm), refusing)).toEqual({ kind: 'refused' });
    expect(guestUpAt(first, HABITS)).toBe(upAt);
    world.advanceTo(upAt);
    expect(connectToGuest(world, at(vm), refusing).kind).toBe('accepted');
  });

  test('are nowhere while the VM is stopped, and where there is none', () => {
    const { world, first, vm } = createWorld();
    world.crash(first.instanceId, undefined);
    expect(connectToGuest(world, at(vm), HABITS)).toEqual({ kind: 'refused' });
    expect(connectToGuest(world, { host: '192.0.2.1', port: 1 }, HABITS)).toEqual({ kind: 'refused' });
  });

  test.each([
    ['never', undefined],
    ['silent', undefined],
    ['foreign', { text: expect.stringMatching(/^HTTP/), at: expect.any(Number) }],
    ['penalized', { text: expect.stringMatching(/^Not allowed at this time\r\n$/), at: expect.any(Number) }],
  ] as const)('that are "%s" are so after a restart only', (fault, says) => {
    const setting = createWorld();
    const { world, vm, first } = setting;
    expect(guestUpAt(first, { ...HABITS, fault })).toBe(vm.bootedAt + 20_000);
    reboot(setting);
    world.advanceTo(world.now + 60_000);
    expect(connectToGuest(world, at(vm), { ...HABITS, fault })).toEqual({ kind: 'accepted', says });
    expect(guestUpAt(first, { ...HABITS, fault })).toBeUndefined();
  });

  test('exchange their ports', () => {
    const { world, first, vm, other } = createWorld();
    const [mine, theirs] = [vm.sshPort, other.sshPort];
    world.swapPorts(first.instanceId);
    expect([vm.sshPort, other.sshPort]).toEqual([theirs, mine]);
  });
});

test('ports and the address of all nodes may be given', () => {
  const { world, vm, other } = createWorld({ ports: [7_001, 7_002], nodeIp: '127.0.0.1', nodes: 2 });
  expect([vm.sshPort, other.sshPort]).toEqual([7_001, 7_002]);
  expect(world.nodes.map(({ ip }) => ip)).toEqual(['127.0.0.1', '127.0.0.1']);
  expect(createWorld({ ports: [7_001] }).other.sshPort).toBe(10_000);
});

describe('behind real sockets', () => {
  let guests: GuestServers;

  beforeEach(async () => {
    guests = await takeGuestPorts(3);
  });
  afterEach(() => guests.close());

  /** The first text on a connection, or how the connection ends before that. */
  function hear(port: number): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('data', (bytes) => {
        resolve(String(bytes));
        socket.destroy();
      });
      socket.on('error', () => {}).once('close', () => resolve('closed'));
    });
  }

  const worldHere = () => createWorld({ ports: guests.ports, nodeIp: '127.0.0.1' });

  test('a guest that is up greets', async () => {
    const { world, vm } = worldHere();
    guests.open({ world, now: () => NOON, habits: HABITS });
    expect(await hear(vm.sshPort)).toMatch(BANNER);
  });

  test('one that is still booting greets then', async () => {
    const setting = worldHere();
    reboot(setting);
    const { world, vm } = setting;
    guests.open({ world, now: () => world.now, timeFactor: 10_000, habits: HABITS });
    expect(await hear(vm.sshPort)).toMatch(BANNER);
  });

  test('a port that no VM has is cut off, and so is everything before there is a world', async () => {
    const [, , free = 0] = guests.ports;
    expect(await hear(free)).toBe('closed');
    const { world } = worldHere();
    guests.open({ world, now: () => NOON, habits: HABITS });
    expect(await hear(free)).toBe('closed');
  });

  test('one that hangs accepts a connection, and stays silent until the end', async () => {
    const setting = worldHere();
    reboot(setting);
    const { world, vm, other } = setting;
    guests.open({ world, now: () => world.now, habits: { ...HABITS, fault: 'never' } });
    const heard = hear(vm.sshPort);
    expect(await hear(other.sshPort)).toMatch(BANNER);
    await guests.close();
    expect(await heard).toBe('closed');
    guests = await takeGuestPorts(0);
  });
});
