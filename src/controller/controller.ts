// A request passes through client.ts, which adds credentials and repeats reads, to http/transport.ts. The answer returns the
// same way: envelope.ts distinguishes OK from FAIL, instances.ts and instance.ts parse the JSON into Instances, restart-request.ts
// judges the answer to a restart.

import type { Bounds, Clock } from '../clock.ts';
import { asActionError } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { Fault, Retries, RetryBounds } from '../http/retry.ts';
import type { Answer } from '../http/transport.ts';
import type { Client } from './client.ts';
import { type Call, type Envelope, readEnvelope } from './envelope.ts';
import type { Instance, InstanceNames, Target } from './instance.ts';
import { type InstanceList, readInstance, readList } from './instances.ts';
import {
  type NotCarriedOut,
  RESTART_PATH,
  type RestartReply,
  type RestartRequest,
  type TryBounds,
  tryRestart,
} from './restart-request.ts';

/**
 * The Anka Build Cloud Controller API, one method per endpoint. Reads throw an ActionError: `authentication_failed`,
 * `permission_denied` or `protocol_error` at once, `controller_unreachable` or a transient `protocol_error` when no time is left
 * to ask again; and the signal's reason as soon as it aborts.
 */
export interface Controller {
  /** `GET /api/v1/vm?id=ID`; undefined only if the whole list does not have the instance either. */
  getInstance(instanceId: string, bounds: RetryBounds): Promise<Instance | undefined>;
  /** `GET /api/v1/vm`: the matching instances; several can have the same external ID. */
  findInstances(target: Target, bounds: RetryBounds): Promise<Instance[]>;
  /** `GET /api/v1/vm`: all instances, each parsed only when needed. */
  listInstances(bounds: RetryBounds): Promise<InstanceList>;
  /** Later reads use new connections, perhaps to another replica, because the current one may be stuck. A failed read does the same. */
  renewConnections(): void;
  /** The instances in the last list, for suggestions. */
  externalIds(): readonly string[];
  /** The names of an instance in every answer so far, the newest last. */
  namesOf(instance: Pick<Instance, 'instanceId'>): readonly InstanceNames[];
  /** `POST /api/v1/rpc/vm/restart`, sent at most once. Never throws: see restart-request.ts for what each result means. */
  tryRestart(request: RestartRequest, bounds: TryBounds): Promise<RestartReply | NotCarriedOut>;
  /** Decides whether and when a restart request that was not carried out is sent again. */
  restartRetries(): Retries;
  /** `GET /api/v1/status`: the version, e.g. `1.50.1-5e3c3f5b`. For error messages, so it gives up soon and never throws. */
  getVersion(bounds: Bounds): Promise<string | undefined>;
}

const MIB = 1024 * 1024;
/** The same limit for one instance as for the list: startup scripts may have long outputs, and a controller may ignore `?id=`. */
const MAX_INSTANCES_BYTES = 32 * MIB;
const VERSION_TIMEOUT_MS = 5_000;
const NAMES_TIMEOUT_MS = 10_000;
const NOT_LISTED = 'its list of instances does not show the instance';

const VM_PATH = '/api/v1/vm';
const STATUS_PATH = '/api/v1/status';

export interface ControllerOptions {
  readonly client: Client;
  readonly clock: Pick<Clock, 'now'>;
  /** What to do about HTTP 401. */
  readonly deniedHint: string;
  /** The base address, for errors. */
  readonly url?: URL;
  /** Whether the step needs names that only the list may contain: if `?id=` returns none, the list is read once. */
  readonly needsNames?: boolean;
  /** Whether the instance lacks a required name: then the list is read until it answers. */
  readonly lacksName?: (instance: Instance) => boolean;
}

export function createController(options: ControllerOptions): Controller {
  const { client } = options;
  const names = createNames();
  const reads = createReads(options, names);
  const getVersion = (bounds: Bounds) => readVersion(options, bounds);

  function findInstances(target: Target, bounds: RetryBounds): Promise<Instance[]> {
    return reads.listed(bounds, (list) => list.matching(target));
  }

  return {
    async getInstance(instanceId, bounds) {
      const instance = await reads.one(instanceId, bounds);
      if (instance !== undefined) return withNames(instance, bounds, { ...options, names, reads });
      // FAIL can mean "no such instance" or "the database is down": only a complete list without it is proof.
      const [found] = await findInstances({ by: 'instance_id', id: instanceId }, bounds);
      return found;
    },
    findInstances,
    listInstances: (bounds) => reads.listed(bounds, (list) => list),
    externalIds: reads.externalIds,
    namesOf: names.all,
    tryRestart(request, bounds) {
      names.settle(request);
      return tryRestart(request, bounds, { client, call: callOf(options, 'POST', RESTART_PATH), getVersion });
    },
    restartRetries: client.retriesOfPost,
    renewConnections: client.renewConnections,
    getVersion,
  };
}

/**
 * Old controllers return `external_id` and `name` only in the list. If the list cannot be read (soon, or until the deadline), the
 * instance says why it may lack names, and the next read tries again until the restart is sent.
 */
