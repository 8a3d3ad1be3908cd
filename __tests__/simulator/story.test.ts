import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type AccessOptions, type PreparedAccess, prepareAccess } from '../../simulator/access.ts';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';
import {
  type Api,
  type Ask,
  apiOf,
  bearerHeaders,
  over1,
  over2,
  rootHeaders,
  shakeHands,
  type Tls,
} from '../support/strict-client.ts';

// What the vendor's clients do with a controller from start to end, and every field that they read.

const NOON = Date.parse('2026-07-01T12:00:00Z');
const ROOT_TOKEN = '1111111111';
const NO_ACCESS: AccessOptions = {
  rootToken: undefined,
  apiKeyId: undefined,
  sessionTtlMs: 3_600_000,
  tls: false,
  mtls: false,
};

let now: number;
let world: World;
let prepared: PreparedAccess;
let simulator: RunningSimulator;

beforeEach(() => {
  now = NOON;
});

afterEach(async () => {
  await simulator.close();
  prepared.cleanUp();
});

const pass = (seconds: number) => {
  now += seconds * 1_000;
};

type Over = (url: string, tls?: Tls) => Ask;

async function start(
  access: Partial<AccessOptions> = {},
  { over = over1 as Over, ...options }: Partial<WorldOptions> & { over?: Over } = {},
): Promise<Ask> {
  prepared = await prepareAccess({ ...NO_ACCESS, ...access });
  world = new World({ ...DEFAULT_WORLD, startsAt: NOON, heartbeatJitter: 0, ...options });
  const { secure } = prepared;
  simulator = await serve({
    world,
    port: 0,
    now: () => now,
    access: prepared.access,
    ...(secure && { secure }),
  });
  const read = (input: string) => readFileSync(prepared.inputs[input] ?? '', 'utf8');
  const own = access.mtls ? { cert: read('client_cert'), key: read('client_key') } : {};
  return over(simulator.url, secure && { ca: read('ca_cert'), ...own });
}

interface Instance {
  readonly instance_id: string;
  readonly instance_state: string;
  readonly message?: string;
  readonly tag: string;
  readonly node_id?: string;
  readonly group_id?: string;
  readonly name?: string;
  readonly external_id?: string;
  readonly ts: string;
  readonly cr_time: string;
  readonly progress: number;
  readonly startup_script?: { readonly return_code: number; readonly did_timeout: boolean };
  readonly vminfo?: VmInfo;
}

interface VmInfo {
  readonly uuid: string;
  readonly status: string;
  readonly creation_date: string;
  readonly start_date: string;
  readonly port_forwarding: readonly { readonly guest_port: number; readonly host_port: number }[];
}

const show = (api: Api, id: string) => api.get<Instance>(`/api/v1/vm?id=${id}`);

const INSTANCE = {
  instance_id: expect.any(String),
  instance_state: 'Started',
  anka_registry: expect.stringMatching(/^http/),
  vmid: expect.any(String),
  tag: 'latest',
  node_id: expect.any(String),
  inflight_reqid: expect.any(String),
  ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{1,9}\+02:00$/),
  cr_time: expect.stringMatching(/\+02:00$/),
  progress: 0,
  arch: 'arm64',
  vlan: '',
  vminfo: {
    uuid: expect.any(String),
    name: expect.stringMatching(/^mgmtManaged-/),
    status: 'running',
    version: '',
    creation_date: expect.any(String),
    access_date: expect.any(String),
    start_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/),
    stop_date: '0001-01-01T00:00:00Z',
    cpu_cores: expect.any(Number),
    ram: expect.stringMatching(/^\d+G$/),
    node_id: expect.any(String),
    host_ip: expect.any(String),
    ip: expect.any(String),
    vnc_port: expect.any(Number),
    port_forwarding: expect.arrayContaining([
      { guest_port: 22, host_port: expect.any(Number), protocol: 'tcp', name: 'ssh' },
    ]),
    timestamp: expect.any(String),
  },
};

