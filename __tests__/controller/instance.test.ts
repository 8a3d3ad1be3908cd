import { describe, expect, test } from '@jest/globals';
import { isRunning, isTerminal, looksFailed } from '../../src/controller/instance.ts';
import { readInstance } from '../../src/controller/instances.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { ID, instance, wireInstance } from '../support/instances.ts';

describe('one instance', () => {
  test('is read field by field, but for those that may hold secrets', () => {
    const instance = readInstance(wireInstance(), ID);
    expect(instance).toMatchObject({
      instanceId: ID,
      state: 'Started',
      externalId: 'runner-1',
      name: 'vm-1',
      message: 'Unexpected VM state: "stopped"',
      nodeId: 'a-node',
      updatedAt: { text: '2024-10-13T13:10:07.604294123+02:00' },
      status: 'running',
      startDate: { text: '2024-10-13T10:51:34Z' },
      startDateText: '2024-10-13T10:51:34Z',
      stopDate: { text: '2024-10-13T10:51:20Z' },
      reportedAt: { text: '2024-10-13T13:10:02.690025+02:00' },
      uuid: '0e42b576-4d36-482b-8f57-73c005fe8101',
      hostIp: '192.0.2.70',
      ip: '192.168.64.25',
      vncPort: 5900,
      portForwarding: [{ guestPort: 22, hostPort: 10_001, protocol: 'tcp', name: 'ssh' }],
    });
    expect(JSON.stringify(instance, (_, value) => (typeof value === 'bigint' ? '' : value))).not.toContain(
      'hunter2',
    );
  });

  test('of an old controller: no instance_id, no dates, `Name`', () => {
    const old = {
      instance_state: 'Started',
      vminfo: { status: 'running', port_forwarding: [{ host_port: 10_001, Name: 'ssh', guest_port: 22 }] },
    };
    expect(readInstance(old, ID)).toMatchObject({
      instanceId: ID,
      startDate: undefined,
      reportedAt: undefined,
      portForwarding: [{ guestPort: 22, hostPort: 10_001, protocol: undefined, name: 'ssh' }],
    });
  });

  test('without a VM yet has no status', () => {
    expect(readInstance({ instance_id: ID, instance_state: 'Pulling' }, ID)).toMatchObject({
      status: undefined,
      portForwarding: [],
    });
  });

  test('is found in the list if the controller ignores the ID', () => {
    expect(readInstance([{ vm: wireInstance() }], ID.toUpperCase())).toMatchObject({ instanceId: ID });
    expect(readInstance([], ID)).toBeUndefined();
  });

  test.each<[string, object, object, object]>([
    [
      'a zero date',
      {},
      { start_date: '0001-01-01T00:00:00Z' },
      { startDate: undefined, startDateText: '0001-01-01T00:00:00Z' },
    ],
    ['a date that is none', {}, { start_date: 'soon' }, { startDate: undefined, startDateText: 'soon' }],
    [
      'a date that is a number',
      {},
      { start_date: 1_728_816_694 },
      { startDate: undefined, startDateText: undefined },
    ],
    ['a status that is no text', {}, { status: 1 }, { status: undefined }],
    ['a text that is too long', { node_id: 'x'.repeat(201) }, {}, { nodeId: '(a text of 201 characters)' }],
    ['a host name for an address', {}, { ip: 'evil.example' }, { ip: undefined }],
    ['an IPv6 address', {}, { host_ip: 'fe80::1' }, { hostIp: 'fe80::1' }],
    ['port 0, meaning none', {}, { vnc_port: 0 }, { vncPort: undefined }],
    ['the first port', {}, { vnc_port: 1 }, { vncPort: 1 }],
    ['the last port', {}, { vnc_port: 65_535 }, { vncPort: 65_535 }],
    ['a port out of range', {}, { vnc_port: 65_536 }, { vncPort: undefined }],
    ['half a port', {}, { vnc_port: 5900.5 }, { vncPort: undefined }],
    ['a port as text', {}, { vnc_port: '5900' }, { vncPort: undefined }],
    ['forwarding that is no list', {}, { port_forwarding: {} }, { portForwarding: [] }],
    [
      'forwarding that makes no sense',
      {},
      { port_forwarding: [7, null, {}, { guest_port: 22 }, { host_port: 10_001 }] },
      { portForwarding: [] },
    ],
    ['vminfo that is no object', { vminfo: 'x' }, {}, { status: undefined }],
  ])('%s', (_, changes, vminfo, expected) => {
    expect(readInstance(wireInstance(changes, vminfo), ID)).toMatchObject(expected);
  });

  test('forwards at most 256 ports', () => {
    const port_forwarding = Array.from({ length: 300 }, (_, index) => ({
      guest_port: index + 1,
      host_port: 1,
    }));
    expect(readInstance(wireInstance({}, { port_forwarding }), ID)?.portForwarding).toHaveLength(256);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the instance is not a JSON object'],
    ['null', null, 'the instance is not a JSON object'],
    ['a text', 'x', 'the instance is not a JSON object'],
    ['no state', { instance_id: ID }, 'the instance has no instance_state'],
    ['an ID that is no text', wireInstance({ instance_id: 7 }), 'the instance has no usable instance_id'],
    ['an empty ID', wireInstance({ instance_id: '' }), 'the instance has no usable instance_id'],
    ['an empty state', { instance_id: ID, instance_state: '' }, 'the instance has no instance_state'],
    [
      'another instance',
      wireInstance({ instance_id: 'other' }),
      'the answer is about another instance than the one asked for',
    ],
  ])('%s is unusable', (_, body, reason) => {
    expect(() => readInstance(body, ID)).toThrow(new UnusableAnswer(reason));
  });

  test('may have an ID of 100 characters', () => {
    const id = `${'x'.repeat(92)}-1.2:3_4`;
    expect(readInstance(wireInstance({ instance_id: id }), id)?.instanceId).toBe(id);
  });
});

