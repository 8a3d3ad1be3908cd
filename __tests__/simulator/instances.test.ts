import { describe, expect, test } from '@jest/globals';
import { react } from '../../simulator/controller-api.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';

// Instances on old and slow controllers, and the options of requests. No HTTP.

const NOON = Date.parse('2026-07-01T12:00:00Z');
const SECOND = 1_000;

interface Answer {
  readonly status: number;
  readonly message: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
  readonly body: any;
}

function start(options: Partial<WorldOptions> = {}, replicas = { count: 1, lagMs: 0, areSticky: false }) {
  const world = new World({ ...DEFAULT_WORLD, startsAt: NOON, clockSkewMs: 0, ...options });
  const all = createReplicas({ world, ...replicas });
  let now = NOON;
  function ask(method: string, path: string, body: object = {}, connection?: object): Answer {
    const request = { method, path: `/api/v1/${path}`, headers: {}, body: JSON.stringify(body) };
    const reaction = react({ replicas: all, now, connection }, request);
    return { ...JSON.parse(reaction.body), status: reaction.status };
  }
  const [record] = world.records;
  return {
    ...{ world, ask, id: record?.instanceId ?? '', template: world.templates[0]?.id },
    pass: (seconds: number) => {
      now += seconds * SECOND;
    },
    one: (id: string) => ask('GET', `vm?id=${id}`).body,
  };
}

const script = (text: string, more: object = {}) => ({
  startup_script: Buffer.from(text).toString('base64'),
  script_monitoring: true,
  ...more,
});

describe('a monitored startup script', () => {
  test.each([
    ['1.50.1', 'Scheduling'],
    ['1.49.0', 'Pulling'],
  ])('keeps its instance from being Started in %s: it stays %s', (controllerVersion, state) => {
    const { ask, pass, one, template } = start({ vms: 0, controllerVersion });
    const [id = ''] = ask('POST', 'vm', { vmid: template, ...script('sleep 20') }).body;
    pass(20);
    expect([one(id).instance_state, 'vminfo' in one(id)]).toEqual([state, false]);
    pass(10);
    expect([one(id).instance_state, one(id).vminfo.status]).toEqual(['Started', 'running']);
  });

  test('that fails ends in Error without ever being Started', () => {
    const { ask, pass, one, template } = start({ vms: 0 });
    const [id = ''] = ask('POST', 'vm', { vmid: template, ...script('sleep 5\nexit 3') }).body;
    const seen = new Set<string>();
    for (let second = 0; second < 30; second++) {
      pass(1);
      seen.add(one(id).instance_state);
    }
    expect([...seen].sort()).toEqual(['Error', 'Pulling', 'Scheduling']);
  });

  test('can be ended with its instance', () => {
    const { ask, pass, one, template } = start({ vms: 0 });
    const [id = ''] = ask('POST', 'vm', { vmid: template, ...script('sleep 20') }).body;
    pass(10);
    ask('DELETE', 'vm', { id });
    pass(60);
    expect(one(id).instance_state).toBe('Terminated');
  });
});