const WAYS: readonly (readonly [string, () => Promise<Api>])[] = [
  ['without credentials', async () => apiOf(await start())],
  [
    'with the root token and no user',
    async () => apiOf(await start({ rootToken: ROOT_TOKEN }), rootHeaders(ROOT_TOKEN)),
  ],
  [
    'with an API key that root was handed',
    async () => {
      const ask = await start({ rootToken: ROOT_TOKEN });
      const made = { id: 'ci', ttl: 3_600, groups: [] };
      const key = await apiOf(ask, rootHeaders(ROOT_TOKEN)).change<string>('POST', '/api/v1/apikey', made);
      return apiOf(ask, bearerHeaders(await shakeHands(ask, { id: 'ci', key })));
    },
  ],
  ['with a certificate', async () => apiOf(await start({ mtls: true }))],
  ['over HTTP/2', async () => apiOf(await start({ mtls: true }, { over: over2 }))],
];

test.each(WAYS)('start, show, list, restart, end: %s', async (_, enter) => {
  const api = await enter();
  const templates = await api.get<{ id: string; name: string }[]>('/api/v1/registry/vm?apiVer=v1');
  const vmid = templates.find(({ name }) => name === 'sequoia')?.id;
  const [id = ''] = await api.change<string[]>('POST', '/api/v1/vm', { vmid, count: 1, external_id: 'up-1' });

  pass(30);
  const up = await show(api, id);
  expect(up).toEqual({ ...INSTANCE, external_id: 'up-1' });
  const dates = [up.vminfo?.creation_date, up.cr_time, up.vminfo?.start_date].map((date) =>
    Date.parse(date ?? ''),
  );
  expect(dates).toEqual(dates.toSorted((one, other) => one - other));

  const listed =
    await api.get<{ instance_id: string; external_id: string | null; vm: Instance }[]>('/api/v1/vm');
  expect(listed.map(({ external_id }) => external_id)).toEqual(['runner-1', 'runner-2', 'runner-3', 'up-1']);
  for (const { instance_id, vm } of listed) {
    expect(vm).toEqual({
      ...INSTANCE,
      instance_id,
      external_id: vm.external_id,
      ...(vm.name && { name: vm.name }),
    });
  }

  await api.change('PUT', `/api/v1/vm?id=${id}`, { name: 'My VM', external_id: 'up-2' });
  expect(await show(api, id)).toMatchObject({ name: 'My VM', external_id: 'up-2' });

  await api.change('POST', '/api/v1/rpc/vm/restart', { instance_id: id });
  pass(15);
  const again = await show(api, id);
  expect(again).toMatchObject({ instance_state: 'Started', vminfo: { status: 'running' } });
  expect(Date.parse(again.vminfo?.start_date ?? '')).toBeGreaterThan(Date.parse(up.vminfo?.start_date ?? ''));

  await api.change('DELETE', '/api/v1/vm', { id });
  pass(10);
  const ended = { instance_state: 'Terminated', message: 'instance terminated by controller' };
  const before = await show(api, id);
  expect(before).toMatchObject(ended);
  expect(before).not.toHaveProperty('vminfo');
  await api.change('DELETE', '/api/v1/vm', { id });
  pass(1);
  expect(await show(api, id)).toEqual(before);
  pass(300);
  expect(await api.refusal({ method: 'GET', path: `/api/v1/vm?id=${id}` })).toBe('Not found');
  expect(await api.get('/api/v1/vm')).toHaveLength(3);
});

