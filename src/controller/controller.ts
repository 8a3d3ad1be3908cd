import type { Bounds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { Fault, RetryBounds } from '../http/retry.ts';
import type { Answer, NoAnswer, SendBounds } from '../http/transport.ts';
import type { Client } from './client.ts';
import {
  type Envelope,
  hostOf,
  isSuccess,
  parseEnvelope,
  readEnvelope,
  throwIfDenied,
  whatItIs,
} from './envelope.ts';
import { type Instance, readInstance, readMatches, type Target, WELL_KNOWN } from './instance.ts';

// A question goes down through client.ts, which adds credentials and asks again where that is right, to http/transport.ts. The
// answer comes up the same way: envelope.ts tells OK from FAIL, instance.ts makes an Instance of the JSON.

/** How far a question may go, and who is told of tries that failed. */
export type ReadBounds = RetryBounds;
/** A try that got no usable answer: `kind` is for counting, `reason` for people. */
export type ReadFault = Fault;
/** The same for what changes something, and who is told when it is about to leave this machine. */
export type WriteBounds = SendBounds;

/** What `POST /api/v1/rpc/vm/restart` takes; what is undefined is left out of the request. */
export interface RestartRequest {
  readonly instanceId: string;
  readonly vncPassword: string | undefined;
  readonly usbDevice: string | undefined;
}

/** `uncertain`: it may or may not have been carried out, and asking again could restart the VM twice. */
export type RestartReply =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'uncertain'; readonly reason: string };

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
  /**
   * `POST /api/v1/rpc/vm/restart`. Whatever it throws means that nothing was restarted; beside the errors above
   * these are `restart_refused` and `restart_unsupported`.
   */
  restartInstance(request: RestartRequest, bounds: WriteBounds): Promise<RestartReply>;
  /** `GET /api/v1/status`: the version, e.g. `1.50.1-5e3c3f5b`. For error messages, so it gives up soon, and never throws. */
  getVersion(bounds: Bounds): Promise<string | undefined>;
}

const MIB = 1024 * 1024;
const MAX_LIST_BYTES = 32 * MIB;
const MAX_INSTANCE_BYTES = MIB;
const VERSION_TIMEOUT_MS = 5_000;

const VM_PATH = '/api/v1/vm';
const RESTART_PATH = '/api/v1/rpc/vm/restart';
const STATUS_PATH = '/api/v1/status';

export interface ControllerOptions {
  readonly client: Client;
  readonly clock: { now(): number };
  /** What to do about HTTP 401. */
  readonly deniedHint: string;
  /** Takes secrets, even very short ones, out of free text that the controller wrote. */
  readonly scrub: (text: string) => string;
}

