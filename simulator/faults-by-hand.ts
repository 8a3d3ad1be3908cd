import type { Fault, Interventions } from './faults.ts';
import type { Random } from './random.ts';
import { denied, type SeenRequest } from './replies.ts';

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
