import { constants, createPrivateKey, privateDecrypt } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { connect } from 'node:http2';
import { request as requestHttps } from 'node:https';

/*
 * Small clients that are as strict as the vendor's own: base64 of the standard alphabet only, padded, without a line break; JSON only
 * where the API requires it; and a Bearer token that each client serializes in its own way.
 */

export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export type Ask = (question: Question) => Promise<PlainAnswer>;

/** Over HTTP/1.1, with a new connection for each request. */
export function over1(url: string, tls: Tls = {}): Ask {
  return ({ method, path, headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? requestHttps : requestHttp;
      const sentBody = body === undefined ? '' : JSON.stringify(body);
      const all = { ...headers, 'content-length': Buffer.byteLength(sentBody) };
      const sent = send(`${url}${path}`, { method, headers: all, agent: false, ...tls }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      sent.once('error', reject).end(sentBody);
    });
}

/** Over HTTP/2 only. */
export function over2(url: string, tls: Tls = {}): Ask {
  return ({ method, path, headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const session = connect(url, tls);
      session.once('error', reject);
      const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: false });
      let [status, text, answered] = [0, '', {}];
      stream.once('response', (given) => {
        [status, answered] = [Number(given[':status']), given];
      });
      stream.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      stream.once('error', reject).once('end', () => {
        session.close();
        if (status === 0) reject(new Error('the session was closed'));
        resolve({ status, headers: answered, text });
      });
      stream.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

// ---- credentials ----

/** Like the vendor's actions, without a user name. */
export function rootHeaders(token: string, user = ''): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}` };
}

/** What Go's base64.StdEncoding and Java's Base64.getDecoder() take, and nothing else. */
const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function decodeStrictly(text: string): Buffer {
  if (!STANDARD_BASE64.test(text)) throw new Error(`illegal base64 data: ${JSON.stringify(text)}`);
  return Buffer.from(text, 'base64');
}

export interface Key {
  readonly id: string;
  /** Bare base64 of the PKCS#1 DER, as the controller hands it out. */
  readonly key: string;
}

type Data = Readonly<Record<string, unknown>>;

/** Go writes a map's keys in the order of the alphabet, Java's JSONObject in whichever order, others with blanks. */
export const BEARERS: Readonly<Record<string, (data: Data) => string>> = {
  'as it came': (data) => JSON.stringify(data),
  'in the order of the alphabet': (data) => JSON.stringify(data, Object.keys(data).sort()),
  'in reverse, with blanks and line breaks': (data) =>
    JSON.stringify(Object.fromEntries(Object.entries(data).reverse()), null, 2),
};

/** The TAP handshake. @returns the session's data */
export async function shakeHands(ask: Ask, { id, key }: Key): Promise<Data> {
  const headers = { 'content-type': 'application/json' };
  const handed = await ask({ method: 'POST', path: '/tap/v1/hand', headers, body: { id } });
  const privateKey = createPrivateKey({ key: decodeStrictly(key), format: 'der', type: 'pkcs1' });
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const secret = privateDecrypt({ key: privateKey, ...padding }, decodeStrictly(handed.text)).toString();
  const shaken = await ask({ method: 'POST', path: '/tap/v1/shake', headers, body: { id, secret } });
  const { data }: { data: Data } = JSON.parse(shaken.text);
  return data;
}

export function bearerHeaders(
  data: Data,
  write: (data: Data) => string = JSON.stringify,
): Record<string, string> {
  return { authorization: `Bearer ${Buffer.from(write(data)).toString('base64')}` };
}

// ---- the controller's API ----

export interface Envelope<Body = unknown> {
  readonly status: 'OK' | 'FAIL';
  readonly message: string;
  readonly body?: Body;
}

export interface Api {
  get<Body>(path: string): Promise<Body>;
  change<Body>(method: string, path: string, body: unknown): Promise<Body>;
  /** The message of a FAIL. */
  refusal(question: Question): Promise<string>;
}

/** Reads envelopes, and throws for everything that a strict client rejects. */
export function apiOf(ask: Ask, headers: Readonly<Record<string, string>> = {}): Api {
  async function envelope<Body>(question: Question): Promise<Envelope<Body>> {
    const answer = await ask({ ...question, headers: { 'content-type': 'application/json', ...headers } });
    const shown = `${question.method} ${question.path}: HTTP ${answer.status} ${answer.text}`;
    if (answer.status !== 200) throw new Error(shown);
    if (answer.headers['content-type'] !== 'application/json') throw new Error(`no JSON: ${shown}`);
    if (answer.headers['cache-control'] !== 'no-store') throw new Error(`may be stored: ${shown}`);
    if (!/[^\n]\n$/.test(answer.text)) throw new Error(`no line break at the end: ${shown}`);
    const read: Envelope<Body> = JSON.parse(answer.text);
    if (typeof read.message !== 'string') throw new Error(`no message: ${shown}`);
    return read;
  }

  async function change<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const { status, message, body: given } = await envelope<Body>({ method, path, body });
    if (status !== 'OK') throw new Error(`${method} ${path}: ${message}`);
    return given as Body;
  }

  async function refusal(question: Question): Promise<string> {
    const { status, message } = await envelope(question);
    if (status !== 'FAIL') throw new Error(`${question.method} ${question.path} was not refused`);
    return message;
  }

  return { get: (path) => change('GET', path), change, refusal };
}
