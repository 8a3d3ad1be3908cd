import { isRecord } from '../src/http/json.ts';

/** The type of a JSON value in a place. */
export type JsonKind = 'text' | 'number' | 'boolean' | 'null' | 'list' | 'object';

/** The places in JSON texts, such as `vminfo.port_forwarding[].host_port`, and the types seen there. */
export type Shape = ReadonlyMap<string, ReadonlySet<JsonKind>>;

/** Whether to descend into a place. */
export type Descends = (place: string) => boolean;

/** The survey must not descend into places with user-defined contents, such as `metadata`: their field names could reveal something. */
export function shapeOf(value: unknown, descends: Descends): Shape {
  const shape = new Map<string, Set<JsonKind>>();
  note(value, '', { shape, descends });
  return shape;
}

interface Noting {
  readonly shape: Map<string, Set<JsonKind>>;
  readonly descends: Descends;
}

function note(value: unknown, place: string, noting: Noting): void {
  const { shape, descends } = noting;
  const kinds = shape.get(place) ?? new Set();
  shape.set(place, kinds.add(kindOf(value)));
  if (place !== '' && !descends(place)) return;
  if (Array.isArray(value)) for (const item of value) note(item, `${place}[]`, noting);
  if (!isRecord(value)) return;
  for (const [name, held] of Object.entries(value)) {
    const plain = name.replaceAll(/[.[\]]/g, INSTEAD);
    note(held, place === '' ? plain : `${place}.${plain}`, noting);
  }
}

/** Replaces characters that have a meaning in a place, if they are part of a field's own name. */
const INSTEAD = '·';

function kindOf(value: unknown): JsonKind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'number' || typeof value === 'boolean' ? (typeof value as 'number') : 'object';
}

/** Adds another shape. */
export function mergeInto(shape: Map<string, Set<JsonKind>>, other: Shape): void {
  for (const [place, kinds] of other) shape.set(place, new Set([...(shape.get(place) ?? []), ...kinds]));
}

/** The place that contains a place; empty for the top level. */
export function parentOf(place: string): string {
  return place.endsWith('[]') ? place.slice(0, -2) : place.replace(/\.?[^.]*$/, '');
}

/** The words of a text or a name, in lower case. */
export function wordsIn(text: string): string[] {
  return (
    text
      .replace(/(\p{Ll})(?=\p{Lu})/gu, '$1 ')
      .toLowerCase()
      .match(/\p{L}{2,}/gu) ?? []
  );
}
