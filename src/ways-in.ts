import { readFileSync, statSync } from 'node:fs';
import { type Identity, rootAuthorization } from './controller/credentials.ts';
import { isPem, normalizePem, readCertificates, readPrivateKey } from './controller/pem.ts';
import { proxyFor } from './controller/proxy.ts';
import type { TlsOptions } from './controller/transport.ts';
import type { Environment, Form, Inputs } from './inputs.ts';
import * as parse from './parsers.ts';

function isGiven({ read }: Form, name: string): boolean {
  return read(name, parse.optionalText) !== undefined;
}

/** A secret, which is told of before anything is said about it. */
export function readSecret({ read, onSecret }: Form, name: string): string | undefined {
  const secret = read(name, parse.secretText);
  if (secret !== undefined) onSecret(secret);
  return secret;
}

const SHORTEST_ROOT_TOKEN = 10;
/** What is shorter is a word like `Bearer`, rather than a secret: in characters. */
const SHORTEST_PART = 8;

/** Who the step is: nobody, root, or the holder of an API key; never two of them. */
export function readIdentity(form: Form, headers: Inputs['headers']): Identity {
  const { read, problems } = form;
  const token = readSecret(form, 'root_token');
  const id = read('api_key_id', parse.optionalText);
  const pem = readPem(form, 'api_key');
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
  if (token !== undefined) return rootToken(form, token);
  return pem === undefined ? { kind: 'none' } : { kind: 'api_key', id: id ?? '', key: apiKey(form, pem) };
}

function rootToken({ problems, onSecret }: Form, token: string): Identity {
  onSecret(rootAuthorization(token).replace('Basic ', ''));
  if (token.length < SHORTEST_ROOT_TOKEN) {
    problems.push(`root_token: ${token.length} characters; a root token has at least ${SHORTEST_ROOT_TOKEN}`);
  }
  return { kind: 'root_token', token };
}

function apiKey({ problems }: Form, pem: string) {
  const key = parse.accept('api_key', readPrivateKey(pem), problems);
  if (key !== undefined && key.asymmetricKeyType !== 'rsa') problems.push('api_key: it is no RSA key');
  return key;
}

/** How the connection is secured. */
export function readTls(form: Form): TlsOptions {
  const { read, problems } = form;
  const rejectUnauthorized = !read('skip_tls_verify', parse.boolean);
  const ca = readPem(form, 'ca_cert');
  if (ca !== undefined) parse.accept('ca_cert', readCertificates(ca), problems);
  return { rejectUnauthorized, ca, ...readClientCertificate(form) };
}

function readClientCertificate(form: Form): Pick<TlsOptions, 'cert' | 'key'> {
  const { problems } = form;
  const cert = readPem(form, 'client_cert');
  const keyPem = readPem(form, 'client_key');
  const passphrase = readSecret(form, 'client_key_passphrase');
  const [hasCert, hasKey] = [isGiven(form, 'client_cert'), isGiven(form, 'client_key')];
  if (hasCert !== hasKey) problems.push('client_cert, client_key: give both or neither');
  if (keyPem === undefined && passphrase !== undefined)
    problems.push('client_key_passphrase: there is no client_key');
  if (cert === undefined || keyPem === undefined) return { cert: undefined, key: undefined };

  const certificates = parse.accept('client_cert', readCertificates(cert), problems);
  const key = parse.accept('client_key, client_key_passphrase', readPrivateKey(keyPem, passphrase), problems);
  if (key !== undefined && certificates?.[0]?.checkPrivateKey(key) === false) {
    problems.push('client_key: it is not the key of the (first) certificate in client_cert');
  }
  return { cert, key: key?.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const LARGEST_PEM = 1024 * 1024;
/** The longest keys take a fifth of it; and each line is masked. In characters. */
const LARGEST_KEY = 20_000;

/** PEM text, or that of the file whose path is given. What is given is never quoted: it may be a mangled key. */
function readPem({ read, problems, onSecret }: Form, name: string): string | undefined {
  const given = read(name, parse.optionalText);
  if (given === undefined) return undefined;
  const text = isPem(given) ? given : readSmallFile(given);
  if (text !== undefined && /PRIVATE KEY/.test(text) && text.length > LARGEST_KEY) {
    problems.push(
      `${name}: ${text.length} characters with a private key among them; ${LARGEST_KEY} are the most`,
    );
    return undefined;
  }
  // Somebody may have mixed up certificate and key: all that holds a key is a secret.
  if (text !== undefined && /PRIVATE KEY/.test(text)) onSecret(text, normalizePem(text));
  if (text !== undefined && isPem(text)) return normalizePem(text);
  const what =
    text === undefined
      ? 'neither PEM text nor the path of a file that can be read'
      : 'a file without PEM text';
  problems.push(`${name}: it is ${what}`);
  return undefined;
}

function readSmallFile(path: string): string | undefined {
  try {
    const status = statSync(path);
    return status.isFile() && status.size <= LARGEST_PEM ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** Further headers; each value, and what may be the secret in it, is one. */
export function readHeaders({ read, onSecret }: Form): Inputs['headers'] {
  const text = read('headers', parse.headerText);
  const values = (text ?? '').split(/[\r\n]+/).map((line) => line.replace(/^[^:]*:/, '').trim());
  onSecret(...values.flatMap(secretParts));
  // None, where they are invalid: who looks into them finds nothing, rather than trouble.
  return read('headers', parse.headerLines) ?? {};
}

/** A header's value, and what may be the secret in it: `Bearer TOKEN`, `Basic BASE64(user:password)`, `a=1; session=X`. */
function secretParts(value: string): string[] {
  const parts = value.split(/[\s;,]+|(?<=\w)=(?!=|$)/).filter((part) => part.length >= SHORTEST_PART);
  const [, basic = ''] = /^Basic +(\S+)$/i.exec(value) ?? [];
  const [, password = ''] = /^[^:]*:(.+)$/.exec(Buffer.from(basic, 'base64').toString()) ?? [];
  return [value, ...parts, password].filter((secret) => secret !== '');
}

interface Surroundings {
  readonly url: URL;
  readonly environment: Environment;
}

/** The proxy that the environment asks for. */
export function readProxy({ problems, onSecret }: Form, { url, environment }: Surroundings): URL | undefined {
  const proxy = proxyFor(url, environment);
  if (proxy === undefined || proxy instanceof URL) {
    onSecret(...secretsOf(proxy));
    return proxy;
  }
  const problem = `${proxy.invalid} (environment): it is no address of the form http(s)://[user:password@]host[:port]`;
  // The controller's way and GitHub's may lead through the same proxy.
  if (!problems.includes(problem)) problems.push(problem);
  return undefined;
}

/** A proxy's password, as it stands in the URL, as it is meant, and as it is sent. */
function secretsOf(proxy: URL | undefined): string[] {
  if (proxy === undefined || proxy.username + proxy.password === '') return [];
  const [user, password] = [decodeURIComponent(proxy.username), decodeURIComponent(proxy.password)];
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  // A token may stand in the place of the user.
  const token = password === '' ? [proxy.username, user] : [];
  return [proxy.password, password, basic, ...token].filter((secret) => secret !== '');
}
