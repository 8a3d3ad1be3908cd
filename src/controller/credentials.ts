// The credentials for the controller: none, the root token, or a session that an API key opens.

import { constants, type KeyObject, privateDecrypt } from 'node:crypto';
import { ActionError } from '../errors.ts';
import { isRecord, parseJson, UnusableAnswer } from '../http/json.ts';
import { isTransientStatus, natureOf } from '../http/retry.ts';
import type { Answer, HttpResult } from '../http/transport.ts';
import { describeBody, isRedirect, isSuccess, redirected } from './envelope.ts';

/** How the step authenticates. A client certificate is not among these: it belongs to the connection. */
export type Identity =
  | { readonly kind: 'none' }
  | { readonly kind: 'root_token'; readonly token: string }
  /** A user API key (UAK): an RSA key pair whose public half the controller holds. */
  | { readonly kind: 'api_key'; readonly id: string; readonly key: KeyObject };

/**
 * The result of one request. `refused`: the controller does not accept the identity (`authentication_failed`), or the server is not the
 * controller, so the request was not sent.
 */
export type SendResult = HttpResult | { readonly refused: ActionError };

/** The headers for a request, or the result of the handshake that failed to get them. */
type Authorization = { readonly headers: Readonly<Record<string, string>> } | SendResult;

export interface PostRequest {
  /** Below the controller's URL. */
  readonly path: string;
  /** To be sent as JSON. */
  readonly body: unknown;
}

/** Posts without credentials. */
export type Post = (request: PostRequest) => Promise<HttpResult>;

export interface Credentials {
  /** What to do about HTTP 401. */
  readonly deniedHint: string;
  authorize(post: Post): Promise<Authorization>;
  /** After HTTP 401: drops the session. @returns whether the next request gets a new one, so that it makes sense to ask again. */
  renew(): boolean;
}

/**
 * @param onSecret called with each new secret before it is used.
 * @param own the headers from the user.
 */
export function createCredentials(
  identity: Identity,
  onSecret: (...secrets: readonly string[]) => void,
  own: Readonly<Record<string, string>> = {},
): Credentials {
  if (identity.kind === 'api_key') return createSession(identity, onSecret);
  const isRoot = identity.kind === 'root_token';
  const headers: Record<string, string> = isRoot ? { authorization: rootAuthorization(identity.token) } : {};
  const hasOwn = Object.keys(own).some((name) => name.toLowerCase() === 'authorization');
  const deniedHint = isRoot ? DENIED_ROOT : hasOwn ? DENIED_OWN : DENIED_ANONYMOUS;
  return { deniedHint, authorize: async () => ({ headers }), renew: () => false };
}

const DENIED_ROOT =
  'Check root_token, or whether a gateway in front of the controller requires something else (see headers).';
const DENIED_OWN =
  'The Authorization header given in headers is not accepted, by the controller or by a gateway in front of it: check its value.';
const DENIED_ANONYMOUS =
  'This controller is protected: give root_token, or api_key_id and api_key, or client_cert and client_key.';

/** `Authorization` for the root token. */
export function rootAuthorization(token: string): string {
  return `Basic ${Buffer.from(`root:${token}`).toString('base64')}`;
}

// ---- user API keys: the controller's "TAP" protocol ----

const HAND_PATH = '/tap/v1/hand';
const SHAKE_PATH = '/tap/v1/shake';

type ApiKey = Extract<Identity, { kind: 'api_key' }>;

/** Performs the handshake on first use, and again once the session has expired (5 minutes by default). */
function createSession(apiKey: ApiKey, onSecret: (...secrets: readonly string[]) => void): Credentials {
  let authorization: string | undefined;
  return {
    deniedHint:
      'A new session was refused, too: check api_key_id and api_key, and the clock of the controller.',
    async authorize(post) {
      if (authorization === undefined) {
        const session = await shakeHands(apiKey, post, onSecret);
        if (!('secrets' in session)) return session;
        const bearer = Buffer.from(JSON.stringify(session.data)).toString('base64');
        onSecret(bearer, ...session.secrets);
        authorization = `Bearer ${bearer}`;
      }
      return { headers: { authorization } };
    },
    renew() {
      authorization = undefined;
      return true;
    },
  };
}

interface Session {
  /** The token, and other long strings in the data, which may serve as one. */
  readonly secrets: readonly string[];
  /** As the controller sent it: it expects the same with each request. */
  readonly data: unknown;
}

