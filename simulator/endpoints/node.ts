import { date } from '../dates.ts';
import type { Node, NodeGroup } from '../model.ts';
import { fail, fieldsOf, type Json, ok, text } from '../replies.ts';
import type { World } from '../world.ts';
import type { Endpoint } from './endpoint.ts';
import { VM_CORES, VM_RAM_GB } from './instance-body.ts';
import { agentVersion } from './status.ts';

/** `GET /api/v1/node`: a list, with `?id=` of one. */
export const getNodes: Endpoint = (world, { query }) => {
  const id = query.get('id');
  const nodes = world.nodes.filter((node) => id === null || node.id === id);
  return nodes.length === 0 ? fail('Not found') : ok(nodes.map((node) => nodeBody(world, node)));
};

/** `POST /api/v1/node/config`: another capacity, name or address, or drain mode. */
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

/** `GET /api/v1/usb`, as in the API reference: how many devices each claim group has. */
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
