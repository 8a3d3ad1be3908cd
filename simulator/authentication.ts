import type { KeyObject } from 'node:crypto';
import { createKeyRing, type HandshakeForm, hand, manageKeys, shake } from './api-keys.ts';
import { denied, fail, fieldsOf, type Reaction, text } from './replies.ts';

/** The credentials that the controller accepts. */
export interface Access {
  readonly rootToken?: string;
  readonly apiKey?: { readonly id: string; readonly publicKey: KeyObject; readonly expiresAt?: number };
  /** Requests that API keys are not allowed, such as `POST /api/v1/rpc/vm/restart`. */
  readonly deniedToUsers?: readonly string[];
  /** How long the session of an API key lasts. */
  readonly sessionTtlMs?: number;
  /** Unusual forms of the handshake's answers. */
  readonly handshakeForms?: readonly HandshakeForm[];
  /** The length of the handshake's secret. */
  readonly secretLength?: number;
  /** Whether clients need a certificate. */
  readonly needsCertificate?: boolean;
}

/** What authentication needs to know of a request. `now` is in milliseconds. */
export interface Caller {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
  /** Whether its connection has a valid client certificate. */
  readonly hasCertificate?: boolean;
  readonly now: number;
}

export interface Authentication {
  /** The answer if the request is refused, or is about keys and sessions. */
  check(caller: Caller): Reaction | undefined;
  /** Ends every session, as a restarted controller does that keeps them in memory. */
  endSessions(): void;
}

const SESSION_TTL_MS = 300_000;
const KEYS_PATH = '/api/v1/apikey';

export function createAuthentication({
  rootToken,
  apiKey,
  sessionTtlMs = SESSION_TTL_MS,
  handshakeForms = [],
  needsCertificate = false,
  deniedToUsers = [],
  secretLength,
}: Access): Authentication {
  const isOpen = rootToken === undefined && apiKey === undefined;
  const keys = createKeyRing({ sessionTtlMs, ...(secretLength !== undefined && { secretLength }) });
  if (apiKey !== undefined) keys.add({ ...apiKey, groups: [], createdAt: 0 });

  function isUser(authorization: string, now: number): boolean {
    const [, bearer] = /^Bearer (.+)$/i.exec(authorization) ?? [];
    if (bearer === undefined) return false;
    // Clients serialize the session themselves, with other whitespace or order of keys: compare its values.
    const { token, sessionId } = fieldsOf(Buffer.from(bearer, 'base64').toString());
    return keys.keyOf({ token: text(token), sessionId: text(sessionId) }, now) !== undefined;
  }

  function identify({ authorization = '', now }: Caller): 'root' | 'user' | undefined {
    if (rootToken !== undefined && passwordIn(authorization) === rootToken) return 'root';
    return isUser(authorization, now) ? 'user' : undefined;
  }

  function checkUser(caller: Caller): Reaction | undefined {
    const role = identify(caller);
    if (role === undefined) return denied();
    const [path = ''] = caller.path.split('?');
    const isDenied = path === KEYS_PATH || deniedToUsers.includes(`${caller.method} ${path}`);
    if (role === 'user') return isDenied ? fail('Permission denied', 403) : undefined;
    return path === KEYS_PATH ? manageKeys(keys, caller) : undefined;
  }

  function check(caller: Caller): Reaction | undefined {
    const { path, body, hasCertificate = false, now } = caller;
    if (!/^\/(api|tap)\//.test(path)) return undefined;
    if (needsCertificate && !hasCertificate) return denied();
    const tap = { keys, forms: handshakeForms, now };
    if (path === '/tap/v1/hand') return hand(tap, body);
    if (path === '/tap/v1/shake') return shake(tap, body);
    return isOpen ? undefined : checkUser(caller);
  }

  return { check, endSessions: keys.endSessions };
}

/** The vendor's actions send an empty user name, its documentation says `root`: only the token counts. */
function passwordIn(authorization: string): string | undefined {
  const [, credentials] = /^Basic (.+)$/i.exec(authorization) ?? [];
  if (credentials === undefined) return undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return password;
}
