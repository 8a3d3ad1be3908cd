import { createServer as createHttpServer } from 'node:http';
import type { ServerOptions as SecureOptions } from 'node:https';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Authority, createAuthority, type Issued, privatePem } from '../../simulator/certificates.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { playStep } from '../simulation/play-step.ts';
import { playOnStage, theFirstOf, WHOLE } from '../simulation/stage.ts';
import { createPausingClock, type PausingClock } from '../support/fake-clock.ts';
import { ID } from '../support/instances.ts';
import {
  answering,
  answeringSecurely,
  forgetNames,
  type Listening,
  listen,
  type Page,
  talking,
  unusedPort,
} from '../support/loopback.ts';
import { prepared, startProxy } from '../support/ways.ts';

// Each mistake that people make must end with its own code and hint, within its time limit. The real step runs over real sockets, on a
// clock that skips pauses. A request reaches its time limit only if the server is silent.

const ELSEWHERE = 'controller.example';
const HTML = '<!doctype html><html><body>Please log in</body></html>';
const GOOD: Page = {
  status: 200,
  body: JSON.stringify({
    status: 'OK',
    body: {
      instance_id: ID,
      instance_state: 'Started',
      ts: '2024-10-13T11:10:07.604Z',
      vminfo: {
        status: 'running',
        start_date: '2024-10-13T10:51:34Z',
        timestamp: '2024-10-13T13:10:02.690025+02:00',
      },
    },
  }),
};

const NOT_LET_IN = '{"status":"FAIL","message":"Authentication Required"}';
const SERVER = { name: 'controller', hosts: ['127.0.0.1'] };
/** "Protocol version", as a TLS record. */
const ALERT = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]);

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';

