import { Dispatcher } from 'undici';
import type { SeenRequest } from '../../simulator/controller-api.ts';

export interface TamperedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  /** Milliseconds; undefined where it never comes. */
  readonly afterMs: number | undefined;
}

export interface TamperedNetworkOptions {
  readonly after: (afterMs: number, run: () => void) => void;
  readonly answer: (request: SeenRequest) => TamperedAnswer;
}

/** A network for undici in which each request arrives, and anything at all may come back. */
export class TamperedNetwork extends Dispatcher {
  readonly #options: TamperedNetworkOptions;

  constructor(options: TamperedNetworkOptions) {
    super();
    this.#options = options;
  }

  override dispatch(
    { method, path, headers, body }: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const request = {
      method,
      path,
      headers: Object(headers) as SeenRequest['headers'],
      body: typeof body === 'string' ? body : '',
    };
    let isOver = false;
    const controller: Dispatcher.DispatchController = {
      aborted: false,
      paused: false,
      reason: null,
      pause() {},
      resume() {},
      abort(reason) {
        if (isOver) return;
        isOver = true;
        handler.onResponseError?.(controller, reason);
      },
    };
    handler.onRequestStart?.(controller, null);
    const { status, headers: answered, bytes, afterMs } = this.#options.answer(request);
    if (afterMs === undefined) return true;
    this.#options.after(afterMs, () => {
      if (!isOver) handler.onResponseStart?.(controller, status, answered, '');
      // Two chunks: a character or an escape may lie across their border.
      const half = Math.ceil(bytes.length / 2);
      for (const chunk of [bytes.subarray(0, half), bytes.subarray(half)]) {
        if (!isOver && chunk.length > 0) handler.onResponseData?.(controller, Buffer.from(chunk));
      }
      if (isOver) return;
      isOver = true;
      handler.onResponseEnd?.(controller, {});
    });
    return true;
  }

  override async close(): Promise<void> {}

  override async destroy(): Promise<void> {}
}
