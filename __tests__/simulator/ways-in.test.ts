import { constants, createPrivateKey, privateDecrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type AccessOptions, type PreparedAccess, prepareAccess } from '../../simulator/access.ts';
import type { Interventions } from '../../simulator/faults-by-hand.ts';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import {
  type Ask,
  apiOf,
  BEARERS,
  bearerHeaders,
  over1,
  over2,
  rootHeaders,
  shakeHands,
  type Tls,
} from '../support/strict-client.ts';

// How clients authenticate at a simulated controller. They are as strict as the vendor's own clients.

const NOON = Date.parse('2026-07-01T12:00:00Z');
const ROOT_TOKEN = '1111111111';
const NO_ACCESS: AccessOptions = {
  rootToken: undefined,
  apiKeyId: undefined,
  sessionTtlMs: 300_000,
  tls: false,
  mtls: false,
};

let now: number;
let prepared: PreparedAccess;
let simulator: RunningSimulator | undefined;

beforeEach(() => {
  now = NOON;
});

afterEach(async () => {
  await simulator?.close();
  simulator = undefined;
  prepared?.cleanUp();
});

interface Setup extends Partial<AccessOptions> {
  readonly interventions?: Interventions;
}

async function start({ interventions = {}, ...options }: Setup = {}): Promise<string> {
  prepared = await prepareAccess({ ...NO_ACCESS, ...options });
  const { access, secure } = prepared;
  const world = new World({ ...DEFAULT_WORLD, startsAt: NOON });
  const how = { world, port: 0, now: () => now, access, interventions };
  simulator = await serve({ ...how, ...(secure && { secure }) });
  return simulator.url;
}

function file(input: string): string {
  return readFileSync(prepared.inputs[input] ?? '', 'utf8');
}

const bare = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, '');
const statusOf = async (ask: Ask, headers: Record<string, string> = {}) =>
  (await ask({ method: 'GET', path: '/api/v1/status', headers })).status;

describe('a user API key', () => {
  const enter = async () => {
    const ask = over1(await start({ apiKeyId: 'ci', rootToken: ROOT_TOKEN }));
    return { ask, key: { id: 'ci', key: bare(file('api_key')) } };
  };

  test.each(Object.entries(BEARERS))('opens a session; its Bearer is written %s', async (_, write) => {
    const { ask, key } = await enter();
    const data = await shakeHands(ask, key);
    expect(data).toEqual({ userName: 'ci', token: expect.any(String), sessionId: expect.any(String) });
    expect(await apiOf(ask, bearerHeaders(data, write)).get('/api/v1/status')).toMatchObject({
      status: 'Running',
    });
  });

  test('refuses another token, another session, an expired one, and what is not JSON', async () => {
    const { ask, key } = await enter();
    const data = await shakeHands(ask, key);
    expect(await statusOf(ask, bearerHeaders({ ...data, token: 'other' }))).toBe(401);
    expect(await statusOf(ask, bearerHeaders({ ...data, sessionId: 'other' }))).toBe(401);
    expect(await statusOf(ask, { authorization: 'Bearer e30x' })).toBe(401);
    expect(await statusOf(ask, bearerHeaders(data))).toBe(200);
    now += 300_001;
    expect(await statusOf(ask, bearerHeaders(data))).toBe(401);
  });

  test('accepts a secret once, in time, and from its owner only', async () => {
    const { ask, key } = await enter();
    const shaken: unknown[] = [];
    const asTold =
      (change: (body: Record<string, unknown>) => void): Ask =>
      async (question) => {
        const body = { ...(question.body as Record<string, unknown>) };
        if (question.path === '/tap/v1/shake') {
          shaken.push(body);
          change(body);
        }
        return ask({ ...question, body });
      };
    const other = asTold((body) => Object.assign(body, { id: 'other' }));
    await expect(shakeHands(other, key)).resolves.toBeUndefined();
    const late = asTold(() => {
      now += 10_001;
    });
    await expect(shakeHands(late, key)).resolves.toBeUndefined();
    await shakeHands(
      asTold(() => {}),
      key,
    );
    const again = await ask({ method: 'POST', path: '/tap/v1/shake', body: shaken.at(-1) });
    expect(again.status).toBe(401);
  });

  test('is created by the controller for root only', async () => {
    const { ask, key } = await enter();
    const root = apiOf(ask, rootHeaders(ROOT_TOKEN, 'root'));
    const made = { id: 'nathan', ttl: 86_400, groups: ['g1'] };
    const fresh = await root.change<string>('POST', '/api/v1/apikey', made);
    expect(fresh).toMatch(/^MII[\w+/]+=*$/);
    const session = bearerHeaders(await shakeHands(ask, { id: 'nathan', key: fresh }));
    expect(await statusOf(ask, session)).toBe(200);
    expect((await ask({ method: 'POST', path: '/api/v1/apikey', headers: session, body: made })).status).toBe(
      403,
    );
    expect(await root.get<unknown[]>('/api/v1/apikey')).toMatchObject([{ id: 'ci' }, { id: 'nathan' }]);
    const post = { method: 'POST', path: '/api/v1/apikey' };
    expect(await root.refusal({ ...post, body: made })).toContain('exists already');
    expect(await root.refusal({ ...post, body: {} })).toBe('id is required');
    expect(await root.refusal({ ...post, body: { id: 'x', publicKey: 'x' } })).toBe(
      'publicKey is not a public key',
    );
    await root.change('DELETE', '/api/v1/apikey', { id: key.id });
    expect((await ask({ method: 'POST', path: '/tap/v1/hand', body: { id: key.id } })).status).toBe(401);
    expect((await ask({ ...post, method: 'PATCH', headers: rootHeaders(ROOT_TOKEN) })).status).toBe(404);
  });
});

