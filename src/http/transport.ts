import { types } from 'node:util';
import { brotliDecompressSync, gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib';
import { type Dispatcher, request as sendRequest } from 'undici';
import { type Bounds, type Clock, type Limit, within } from '../clock.ts';
import { codeOf } from '../errors.ts';
import { explainFailure, type FailureExplanation, type Stage } from './causes.ts';
import { type ConnectionOptions, createDispatchers, createReader, type Dispatchers } from './connections.ts';
import { UnusableAnswer } from './json.ts';
import { LONGEST_CONNECT_MS, parseRetryAfter } from './retry.ts';

export interface SendBounds extends Bounds {
  /** Called right before a write is sent. If it throws, the write is not sent. */
  readonly onDeparture?: (() => void) | undefined;
}

/** A request to the server at `baseUrl`: the controller, or GitHub. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body?: unknown;
  readonly maxBytes: number;
  /** It changes state: once it may have been sent, it is not sent again. */
  readonly isWrite: boolean;
}

/** A complete HTTP answer, whatever its status; `text` is bounded by the request's `maxBytes`. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Names in lower case; if a header appears several times, the first one. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Where a redirect points to. */
  readonly location: string | undefined;
  /** The pause in Retry-After, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The host of a proxy that may have given this answer in the controller's place. */
  readonly proxy: string | undefined;
}

/** There was no complete answer. */
export interface NoAnswer extends FailureExplanation {
  /** At least part of the request may have been sent. */
  readonly mayHaveBeenSent: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause: unknown;
}

export type HttpResult = { readonly answer: Answer } | { readonly noAnswer: NoAnswer };

export interface TransportOptions extends ConnectionOptions {
  readonly clock: Clock;
  /** Send the requests instead of the network. */
  readonly dispatchers?: Dispatchers | undefined;
}

export interface Transport {
  /** Sends one request, once. It does not follow redirects, and never throws: no answer is also a result. */
  send(request: HttpRequest, bounds: SendBounds): Promise<HttpResult>;
  /**
   * Later reads use new connections. A kept connection may lead to one replica of the server whose answers are bad or stale, while
   * those of the others are fine. Call it after a bad answer, or if answers have not changed for too long. After a read without
   * an answer this happens anyway; a write always has its own connection.
   */
  renewConnections(): void;
  /** Ends all connections, in use or not. */
  close(): Promise<void>;
}

/** HTTP/1.1, directly or through a proxy. */
export function createTransport(options: TransportOptions): Transport {
  const { baseUrl, proxy, requestTimeoutMs, clock } = options;
  const { openReader, openWriter } = options.dispatchers ?? createDispatchers(options);
  const [reader, writer] = [createReader(openReader), openWriter()];
  const { origin, pathname } = baseUrl;
  const prefix = pathname.replace(/\/+$/, '');
  const isSecure = baseUrl.protocol === 'https:';
  const forwarder = isSecure ? undefined : proxy?.host;

  async function send(
    request: HttpRequest,
    { deadline, signal, onDeparture }: SendBounds,
  ): Promise<HttpResult> {
    const progress: SendProgress = {
      phase: 'connecting',
      mayHaveBeenSent: false,
      onDeparture: request.isWrite ? onDeparture : undefined,
      departure: Promise.withResolvers(),
    };
    const limit = { clock, ms: Math.min(requestTimeoutMs, deadline - clock.now()), signal };
    const sent = { ...request, path: `${prefix}${request.path}` };
    const carry = (dispatcher: Dispatcher) => exchangeInTime(sent, { origin, dispatcher, progress }, limit);
    try {
      const answer = await (request.isWrite ? carry(writer) : reader.use(carry));
      return { answer: { ...answer, proxy: forwarder } };
    } catch (error) {
      const { mayHaveBeenSent, phase } = progress;
      const explanation = explainFailure(error, { phase, proxy: proxy?.host, isSecure });
      return { noAnswer: { mayHaveBeenSent, ...explanation, cause: error } };
    }
  }

  async function close(): Promise<void> {
    await Promise.all([reader.destroy(), writer.destroy()]);
  }

  return { send, renewConnections: reader.renew, close };
}