describe('capacity', () => {
  test('leaves new instances in Scheduling until a node has room', () => {
    const { ask, pass, one, id, template } = start({ nodes: 1, vms: 2, capacity: 2 });
    const [waiting = ''] = ask('POST', 'vm', { vmid: template }).body;
    pass(60);
    expect(one(waiting).instance_state).toBe('Scheduling');
    ask('DELETE', 'vm', { id });
    pass(10);
    expect(one(waiting).instance_state).toBe('Started');
  });

  test('can be changed, as a node can be drained, renamed and moved', () => {
    const { ask, pass, one, template, world } = start({ nodes: 1, vms: 0, capacity: 0 });
    const [waiting = ''] = ask('POST', 'vm', { vmid: template }).body;
    const node_id = world.nodes[0]?.id;
    const configure = (fields: object) => ask('POST', 'node/config', { node_id, ...fields });
    configure({ drain_mode: true, max_vm_count: 3, name: 'studio-1', host: 'studio-1.local' });
    pass(10);
    expect(one(waiting).instance_state).toBe('Scheduling');
    expect(ask('GET', 'node').body).toMatchObject([
      { state: 'Drain Mode', capacity: 3, node_name: 'studio-1', ip_address: 'studio-1.local' },
    ]);
    configure({ drain_mode: false });
    pass(10);
    expect([one(waiting).instance_state, one(waiting).vminfo.host_ip]).toEqual(['Started', 'studio-1.local']);
    expect(configure({ node_id: 'x' }).message).toBe('node not found');
  });

  test('of another node is used if one node has no room left', () => {
    const { ask, pass, one, template, world } = start({ nodes: 2, vms: 0, capacity: 1 });
    const node_id = world.nodes[1]?.id;
    const ids: string[] = ask('POST', 'vm', { vmid: template, node_id }).body;
    ids.push(...ask('POST', 'vm', { vmid: template, count: 2 }).body);
    pass(20);
    expect(ids.map((id) => one(id).instance_state).sort()).toEqual(['Scheduling', 'Started', 'Started']);
  });
});

describe('a request', () => {
  test('names the VM and its ports, and notes metadata', () => {
    const { ask, pass, one, template, world } = start({ vms: 0 });
    const [id = ''] = ask('POST', 'vm', {
      vmid: template,
      name_template: '$template_name-$instance_id-$node_name-$other',
      metadata: { team: 'ios', run: 7, nightly: true, nothing: null },
      port_forwarding_override: [
        { name: 'web', guest_port: '80', host_port: '8080' },
        { name: 'ssh', guest_port: 22 },
        { name: 'any', guest_port: '81' },
      ],
    }).body;
    pass(10);
    const { vminfo, metadata } = one(id);
    const [node] = world.nodes.filter((each) => each.id === vminfo.node_id);
    expect(vminfo.name).toBe(`mgmtManaged-sequoia-${id}-${node?.name}-$other`);
    expect(metadata).toEqual({ team: 'ios', run: 7, nightly: true });
    expect(vminfo.port_forwarding).toEqual([
      { name: 'web', guest_port: 80, host_port: 8080, protocol: 'tcp' },
      { name: 'ssh', guest_port: 22, host_port: 10_000, protocol: 'tcp' },
      { name: 'any', guest_port: 81, host_port: expect.any(Number), protocol: 'tcp' },
    ]);
    expect(ask('PUT', `vm?id=${id}`, { metadata: { run: 8 } }).message).toBe('');
    expect(one(id).metadata).toEqual({ team: 'ios', run: 8, nightly: true });
  });

  test('changes an instance whose ID is in the query or in the body', () => {
    const { ask, id, one } = start();
    ask('PUT', `vm?id=${id}`, { name: 'a' });
    ask('PUT', 'vm', { id, external_id: 'b' });
    expect(one(id)).toMatchObject({ name: 'a', external_id: 'b' });
    expect(ask('PUT', 'vm', { name: 'c' }).message).toBe('instance not found');
  });

  test('saves a VM to the registry, and its instance ends', () => {
    const { ask, id, one, pass } = start();
    const { request_id } = ask('POST', 'image', { id, tag: 'v2', target_vm_id: 't' }).body;
    expect([one(id).instance_state, ask('GET', 'image').body]).toEqual([
      'Pushing',
      [expect.objectContaining({ id: request_id, status: 'pending' })],
    ]);
    pass(30);
    expect(ask('GET', `image?id=${request_id}`).body.status).toBe('done');
    expect(one(id).instance_state).toBe('Terminated');
    expect(ask('GET', 'image?id=x').message).toBe('Not found');
    expect(ask('POST', 'image', { id: 'x' }).message).toBe('instance not found');
  });
});

test('the guest’s own address is empty at first, after each boot', () => {
  const { ask, id, one, pass } = start({ addressAfterMs: 30 * SECOND, heartbeatJitter: 0 });
  expect(one(id).vminfo.ip).toMatch(/^192\.168\.64\./);
  ask('POST', 'rpc/vm/restart', { instance_id: id });
  pass(20);
  expect([one(id).vminfo.status, one(id).vminfo.ip]).toEqual(['running', '']);
  pass(40);
  expect(one(id).vminfo.ip).toMatch(/^192\.168\.64\./);
});

