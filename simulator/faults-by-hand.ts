import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Random } from './random.ts';
import { denied, type Reaction, type SeenRequest } from './replies.ts';

/** A fault instead of the world's answer (`before`), or one that changes the answer (`after`). */
export type Fault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'hang in body'; readonly start: string }
  /** The answer is late; only `after`. */
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

/** Over HTTP/1.1 or HTTP/2. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** @param reaction the world's answer, for faults `after` it */
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

/** Both classes have the method, but with incompatible signatures. */
function start(response: AnyResponse, status: number, headers: Record<string, string>): void {
  if ('stream' in response) response.writeHead(status, headers);
  else response.writeHead(status, headers);
}

/** Whether the client has disconnected: HTTP/2 throws when writing to it. */
function isGone(response: AnyResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed;
}

/** Resets the connection and all requests on it. */
function reset(response: AnyResponse): void {
  if ('stream' in response) response.stream.session?.destroy();
  else response.socket?.destroy();
}

/** A fault from the command line, and the share of API requests that it affects. */
export interface FaultByHand {
  readonly kind: FaultKind;
  readonly share: number;
}

const SLOW_MS = 5_000;
const RETRY_AFTER = { 'retry-after': '2' };
const HTML = { 'content-type': 'text/html' };

/** Replaces the controller, which never sees the request. */
const BEFORE = {
  '502': { kind: 'answer', status: 502, headers: HTML, body: '<html><h1>502 Bad Gateway</h1></html>\n' },
  '503': { kind: 'answer', status: 503, headers: { ...HTML, ...RETRY_AFTER }, body: '' },
  '429': { kind: 'answer', status: 429, headers: { ...HTML, ...RETRY_AFTER }, body: '' },
  reset: { kind: 'reset' },
  html: { kind: 'answer', headers: HTML, body: '<html><h1>Welcome</h1></html>\n' },
  '401': { kind: 'answer', ...denied() },
} satisfies Record<string, Fault>;

/** After the controller has handled the request. */
const AFTER = {
  slow: { kind: 'slow', ms: SLOW_MS },
  'lost-answer': { kind: 'reset' },
} satisfies Record<string, Fault>;

export type FaultKind = keyof typeof BEFORE | keyof typeof AFTER;

/** In the order in which `--help` lists them. */
export const FAULT_KINDS: readonly FaultKind[] = [
  '502',
  '503',
  '429',
  'reset',
  'slow',
  'html',
  '401',
  'lost-answer',
];

/** Reads `KIND`, for every request, or `KIND:SHARE`. @throws Error for anything else */
export function readFault(text: string): FaultByHand {
  const [name = '', share = '1', ...rest] = text.split(':');
  const kind = FAULT_KINDS.find((one) => one === name);
  const isShare = share !== '' && Number(share) >= 0 && Number(share) <= 1;
  if (kind !== undefined && isShare && rest.length === 0) return { kind, share: Number(share) };
  throw new Error(
    `--fault must be KIND or KIND:SHARE, with a KIND of ${FAULT_KINDS.join(', ')} and a SHARE from 0 to 1, not ${JSON.stringify(text)}`,
  );
}

/** Each kind of fault has its own random source. */
export function interventionsOf(faults: readonly FaultByHand[], random: Random): Interventions {
  const chances = new Map(faults.map(({ kind }) => [kind, random.fork(`fault ${kind}`)]));
  const happening = (kinds: Readonly<Record<string, Fault>>, request: SeenRequest) => {
    if (!request.path.startsWith('/api/v1/')) return undefined;
    const happened = faults.find(
      ({ kind, share }) => kind in kinds && fits(kind, request) && (chances.get(kind)?.next() ?? 1) < share,
    );
    return happened && kinds[happened.kind];
  };
  return {
    before: (request) => happening(BEFORE, request),
    after: (request) => happening(AFTER, request),
  };
}

/** Only answers to restarts get lost. */
function fits(kind: FaultKind, { path }: SeenRequest): boolean {
  return kind !== 'lost-answer' || path.endsWith('/rpc/vm/restart');
}
