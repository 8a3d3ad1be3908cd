// The two answers of `GET /api/v1/vm`: one instance, or the list of all.

import { type Fields, isRecord, UnusableAnswer } from '../http/json.ts';
import { type Instance, instanceFrom, isSameId, notTheApi, type Target } from './instance.ts';

/**
 * Reads the body of `GET /api/v1/vm?id=ID`: one instance, or, from a controller that ignores the parameter, a list.
 * @param instanceId the requested ID: old controllers omit it from the answer.
 * @throws UnusableAnswer
 */
export function readInstance(body: unknown, instanceId: string): Instance | undefined {
  if (Array.isArray(body)) return readList(body).matching({ by: 'instance_id', id: instanceId })[0];
  if (!isRecord(body)) throw notTheApi('the instance is not a JSON object');
  const instance = instanceFrom({ instance_id: instanceId, ...body });
  if (!isSameId(instance.instanceId, instanceId)) {
    throw new UnusableAnswer('the answer is about another instance than the one asked for');
  }
  return instance;
}

/** What one answer of `GET /api/v1/vm` lists: `{external_id, instance_id, name, vm}` items. */
export interface InstanceList {
  /**
   * The matching instances. The others are not checked: a broken record of another VM must not matter.
   * @throws UnusableAnswer if a match cannot be read.
   */
  matching(target: Target): Instance[];
  /** All readable instances. */
  readable(): Instance[];
  /** The IDs of all listed instances. */
  externalIds(): string[];
}

/**
 * Reads the body of `GET /api/v1/vm`. Indexes the items by their names, and parses each only when needed.
 * @throws UnusableAnswer if there is no list.
 */
export function readList(body: unknown): InstanceList {
  const items = itemsOf(body);
  const byName = indexed(items);
  const read = new Map<ListItem, Instance>();
  function readOnce(item: ListItem): Instance {
    const instance = read.get(item) ?? instanceFrom(merge(item.outer, item.vm));
    read.set(item, instance);
    return instance;
  }
  return {
    matching: (target) => distinct((byName.get(nameOf(target)) ?? []).map(readOnce)),
    readable: () => distinct(items.flatMap((item) => unlessBroken(() => readOnce(item)) ?? [])),
    externalIds: () => items.flatMap((item) => externalIdOf(item) ?? []),
  };
}

interface ListItem {
  readonly outer: Fields;
  readonly vm: Fields;
}

function itemsOf(body: unknown): ListItem[] {
  // Go writes an empty list as null, or omits it with `omitempty`.
  if (body === null || body === undefined) return [];
  if (!Array.isArray(body)) throw notTheApi('the instances are not a JSON array');
  return (body as unknown[]).flatMap((outer) =>
    isRecord(outer) && isRecord(outer['vm']) ? [{ outer, vm: outer['vm'] }] : [],
  );
}

/** Old controllers omit the outer keys; an ID can be in upper or lower case. */
function indexed(items: readonly ListItem[]): ReadonlyMap<string, ListItem[]> {
  const byName = new Map<string, ListItem[]>();
  for (const item of items) {
    const { outer, vm } = item;
    const externalId = externalIdOf(item);
    const ids = [outer['instance_id'], vm['instance_id']].flatMap((id) =>
      typeof id === 'string' ? [nameOf({ by: 'instance_id', id })] : [],
    );
    const external = externalId === undefined ? [] : [nameOf({ by: 'external_id', id: externalId })];
    for (const name of new Set([...ids, ...external])) {
      const named = byName.get(name);
      if (named === undefined) byName.set(name, [item]);
      else named.push(item);
    }
  }
  return byName;
}

function externalIdOf({ outer, vm }: ListItem): string | undefined {
  const externalId = outer['external_id'] ?? vm['external_id'];
  return typeof externalId === 'string' ? externalId : undefined;
}

function nameOf({ by, id }: Target): string {
  return `${by} ${by === 'instance_id' ? id.toLowerCase() : id}`;
}

/** Each instance once: of several records, the last counts. */
function distinct(instances: readonly Instance[]): Instance[] {
  return [...new Map(instances.map((instance) => [instance.instanceId, instance])).values()];
}

function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnusableAnswer) return undefined;
    throw error;
  }
}

/** The outer keys take precedence over the inner ones, unless they are null. */
function merge(outer: Fields, vm: Fields): Fields {
  const [outerId, innerId] = [outer['instance_id'], vm['instance_id']];
  if (typeof outerId === 'string' && typeof innerId === 'string' && !isSameId(outerId, innerId)) {
    throw new UnusableAnswer('an instance in the list has two different IDs');
  }
  return {
    ...vm,
    instance_id: outerId ?? innerId,
    external_id: outer['external_id'] ?? vm['external_id'],
    name: outer['name'] ?? vm['name'],
  };
}
