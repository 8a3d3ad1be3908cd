import type { Instance } from '../src/controller/instance.ts';
import { type Call, type Exchange, median, type SeenAnswer, type Series } from './recorder.ts';
import { type JsonKind, parentOf, type Shape } from './shape.ts';
import { SIMULATED_SHAPES } from './simulated.ts';

/** The results of one kind of request; times in milliseconds. */
export interface AnswerFacts {
  readonly call: Call;
  readonly asked: number;
  readonly medianMs: number | undefined;
  readonly longestMs: number | undefined;
  readonly largestBytes: number;
  /** How many answers had each HTTP status, and how many requests got no answer. */
  readonly statuses: Readonly<Record<string, number>>;
}

const CALLS: readonly Call[] = ['status', 'list', 'one', 'unknown', 'nodes', 'handshake', 'restart'];

/** The results of each kind of request that was sent with the credentials. */
export function answersOf(exchanges: readonly Exchange[]): AnswerFacts[] {
  return CALLS.flatMap((call) => {
    // The time to open a connection does not count as the answer's time.
    const asked = exchanges.filter((one) => one.call === call && one.series !== 'no credentials');
    const usual = asked.filter(({ answer, series }) => answer !== undefined && !series.startsWith('new'));
    const tookMs = usual.map(({ askedAt, answeredAt }) => answeredAt - askedAt);
    if (asked.length === 0) return [];
    return {
      call,
      asked: asked.length,
      medianMs: median(tookMs),
      longestMs: tookMs.length === 0 ? undefined : Math.max(...tookMs),
      largestBytes: Math.max(...asked.map(({ answer }) => answer?.bytes ?? 0)),
      statuses: tallyOf(asked),
    };
  });
}

function tallyOf(exchanges: readonly Exchange[]): Record<string, number> {
  return tally(exchanges.map(({ answer }) => (answer === undefined ? 'no answer' : `HTTP ${answer.status}`)));
}

/** How the controller refuses. */
export interface Refusal {
  readonly status: number;
  readonly envelope: SeenAnswer['envelope'];
}

/** The last answer to such a request; undefined if there was none. */
export function refusalTo(
  exchanges: readonly Exchange[],
  call: Call,
  series: Series = 'main',
): Refusal | undefined {
  const answer = lastAnswer(exchanges, call, series);
  return answer && { status: answer.status, envelope: answer.envelope };
}

export function lastAnswer(
  exchanges: readonly Exchange[],
  call: Call,
  series: Series = 'main',
): SeenAnswer | undefined {
  return exchanges.findLast((one) => one.call === call && one.series === series && one.answer)?.answer;
}

/** Whether the answer to `?id=` has the one instance or the whole list; undefined if the request was not sent, or was refused. */
export function isIdHonoured(exchanges: readonly Exchange[]): boolean | undefined {
  const answer = lastAnswer(exchanges, 'one');
  return answer?.envelope === 'OK' ? !answer.isList : undefined;
}

/** The size of the list. */
export interface ListFacts {
  readonly instances: number;
  readonly withVms: number;
  readonly nodes: number;
  readonly bytes: number;
  readonly unreadable: number;
  /** Running VMs without a usable start_date: the action could not prove a restart of them. */
  readonly runningWithoutDate: number;
}

export function listOf(exchanges: readonly Exchange[]): ListFacts | undefined {
  const answer = exchanges.findLast(
    ({ call, answer: one }) => call === 'list' && one?.envelope === 'OK',
  )?.answer;
  if (answer === undefined) return undefined;
  const { instances, bytes, unreadable } = answer;
  const running = instances.filter(({ status }) => status === 'running');
  return {
    instances: instances.length + unreadable,
    withVms: instances.filter(({ status }) => status !== undefined).length,
    nodes: new Set(instances.flatMap(({ nodeId }) => nodeId ?? [])).size,
    bytes,
    unreadable,
    runningWithoutDate: running.filter(({ startDate }) => startDate === undefined).length,
  };
}

/** The fields that the action reads: in an instance, in its `vminfo`, and in each forwarded port. */
export const READ_FIELDS = {
  instance: ['instance_id', 'instance_state', 'external_id', 'name', 'message', 'node_id', 'ts'],
  vminfo: ['uuid', 'status', 'start_date', 'stop_date', 'timestamp', 'host_ip', 'ip', 'vnc_port'],
  port: ['guest_port', 'host_port', 'protocol', 'name'],
} as const;

const READ_OF_INSTANCE: readonly string[] = [
  ...READ_FIELDS.instance,
  'vminfo',
  ...READ_FIELDS.vminfo.map((name) => `vminfo.${name}`),
  'vminfo.port_forwarding',
  ...READ_FIELDS.port.map((name) => `vminfo.port_forwarding[].${name}`),
];

