import { beforeEach, describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { type Client, createClient } from '../../src/controller/client.ts';
import { type Controller, createController } from '../../src/controller/controller.ts';
import { createCredentials } from '../../src/controller/credentials.ts';
import type { NotCarriedOut, RestartReply, TryBounds } from '../../src/controller/restart-request.ts';
import { ActionError } from '../../src/errors.ts';
import type { HttpResult, NoAnswer } from '../../src/http/transport.ts';
import { createTransport, type Transport } from '../../src/http/transport.ts';
import { closeNetwork, PLAIN } from '../support/closed-network.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { ID } from '../support/instances.ts';

// At most one restart, as far as one attempt decides it: a restart that may have been carried out is never reported as not carried out.

const ORIGIN = 'http://controller.example:8090';
const RESTART = '/api/v1/rpc/vm/restart';
const NEEDS_1_44 = 'Restarting needs Anka Build Cloud Controller 1.44.0 or later: update the controller.';
const REQUEST = { instanceId: ID, vncPassword: undefined, usbDevice: undefined };

let clock: FakeClock;
let transport: Transport;
let controller: Controller;
let bounds: TryBounds;

beforeEach(() => {
  // Pauses end at once. Limits, which have their own signals, are never reached.
  clock = createFakeClock((_, signal) => signal !== bounds.signal);
  const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: 10_000, clock };
  transport = createTransport({ baseUrl: new URL(ORIGIN), ...options });
  const credentials = createCredentials({ kind: 'none' }, () => {});
  const client = createClient({ transport, credentials, headers: {}, clock, random: () => 0 });
  controller = createController({ client, clock, deniedHint: 'Knock first.' });
  bounds = {
    deadline: clock.now() + 60_000,
    signal: new AbortController().signal,
    onDeparture: () => undefined,
    isAfter401: false,
  };
});

closeNetwork(() => transport.close(), { expectsAll: true });

function ok(body: unknown) {
  return { status: 'OK', message: '', body };
}

function fail(message: string) {
  return { status: 'FAIL', message };
}

function restart(changes: object = {}): Promise<RestartReply | NotCarriedOut> {
  return controller.tryRestart({ ...REQUEST, ...changes }, bounds);
}

function refusal(error: object) {
  return {
    kind: 'not carried out',
    because: 'refused',
    mayRepeat: false,
    error: expect.objectContaining(error),
  };
}

test('the request is JSON with just what is given, and leaves once', async () => {
  const departures: number[] = [];
  bounds = { ...bounds, onDeparture: () => void departures.push(clock.now()) };
  const scope = nock(ORIGIN, { reqheaders: { 'content-type': 'application/json' } });
  scope
    .post(RESTART, (body) => JSON.stringify(body) === JSON.stringify({ instance_id: ID }))
    .reply(200, ok(undefined));
  scope
    .post(RESTART, { instance_id: ID, vnc_password: 'hunter2', usb_device: 'iPhone' })
    .reply(200, ok(undefined));
  await expect(restart()).resolves.toEqual({ kind: 'accepted' });
  expect(departures).toHaveLength(1);
  await expect(restart({ vncPassword: 'hunter2', usbDevice: 'iPhone' })).resolves.toEqual({
    kind: 'accepted',
  });
});

