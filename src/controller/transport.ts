import { Agent, type Dispatcher, request as httpRequest } from 'undici';
import { type Clock, within } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { UnusableAnswer } from './instance.ts';

/** How far a request may go: `deadline` is on the clock's scale in milliseconds. */
export interface Bounds {
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Told of each read that failed and will be asked again: `kind` is for counting, `reason` for people. */
  readonly onFault?: (fault: { kind: string; reason: string }) => void;
}

/** A complete HTTP answer, whatever its status; `text` is bounded by the request's `maxBytes`. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Where a redirect points to. */
  readonly location: string | undefined;
  /** What Retry-After asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** No (whole) answer came. `left`: at least a part of the request may have left this machine. */
export interface NoAnswer {
  readonly left: boolean;
  readonly reason: string;
  readonly cause: unknown;
}

export type Exchange = { readonly answer: Answer } | { readonly noAnswer: NoAnswer };

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

export interface TransportOptions {
  readonly baseUrl: URL;
  /** For one HTTP request, connecting and reading included. */
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between two tries. */
  readonly random: () => number;
}

export interface Transport {
  /**
   * GET, tried again until the deadline after network errors, 408, 429, 5xx and unreadable bodies.
   * @throws ActionError `controller_unreachable` or `protocol_error`, both transient, once no time is left for
   * another try; whatever `decode` throws to give up; the signal's reason.
   */
  read<T>(request: ReadRequest<T>, bounds: Bounds): Promise<T>;
  /**
   * POST, tried again only where it certainly was not carried out: it never left, or the answer was 429.
   * @throws the signal's reason, if the request never left.
   */
  write(request: WriteRequest, bounds: Bounds): Promise<Exchange>;
  /** Lets go of every connection, in use or not. */
  close(): Promise<void>;
}

const MAX_WRITE_ANSWER_BYTES = 1024 * 1024;

export function createTransport({ baseUrl, requestTimeoutMs, clock, random }: TransportOptions): Transport {
  const connect = { timeout: requestTimeoutMs };
  const reader = new Agent({ connect });
  // A kept-alive connection may be closing just when it is used again, and nobody could tell then whether the
  // request was carried out. HTTP/2 clients repeat refused streams on their own. So a write gets neither.
  const writer = new Agent({ connect, pipelining: 0, allowH2: false });
  const prefix = baseUrl.pathname.replace(/\/+$/, '');

  async function exchange(wire: WireRequest, { deadline, signal }: Bounds): Promise<Exchange> {
    const progress: Progress = { phase: 'connecting', left: false };
    try {
      const ms = Math.min(requestTimeoutMs, deadline - clock.now());
      const answer = await within(clock, { ms, signal }, (stop) =>
        converse({ ...wire, url: `${baseUrl.origin}${prefix}${wire.path}` }, progress, stop),
      );
      return { answer };
    } catch (error) {
      return {
        noAnswer: { left: progress.left, reason: describeFailure(error, progress.phase), cause: error },
      };
    }
  }

  async function read<T>(request: ReadRequest<T>, bounds: Bounds): Promise<T> {
    const wire = {
      dispatcher: reader,
      method: 'GET',
      path: request.path,
      maxBytes: request.maxBytes,
    } as const;
    for (let attempt = 0; ; attempt++) {
      const result = decodeExchange(await exchange(wire, bounds), request.decode);
      bounds.signal.throwIfAborted();
      if ('value' in result) return result.value;
      const { fault } = result;
      bounds.onFault?.(fault);
      const pauseMs = Math.max(fault.retryAfterMs ?? 0, backoffMs(attempt, random));
      if (clock.now() + pauseMs >= bounds.deadline) throw outOfTime(request.path, fault);
      await clock.sleep(pauseMs, bounds.signal);
    }
  }

  async function write(request: WriteRequest, bounds: Bounds): Promise<Exchange> {
    const body = JSON.stringify(request.body);
    const wire = {
      dispatcher: writer,
      method: 'POST',
      path: request.path,
      body,
      maxBytes: MAX_WRITE_ANSWER_BYTES,
    } as const;
    for (let attempt = 0; ; attempt++) {
      const result = await exchange(wire, bounds);
      if (mayHaveBeenCarriedOut(result)) return result;
      bounds.signal.throwIfAborted();
      const askedMs = 'answer' in result ? result.answer.retryAfterMs : undefined;
      const pauseMs = Math.max(askedMs ?? 0, backoffMs(attempt, random));
      if (clock.now() + pauseMs >= bounds.deadline) return result;
      await clock.sleep(pauseMs, bounds.signal);
    }
  }

  async function close(): Promise<void> {
    await Promise.all([reader.destroy(), writer.destroy()]);
  }

  return { read, write, close };
}