test.each([
  ['no user', '', ROOT_TOKEN, 200],
  ['root', 'root', ROOT_TOKEN, 200],
  ['another user', 'admin', ROOT_TOKEN, 200],
  ['another token', 'root', '2222222222', 401],
])('the root token is what counts: %s', async (_, user, token, status) => {
  const ask = over1(await start({ rootToken: ROOT_TOKEN }));
  expect(await statusOf(ask, rootHeaders(token, user))).toBe(status);
  expect(await statusOf(ask, { authorization: 'Basic' })).toBe(401);
});

describe.each([
  ['HTTP/1.1', over1],
  ['HTTP/2', over2],
])('over TLS and %s', (name, over) => {
  const version = name === 'HTTP/2' ? '2.0' : '1.1';

  test('is the same controller', async () => {
    const url = await start({ tls: true, rootToken: ROOT_TOKEN });
    const api = apiOf(over(url, { ca: file('ca_cert') }), rootHeaders(ROOT_TOKEN));
    expect(await api.get('/api/v1/status')).toMatchObject({ status: 'Running' });
    expect(simulator?.requests).toMatchObject([
      { method: 'GET', path: '/api/v1/status', httpVersion: version },
    ]);
    expect(simulator?.requests[0]?.headers.host).toBe(new URL(url).host);
  });

  test('answers a client without a certificate with HTTP 401, not with a broken handshake', async () => {
    const url = await start({ mtls: true });
    const tls: Tls = { ca: file('ca_cert') };
    const own = { cert: file('client_cert'), key: file('client_key') };
    const answer = await over(url, tls)({ method: 'GET', path: '/api/v1/vm' });
    expect([answer.status, answer.text]).toEqual([
      401,
      '{"status":"FAIL","message":"Authentication Required"}\n',
    ]);
    expect(await apiOf(over(url, { ...tls, ...own })).get('/api/v1/vm')).toHaveLength(3);
    expect(await statusOf(over(url, tls))).toBe(401);
    expect((await over(url, tls)({ method: 'GET', path: '/readyz' })).text).toBe('ok\n');
  });

  test.each<[string, Interventions, RegExp]>([
    ['a reset', { before: () => ({ kind: 'reset' }) }, /ECONNRESET|hang up|closed|cancel|destroyed/i],
    [
      'an answer of its own',
      { before: () => ({ kind: 'answer', status: 502, body: '<html>' }) },
      /^502 <html>$/,
    ],
    ['a slow answer', { after: () => ({ kind: 'slow', ms: 1 }) }, /^200 \{"status":"OK"/],
  ])('interventions work: %s', async (_, interventions, expected) => {
    const ask = over(await start({ tls: true, interventions }), { ca: file('ca_cert') });
    const status = await ask({ method: 'GET', path: '/api/v1/status' }).then(
      ({ status, text }) => `${status} ${text}`.trim(),
      (error) => String(error),
    );
    expect(status).toMatch(expected);
  });
});

describe('an API key', () => {
  const data = async (access: Partial<AccessOptions>) => {
    const ask = over1(await start({ apiKeyId: 'ci', rootToken: ROOT_TOKEN, ...access }));
    return { ask, session: await shakeHands(ask, { id: 'ci', key: bare(file('api_key')) }) };
  };

  test('may be kept from restarting, and from nothing else', async () => {
    const { ask, session } = await data({ deniesRestarts: true });
    const headers = bearerHeaders(session);
    const restart = { method: 'POST', path: '/api/v1/rpc/vm/restart', body: { instance_id: 'x' } };
    expect([(await ask({ ...restart, headers })).status, await statusOf(ask, headers)]).toEqual([403, 200]);
    expect((await ask({ ...restart, headers: rootHeaders(ROOT_TOKEN) })).status).toBe(200);
  });

  test('expires, and its sessions with it', async () => {
    const { ask, session } = await data({ keyExpiresAt: NOON + 60_000 });
    expect(await statusOf(ask, bearerHeaders(session))).toBe(200);
    now += 60_001;
    expect(await statusOf(ask, bearerHeaders(session))).toBe(401);
    expect((await ask({ method: 'POST', path: '/tap/v1/hand', body: { id: 'ci' } })).status).toBe(401);
  });

  test('has the time and the groups that root gave it, and root can change them', async () => {
    const { ask } = await data({});
    const api = apiOf(ask, rootHeaders(ROOT_TOKEN));
    await api.change('POST', '/api/v1/apikey', { id: 'new', ttl: 60, groups: ['builders'] });
    const listed = async () =>
      (await api.get<{ id: string }[]>('/api/v1/apikey')).find(({ id }) => id === 'new');
    expect(await listed()).toEqual({
      ...{ id: 'new', groups: ['builders'] },
      ...{ created: '2026-07-01T12:00:00Z', expiration: '2026-07-01T12:01:00Z' },
    });
    await api.change('PUT', '/api/v1/apikey', { id: 'new', groups: [] });
    expect(await listed()).toMatchObject({ groups: [], expiration: '2026-07-01T12:01:00Z' });
    const other = { method: 'PUT', path: '/api/v1/apikey', body: { id: 'other' } };
    expect(await api.refusal(other)).toBe('Not found');
  });

  test.each([
    [undefined, 27],
    [54, 54],
  ])('gets secrets of the length %s: %i characters', async (secretLength, expected) => {
    const { ask } = await data({ secretLength });
    const { text } = await ask({ method: 'POST', path: '/tap/v1/hand', body: { id: 'ci' } });
    const key = createPrivateKey(file('api_key'));
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const secret = privateDecrypt({ key, padding, oaepHash: 'sha256' }, Buffer.from(text, 'base64'));
    expect(secret.toString()).toMatch(new RegExp(`^[A-Za-z0-9]{${expected}}$`));
  });
});

test('a request’s content type does not matter; the single sign-on configuration needs no credentials', async () => {
  const ask = over1(await start({ rootToken: ROOT_TOKEN }));
  const { text } = await ask({ method: 'GET', path: '/config/v1/auth' });
  expect(JSON.parse(text)).toEqual({ status: 'OK', message: '', body: {} });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    const headers = { ...rootHeaders(ROOT_TOKEN), 'content-type': type };
    const asked = { method: 'DELETE', path: '/api/v1/vm', headers, body: { id: 'x' } };
    expect(JSON.parse((await ask(asked)).text).message).toBe('instance not found');
  }
});
