import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomInt,
  randomUUID,
} from 'node:crypto';
import {
  date,
  denied,
  fail,
  fieldsOf,
  type Json,
  json,
  notFound,
  ok,
  plain,
  type Reaction,
  text,
} from './replies.ts';

/** A session as the client presents it in each request. */
export interface Session {
  readonly userName: string;
  readonly token: string;
  readonly sessionId: string;
}

/** A user API key; times are milliseconds. */
export interface UserKey {
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly groups: readonly string[];
  readonly createdAt: number;
  /** It and its sessions are invalid after that; never if absent. */
  readonly expiresAt?: number | undefined;
}

/** User API keys, handshakes in progress, and sessions. Times are in milliseconds. */
export interface KeyRing {
  readonly all: readonly UserKey[];
  add(key: UserKey): void;
  remove(id: string): void;
  /** A new secret, encrypted for the holder of the private key; undefined for an unknown key. */
  hand(id: string, now: number): Buffer | undefined;
  /** Opens a session for a secret that is used once, in time, and by its owner. */
  shake(handshake: { readonly id: string; readonly secret: string }, now: number): Session | undefined;
  /** The key that the session was opened with, if it is open. */
  keyOf(session: Pick<Session, 'token' | 'sessionId'>, now: number): UserKey | undefined;
  /** Ends every session, and every handshake. */
  endSessions(): void;
}

const SHAKE_WITHIN_MS = 10_000;
/** RSA-OAEP with SHA-256, also for MGF1. */
const PADDING = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };

/** Secrets as controllers make them: 27 characters, or two of these. */
const SECRET_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
export const SECRET_LENGTHS = [27, 54] as const;

function createSecret(length: number): string {
  const draw = () => SECRET_CHARACTERS[randomInt(SECRET_CHARACTERS.length)] ?? '';
  return Array.from({ length }, draw).join('');
}

export interface KeyRingOptions {
  readonly sessionTtlMs: number;
  readonly secretLength?: number;
}

export function createKeyRing({ sessionTtlMs, secretLength = SECRET_LENGTHS[0] }: KeyRingOptions): KeyRing {
  const keys = new Map<string, UserKey>();
  const secrets = new Map<string, { readonly id: string; readonly until: number }>();
  const sessions = new Map<string, Pick<Session, 'userName' | 'sessionId'> & { readonly until: number }>();

  function validKey(id: string, now: number): UserKey | undefined {
    const key = keys.get(id);
    return key?.expiresAt === undefined || now <= key.expiresAt ? key : undefined;
  }

  function hand(id: string, now: number): Buffer | undefined {
    const key = validKey(id, now);
    if (key === undefined) return undefined;
    const secret = createSecret(secretLength);
    secrets.set(secret, { id, until: now + SHAKE_WITHIN_MS });
    return publicEncrypt({ key: key.publicKey, ...PADDING }, Buffer.from(secret));
  }

  function shake({ id, secret }: { id: string; secret: string }, now: number): Session | undefined {
    const handed = secrets.get(secret);
    secrets.delete(secret);
    if (handed === undefined || handed.id !== id || now > handed.until) return undefined;
    const session = { userName: id, token: randomUUID(), sessionId: randomUUID() };
    sessions.set(session.token, { ...session, until: now + sessionTtlMs });
    return session;
  }

  function keyOf({ token, sessionId }: Pick<Session, 'token' | 'sessionId'>, now: number) {
    const known = sessions.get(token);
    const isOpen = known !== undefined && known.sessionId === sessionId && known.until >= now;
    return isOpen ? validKey(known.userName, now) : undefined;
  }

  function endSessions(): void {
    sessions.clear();
    secrets.clear();
  }

  return {
    get all() {
      return [...keys.values()];
    },
    add: (key) => void keys.set(key.id, key),
    remove: (id) => void keys.delete(id),
    hand,
    shake,
    keyOf,
    endSessions,
  };
}

export interface KeyRequest {
  readonly method: string;
  readonly body: string;
  readonly now: number;
}

/** `/api/v1/apikey`, for root: lists, creates, changes and deletes user API keys. */
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
 * As in the API reference, POST /api/v1/apikey: without a public key (PKIX, DER, base64) the controller creates the pair, and returns the
 * private key once, as bare base64 of its PKCS#1 DER (`"body":"MIIEpAIBAAKC..."`).
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
    return fail('publicKey is not a public key');
  }
}

/**
 * Forms that the documentation mentions but the vendor's clients do not accept: the secret in the URL-safe alphabet, without padding, or
 * with a line break at its end; the session as base64 of its JSON.
 */
export type HandshakeForm = 'url-safe' | 'unpadded' | 'line break' | 'encoded';

export interface TapState {
  readonly keys: KeyRing;
  readonly forms: readonly HandshakeForm[];
  readonly now: number;
}

/** `POST /tap/v1/hand`: base64 as the vendor's Go and Java clients decode it, in the standard alphabet, padded, without a line break. */
export function hand({ keys, forms, now }: TapState, body: string): Reaction {
  const encrypted = keys.hand(text(fieldsOf(body)['id']), now);
  if (encrypted === undefined) return denied();
  const base64 = encrypted.toString('base64');
  const spelled = forms.includes('url-safe') ? base64.replaceAll('+', '-').replaceAll('/', '_') : base64;
  const padded = forms.includes('unpadded') ? spelled.replaceAll('=', '') : spelled;
  return plain(200, forms.includes('line break') ? `${padded}\n` : padded);
}

/** `POST /tap/v1/shake`: `{id, data: {userName, token, sessionId}}`, plain JSON. */
export function shake({ keys, forms, now }: TapState, body: string): Reaction {
  const { id, secret } = fieldsOf(body);
  const session = keys.shake({ id: text(id), secret: text(secret) }, now);
  if (session === undefined) return denied();
  const answer = { id: text(id), data: { ...session } };
  return forms.includes('encoded')
    ? plain(200, Buffer.from(JSON.stringify(answer)).toString('base64'))
    : json(200, answer);
}
