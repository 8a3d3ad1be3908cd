// How to reach the controller, and how to authenticate.

import type { KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Identity, rootAuthorization } from '../controller/credentials.ts';
import { describeCause } from '../errors.ts';
import type { TlsOptions } from '../http/connections.ts';
import { proxyFor, unknownExceptions } from '../http/proxy.ts';
import { all, type Field, type Form, isGiven, readSecret, requireBoth } from './form.ts';
import type { RequestHeaders } from './headers.ts';
import * as parse from './parsers.ts';
import { readApiKeyPem, readCertificates, readPem, readPrivateKey } from './pem.ts';

/** In characters. */
const SHORTEST_ROOT_TOKEN = 10;

/** How the step authenticates: not at all, as root, or with an API key; never in two ways. */
export function readIdentity(form: Form, headers: RequestHeaders | undefined): Field<Identity> {
  const { problems } = form;
  const root = readRoot(form);
  const apiKey = readApiKey(form);
  const hasToken = isGiven(form, 'root_token');
  const hasApiKey = isGiven(form, 'api_key_id') || isGiven(form, 'api_key');
  if (hasToken && hasApiKey) {
    problems.push(
      'root_token, api_key_id, api_key: two ways to authenticate are given; give the root token or the API key',
    );
  }
  requireBoth(form, 'api_key_id', 'api_key');
  if ((hasToken || hasApiKey) && headers !== undefined && 'authorization' in headers) {
    problems.push(
      'headers: Authorization is another way to authenticate; leave it out, or root_token, api_key_id and api_key',
    );
  }
  if (hasToken) return root;
  return hasApiKey ? apiKey : { value: { kind: 'none' } };
}

function readRoot({ read, onSecret }: Form): Field<Identity> {
  const token = read('root_token', parse.secretText('a root token', SHORTEST_ROOT_TOKEN))?.value;
  if (token === undefined) return undefined;
  onSecret(token, rootAuthorization(token).replace('Basic ', ''));
  return { value: { kind: 'root_token', token } };
}

function readApiKey(form: Form): Field<Identity> {
  const id = form.read('api_key_id', parse.optionalText)?.value;
  const pem = readApiKeyPem(form, 'api_key');
  const key = pem === undefined ? undefined : form.accept('api_key', rsaKey(readPrivateKey(pem)));
  return id === undefined || key === undefined
    ? undefined
    : { value: { kind: 'api_key', id, key: key.value } };
}

function rsaKey(parsed: parse.Parsed<KeyObject>): parse.Parsed<KeyObject> {
  if ('value' in parsed && parsed.value.asymmetricKeyType !== 'rsa')
    return { problem: 'it is not an RSA key' };
  return parsed;
}

/** How the connection is secured. */
export function readTls(form: Form): Field<TlsOptions> {
  const { read, accept, warnings } = form;
  const skipsVerification = read('skip_tls_verify', parse.boolean);
  if (skipsVerification?.value)
    warnings.push(
      'skip_tls_verify is set: any machine in between can pretend to be the controller and read the secrets.',
    );
  const ca = readPem(form, 'ca_cert');
  if (ca !== undefined) accept('ca_cert', readCertificates(ca));
  return all<TlsOptions>({
    rejectUnauthorized: skipsVerification && { value: !skipsVerification.value },
    ca: { value: ca },
    ...readClientCertificate(form),
  });
}

type ClientCertificate = Pick<TlsOptions, 'cert' | 'key'>;

function readClientCertificate(form: Form): {
  readonly [K in keyof ClientCertificate]: Field<ClientCertificate[K]>;
} {
  const { accept, problems } = form;
  const cert = readPem(form, 'client_cert');
  const keyPem = readPem(form, 'client_key');
  const passphrase = readSecret(form, 'client_key_passphrase')?.value;
  requireBoth(form, 'client_cert', 'client_key');
  if (passphrase !== undefined && !isGiven(form, 'client_key'))
    problems.push('client_key_passphrase: it is given, but client_key is empty');
  if (cert === undefined || keyPem === undefined)
    return { cert: { value: undefined }, key: { value: undefined } };

  const certificates = accept('client_cert', readCertificates(cert))?.value;
  const key = accept('client_key, client_key_passphrase', readPrivateKey(keyPem, passphrase))?.value;
  const keyText = key?.export({ type: 'pkcs8', format: 'pem' }).toString();
  if (keyText === undefined || certificates === undefined) return { cert: undefined, key: undefined };
  if (key !== undefined && certificates[0]?.checkPrivateKey(key) === false)
    problems.push('client_key: it is not the key of the (first) certificate in client_cert');
  else accept('client_cert', usable(cert, keyText));
  return { cert: { value: cert }, key: { value: keyText } };
}

/** Lets OpenSSL check both: it refuses a certificate whose key is too short, for instance. */
function usable(cert: string, key: string): parse.Parsed<SecureContext> {
  try {
    return { value: createSecureContext({ cert, key }) };
  } catch (error) {
    return { problem: `it cannot be used: ${describeCause(error)}` };
  }
}

/** The proxy that the environment sets for requests to a URL. */
export function readProxy(form: Form, url: URL): Field<URL | undefined> {
  const { environment, problems, onSecret } = form;
  const proxy = proxyFor(url, environment);
  if (proxy !== undefined) warnOfExceptions(form);
  if (proxy === undefined || proxy instanceof URL) {
    onSecret(...proxySecrets(proxy));
    return { value: proxy };
  }
  const problem = `${proxy.invalid} (environment): it must be of the form http(s)://[user:password@]host[:port]`;
  // The controller and GitHub may be behind the same proxy.
  if (!problems.includes(problem)) problems.push(problem);
  return undefined;
}

/** Warns about entries of NO_PROXY that mean nothing: perhaps the proxy should not be used. */
function warnOfExceptions({ environment, warnings }: Form): void {
  for (const entry of unknownExceptions(environment)) {
    const warning = `NO_PROXY (environment): ${JSON.stringify(entry)} excludes nothing; give a host name, an IP address, or a range such as 10.0.0.0/8.`;
    if (!warnings.includes(warning)) warnings.push(warning);
  }
}

/** A proxy's password as written in the URL, decoded, and as it is sent. */
function proxySecrets(proxy: URL | undefined): string[] {
  if (proxy === undefined || proxy.username + proxy.password === '') return [];
  const [user, password] = [decodeURIComponent(proxy.username), decodeURIComponent(proxy.password)];
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  // Without a password, the user may be a token.
  const token = password === '' ? [proxy.username, user] : [];
  return [proxy.password, password, basic, ...token].filter((secret) => secret !== '');
}