/** The decrypted secret of the first answer opens the session: within 10 s, and only once. */
async function shakeHands(
  { id, key }: ApiKey,
  post: Post,
  onSecret: (secret: string) => void,
): Promise<Session | SendResult> {
  const hand = await post({ path: HAND_PATH, body: { id } });
  if (!isAnswered(hand)) return notSent(HAND_PATH, hand);
  if (isRedirect(hand.answer)) return { refused: redirected(`POST ${HAND_PATH}`, hand.answer) };
  if (!isSuccess(hand.answer) || isRecord(parseJson(hand.answer.text)))
    return { refused: refusedHand(hand.answer) };
  const encrypted = decodeBase64(hand.answer.text);
  if (encrypted?.length !== modulusBytes(key)) return notSent(HAND_PATH, hand);
  const secret = decrypt(encrypted, key);
  if (secret === undefined) return { refused: CANNOT_DECRYPT };
  onSecret(secret);

  const shake = await post({ path: SHAKE_PATH, body: { id, secret } });
  if (!isAnswered(shake)) return notSent(SHAKE_PATH, shake);
  if (isRedirect(shake.answer)) return { refused: redirected(`POST ${SHAKE_PATH}`, shake.answer) };
  // The secret may have expired in transit: like an expired session, that requires a new handshake.
  if (!isSuccess(shake.answer)) return { answer: { ...shake.answer, status: 401 } };
  return readSession(shake.answer.text) ?? notSent(SHAKE_PATH, shake);
}

/** An answer that is final, as opposed to one that may differ next time. */
function isAnswered(result: HttpResult): result is { answer: Answer } {
  return 'answer' in result && !isTransientStatus(result.answer.status);
}

/** Without a session, the request itself is never sent. */
function notSent(path: string, result: HttpResult): HttpResult {
  if ('noAnswer' in result) return { noAnswer: { ...result.noAnswer, mayHaveBeenSent: false } };
  const { status, retryAfterMs } = result.answer;
  const isPassing = isTransientStatus(status);
  const reason = `the handshake (${path}) was answered with ${isPassing ? `HTTP ${status}` : describeBody(result.answer)}`;
  const fault = isPassing
    ? { nature: natureOf(retryAfterMs), hint: CHECK_CONTROLLER }
    : { nature: 'mistake' as const, hint: CHECK_ADDRESS_AND_KEY };
  const cause = isPassing ? undefined : new UnusableAnswer(reason, fault);
  return { noAnswer: { ...fault, mayHaveBeenSent: false, reason, retryAfterMs, cause } };
}

const CHECK_CONTROLLER = 'Check the controller, and any gateway in front of it.';
const CHECK_ADDRESS_AND_KEY =
  'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page in front of it? And check that api_key is the key of api_key_id.';

function modulusBytes(key: KeyObject): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
}

/** Either alphabet, with or without padding, with or without a line break at the end. */
function decodeBase64(text: string): Buffer | undefined {
  return /^[\w+/-]+={0,2}\s*$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** Undefined if the key does not match. The cause would add nothing, and might reveal too much. */
function decrypt(encrypted: Buffer, key: KeyObject): string | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    return privateDecrypt({ key, padding, oaepHash: 'sha256' }, encrypted).toString();
  } catch {
    return undefined;
  }
}

const CANNOT_DECRYPT = new ActionError(
  'authentication_failed',
  'The handshake failed: api_key cannot decrypt what was encrypted for api_key_id.',
  { hint: 'Check that api_key is the private key of the user API key that api_key_id names.' },
);

/** A session's token is an ID; a longer one would make every request large. In characters. */
const LONGEST_TOKEN = 4_000;
/** The data of a session is serialized as JSON again: a text this short cannot nest too deeply for that. In characters. */
const LONGEST_SESSION = 6_000;
/** A shorter string next to the token is a number or a word: masking it would garble every message. In characters. */
const SHORTEST_COMPANION = 8;

function readSession(text: string): Session | undefined {
  if (text.length > LONGEST_SESSION) return undefined;
  const answer = parseJson(text) ?? parseJson(decodeBase64(text)?.toString() ?? '');
  const data = isRecord(answer) ? answer['data'] : undefined;
  if (!isRecord(data) || typeof data['token'] !== 'string') return undefined;
  const { token, userName, ...others } = data;
  if (!PRINTABLE.test(data['token']) || JSON.stringify(data).length > LONGEST_TOKEN) return undefined;
  const texts = Object.values(others).filter(
    (value) => typeof value === 'string' && value.length >= SHORTEST_COMPANION,
  );
  return { data, secrets: [data['token'], ...texts.map(String)] };
}

const PRINTABLE = /^[\x21-\x7e]+$/;

/** The controller does not know the key, or the server is most likely not the controller. */
function refusedHand(answer: Answer): ActionError {
  const { status } = answer;
  if (status === 401 || isRecord(parseJson(answer.text))) {
    return new ActionError(
      'authentication_failed',
      `The controller does not accept the user API key (HTTP ${status} to ${HAND_PATH}).`,
      {
        hint: 'Check api_key_id, and that user API keys are enabled on this controller (1.19 or later).',
      },
    );
  }
  return new ActionError(
    'authentication_failed',
    `The handshake of the user API key failed: POST ${HAND_PATH} was answered with HTTP ${status} and ${describeBody(answer)}.`,
    {
      hint: 'Check controller_url: is its path prefix right, and is this the controller? User API keys need version 1.19 or later.',
    },
  );
}
