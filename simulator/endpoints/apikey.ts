import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { date } from '../dates.ts';
import type { KeyRing, UserKey } from '../key-ring.ts';
import { fail, fieldsOf, type Json, notFound, ok, type Reaction, text } from '../replies.ts';

export interface KeyRequest {
  readonly method: string;
  readonly body: string;
  readonly now: number;
}

/** `/api/v1/apikey`, for root: lists the user API keys, makes one, changes one, takes one back. */
export function manageKeys(keys: KeyRing, { method, body, now }: KeyRequest): Reaction {
  const fields = fieldsOf(body);
  const id = text(fields['id']);
  if (method === 'GET') return ok(keys.all.map(keyBody));
  if (!['POST', 'PUT', 'DELETE'].includes(method)) return notFound();
  if (id === '') return fail('id is required');
  const terms = { groups: groupsIn(fields), createdAt: now, expiresAt: expiryIn(fields, now) };
  if (method === 'POST') return create(keys, { ...terms, id }, text(fields['publicKey']));
  const key = keys.all.find((one) => one.id === id);
  if (method === 'PUT' && key === undefined) return fail('Not found');
  if (method === 'PUT' && key !== undefined)
    keys.add({ ...key, groups: terms.groups, expiresAt: terms.expiresAt ?? key.expiresAt });
  else keys.remove(id);
  return ok();
}

function keyBody({ id, groups, createdAt, expiresAt }: UserKey): Json {
  return {
    id,
    groups: [...groups],
    ...(expiresAt === undefined ? {} : { expiration: date(expiresAt) }),
    created: date(createdAt),
  };
}

function groupsIn({ groups }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(groups) ? groups.map(text) : [];
}

/** `ttl` is in seconds. */
function expiryIn({ ttl }: Readonly<Record<string, unknown>>, now: number): number | undefined {
  return typeof ttl === 'number' ? now + ttl * 1_000 : undefined;
}

/**
 * As in the API reference, POST /api/v1/apikey: without a public key (PKIX, DER, base64) the controller makes the pair, and hands the
 * private key out once, as bare base64 of its PKCS#1 DER (`"body":"MIIEpAIBAAKC..."`).
 */
function create(keys: KeyRing, terms: Omit<UserKey, 'publicKey'>, publicKey: string): Reaction {
  const { id } = terms;
  if (keys.all.some((one) => one.id === id)) return fail(`the key ${id} exists already`);
  if (publicKey === '') {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    keys.add({ ...terms, publicKey: pair.publicKey });
    return ok(pair.privateKey.export({ type: 'pkcs1', format: 'der' }).toString('base64'));
  }
  try {
    const der = Buffer.from(publicKey, 'base64');
    keys.add({ ...terms, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) });
    return ok();
  } catch {
    return fail('publicKey is no public key');
  }
}
