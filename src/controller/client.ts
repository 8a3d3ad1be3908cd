import { type Clock, seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { Credentials } from './credentials.ts';
import { UnusableAnswer } from './json.ts';
import { isPassing, pauseMs } from './retry.ts';
import type { Answer, Bounds, Exchange, Transport, WireRequest } from './transport.ts';

export interface ReadBounds extends Bounds {
  /** Told of each try that failed: `kind` is for counting, `reason` for people. */
  readonly onFault?: (fault: { kind: string; reason: string }) => void;
}

export interface ReadRequest<T> {
  /** Below the controller's URL, with the query. */
  readonly path: string;
  readonly maxBytes: number;
  /** @throws UnusableAnswer to ask again, ActionError to give up. */
  readonly decode: (answer: Answer) => T;
}

export interface WriteRequest {
  readonly path: string;
  readonly body: unknown;
}

/** Asks the controller with credentials, and again where that is right. */
export interface Client {
  /**
   * GET, tried again until the deadline after network errors, 408, 429, 5xx and unusable bodies.
   * @throws ActionError `controller_unreachable` or `protocol_error`, both transient, once no time is left for
   * another try; whatever `decode` or the credentials throw to give up; the signal's reason.
   */
  read<T>(request: ReadRequest<T>, bounds: ReadBounds): Promise<T>;
  /**
   * POST, tried again only where it certainly was not carried out: it never left, or the answer was 429, or 401 with a
   * session that can be renewed.
   * @throws ActionError where the credentials are no good, or the signal's reason: only if the request never left.
   */
  write(request: WriteRequest, bounds: Bounds): Promise<Exchange>;
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
/** With less time left, another try is of no use. */
const SHORTEST_TRY_MS = 250;

export function createClient({ transport, credentials, headers, clock, random }: ClientOptions): Client {
  /** Sends the request with credentials; after a 401 once more, if there can be a new session. */
  async function exchange(request: Omit<WireRequest, 'headers'>, bounds: Bounds): Promise<Exchange> {
    const result = await authorizeAndSend(request, bounds);
    const isDenied = 'answer' in result && result.answer.status === 401;
    return isDenied && credentials.renew() ? authorizeAndSend(request, bounds) : result;
  }

  async function authorizeAndSend(request: Omit<WireRequest, 'headers'>, bounds: Bounds): Promise<Exchange> {
    const handshake = { method: 'POST', headers, maxBytes: MAX_WRITE_ANSWER_BYTES, isWrite: false } as const;
    const authorization = await credentials.authorize((post) =>
      transport.exchange({ ...handshake, ...post }, bounds),
    );
    if (!('headers' in authorization)) return authorization;
    return transport.exchange({ ...request, headers: { ...headers, ...authorization.headers } }, bounds);
  }

  /** Pauses before the next try: false where no time is left for it, or the server asks for more than is left. */
  async function pause(attempt: number, retryAfterMs: number | undefined, bounds: Bounds): Promise<boolean> {
    const leftMs = bounds.deadline - clock.now();
    if (leftMs < SHORTEST_TRY_MS || (retryAfterMs ?? 0) >= leftMs) return false;
    // Towards the end pauses grow shorter again: what comes back in time has to be seen in time.
    const ms = Math.min(pauseMs({ attempt, retryAfterMs, random }), Math.max(retryAfterMs ?? 0, leftMs / 2));
    await clock.sleep(ms, bounds.signal);
    return true;
  }

  async function read<T>({ path, maxBytes, decode }: ReadRequest<T>, bounds: ReadBounds): Promise<T> {
    const request = { method: 'GET', path, maxBytes, isWrite: false } as const;
    for (let attempt = 0; ; attempt++) {
      const exchanged = await exchange(request, bounds);
      bounds.signal.throwIfAborted();
      const result = decodeExchange(exchanged, decode);
      if ('value' in result) return result.value;
      const { fault } = result;
      bounds.onFault?.(fault);
      if (!(await pause(attempt, fault.retryAfterMs, bounds))) throw givenUp(path, fault);
    }
  }

  async function write({ path, body }: WriteRequest, bounds: Bounds): Promise<Exchange> {
    const request = { method: 'POST', path, body, maxBytes: MAX_WRITE_ANSWER_BYTES, isWrite: true } as const;
    for (let attempt = 0; ; attempt++) {
      const result = await exchange(request, bounds);
      if (!isWorthRepeating(result)) return result;
      bounds.signal.throwIfAborted();
      const { retryAfterMs } = 'answer' in result ? result.answer : result.noAnswer;
      if (!(await pause(attempt, retryAfterMs, bounds))) return result;
    }
  }

  return { read, write };
}

/** A write may be repeated only where it certainly was not carried out. */
function isWorthRepeating(result: Exchange): boolean {
  return 'answer' in result
    ? result.answer.status === 429
    : !result.noAnswer.left && !result.noAnswer.isFinal;
}

interface Fault {
  readonly kind: string;
  readonly reason: string;
  readonly hint: string;
  readonly code: 'controller_unreachable' | 'protocol_error';
  readonly retryAfterMs: number | undefined;
  readonly cause?: unknown;
}

function decodeExchange<T>(result: Exchange, decode: (answer: Answer) => T): { value: T } | { fault: Fault } {
  try {
    if ('answer' in result && !isPassing(result.answer.status)) return { value: decode(result.answer) };
  } catch (error) {
    if (error instanceof UnusableAnswer) return { fault: unusable(error) };
    throw error;
  }
  return { fault: faultOf(result) };
}

function faultOf(result: Exchange): Fault {
  if ('answer' in result) {
    const { status, retryAfterMs } = result.answer;
    const hint =
      'The controller, or what stands before it, is overloaded or down. Look at it, then run the step again.';
    const wish = retryAfterMs === undefined ? '' : `, asking to wait for ${seconds(retryAfterMs)}`;
    return {
      kind: `HTTP ${status}`,
      reason: `it answered HTTP ${status}${wish}`,
      hint,
      code: 'controller_unreachable',
      retryAfterMs,
    };
  }
  const { reason, hint, isFinal, retryAfterMs, cause } = result.noAnswer;
  if (cause instanceof UnusableAnswer) return unusable(cause);
  if (isFinal)
    throw new ActionError('controller_unreachable', `The controller cannot be asked: ${reason}.`, {
      hint,
      cause,
    });
  return { kind: 'no answer', reason, hint, code: 'controller_unreachable', retryAfterMs, cause };
}

function unusable(cause: UnusableAnswer): Fault {
  const hint =
    'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page before it?';
  return {
    kind: 'unusable answer',
    reason: cause.message,
    hint,
    code: 'protocol_error',
    retryAfterMs: undefined,
    cause,
  };
}

function givenUp(path: string, { code, reason, hint, cause }: Fault): ActionError {
  const message = `The controller gave no usable answer to GET ${path}; at last: ${reason}.`;
  return new ActionError(code, message, { hint, cause, transient: true });
}
