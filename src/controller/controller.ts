import type { Bounds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import { type Fault, isTransientStatus, type RetryBounds } from '../http/retry.ts';
import type { Answer, NoAnswer } from '../http/transport.ts';
import type { Client, WriteBounds } from './client.ts';
import {
  denied,
  type Envelope,
  isSuccess,
  notLetIn,
  parseEnvelope,
  readEnvelope,
  rejected,
  whatItIs,
} from './envelope.ts';
import { type Instance, type InstanceList, readInstance, readList, type Target } from './instance.ts';

// A question goes down through client.ts, which adds credentials and asks again where that is right, to http/transport.ts. The
// answer comes up the same way: envelope.ts tells OK from FAIL, instance.ts makes an Instance of the JSON.

/** How far a question may go, and who is told of tries that failed. */
export type ReadBounds = RetryBounds;
/** A try that got no usable answer: `kind` is for counting, `reason` and `hint` for people. */
export type ReadFault = Fault;
export type { WriteBounds };

/** What `POST /api/v1/rpc/vm/restart` takes; what is undefined is left out of the request. */
export interface RestartRequest {
  readonly instanceId: string;
  readonly vncPassword: string | undefined;
  readonly usbDevice: string | undefined;
}

/**
 * Asking again could restart the VM twice in every case.
 * - `uncertain`: it may or may not have been carried out.
 * - `rejected`: somebody said no, but it was not the controller itself, or it is not known to be. A gateway may say so after the
 *   controller has carried the restart out.
 */
export type RestartReply =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'uncertain'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly error: ActionError };

/**
 * The Anka Build Cloud Controller API, one method an endpoint. Each throws an {@link ActionError}:
 * `authentication_failed`, `permission_denied` or `protocol_error` at once, `controller_unreachable` or a transient
 * `protocol_error` when no time is left to ask again; and the signal's reason as soon as it aborts.
 */
export interface Controller {
  /** `GET /api/v1/vm?id=ID`; undefined only where the whole list does not have the instance either. */
  getInstance(instanceId: string, bounds: ReadBounds): Promise<Instance | undefined>;
  /** `GET /api/v1/vm`: those that match; several can have the same external ID. */
  findInstances(target: Target, bounds: ReadBounds): Promise<Instance[]>;
  /** `GET /api/v1/vm`: all, each to be read by whom it concerns. */
  listInstances(bounds: ReadBounds): Promise<InstanceList>;
  /**
   * `POST /api/v1/rpc/vm/restart`. Whatever it throws means that nothing was restarted: the request was not sent, or the
   * controller itself refused it. Beside the errors above these are `restart_refused` and `restart_unsupported`.
   */
  restartInstance(request: RestartRequest, bounds: WriteBounds): Promise<RestartReply>;
  /** `GET /api/v1/status`: the version, e.g. `1.50.1-5e3c3f5b`. For error messages, so it gives up soon, and never throws. */
  getVersion(bounds: Bounds): Promise<string | undefined>;
}

const MIB = 1024 * 1024;
/** What can be listed can be watched: startup scripts may have long outputs, and a controller may ignore `?id=`. */
const MAX_INSTANCES_BYTES = 32 * MIB;
const VERSION_TIMEOUT_MS = 5_000;

const VM_PATH = '/api/v1/vm';
const RESTART_PATH = '/api/v1/rpc/vm/restart';
const RESTART_CALL = `POST ${RESTART_PATH}`;
const STATUS_PATH = '/api/v1/status';

export interface ControllerOptions {
  readonly client: Client;
  readonly clock: { now(): number };
  /** What to do about HTTP 401. */
  readonly deniedHint: string;
}