describe('refused by the controller itself: nothing was restarted, and no attempt may follow', () => {
  test.each([200, 302, 400, 404, 499])('a FAIL under HTTP %i', async (status) => {
    nock(ORIGIN).post(RESTART).reply(status, fail('no device, no restart'));
    await expect(restart()).resolves.toEqual(
      refusal({
        code: 'restart_refused',
        message: 'The controller refused the restart: "no device, no restart".',
        hint: 'Check the instance in the controller. A usb_device must exist there, and requires an Enterprise license.',
      }),
    );
  });

  test('a FAIL with HTTP 403 means that a permission is missing', async () => {
    nock(ORIGIN).post(RESTART).reply(403, fail('no'));
    const message = `The controller denies POST ${RESTART} (HTTP 403).`;
    await expect(restart()).resolves.toEqual(refusal({ code: 'permission_denied', message }));
  });

  test('a FAIL without a message', async () => {
    nock(ORIGIN).post(RESTART).reply(200, { status: 'FAIL' });
    const message = expect.stringContaining('(no message)');
    await expect(restart()).resolves.toEqual(refusal({ message }));
  });

  test.each(['1.43.0-abc', 'v1.43.9', '0.99.0', '1.5.2'])('404 by version %s', async (version) => {
    nock(ORIGIN).post(RESTART).reply(404, '404 page not found');
    nock(ORIGIN).get('/api/v1/status').reply(200, ok({ version }));
    await expect(restart()).resolves.toEqual(
      refusal({
        code: 'restart_unsupported',
        message: `The controller does not know the restart request (HTTP 404); it reports version "${version}".`,
        hint: NEEDS_1_44,
      }),
    );
  });
});

describe('rejected, perhaps by a gateway after the restart was carried out', () => {
  test.each(['1.44.0', '1.50.1-5e3c3f5b', '2.0.0', '10.0.0', 'main', 'preview-1.43.0'])(
    '404 although the controller reports version %s',
    async (version) => {
      nock(ORIGIN).post(RESTART).reply(404, '<html>').get('/api/v1/status').reply(200, ok({ version }));
      await expect(restart()).resolves.toMatchObject({
        kind: 'rejected',
        error: {
          code: 'protocol_error',
          message: `The restart request was answered with HTTP 404 and an HTML page, not JSON, though the controller reports version "${version}", which knows it.`,
          hint: `Most likely a gateway in front of the controller blocks POST ${RESTART}: configure it to allow it.`,
        },
      });
    },
  );

  test.each<[string, number, unknown]>([
    ['does not say its version', 200, ok('x')],
    ['will not say its version', 401, ''],
    ['FAILs', 200, fail('x')],
  ])('404 by a controller that %s', async (_, status, body) => {
    nock(ORIGIN).post(RESTART).reply(404, '404 page not found');
    nock(ORIGIN)
      .get('/api/v1/status')
      .times(99)
      .reply(status, body as nock.Body);
    await expect(restart()).resolves.toMatchObject({
      kind: 'rejected',
      error: {
        code: 'restart_unsupported',
        message:
          'The restart request was answered with HTTP 404, and the controller does not report its version.',
        hint: NEEDS_1_44,
      },
    });
    nock.cleanAll();
  });

  test('the step reads the version of a busy controller for at most five seconds', async () => {
    nock(ORIGIN).post(RESTART).reply(404).get('/api/v1/status').times(99).reply(503);
    const startedAt = clock.now();
    await expect(restart()).resolves.toMatchObject({ kind: 'rejected' });
    expect(clock.now() - startedAt).toBeGreaterThan(4_000);
    expect(clock.now() - startedAt).toBeLessThanOrEqual(5_000);
    nock.cleanAll();
  });

  test.each<[number, string, string, string]>([
    [
      403,
      'permission_denied',
      'is denied (HTTP 403), but not by the controller: the answer is an empty body.',
      'headers',
    ],
    [400, 'protocol_error', 'was answered with HTTP 400 and an empty body.', 'Check controller_url'],
    [405, 'protocol_error', 'was answered with HTTP 405 and an empty body.', 'blocks such requests'],
    [304, 'protocol_error', 'was redirected to "other.example" (HTTP 304).', 'Redirects are not followed'],
    [308, 'protocol_error', 'was redirected to "other.example" (HTTP 308).', 'Redirects are not followed'],
  ])('HTTP %i', async (status, code, message, hint) => {
    nock(ORIGIN).post(RESTART).reply(status, '', { location: 'https://other.example/x?token=hunter2' });
    await expect(restart()).resolves.toMatchObject({
      kind: 'rejected',
      error: { code, message: `POST ${RESTART} ${message}`, hint: expect.stringContaining(hint) },
    });
  });
});

