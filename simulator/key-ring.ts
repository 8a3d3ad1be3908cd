import { constants, type KeyObject, publicEncrypt, randomUUID } from 'node:crypto';

/** A session as its client shows it with each request. */
export interface Session {
  readonly userName: string;
  readonly token: string;
  readonly sessionId: string;
}

/** User API keys, the handshakes that are under way, and the sessions that came of them. Times are milliseconds. */
export interface KeyRing {
  readonly ids: readonly string[];
  add(id: string, publicKey: KeyObject): void;
  remove(id: string): void;
  /** A new secret that only the holder of the private key can read; undefined for a key that is not known. */
  hand(id: string, now: number): Buffer | undefined;
  /** Takes a secret, once, in time and from whom it was for, and opens a session. */
  shake(handshake: { readonly id: string; readonly secret: string }, now: number): Session | undefined;
  isOpen(session: Pick<Session, 'token' | 'sessionId'>, now: number): boolean;
  /** Ends every session, and every handshake. */
  endSessions(): void;
}

const SHAKE_WITHIN_MS = 10_000;
/** RSA-OAEP with SHA-256, for MGF1, too. */
const PADDING = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };

export function createKeyRing(sessionTtlMs: number): KeyRing {
  const keys = new Map<string, KeyObject>();
  const secrets = new Map<string, { readonly id: string; readonly until: number }>();
  const sessions = new Map<string, { readonly sessionId: string; readonly until: number }>();

  function hand(id: string, now: number): Buffer | undefined {
    const key = keys.get(id);
    if (key === undefined) return undefined;
    const secret = randomUUID();
    secrets.set(secret, { id, until: now + SHAKE_WITHIN_MS });
    return publicEncrypt({ key, ...PADDING }, Buffer.from(secret));
  }

  function shake({ id, secret }: { id: string; secret: string }, now: number): Session | undefined {
    const handed = secrets.get(secret);
    secrets.delete(secret);
    if (handed === undefined || handed.id !== id || now > handed.until) return undefined;
    const session = { userName: id, token: randomUUID(), sessionId: randomUUID() };
    sessions.set(session.token, { sessionId: session.sessionId, until: now + sessionTtlMs });
    return session;
  }

  function isOpen({ token, sessionId }: Pick<Session, 'token' | 'sessionId'>, now: number): boolean {
    const known = sessions.get(token);
    return known !== undefined && known.sessionId === sessionId && known.until >= now;
  }

  function endSessions(): void {
    sessions.clear();
    secrets.clear();
  }

  return {
    get ids() {
      return [...keys.keys()];
    },
    add: (id, publicKey) => void keys.set(id, publicKey),
    remove: (id) => void keys.delete(id),
    hand,
    shake,
    isOpen,
    endSessions,
  };
}