/** What runs at the controller's address, and how the step gets there. */
interface Scene {
  readonly url: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

let closing: (() => void)[];
let authority: Authority;
let foreign: Authority;
let server: Issued;
let clock: PausingClock;

beforeAll(async () => {
  [authority, foreign] = await Promise.all([createAuthority(), createAuthority('Another CA')]);
  server = await authority.issue(SERVER);
});

beforeEach(() => {
  closing = [];
  clock = createPausingClock();
  forgetNames();
});

afterEach(() => {
  for (const close of closing) close();
});

async function there(opening: Promise<Listening>): Promise<number> {
  const { port, close } = await opening;
  closing.push(close);
  return port;
}

const atHttp = async (opening: Promise<Listening>): Promise<Scene> => ({
  url: `http://127.0.0.1:${await there(opening)}`,
});
const atHttps = async (opening: Promise<Listening>): Promise<Scene> => ({
  url: `https://127.0.0.1:${await there(opening)}`,
});

const pemOf = ({ certificate, key }: Issued) => ({ cert: certificate, key: privatePem(key) });

/** A server that serves a page, with a certificate of the CA in `ca_cert`. */
async function secured(
  options: SecureOptions = {},
  inputs: Readonly<Record<string, string>> = {},
  page = GOOD,
): Promise<Scene> {
  const scene = await atHttps(answeringSecurely({ ...pemOf(server), ...options }, page));
  return { ...scene, inputs: { ca_cert: authority.certificate, ...inputs } };
}

/** TLS 1.2 rejects the client's certificate in the handshake, TLS 1.3 only after it. */
const wantsCertificate = (version: 'TLSv1.2' | 'TLSv1.3') => ({
  ca: authority.certificate,
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: version,
  maxVersion: version,
});

async function foreignCertificate(): Promise<Record<string, string>> {
  const { cert, key } = pemOf(await foreign.issue({ name: 'client' }));
  return { client_cert: cert, client_key: key };
}

// Servers that do not speak HTTP, or stop doing so.
const greet = (socket: Socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n');
const reset = (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy());
const expire = (socket: Socket) => void socket.once('data', () => clock.expire());

async function askingGitHub(url: string): Promise<Scene> {
  const inputs = { runner_name: 'mac-7', runner_scope: 'octo-org', github_token: 'token-of-mine' };
  return { ...(await atHttp(answering(GOOD))), inputs, environment: { GITHUB_API_URL: url } };
}

function throughProxy(proxy: string, scheme: 'http' | 'https'): Scene {
  return { url: `${scheme}://${ELSEWHERE}:8090`, environment: { [`${scheme}_proxy`]: proxy } };
}

async function wantingProxy(scheme: 'http' | 'https'): Promise<Scene> {
  const proxy = await startProxy('me:right');
  closing.push(proxy.close);
  return throughProxy(proxy.url.replace('right', 'wrong-word'), scheme);
}

/** A proxy that answers every CONNECT like this. */
async function refusingProxy(line: string): Promise<Scene> {
  const proxy = createHttpServer();
  proxy.on('connect', (_, client) => client.end(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`));
  return throughProxy(`http://127.0.0.1:${await there(listen(proxy))}`, 'https');
}

async function withKey(page: Page, prefix = ''): Promise<Scene> {
  const way = await prepared({ apiKeyId: 'ci' });
  closing.push(() => way.cleanUp?.());
  const scene = await atHttp(answering(page));
  return { url: `${scene.url}${prefix}`, inputs: way.inputs ?? {} };
}

async function play({ url, inputs = {}, environment = {} }: Scene) {
  const host = { clock, signal: clock.signal, random: () => 0, environment };
  const given = { controller_url: url, instance_id: ID, timeout: '5m', ...inputs };
  const played = await playStep(host, given);
  const { warnings, startedAt, endedAt } = played;
  return { outcome: theFirstOf(played), warnings, seconds: (endedAt - startedAt) / 1_000 };
}

interface Reported {
  readonly code: ErrorCode;
  /** A part of the hint. */
  readonly hint: string;
  /** The virtual second by which it is over. */
  readonly by: number;
}

const AT_ONCE = 0;
/** Tried for a few seconds more: it might be a controller that is just starting. */
const SOON = 16;

const unreachable = (hint: string, by = SOON): Reported => ({ code: 'controller_unreachable', hint, by });
const noApi = (hint: string, by = SOON): Reported => ({ code: 'protocol_error', hint, by });
const unauthorized = (hint: string): Reported => ({ code: 'authentication_failed', hint, by: AT_ONCE });
const denied = (hint: string): Reported => ({ code: 'permission_denied', hint, by: AT_ONCE });

type Row = [string, () => Promise<Scene>, Reported];

describe('a mistake that only a person can fix ends the step within seconds', () => {
  test.each<Row>([
    [
      'a name that does not exist',
      async () => ({ url: 'http://controller.invalid:8090' }),
      unreachable('Check the host in controller_url'),
    ],
    [
      'an unknown CA',
      async () => ({ ...(await secured()), inputs: {} }),
      unreachable('Give the CA that signed it in ca_cert'),
    ],
    [
      'a certificate of another host',
      async () => secured(pemOf(await authority.issue({ name: 'x', hosts: ['other.example'] }))),
      unreachable('Use the host name in controller_url that the certificate is made for'),
    ],
    [
      'a certificate that has expired',
      async () => secured(pemOf(await authority.issue({ ...SERVER, notAfter: new Date(0) }))),
      unreachable('Renew the certificate of the server'),
    ],
    [
      'a certificate with a weak key',
      async () =>
        secured({
          ...pemOf(await authority.issue({ ...SERVER, algorithm: 'weak' })),
          ciphers: 'DEFAULT@SECLEVEL=0',
        }),
      unreachable('Issue it again with a key of at least 2,048 bits'),
    ],
    [
      'a certificate for clients',
      async () => secured(pemOf(await authority.issue({ ...SERVER, forClients: true }))),
      unreachable('Issue it for servers (extended key usage serverAuth)'),
    ],
    [
      'a server with TLS 1.1 at most',
      () => secured({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      unreachable('Let it speak TLS 1.2 or 1.3'),
    ],
    [
      'a server with HTTP/2 only',
      () => secured({ ALPNProtocols: ['h2'] }),
      unreachable('Let it speak HTTP/1.1, too'),
    ],
    [
      'https for http',
      () => atHttps(answering(GOOD)),
      unreachable('Check whether controller_url should begin with http://'),
    ],
    [
      'http for https, reported by an alert (OpenSSL, Java)',
      () => atHttp(talking((socket) => socket.once('data', () => socket.end(ALERT)))),
      unreachable('whether it should begin with https://'),
    ],
    [
      'http for https, reported by a page (Go, nginx)',
      () => atHttp(answering({ status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' })),
      noApi('controller_url should begin with https://', AT_ONCE),
    ],
    [
      'no client certificate, TLS 1.2',
      () => secured(wantsCertificate('TLSv1.2')),
      unreachable('It may require a client certificate (client_cert and client_key)'),
    ],
    [
      'no client certificate, TLS 1.3',
      () => secured(wantsCertificate('TLSv1.3')),
      unreachable(
        'The server may require a client certificate, or a different one: see client_cert and client_key',
      ),
    ],
    [
      'no client certificate, reported by a page (nginx)',
      () =>
        secured({}, {}, { status: 400, body: '<html><center>No required SSL certificate was sent</center>' }),
      noApi('The server requires a client certificate, or a different one', AT_ONCE),
    ],
    [
      'a client certificate of another CA',
      async () => secured(wantsCertificate('TLSv1.3'), await foreignCertificate()),
      unreachable(
        'The server may require a client certificate, or a different one: see client_cert and client_key',
      ),
    ],
    ['a login page', () => atHttp(answering({ status: 200, body: HTML })), noApi('is there a login page')],
    [
      'a login page behind a redirect',
      () => atHttp(answering({ status: 302, body: '', headers: { location: 'https://sso.example/in?x=1' } })),
      noApi('Put the address of the controller itself into controller_url', AT_ONCE),
    ],
    [
      'a login page that a handshake meets',
      () => withKey({ status: 200, body: HTML }),
      noApi('is there a login page'),
    ],
    [
      'a gateway that sends 100 Continue unasked',
      () => atHttp(talking((socket) => socket.once('data', () => socket.write(CONTINUE)))),
      unreachable('Turn that off in the server, or in the gateway in front of it'),
    ],
    ['an SSH port', () => atHttp(talking(greet)), unreachable('Check the port in controller_url')],
    ['an SSH port over https', () => atHttps(talking(greet)), unreachable('or name another port')],
    [
      'a wrong prefix that answers FAIL',
      () => atHttp(answering({ status: 200, body: '{"status":"FAIL","message":"no such path"}' })),
      noApi('is the path prefix right?'),
    ],
    [
      'a wrong prefix that answers FAIL to a list',
      async () => ({
        ...(await atHttp(answering({ status: 200, body: '{"status":"FAIL","message":"no such path"}' }))),
        inputs: { instance_id: '', external_id: 'runner-1' },
      }),
      noApi('is the path prefix right?'),
    ],
    ...[
      '{}',
      '[]',
      '{"errors":[{"message":"no query"}]}',
      '{"status":"UP"}',
      '{"status":"OK","body":{}}',
      '{"status":"OK"}',
      '',
      [...'{"status":"OK"}'].join('\0'),
    ].map(
      (body): Row => [
        `another API that answers ${JSON.stringify(body)}`,
        () => atHttp(answering({ status: 200, body })),
        noApi('is the path prefix right?'),
      ],
    ),
    ['HTTP 204', () => atHttp(answering({ status: 204, body: '' })), noApi('is the path prefix right?')],
    ...[300, 304].map(
      (status): Row => [
        `HTTP ${status}`,
        () => atHttp(answering({ status, body: '' })),
        noApi('Most likely a cache or gateway', AT_ONCE),
      ],
    ),
    [
      'a wrong prefix that answers 404 with a page',
      () => atHttp(answering({ status: 404, body: HTML })),
      noApi('is the path prefix right?', AT_ONCE),
    ],
    [
      'a wrong prefix, with an API key',
      () => withKey({ status: 404, body: '404 page not found' }, '/wrong'),
      unauthorized('Check controller_url: is its path prefix right'),
    ],
    [
      'no credentials',
      () => atHttp(answering({ status: 401, body: NOT_LET_IN })),
      unauthorized('give root_token, or api_key_id and api_key'),
    ],
    [
      'a wrong token',
      async () => ({
        ...(await atHttp(answering({ status: 401, body: NOT_LET_IN }))),
        inputs: { root_token: 'another-token' },
      }),
      unauthorized('Check root_token'),
    ],
    [
      'a permission that is missing',
      () => atHttp(answering({ status: 403, body: '{"status":"FAIL","message":"no"}' })),
      denied('The step needs permission to list and restart instances'),
    ],
    [
      'a gateway that wants something',
      () => atHttp(answering({ status: 403, body: HTML })),
      denied('whether a gateway requires something (see headers)'),
    ],
    ['a proxy password, http', () => wantingProxy('http'), unreachable('Put user and password', AT_ONCE)],
    ['a proxy password, https', () => wantingProxy('https'), unreachable('Put user and password', AT_ONCE)],
    [
      'a proxy that does not let the step go there',
      () => refusingProxy('403 Forbidden'),
      unreachable('Have the proxy allow the host and port', AT_ONCE),
    ],
    [
      'a proxy that is misspelt, http',
      async () => throughProxy('http://prxoy.example:3128', 'http'),
      unreachable('Check the host of the proxy in HTTP_PROXY or HTTPS_PROXY'),
    ],
    [
      'a proxy that is misspelt, https',
      async () => throughProxy('http://prxoy.example:3128', 'https'),
      unreachable('Check the host of the proxy in HTTP_PROXY or HTTPS_PROXY'),
    ],
    [
      'a GITHUB_API_URL that does not exist',
      () => askingGitHub('http://github.invalid'),
      { code: 'github_api_failed', hint: 'Check GITHUB_API_URL', by: SOON },
    ],
  ])('%s', async (_, make, { code, hint, by }) => {
    const { outcome, seconds, warnings } = await play(await make());
    expect(outcome).toMatchObject({
      restarted: 'false',
      error: { code, hint: expect.stringContaining(hint) },
    });
    expect([seconds <= by, seconds, warnings]).toEqual([true, expect.any(Number), []]);
    expect(outcome.moments).not.toHaveProperty('sent');
  });
});

describe('the step gives up on an unreachable host within a minute, after a warning', () => {
  test.each<[string, () => Promise<Scene>, string, string, ErrorCode?]>([
    [
      'refused',
      () => atHttp(unusedPort()),
      'the connection was refused',
      'Check host and port in controller_url',
    ],
    [
      'http for https, closed without a word',
      () => atHttp(talking((socket) => socket.once('data', () => socket.end()))),
      'the connection was closed without an answer',
      'Does the port speak TLS? Then controller_url should begin with https://',
    ],
    [
      'a proxy that is down, http',
      async () => throughProxy(`http://127.0.0.1:${await there(unusedPort())}`, 'http'),
      'the connection was refused',
      'Check host and port of the proxy in HTTP_PROXY or HTTPS_PROXY',
    ],
    [
      'a proxy that is down, https',
      async () => throughProxy(`http://127.0.0.1:${await there(unusedPort())}`, 'https'),
      'the connection was refused',
      'Check host and port of the proxy in HTTP_PROXY or HTTPS_PROXY',
    ],
    [
      'GITHUB_API_URL refused',
      async () => askingGitHub(`http://127.0.0.1:${await there(unusedPort())}`),
      'the connection was refused',
      'Check GITHUB_API_URL',
      'github_api_failed',
    ],
  ])('%s', async (_, make, reason, hint, code = 'controller_unreachable') => {
    const { outcome, seconds, warnings } = await play(await make());
    const error = { code, message: expect.stringContaining(reason), hint: expect.stringContaining(hint) };
    expect(outcome).toMatchObject({ restarted: 'false', error });
    expect([seconds >= 37, seconds <= 60, seconds]).toEqual([true, true, expect.any(Number)]);
    expect(warnings).toEqual([
      expect.stringMatching(/ has given no usable answer (about the runner )?for 3/),
    ]);
    expect(outcome.moments).not.toHaveProperty('sent');
  });
});

test('the step gives up on a silent host before a warning would be due', async () => {
  const { outcome, seconds, warnings } = await play(await atHttps(talking(expire)));
  expect(outcome).toMatchObject({
    restarted: 'false',
    error: {
      code: 'controller_unreachable',
      message: expect.stringContaining('timed out while connecting'),
      hint: expect.stringContaining('this machine can reach it'),
    },
  });
  expect([seconds >= 37, seconds <= 45, seconds]).toEqual([true, true, expect.any(Number)]);
  expect(warnings).toEqual([]);
});

test.each(['1s', '10s', '30s', '60s', '10m'])(
  'what never connects is given up within a minute with request_timeout: %s',
  async (request_timeout) => {
    const never = { ...WHOLE, connectMs: undefined, thereMs: 0, backMs: 0 };
    const { vm, seconds, warnings } = await playOnStage({ request_timeout }, { deliveryOf: () => never });
    expect(vm.error).toMatchObject({
      code: 'controller_unreachable',
      message: expect.stringContaining('timed out while connecting'),
    });
    expect([seconds >= 37, seconds <= 60, seconds]).toEqual([true, true, expect.any(Number)]);
    expect(warnings.join()).not.toMatch(/gives up in \d+ min/);
  },
);

describe('temporary faults are retried until the timeout, with one warning', () => {
  test.each<[string, () => Promise<Scene>, string, string, ErrorCode?]>([
    ['502', () => atHttp(answering({ status: 502, body: HTML })), 'HTTP 502', 'is overloaded or down'],
    ['reset', () => atHttp(talking(reset)), 'the connection was closed', 'that the controller is up'],
    [
      'silent',
      () => atHttp(talking(expire)),
      'timed out while waiting for the answer',
      'raise request_timeout',
    ],
    [
      'a proxy that says 502',
      () => refusingProxy('502 Bad Gateway'),
      'the proxy cannot connect there',
      'Check controller_url as the proxy sees it',
    ],
  ])('%s', async (_, make, reason, hint, code = 'controller_unreachable') => {
    const { outcome, seconds, warnings } = await play(await make());
    expect(outcome).toMatchObject({
      restarted: 'false',
      error: {
        code,
        message: expect.stringContaining(reason),
        hint: expect.stringContaining(hint),
      },
    });
    expect(Math.ceil(seconds)).toBe(300);
    expect(warnings).toEqual([
      expect.stringMatching(/ has given no usable answer for 3\d\.\d s: .* Still retrying, gives up in /),
    ]);
    for (const part of [reason, hint]) expect(warnings[0]).toContain(part);
    expect(outcome.moments).not.toHaveProperty('sent');
  });
});
