import { type Identity, rootAuthorization } from '../controller/credentials.ts';
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
  if (token !== undefined && (id ?? pem) !== undefined) {
    problems.push(
      'root_token, api_key_id, api_key: two ways in are given; give the root token or the API key',
    );
  }
  if ((id !== undefined) !== isGiven(form, 'api_key'))
    problems.push('api_key_id, api_key: give both or neither');
  if ((token ?? id ?? pem) !== undefined && 'authorization' in headers) {
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
  const quoted = [...value.matchAll(/"([^"]+)"/g)].map(([, part = '']) => part);
  const [, basic = ''] = /^Basic +(\S+)$/i.exec(value) ?? [];
  const passwords = [value, Buffer.from(basic, 'base64').toString()].map(passwordOf);
  return [value, ...parts, ...quoted.filter((part) => !WORDS.has(part)), ...passwords].filter(
    (secret) => secret !== '',
  );
}

/** To hide these would ruin outputs. */
const WORDS = new Set(['true', 'false', 'null']);

/** What stands behind the colon of `user:password`; nothing, if it is not of that form. */
function passwordOf(text: string): string {
  const [, password = ''] = /^[^:\s]*:(\S(?:.*\S)?)$/.exec(text) ?? [];
  return WORDS.has(password) ? '' : password;
}
