import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Reaction, SeenRequest } from './replies.ts';

/** A fault of a request: instead of the world answering (`before`), or with its answer (`after`). */
export type Fault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'hang in body'; readonly start: string }
  /** The answer comes, but late; only `after`. */
  | { readonly kind: 'slow'; readonly ms: number }
  | {
      readonly kind: 'answer';
      readonly status?: number;
      readonly headers?: Record<string, string>;
      readonly body: string;
    };

export interface Interventions {
  readonly before?: (request: SeenRequest) => Fault | undefined;
  readonly after?: (request: SeenRequest, reaction: Reaction) => Fault | undefined;
}

/** Over HTTP/1.1, or 2. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** @param reaction what the world answers, where it was asked. */
export function applyFault(response: AnyResponse, fault: Fault, reaction?: Reaction): void {
  if (fault.kind === 'reset') reset(response);
  if (fault.kind === 'answer') send(response, { status: 200, headers: {}, ...fault });
  if (fault.kind === 'slow' && reaction !== undefined)
    setTimeout(() => send(response, reaction), fault.ms).unref();
  if (fault.kind === 'hang in body') {
    start(response, 200, { 'content-type': 'application/json', 'content-length': '100000' });
    (response as ServerResponse).write(fault.start);
  }
}

export function send(response: AnyResponse, { status, headers, body }: Reaction): void {
  if (isGone(response)) return;
  start(response, status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

/** Both classes have the method, but with signatures that do not go together. */
function start(response: AnyResponse, status: number, headers: Record<string, string>): void {
  if ('stream' in response) response.writeHead(status, headers);
  else response.writeHead(status, headers);
}

/** Whether the client has hung up: HTTP/2 throws where nobody is left to write to. */
function isGone(response: AnyResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed;
}

/** Breaks the connection, with all that is under way on it. */
function reset(response: AnyResponse): void {
  if ('stream' in response) response.stream.session?.destroy();
  else response.socket?.destroy();
}
