import { isIP } from 'node:net';
import { type Instant, parseInstant } from '../dates.ts';
import type { ActionError } from '../errors.ts';
import { type Fields, isRecord, text, UnusableAnswer } from '../http/json.ts';

/**
 * One VM as the controller reports it: the fields of `Instance` in Anka's controller API that this action uses, each checked. `undefined`
 * means absent, empty or invalid. Fields that may contain secrets (`vnc_connection_string`, `startup_script`) are omitted on purpose: the
 * action cannot print what it never reads. Data from another endpoint (such as a node's name from `/api/v1/node`) belongs in
 * controller.ts, not here.
 */
export interface Instance {
  /** UUID, as the controller writes it. */
  readonly instanceId: string;
  /** `instance_state`: Scheduling, Pulling, Started, Stopping, Stopped, Terminating, Terminated, Error, Pushing. */
  readonly state: string;
  readonly externalId: string | undefined;
  readonly name: string | undefined;
  /** Why the list, which may have names that this record lacks, could not be read. */
  readonly unreadNames?: ActionError;
  /** May be left over from earlier events: only for display, never for a verdict. */
  readonly message: string | undefined;
  readonly nodeId: string | undefined;
  /** `ts`: when the controller last updated the record; the controller's clock. */
  readonly updatedAt: Instant | undefined;
  /** HTTP Date of the answer, in milliseconds since the epoch: whole seconds, the controller's clock or a proxy's. */
  readonly answeredAtMs: number | undefined;
  /** `vminfo.uuid`: the VM's own ID on its node; undefined while there is no VM yet. */
  readonly uuid: string | undefined;
  /** `vminfo.status`: running, stopped, suspended, deleted, ...; undefined while there is no VM yet. */
  readonly status: string | undefined;
  /** `vminfo.start_date`: when the VM last booted, whole seconds, the node's clock. */
  readonly startDate: Instant | undefined;
  /** `vminfo.stop_date`: when it last stopped; the node's clock. */
  readonly stopDate: Instant | undefined;
  /** `vminfo.start_date` as written, even if it is not a usable date. */
  readonly startDateText: string | undefined;
  /** `vminfo.timestamp`: when the node's agent read all this; the node's clock. */
  readonly reportedAt: Instant | undefined;
  /** IP address or host name of the node. */
  readonly hostIp: string | undefined;
  /** `host_ip` as written, if it is neither. */
  readonly unusableHostIp?: string | undefined;
  readonly ip: string | undefined;
  /** TCP port on the node. */
  readonly vncPort: number | undefined;
  readonly portForwarding: readonly PortForwarding[];
}

/** The fields that the name of a runner may be made of, besides the instance's ID. They may change during the step. */
export type InstanceNames = Pick<Instance, 'externalId' | 'name' | 'uuid'>;

/** The documented values of `instance_state` and `vminfo.status`. */
export const WELL_KNOWN = new Set([
  'Scheduling',
  'Pulling',
  'Started',
  'Stopping',
  'Stopped',
  'Terminating',
  'Terminated',
  'Error',
  'Pushing',
  'running',
  'stopped',
  'suspended',
  'deleted',
]);

/** The values of both fields when a VM is running. The only place that defines it. */
export function runningConditions({ state, status }: Instance): { instance_state: boolean; status: boolean } {
  return { instance_state: state === 'Started', status: status === 'running' };
}

export function isRunning(instance: Instance): boolean {
  const conditions = runningConditions(instance);
  return conditions.instance_state && conditions.status;
}

/** These states are final. */
export function isTerminal({ state }: Instance): boolean {
  return state === 'Terminating' || state === 'Terminated';
}

export function looksFailed(instance: Instance): boolean {
  return isTerminal(instance) || instance.state === 'Error' || instance.status === 'deleted';
}

export interface PortForwarding {
  readonly guestPort: number;
  readonly hostPort: number;
  readonly protocol: string | undefined;
  readonly name: string | undefined;
}

/** Names an instance by its own ID, or by an external one, which several instances may have. */
export interface Target {
  readonly by: 'instance_id' | 'external_id';
  readonly id: string;
}

/** Most likely another API, unless there was a good answer before. */
export function notTheApi(what: string): UnusableAnswer {
  return new UnusableAnswer(what, { nature: 'mistake' });
}

export function isSameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

const ID = /^[\w.:-]{1,100}$/;

export function instanceFrom(fields: Fields): Instance {
  const instanceId = text(fields, 'instance_id') ?? '';
  const state = text(fields, 'instance_state');
  if (!ID.test(instanceId)) throw new UnusableAnswer('the instance has no usable instance_id');
  if (state === undefined) throw notTheApi('the instance has no instance_state');
  return {
    instanceId,
    state,
    externalId: text(fields, 'external_id', LONGEST_EXTERNAL_ID),
    name: text(fields, 'name'),
    message: text(fields, 'message', LONGEST_MESSAGE),
    nodeId: text(fields, 'node_id'),
    updatedAt: instant(fields, 'ts'),
    answeredAtMs: undefined,
    ...vmFrom(isRecord(fields['vminfo']) ? fields['vminfo'] : {}),
  };
}

function vmFrom(fields: Fields) {
  const forwarding: unknown = fields['port_forwarding'];
  const hostIp = address(fields, 'host_ip') ?? hostName(fields, 'host_ip');
  return {
    uuid: text(fields, 'uuid'),
    status: text(fields, 'status'),
    startDate: instant(fields, 'start_date'),
    stopDate: instant(fields, 'stop_date'),
    startDateText: text(fields, 'start_date'),
    reportedAt: instant(fields, 'timestamp'),
    hostIp,
    unusableHostIp: hostIp === undefined ? asWritten(fields['host_ip']) : undefined,
    ip: address(fields, 'ip'),
    vncPort: port(fields, 'vnc_port'),
    portForwarding: Array.isArray(forwarding)
      ? forwarding.slice(0, MOST_FORWARDINGS).flatMap(forwardingFrom)
      : [],
  };
}

function forwardingFrom(item: unknown): PortForwarding[] {
  if (!isRecord(item)) return [];
  const [guestPort, hostPort] = [port(item, 'guest_port'), port(item, 'host_port')];
  if (guestPort === undefined || hostPort === undefined) return [];
  // Old versions spell it `Name`.
  const name = text(item, 'name') ?? text(item, 'Name');
  return [{ guestPort, hostPort, protocol: text(item, 'protocol'), name }];
}

const LONGEST_MESSAGE = 1_000;
const LONGEST_HOST_NAME = 253;
const MOST_FORWARDINGS = 256;
/** In characters; the input `external_id` may be as long. */
export const LONGEST_EXTERNAL_ID = 500;

function instant(fields: Fields, key: string): Instant | undefined {
  const value = text(fields, key);
  return value === undefined ? undefined : parseInstant(value);
}

function address(fields: Fields, key: string): string | undefined {
  const value = text(fields, key);
  return value !== undefined && isIP(value) !== 0 ? value : undefined;
}

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
/** The last part is not a number: that would be an IP address, or invalid. */
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)*(?!\\d+\\.?$)${LABEL}\\.?$`, 'i');

/** A node may join with a host name instead of an IP address. */
function hostName(fields: Fields, key: string): string | undefined {
  const value = text(fields, key, LONGEST_HOST_NAME);
  return value !== undefined && HOST_NAME.test(value) ? value : undefined;
}

/** For messages; undefined if the field is absent or empty. */
function asWritten(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return text({ value: typeof value === 'string' ? value : JSON.stringify(value) }, 'value');
}

function port(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535
    ? value
    : undefined;
}
