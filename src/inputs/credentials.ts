import { type Identity, rootAuthorization } from '../controller/credentials.ts';
import { parseJson } from '../http/json.ts';
import type { TlsOptions } from '../http/transport.ts';
import { type Form, isGiven, readSecret } from './form.ts';
import * as parse from './parsers.ts';
import { readApiKeyPem, readCertificates, readPem, readPrivateKey } from './pem.ts';

/** Further request headers; names in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>;

const SHORTEST_ROOT_TOKEN = 10;
/** What is shorter is a word like `Bearer`, rather than a secret: in characters. */
const SHORTEST_PART = 8;

/** Who the step is: nobody, root, or the holder of an API key; never two of them. */
export function readIdentity(form: Form, headers: RequestHeaders): Identity {
  const { read, problems } = form;
  const token = readRootToken(form);
  const id = read('api_key_id', parse.optionalText);
  const pem = readApiKeyPem(form, 'api_key');
  const hasToken = isGiven(form, 'root_token');
  const hasApiKey = id !== undefined || isGiven(form, 'api_key');
  if (hasToken && hasApiKey) {
    problems.push(
      'root_token, api_key_id, api_key: two ways in are given; give the root token or the API key',
    );
  }
  if ((id !== undefined) !== isGiven(form, 'api_key'))
    problems.push('api_key_id, api_key: give both or neither');
  if ((hasToken || hasApiKey) && 'authorization' in headers) {
    problems.push('headers: Authorization is a way in of its own; give it only where there is no other');
  }
  if (token !== undefined) return { kind: 'root_token', token };
  return pem === undefined ? { kind: 'none' } : { kind: 'api_key', id: id ?? '', key: apiKey(form, pem) };
}

function readRootToken(form: Form): string | undefined {
  const token = form.read('root_token', parse.secretText('a root token', SHORTEST_ROOT_TOKEN));
  if (token !== undefined) form.onSecret(token, rootAuthorization(token).replace('Basic ', ''));
  return token;
}

function apiKey({ accept, problems }: Form, pem: string) {
  const key = accept('api_key', readPrivateKey(pem));
  if (key !== undefined && key.asymmetricKeyType !== 'rsa') problems.push('api_key: it is no RSA key');
  return key;
}

/** How the connection is secured. */
export function readTls(form: Form): TlsOptions {
  const { read, accept } = form;
  const rejectUnauthorized = !read('skip_tls_verify', parse.boolean);
  const ca = readPem(form, 'ca_cert');
  if (ca !== undefined) accept('ca_cert', readCertificates(ca));
  return { rejectUnauthorized, ca, ...readClientCertificate(form) };
}

function readClientCertificate(form: Form): Pick<TlsOptions, 'cert' | 'key'> {
  const { accept, problems } = form;
  const cert = readPem(form, 'client_cert');
  const keyPem = readPem(form, 'client_key');
  const passphrase = readSecret(form, 'client_key_passphrase');
  const [hasCert, hasKey] = [isGiven(form, 'client_cert'), isGiven(form, 'client_key')];
  if (hasCert !== hasKey) problems.push('client_cert, client_key: give both or neither');
  if (keyPem === undefined && passphrase !== undefined)
    problems.push('client_key_passphrase: there is no client_key');
  if (cert === undefined || keyPem === undefined) return { cert: undefined, key: undefined };

  const certificates = accept('client_cert', readCertificates(cert));
  const key = accept('client_key, client_key_passphrase', readPrivateKey(keyPem, passphrase));
  if (key !== undefined && certificates?.[0]?.checkPrivateKey(key) === false) {
    problems.push('client_key: it is not the key of the (first) certificate in client_cert');
  }
  return { cert, key: key?.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Further headers; each value, and what may be the secret in it, is one. */
export function readHeaders({ read, onSecret }: Form): RequestHeaders {
  const text = read('headers', parse.headerText);
  const values = (text ?? '').split(/[\r\n]+/).map((line) => line.replace(/^[^:]*:/, '').trim());
  onSecret(...values.flatMap(secretParts));
  // Where they are invalid there are none, so that later checks can go on.
  return read('headers', parse.headerLines) ?? {};
}

/** A header's value, and what may be the secret in it: `Bearer TOKEN`, `Basic BASE64(user:password)`, `a=1; session="X"`. */
function secretParts(value: string): string[] {
  const parts = value.split(/[\s;,]+|(?<=\w)=(?!=|$)/).filter((part) => part.length >= SHORTEST_PART);
  const [, password = ''] = /^[^:\s]*:(.+)$/.exec(value) ?? [];
  const all = [value, ...parts, ...quotedTexts(value), password.trim(), basicPassword(value)];
  return all.filter((secret) => !NO_SECRETS.has(secret));
}

/** Nothing, and words: to hide these would ruin outputs. */
const NO_SECRETS = new Set(['', 'true', 'false', 'null']);

/** Texts in quotes, as they stand there and as they are meant. The names of JSON's fields are none: they are words like `token`. */
function quotedTexts(value: string): string[] {
  return [...value.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)(?:\s*:)?/gs)]
    .map(([quoted]) => quoted)
    .filter((quoted) => !/"\s*:$/.test(quoted))
    .map((quoted) => quoted.replace(/^"|"$/g, ''))
    .flatMap((text) => (text.includes('\\') ? [text, unquoted(text)] : [text]));
}

/** Without the backslashes of JSON or, where it is none, of HTTP's quoted strings. */
function unquoted(text: string): string {
  return String(parseJson(`"${text}"`) ?? text.replace(/\\(.?)/gs, '$1'));
}

/** The password in `Basic BASE64(user:password)`, if it is of that form. */
function basicPassword(value: string): string {
  const [, basic = ''] = /^Basic +(\S+)$/i.exec(value) ?? [];
  const [, password = ''] = /^[^:]*:(.+)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? [];
  return password;
}
