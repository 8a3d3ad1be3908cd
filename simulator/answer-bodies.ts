import type { Json } from './replies.ts';
import type { InstanceRecord, Node, Report, World } from './world.ts';

/** The controller's answers, in the documented shapes: empty fields are left out, dates come in several styles. */
/** Go's zero time: "none". */
const ZERO_DATE = '0001-01-01T00:00:00Z';

export function instanceBody(world: World, record: InstanceRecord): Json {
  return withoutEmpty({
    instance_id: record.instanceId,
    instance_state: record.state,
    message: record.message,
    anka_registry: 'http://registry.example:8089',
    vmid: record.template,
    tag: 'latest',
    vminfo: record.report === undefined ? undefined : vminfoBody(world, record, record.report),
    node_id: record.node?.id,
    inflight_reqid: record.requestId,
    ts: date(record.updatedAt, { nanoseconds: record.updatedNanos }),
    cr_time: date(record.createdAt, { nanoseconds: 0 }),
    progress: record.progress,
    external_id: record.externalId,
    name: record.name,
    arch: 'arm64',
    vlan: '',
  });
}

/** An item of `GET /api/v1/vm`. */
export function listItem(world: World, record: InstanceRecord): Json {
  return {
    external_id: record.externalId ?? null,
    instance_id: record.instanceId,
    name: record.name ?? null,
    vm: instanceBody(world, record),
  };
}

function vminfoBody(world: World, { node }: InstanceRecord, report: Report): Json {
  const { vm, readAt, skewMs, utcOffsetMinutes, lost } = report;
  if (lost || node === undefined) return { status: 'deleted' };
  const nodeTime = (moment: number) => moment + skewMs;
  return withoutEmpty({
    uuid: vm.uuid,
    name: vm.name,
    status: vm.power,
    creation_date: wholeSeconds(nodeTime(vm.createdAt)),
    access_date: wholeSeconds(nodeTime(readAt)),
    start_date: world.quirks.knowsRestarts ? startDate(world, report) : undefined,
    cpu_cores: 4,
    ram: '8G',
    node_id: node.id,
    host_ip: node.ip,
    ip: vm.power === 'running' ? vm.ip : undefined,
    vnc_port: vm.vncPort,
    port_forwarding: [
      { guest_port: 22, host_port: vm.sshPort, protocol: 'tcp', name: 'ssh' },
      { guest_port: 5900, host_port: vm.vncPort, protocol: 'tcp', name: 'vnc' },
    ],
    stop_date: vm.stoppedAt === undefined ? ZERO_DATE : wholeSeconds(nodeTime(vm.stoppedAt)),
    timestamp: date(nodeTime(readAt), { nanoseconds: 0, offsetMinutes: utcOffsetMinutes }),
  });
}

function startDate({ options }: World, { vm, readAt, utcOffsetMinutes }: Report): string {
  const { datelessMs = 0, writesLocalDates = false } = options;
  if (readAt < vm.bootedAt + datelessMs) return ZERO_DATE;
  return wholeSeconds(vm.bootedAt + vm.bootSkewMs, writesLocalDates ? utcOffsetMinutes : 0);
}

export function nodeBody(world: World, node: Node): Json {
  return {
    node_id: node.id,
    node_name: node.name,
    ip_address: node.ip,
    state: 'Active',
    agent_version: world.options.controllerVersion,
    last_updated: date(node.lastReportAt, { nanoseconds: 0 }),
  };
}

export function statusBody(world: World): Json {
  return {
    status: 'Running',
    version: `${world.options.controllerVersion}-5e3c3f5b`,
    registry_address: 'http://registry.example:8089',
    registry_status: 'Running',
    license: 'enterprise',
  };
}

function wholeSeconds(moment: number, offsetMinutes = 0): string {
  return date(Math.floor(moment / 1_000) * 1_000, { nanoseconds: 0, offsetMinutes });
}

interface DateStyle {
  readonly nanoseconds: number;
  readonly offsetMinutes?: number;
}

/** As Go writes it: up to nine digits of a second without trailing zeros, `Z` for offset 0. */
function date(moment: number, { nanoseconds, offsetMinutes = 0 }: DateStyle): string {
  const [dateTime = '', milliseconds = ''] = new Date(moment + offsetMinutes * 60_000)
    .toISOString()
    .slice(0, -1)
    .split('.');
  const fraction = `${milliseconds}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '');
  return `${dateTime}${fraction && `.${fraction}`}${offset(offsetMinutes)}`;
}

function offset(minutes: number): string {
  if (minutes === 0) return 'Z';
  const twoDigits = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${twoDigits(size / 60)}:${twoDigits(size % 60)}`;
}

function withoutEmpty(fields: Record<string, Json | undefined>): Json {
  const kept = Object.entries(fields).filter(
    (entry): entry is [string, Json] => entry[1] !== undefined && (entry[1] !== '' || entry[0] === 'vlan'),
  );
  return Object.fromEntries(kept);
}
