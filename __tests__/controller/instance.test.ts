import { describe, expect, test } from '@jest/globals';
import {
  isRunning,
  isTerminal,
  looksFailed,
  readInstance,
  readList,
  readMatches,
} from '../../src/controller/instance.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { ID, instance } from '../support/instances.ts';

/** As controllers from 1.44 on write it. */
function current(changes: object = {}, vminfo: object = {}): Record<string, unknown> {
  return {
    instance_id: ID,
    instance_state: 'Started',
    message: 'Unexpected VM state: "stopped"',
    vmid: 'a4c52e39-5ecf-498f-97fa-bc03acf0e9f9',
    vminfo: {
      status: 'running',
      start_date: '2024-10-13T10:51:34Z',
      stop_date: '2024-10-13T10:51:20Z',
      node_id: 'inner-node',
      uuid: '0e42b576-4d36-482b-8f57-73c005fe8101',
      host_ip: '192.0.2.70',
      ip: '192.168.64.25',
      vnc_port: 5900,
      vnc_connection_string: 'vnc://:hunter2@192.0.2.70:5900',
      port_forwarding: [{ guest_port: 22, host_port: 10_001, protocol: 'tcp', name: 'ssh' }],
      timestamp: '2024-10-13T13:10:02.690025+02:00',
      ...vminfo,
    },
    node_id: 'a-node',
    ts: '2024-10-13T13:10:07.604294123+02:00',
    external_id: 'runner-1',
    name: 'vm-1',
    startup_script: { stdout: 'token hunter2' },
    ...changes,
  };
}

describe('one instance', () => {
  test('is read field by field, but for those that may hold secrets', () => {
    const instance = readInstance(current(), ID);
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
    expect(readInstance([{ vm: current() }], ID.toUpperCase())).toMatchObject({ instanceId: ID });
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
    expect(readInstance(current(changes, vminfo), ID)).toMatchObject(expected);
  });

  test('forwards at most 256 ports', () => {
    const port_forwarding = Array.from({ length: 300 }, (_, index) => ({
      guest_port: index + 1,
      host_port: 1,
    }));
    expect(readInstance(current({}, { port_forwarding }), ID)?.portForwarding).toHaveLength(256);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the instance is not a JSON object'],
    ['null', null, 'the instance is not a JSON object'],
    ['a text', 'x', 'the instance is not a JSON object'],
    ['no state', { instance_id: ID }, 'the instance has no instance_state'],
    ['an ID that is no text', current({ instance_id: 7 }), 'the instance has no usable instance_id'],
    ['an empty ID', current({ instance_id: '' }), 'the instance has no usable instance_id'],
    ['an empty state', { instance_id: ID, instance_state: '' }, 'the instance has no instance_state'],
    [
      'another instance',
      current({ instance_id: 'other' }),
      'the answer is about another instance than the one asked for',
    ],
  ])('%s is unusable', (_, body, reason) => {
    expect(() => readInstance(body, ID)).toThrow(new UnusableAnswer(reason));
  });

  test('may have an ID of 100 characters', () => {
    const id = `${'x'.repeat(92)}-1.2:3_4`;
    expect(readInstance(current({ instance_id: id }), id)?.instanceId).toBe(id);
  });
});

