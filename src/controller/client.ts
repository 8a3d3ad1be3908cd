import { type Clock, seconds } from '../clock.ts';
import { ActionError, type ErrorCode } from '../errors.ts';
import { UnusableAnswer } from '../http/json.ts';
import { createPatience } from '../http/patience.ts';
import {
  type Attempt,
  type Fault,
  isTransientStatus,
  natureOf,
  type RetryBounds,
  retry,
} from '../http/retry.ts';
import type { Answer, HttpRequest, HttpResult, SendBounds, Transport } from '../http/transport.ts';
import type { Credentials, PostRequest } from './credentials.ts';

export interface ReadRequest<T> {
  /** Below the controller's URL, with the query. */
  readonly path: string;
  readonly maxBytes: number;
  /** @throws UnusableAnswer to ask again, ActionError for a refusal. */
  readonly decode: (answer: Answer) => T;
}

/** How far a write may go. Moments are milliseconds on the clock's scale. */
export interface WriteBounds extends RetryBounds {
  /** No try may leave this machine after that; from then until `deadline` there is only its answer to be waited for. */
  readonly sendBy: number;
  /**
   * Asked before every further try, however long it takes. @returns the bounds of that try; undefined where there must be none:
   * then the last one counts. What it throws ends the tries, too.
   */
  readonly beforeRetry?: (() => Promise<Pick<WriteBounds, 'deadline' | 'sendBy'> | undefined>) | undefined;
  /** Told when a try is about to leave this machine. */
  readonly onDeparture?: (() => void) | undefined;
}

/** Asks the controller with credentials, and again where that is right. */
export interface Client {
  /**
   * GET, tried again until the deadline, or until the patience with the fault is over.
   * @throws ActionError what the fault comes to, transient once no time is left for another try; the signal's reason.
   */
  read<T>(request: ReadRequest<T>, bounds: RetryBounds): Promise<T>;
  /**
   * POST, tried again only where it certainly was not carried out: it was not sent, or the answer was 401 or 429.
   * @throws ActionError where the credentials are no good, or the session has ended and no time is left for a new one; what
   * `beforeRetry` throws; the signal's reason. All of these only where nothing was carried out.
   */
  write(request: PostRequest, bounds: WriteBounds): Promise<HttpResult>;
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
  const patience = createPatience(clock);
  const context = { clock, random, patience };

  async function send(request: Omit<HttpRequest, 'headers'>, bounds: SendBounds): Promise<HttpResult> {
    const handshake = { method: 'POST', headers, maxBytes: MAX_WRITE_ANSWER_BYTES, isWrite: false } as const;
    const authorization = await credentials.authorize((post) =>
      transport.send({ ...handshake, ...post }, bounds),
    );
    if (!('headers' in authorization)) return authorization;
    return transport.send({ ...request, headers: { ...headers, ...authorization.headers } }, bounds);
  }

  /** After a 401 asks once more, if there can be a new session. */
  async function sendTwice(request: Omit<HttpRequest, 'headers'>, bounds: SendBounds): Promise<HttpResult> {
    const result = await send(request, bounds);
    return isDenied(result) && credentials.renew() ? send(request, bounds) : result;
  }

  async function read<T>({ path, maxBytes, decode }: ReadRequest<T>, bounds: RetryBounds): Promise<T> {
    const request = { method: 'GET', path, maxBytes, isWrite: false } as const;
    const tryOnce = () =>
      catchRefusals(bounds.signal, async () => {
        const result = await sendTwice(request, bounds);
        bounds.signal.throwIfAborted();
        return decodeResult(result, decode);
      });
    const last = await retry(context, tryOnce, bounds);
    if ('fault' in last) throw givenUp(`GET ${path}`, last.fault);
    // What holds nothing (FAIL) may come from somebody else, such as a gateway behind a wrong prefix.
    if (last.value !== undefined) patience.renew();
    return last.value;
  }

  async function write({ path, body }: PostRequest, bounds: WriteBounds): Promise<HttpResult> {
    const request = { method: 'POST', path, body, maxBytes: MAX_WRITE_ANSWER_BYTES, isWrite: true } as const;
    const { signal, onFault, onDeparture, beforeRetry } = bounds;
    let { deadline, sendBy } = bounds;
    const untilSendBy: RetryBounds = {
      signal,
      onFault,
      // It moves on where `beforeRetry` takes long.
      get deadline() {
        return sendBy;
      },
    };
    let last: ControllerFault | undefined;
    let denials = 0;
    const tryOnce = async (): Promise<Attempt<HttpResult | ControllerFault, ControllerFault>> => {
      if (last !== undefined && beforeRetry !== undefined) {
        const times = await beforeRetry();
        if (times === undefined) return { value: last };
        ({ deadline, sendBy } = times);
      }
      const attempt = await catchRefusals(signal, async () => {
        const result = await send(request, { deadline, signal, onDeparture });
        if (!isDenied(result)) return resultOrFault(result);
        // A session that ran out is no refusal, the first time.
        const canRenew = credentials.renew();
        return canRenew && denials++ === 0 ? { fault: SESSION_ENDED } : deniedFault(result);
      });
      if ('fault' in attempt) last = attempt.fault;
      return attempt;
    };
    // Good answers to reads in between say nothing about the write.
    const apart = { ...context, patience: patience.apart() };
    const ended = await retry(apart, tryOnce, untilSendBy);
    const end = 'value' in ended ? ended.value : ended.fault;
    if (!('kind' in end)) return end;
    if (end.result !== undefined) return end.result;
    throw givenUp(`POST ${path}`, end);
  }

