import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import {
  type Endpoint,
  type GuestHistory,
  type GuestVerdict,
  isSameEndpoint,
  judgeGuest,
  obstacleAt,
  startGuestHistory,
  unconfirmed,
} from '../../src/guest/guest-verdict.ts';
import { at, bootedAt, NEW_BOOT, OLD_BOOT, restarted } from '../support/instances.ts';

const PROOF = { ...restarted(10), startDate: at(NEW_BOOT) };
const LATER_BOOT = '2024-10-13T11:10:40Z';
const ADDRESS = { host: '192.0.2.70', port: 10_001 };
const ENDPOINT: Endpoint = { startDate: at(NEW_BOOT), address: ADDRESS };
const begin = () => startGuestHistory(PROOF, 1_000, { addresses: ['192.0.2.99'], hasController: false });

function read(instance: Instance | undefined, history: GuestHistory = begin(), now = 2_000) {
  return judgeGuest(history, { askedAt: now, answeredAt: now, instance });
}

const found = (changes: Partial<Endpoint> = {}): GuestVerdict => ({
  kind: 'endpoint',
  endpoint: { ...ENDPOINT, ...changes },
});

describe('a read shows where the guest is', () => {
  test.each<[string, Instance, GuestVerdict]>([
    ['the same report once more', PROOF, found()],
    ['a newer report', restarted(15), found()],
    ['a report without dates', restarted(15, { reportedAt: undefined, updatedAt: undefined }), found()],
    [
      'another port',
      restarted(15, { portForwarding: [{ guestPort: 22, hostPort: 10_002, protocol: 'tcp', name: 'ssh' }] }),
      found({ address: { ...ADDRESS, port: 10_002 } }),
    ],
    ['a boot of its own since', restarted(45, bootedAt(LATER_BOOT)), found({ startDate: at(LATER_BOOT) })],
  ])('%s', (_, instance, verdict) => {
    expect(read(instance).verdict).toEqual(verdict);
  });
});

describe('a read shows that the guest cannot be reached now', () => {
  test.each<[string, Instance | undefined, string, RegExp]>([
    ['no VM', undefined, 'not running', /does not list the instance/],
    ['a VM that is stopped', restarted(15, { status: 'stopped' }), 'not running', /status "stopped"/],
    ['a VM in Error', restarted(15, { state: 'Error' }), 'not running', /instance_state "Error"/],
    ['a VM without a date', restarted(15, bootedAt(undefined)), 'not running', /start_date none/],
    [
      'a boot before the one that was proved',
      restarted(15, bootedAt(OLD_BOOT)),
      'not running',
      /the VM is not back: .*10:51:34Z/,
    ],
    [
      'no port and no address',
      restarted(15, { portForwarding: [], ip: undefined }),
      'no address',
      /no port forwards to its port 22, and the VM has no known address/,
    ],
    [
      'an address of this machine',
      restarted(15, { hostIp: '192.0.2.99' }),
      'no address',
      /^the node has the address 192\.0\.2\.99, which is this machine's own$/,
    ],
    [
      'no address of the node',
      restarted(15, { hostIp: undefined }),
      'no address',
      /^the node has no known address$/,
    ],
  ])('%s', (_, instance, kind, seen) => {
    expect(read(instance).verdict).toEqual({
      kind: 'obstacle',
      obstacle: { kind, seen: expect.stringMatching(seen) },
    });
  });
});

test('an answer that is older than an earlier one proves nothing', () => {
  const { history } = read(restarted(20));
  expect(read(restarted(15), history).verdict).toEqual({ kind: 'outdated' });
  expect(read(restarted(20), history).verdict).toEqual(found());
});

test('a VM that stays failed ends the wait', () => {
  const broken = (seconds: number) => restarted(seconds, { state: 'Error' });
  let { history, verdict } = read(broken(15), begin(), 10_000);
  for (const [seconds, now] of [
    [20, 20_000],
    [25, 30_000],
  ] as const) {
    ({ history, verdict } = read(broken(seconds), history, now));
    expect(verdict.kind).toBe('obstacle');
  }
  expect(read(broken(30), history, 41_000).verdict).toEqual({
    kind: 'failed',
    reason: expect.stringContaining('instance_state "Error"'),
  });
});

test.each<[string, Endpoint, boolean]>([
  ['the same boot at the same address', { ...ENDPOINT, startDate: at('2024-10-13T13:10:12+02:00') }, true],
  ['another boot', { ...ENDPOINT, startDate: at(LATER_BOOT) }, false],
  ['another port', { ...ENDPOINT, address: { ...ADDRESS, port: 10_002 } }, false],
  ['another node', { ...ENDPOINT, address: { ...ADDRESS, host: '192.0.2.71' } }, false],
])('what a read after the banner confirms: %s', (_, again, isSame) => {
  expect(isSameEndpoint(ENDPOINT, again)).toBe(isSame);
});

test('obstacles in words', () => {
  expect(obstacleAt(ENDPOINT, { kind: 'refused', detail: 'connect ECONNREFUSED' })).toEqual({
    kind: 'refused',
    seen: 'the connection was refused at 192.0.2.70:10001 (connect ECONNREFUSED)',
  });
  expect(unconfirmed(ENDPOINT)).toEqual({
    kind: 'moved',
    seen: "an SSH server answered at 192.0.2.70:10001, but it may be another VM's: the VM has booted or moved since",
  });
  expect(unconfirmed(ENDPOINT, 'it stopped').seen).toMatch(/another VM's: it stopped$/);
});
