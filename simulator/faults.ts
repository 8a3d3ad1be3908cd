import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Random } from './random.ts';
import { denied, type Reaction, type SeenRequest } from './replies.ts';

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

/** A fault that somebody asked for, and the share of requests to the controller's API that it happens to. */
export interface FaultByHand {
  readonly kind: FaultKind;
  readonly share: number;
}

const SLOW_MS = 5_000;
const RETRY_AFTER = { 'retry-after': '2' };
const HTML = { 'content-type': 'text/html' };

/** Instead of the controller's answer: it never hears of the request. */
const BEFORE = {
  '502': { kind: 'answer', status: 502, headers: HTML, body: '<html><h1>502 Bad Gateway</h1></html>\n' },
  '503': { kind: 'answer', status: 503, headers: { ...HTML, ...RETRY_AFTER }, body: '' },
  '429': { kind: 'answer', status: 429, headers: { ...HTML, ...RETRY_AFTER }, body: '' },
  reset: { kind: 'reset' },
  html: { kind: 'answer', headers: HTML, body: '<html><h1>Welcome</h1></html>\n' },
  '401': { kind: 'answer', ...denied() },
} satisfies Record<string, Fault>;

/** After the controller has done what it was asked for. */
const AFTER = {
  slow: { kind: 'slow', ms: SLOW_MS },
  'lost-answer': { kind: 'reset' },
} satisfies Record<string, Fault>;

export type FaultKind = keyof typeof BEFORE | keyof typeof AFTER;

/** In the order of the documentation. */
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

/** Reads `KIND`, which happens to every request, or `KIND:SHARE`. @throws Error for what is neither */
export function readFault(text: string): FaultByHand {
  const [name = '', share = '1', ...rest] = text.split(':');
  const kind = FAULT_KINDS.find((one) => one === name);
  const isShare = share !== '' && Number(share) >= 0 && Number(share) <= 1;
  if (kind !== undefined && isShare && rest.length === 0) return { kind, share: Number(share) };
  throw new Error(
    `--fault takes KIND or KIND:SHARE, with a KIND of ${FAULT_KINDS.join(', ')} and a SHARE from 0 to 1, not ${JSON.stringify(text)}`,
  );
}

/** Lets them happen; each kind has a source of chance of its own. */
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

/** The answer that gets lost is that to a restart. */
function fits(kind: FaultKind, { path }: SeenRequest): boolean {
  return kind !== 'lost-answer' || path.endsWith('/rpc/vm/restart');
}
