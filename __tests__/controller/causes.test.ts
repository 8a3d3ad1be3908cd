import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Authority, createAuthority, type Issued, privatePem } from '../../simulator/certificates.ts';
import { explain } from '../../src/controller/causes.ts';
import { createTransport, type NoAnswer, type TlsOptions } from '../../src/controller/transport.ts';
import { createFakeClock } from '../support/fake-clock.ts';

// The table of causes, row by row; what can be made to happen really happens.

const PLAIN: TlsOptions = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };
const YESTERDAY = new Date(Date.now() - 86_400_000);

let authority: Authority;
let other: Authority;
let server: Issued;
let running: Server[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  other = await createAuthority('Another CA');
  server = await authority.issue({ name: 'server', hosts: ['127.0.0.1', 'localhost'] });
});

afterEach(() => {
  for (const one of running) {
    one.close();
    one.closeAllConnections();
  }
  running = [];
});

function listen(one: Server): Promise<number> {
  running.push(one);
  return new Promise((resolve) => {
    one.listen(0, '127.0.0.1', () => resolve((one.address() as AddressInfo).port));
  });
}

function serveTls(changes: ServerOptions = {}): Promise<number> {
  const identity = { cert: server.certificate, key: privatePem(server.key) };
  return listen(createSecureServer({ ...identity, ...changes }, (_, response) => response.end('fine')));
}

async function ask(
  url: string,
  { tls = {}, proxy }: { tls?: Partial<TlsOptions>; proxy?: string } = {},
): Promise<NoAnswer | string> {
  const clock = createFakeClock(() => true);
  const transport = createTransport({
    baseUrl: new URL(url),
    proxy: proxy === undefined ? undefined : new URL(proxy),
    tls: { ...PLAIN, ...tls },
    requestTimeoutMs: 10_000,
    clock,
  });
  const request = { method: 'GET', path: '/', headers: {}, maxBytes: 1_000, isWrite: false } as const;
  const result = await transport.exchange(request, {
    deadline: clock.now() + 60_000,
    signal: new AbortController().signal,
  });
  await transport.close();
  return 'answer' in result ? result.answer.text : result.noAnswer;
}

describe('TLS', () => {
  const trusting = () => ({ ca: authority.certificate });

  test("works with a CA of one's own, RSA or EC", async () => {
    const rsa = await authority.issue({ name: 'rsa', hosts: ['127.0.0.1'], algorithm: 'RSA' });
    const ports = [await serveTls(), await serveTls({ cert: rsa.certificate, key: privatePem(rsa.key) })];
    for (const port of ports)
      expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toBe('fine');
  });

  test('works with any certificate, if that is wanted', async () => {
    expect(await ask(`https://127.0.0.1:${await serveTls()}`, { tls: { rejectUnauthorized: false } })).toBe(
      'fine',
    );
  });

  test('works with a client certificate', async () => {
    const client = await authority.issue({ name: 'client' });
    const port = await serveTls({ ca: authority.certificate, requestCert: true });
    const tls = { ...trusting(), cert: client.certificate, key: privatePem(client.key) };
    expect(await ask(`https://127.0.0.1:${port}`, { tls })).toBe('fine');
  });

  test('names a CA that nobody knows', async () => {
    expect(await ask(`https://127.0.0.1:${await serveTls()}`)).toMatchObject({
      ...{ left: false, isFinal: false },
      reason: expect.stringContaining("nobody that is trusted has signed the server's certificate: "),
      hint: 'Give the CA that signed it in ca_cert.',
    });
  });

  test('names a wrong host', async () => {
    const wrong = await authority.issue({ name: 'wrong', hosts: ['elsewhere.example'] });
    const port = await serveTls({ cert: wrong.certificate, key: privatePem(wrong.key) });
    expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toMatchObject({
      left: false,
      reason: expect.stringContaining("the server's certificate is for another host: "),
      hint: expect.stringContaining('controller_url'),
    });
  });

  test('names an expired server certificate', async () => {
    const expired = await authority.issue({ name: 'old', hosts: ['127.0.0.1'], notAfter: YESTERDAY });
    const port = await serveTls({ cert: expired.certificate, key: privatePem(expired.key) });
    expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toMatchObject({
      left: false,
      reason: expect.stringContaining("the server's certificate has expired: "),
    });
  });

  test.each<['TLSv1.2' | 'TLSv1.3', string]>([
    ['TLSv1.2', 'the server broke off the TLS handshake'],
    ['TLSv1.3', 'the connection was closed'],
  ])('names a missing client certificate (%s)', async (maxVersion, reason) => {
    const port = await serveTls({
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion,
    });
    expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toMatchObject({
      reason: expect.stringContaining(reason),
      hint: expect.stringContaining('client_cert'),
    });
  });

  test.each<['TLSv1.2' | 'TLSv1.3']>([['TLSv1.2'], ['TLSv1.3']])(
    'names a client certificate that is not accepted (%s)',
    async (maxVersion) => {
      const port = await serveTls({
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion,
      });
      const client = await other.issue({ name: 'client' });
      const tls = { ...trusting(), cert: client.certificate, key: privatePem(client.key) };
      expect(await ask(`https://127.0.0.1:${port}`, { tls })).toMatchObject({
        reason: expect.stringContaining('the connection was closed'),
        hint: expect.stringContaining('client_cert'),
      });
    },
  );

  test('says that http and https are mixed up', async () => {
    const port = await listen(createHttpServer((_, response) => response.end('fine')));
    expect(await ask(`https://127.0.0.1:${port}`)).toMatchObject({
      left: false,
      reason: expect.stringContaining('the server does not speak TLS there'),
      hint: expect.stringContaining('http://'),
    });
  });
});