  /** No time is left for another try, or the patience with the fault is over: then more time would not heal it. */
  function givenUp(call: string, fault: ControllerFault): ActionError {
    const { code, kind, reason, hint, cause, nature } = fault;
    const isTransient = !patience.isOver(nature);
    const atLast = `The controller gave no usable answer to ${call}; at last: ${reason}.`;
    const never = `The controller cannot be asked: ${reason}.`;
    const message = fault.message ?? (kind === NO_ANSWER && !isTransient ? never : atLast);
    return new ActionError(code, message, { hint, cause, isTransient });
  }

  return { read, write };
}

function isDenied(result: HttpResult): boolean {
  return 'answer' in result && result.answer.status === 401;
}

/** Why a request got no answer that can be used. */
interface ControllerFault extends Fault {
  readonly code: ErrorCode;
  /** For the error that it comes to, where that says more than the reason. */
  readonly message?: string;
  readonly cause?: unknown;
  /** What a write came to, where it certainly was not carried out. */
  readonly result?: HttpResult;
}

/** What is thrown as an error of its own is a refusal; unless the step was cancelled. */
async function catchRefusals<T>(
  signal: AbortSignal,
  tryOnce: () => Promise<Attempt<T, ControllerFault>>,
): Promise<Attempt<T, ControllerFault>> {
  try {
    return await tryOnce();
  } catch (error) {
    if (signal.aborted || !(error instanceof ActionError)) throw error;
    const { code, message, hint = '', cause } = error;
    const reason = message.replace(/\.$/, '');
    return { fault: { kind: code, reason, hint, nature: 'refusal', code, message, cause } };
  }
}

/** A write may be repeated only where it certainly was not carried out: then its result is a fault like any other. */
function resultOrFault(result: HttpResult): Attempt<HttpResult, ControllerFault> {
  return isRepeatable(result) ? { fault: { ...faultOf(result), result } } : { value: result };
}

function isRepeatable(result: HttpResult): boolean {
  if ('answer' in result) return result.answer.status === 429;
  const { mayHaveBeenSent, cause } = result.noAnswer;
  // What kept it from leaving as an error of its own will do so again.
  return !mayHaveBeenSent && !(cause instanceof ActionError);
}

function deniedFault(result: HttpResult): { fault: ControllerFault } {
  return { fault: { ...faultOf(result), nature: 'refusal', result } };
}

/** Whether the credentials are good only a new session tells. */
const SESSION_ENDED: ControllerFault = {
  kind: 'HTTP 401',
  reason: 'it answered HTTP 401, so a new session is needed',
  nature: 'passing',
  code: 'timed_out',
  message: 'The session had ended when the request got there, and too little time was left for a new one.',
  hint: 'Look at the log for what took so long; run the step again, or raise timeout.',
};

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

const NO_ANSWER = 'no answer';

function faultOf(result: HttpResult): ControllerFault {
  const code = 'controller_unreachable';
  if ('answer' in result) {
    const { status, retryAfterMs } = result.answer;
    const hint =
      'The controller, or what stands before it, is overloaded or down. Look at it, then run the step again.';
    const askedFor = retryAfterMs === undefined ? '' : `, asking to wait for ${seconds(retryAfterMs)}`;
    const reason = `it answered HTTP ${status}${askedFor}`;
    const nature = natureOf(retryAfterMs);
    return { kind: `HTTP ${status}`, reason, hint, nature, code, waitMs: retryAfterMs };
  }
  const { reason, hint, nature, retryAfterMs, cause } = result.noAnswer;
  if (cause instanceof UnusableAnswer) return unusable(cause);
  return { kind: NO_ANSWER, reason, hint, nature, code, waitMs: retryAfterMs, cause };
}

function unusable(cause: UnusableAnswer): ControllerFault {
  const { message: reason, nature, hint = CHECK_ADDRESS } = cause;
  return { kind: 'unusable answer', reason, hint, nature, code: 'protocol_error', cause };
}

const CHECK_ADDRESS =
  'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page before it?';
