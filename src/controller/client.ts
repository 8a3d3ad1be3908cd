import { type Clock, seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { UnusableAnswer } from '../http/json.ts';
import { type Attempt, type Fault, isTransientStatus, type RetryBounds, retry } from '../http/retry.ts';
import type { Answer, HttpRequest, HttpResult, SendBounds, Transport } from '../http/transport.ts';
import type { Credentials, PostRequest } from './credentials.ts';

export interface ReadRequest<T> {
  /** Below the controller's URL, with the query. */
  readonly path: string;
  readonly maxBytes: number;
  /** @throws UnusableAnswer to ask again, ActionError to give up. */
  readonly decode: (answer: Answer) => T;
}

/** Asks the controller with credentials, and again where that is right. */
export interface Client {
  /**
   * GET, tried again until the deadline after network errors, 408, 429, 5xx and unusable bodies.
   * @throws ActionError `controller_unreachable` or `protocol_error`, both transient, once no time is left for
   * another try; whatever `decode` or the credentials throw to give up; the signal's reason.
   */
  read<T>(request: ReadRequest<T>, bounds: RetryBounds): Promise<T>;
  /**
   * POST, tried again only where it certainly was not carried out: it was not sent, or the answer was 429, or 401 with a
   * session that can be renewed.
   * @throws ActionError where the credentials are no good, or the signal's reason: only if the request was not sent.
   */
  write(request: PostRequest, bounds: SendBounds): Promise<HttpResult>;
}

export interface ClientOptions {
  readonly transport: Transport;
  readonly credentials: Credentials;
  /** Beside those that every request has. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between two tries. */
  readonly random: () => number;
}

const MAX_WRITE_ANSWER_BYTES = 1024 * 1024;

export function createClient({ transport, credentials, headers, clock, random }: ClientOptions): Client {
  /** Sends the request with credentials; after a 401 once more, if there can be a new session. */
  async function send(request: Omit<HttpRequest, 'headers'>, bounds: SendBounds): Promise<HttpResult> {
    const result = await authorizeAndSend(request, bounds);
    const isDenied = 'answer' in result && result.answer.status === 401;
    return isDenied && credentials.renew() ? authorizeAndSend(request, bounds) : result;
  }

  async function authorizeAndSend(
    request: Omit<HttpRequest, 'headers'>,
    bounds: SendBounds,
  ): Promise<HttpResult> {
    const handshake = { method: 'POST', headers, maxBytes: MAX_WRITE_ANSWER_BYTES, isWrite: false } as const;
    const authorization = await credentials.authorize((post) =>
      transport.send({ ...handshake, ...post }, bounds),
    );
    if (!('headers' in authorization)) return authorization;
    return transport.send({ ...request, headers: { ...headers, ...authorization.headers } }, bounds);
  }

  async function read<T>({ path, maxBytes, decode }: ReadRequest<T>, bounds: RetryBounds): Promise<T> {
    const request = { method: 'GET', path, maxBytes, isWrite: false } as const;
    const tryOnce = async () => {
      const result = await send(request, bounds);
      bounds.signal.throwIfAborted();
      return decodeResult(result, decode);
    };
    const last = await retry({ clock, random }, tryOnce, bounds);
    if ('value' in last) return last.value;
    throw givenUp(path, last.fault);
  }

  async function write({ path, body }: PostRequest, bounds: SendBounds): Promise<HttpResult> {
    const request = { method: 'POST', path, body, maxBytes: MAX_WRITE_ANSWER_BYTES, isWrite: true } as const;
    const tryOnce = async () => repeatability(await send(request, bounds));
    const last = await retry({ clock, random }, tryOnce, bounds);
    return 'value' in last ? last.value : last.fault.result;
  }

  return { read, write };
}

/** A write may be repeated only where it certainly was not carried out: then its result is a fault like any other. */
function repeatability(result: HttpResult): Attempt<HttpResult, Fault & { readonly result: HttpResult }> {
  const isSafe =
    'answer' in result
      ? result.answer.status === 429
      : !result.noAnswer.mayHaveBeenSent && !result.noAnswer.isPermanent;
  if (!isSafe) return { value: result };
  const { retryAfterMs } = 'answer' in result ? result.answer : result.noAnswer;
  return { fault: { kind: 'not sent', reason: 'it was not carried out', waitMs: retryAfterMs, result } };
}

/** Why a question got no answer that can be used. */
interface ControllerFault extends Fault {
  readonly hint: string;
  readonly code: 'controller_unreachable' | 'protocol_error';
  readonly cause?: unknown;
}

function decodeResult<T>(result: HttpResult, decode: (answer: Answer) => T): Attempt<T, ControllerFault> {
  try {
    if ('answer' in result && !isTransientStatus(result.answer.status))
      return { value: decode(result.answer) };
  } catch (error) {
    if (error instanceof UnusableAnswer) return { fault: unusable(error) };
    throw error;
  }
  return { fault: faultOf(result) };
}

function faultOf(result: HttpResult): ControllerFault {
  if ('answer' in result) {
    const { status, retryAfterMs } = result.answer;
    const hint =
      'The controller, or what stands before it, is overloaded or down. Look at it, then run the step again.';
    const askedFor = retryAfterMs === undefined ? '' : `, asking to wait for ${seconds(retryAfterMs)}`;
    const reason = `it answered HTTP ${status}${askedFor}`;
    return { kind: `HTTP ${status}`, reason, hint, code: 'controller_unreachable', waitMs: retryAfterMs };
  }
  const { reason, hint, isPermanent, retryAfterMs, cause } = result.noAnswer;
  if (cause instanceof UnusableAnswer) return unusable(cause);
  if (isPermanent)
    throw new ActionError('controller_unreachable', `The controller cannot be asked: ${reason}.`, {
      hint,
      cause,
    });
  return { kind: 'no answer', reason, hint, code: 'controller_unreachable', waitMs: retryAfterMs, cause };
}

function unusable(cause: UnusableAnswer): ControllerFault {
  const hint =
    'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page before it?';
  return { kind: 'unusable answer', reason: cause.message, hint, code: 'protocol_error', cause };
}

function givenUp(path: string, { code, reason, hint, cause }: ControllerFault): ActionError {
  const message = `The controller gave no usable answer to GET ${path}; at last: ${reason}.`;
  return new ActionError(code, message, { hint, cause, isTransient: true });
}