describe('proxies', () => {
  async function refusing(status: number): Promise<string> {
    const proxy = createHttpServer((_, response) => response.writeHead(status).end('no'));
    proxy.on('connect', (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`));
    return `http://127.0.0.1:${await listen(proxy)}`;
  }

  test.each<[number, string, boolean]>([
    [407, 'the proxy wants other credentials (HTTP 407)', true],
    [403, 'the proxy refuses to connect there (HTTP 403)', true],
    [502, 'the proxy cannot connect there', false],
  ])('that answer CONNECT with %i are named', async (status, reason, isFinal) => {
    const proxy = await refusing(status);
    expect(await ask('https://controller.example', { proxy })).toMatchObject({
      ...{ left: false, isFinal },
      reason: expect.stringMatching(
        new RegExp(`^${reason.replace(/[()]/g, '\\$&')}.* through the proxy 127.0.0.1:`),
      ),
      hint: expect.stringContaining('NO_PROXY'),
    });
  });

  test('that want credentials for plain HTTP are named', async () => {
    expect(await ask('http://controller.example', { proxy: await refusing(407) })).toMatchObject({
      isFinal: true,
      reason: expect.stringContaining('the proxy wants other credentials (HTTP 407)'),
    });
  });

  test('that nobody answers at are named', async () => {
    expect(await ask('https://controller.example', { proxy: 'http://127.0.0.1:1' })).toMatchObject({
      left: false,
      reason: expect.stringMatching(/^the connection was refused: .*through the proxy 127\.0\.0\.1:1\)$/),
    });
  });
});

describe('each cause', () => {
  const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

  test.each<[string, string, string, string]>([
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND c.example', 'the name of the host cannot be resolved', 'DNS'],
    ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN c.example', 'the name of the host cannot be resolved', 'DNS'],
    ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1', 'the connection was refused', 'port'],
    ['EHOSTUNREACH', 'connect EHOSTUNREACH', 'there is no way to the host', 'VPN'],
    ['ENETUNREACH', 'connect ENETUNREACH', 'there is no way to the host', 'VPN'],
    ['CERT_HAS_EXPIRED', 'certificate has expired', "the server's certificate has expired", 'clock'],
    [
      'CERT_NOT_YET_VALID',
      'certificate is not yet valid',
      "the server's certificate is not valid yet",
      'clock',
    ],
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'self-signed certificate in certificate chain',
      'nobody that is trusted has signed',
      'ca_cert',
    ],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate',
      'nobody that is trusted has signed',
      'ca_cert',
    ],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'unable to verify the first certificate',
      'nobody that is trusted has signed',
      'ca_cert',
    ],
    [
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'unable to get local issuer certificate',
      'nobody that is trusted has signed',
      'ca_cert',
    ],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'Hostname/IP does not match',
      "the server's certificate is for another host",
      'controller_url',
    ],
    [
      'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
      'alert number 45',
      'the server says that the client certificate has expired',
      'client_cert',
    ],
    [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'alert number 116',
      'the server wants a client certificate',
      'client_cert',
    ],
    [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'alert number 48',
      'the server does not accept the client certificate',
      'client_cert',
    ],
    [
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
      'alert number 42',
      'the server does not accept the client certificate',
      'client_cert',
    ],
    [
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      'alert number 120',
      'the server speaks HTTP/2 only',
      'HTTP/1.1',
    ],
    [
      'ERR_HTTP2_INVALID_SESSION',
      'The session has been destroyed',
      'the connection was closed',
      'client_cert',
    ],
    ['EPROTO', 'wrong version number', 'the server does not speak TLS there', 'http://'],
    ['HPE_INVALID_CONSTANT', 'Expected HTTP/', 'the server does not speak HTTP there', 'https://'],
    ['ECONNRESET', 'read ECONNRESET', 'the connection was closed', 'controller_url'],
    ['UND_ERR_SOCKET', 'other side closed', 'the connection was closed', 'controller_url'],
    ['ETIMEDOUT', 'connect ETIMEDOUT', 'the connection timed out', 'controller_url'],
  ])('%s', (code, message, reason, hint) => {
    const buried = new Error('request failed', { cause: coded(code, message) });
    const explained = explain(buried, 'connecting');
    expect(explained).toMatchObject({ hint: expect.stringContaining(hint), isFinal: false });
    expect(explained.reason.startsWith(reason)).toBe(true);
    expect(explained.reason).toContain(message);
    expect(explained.reason).toMatch(/\(while connecting\)$/);
  });

  test.each(['connecting', 'waiting for the answer', 'reading the answer'])(
    'running out of time while %s',
    (phase) => {
      const explained = explain(new DOMException('late', 'TimeoutError'), phase);
      expect(explained).toMatchObject({
        reason: `timed out while ${phase}`,
        hint: expect.stringContaining('request_timeout'),
      });
    },
  );

  test.each<[unknown, string]>([
    [new Error('something new'), 'something new (while connecting)'],
    ['a text', 'a text (while connecting)'],
  ])('any other: %p', (thrown, reason) => {
    expect(explain(thrown, 'connecting')).toEqual({
      reason,
      hint: expect.stringContaining('controller_url'),
      isFinal: false,
    });
  });
});

test('another CA does not vouch for the server', async () => {
  const port = await serveTls();
  expect(await ask(`https://127.0.0.1:${port}`, { tls: { ca: other.certificate } })).toMatchObject({
    left: false,
  });
});