test('HTTP 407 may come from a proxy that has passed the request on', async () => {
  nock(ORIGIN).post(RESTART).reply(407, '');
  await expect(restart()).resolves.toMatchObject({
    kind: 'rejected',
    error: {
      code: 'controller_unreachable',
      message: `A proxy requires other credentials for POST ${RESTART} (HTTP 407).`,
    },
  });
});

test.each([200, 400])('a failure other than FAIL with HTTP %i may come from a gateway', async (status) => {
  nock(ORIGIN).post(RESTART).reply(status, { status: 'ERROR', message: 'no route' });
  await expect(restart()).resolves.toMatchObject({
    kind: 'rejected',
    error: { code: 'restart_refused', message: 'The restart was answered with ERROR: "no route".' },
  });
});

describe('uncertain', () => {
  test.each<[string, number, string, string]>([
    ['502 with HTML', 502, '<html>', 'it was answered with HTTP 502 and an HTML page, not JSON'],
    ['408', 408, '', 'it was answered with HTTP 408 and an empty body'],
    ['nonsense with 200', 200, '{}', "it was answered with HTTP 200 and JSON that is not this API's"],
    ['OK with 500', 500, JSON.stringify(ok(undefined)), 'it was answered with HTTP 500 and OK'],
    ['FAIL with 500', 500, JSON.stringify(fail('x')), 'it was answered with HTTP 500 and FAIL: "x"'],
    ['FAIL with 503', 503, JSON.stringify(fail('x')), 'it was answered with HTTP 503'],
    ['more than 1 MiB', 200, ' '.repeat(1024 * 1024 + 1), 'no answer came: the answer is larger than 1 MiB'],
  ])('%s', async (_, status, body, reason) => {
    nock(ORIGIN).post(RESTART).reply(status, body);
    await expect(restart()).resolves.toEqual({ kind: 'uncertain', reason: expect.stringContaining(reason) });
  });

  test('a connection that breaks after the request left', async () => {
    nock(ORIGIN)
      .post(RESTART)
      .replyWithError(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    await expect(restart()).resolves.toEqual({
      kind: 'uncertain',
      reason: expect.stringMatching(/^no answer came: the connection was closed: reset/),
    });
  });
});

describe('not carried out, so another attempt may follow', () => {
  test('HTTP 429', async () => {
    nock(ORIGIN).post(RESTART).reply(429, '', { 'Retry-After': '90' });
    await expect(restart()).resolves.toMatchObject({
      ...{ kind: 'not carried out', because: 'too many requests', mayRepeat: true },
      fault: { kind: 'HTTP 429', nature: 'long pause', waitMs: 90_000 },
      error: {
        code: 'controller_unreachable',
        message: 'The restart could not be sent: the answer was HTTP 429 (too many requests) to the end.',
        hint: 'Nothing was restarted. The controller, or a gateway in front of it, asks for fewer requests: run the step again later.',
      },
    });
  });

  test('HTTP 401', async () => {
    nock(ORIGIN).post(RESTART).reply(401, '');
    await expect(restart()).resolves.toMatchObject({
      ...{ kind: 'not carried out', because: 'denied', mayRepeat: true },
      fault: { kind: 'HTTP 401', nature: 'refusal' },
      error: {
        code: 'authentication_failed',
        message: `Authentication failed: the controller answered POST ${RESTART} with HTTP 401.`,
        hint: 'Knock first.',
      },
    });
  });

  test('an outdated gate: nothing leaves', async () => {
    bounds = { ...bounds, onDeparture: () => ({ kind: 'try again', reason: 'it took long', hint: 'Look.' }) };
    nock(ORIGIN).post(RESTART).reply(200, ok(undefined));
    await expect(restart()).resolves.toMatchObject({
      ...{ kind: 'not carried out', because: 'held back', mayRepeat: true },
      fault: { kind: 'held back', nature: 'passing', reason: 'it took long' },
      error: {
        code: 'controller_unreachable',
        message: 'The restart could not be sent: it took long.',
        hint: 'Nothing was restarted. Look.',
      },
    });
    nock.cleanAll();
  });
});

test('a final veto is returned unchanged, and nothing leaves', async () => {
  const error = new TypeError('anything');
  bounds = { ...bounds, onDeparture: () => ({ kind: 'final', error }) };
  nock(ORIGIN).post(RESTART).reply(200, ok(undefined));
  await expect(restart()).resolves.toEqual({
    ...{ kind: 'not carried out', because: 'held back', mayRepeat: false },
    error,
  });
  nock.cleanAll();
});

describe('with a client that', () => {
  interface Scripted {
    readonly result: Awaited<ReturnType<Client['post']>>;
    readonly hasSession?: boolean;
  }

  /** Also says how often the session was dropped. */
  async function tryWith({ result, hasSession = false }: Scripted, isAfter401 = false) {
    let renewals = 0;
    const client: Client = {
      read: () => Promise.reject(),
      post: async () => result,
      retriesOfPost: () => ({ after: () => ({ kind: 'give up', isFinal: true }) }),
      renewConnections() {},
      renewSession() {
        renewals++;
        return hasSession;
      },
    };
    const { tryRestart } = createController({ client, clock, deniedHint: 'Knock first.' });
    return { tried: await tryRestart(REQUEST, { ...bounds, isAfter401 }), renewals };
  }

  const answered = (status: number): HttpResult => ({
    answer: {
      ...{ status, text: '', headers: {}, location: undefined },
      ...{ retryAfterMs: undefined, proxy: undefined },
    },
  });

  test.each([
    [true, false, 'session ended'],
    [true, true, 'denied'],
    [false, false, 'denied'],
    [false, true, 'denied'],
  ])('gets a 401 (session: %p, after another 401: %p): %s', async (hasSession, isAfter401, because) => {
    const { tried, renewals } = await tryWith({ result: answered(401), hasSession }, isAfter401);
    expect(tried).toMatchObject({ kind: 'not carried out', mayRepeat: true, because });
    // After another 401, it is sent in a new session.
    expect(renewals).toBe(isAfter401 ? 2 : 1);
    if (because !== 'session ended') return;
    expect(tried).toMatchObject({
      fault: {
        kind: 'HTTP 401',
        reason: 'it answered HTTP 401, so a new session is needed',
        nature: 'passing',
      },
      error: {
        code: 'timed_out',
        message:
          'The session had ended when the request got there, and too little time was left for a new one.',
        hint: 'See the log for the cause of the delay; then run the step again, or raise timeout.',
      },
    });
  });

  test.each([200, 403, 500])('gets HTTP %i keeps its session', async (status) => {
    expect((await tryWith({ result: answered(status), hasSession: true })).renewals).toBe(0);
  });

  const neverLeft: NoAnswer = {
    ...{ mayHaveBeenSent: false, nature: 'passing', reason: 'the connection was refused', hint: 'Look.' },
    cause: undefined,
  };

  test('cannot connect restarts nothing', async () => {
    const { tried } = await tryWith({ result: { noAnswer: neverLeft } });
    expect(tried).toMatchObject({
      ...{ kind: 'not carried out', because: 'never left', mayRepeat: true },
      fault: { kind: 'no answer', reason: 'the connection was refused' },
      error: {
        code: 'controller_unreachable',
        message: 'The restart could not be sent: the connection was refused.',
        hint: 'Nothing was restarted. Look.',
      },
    });
  });

  test('has no usable credentials restarts nothing', async () => {
    const error = new ActionError('authentication_failed', 'HTTP 404.');
    const { tried } = await tryWith({ result: { refused: error } });
    expect(tried).toMatchObject({
      ...{ kind: 'not carried out', because: 'never left', mayRepeat: true },
      fault: { kind: 'authentication_failed', reason: 'HTTP 404', nature: 'refusal', hint: '' },
      error,
    });
  });

  test('gets no answer after the request left knows nothing', async () => {
    const { tried } = await tryWith({ result: { noAnswer: { ...neverLeft, mayHaveBeenSent: true } } });
    expect(tried).toEqual({ kind: 'uncertain', reason: 'no answer came: the connection was refused' });
  });
});
