import type { Clock } from '../src/clock.ts';
import { parseEnvelope } from '../src/controller/envelope.ts';
import { type Instance, readInstance, readMatches } from '../src/controller/instance.ts';
import { isRecord } from '../src/http/json.ts';
import type { FaultNature } from '../src/http/retry-budget.ts';
import type { Answer, HttpRequest, Transport } from '../src/http/transport.ts';
import { type JsonKind, mergeInto, shapeOf } from './shape.ts';
import { KNOWN_PLACES } from './simulated.ts';

/** What was asked, by the endpoint. */
export type Call = 'status' | 'list' | 'one' | 'unknown' | 'nodes' | 'restart' | 'handshake';

/** No instance has this ID: asking for it shows how the controller says no. */
export const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

/** Which connection it went over, and what for; of bursts the number, too. */
export type Series = 'looks' | 'stranger' | `kept ${number}` | `new ${number}`;

/** A request and what became of it. Moments are milliseconds on the clock's scale. */
export interface Exchange {
  readonly call: Call;
  readonly series: Series;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly answer: SeenAnswer | undefined;
  /** Why there is no answer. */
  readonly fault: FaultNature | undefined;
}

/** What is kept of an answer. */
export interface SeenAnswer {
  readonly status: number;
  readonly bytes: number;
  /** The header Date, in milliseconds since the Unix epoch. */
  readonly dateMs: number | undefined;
  readonly envelope: 'OK' | 'FAIL' | 'none';
  readonly isList: boolean;
  readonly instances: readonly Instance[];
  /** How many entries of the list could not be read as instances. */
  readonly unreadable: number;
  readonly nodes: readonly SeenNode[];
  readonly version: string | undefined;
}

export interface SeenNode {
  readonly id: string;
  readonly isActive: boolean;
  readonly agentVersion: string | undefined;
}

/** All that was seen, in order. */
export interface Notebook {
  readonly exchanges: Exchange[];
  /** The shapes of all answers to each call, together. */
  readonly shapes: Map<Call, Map<string, Set<JsonKind>>>;
  /** Each instance as it was last seen: an hour of looks would fill the memory if each kept a copy of its own. */
  readonly known: Map<string, Instance>;
  /** Secrets, identifiers and hosts that came along: nothing of them may stand in the report. */
  readonly identifiers: Set<string>;
}

export function createNotebook(): Notebook {
  return { exchanges: [], shapes: new Map(), known: new Map(), identifiers: new Set() };
}

export interface Observing {
  readonly notebook: Notebook;
  readonly clock: Clock;
  readonly series: Series;
}

/** The same transport; whatever goes over it is noted. */
export function observe(transport: Transport, { notebook, clock, series }: Observing): Transport {
  return {
    close: transport.close,
    async send(request, bounds) {
      const call = callOf(request);
      const askedAt = clock.now();
      const result = await transport.send(request, bounds);
      const answeredAt = clock.now();
      const answer = 'answer' in result ? noteAnswer(notebook, request, result.answer) : undefined;
      const fault = 'answer' in result ? undefined : result.noAnswer.nature;
      notebook.exchanges.push({ call, series, askedAt, answeredAt, answer, fault });
      return result;
    },
  };
}

function noteAnswer(notebook: Notebook, request: HttpRequest, answer: Answer): SeenAnswer {
  const call = callOf(request);
  const seen = seenAnswer(request, answer, call);
  const instances = seen.instances.map((instance) => asKnown(notebook, instance));
  for (const instance of instances) noteIdentifiers(notebook, instance);
  for (const { id } of seen.nodes) notebook.identifiers.add(id);
  if (call !== 'handshake') noteShape(notebook, call, bodyOf(answer));
  return { ...seen, instances };
}

function noteShape({ shapes }: Notebook, call: Call, body: unknown): void {
  if (body === undefined) return;
  const shape = shapes.get(call) ?? new Map();
  shapes.set(call, shape);
  mergeInto(
    shape,
    shapeOf(body, (place) => KNOWN_PLACES[call]?.has(place) ?? false),
  );
}