export function createController({ client, clock, deniedHint, scrub }: ControllerOptions): Controller {
  const word = (text: string) => (WELL_KNOWN.has(text) ? text : scrub(text));
  /** Free text may repeat a secret; what is judged is left alone. */
  const scrubbed = (instance: Instance): Instance => ({
    ...instance,
    state: word(instance.state),
    status: instance.status && word(instance.status),
    name: instance.name && scrub(instance.name),
    message: instance.message && scrub(instance.message),
  });

  async function getInstance(instanceId: string, bounds: ReadBounds): Promise<Instance | undefined> {
    const path = `${VM_PATH}?id=${encodeURIComponent(instanceId)}`;
    const decode = (answer: Answer) => {
      const envelope = readEnvelope(`GET ${VM_PATH}`, answer, deniedHint);
      const instance = envelope.status === 'OK' ? readInstance(envelope.body, instanceId) : undefined;
      return instance && dated(instance, answer);
    };
    const instance = await client.read({ path, maxBytes: MAX_INSTANCE_BYTES, decode }, bounds);
    if (instance !== undefined) return scrubbed(instance);
    // FAIL says "no such instance" and "my database is away" alike: only a whole list without it is proof.
    const [found] = await findInstances({ by: 'instance_id', id: instanceId }, bounds);
    return found;
  }

  async function findInstances(target: Target, bounds: ReadBounds): Promise<Instance[]> {
    const decode = (answer: Answer) => {
      const body = bodyOf(readEnvelope(`GET ${VM_PATH}`, answer, deniedHint), scrub);
      return readMatches(body, target).map((instance) => dated(instance, answer));
    };
    const instances = await client.read({ path: VM_PATH, maxBytes: MAX_LIST_BYTES, decode }, bounds);
    return instances.map(scrubbed);
  }

  async function restartInstance(request: RestartRequest, bounds: WriteBounds): Promise<RestartReply> {
    const body = {
      instance_id: request.instanceId,
      vnc_password: request.vncPassword,
      usb_device: request.usbDevice,
    };
    const result = await client.write({ path: RESTART_PATH, body }, bounds);
    if ('noAnswer' in result) return withoutAnswer(result.noAnswer);
    const { answer } = result;
    const envelope = parseEnvelope(answer);
    throwIfNotCarriedOut(answer, envelope);
    if (answer.status === 404) throw unsupported(await getVersion(bounds));
    if (envelope?.status === 'OK' && isSuccess(answer)) return { kind: 'accepted' };
    const target = answer.location === undefined ? '' : `, a redirect to ${scrub(hostOf(answer.location))},`;
    return {
      kind: 'uncertain',
      reason: `it was answered with HTTP ${answer.status}${target} and ${whatItIs(answer)}`,
    };
  }

  function throwIfNotCarriedOut(answer: Answer, envelope: Envelope | undefined): void {
    throwIfDenied(`POST ${RESTART_PATH}`, answer, deniedHint);
    if (answer.status === 429) {
      const hint =
        'The controller, or what stands before it, asks for fewer requests: run the step again later.';
      throw neverCarriedOut('the answer was HTTP 429 (too many requests) to the end', { hint });
    }
    if (envelope?.status !== 'FAIL') return;
    throw new ActionError(
      'restart_refused',
      `The controller refused the restart: "${scrub(envelope.message)}".`,
      {
        hint: 'Look the instance up in the controller. A usb_device has to exist there, and takes an Enterprise licence.',
      },
    );
  }

  async function getVersion({ deadline, signal }: Bounds): Promise<string | undefined> {
    const decode = (answer: Answer) => {
      const body = bodyOf(readEnvelope(`GET ${STATUS_PATH}`, answer, deniedHint), scrub);
      const version = isRecord(body) ? text(body, 'version') : undefined;
      return version && scrub(version);
    };
    const bounds = { deadline: Math.min(deadline, clock.now() + VERSION_TIMEOUT_MS), signal };
    return client.read({ path: STATUS_PATH, maxBytes: MIB, decode }, bounds).catch(() => undefined);
  }

  return { getInstance, findInstances, restartInstance, getVersion };
}

function dated(instance: Instance, { headers }: Answer): Instance {
  const ms = Date.parse(headers['date'] ?? '');
  return { ...instance, answeredAtMs: Number.isNaN(ms) ? undefined : ms };
}

function bodyOf(envelope: Envelope, scrub: (text: string) => string): unknown {
  if (envelope.status === 'FAIL') throw new UnusableAnswer(`it answered FAIL: "${scrub(envelope.message)}"`);
  return envelope.body;
}

function withoutAnswer({ mayHaveBeenSent, reason, hint, cause }: NoAnswer): RestartReply {
  if (!mayHaveBeenSent) throw neverCarriedOut(reason, { hint, cause });
  return { kind: 'uncertain', reason: `no answer came: ${reason}` };
}

function neverCarriedOut(reason: string, { hint, cause }: { hint: string; cause?: unknown }): ActionError {
  return new ActionError('controller_unreachable', `The restart could not be sent: ${reason}.`, {
    hint: `Nothing was restarted. ${hint}`,
    cause,
  });
}

function unsupported(version: string | undefined): ActionError {
  const message = `The controller does not know the restart request (HTTP 404); ${version === undefined ? 'it does not say which version it is' : `it reports version "${version}"`}.`;
  return new ActionError('restart_unsupported', message, {
    hint: 'Restarting needs Anka Build Cloud Controller 1.44.0 or later: update the controller.',
  });
}
