import { Dispatcher } from 'undici';
import type { SeenRequest } from '../../simulator/controller-api.ts';
import type { Dispatchers } from '../../src/http/connections.ts';

/** What happens to a request and its answer in transit; times in milliseconds. */
export interface Delivery {
  /** Until it is connected; undefined if it never is (with `isRefused` it fails at once, otherwise it hangs). */
  readonly connectMs: number | undefined;
  readonly isRefused: boolean;
  /** Why the connection fails at once, if it is not refused. */
  readonly failure?: Error | undefined;
  /** Until the controller has it; undefined if it is lost. */
  readonly thereMs: number | undefined;
  /** Until the answer is back; undefined if it is lost. */
  readonly backMs: number | undefined;
  /** Until a lost request or answer ends in a reset; undefined if it never ends. */
  readonly resetMs: number | undefined;
  /** The share of the answer's body that arrives before the connection breaks; 1 for all of it. */
  readonly arriving: number;
  /** The number of pieces of the body, and the pauses between them. */
  readonly pieces: number;
  readonly pauseMs: number;
}

/** A request, and where it goes. */
export interface SentRequest extends SeenRequest {
  readonly origin: string;
  /** The connection that carries it, once there is one. */
  connection?: Connection;
}

/** A connection that requests use one after another. */
export interface Connection {
  readonly origin: string;
  /** From then on it silently loses everything in one direction; undefined if it never does. */
  readonly diesAt: number | undefined;
  readonly loses: 'requests' | 'answers';
  /** Concurrent requests share it, and an aborted one leaves it intact, as in HTTP/2. */
  readonly isShared: boolean;
  /** It leads to a sick replica. */
  readonly isSick: boolean;
  /** Its handshake never ends. */
  readonly isHung: boolean;
  /** It is closed, for example by the server. */
  isClosed: boolean;
}

export interface NetworkAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as it is sent, if that differs. */
  readonly bytes?: Uint8Array;
  /** The extra delay of the answer; Infinity if it never arrives. */
  readonly lateMs?: number;
  /** The connection is reset instead of an answer; or the answer never ends after `body`. */
  readonly breaks?: 'reset' | 'hang';
}

export interface NetworkOptions {
  readonly now?: () => number;
  /** Makes a connection that is kept. If absent, each request has its own. */
  readonly connect?: (origin: string) => Connection;
  readonly after: (afterMs: number, run: () => void) => void;
  /** The same for input to the step's process, which may be suspended; `after` if absent. */
  readonly afterAtProcess?: (afterMs: number, run: () => void) => void;
  readonly deliveryOf: (request: SentRequest) => Delivery;
  /** Called when the request leaves over an established connection. */
  readonly departs?: (request: SentRequest) => void;
  /** The controller: called when the request has arrived. */
  readonly answer: (request: SentRequest) => NetworkAnswer;
  /** Called when the whole answer has arrived and the step still waits for it. */
  readonly delivered?: (request: SentRequest, answer: NetworkAnswer) => void;
}

/** Opens simulated dispatchers for undici, without sockets or real time. Like the real ones, a reader keeps its connections. */
export function createSimulatedNetwork(options: NetworkOptions): Dispatchers {
  const { connect: _, ...withoutKept } = options;
  return {
    openReader: () => new SimulatedNetwork(options),
    openWriter: () => new SimulatedNetwork(withoutKept),
  };
}

/** The requests of one dispatcher. */
export class SimulatedNetwork extends Dispatcher {
  readonly #options: NetworkOptions;
  /** Open connections with no request; and shared ones whose handshake hangs, on which later requests wait. */
  readonly #idle: Connection[] = [];

  constructor(options: NetworkOptions) {
    super();
    this.#options = options;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const request: SentRequest = {
      origin: String(options.origin),
      method: options.method,
      path: options.path,
      headers: Object(options.headers) as SeenRequest['headers'],
      body: typeof options.body === 'string' ? options.body : '',
    };
    new Exchange(this.#options, { request, handler, idle: this.#idle }).begin();
    return true;
  }

  override async close(): Promise<void> {}

  override async destroy(): Promise<void> {
    this.#idle.length = 0;
  }
}

interface Dispatched {
  readonly request: SentRequest;
  readonly handler: Dispatcher.DispatchHandler;
  readonly idle: Connection[];
}

/** One request and its answer. Nothing that happens after its end reaches the step. */
class Exchange {
  readonly #options: NetworkOptions;
  readonly #request: SentRequest;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #delivery: Delivery;
  readonly #controller: Dispatcher.DispatchController;
  readonly #idle: Connection[];
  #isOver = false;