function bodyOf(answer: Answer): unknown {
  const envelope = parseEnvelope(answer);
  return envelope?.status === 'OK' ? envelope.body : undefined;
}

/** The very object of before where nothing has changed. */
function asKnown({ known }: Notebook, instance: Instance): Instance {
  const before = known.get(instance.instanceId);
  if (before !== undefined && wording(before) === wording(instance)) return before;
  known.set(instance.instanceId, instance);
  return instance;
}

function wording(instance: Instance): string {
  return JSON.stringify(instance, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

function callOf({ method, path }: HttpRequest): Call {
  const [pathname = '', query] = path.split('?');
  if (pathname.startsWith('/tap/')) return 'handshake';
  if (method === 'POST') return 'restart';
  if (pathname.endsWith('/status')) return 'status';
  if (pathname.endsWith('/node')) return 'nodes';
  if (query === undefined) return 'list';
  return query.endsWith(UNKNOWN_ID) ? 'unknown' : 'one';
}

function noteIdentifiers({ identifiers }: Notebook, instance: Instance): void {
  const { instanceId, externalId, name, nodeId, hostIp, ip } = instance;
  for (const text of [instanceId, externalId, name, nodeId, hostIp, ip])
    if (text !== undefined) identifiers.add(text);
}

function seenAnswer(request: HttpRequest, answer: Answer, call: Call): SeenAnswer {
  const envelope = parseEnvelope(answer);
  const body = call === 'handshake' ? undefined : bodyOf(answer);
  const dateMs = Date.parse(answer.headers['date'] ?? '');
  const isList = Array.isArray(body);
  const instances = call === 'list' || call === 'one' ? readAll(body, request.path) : [];
  return {
    status: answer.status,
    bytes: Buffer.byteLength(answer.text),
    dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
    envelope: envelope === undefined ? 'none' : envelope.status === 'OK' ? 'OK' : 'FAIL',
    isList,
    instances,
    unreadable: call === 'list' && isList ? body.length - instances.length : 0,
    nodes: call === 'nodes' && isList ? body.flatMap(nodeFrom) : [],
    version: call === 'status' && isRecord(body) ? versionIn(body['version']) : undefined,
  };
}

/** As the action itself would read them. */
function readAll(body: unknown, path: string): Instance[] {
  if (!Array.isArray(body)) {
    const id = new URLSearchParams(path.split('?')[1]).get('id') ?? '';
    return orNone(() => readInstance(body, id));
  }
  return body.flatMap((item) => {
    const id = idIn(item);
    return orNone(() => readMatches([item], { by: 'instance_id', id })[0]);
  });
}

function orNone(read: () => Instance | undefined): Instance[] {
  try {
    const instance = read();
    return instance === undefined ? [] : [instance];
  } catch {
    return [];
  }
}

function idIn(item: unknown): string {
  if (!isRecord(item)) return '';
  const inner = isRecord(item['vm']) ? item['vm']['instance_id'] : undefined;
  return String(item['instance_id'] ?? inner ?? '');
}

function nodeFrom(item: unknown): SeenNode[] {
  if (!isRecord(item) || typeof item['node_id'] !== 'string') return [];
  const { node_id: id, state, agent_version: agentVersion } = item;
  return [{ id, isActive: state === 'Active', agentVersion: versionIn(agentVersion) }];
}

/** The numbers of `1.50.1-5e3c3f5b`: what follows them is nobody's business. Four numbers would be an address. */
function versionIn(value: unknown): string | undefined {
  return /^v?(\d{1,4}\.\d{1,4}(?:\.\d{1,4})?)(?![\d.])/.exec(String(value))?.[1];
}

/** Of the last good answer to such a question; none before there was any. */
export function lastInstances({ exchanges }: Notebook, call: 'list' | 'one'): readonly Instance[] {
  return (
    exchanges.findLast((exchange) => exchange.call === call && exchange.answer?.envelope === 'OK')?.answer
      ?.instances ?? []
  );
}
