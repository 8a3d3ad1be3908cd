import type { Node, NodeGroup } from '../model.ts';
import { date, type Endpoint, fail, fieldsOf, type Json, ok, plain, text } from '../replies.ts';
import type { Template, TemplateVersion } from '../starting.ts';
import type { World } from '../world.ts';
import { REGISTRY_ADDRESS, VM_CORES, VM_RAM_GB } from './instance-body.ts';

/** `GET /api/v1/node`: a list, with `?id=` of one. */
export const getNodes: Endpoint = (world, { query }) => {
  const id = query.get('id');
  const nodes = world.nodes.filter((node) => id === null || node.id === id);
  return nodes.length === 0 ? fail('Not found') : ok(nodes.map((node) => nodeBody(world, node)));
};

/** `POST /api/v1/node/config`: changes capacity, name, address or drain mode. */
export const configureNode: Endpoint = (world, { body }) => {
  const { node_id: id, max_vm_count: capacity, name, host, drain_mode: isDraining } = fieldsOf(body);
  const node = world.nodes.find((one) => one.id === id);
  if (node === undefined) return fail('node not found');
  if (typeof capacity === 'number' && capacity >= 0) node.capacity = capacity;
  if (typeof isDraining === 'boolean') node.isDraining = isDraining;
  node.name = text(name) || node.name;
  node.ip = text(host) || node.ip;
  return ok();
};

/** `GET /api/v1/usb`, as in the API reference: the number of devices by claim group. */
export const getUsbDevices: Endpoint = ({ nodes }) => {
  const groups: Record<string, Json> = {};
  for (const { group } of nodes.flatMap(({ usbDevices }) => usbDevices)) {
    const available = nodes
      .flatMap(({ usbDevices }) => usbDevices)
      .filter((one) => one.group === group).length;
    groups[group] = { available, busy: 0 };
  }
  return ok(groups);
};

/** `GET /api/v1/vlan`: there are none. */
export const getVlans: Endpoint = () => ok([]);

/** `GET /api/v1/group`, as in the API reference. */
export const getGroups: Endpoint = ({ groups }) => ok(groups.map(groupBody));

const CORES = 12;
const RAM_GB = 64;
const CAPACITY = 2;
const DISK_BYTES = 994_662_584_320;
const VM_BYTES = 30 * 2 ** 30;

/** As in the API reference, GET /api/v1/node. */
export function nodeBody(world: World, node: Node): Json {
  const { utcOffsetMinutes: offsetMinutes = 0 } = world.options;
  const running = world.records.filter((record) => record.node === node && record.vm?.power === 'running');
  const [cores, ramGb] = [running.length * VM_CORES, running.length * VM_RAM_GB];
  const ankaBytes = world.templates.length * VM_BYTES;
  return {
    node_id: node.id,
    node_name: node.name,
    cpu_count: CORES,
    ram: RAM_GB,
    vm_count: running.length,
    vcpu_count: cores,
    vram: ramGb * 1_024,
    cpu_util: Math.min(1, cores / CORES),
    ram_util: Math.min(1, ramGb / RAM_GB),
    ip_address: node.ip,
    state: node.isDraining ? 'Drain Mode' : 'Active',
    capacity: Number.isFinite(node.capacity) ? node.capacity : Math.max(CAPACITY, running.length),
    capacity_mode: 'number',
    vcpu_override: 0,
    ram_override: 0,
    groups: world.groups.filter(({ nodes }) => nodes.includes(node)).map(groupBody),
    anka_version: {
      product: 'Anka Build Enterpriseplus',
      version: '3.8.0',
      build: '210',
      license: 'com.veertu.anka.entplus',
      expires: '17-aug-2030',
    },
    usb_devices: node.usbDevices.map(({ name, group, locationId }) => ({
      name,
      group,
      location_id: locationId,
    })),
    disk_size: DISK_BYTES,
    anka_disk_usage: ankaBytes,
    free_disk_space: DISK_BYTES - ankaBytes,
    host_arch: 'arm64',
    os: 'macOS 15.6',
    templates: world.templates.map(({ id, name, latest }) => ({ uuid: id, name, tag: latest.tag })),
    last_updated: date(node.lastReportAt, { offsetMinutes }),
    timestamp: Math.floor(node.lastReportAt / 1_000),
    agent_version: agentVersion(world),
  };
}

function groupBody({ id, name, description }: NodeGroup): Json {
  return { id, name, description, fallback_group_id: null };
}

const REGISTRY_BYTES = 2_000_000_000_000;

/** `GET /api/v1/registry/vm`: the templates; with `?id=` one, with its tags. `apiVer=v1` leaves out sizes and architectures. */
export const getTemplates: Endpoint = ({ templates }, { query }) => {
  const id = query.get('id');
  const isBrief = query.get('apiVer') === 'v1';
  if (id === null) return ok(templates.map((one) => (isBrief ? nameBody(one) : templateBody(one))));
  const template = templates.find((one) => one.id === id);
  if (template === undefined) return fail('Not found');
  const versions = template.versions.map((version) => versionBody(template, version));
  return ok({ ...templateBody(template), versions });
};

/** `GET /api/v1/registry/disk`: the fields that the vendor's exporter reads, in bytes. */
export const getDisk: Endpoint = ({ templates }) => {
  const used = templates.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  return ok({ total: REGISTRY_BYTES, free: REGISTRY_BYTES - used });
};

function nameBody({ id, name }: Template) {
  return { id, name };
}

/** As in the API reference, GET /api/v1/registry/vm; dates are Unix seconds. */
function templateBody(template: Template) {
  return { ...nameBody(template), size: template.sizeBytes, arch: 'arm64', ...movesOf(template) };
}

/** As in the API reference, GET /api/v1/registry/vm?id= */
function versionBody(template: Template, { number, tag, sizeBytes }: TemplateVersion): Json {
  return {
    number,
    tag,
    config_file: `${template.id}.yaml`,
    nvram: 'nvram',
    images: [`${template.id.replaceAll('-', '')}.ank`],
    state_files: [],
    description: '',
    size: sizeBytes,
    arch: 'arm64',
    ...movesOf(template),
  };
}

function movesOf({ pulledAt, pushedAt }: Template) {
  return { last_pull: Math.floor(pulledAt / 1_000), last_push: Math.floor(pushedAt / 1_000) };
}

/** `GET /livez`, `GET /readyz` */
export const isWell: Endpoint = () => plain(200, 'ok\n');

/** As in the API reference, GET /api/v1/status. */
export const getStatus: Endpoint = (world) =>
  ok({
    status: 'Running',
    version: agentVersion(world),
    registry_address: REGISTRY_ADDRESS,
    registry_status: 'Running',
    license: 'enterprise plus',
  });

/** `GET /api/v1/stats`. Nothing public shows its body. */
export const getStats: Endpoint = (world) =>
  ok({ nodes: world.nodes.length, instances: world.visibleRecords().length });

/** `GET /config/v1/auth`, which needs no credentials: there is no single sign-on. */
export const getSignOn: Endpoint = () => ok({});

/** The controller updates the agents to its own version. */
export function agentVersion({ options }: World): string {
  return `${options.controllerVersion}-5e3c3f5b`;
}
