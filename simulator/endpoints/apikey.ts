import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyRing } from '../key-ring.ts';
import { fail, fieldsOf, notFound, ok, type Reaction, text } from '../replies.ts';

export interface KeyRequest {
  readonly method: string;
  readonly body: string;
}

/** `/api/v1/apikey`, for root: lists the user API keys, makes one, takes one back. */
export function manageKeys(keys: KeyRing, { method, body }: KeyRequest): Reaction {
  const fields = fieldsOf(body);
  const id = text(fields['id']);
  if (method === 'GET') return ok(keys.ids.map((one) => ({ id: one, groups: [] })));
  if (method !== 'POST' && method !== 'DELETE') return notFound();
  if (id === '') return fail('id is required');
  if (method === 'POST') return create(keys, { id, publicKey: text(fields['publicKey']) });
  keys.remove(id);
  return ok();
}

/**
 * As in the API reference, POST /api/v1/apikey: without a public key (PKIX, DER, base64) the controller makes the pair, and hands the
 * private key out once, as bare base64 of its PKCS#1 DER (`"body":"MIIEpAIBAAKC..."`).
 */
function create(keys: KeyRing, { id, publicKey }: { id: string; publicKey: string }): Reaction {
  if (keys.ids.includes(id)) return fail(`the key ${id} exists already`);
  if (publicKey === '') {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    keys.add(id, pair.publicKey);
    return ok(pair.privateKey.export({ type: 'pkcs1', format: 'der' }).toString('base64'));
  }
  try {
    keys.add(id, createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' }));
    return ok();
  } catch {
    return fail('publicKey is no public key');
  }
}