const READ_PLACES: Partial<Record<Call, readonly string[]>> = {
  status: ['version'],
  one: READ_OF_INSTANCE,
  list: READ_OF_INSTANCE.map((place) => `[].vm.${place}`),
};

/** How the answers to one call differ from what the action reads, and from what the simulator writes. */
export interface FieldFacts {
  readonly call: Call;
  /** Fields that the action reads, but that no answer had. */
  readonly missing: readonly string[];
  /** Fields that neither the action nor the simulator knows. Names that could reveal something are not shown ... */
  readonly unknown: readonly string[];
  /** ... but counted by place and type of value: `vminfo.? (text)`. */
  readonly unnamed: Readonly<Record<string, number>>;
  /** Fields whose type differs from what the simulator writes. */
  readonly otherKinds: readonly OtherKind[];
}

export interface OtherKind {
  readonly place: string;
  readonly seen: readonly JsonKind[];
  readonly simulated: readonly JsonKind[];
}

/** @param isHarmless whether the report can show the name of a field. */
export function fieldsOf(call: Call, seen: Shape, isHarmless: (name: string) => boolean): FieldFacts {
  const simulated: Shape = SIMULATED_SHAPES[call] ?? new Map();
  const read = READ_PLACES[call] ?? [];
  const isKnown = (place: string) => simulated.has(place) || isRead(read, place);
  const unknown = [...seen.keys()].filter((place) => !isKnown(place));
  const harmless = unknown.filter((place) => isHarmless(nameOf(place)) && isKnown(parentOf(place)));
  const unnamed = unknown.filter((place) => !harmless.includes(place));
  return {
    call,
    missing: read.filter((place) => seen.has(parentOf(place)) && !isThere(seen, place)),
    unknown: harmless.sort(),
    unnamed: tally(unnamed.map((place) => shapeAt(seen, place, isKnown))),
    otherKinds: otherKinds(seen, simulated),
  };
}

/** Controllers omit empty fields, and a healthy VM may have no message. */
const OFTEN_EMPTY = /(^|\.)message$/;

/** In a list, an item's own fields take precedence over those in its `vm`. */
function isThere(seen: Shape, place: string): boolean {
  const outer = place.replace('[].vm.', '[].');
  return (
    seen.has(place) ||
    seen.has(outer) ||
    seen.has(place.replace(/\.name$/, '.Name')) ||
    OFTEN_EMPTY.test(place)
  );
}

/** Old versions spell the name of a port with a capital. */
function isRead(read: readonly string[], place: string): boolean {
  return read.includes(place) || /port_forwarding\[\]\.Name$/.test(place);
}

function nameOf(place: string): string {
  return place.slice(parentOf(place).length).replaceAll(/[.[\]]/g, '');
}

/** Such as `vminfo.? (text)`; a place below an unknown place is `? (text)`. */
function shapeAt(seen: Shape, place: string, isKnown: (place: string) => boolean): string {
  const parent = parentOf(place);
  const where = isKnown(parent) && parent !== '' ? `${parent}.?` : '?';
  return `${where} (${[...(seen.get(place) ?? [])].sort().join(' or ')})`;
}

function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

function otherKinds(seen: Shape, simulated: Shape): OtherKind[] {
  return [...simulated].flatMap(([place, kinds]) => {
    const others = [...(seen.get(place) ?? [])].filter((kind) => !kinds.has(kind));
    return others.length === 0 ? [] : [{ place, seen: others.sort(), simulated: [...kinds].sort() }];
  });
}

/** The dates that the action reads. */
export const DATES = ['ts', 'timestamp', 'start_date', 'stop_date'] as const;
export type DateField = (typeof DATES)[number];

/** How a date is written: the number of digits after the second, and the zone. */
export type DateForm = 'none' | `${'whole seconds' | 'fractions'}, ${'UTC' | 'offset'}`;

/** The forms in which each date was written. */
export function dateFormsOf(instances: readonly Instance[]): Record<DateField, DateForm[]> {
  const forms = (read: (instance: Instance) => string | undefined) =>
    [...new Set(instances.flatMap((instance) => formOf(read(instance)) ?? []))].sort();
  return {
    ts: forms(({ updatedAt }) => updatedAt?.text),
    timestamp: forms(({ reportedAt }) => reportedAt?.text),
    start_date: forms(({ startDate, startDateText }) => startDate?.text ?? (startDateText && NONE)),
    stop_date: forms(({ stopDate }) => stopDate?.text),
  };
}

/** Stands for a text that is not a date, such as Go's zero time. */
const NONE = 'none';

function formOf(text: string | undefined): DateForm | undefined {
  if (text === undefined) return undefined;
  if (text === NONE) return 'none';
  const precision = text.includes('.') ? 'fractions' : 'whole seconds';
  return `${precision}, ${/(?:[Zz]|[+-]00:00)$/.test(text) ? 'UTC' : 'offset'}`;
}