async function withNames(
  instance: Instance,
  bounds: RetryBounds,
  { clock, needsNames = false, lacksName = () => false, names, reads }: NameSearch,
): Promise<Instance> {
  if (!needsNames || names.areKnown(instance)) return instance;
  const soon = Math.min(bounds.deadline, clock.now() + NAMES_TIMEOUT_MS);
  const deadline = lacksName(instance) ? bounds.deadline : soon;
  const onFault = (fault: Fault) => bounds.onFault?.({ ...fault, leftMs: undefined });
  try {
    await reads.listed({ deadline, signal: bounds.signal, onFault }, (list) => {
      // A lagging replica may not list it yet: that says nothing about its names.
      const isListed = list.matching({ by: 'instance_id', id: instance.instanceId }).length > 0;
      if (!isListed && lacksName(instance) && clock.now() < soon) throw new UnusableAnswer(NOT_LISTED);
      return list;
    });
    names.settle(instance);
    return names.fillIn(instance);
  } catch (error) {
    bounds.signal.throwIfAborted();
    return names.fillIn({ ...instance, unreadNames: asActionError(error) });
  }
}

interface NameSearch extends ControllerOptions {
  readonly names: Names;
  readonly reads: ReturnType<typeof createReads>;
}

/** The two reads of instances. Each instance gets the time of its answer, and its known names. */
function createReads(options: ControllerOptions, names: Names) {
  const { client } = options;
  const call = callOf(options, 'GET', VM_PATH);
  let lastList: InstanceList | undefined;

  function withTimeAndNames(instance: Instance, { headers }: Answer): Instance {
    const ms = Date.parse(headers['date'] ?? '');
    return names.fillIn({ ...instance, answeredAtMs: Number.isNaN(ms) ? undefined : ms });
  }

  return {
    one(instanceId: string, bounds: RetryBounds): Promise<Instance | undefined> {
      const path = `${VM_PATH}?id=${encodeURIComponent(instanceId)}`;
      const decode = (answer: Answer) => {
        const envelope = readEnvelope(call, answer);
        const instance = envelope.status === 'OK' ? readInstance(envelope.body, instanceId) : undefined;
        return instance && withTimeAndNames(instance, answer);
      };
      return client.read({ path, maxBytes: MAX_INSTANCES_BYTES, decode }, bounds);
    },
    /** @param read throws UnusableAnswer to have the list requested again. */
    listed<T>(bounds: RetryBounds, read: (list: InstanceList) => T): Promise<T> {
      const decode = (answer: Answer) => {
        const list = readList(bodyOf(readEnvelope(call, answer)));
        const { matching, readable } = list;
        lastList = list;
        const completed = (instance: Instance) => withTimeAndNames(instance, answer);
        return read({
          ...list,
          matching: (target) => matching(target).map(completed),
          readable: () => readable().map(completed),
        });
      };
      return client.read({ path: VM_PATH, maxBytes: MAX_INSTANCES_BYTES, decode }, bounds);
    },
    externalIds: () => lastList?.externalIds() ?? [],
  };
}

function readVersion(options: ControllerOptions, { deadline, signal }: Bounds): Promise<string | undefined> {
  const { client, clock } = options;
  const decode = (answer: Answer) => {
    const body = bodyOf(readEnvelope(callOf(options, 'GET', STATUS_PATH), answer));
    return isRecord(body) ? text(body, 'version') : undefined;
  };
  const bounds = { deadline: Math.min(deadline, clock.now() + VERSION_TIMEOUT_MS), signal };
  return client.read({ path: STATUS_PATH, maxBytes: MIB, decode }, bounds).catch(() => undefined);
}

/** For errors. */
function callOf({ url, deniedHint }: ControllerOptions, method: string, path: string): Call {
  const address = `${url?.origin ?? ''}${url?.pathname.replace(/\/+$/, '') ?? ''}${path}`;
  return { name: `${method} ${path}`, url: address, deniedHint };
}

type Names = ReturnType<typeof createNames>;

type KeptFields = InstanceNames & Pick<Instance, 'nodeId' | 'hostIp'>;

/**
 * Remembers the fields of an instance that do not change while the VM lives, for later answers that lack them; and its names in all answers,
 * because these may change.
 */
function createNames() {
  const known = new Map<string, KeptFields>();
  const shown = new Map<string, readonly InstanceNames[]>();
  /** Instances for which the list need not be read: it was read already, or the restart is sent. */
  const settled = new Set<string>();
  const keyOf = ({ instanceId }: Pick<Instance, 'instanceId'>) => instanceId.toLowerCase();
  const all = (instance: Pick<Instance, 'instanceId'>) => shown.get(keyOf(instance)) ?? [];
  return {
    fillIn(instance: Instance): Instance {
      const before = known.get(keyOf(instance));
      const nodeId = instance.nodeId ?? before?.nodeId;
      const names: InstanceNames = {
        externalId: instance.externalId ?? before?.externalId,
        name: instance.name ?? before?.name,
        uuid: instance.uuid ?? before?.uuid,
      };
      const hostIp = instance.hostIp ?? (nodeId === before?.nodeId ? before?.hostIp : undefined);
      const kept = { ...names, nodeId, hostIp };
      known.set(keyOf(instance), kept);
      shown.set(keyOf(instance), [...all(instance).filter((other) => !areSame(other, names)), names]);
      return { ...instance, ...kept };
    },
    all,
    /** Whether reading the list would add nothing. */
    areKnown: (instance: Instance) =>
      (instance.externalId !== undefined && instance.name !== undefined) || settled.has(keyOf(instance)),
    settle: (instance: Pick<Instance, 'instanceId'>) => void settled.add(keyOf(instance)),
  };
}

function areSame(one: InstanceNames, other: InstanceNames): boolean {
  return one.externalId === other.externalId && one.name === other.name && one.uuid === other.uuid;
}

function bodyOf(envelope: Envelope): unknown {
  if (envelope.status === 'OK') return envelope.body;
  const hint = "Check the controller's log, and controller_url: is the path prefix right?";
  throw new UnusableAnswer(`it answered ${envelope.word}: "${envelope.message}"`, {
    nature: 'mistake',
    hint,
  });
}
