import { createServer as createHttpServer, type Server } from 'node:http';
import { createSecureServer as createHttp2Server } from 'node:http2';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect as connectTo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Authority, createAuthority, type Issued, privatePem } from '../../simulator/certificates.ts';
import { explainFailure, type Stage } from '../../src/http/causes.ts';
import type { TlsOptions } from '../../src/http/connections.ts';
import type { FaultNature } from '../../src/http/retry.ts';
import { createTransport, type NoAnswer } from '../../src/http/transport.ts';
import { createFakeClock } from '../support/fake-clock.ts';

// The table of causes, row by row. Each failure really happens, where a test can cause it.

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
  { tls = {}, proxy, isWrite = false }: { tls?: Partial<TlsOptions>; proxy?: string; isWrite?: boolean } = {},
): Promise<NoAnswer | string> {
  const clock = createFakeClock(() => true);
  const transport = createTransport({
    baseUrl: new URL(url),
    proxy: proxy === undefined ? undefined : new URL(proxy),
    tls: { ...PLAIN, ...tls },
    requestTimeoutMs: 10_000,
    clock,
  });
  const request = { method: 'GET', path: '/', headers: {}, maxBytes: 1_000, isWrite } as const;
  const result = await transport.send(request, {
    deadline: clock.now() + 60_000,
    signal: new AbortController().signal,
  });
  await transport.close();
  return 'answer' in result ? result.answer.text : result.noAnswer;
}