/** A longer `request_timeout` is for slow answers: without a connection the request ends sooner. */
function exchangeInTime(
  request: HttpRequest,
  connection: Connection,
  { clock, ms, signal }: Limit & { readonly clock: Clock },
): Promise<Omit<Answer, 'proxy'>> {
  const { departure } = connection.progress;
  return within(clock, { ms, signal }, async (stop) => {
    const answer = exchange(request, connection, stop);
    if (ms <= LONGEST_CONNECT_MS) return answer;
    const connected = within(clock, { ms: LONGEST_CONNECT_MS, signal: stop }, () => departure.promise);
    return (await Promise.all([answer, connected]))[0];
  });
}

interface SendProgress {
  phase: Stage['phase'];
  mayHaveBeenSent: boolean;
  readonly onDeparture: (() => void) | undefined;
  /** Resolved once the connection is open. */
  readonly departure: PromiseWithResolvers<void>;
}

/** What carries a request, and how far it got. */
interface Connection {
  readonly origin: string;
  readonly dispatcher: Dispatcher;
  readonly progress: SendProgress;
}

async function exchange(
  { path, method, headers, body, maxBytes }: HttpRequest,
  { origin, dispatcher, progress }: Connection,
  signal: AbortSignal,
): Promise<Omit<Answer, 'proxy'>> {
  const response = await sendRequest(`${origin}${path}`, {
    dispatcher: dispatcher.compose(observeDeparture(progress)),
    method,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'restart-anka-vm',
      ...headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal,
    // The injected clock bounds every phase.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  progress.phase = 'reading the answer';
  const answered = Object.entries(response.headers).map(([name, value]) => [name, firstOf(value)]);
  const received: Answer['headers'] = Object.fromEntries(answered);
  return {
    status: response.statusCode,
    text: new TextDecoder().decode(decodeBody(await readBody(response.body, maxBytes), received, maxBytes)),
    headers: received,
    location: received['location'],
    retryAfterMs: parseRetryAfter(received['retry-after'], received['date']),
  };
}

/** undici calls onRequestStart once the connection is open, right before the first byte is written. */
function observeDeparture(progress: SendProgress): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        handler.onRequestStart?.(controller, context);
        // The caller gave up while the connection was being opened: nothing is sent.
        if (controller.aborted) return;
        try {
          progress.onDeparture?.();
        } catch (error) {
          return controller.abort(error instanceof Error ? error : new Error(String(error)));
        }
        progress.mayHaveBeenSent = true;
        progress.phase = 'waiting for the answer';
        progress.departure.resolve();
      },
      onResponseStart: (...start) => handler.onResponseStart?.(...start),
      onResponseData: (...data) => handler.onResponseData?.(...data),
      onResponseEnd: (...end) => handler.onResponseEnd?.(...end),
      onResponseError: (...error) => handler.onResponseError?.(...error),
    });
}

async function readBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // Leaving the loop destroys the stream, and the connection with it.
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const DECODERS: Readonly<Record<string, (body: Buffer, options: ZlibOptions) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** The decoded body, because a server may encode it unprompted. @throws UnusableAnswer */
function decodeBody(body: Buffer, headers: Answer['headers'], maxBytes: number): Buffer {
  const encodings = (headers['content-encoding'] ?? '').toLowerCase().split(',');
  // The last one was applied last.
  return encodings.reduceRight((bytes, listed) => {
    const encoding = listed.trim();
    if (encoding === '' || encoding === 'identity') return bytes;
    const decoder = DECODERS[encoding];
    if (decoder === undefined)
      throw new UnusableAnswer(`the answer is encoded in an unknown way ("${encoding}")`);
    try {
      return decoder(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      if (types.isNativeError(error) && codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
      throw new UnusableAnswer(`the answer is damaged: it cannot be decoded (${encoding})`);
    }
  }, body);
}

function tooLarge(maxBytes: number): UnusableAnswer {
  const message = `the answer is larger than ${maxBytes / 1024 / 1024} MiB`;
  const hint = 'That exceeds what this action reads. Long outputs of startup scripts may be the reason.';
  return new UnusableAnswer(message, { nature: 'mistake', hint });
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
