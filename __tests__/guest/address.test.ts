import { describe, expect, test } from '@jest/globals';
import type { Instance, PortForwarding } from '../../src/controller/instance.ts';
import { formatAddress, guestAddress, sshPort } from '../../src/guest/address.ts';
import { instance } from '../support/instances.ts';

const port = (guestPort: number, hostPort: number, protocol: string | undefined = 'tcp'): PortForwarding => ({
  guestPort,
  hostPort,
  protocol,
  name: 'ssh',
});

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
    ['nowhere without an address of the node', { hostIp: undefined }, undefined],
    ['nowhere without any', { portForwarding: [], ip: undefined }, undefined],
  ])('%s', (_, changes, address) => {
    expect(guestAddress(instance(changes))).toEqual(address);
  });

  test('nowhere without a VM', () => {
    expect(sshPort(undefined)).toBeUndefined();
  });
});

test('an address as people write it', () => {
  expect(formatAddress({ host: '192.0.2.70', port: 22 })).toBe('192.0.2.70:22');
  expect(formatAddress({ host: '2001:db8::7', port: 22 })).toBe('[2001:db8::7]:22');
});