describe('TLS', () => {
  const trusting = () => ({ ca: authority.certificate });

  test('works with a private CA, RSA or EC', async () => {
    const rsa = await authority.issue({ name: 'rsa', hosts: ['127.0.0.1'], algorithm: 'RSA' });
    const ports = [await serveTls(), await serveTls({ cert: rsa.certificate, key: privatePem(rsa.key) })];
    for (const port of ports)
      expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toBe('fine');
  });

  test('works with any certificate if verification is off', async () => {
    expect(await ask(`https://127.0.0.1:${await serveTls()}`, { tls: { rejectUnauthorized: false } })).toBe(
      'fine',
    );
  });

  test('works with a client certificate', async () => {
    const client = await authority.issue({ name: 'client' });
    const port = await serveTls({ ca: authority.certificate, requestCert: true, rejectUnauthorized: true });
    const tls = { ...trusting(), cert: client.certificate, key: privatePem(client.key) };
    expect(await ask(`https://127.0.0.1:${port}`, { tls })).toBe('fine');
  });

  test('through a proxy shows the client certificate to the server alone', async () => {
    const client = await authority.issue({ name: 'client' });
    const port = await serveTls({ ca: authority.certificate, requestCert: true, rejectUnauthorized: true });
    const identity = { cert: server.certificate, key: privatePem(server.key) };
    const proxy = createSecureServer({ ...identity, requestCert: true, rejectUnauthorized: false });
    const shown: object[] = [];
    proxy.on('connect', ({ socket }, tunnel) => {
      shown.push((socket as TLSSocket).getPeerCertificate());
      const onwards = connectTo(port, '127.0.0.1', () => {
        tunnel.write('HTTP/1.1 200 OK\r\n\r\n');
        tunnel.pipe(onwards).pipe(tunnel);
      });
      tunnel.on('error', () => onwards.destroy());
      onwards.on('error', () => tunnel.destroy());
    });
    const tls = { ...trusting(), cert: client.certificate, key: privatePem(client.key) };
    const proxyUrl = `https://127.0.0.1:${await listen(proxy)}`;
    expect(await ask(`https://127.0.0.1:${port}`, { tls, proxy: proxyUrl })).toBe('fine');
    expect(shown).toEqual([{}]);
  });

  test('uses HTTP/1.1, even if HTTP/2 is offered', async () => {
    const identity = { cert: server.certificate, key: privatePem(server.key) };
    const offering = createHttp2Server({ ...identity, allowHTTP1: true }, (request, response) =>
      response.end(request.httpVersion),
    );
    offering.listen(0, '127.0.0.1');
    const url = await new Promise<string>((resolve) => {
      offering.once('listening', () =>
        resolve(`https://127.0.0.1:${(offering.address() as AddressInfo).port}`),
      );
    });
    const versions = [
      await ask(url, { tls: trusting() }),
      await ask(url, { tls: trusting(), isWrite: true }),
    ];
    offering.close();
    expect(versions).toEqual(['1.1', '1.1']);
  });

  test('reports an unknown CA', async () => {
    expect(await ask(`https://127.0.0.1:${await serveTls()}`)).toMatchObject({
      mayHaveBeenSent: false,
      nature: 'mistake',
      reason: expect.stringContaining("no trusted CA has signed the server's certificate: "),
      hint: 'Give the CA that signed it in ca_cert.',
    });
  });

  test('names a wrong host', async () => {
    const wrong = await authority.issue({ name: 'wrong', hosts: ['elsewhere.example'] });
    const port = await serveTls({ cert: wrong.certificate, key: privatePem(wrong.key) });
    expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toMatchObject({
      mayHaveBeenSent: false,
      reason: expect.stringContaining("the server's certificate is for another host: "),
      hint: expect.stringContaining('controller_url'),
    });
  });

  test('names an expired server certificate', async () => {
    const expired = await authority.issue({ name: 'old', hosts: ['127.0.0.1'], notAfter: YESTERDAY });
    const port = await serveTls({ cert: expired.certificate, key: privatePem(expired.key) });
    expect(await ask(`https://127.0.0.1:${port}`, { tls: trusting() })).toMatchObject({
      mayHaveBeenSent: false,
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
      mayHaveBeenSent: false,
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

  const NO_PROXY = 'or add the controller to NO_PROXY.';

  test.each<[number, string, FaultNature, string]>([
    [
      407,
      'the proxy requires other credentials (HTTP 407)',
      'refusal',
      `Put user and password into the URL in HTTP_PROXY or HTTPS_PROXY, ${NO_PROXY}`,
    ],
    [
      403,
      'the proxy refuses to connect there (HTTP 403)',
      'refusal',
      `Have the proxy allow the host and port in controller_url, ${NO_PROXY}`,
    ],
    [
      502,
      'the proxy cannot connect there',
      'passing',
      `Check controller_url as the proxy sees it, ${NO_PROXY}`,
    ],
  ])('that answer CONNECT with %i are named', async (status, reason, nature, hint) => {
    const proxy = await refusing(status);
    expect(await ask('https://controller.example', { proxy })).toMatchObject({
      ...{ mayHaveBeenSent: false, nature, hint },
      reason: expect.stringMatching(
        new RegExp(`^${reason.replace(/[()]/g, '\\$&')}.* through the proxy 127.0.0.1:`),
      ),
    });
  });

  test('that want credentials for plain HTTP are named', async () => {
    expect(await ask('http://controller.example', { proxy: await refusing(407) })).toMatchObject({
      nature: 'refusal',
      reason: expect.stringContaining('the proxy requires other credentials (HTTP 407)'),
    });
  });

  test('without a server are named', async () => {
    expect(await ask('https://controller.example', { proxy: 'http://127.0.0.1:1' })).toMatchObject({
      mayHaveBeenSent: false,
      reason: expect.stringMatching(/^the connection was refused: .*through the proxy 127\.0\.0\.1:1\)$/),
      hint: expect.stringContaining('Check host and port of the proxy in HTTP_PROXY or HTTPS_PROXY'),
    });
  });
});

const CONNECTING: Stage = { phase: 'connecting', proxy: undefined, isSecure: false };

describe('each cause', () => {
  const coded = (code: string, message: string) => Object.assign(new Error(message), { code });
  const CHECK_NETWORK =
    'Check the host in controller_url, and the network, VPN and firewalls between this machine and it.';
  const CHECK_URL = 'Check controller_url, and that the controller is up and this machine can reach it.';
  const CAUSES: readonly {
    reason: string;
    hint: string;
    nature?: FaultNature;
    signs: readonly (readonly [string, string])[];
  }[] = [
    {
      reason: 'the name of the host cannot be resolved at the moment',
      hint: 'Check the DNS of the machine that runs the step.',
      nature: 'unreachable',
      signs: [['EAI_AGAIN', 'getaddrinfo EAI_AGAIN c.example']],
    },
    {
      reason: 'the name of the host cannot be resolved',
      hint: 'Check the host in controller_url, and the DNS of the machine that runs the step.',
      nature: 'mistake',
      signs: [
        ['ENOTFOUND', 'getaddrinfo ENOTFOUND c.example'],
        ['EAI_NONAME', 'getaddrinfo EAI_NONAME c.example'],
      ],
    },
    {
      reason: 'the connection was refused',
      hint: 'Check host and port in controller_url, and that the controller is up.',
      nature: 'unreachable',
      signs: [['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1']],
    },
    {
      reason: 'there is no route to the host',
      hint: `${CHECK_NETWORK} On macOS 15 or later, also allow the runner access to the local network (System Settings, Privacy & Security, Local Network).`,
      nature: 'unreachable',
      signs: [['EHOSTUNREACH', 'connect EHOSTUNREACH']],
    },
    {
      reason: 'there is no route to the host',
      hint: CHECK_NETWORK,
      nature: 'unreachable',
      signs: [
        ['ENETUNREACH', 'connect ENETUNREACH'],
        ['EADDRNOTAVAIL', 'connect EADDRNOTAVAIL'],
      ],
    },
    {
      reason: 'the server says that the client certificate has expired',
      hint: 'Renew client_cert and client_key.',
      nature: 'mistake',
      signs: [['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'alert number 45']],
    },
    {
      reason: 'the server requires a client certificate',
      hint: 'Give one in client_cert and client_key.',
      nature: 'mistake',
      signs: [['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'alert number 116']],
    },
    {
      reason: 'the server does not accept the client certificate',
      hint: 'Give one that is signed by a CA that the server trusts in client_cert and client_key.',
      nature: 'mistake',
      signs: [
        ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'alert number 48'],
        ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 'alert number 49'],
        ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', 'alert number 51'],
        ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'alert number 42'],
        ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', 'alert number 46'],
      ],
    },
    {
      reason: 'the server speaks HTTP/2 only',
      hint: 'Let it speak HTTP/1.1, too: this action uses nothing else, because HTTP/2 may repeat a request on its own.',
      nature: 'mistake',
      signs: [
        ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'alert number 120'],
        ['ERR_OTHER', 'tlsv1 alert no application protocol'],
      ],
    },
    {
      reason: 'the server broke off the TLS handshake',
      hint: 'It may require a client certificate (client_cert and client_key), or support only other ciphers.',
      nature: 'mistake',
      signs: [['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'alert number 40']],
    },
    {
      reason: 'the server speaks no version of TLS that this machine accepts',
      hint: 'Let it speak TLS 1.2 or 1.3.',
      nature: 'mistake',
      signs: [
        ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tlsv1 alert protocol version'],
        ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'unsupported protocol'],
      ],
    },
    {
      reason: 'the server uses encryption that this machine does not accept',
      hint: 'Update its TLS library and keys: RSA keys of at least 2,048 bits, and SHA-256.',
      nature: 'mistake',
      signs: [
        ['ERR_SSL_DH_KEY_TOO_SMALL', 'dh key too small'],
        ['ERR_SSL_CA_MD_TOO_WEAK', 'ca md too weak'],
        ['ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED', 'unsafe legacy renegotiation disabled'],
      ],
    },
    {
      reason: 'the server does not know the host',
      hint: 'Use the host name in controller_url that the server is set up for.',
      nature: 'mistake',
      signs: [['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'tlsv1 unrecognized name']],
    },
    {
      reason: 'the server does not speak TLS there, or not as this machine does',
      hint: 'Check whether controller_url should begin with http:// or name another port.',
      nature: 'mistake',
      signs: [
        ['ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number'],
        ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'packet length too long'],
        ['ERR_SSL_HTTP_REQUEST', 'http request'],
        ['EPROTO', 'wrong version number'],
      ],
    },
    {
      reason: 'the server does not speak HTTP there',
      hint: 'Check the port in controller_url, and whether it should begin with https://.',
      nature: 'mistake',
      signs: [
        ['HPE_INVALID_CONSTANT', 'Expected HTTP/'],
        ['UND_ERR_HTTP_PARSER', 'bad start line'],
        ['ERR_OTHER', 'bad response to an HTTP/1.1 protocol request'],
      ],
    },
    {
      reason: 'the server sent "100 Continue", which was not asked for',
      hint: 'Turn that off in the server, or in the gateway in front of it.',
      nature: 'mistake',
      signs: [['UND_ERR_SOCKET', 'bad response']],
    },
    {
      reason: 'the connection was closed',
      hint: `${CHECK_URL} If it speaks TLS, controller_url should begin with https://.`,
      signs: [
        ['ECONNRESET', 'read ECONNRESET'],
        ['EPIPE', 'write EPIPE'],
        ['UND_ERR_SOCKET', 'other side closed'],
      ],
    },
    {
      reason: 'the connection timed out',
      hint: CHECK_URL,
      nature: 'unreachable',
      signs: [
        ['ETIMEDOUT', 'connect ETIMEDOUT'],
        ['UND_ERR_CONNECT_TIMEOUT', 'Connect Timeout Error'],
      ],
    },
  ];
  const signs = CAUSES.flatMap(({ reason, hint, nature = 'passing', signs: all }) =>
    all.map(([code, message]) => ({ code, message, reason, hint, nature })),
  );

  test.each(signs)('$code, $message: $reason', ({ code, message, reason, hint, nature }) => {
    const buried = new Error('request failed', { cause: coded(code, message) });
    const detail = message.includes(code) ? message : `${message} (${code})`;
    expect(explainFailure(buried, CONNECTING)).toEqual({
      reason: `${reason}: ${detail} (while connecting)`,
      hint,
      nature,
    });
  });

  test.each(signs.filter(({ code }) => !/ERR_OTHER|APPLICATION_PROTOCOL/.test(code)))(
    '$code counts as a code, not as a word of a message',
    ({ code }) => {
      expect(explainFailure(coded('ERR_NEW', `about ${code} here`), CONNECTING)).toEqual({
        reason: `about ${code} here (ERR_NEW) (while connecting)`,
        hint: CHECK_URL,
        nature: 'passing',
      });
    },
  );

  test.each(['UND_ERR_SOCKET other side closed', 'ECONNRESET here'])('over TLS, too: %s', (words) => {
    const stage = { ...CONNECTING, isSecure: true, phase: 'waiting for the answer' } as const;
    expect(explainFailure(coded('ERR_NEW', `about ${words}`), stage)).toEqual({
      reason: `about ${words} (ERR_NEW) (while waiting for the answer)`,
      hint: CHECK_URL,
      nature: 'passing',
    });
  });

  test.each(['connecting', 'waiting for the answer', 'reading the answer'] as const)(
    'running out of time while %s',
    (phase) => {
      expect(explainFailure(new DOMException('late', 'TimeoutError'), { ...CONNECTING, phase })).toEqual({
        reason: `timed out while ${phase}`,
        hint: `${CHECK_URL} If it is only slow, raise request_timeout.`,
        nature: phase === 'connecting' ? 'unreachable' : 'passing',
      });
    },
  );

  test.each<[unknown, string, FaultNature]>([
    [new Error('something new'), 'something new (while connecting)', 'passing'],
    [Object.assign(new Error('late'), { name: 'TimeoutError' }), 'late (while connecting)', 'passing'],
    ['a text', 'a text (while connecting)', 'passing'],
    ['ECONNREFUSED now', 'the connection was refused: ECONNREFUSED now (while connecting)', 'unreachable'],
  ])('any other: %p', (thrown, reason, nature) => {
    expect(explainFailure(thrown, CONNECTING)).toMatchObject({ reason, nature });
  });

  test('a connection that times out later may heal', () => {
    const stage = { ...CONNECTING, phase: 'reading the answer' } as const;
    expect(explainFailure(coded('ETIMEDOUT', 'read ETIMEDOUT'), stage)).toMatchObject({
      reason: 'the connection timed out: read ETIMEDOUT (while reading the answer)',
      nature: 'passing',
    });
  });

  test.each([
    ['ENOTFOUND', 'the host of the proxy in HTTP_PROXY or HTTPS_PROXY'],
    ['ECONNREFUSED', 'host and port of the proxy in HTTP_PROXY or HTTPS_PROXY'],
    ['EHOSTUNREACH', 'host and port of the proxy in HTTP_PROXY or HTTPS_PROXY'],
  ])('%s while a proxy is connected to is about the proxy', (code, expected) => {
    const proxied = { ...CONNECTING, proxy: 'proxy.example:3128' };
    expect(explainFailure(coded(code, 'no'), proxied).hint).toContain(expected);
    expect(explainFailure(coded(code, 'no'), { ...proxied, phase: 'reading the answer' }).hint).not.toContain(
      'HTTP_PROXY',
    );
  });

  test('the hint for a silent proxy names the proxy, too', () => {
    const { hint } = explainFailure(new DOMException('late', 'TimeoutError'), {
      ...CONNECTING,
      proxy: 'p:1',
    });
    expect(hint).toMatch(/^Check host and port of the proxy .* If it is only slow, raise request_timeout\.$/);
  });

  test.each<[Partial<Stage>, FaultNature, string]>([
    [{ isSecure: true, phase: 'waiting for the answer' }, 'mistake', 'client_cert'],
    [{ isSecure: true, phase: 'connecting' }, 'passing', 'client_cert'],
    [{ isSecure: false, phase: 'waiting for the answer' }, 'unreachable', 'Does the port speak TLS?'],
    [{ isSecure: false, phase: 'reading the answer' }, 'passing', 'https://'],
  ])('a connection that is closed: %j', (stage, nature, hint) => {
    const error = coded('UND_ERR_SOCKET', 'other side closed');
    const explained = explainFailure(error, { ...CONNECTING, ...stage });
    expect(explained).toMatchObject({ nature, hint: expect.stringContaining(hint) });
  });

  test.each(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])(
    'a connection over TLS that is closed (%s) may be a matter of the client certificate',
    (code) => {
      const explained = explainFailure(coded(code, 'closed'), { ...CONNECTING, isSecure: true });
      expect(explained).toMatchObject({
        reason: `the connection was closed: closed (${code}) (while connecting)`,
        hint: `${CHECK_URL} It may require a client certificate, or a different one (client_cert and client_key).`,
      });
    },
  );

  test('is not a timeout if the other side gave up', () => {
    const { reason } = explainFailure(new DOMException('over', 'AbortError'), CONNECTING);
    expect(reason).not.toContain('timed out');
  });
});

describe('what OpenSSL finds wrong with a certificate', () => {
  const HOST = "the server's certificate is for another host";
  const UNTRUSTED = "no trusted CA has signed the server's certificate";
  const REVOKED = "the server's certificate is revoked, or cannot be checked for that";
  const WEAK = "the server's certificate, or its CA's, is too weak";
  const PURPOSE = "the server's certificate, or its CA's, is made for another purpose";
  const NOT_ALLOWED = "the server's certificate is signed by one that is not allowed to sign it";
  const INVALID = "the server's certificate is not valid";
  const OTHER = 'UNSPECIFIED';

  // All errors of X509_verify_cert_error_string in OpenSSL 3.5, with the codes that Node gives them.
  test.each([
    [OTHER, 'unspecified certificate verification error', INVALID],
    ['UNABLE_TO_GET_ISSUER_CERT', 'unable to get issuer certificate', UNTRUSTED],
    ['UNABLE_TO_GET_CRL', 'unable to get certificate CRL', REVOKED],
    ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', "unable to decrypt certificate's signature", UNTRUSTED],
    ['UNABLE_TO_DECRYPT_CRL_SIGNATURE', "unable to decrypt CRL's signature", REVOKED],
    ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'unable to decode issuer public key', UNTRUSTED],
    ['CERT_SIGNATURE_FAILURE', 'certificate signature failure', UNTRUSTED],
    ['CRL_SIGNATURE_FAILURE', 'CRL signature failure', REVOKED],
    ['CERT_NOT_YET_VALID', 'certificate is not yet valid', "the server's certificate is not valid yet"],
    ['CERT_HAS_EXPIRED', 'certificate has expired', "the server's certificate has expired"],
    ['CRL_NOT_YET_VALID', 'CRL is not yet valid', REVOKED],
    ['CRL_HAS_EXPIRED', 'CRL has expired', REVOKED],
    ['ERROR_IN_CERT_NOT_BEFORE_FIELD', "format error in certificate's notBefore field", INVALID],
    ['ERROR_IN_CERT_NOT_AFTER_FIELD', "format error in certificate's notAfter field", INVALID],
    ['ERROR_IN_CRL_LAST_UPDATE_FIELD', "format error in CRL's lastUpdate field", REVOKED],
    ['ERROR_IN_CRL_NEXT_UPDATE_FIELD', "format error in CRL's nextUpdate field", REVOKED],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', UNTRUSTED],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain', UNTRUSTED],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate', UNTRUSTED],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate', UNTRUSTED],
    ['CERT_CHAIN_TOO_LONG', 'certificate chain too long', NOT_ALLOWED],
    ['CERT_REVOKED', 'certificate revoked', REVOKED],
    [OTHER, "issuer certificate doesn't have a public key", INVALID],
    ['PATH_LENGTH_EXCEEDED', 'path length constraint exceeded', NOT_ALLOWED],
    ['INVALID_PURPOSE', 'unsuitable certificate purpose', PURPOSE],
    ['CERT_UNTRUSTED', 'certificate not trusted', UNTRUSTED],
    ['CERT_REJECTED', 'certificate rejected', UNTRUSTED],
    [OTHER, 'subject issuer mismatch', UNTRUSTED],
    [OTHER, 'authority and subject key identifier mismatch', UNTRUSTED],
    [OTHER, 'authority and issuer serial number mismatch', UNTRUSTED],
    [OTHER, 'key usage does not include certificate signing', NOT_ALLOWED],
    [OTHER, 'unable to get CRL issuer certificate', REVOKED],
    [OTHER, 'unhandled critical extension', INVALID],
    [OTHER, 'key usage does not include CRL signing', REVOKED],
    [OTHER, 'unhandled critical CRL extension', REVOKED],
    [OTHER, 'invalid non-CA certificate (has CA markings)', NOT_ALLOWED],
    [OTHER, 'proxy path length constraint exceeded', PURPOSE],
    [OTHER, 'key usage does not include digital signature', PURPOSE],
    [OTHER, 'proxy certificates not allowed, please set the appropriate flag', PURPOSE],
    [OTHER, 'invalid or inconsistent certificate extension', INVALID],
    [OTHER, 'invalid or inconsistent certificate policy extension', INVALID],
    [OTHER, 'no explicit policy', INVALID],
    [OTHER, 'different CRL scope', REVOKED],
    [OTHER, 'unsupported extension feature', INVALID],
    [OTHER, "RFC 3779 resource not subset of parent's resources", INVALID],
    [OTHER, 'permitted subtree violation', NOT_ALLOWED],
    [OTHER, 'excluded subtree violation', NOT_ALLOWED],
    [OTHER, 'name constraints minimum and maximum not supported', NOT_ALLOWED],
    [OTHER, 'application verification failure', INVALID],
    [OTHER, 'unsupported name constraint type', NOT_ALLOWED],
    [OTHER, 'unsupported or invalid name constraint syntax', NOT_ALLOWED],
    [OTHER, 'unsupported or invalid name syntax', INVALID],
    [OTHER, 'CRL path validation error', REVOKED],
    [OTHER, 'path loop', NOT_ALLOWED],
    [OTHER, 'Suite B: certificate version invalid', WEAK],
    [OTHER, 'Suite B: invalid public key algorithm', WEAK],
    [OTHER, 'Suite B: invalid ECC curve', WEAK],
    [OTHER, 'Suite B: invalid signature algorithm', WEAK],
    [OTHER, 'Suite B: curve not allowed for this LOS', WEAK],
    [OTHER, 'Suite B: cannot sign P-384 with P-256', WEAK],
    ['HOSTNAME_MISMATCH', 'hostname mismatch', HOST],
    [OTHER, 'email address mismatch', HOST],
    [OTHER, 'IP address mismatch', HOST],
    [OTHER, 'no matching DANE TLSA records', INVALID],
    [OTHER, 'EE certificate key too weak', WEAK],
    [OTHER, 'CA certificate key too weak', WEAK],
    [OTHER, 'CA signature digest algorithm too weak', WEAK],
    [OTHER, 'invalid certificate verification context', INVALID],
    [OTHER, 'issuer certificate lookup error', UNTRUSTED],
    [OTHER, 'Certificate Transparency required, but no valid SCTs found', INVALID],
    [OTHER, 'proxy subject name violation', PURPOSE],
    [OTHER, 'OCSP verification needed', REVOKED],
    [OTHER, 'OCSP verification failed', REVOKED],
    [OTHER, 'OCSP unknown cert', REVOKED],
    [OTHER, 'Cannot find certificate signature algorithm', INVALID],
    [OTHER, 'subject signature algorithm and issuer public key algorithm mismatch', UNTRUSTED],
    [OTHER, 'cert info signature and signature algorithm mismatch', UNTRUSTED],
    ['INVALID_CA', 'invalid CA certificate', NOT_ALLOWED],
    [OTHER, 'Path length invalid for non-CA cert', NOT_ALLOWED],
    [OTHER, 'Path length given without key usage keyCertSign', NOT_ALLOWED],
    [OTHER, 'Key usage keyCertSign invalid for non-CA cert', NOT_ALLOWED],
    [OTHER, 'Issuer name empty', INVALID],
    [OTHER, 'Subject name empty', INVALID],
    [OTHER, 'Missing Authority Key Identifier', INVALID],
    [OTHER, 'Missing Subject Key Identifier', INVALID],
    [OTHER, 'Empty Subject Alternative Name extension', INVALID],
    [OTHER, 'Subject empty and Subject Alt Name extension not critical', INVALID],
    [OTHER, 'Basic Constraints of CA cert not marked critical', NOT_ALLOWED],
    [OTHER, 'Authority Key Identifier marked critical', INVALID],
    [OTHER, 'Subject Key Identifier marked critical', INVALID],
    [OTHER, 'CA cert does not include key usage extension', NOT_ALLOWED],
    [OTHER, 'Using cert extension requires at least X509v3', INVALID],
    [OTHER, 'Certificate public key has explicit ECC parameters', INVALID],
    [OTHER, 'unknown certificate verification error', INVALID],
    ['ERR_TLS_CERT_ALTNAME_INVALID', "Hostname/IP does not match certificate's altnames", HOST],
  ])('%s %s', (code, message, expected) => {
    const error = Object.assign(new Error(message), { code });
    const { reason, hint, nature } = explainFailure(error, { ...CONNECTING, isSecure: true });
    expect([reason, nature]).toEqual([`${expected}: ${message} (${code}) (while connecting)`, 'mistake']);
    expect(hint).toMatch(/^(Use|Renew|Correct|Give|Issue|Have) /);
  });

  test('too little memory is not its fault', () => {
    const error = Object.assign(new Error('out of memory'), { code: 'OUT_OF_MEM' });
    expect(explainFailure(error, CONNECTING)).toMatchObject({
      reason: expect.stringMatching(/^this machine has too little memory/),
      nature: 'passing',
    });
  });
});

test('another CA does not vouch for the server', async () => {
  const port = await serveTls();
  expect(await ask(`https://127.0.0.1:${port}`, { tls: { ca: other.certificate } })).toMatchObject({
    mayHaveBeenSent: false,
  });
});