describe('the list', () => {
  const BY_ID = { by: 'instance_id', id: ID } as const;
  const BY_EXTERNAL_ID = { by: 'external_id', id: 'runner-1' } as const;

  test.each([[undefined], [null], [[]]])('%p is an empty one', (body) => {
    expect(readMatches(body, BY_ID)).toEqual([]);
  });

  test('that is not a list is unusable', () => {
    const reason = 'the instances are not a JSON array';
    expect(() => readMatches({ instances: [] }, BY_ID)).toThrow(new UnusableAnswer(reason));
  });

  test('outer keys count before inner ones, unless they are null', () => {
    const vm = current({ external_id: 'inner', name: 'inner' });
    const found = [{ instanceId: ID, externalId: 'outer', name: 'inner' }];
    const body = [{ external_id: 'outer', instance_id: ID, name: null, vm }];
    expect(readMatches(body, BY_ID)).toMatchObject(found);
    expect(readMatches(body, { by: 'external_id', id: 'outer' })).toMatchObject(found);
    expect(readMatches(body, { by: 'external_id', id: 'inner' })).toEqual([]);
  });

  test('the outer keys do if the inner ones are missing', () => {
    const vm = current({ external_id: undefined, instance_id: undefined, name: undefined });
    const body = [{ external_id: 'outer', instance_id: ID, name: 'outer', vm }];
    const found = [{ instanceId: ID, externalId: 'outer', name: 'outer' }];
    expect(readMatches(body, BY_ID)).toMatchObject(found);
    expect(readMatches(body, { by: 'external_id', id: 'outer' })).toMatchObject(found);
  });

  test('the inner keys do if the outer ones are missing', () => {
    for (const target of [BY_ID, BY_EXTERNAL_ID]) {
      expect(readMatches([{ vm: current() }], target)).toMatchObject([
        { instanceId: ID, externalId: 'runner-1' },
      ]);
    }
  });

  test('what does not match is passed over, readable or not', () => {
    const others = [
      null,
      7,
      {},
      { vm: null },
      { vm: {} },
      { vm: current({ instance_id: 'other', external_id: 'other' }) },
    ];
    expect(readMatches([...others, { vm: current() }], BY_EXTERNAL_ID)).toHaveLength(1);
  });

  test('an instance that is listed twice is one', () => {
    expect(readMatches([{ vm: current() }, { vm: current() }], BY_EXTERNAL_ID)).toHaveLength(1);
  });

  test('two instances of one external ID are both found', () => {
    const other = current({ instance_id: 'other' });
    const found = readMatches([{ vm: current() }, { vm: other }], BY_EXTERNAL_ID);
    expect(found.map(({ instanceId }) => instanceId)).toEqual([ID, 'other']);
  });

  test.each<[string, unknown, string]>([
    ['in other letters', 'Runner-1', 'runner-1'],
    ['that is a number', 7, '7'],
    ['that is missing', undefined, 'undefined'],
  ])('an external ID %s is another', (_, external_id, id) => {
    expect(readMatches([{ vm: current({ external_id }) }], { by: 'external_id', id })).toEqual([]);
  });

  const NO_ID = 'the instance has no usable instance_id';

  test.each<[string, unknown, string]>([
    ['without a state', { vm: current({ instance_state: null }) }, 'the instance has no instance_state'],
    ['without an ID', { vm: current({ instance_id: null }) }, NO_ID],
    ['with an ID that is none', { vm: current({ instance_id: '\ud800' }) }, NO_ID],
    ['with an ID that begins badly', { vm: current({ instance_id: ' id' }) }, NO_ID],
    ['with an ID that ends badly', { vm: current({ instance_id: 'id/' }) }, NO_ID],
    ['with an ID that is too long', { vm: current({ instance_id: 'x'.repeat(101) }) }, NO_ID],
    [
      'with two IDs',
      { instance_id: 'other', vm: current() },
      'an instance in the list has two different IDs',
    ],
  ])('a match %s makes it unusable: it might be another one, too', (_, item, reason) => {
    expect(() => readMatches([item, { vm: current() }], BY_EXTERNAL_ID)).toThrow(new UnusableAnswer(reason));
  });
});

describe('a list', () => {
  const other = current({ instance_id: ID.replace('c2', 'd2'), external_id: 'runner-2' });

  test('has what can be read', () => {
    const broken = { vm: current({ instance_state: null }) };
    const list = readList([broken, { vm: other }, { vm: other }, 'nothing']);
    expect(list.readable().map(({ externalId }) => externalId)).toEqual(['runner-2']);
    expect(list.matching({ by: 'external_id', id: 'runner-2' })).toHaveLength(1);
    expect(list.matching({ by: 'external_id', id: 'runner-3' })).toEqual([]);
  });

  test('is searched by either spelling of an ID, the outer one or the inner', () => {
    const list = readList([{ instance_id: ID.toUpperCase(), vm: current() }, { vm: other }]);
    const found = list.matching({ by: 'instance_id', id: ID });
    expect(found.map(({ instanceId }) => instanceId)).toEqual([ID.toUpperCase()]);
  });

  test('is read once, even if it is searched often', () => {
    const [first] = readList([{ vm: other }]).readable();
    const list = readList([{ vm: other }]);
    const target = { by: 'external_id', id: 'runner-2' } as const;
    expect(list.matching(target)[0]).toBe(list.matching(target)[0]);
    expect(first).toEqual(list.readable()[0]);
  });

  test('does not hide a bug', () => {
    const hostile = {
      get vm(): unknown {
        return {
          instance_id: ID,
          get instance_state() {
            throw new TypeError('of null');
          },
        };
      },
    };
    expect(() => readList([hostile]).readable()).toThrow(TypeError);
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
    expect(readInstance(current({}, { host_ip: host }), ID)?.hostIp).toBe(host);
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
    const read = readInstance(current({}, { host_ip: host }), ID);
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
    expect(readInstance(current({}, { host_ip }), ID)?.unusableHostIp).toBe(expected);
  });

  test('the address of the VM itself is no name', () => {
    expect(readInstance(current({}, { ip: 'vm.local' }), ID)?.ip).toBeUndefined();
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
