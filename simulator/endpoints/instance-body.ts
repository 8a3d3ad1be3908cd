import type { InstanceRecord, Node, PortRule, Report } from '../model.ts';
import type { Json } from '../replies.ts';
import { date, wholeSeconds, ZERO_DATE } from '../replies.ts';
import type { ScriptResult } from '../starting.ts';
import type { World } from '../world.ts';

/** What each VM uses of its node. */
export const VM_CORES = 4;
export const VM_RAM_GB = 8;
export const REGISTRY_ADDRESS = 'http://registry.example:8089';

/** An instance as in the API reference, GET /api/v1/vm?id=, and in the release note of 1.44.0: most empty fields are left out. */
export function instanceBody(world: World, record: InstanceRecord): Json {
  const { utcOffsetMinutes: offsetMinutes = 0 } = world.options;
  return withoutEmpty({
    instance_id: record.instanceId,
    instance_state: record.state,
    message: record.message,
    anka_registry: REGISTRY_ADDRESS,
    vmid: record.template.id,
    tag: record.tag,
    vminfo: record.report === undefined ? undefined : vminfoBody(world, record, record.report),
    node_id: record.node?.id,
    inflight_reqid: record.requestId,
    ts: date(record.updatedAt, { nanoseconds: record.updatedNanos, offsetMinutes }),
    cr_time: date(record.createdAt, { offsetMinutes }),
    progress: Math.round(world.progressOf(record) * 100) / 100,
    group_id: record.groupId,
    external_id: record.externalId,
    name: record.name,
    metadata: record.metadata === undefined ? undefined : { ...record.metadata },
    arch: 'arm64',
    vlan: '',
    startup_script: record.scriptResult && scriptBody(record.scriptResult),
  });
}

/** An item as in the API reference, GET /api/v1/vm. */
export function listItem(world: World, record: InstanceRecord): Json {
  return {
    external_id: record.externalId ?? null,
    instance_id: record.instanceId,
    name: record.name ?? null,
    vm: instanceBody(world, record),
  };
}

function vminfoBody(world: World, record: InstanceRecord, report: Report): Json {
  const { node } = record;
  const { vm, readAt, skewMs, utcOffsetMinutes, lost } = report;
  if (lost || node === undefined) return { uuid: vm.uuid, status: 'deleted' };
  const nodeTime = (moment: number) => moment + skewMs;
  return withoutEmpty({
    uuid: vm.uuid,
    name: vm.name,
    status: vm.power,
    version: '',
    creation_date: wholeSeconds(nodeTime(vm.createdAt)),
    access_date: wholeSeconds(nodeTime(readAt)),
    start_date: world.quirks.knowsRestarts ? startDate(world, report) : undefined,
    cpu_cores: VM_CORES,
    ram: `${VM_RAM_GB}G`,
    node_id: node.id,
    host_ip: node.ip,
    ip: vm.power === 'running' ? addressOf(world, report) : undefined,
    vnc_port: vm.vncPort,
    ...oldFields(world, node, vm),
    port_forwarding: forwarding(world, record, vm),
    stop_date: vm.stoppedAt === undefined ? ZERO_DATE : wholeSeconds(nodeTime(vm.stoppedAt)),
    timestamp: date(nodeTime(readAt), { offsetMinutes: utcOffsetMinutes }),
  });
}

/** Empty until the guest's network is up. */
function addressOf({ options }: World, { vm, readAt }: Report): string {
  return readAt < vm.bootedAt + (options.addressAfterMs ?? 0) ? '' : vm.ip;
}

function oldFields({ options, quirks }: World, node: Node, { vncPassword, vncPort }: Report['vm']) {
  if (!(options.writesOldFields ?? quirks.writesVncPassword)) return {};
  const vnc_connection_string = `vnc://:${vncPassword}@${node.ip}:${vncPort}`;
  return { vnc_connection_string, vnc_password: vncPassword };
}

function forwarding({ options, quirks }: World, { portRules }: InstanceRecord, vm: Report['vm']): Json[] {
  const usual = [
    { name: 'ssh', guestPort: SSH_PORT, hostPort: vm.sshPort },
    { name: 'vnc', guestPort: VNC_PORT, hostPort: vm.vncPort },
  ];
  const wanted = portRules === undefined ? usual.filter(isForwarded) : vm.forwarding;
  const key = options.writesOldFields === true ? 'Name' : quirks.ruleNameKey;
  return wanted.map(({ name, guestPort, hostPort }) => ({
    guest_port: guestPort,
    host_port: guestPort === SSH_PORT ? vm.sshPort : (hostPort ?? 0),
    protocol: 'tcp',
    [key]: name,
  }));

  function isForwarded({ guestPort }: PortRule): boolean {
    return guestPort !== SSH_PORT || options.forwardsSsh !== false;
  }
}

function startDate({ options }: World, { vm, readAt, utcOffsetMinutes }: Report): string {
  const { datelessMs = 0, writesLocalDates = false } = options;
  if (readAt < vm.bootedAt + datelessMs) return ZERO_DATE;
  return wholeSeconds(vm.bootedAt + vm.bootSkewMs, writesLocalDates ? utcOffsetMinutes : 0);
}

/** As in the API reference, Startup Script; the simulated output is empty. */
function scriptBody({ returnCode, didTimeOut }: ScriptResult): Json {
  return { return_code: returnCode, did_timeout: didTimeOut, stdout: '', stderr: '' };
}

/** Fields that are kept even if they are empty. */
const KEPT_EMPTY = new Set(['vlan', 'version', 'ip']);

const SSH_PORT = 22;
const VNC_PORT = 5900;

function withoutEmpty(fields: Record<string, Json | undefined>): Json {
  const kept = Object.entries(fields).filter(
    (entry): entry is [string, Json] =>
      entry[1] !== undefined && (entry[1] !== '' || KEPT_EMPTY.has(entry[0])),
  );
  return Object.fromEntries(kept);
}