export function createController({ client, clock, deniedHint }: ControllerOptions): Controller {
  async function getInstance(instanceId: string, bounds: ReadBounds): Promise<Instance | undefined> {
    const path = `${VM_PATH}?id=${encodeURIComponent(instanceId)}`;
    const decode = (answer: Answer) => {
      const envelope = readEnvelope(`GET ${VM_PATH}`, answer, deniedHint);
      const instance = envelope.status === 'OK' ? readInstance(envelope.body, instanceId) : undefined;
      return instance && dated(instance, answer);
    };
    const instance = await client.read({ path, maxBytes: MAX_INSTANCES_BYTES, decode }, bounds);
    if (instance !== undefined) return instance;
    // FAIL says "no such instance" and "my database is away" alike: only a whole list without it is proof.
    const [found] = await findInstances({ by: 'instance_id', id: instanceId }, bounds);
    return found;
  }

  async function findInstances(target: Target, bounds: ReadBounds): Promise<Instance[]> {
    return readListed(bounds, (list) => list.matching(target));
  }

  /** @param read throws UnusableAnswer where the list is to be asked for again. */
  function readListed<T>(bounds: ReadBounds, read: (list: InstanceList) => T): Promise<T> {
    const decode = (answer: Answer) => {
      const list = readList(bodyOf(readEnvelope(`GET ${VM_PATH}`, answer, deniedHint)));
      return read(datedList(list, answer));
    };
    return client.read({ path: VM_PATH, maxBytes: MAX_INSTANCES_BYTES, decode }, bounds);
  }

  async function restartInstance(request: RestartRequest, bounds: WriteBounds): Promise<RestartReply> {
    const body = {
      instance_id: request.instanceId,
      vnc_password: request.vncPassword,
      usb_device: request.usbDevice,
    };
    const result = await client.write({ path: RESTART_PATH, body }, bounds);
    if ('noAnswer' in result) return replyWithoutAnswer(result.noAnswer);
    const { answer } = result;
    const envelope = parseEnvelope(answer);
    // After a status of 5xx nothing is certain, whatever the body says.
    if (answer.status >= 500) return uncertain(answer);
    throwIfRefused(answer, envelope);
    if (envelope?.status === 'OK' && isSuccess(answer)) return { kind: 'accepted' };
    if (answer.status === 404) return judgeNotFound(answer, await getVersion(bounds));
    if (answer.status === 403) return { kind: 'rejected', error: denied(RESTART_CALL, answer) };
    if (isSuccess(answer) || isTransientStatus(answer.status)) return uncertain(answer);
    return { kind: 'rejected', error: rejected(RESTART_CALL, answer) };
  }

  /** The controller itself refuses: with an envelope, or as one does that lets nobody in. */
  function throwIfRefused(answer: Answer, envelope: Envelope | undefined): void {
    if (answer.status === 401) throw notLetIn(RESTART_CALL, deniedHint);
    if (answer.status === 429) {
      const hint =
        'The controller, or what stands before it, asks for fewer requests: run the step again later.';
      throw neverCarriedOut('the answer was HTTP 429 (too many requests) to the end', { hint });
    }
    if (envelope?.status !== 'FAIL') return;
    if (answer.status === 403) throw denied(RESTART_CALL, answer);
    throw new ActionError('restart_refused', `The controller refused the restart: "${envelope.message}".`, {
      hint: 'Look the instance up in the controller. A usb_device has to exist there, and takes an Enterprise licence.',
    });
  }

  async function getVersion({ deadline, signal }: Bounds): Promise<string | undefined> {
    const decode = (answer: Answer) => {
      const body = bodyOf(readEnvelope(`GET ${STATUS_PATH}`, answer, deniedHint));
      return isRecord(body) ? text(body, 'version') : undefined;
    };
    const bounds = { deadline: Math.min(deadline, clock.now() + VERSION_TIMEOUT_MS), signal };
    return client.read({ path: STATUS_PATH, maxBytes: MIB, decode }, bounds).catch(() => undefined);
  }

  const listInstances = (bounds: ReadBounds) => readListed(bounds, (list) => list);
  return { getInstance, findInstances, listInstances, restartInstance, getVersion };
}

function dated(instance: Instance, { headers }: Answer): Instance {
  const ms = Date.parse(headers['date'] ?? '');
  return { ...instance, answeredAtMs: Number.isNaN(ms) ? undefined : ms };
}

function datedList({ matching, readable }: InstanceList, answer: Answer): InstanceList {
  return {
    matching: (target) => matching(target).map((instance) => dated(instance, answer)),
    readable: () => readable().map((instance) => dated(instance, answer)),
  };
}

function bodyOf(envelope: Envelope): unknown {
  if (envelope.status === 'OK') return envelope.body;
  const hint = "Look at the controller's log; and check controller_url: is the path prefix right?";
  throw new UnusableAnswer(`it answered FAIL: "${envelope.message}"`, { nature: 'mistake', hint });
}

// ---- what becomes of the restart request ----

function replyWithoutAnswer({ mayHaveBeenSent, reason, hint, cause }: NoAnswer): RestartReply {
  if (mayHaveBeenSent) return { kind: 'uncertain', reason: `no answer came: ${reason}` };
  throw cause instanceof ActionError ? cause : neverCarriedOut(reason, { hint, cause });
}

function uncertain(answer: Answer): RestartReply {
  return {
    kind: 'uncertain',
    reason: `it was answered with HTTP ${answer.status} and ${whatItIs(answer)}`,
  };
}

function neverCarriedOut(reason: string, { hint, cause }: { hint: string; cause?: unknown }): ActionError {
  return new ActionError('controller_unreachable', `The restart could not be sent: ${reason}.`, {
    hint: `Nothing was restarted. ${hint}`,
    cause,
  });
}

/** Only a controller that lacks the request is known not to have carried it out; else something before it answered. */
function judgeNotFound(answer: Answer, version: string | undefined): RestartReply {
  if (version === undefined) {
    const message =
      'The restart request was answered with HTTP 404, and the controller does not say which version it is.';
    return { kind: 'rejected', error: new ActionError('restart_unsupported', message, { hint: NEEDS_1_44 }) };
  }
  if (lacksRestarts(version)) {
    const message = `The controller does not know the restart request (HTTP 404); it reports version "${version}".`;
    throw new ActionError('restart_unsupported', message, { hint: NEEDS_1_44 });
  }
  const message = `The restart request was answered with HTTP 404 and ${whatItIs(answer)}, though the controller reports version "${version}", which knows it.`;
  const hint = `Most likely a gateway before the controller does not let POST ${RESTART_PATH} pass: have it do so.`;
  return { kind: 'rejected', error: new ActionError('protocol_error', message, { hint }) };
}

const NEEDS_1_44 = 'Restarting needs Anka Build Cloud Controller 1.44.0 or later: update the controller.';
const FIRST_WITH_RESTARTS = 44;

/** Versions look like `1.50.1-5e3c3f5b`; what looks otherwise is taken for a version that knows restarts. */
function lacksRestarts(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)\b/.exec(version) ?? [];
  return major === '0' || (major === '1' && Number(minor) < FIRST_WITH_RESTARTS);
}