  constructor(options: NetworkOptions, { request, handler, idle }: Dispatched) {
    this.#options = options;
    this.#idle = idle;
    this.#request = request;
    this.#handler = handler;
    this.#delivery = options.deliveryOf(request);
    const isAborted = () => this.#isOver;
    this.#controller = {
      get aborted() {
        return isAborted();
      },
      paused: false,
      reason: null,
      abort: (error: Error) => this.#fail(error),
      pause() {},
      resume() {},
    };
  }

  begin(): void {
    const { connectMs, isRefused, failure: reason } = this.#delivery;
    const kept = this.#takeKept();
    if (kept?.isHung) return;
    if (kept !== undefined) {
      this.#request.connection = kept;
      // A connection that the server has closed fails when the request is written.
      if (kept.isClosed) this.#later(0, () => this.#fail(failure('UND_ERR_SOCKET', 'other side closed')));
      else this.#later(0, () => this.#send());
    } else if (reason !== undefined) {
      this.#later(0, () => this.#fail(reason));
    } else if (connectMs !== undefined) {
      this.#later(connectMs, () => this.#connect());
    } else if (isRefused) {
      this.#later(0, () => this.#fail(failure('ECONNREFUSED', 'connect ECONNREFUSED')));
    }
  }

  #takeKept(): Connection | undefined {
    const index = this.#idle.findIndex(({ origin }) => origin === this.#request.origin);
    const kept = this.#idle[index];
    if (kept !== undefined && (!kept.isShared || kept.isClosed)) this.#idle.splice(index, 1);
    return kept;
  }

  #connect(): void {
    const connection = this.#options.connect?.(this.#request.origin);
    if (connection !== undefined) this.#request.connection = connection;
    if (connection?.isShared) this.#idle.push(connection);
    if (!connection?.isHung) this.#send();
  }

  /** Whether the connection loses what is sent in that direction now. */
  #isDead(loses: Connection['loses']): boolean {
    const { connection } = this.#request;
    const now = this.#options.now?.() ?? 0;
    return connection?.diesAt !== undefined && connection.diesAt <= now && connection.loses === loses;
  }

  #send(): void {
    const { thereMs, backMs } = this.#delivery;
    this.#handler.onRequestStart?.(this.#controller, null);
    // The step aborts here if it gave up while connecting: then nothing is sent.
    if (this.#isOver) return;
    this.#options.departs?.(this.#request);
    if (this.#isDead('requests')) return;
    if (thereMs === undefined) {
      this.#lose();
      return;
    }
    // The request arrives even if the step gives up in the meantime.
    this.#options.after(thereMs, () => {
      const answer = this.#options.answer(this.#request);
      if (this.#isDead('answers')) return;
      if (backMs === undefined) this.#lose();
      else this.#later(backMs + (answer.lateMs ?? 0), () => this.#receive(answer));
    });
  }

  #lose(): void {
    const { resetMs } = this.#delivery;
    if (resetMs !== undefined)
      this.#later(resetMs, () => this.#fail(failure('ECONNRESET', 'read ECONNRESET')));
  }

  #receive(answer: NetworkAnswer): void {
    const { arriving, pieces } = this.#delivery;
    if (answer.breaks === 'reset') {
      this.#fail(failure('ECONNRESET', 'read ECONNRESET'));
      return;
    }
    if (answer.breaks === 'hang' && answer.body === '') return;
    this.#handler.onResponseStart?.(this.#controller, answer.status, answer.headers, '');
    const bytes = Buffer.from(answer.bytes ?? answer.body);
    const arrived = bytes.subarray(0, Math.floor(bytes.length * arriving));
    const size = Math.max(1, Math.ceil(arrived.length / pieces));
    this.#read({ answer, arrived, size });
  }

  #read({ answer, arrived, size }: { answer: NetworkAnswer; arrived: Buffer; size: number }): void {
    const [piece, rest] = [arrived.subarray(0, size), arrived.subarray(size)];
    if (piece.length > 0) this.#handler.onResponseData?.(this.#controller, piece);
    if (rest.length === 0 && answer.breaks === 'hang') return;
    if (rest.length > 0)
      this.#later(this.#delivery.pauseMs, () => this.#read({ answer, arrived: rest, size }));
    else if (this.#delivery.arriving < 1) this.#fail(failure('UND_ERR_SOCKET', 'other side closed'));
    else this.#end(answer);
  }

  #end(answer: NetworkAnswer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { connection } = this.#request;
    if (connection !== undefined && !connection.isShared) this.#idle.push(connection);
    this.#options.delivered?.(this.#request, answer);
    this.#handler.onResponseEnd?.(this.#controller, {});
  }

  #later(ms: number, run: () => void): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    const { after, afterAtProcess = after } = this.#options;
    afterAtProcess(ms, () => {
      if (!this.#isOver) run();
    });
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseError?.(this.#controller, error);
  }
}

export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
