import { constants, type KeyObject, publicEncrypt, randomUUID } from 'node:crypto';

/** Who may use the controller. */
export interface Access {
  readonly rootToken?: string;
  readonly apiKey?: { readonly id: string; readonly publicKey: KeyObject };
  /** How long a session that an API key opened lasts. */
  readonly sessionTtlMs?: number;
}

/** A request as the authentication sees it, at `now` (milliseconds). */
export interface Caller {
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
  readonly now: number;
}

export interface AuthenticationAnswer {
  readonly status: number;
  readonly body: string;
}

export interface Authentication {
  /** The answer where the request is not let through, or is a part of a handshake. */
  check(caller: Caller): AuthenticationAnswer | undefined;
  /** Ends every session, as a controller does that keeps them in memory and is started anew. */
  endSessions(): void;
}

const SESSION_TTL_MS = 300_000;
const SHAKE_WITHIN_MS = 10_000;
const DENIED: AuthenticationAnswer = {
  status: 401,
  body: JSON.stringify({ status: 'FAIL', message: 'Authentication Required' }),
};

export function createAuthentication({
  rootToken,
  apiKey,
  sessionTtlMs = SESSION_TTL_MS,
}: Access): Authentication {
  const isOpen = rootToken === undefined && apiKey === undefined;
  const root = `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;
  const secrets = new Map<string, number>();
  const sessions = new Map<string, number>();

  /** Answers with a new secret that only the holder of the private key can read. */
  function hand({ body, now }: Caller): AuthenticationAnswer {
    if (apiKey === undefined || field(body, 'id') !== apiKey.id) return DENIED;
    const secret = randomUUID();
    secrets.set(secret, now + SHAKE_WITHIN_MS);
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const encrypted = publicEncrypt({ key: apiKey.publicKey, ...padding }, Buffer.from(secret));
    return { status: 200, body: `${encrypted.toString('base64url')}\n` };
  }

  /** Takes a secret, once and in time, and opens a session. */
  function shake({ body, now }: Caller): AuthenticationAnswer {
    const secret = field(body, 'secret');
    const until = secrets.get(secret) ?? 0;
    secrets.delete(secret);
    if (apiKey === undefined || now > until) return DENIED;
    const data = { userName: apiKey.id, token: randomUUID(), sessionId: randomUUID() };
    sessions.set(`Bearer ${Buffer.from(JSON.stringify(data)).toString('base64')}`, now + sessionTtlMs);
    const answer = JSON.stringify({ id: apiKey.id, data });
    return { status: 200, body: Buffer.from(answer).toString('base64') };
  }

  function check(caller: Caller): AuthenticationAnswer | undefined {
    const { path, authorization = '', now } = caller;
    if (path === '/tap/v1/hand') return hand(caller);
    if (path === '/tap/v1/shake') return shake(caller);
    const needsNone = isOpen || !path.startsWith('/api/');
    const isRoot = rootToken !== undefined && authorization === root;
    return needsNone || isRoot || (sessions.get(authorization) ?? 0) >= now ? undefined : DENIED;
  }

  function endSessions(): void {
    sessions.clear();
    secrets.clear();
  }

  return { check, endSessions };
}

function field(body: string, name: string): string {
  try {
    return String(JSON.parse(body)[name]);
  } catch {
    return '';
  }
}
