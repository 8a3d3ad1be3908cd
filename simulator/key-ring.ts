import { constants, type KeyObject, publicEncrypt, randomInt, randomUUID } from 'node:crypto';

/** A session as its client shows it with each request. */
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
  /** It opens no session after that, and those that it opened end; never if absent. */
  readonly expiresAt?: number | undefined;
}

/** User API keys, the handshakes that are under way, and the sessions that came of them. Times are milliseconds. */
export interface KeyRing {
  readonly all: readonly UserKey[];
  add(key: UserKey): void;
  remove(id: string): void;
  /** A new secret that only the holder of the private key can read; undefined for a key that is not known. */
  hand(id: string, now: number): Buffer | undefined;
  /** Takes a secret, once, in time and from whom it was for, and opens a session. */
  shake(handshake: { readonly id: string; readonly secret: string }, now: number): Session | undefined;
  /** The key that the session was opened with, if it is open. */
  keyOf(session: Pick<Session, 'token' | 'sessionId'>, now: number): UserKey | undefined;
  /** Ends every session, and every handshake. */
  endSessions(): void;
}

const SHAKE_WITHIN_MS = 10_000;
/** RSA-OAEP with SHA-256, for MGF1, too. */
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
