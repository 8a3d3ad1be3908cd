import { describe, expect, test } from '@jest/globals';
import type { Instance, PortForwarding } from '../../src/controller/instance.ts';
import { formatAddress, guestAddress, type OwnMachine, sshPort } from '../../src/guest/address.ts';
import { instance } from '../support/instances.ts';

const port = (guestPort: number, hostPort: number, protocol: string | undefined = 'tcp'): PortForwarding => ({
  guestPort,
  hostPort,
  protocol,
  name: 'ssh',
});

const ELSEWHERE: OwnMachine = { addresses: ['192.0.2.1', 'fe80::1', '2001:db8::1'], hasController: false };
const SIMULATED: OwnMachine = { ...ELSEWHERE, hasController: true };

describe("the guest's SSH server is", () => {
  test.each<[string, Partial<Instance>, unknown]>([
    ['behind the forwarded port of the node', {}, { host: '192.0.2.70', port: 10_001 }],
    [
      'behind the first port for its port 22',
      { portForwarding: [port(5900, 9_999), port(22, 10_007), port(22, 10_008)] },
      { host: '192.0.2.70', port: 10_007 },
    ],
    [
      'behind a port without a protocol',
      { portForwarding: [{ guestPort: 22, hostPort: 10_009, protocol: undefined, name: undefined }] },
      { host: '192.0.2.70', port: 10_009 },
    ],
    [
      'never behind a port for UDP',
      { portForwarding: [port(22, 10_005, 'UDP'), port(22, 10_006)] },
      { host: '192.0.2.70', port: 10_006 },
    ],
    [
      'at the VM itself, where no port is forwarded',
      { portForwarding: [] },
      { host: '192.168.64.25', port: 22 },
    ],
    [
      'at the VM itself, where only UDP is',
      { portForwarding: [port(22, 10_005, 'udp')] },
      { host: '192.168.64.25', port: 22 },
    ],
    ['at an address of IPv6', { hostIp: '2001:db8::7' }, { host: '2001:db8::7', port: 10_001 }],
    ['at a host name', { hostIp: 'node-7.example' }, { host: 'node-7.example', port: 10_001 }],
  ])('%s', (_, changes, address) => {
    expect(guestAddress(instance(changes), ELSEWHERE)).toEqual({ address });
  });

  test.each<[string, Partial<Instance>, string]>([
    ['without an address of the node', { hostIp: undefined }, 'the node has no known address'],
    [
      'without any',
      { portForwarding: [], ip: undefined },
      'no port forwards to its port 22, and the VM has no known address',
    ],
  ])('nowhere %s', (_, changes, why) => {
    expect(guestAddress(instance(changes), ELSEWHERE)).toEqual({ why });
  });

  test('nowhere without a VM', () => {
    expect(sshPort(undefined)).toBeUndefined();
  });
});

describe("the step's own SSH server is never taken for the guest's", () => {
  const LOOPBACK = ['127.0.0.1', '127.8.9.10', '::1', '::1%lo', '::ffff:127.0.0.1', '::ffff:7f00:1'];
  const UNSPECIFIED = ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '0:0:0:0:0:0:0:0'];
  const OWN = ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8:0::1', '2001:DB8::1'];
  const NO_HOST = ['169.254.1.1', 'fe80::2', 'fe80::2%en0', '224.0.0.1', '255.255.255.255', 'ff02::1'];

  test.each([...UNSPECIFIED, ...LOOPBACK, ...OWN, ...NO_HOST])('as the address of a VM: %s', (ip) => {
    for (const own of [ELSEWHERE, SIMULATED])
      expect(guestAddress(instance({ portForwarding: [], ip }), own)).toEqual({
        why: expect.stringContaining(`port 22, and the VM has the address ${ip}, which is `),
      });
  });

  test.each([...UNSPECIFIED, ...OWN])('as the address of a node: %s', (hostIp) => {
    for (const own of [ELSEWHERE, SIMULATED])
      expect(guestAddress(instance({ hostIp }), own)).toEqual({
        why: expect.stringContaining(`the node has the address ${hostIp}, which is `),
      });
  });

  test.each(LOOPBACK)('at a node on loopback, unless the controller is there: %s', (hostIp) => {
    expect(guestAddress(instance({ hostIp }), ELSEWHERE)).toEqual({
      why: `the node has the address ${hostIp}, which is loopback`,
    });
    expect(guestAddress(instance({ hostIp }), SIMULATED)).toEqual({
      address: { host: hostIp, port: 10_001 },
    });
  });
});

test('an address as people write it', () => {
  expect(formatAddress({ host: '192.0.2.70', port: 22 })).toBe('192.0.2.70:22');
  expect(formatAddress({ host: '2001:db8::7', port: 22 })).toBe('[2001:db8::7]:22');
});
