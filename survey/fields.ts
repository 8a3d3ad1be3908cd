import { createRedactor } from '../src/report/redactor.ts';
import type { Call } from './notebook.ts';
import { type JsonKind, parentOf, type Shape } from './shape.ts';
import { SIMULATED_SHAPES } from './simulated.ts';

/** The fields that the action reads of an instance: those of the instance, of its `vminfo`, and of each forwarded port. */
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
  /** What the action reads, and no answer held. */
  readonly missing: readonly string[];
  /** What neither the action nor the simulator knows. Names that might give something away are counted, not shown. */
  readonly unknown: readonly string[];
  readonly unnamed: number;
  /** What is of another kind than the simulator writes. */
  readonly otherKinds: readonly OtherKind[];
}

export interface OtherKind {
  readonly place: string;
  readonly seen: readonly JsonKind[];
  readonly simulated: readonly JsonKind[];
}

/** @param isHarmless whether the name of a field may be shown. */
export function fieldsOf(call: Call, seen: Shape, isHarmless: (name: string) => boolean): FieldFacts {
  const simulated: Shape = SIMULATED_SHAPES[call] ?? new Map();
  const read = READ_PLACES[call] ?? [];
  const unknown = [...seen.keys()].filter((place) => !simulated.has(place) && !isRead(read, place));
  const harmless = unknown.filter((place) => place.split('.').every((name) => isHarmless(nameOnly(name))));
  return {
    call,
    missing: read.filter((place) => seen.has(parentOf(place)) && !isThere(seen, place)),
    unknown: harmless.sort(),
    unnamed: unknown.length - harmless.length,
    otherKinds: otherKinds(seen, simulated),
  };
}

/** Empty fields are left out, and a healthy VM may have nothing to say. */
const OFTEN_EMPTY = /(^|\.)message$/;

/** In a list, what an item holds itself counts before what its `vm` holds. */
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

function nameOnly(name: string): string {
  return name.replaceAll('[]', '');
}

function otherKinds(seen: Shape, simulated: Shape): OtherKind[] {
  return [...simulated].flatMap(([place, kinds]) => {
    const others = [...(seen.get(place) ?? [])].filter((kind) => !kinds.has(kind));
    return others.length === 0 ? [] : [{ place, seen: others.sort(), simulated: [...kinds].sort() }];
  });
}

const LIKE_A_NAME = /^[a-z_]{0,40}$/i;

/**
 * Whether a field's name looks like one, and holds nothing of what must not be shown, in whatever form.
 * @param identifiers names, IDs, addresses, hosts and secrets.
 */
export function createNameCheck(identifiers: Iterable<string>): (name: string) => boolean {
  const redactor = createRedactor();
  redactor.add(...identifiers);
  return (name) => LIKE_A_NAME.test(name) && redactor.redact(name) === name;
}
