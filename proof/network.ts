import { Dispatcher } from 'undici';
import type { SeenRequest } from '../simulator/face.ts';

/** What becomes of a request on its way; times in milliseconds. */
export interface Fate {
  /** Until a connection stands; undefined where none comes about (`refused` tells at once, else it hangs). */
  readonly connectMs: number | undefined;
  readonly isRefused: boolean;
  /** Until the controller has it; undefined where it is lost. */
  readonly thereMs: number | undefined;
  /** Until the answer is back; undefined where that is lost. */
  readonly backMs: number | undefined;
  /** What is lost ends in a reset after so long; undefined where nobody ever hears of it. */
  readonly resetMs: number | undefined;
  /** The share of the answer's body that arrives before the connection breaks; 1 for all of it. */
  readonly arriving: number;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface NetworkOptions {
  readonly at: (afterMs: number, act: () => void) => void;
  readonly fateOf: (request: SeenRequest) => Fate;
  /** The controller: called when the request has arrived. */
  readonly answer: (request: SeenRequest) => WireAnswer;
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
      method: options.method,
      path: options.path,
      headers: Object(options.headers) as SeenRequest['headers'],
      body: typeof options.body === 'string' ? options.body : '',
    };
    new Journey(this.#options, handler).begin(request);
    return true;
  }

  override async close(): Promise<void> {}

  override async destroy(): Promise<void> {}
}

/** One request and its answer; whatever happens after its end is nobody's business. */
class Journey {
  readonly #options: NetworkOptions;
  readonly #handler: Dispatcher.DispatchHandler;
  #isOver = false;
  readonly #controller: Dispatcher.DispatchController;

  constructor(options: NetworkOptions, handler: Dispatcher.DispatchHandler) {
    this.#options = options;
    this.#handler = handler;
    const fail = (error: Error) => this.#fail(error);
    this.#controller = {
      aborted: false,
      paused: false,
      reason: null,
      abort: fail,
      pause() {},
      resume() {},
    };
  }

  begin(request: SeenRequest): void {
    const fate = this.#options.fateOf(request);
    if (fate.connectMs === undefined) {
      if (fate.isRefused) this.#later(0, () => this.#fail(failure('ECONNREFUSED', 'connect ECONNREFUSED')));
      return;
    }
    this.#later(fate.connectMs, () => {
      this.#handler.onRequestStart?.(this.#controller, null);
      this.#send(request, fate);
    });
  }

  #send(request: SeenRequest, fate: Fate): void {
    if (fate.thereMs === undefined) {
      this.#lose(fate);
      return;
    }
    // It arrives even if nobody waits for the answer any more.
    this.#options.at(fate.thereMs, () => {
      const answer = this.#options.answer(request);
      if (fate.backMs === undefined) this.#lose(fate);
      else this.#later(fate.backMs, () => this.#receive(answer, fate));
    });
  }

  #lose({ resetMs }: Fate): void {
    if (resetMs !== undefined)
      this.#later(resetMs, () => this.#fail(failure('ECONNRESET', 'read ECONNRESET')));
  }

  #receive({ status, headers, body }: WireAnswer, { arriving }: Fate): void {
    this.#handler.onResponseStart?.(this.#controller, status, headers, '');
    const bytes = Buffer.from(body);
    const arrived = bytes.subarray(0, Math.floor(bytes.length * arriving));
    if (arrived.length > 0) this.#handler.onResponseData?.(this.#controller, arrived);
    if (arriving < 1) {
      this.#fail(failure('UND_ERR_SOCKET', 'other side closed'));
      return;
    }
    this.#isOver = true;
    this.#handler.onResponseEnd?.(this.#controller, {});
  }

  #later(ms: number, act: () => void): void {
    this.#options.at(ms, () => {
      if (!this.#isOver) act();
    });
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseError?.(this.#controller, error);
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