function mayHaveBeenCarriedOut(result: Exchange): boolean {
  return 'answer' in result ? result.answer.status !== 429 : result.noAnswer.left;
}

// ---- one request, one answer ----

interface WireRequest {
  readonly dispatcher: Dispatcher;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly maxBytes: number;
}

interface Progress {
  phase: 'connecting' | 'waiting for the answer' | 'reading the answer';
  left: boolean;
}

async function converse(
  wire: WireRequest & { url: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<Answer> {
  const { statusCode, headers, body } = await httpRequest(wire.url, {
    dispatcher: wire.dispatcher.compose(observeDeparture(progress)),
    method: wire.method,
    headers: {
      accept: 'application/json',
      'user-agent': 'restart-anka-vm',
      ...(wire.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: wire.body ?? null,
    signal,
    // The injected clock bounds every phase.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  progress.phase = 'reading the answer';
  const text = await readText(body, wire.maxBytes);
  return {
    status: statusCode,
    text,
    location: header(headers, 'location'),
    retryAfterMs: retryAfterMs(headers),
  };
}

/** undici calls onRequestStart once a connection stands, right before the first byte is written. */
function observeDeparture(progress: Progress): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        progress.left = true;
        progress.phase = 'waiting for the answer';
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...start) => handler.onResponseStart?.(...start),
      onResponseData: (...data) => handler.onResponseData?.(...data),
      onResponseEnd: (...end) => handler.onResponseEnd?.(...end),
      onResponseError: (...error) => handler.onResponseError?.(...error),
    });
}

async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // Leaving the loop destroys the stream, and the connection with it.
    if (bytes > maxBytes) throw new UnusableAnswer(`the answer is larger than ${maxBytes / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Retry-After is a number of seconds, or a date: then the answer's own Date says what "now" means to the server. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = header(headers, 'retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const pauseMs = Date.parse(value) - Date.parse(header(headers, 'date') ?? '');
  return Number.isNaN(pauseMs) ? undefined : Math.max(0, pauseMs);
}

// ---- what to make of a failed try ----

interface Fault {
  readonly kind: string;
  readonly reason: string;
  readonly code: 'controller_unreachable' | 'protocol_error';
  readonly retryAfterMs: number | undefined;
  readonly cause: unknown;
}

function decodeExchange<T>(result: Exchange, decode: (answer: Answer) => T): { value: T } | { fault: Fault } {
  if ('noAnswer' in result) {
    const { reason, cause } = result.noAnswer;
    if (cause instanceof UnusableAnswer) return { fault: unusable(cause) };
    return {
      fault: { kind: 'no answer', reason, code: 'controller_unreachable', retryAfterMs: undefined, cause },
    };
  }
  const { status, retryAfterMs } = result.answer;
  if (status === 408 || status === 429 || status >= 500) {
    const reason = `it answered HTTP ${status}`;
    return {
      fault: {
        kind: `HTTP ${status}`,
        reason,
        code: 'controller_unreachable',
        retryAfterMs,
        cause: undefined,
      },
    };
  }
  try {
    return { value: decode(result.answer) };
  } catch (error) {
    if (error instanceof UnusableAnswer) return { fault: unusable(error) };
    throw error;
  }
}

function unusable(cause: UnusableAnswer): Fault {
  return {
    kind: 'unusable answer',
    reason: cause.message,
    code: 'protocol_error',
    retryAfterMs: undefined,
    cause,
  };
}

function describeFailure(error: unknown, phase: Progress['phase']): string {
  const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
  return timedOut ? `timed out while ${phase}` : `${describeCause(error)} (while ${phase})`;
}

function outOfTime(path: string, { code, reason, cause }: Fault): ActionError {
  return new ActionError(code, `The controller gave no usable answer to GET ${path}; at last: ${reason}.`, {
    hint: 'Check that controller_url is right and that this machine can reach it; then run the step again.',
    cause,
    transient: true,
  });
}

const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 3_000;

/** Doubles from a quarter of a second to 3 s; jitter takes up to half of it away. */
function backoffMs(attempt: number, random: () => number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt) * (1 - random() / 2);
}
