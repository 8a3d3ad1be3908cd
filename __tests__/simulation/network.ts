import { Dispatcher } from 'undici';
import type { SeenRequest } from '../../simulator/controller-api.ts';

/** What becomes of a request and its answer on their way; times in milliseconds. */
export interface Delivery {
  /** Until a connection stands; undefined where none comes about (if `isRefused`, it fails at once, else it hangs). */
  readonly connectMs: number | undefined;
  readonly isRefused: boolean;
  /** Why no connection comes about, where it is not refused but fails at once. */
  readonly failure?: Error | undefined;
  /** Until the controller has it; undefined where it is lost. */
  readonly thereMs: number | undefined;
  /** Until the answer is back; undefined where that is lost. */
  readonly backMs: number | undefined;
  /** What is lost ends in a reset after so long; undefined where it just never ends. */
  readonly resetMs: number | undefined;
  /** The share of the answer's body that arrives before the connection breaks; 1 for all of it. */
  readonly arriving: number;
  /** The body comes in so many pieces, with such pauses between them. */
  readonly pieces: number;
  readonly pauseMs: number;
}

/** A request, and where it goes. */
export interface SentRequest extends SeenRequest {
  readonly origin: string;
}

export interface NetworkAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as it is sent, where that differs. */
  readonly bytes?: Uint8Array;
  /** How much later than others it is on its way; never for infinity. */
  readonly lateMs?: number;
  /** Instead of an answer the connection is reset; or the answer never ends after what `body` says. */
  readonly breaks?: 'reset' | 'hang';
}

export interface NetworkOptions {
  readonly after: (afterMs: number, run: () => void) => void;
  /** The same for what comes in at the step's process; where it is absent, that is never suspended. */
  readonly afterAtProcess?: (afterMs: number, run: () => void) => void;
  readonly deliveryOf: (request: SentRequest) => Delivery;
  /** A connection stands, and the request leaves. */
  readonly departs?: (request: SentRequest) => void;
  /** The controller: called when the request has arrived. */
  readonly answer: (request: SentRequest) => NetworkAnswer;
  /** The whole answer is there, and the step still waits for it. */
  readonly delivered?: (request: SentRequest, answer: NetworkAnswer) => void;
}

/** A network for undici that is all made up: no socket, no real time. */
export class SimulatedNetwork extends Dispatcher {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    super();
    this.#options = options;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const request = {
      origin: String(options.origin),
      method: options.method,
      path: options.path,
      headers: Object(options.headers) as SeenRequest['headers'],
      body: typeof options.body === 'string' ? options.body : '',
    };
    new Exchange(this.#options, { request, handler }).begin();
    return true;
  }

  override async close(): Promise<void> {}

  override async destroy(): Promise<void> {}
}

interface Dispatched {
  readonly request: SentRequest;
  readonly handler: Dispatcher.DispatchHandler;
}

/** One request and its answer. Nothing that happens after its end reaches the step. */
class Exchange {
  readonly #options: NetworkOptions;
  readonly #request: SentRequest;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #delivery: Delivery;
  readonly #controller: Dispatcher.DispatchController;
  #isOver = false;

  constructor(options: NetworkOptions, { request, handler }: Dispatched) {
    this.#options = options;
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
    if (reason !== undefined) {
      this.#later(0, () => this.#fail(reason));
    } else if (connectMs !== undefined) {
      this.#later(connectMs, () => this.#send());
    } else if (isRefused) {
      this.#later(0, () => this.#fail(failure('ECONNREFUSED', 'connect ECONNREFUSED')));
    }
  }

  #send(): void {
    const { thereMs, backMs } = this.#delivery;
    this.#handler.onRequestStart?.(this.#controller, null);
    // The step aborts here if it gave up while the connection was made: then nothing is sent.
    if (this.#isOver) return;
    this.#options.departs?.(this.#request);
    if (thereMs === undefined) {
      this.#lose();
      return;
    }
    // The request arrives even if the step gives up meanwhile.
    this.#options.after(thereMs, () => {
      const answer = this.#options.answer(this.#request);
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