test.each([
  [{ controllerVersion: '1.9.0' }, 'rule_name', true],
  [{ controllerVersion: '1.19.0' }, 'Name', true],
  [{ controllerVersion: '1.35.0' }, 'name', true],
  [{ controllerVersion: '1.36.0' }, 'name', false],
  [{ writesOldFields: true }, 'Name', true],
])('%j writes old fields: %s, with a VNC password: %s', (options, key, hasPassword) => {
  const { id, one } = start(options);
  const { vminfo } = one(id);
  expect(vminfo.port_forwarding[0][key]).toBe('ssh');
  expect([vminfo.vnc_connection_string, vminfo.vnc_password]).toEqual(
    hasPassword
      ? [`vnc://:vnc-secret-1@${vminfo.host_ip}:${vminfo.vnc_port}`, 'vnc-secret-1']
      : [undefined, undefined],
  );
});

test('a restart can change the VNC password', () => {
  const { ask, id, one, pass } = start({ writesOldFields: true });
  ask('POST', 'rpc/vm/restart', { instance_id: id, vnc_password: 'another' });
  pass(20);
  expect(one(id).vminfo.vnc_password).toBe('another');
});

test('the list can know more than the single record, and the other way round', () => {
  const { ask, id, one } = start({ oneLacks: ['external_id', 'name'], listLacks: ['instance_id'] });
  expect(Object.keys(one(id))).not.toEqual(expect.arrayContaining(['external_id']));
  const [item] = ask('GET', 'vm').body;
  expect([item.external_id, item.vm.name, 'instance_id' in item]).toEqual(['runner-1', 'vm-1', false]);
});

test('a FAIL can come with HTTP 400', () => {
  const { ask } = start({ failStatus: 400 });
  expect(ask('GET', 'vm?id=x')).toMatchObject({ status: 400, message: 'Not found' });
  expect(ask('GET', 'vm').status).toBe(200);
});

test('VMs can be stopped from the start', () => {
  const { ask, id, one, pass } = start({ stoppedVms: ['runner-1'] });
  pass(30);
  expect([one(id).instance_state, one(id).vminfo.status]).toEqual(['Stopped', 'stopped']);
  expect(ask('POST', 'rpc/vm/restart', { instance_id: id }).message).toBe('instance is in state Stopped');
});

test('before 1.49 an instance in Error is not always "deleted"', () => {
  const { ask, id, one, pass } = start({ controllerVersion: '1.48.0', bootsFail: true, deletedShare: 0.5 });
  ask('POST', 'rpc/vm/restart', { instance_id: id });
  const seen = new Set<string>();
  for (let report = 0; report < 40; report++) {
    pass(5);
    if (one(id).instance_state === 'Error') seen.add(one(id).vminfo.status);
  }
  expect([...seen].sort()).toEqual(['deleted', 'stopped']);
});

test('there are stubs for the rest', () => {
  const { ask } = start({ nodes: 2 });
  expect(ask('GET', 'usb').body).toEqual({ phones: { available: 2, busy: 0 } });
  expect(ask('GET', 'vlan').body).toEqual([]);
  expect(ask('GET', 'stats').body).toEqual({ nodes: 2, instances: 3 });
});

test('a connection can stay at one replica', () => {
  const { ask, id, pass } = start({}, { count: 2, lagMs: 3_600_000, areSticky: true });
  ask('PUT', 'vm', { id, name: 'new' });
  pass(10);
  const [first, second] = [{}, {}];
  const names = (connection: object) => {
    return Array.from({ length: 3 }, () => ask('GET', `vm?id=${id}`, {}, connection).body.name);
  };
  expect([names(first), names(second), names(first)]).toEqual([
    ['new', 'new', 'new'],
    ['vm-1', 'vm-1', 'vm-1'],
    ['new', 'new', 'new'],
  ]);
});