describe('the host of the VM', () => {
  test.each([
    'mac-01',
    'mac-01.example.com',
    'Mac_01.local.',
    '10.example',
    'fe80::1',
    `${'a'.repeat(63)}.example`,
  ])('%s is an address or a host name', (host) => {
    expect(readInstance(wireInstance({}, { host_ip: host }), ID)?.hostIp).toBe(host);
  });

  test.each([
    '10.0.0.256',
    '1234',
    '-mac.example',
    'mac-.example',
    'mac..example',
    'mac 01',
    'mac/01',
    'mac:22',
    'https://mac',
    '::x',
    'mac\n01',
    '.',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}aa`,
  ])('%j is neither', (host) => {
    const read = readInstance(wireInstance({}, { host_ip: host }), ID);
    expect(read?.hostIp).toBeUndefined();
    expect(read?.unusableHostIp).toBe(host.length > 200 ? '(a text of 256 characters)' : host);
  });

  test.each<[unknown, string | undefined]>([
    [{ ip: '10.0.0.1' }, '{"ip":"10.0.0.1"}'],
    [7, '7'],
    ['10.0.0.1', undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('%j as host_ip is kept for messages as %j', (host_ip, expected) => {
    expect(readInstance(wireInstance({}, { host_ip }), ID)?.unusableHostIp).toBe(expected);
  });

  test('the address of the VM itself is no name', () => {
    expect(readInstance(wireInstance({}, { ip: 'vm.local' }), ID)?.ip).toBeUndefined();
  });
});

describe('what the states of an instance mean', () => {
  test.each<[string, string | undefined, string]>([
    ['Started', 'running', 'runs'],
    ['Started', 'stopped', ''],
    ['Started', undefined, ''],
    ['Stopped', 'running', ''],
    ['Error', 'running', 'looks failed'],
    ['Started', 'deleted', 'looks failed'],
    ['Terminating', 'running', 'looks failed, terminal'],
    ['Terminated', undefined, 'looks failed, terminal'],
  ])('%s, %s: %s', (state, status, expected) => {
    const seen = instance({ state, status });
    const meanings = [
      isRunning(seen) && 'runs',
      looksFailed(seen) && 'looks failed',
      isTerminal(seen) && 'terminal',
    ];
    expect(meanings.filter((meaning) => meaning !== false).join(', ')).toBe(expected);
  });
});
