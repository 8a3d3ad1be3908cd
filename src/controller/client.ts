// Sends requests to the controller with credentials, and repeats reads.

import { type Clock, seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { UnusableAnswer } from '../http/json.ts';
import {
  type Attempt,
  createRetries,
  createRetryBudget,
  type Fault,
  isTransientStatus,
  natureOf,
  type Retries,
  type RetryBounds,
  type RetryBudget,
  retry,
} from '../http/retry.ts';
import type { Answer, HttpRequest, HttpResult, SendBounds, Transport } from '../http/transport.ts';
import type { Credentials, PostRequest, SendResult } from './credentials.ts';
import { describeBody, parseEnvelope } from './envelope.ts';

interface ReadRequest<T> {
  /** Below the controller's URL, with the query. */
  readonly path: string;
  readonly maxBytes: number;
  /** @throws UnusableAnswer to ask again, ActionError for a refusal. */
  readonly decode: (answer: Answer) => T;
}

export interface Client {
  /**
   * GET, repeated until the deadline, or until the retry budget is spent.
   * @throws ActionError the error for the last fault, transient if only the time ran out; the signal's reason.
   */
  read<T>(request: ReadRequest<T>, bounds: RetryBounds): Promise<T>;
  /** POST, sent at most once. The caller decides whether to repeat it. */
  post(request: PostRequest, bounds: SendBounds): Promise<SendResult>;
  /** For the attempts of one POST. Good answers to reads in between do not renew their retry budget. */
  retriesOfPost(): Retries;
  /** Later reads use new connections, perhaps to another replica of the controller. */
  renewConnections(): void;
  /** After HTTP 401: drops the session. @returns whether the next request gets a new one. */
  renewSession(): boolean;
}

interface ClientOptions {
  readonly transport: Transport;
  readonly credentials: Credentials;
  /** The input `headers`, sent with every request. The headers that never change are in http/transport.ts. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between attempts. */
  readonly random: () => number;
}

const MAX_POST_ANSWER_BYTES = 1024 * 1024;

export function createClient(options: ClientOptions): Client {
  const { transport, credentials, clock, random } = options;
  const budget = createRetryBudget(clock);
  const send = createSender(options, budget);

  async function read<T>({ path, maxBytes, decode }: ReadRequest<T>, bounds: RetryBounds): Promise<T> {
    const request = { method: 'GET', path, maxBytes, isWrite: false } as const;
    const tryOnce = async () => {
      const first = await send(request, bounds);
      const isRenewed = isDenied(first) && credentials.renew();
      const result = isRenewed ? await send(request, bounds) : first;
      bounds.signal.throwIfAborted();
      const attempt = decodeResult(result, decode);
      if ('fault' in attempt) transport.renewConnections();
      return attempt;
    };
    const last = await retry({ clock, random, budget }, tryOnce, bounds);
    if ('fault' in last) throw readFailed(`GET ${path}`, last);
    // An answer without content (FAIL) may come from another server, such as a gateway behind a wrong prefix.
    if (last.value !== undefined) budget.renew();
    return last.value;
  }

  return {
    read,
    post: ({ path, body }, bounds) =>
      send({ method: 'POST', path, body, maxBytes: MAX_POST_ANSWER_BYTES, isWrite: true }, bounds),
    retriesOfPost: () => createRetries({ random, budget: budget.apart() }),
    renewConnections: transport.renewConnections,
    renewSession: credentials.renew,
  };
}

/** Sends a request once, with credentials: a handshake may come first. */
function createSender({ transport, credentials, headers }: ClientOptions, budget: RetryBudget) {
  async function sendBare(request: HttpRequest, bounds: SendBounds): Promise<HttpResult> {
    const result = await transport.send(request, bounds);
    if ('answer' in result) budget.reached();
    return result;
  }

  return async (request: Omit<HttpRequest, 'headers'>, bounds: SendBounds): Promise<SendResult> => {
    const handshake = { method: 'POST', headers, maxBytes: MAX_POST_ANSWER_BYTES, isWrite: false } as const;
    const authorization = await credentials.authorize((post) => sendBare({ ...handshake, ...post }, bounds));
    if (!('headers' in authorization)) return authorization;
    return sendBare({ ...request, headers: { ...headers, ...authorization.headers } }, bounds);
  };
}

function isDenied(result: SendResult): boolean {
  return 'answer' in result && result.answer.status === 401;
}

function readFailed(call: string, { fault, isFinal }: { fault: Fault; isFinal: boolean }): ActionError {
  const { code = 'controller_unreachable', kind, reason, hint, cause } = fault;
  const gaveUp = `The controller gave no usable answer to ${call}; last attempt: ${reason}.`;
  const never = `The controller cannot be queried: ${reason}.`;
  const message = fault.message ?? (kind === NO_ANSWER && isFinal ? never : gaveUp);
  return new ActionError(code, message, { hint, cause, isTransient: !isFinal });
}

function decodeResult<T>(result: SendResult, decode: (answer: Answer) => T): Attempt<T> {
  if (!('answer' in result) || isTransientStatus(result.answer.status)) return { fault: faultOf(result) };
  try {
    return { value: decode(result.answer) };
  } catch (error) {
    if (error instanceof UnusableAnswer) return { fault: faultOfUnusable(error) };
    if (error instanceof ActionError) return { fault: faultOfRefusal(error) };
    throw error;
  }
}

const NO_ANSWER = 'no answer';

/** The fault that a result without a usable answer stands for. */
export function faultOf(result: SendResult): Fault {
  if ('refused' in result) return faultOfRefusal(result.refused);
  if ('answer' in result) return faultOfStatus(result.answer);
  const { reason, hint, nature, retryAfterMs, cause } = result.noAnswer;
  if (cause instanceof UnusableAnswer) return faultOfUnusable(cause);
  return { kind: NO_ANSWER, reason, hint, nature, waitMs: retryAfterMs, cause };
}

function faultOfRefusal({ code, message, hint = '', cause }: ActionError): Fault {
  return { kind: code, reason: message.replace(/\.$/, ''), hint, nature: 'refusal', code, message, cause };
}

function faultOfStatus(answer: Answer): Fault {
  const { status, retryAfterMs } = answer;
  const envelope = parseEnvelope(answer);
  const said = envelope?.status === 'failure' ? ` and ${describeBody(answer)}` : '';
  const askedFor = retryAfterMs === undefined ? '' : `, asking to wait for ${seconds(retryAfterMs)}`;
  return {
    kind: `HTTP ${status}`,
    reason: `it answered HTTP ${status}${said}${askedFor}`,
    hint: 'The controller, or a gateway in front of it, is overloaded or down. Check it, then run the step again.',
    nature: natureOf(retryAfterMs),
    waitMs: retryAfterMs,
  };
}

function faultOfUnusable(cause: UnusableAnswer): Fault {
  const { message: reason, nature, hint = CHECK_ADDRESS } = cause;
  return { kind: 'unusable answer', reason, hint, nature, code: 'protocol_error', cause };
}

const CHECK_ADDRESS =
  'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page in front of it?';