describe('a new instance', () => {
  const begin = async (options: Partial<WorldOptions> = {}) => {
    const api = apiOf(await start({}, { vms: 0, ...options }));
    const begun = (request: Record<string, unknown>) =>
      api.change<string[]>('POST', '/api/v1/vm', { vmid: world.templates[0]?.id, ...request });
    return { api, begun };
  };

  test.each([
    ['1.50.1', ['Scheduling 0', 'Pulling 0.5', 'Scheduling 0', 'Started 0']],
    ['1.49.0', ['Scheduling 0', 'Pulling 0.5', 'Started 0', 'Started 0']],
  ])('is created in %s as %j', async (controllerVersion, expected) => {
    const { api, begun } = await begin({ controllerVersion });
    const [id = ''] = await begun({});
    const seen: string[] = [];
    for (const seconds of [0.1, 1.4, 1.1, 0.3]) {
      pass(seconds);
      const { instance_state, progress, vminfo } = await show(api, id);
      seen.push(`${instance_state} ${progress}`);
      expect(vminfo?.status).toBe(instance_state === 'Started' ? 'running' : undefined);
    }
    expect(seen).toEqual(expected);
  });

  test('is created as requested: count, tag, node, group', async () => {
    const { api, begun } = await begin({ nodes: 3 });
    const [, second] = world.nodes;
    const groups = await api.get<{ id: string; name: string }[]>('/api/v1/group');
    expect(groups).toMatchObject([{ name: 'build', fallback_group_id: null }, { name: 'release' }]);
    const group = groups[1]?.id;
    const ids = await begun({ count: 3, tag: 'base', node_id: second?.id });
    ids.push(...(await begun({ group_id: group, usb_device: 'phones' })));
    pass(10);
    const made = await Promise.all(ids.map((id) => show(api, id)));
    expect(made.map(({ tag, node_id }) => [tag, node_id])).toEqual([
      ...Array.from({ length: 3 }, () => ['base', second?.id]),
      ['latest', world.nodes[0]?.id],
    ]);
    expect(made.map(({ group_id }) => group_id)).toEqual([undefined, undefined, undefined, group]);
    const ports = made.map(({ vminfo }) => vminfo?.port_forwarding[0]?.host_port);
    expect(ports).toEqual([10_000, 10_001, 10_002, 10_000]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['template', { vmid: 'nothing' }, 'VM not in the registry'],
    ['tag', { tag: 'nothing' }, 'No such tag nothing'],
    ['node', { node_id: 'nothing' }, 'node not found'],
    ['group', { group_id: 'nothing' }, 'group not found'],
    ['USB device', { usb_device: 'nothing' }, 'usb device not found'],
  ])('is refused if it names an unknown %s', async (_, request, message) => {
    const { api } = await begin();
    const body = { vmid: world.templates[0]?.id, ...request };
    expect(await api.refusal({ method: 'POST', path: '/api/v1/vm', body })).toBe(message);
    expect(world.records).toEqual([]);
  });

  const script = (text: string, more: Record<string, unknown> = {}) => ({
    startup_script: Buffer.from(text).toString('base64'),
    script_monitoring: true,
    ...more,
  });

  test.each<[string, Record<string, unknown>, Partial<Instance>, string | undefined]>([
    [
      'that goes well',
      script('true'),
      { instance_state: 'Started', startup_script: { return_code: 0, did_timeout: false } },
      'running',
    ],
    [
      'that fails',
      script('exit 127'),
      {
        instance_state: 'Error',
        message: 'startup script exit code 127',
        startup_script: { return_code: 127, did_timeout: false },
      },
      'stopped',
    ],
    [
      'that fails, and the VM is to be kept',
      script('exit 1', { script_fail_handler: 1 }),
      { instance_state: 'Error', startup_script: { return_code: 1, did_timeout: false } },
      'running',
    ],
    [
      'that takes too long',
      script('sleep 60', { script_timeout: 5 }),
      { instance_state: 'Error', startup_script: { return_code: -1, did_timeout: true } },
      'stopped',
    ],
    [
      'that is not monitored',
      script('exit 1', { script_monitoring: false }),
      { instance_state: 'Started' },
      'running',
    ],
  ])('runs a startup script %s', async (_, request, expected, status) => {
    const { api, begun } = await begin();
    const [id = ''] = await begun(request);
    pass(40);
    const instance = await show(api, id);
    expect(instance).toMatchObject(expected);
    expect([instance.vminfo?.status, 'startup_script' in instance]).toEqual([
      status,
      'startup_script' in expected,
    ]);
  });
});

describe('other endpoints', () => {
  test('nodes have every field that clients read', async () => {
    const api = apiOf(await start({ tls: true }));
    const nodes = await api.get<Record<string, unknown>[]>('/api/v1/node');
    expect(nodes).toHaveLength(2);
    const fields =
      'node_id node_name cpu_count ram disk_size free_disk_space vm_count vcpu_count vram cpu_util ram_util capacity capacity_mode state ip_address host_arch anka_version agent_version os last_updated groups templates';
    for (const node of nodes) expect(Object.keys(node)).toEqual(expect.arrayContaining(fields.split(' ')));
    expect(nodes.map(({ vm_count, vcpu_count }) => [vm_count, vcpu_count])).toEqual([
      [1, 4],
      [2, 8],
    ]);
    expect(nodes.map(({ groups }) => (groups as unknown[]).length)).toEqual([2, 1]);
    expect(await api.get(`/api/v1/node?id=${nodes[0]?.['node_id']}`)).toEqual([nodes[0]]);
  });

  test('the registry lists templates, one with its tags, and its disk', async () => {
    const api = apiOf(await start());
    const listed = await api.get<{ id: string; size: number }[]>('/api/v1/registry/vm');
    expect(listed).toMatchObject([
      { name: 'sequoia', arch: 'arm64', size: expect.any(Number) },
      { name: 'sonoma-xcode' },
    ]);
    const [{ id, size } = { id: '', size: 0 }] = listed;
    const template = await api.get<{ versions: unknown[] }>(`/api/v1/registry/vm?id=${id}`);
    expect(template).toMatchObject({
      id,
      size,
      versions: [
        { number: 0, tag: 'base' },
        { number: 1, tag: 'latest' },
      ],
    });
    expect(await api.refusal({ method: 'GET', path: '/api/v1/registry/vm?id=x' })).toBe('Not found');
    const disk = await api.get<{ total: number; free: number }>('/api/v1/registry/disk');
    expect(disk.total).toBeGreaterThan(disk.free);
  });

  test('a restart is refused if the node lacks the USB device', async () => {
    const api = apiOf(await start());
    const { instanceId = '' } = world.records[0] ?? {};
    const restart = { method: 'POST', path: '/api/v1/rpc/vm/restart' };
    const body = { instance_id: instanceId, usb_device: 'tablet' };
    expect(await api.refusal({ ...restart, body })).toBe('usb device not found');
    await api.change('POST', restart.path, { ...body, usb_device: '336675856' });
    const rename = { method: 'PUT', path: '/api/v1/vm?id=x', body: { name: 'y' } };
    expect(await api.refusal(rename)).toBe('instance not found');
  });

  test('before 1.49, an instance in Error has a status and its UUID', async () => {
    const api = apiOf(await start({}, { controllerVersion: '1.48.0', bootsFail: true }));
    const { instanceId = '' } = world.records[0] ?? {};
    await api.change('POST', '/api/v1/rpc/vm/restart', { instance_id: instanceId });
    pass(20);
    const { instance_state, vminfo } = await show(api, instanceId);
    expect([instance_state, vminfo]).toEqual(['Error', { uuid: expect.any(String), status: 'deleted' }]);
  });
});

test('a restarted VM can get a new forwarded port, and another VM its old one', async () => {
  const api = apiOf(await start({}, { nodes: 1, vms: 2, reassignsPorts: true }));
  const ids = world.records.map(({ instanceId }) => instanceId);
  const ports = async () => {
    const instances = await Promise.all(ids.map((id) => show(api, id)));
    return instances.map(
      ({ vminfo }) => vminfo?.port_forwarding.find(({ guest_port }) => guest_port === 22)?.host_port,
    );
  };
  const seen = [await ports()];
  for (const instance_id of ids) {
    await api.change('POST', '/api/v1/rpc/vm/restart', { instance_id });
    pass(15);
    seen.push(await ports());
  }
  expect(seen).toEqual([
    [10_000, 10_001],
    [10_002, 10_001],
    [10_002, 10_000],
  ]);
});
