import type { Instance } from '../../src/controller/instance.ts';
import { type Instant, parseInstant } from '../../src/dates.ts';
import type { Baseline } from '../../src/restart/boot.ts';

export const ID = 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5';
export const OLD_BOOT = '2024-10-13T10:51:34Z';
export const NEW_BOOT = '2024-10-13T11:10:12Z';

export function at(text: string): Instant {
  const instant = parseInstant(text);
  if (instant === undefined) throw new Error(`${text} is no date`);
  return instant;
}

/** A healthy instance that booted at {@link OLD_BOOT}, except for the given values; `seconds` is its report's age. */
export function instance(changes: Partial<Instance> = {}): Instance {
  return {
    instanceId: ID,
    state: 'Started',
    externalId: 'runner-1',
    name: 'vm-1',
    message: undefined,
    nodeId: '72650d46-8ebe-4547-bb6c-8eb76e957b0a',
    updatedAt: at('2024-10-13T13:10:07.604294+02:00'),
    answeredAtMs: undefined,
    uuid: '8e1f2a34-5b6c-47d8-9e0f-a1b2c3d4e5f6',
    status: 'running',
    startDate: at(OLD_BOOT),
    stopDate: undefined,
    startDateText: OLD_BOOT,
    reportedAt: at('2024-10-13T13:10:02.690025+02:00'),
    hostIp: '192.0.2.70',
    ip: '192.168.64.25',
    vncPort: 5900,
    portForwarding: [{ guestPort: 22, hostPort: 10_001, protocol: 'tcp', name: 'ssh' }],
    ...changes,
  };
}

export function bootedAt(text: string | undefined): Partial<Instance> {
  return { startDate: text === undefined ? undefined : parseInstant(text), startDateText: text };
}

/** Both clocks of the report, `seconds` after the one that {@link instance} carries. */
export function reported(seconds: number): Partial<Instance> {
  const shift = (text: string) => at(new Date(Date.parse(text) + seconds * 1000).toISOString());
  return { updatedAt: shift('2024-10-13T11:10:07.604Z'), reportedAt: shift('2024-10-13T11:10:02.690Z') };
}

export function baseline(changes: Partial<Instance> = {}): Baseline {
  const before = instance(changes);
  const startDate = before.startDate ?? at(OLD_BOOT);
  return { instance: before, answeredAt: 0, startDate, knownStartDates: [startDate] };
}

/** The instance after a successful restart, in a report `seconds` later. */
export function restarted(seconds = 10, changes: Partial<Instance> = {}): Instance {
  return instance({ ...reported(seconds), ...bootedAt(NEW_BOOT), ...changes });
}

/** One as controllers from 1.44 on write it. */
export function wireInstance(changes: object = {}, vminfo: object = {}): Record<string, unknown> {
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
