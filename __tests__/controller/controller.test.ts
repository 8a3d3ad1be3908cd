import { beforeEach, describe, expect, test } from '@jest/globals';
import nock from 'nock';
import { type Client, createClient } from '../../src/controller/client.ts';
import { type Controller, createController } from '../../src/controller/controller.ts';
import { createCredentials } from '../../src/controller/credentials.ts';
import type { Instance } from '../../src/controller/instance.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createTransport, type Transport } from '../../src/http/transport.ts';
import { closeNetwork, PLAIN } from '../support/closed-network.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { ID } from '../support/instances.ts';

const ORIGIN = 'http://controller.example:8090';
const ONE = `/api/v1/vm?id=${ID}`;
const INSTANCE = { instance_id: ID, instance_state: 'Started', vminfo: { status: 'running' } };
const REQUEST_TIMEOUT_MS = 10_000;
const TIMEOUT_MS = 60_000;

let clock: FakeClock;
let transport: Transport;
let controller: Controller;
let faults: string[];
let bounds: RetryBounds;

const NO_POSTS = {
  post: () => Promise.reject(),
  retriesOfPost: () => ({ after: () => ({ kind: 'give up', isFinal: true }) as const }),
  renewSession: () => false,
  renewConnections() {},
};

function connect(url = ORIGIN): void {
  // Pauses end at once. Limits, which have their own signals, are never reached.
  clock = createFakeClock((_, signal) => signal !== bounds.signal);
  const baseUrl = new URL(url);
  transport = createTransport({
    baseUrl,
    proxy: undefined,
    tls: PLAIN,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    clock,
  });
  const credentials = createCredentials({ kind: 'none' }, () => {});
  const client = createClient({ transport, credentials, headers: {}, clock, random: () => 0 });
  controller = createController({ client, clock, deniedHint: 'Knock first.' });
  faults = [];
  bounds = {
    deadline: clock.now() + TIMEOUT_MS,
    signal: new AbortController().signal,
    onFault: ({ kind, reason }) => faults.push(`${kind}: ${reason}`),
  };
}

function clientOptions() {
  const credentials = createCredentials({ kind: 'none' }, () => {});
  return { transport, credentials, headers: {}, clock, random: () => 0 };
}

function ok(body: unknown) {
  return { status: 'OK', message: '', body };
}

function fail(message: string) {
  return { status: 'FAIL', message };
}

beforeEach(() => connect());

closeNetwork(() => transport.close(), { expectsAll: true });

describe('reading', () => {
  test('one instance', async () => {
    const scope = nock(ORIGIN, {
      reqheaders: { accept: 'application/json', 'user-agent': 'restart-anka-vm' },
    });
    scope.get(ONE).reply(200, ok(INSTANCE));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({
      instanceId: ID,
      status: 'running',
    });
    expect(clock.sleeps).toEqual([]);
  });

  test('a path prefix is kept, a slash at its end ignored', async () => {
    connect('https://gate.example/anka/');
    nock('https://gate.example').get(`/anka${ONE}`).reply(200, ok(INSTANCE));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ instanceId: ID });
  });

  test('an instance that is not found is also searched for in the list', async () => {
    nock(ORIGIN).get(ONE).reply(200, fail('instance not found')).get('/api/v1/vm').reply(200, ok([]));
    await expect(controller.getInstance(ID, bounds)).resolves.toBeUndefined();
  });

  test('a FAIL that the list contradicts means nothing', async () => {
    nock(ORIGIN)
      .get(ONE)
      .reply(404, fail('lost'))
      .get('/api/v1/vm')
      .reply(200, ok([{ vm: INSTANCE }]));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ instanceId: ID });
  });

  test('a controller that FAILs the list, too, proves nothing: the read is repeated', async () => {
    nock(ORIGIN).get(ONE).reply(200, fail('etcd is away'));
    nock(ORIGIN)
      .get('/api/v1/vm')
      .reply(200, fail('etcd is away: hunter2'))
      .get('/api/v1/vm')
      .reply(200, ok([]));
    await expect(controller.getInstance(ID, bounds)).resolves.toBeUndefined();
    expect(faults).toEqual(['unusable answer: it answered FAIL: "etcd is away: hunter2"']);
  });

  test('if the controller FAILs the list for long, the address is most likely wrong', async () => {
    nock(ORIGIN).get(ONE).reply(200, fail('x')).get('/api/v1/vm').times(30).reply(200, fail('unknown'));
    const startedAt = clock.now();
    await expect(controller.getInstance(ID, bounds)).rejects.toMatchObject({
      code: 'protocol_error',
      isTransient: false,
      message: expect.stringContaining('it answered FAIL: "unknown"'),
      hint: expect.stringContaining('is the path prefix right'),
    });
    expect(clock.now() - startedAt).toBeLessThan(20_000);
    nock.cleanAll();
  });

  test.each<[string, Record<string, string>, number | undefined]>([
    ['when that was written', { Date: 'Wed, 21 Oct 2015 07:28:00 GMT' }, Date.UTC(2015, 9, 21, 7, 28)],
    ['no date', {}, undefined],
    ['a date that is none', { Date: 'today' }, undefined],
  ])('what the list has carries the date of the answer: %s', async (_, headers, answeredAtMs) => {
    nock(ORIGIN)
      .get('/api/v1/vm')
      .reply(200, ok([{ vm: INSTANCE }]), headers);
    const list = await controller.listInstances(bounds);
    expect(list.readable()).toMatchObject([{ instanceId: ID, answeredAtMs }]);
    expect(list.matching({ by: 'instance_id', id: ID })).toEqual(list.readable());
  });

  test('the external IDs in the list that was read last are known', async () => {
    expect(controller.externalIds()).toEqual([]);
    const items = [
      { external_id: 'a', vm: {} },
      { vm: { external_id: 'b' } },
      { external_id: null, vm: {} },
      7,
    ];
    nock(ORIGIN).get('/api/v1/vm').reply(200, ok(items));
    await controller.findInstances({ by: 'external_id', id: 'c' }, bounds);
    expect(controller.externalIds()).toEqual(['a', 'b']);
  });

  test('data stays as the controller wrote it: it is masked where it is shown', async () => {
    const odd = { ...INSTANCE, instance_state: 'hunter2', name: 'hunter2', message: 'VNC hunter2' };
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok({ ...odd, vminfo: { status: 'hunter2!' } }));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({
      state: 'hunter2',
      status: 'hunter2!',
      name: 'hunter2',
      message: 'VNC hunter2',
    });
  });

  test.each<[string, number, string, string]>([
    ['408', 408, '', 'HTTP 408: it answered HTTP 408'],
    ['429', 429, '', 'HTTP 429: it answered HTTP 429'],
    ['a FAIL with 500', 500, JSON.stringify(fail('oops')), 'HTTP 500: it answered HTTP 500 and FAIL: "oops"'],
    ['OK with 500', 500, JSON.stringify(ok(INSTANCE)), 'HTTP 500: it answered HTTP 500'],
    ['502 with HTML', 502, '<html>Bad Gateway</html>', 'HTTP 502: it answered HTTP 502'],
    [
      'HTML with 200',
      200,
      ' <html>Log in</html>',
      'unusable answer: it answered HTTP 200 with an HTML page, not JSON',
    ],
    ['an empty body', 200, '', 'unusable answer: it answered HTTP 200 with an empty body'],
    [
      'JSON that is cut off',
      200,
      '{"status":"OK","body":{"inst',
      'unusable answer: it answered HTTP 200 with JSON that is cut off',
    ],
    [
      'another kind of JSON',
      200,
      '[]',
      "unusable answer: it answered HTTP 200 with JSON that is not this API's",
    ],
    [
      'another status',
      200,
      '{"state":"MAYBE"}',
      "unusable answer: it answered HTTP 200 with JSON that is not this API's",
    ],
    ['text', 200, 'hello', 'unusable answer: it answered HTTP 200 with text, not JSON'],
    [
      'an instance without state',
      200,
      JSON.stringify(ok({})),
      'unusable answer: the instance has no instance_state',
    ],
    [
      'one instance in over 32 MiB',
      200,
      ' '.repeat(32 * 1024 * 1024 + 1),
      'unusable answer: the answer is larger than 32 MiB',
    ],
  ])('is tried again after %s', async (_, status, body, fault) => {
    nock(ORIGIN).get(ONE).reply(status, body).get(ONE).reply(200, ok(INSTANCE));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ instanceId: ID });
    expect(faults).toEqual([fault]);
    expect(clock.sleeps).toEqual([250]);
  });

  test('what can be listed can be watched: an instance may be as large as a list', async () => {
    const asked: [string, number][] = [];
    const deaf: Client = {
      ...NO_POSTS,
      read: async ({ path, maxBytes, decode }) => {
        asked.push([path, maxBytes]);
        const text = JSON.stringify(path === ONE ? fail('unknown') : ok([]));
        return decode({
          status: 200,
          headers: {},
          text,
          location: undefined,
          retryAfterMs: undefined,
          proxy: undefined,
        });
      },
      ...NO_POSTS,
    };
    const asking = createController({ client: deaf, clock, deniedHint: '' });
    await expect(asking.getInstance(ID, bounds)).resolves.toBeUndefined();
    expect(asked).toEqual([
      [ONE, 32 * 1024 * 1024],
      ['/api/v1/vm', 32 * 1024 * 1024],
    ]);
  });

  test('is tried again after a network error, the pauses growing up to 3 s', async () => {
    nock(ORIGIN)
      .get(ONE)
      .times(6)
      .replyWithError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
    nock(ORIGIN).get(ONE).reply(200, ok(INSTANCE));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ instanceId: ID });
    expect(clock.sleeps).toEqual([250, 500, 1_000, 2_000, 3_000, 3_000]);
    expect(faults[0]).toMatch(/^no answer: the connection was closed: socket hang up \(ECONNRESET\)/);
  });

  test.each<[string, Record<string, string>, number]>([
    ['seconds', { 'Retry-After': '7' }, 7_000],
    [
      'a date, by the clock of the server',
      { 'Retry-After': 'Wed, 21 Oct 2015 07:28:09 GMT', Date: 'Wed, 21 Oct 2015 07:28:00 GMT' },
      9_000,
    ],
    [
      'a date that has passed',
      { 'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT', Date: 'Wed, 21 Oct 2015 07:28:05 GMT' },
      250,
    ],
    ['a date without a clock to compare it with', { 'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 250],
    ['no time at all', { 'Retry-After': '0' }, 250],
    ['nonsense', { 'Retry-After': '-1' }, 250],
  ])('honours Retry-After in %s', async (_, headers, pauseMs) => {
    nock(ORIGIN).get(ONE).reply(503, '', headers).get(ONE).reply(200, ok(INSTANCE));
    await controller.getInstance(ID, bounds);
    expect(clock.sleeps).toEqual([pauseMs]);
  });

  test('is retried if Retry-After leads beyond the deadline: the controller may be back sooner', async () => {
    nock(ORIGIN).get(ONE).reply(503, '', { 'Retry-After': '60' }).get(ONE).reply(200, ok(INSTANCE));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ instanceId: ID });
    expect(clock.sleeps).toEqual([3_000]);
  });

  test('is tolerated for 30 s if Retry-After is more than a minute, and can heal', async () => {
    const patient = { 'Retry-After': '600' };
    nock(ORIGIN).get(ONE).times(5).reply(503, '', patient).get(ONE).reply(200, ok(INSTANCE));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ instanceId: ID });
    expect(clock.sleeps).toEqual(Array(5).fill(3_000));
    nock(ORIGIN).get(ONE).times(99).reply(503, '', patient);
    const startedAt = clock.now();
    await expect(controller.getInstance(ID, bounds)).rejects.toMatchObject({
      code: 'controller_unreachable',
      isTransient: false,
      message: expect.stringContaining('it answered HTTP 503, asking to wait for 600.0 s'),
    });
    expect(clock.now() - startedAt).toBe(30_000);
    nock.cleanAll();
  });

  test('gives up soon if the answer is a web page, unless there was a good one before', async () => {
    nock(ORIGIN).get(ONE).times(30).reply(200, '<html>');
    const startedAt = clock.now();
    const error = { code: 'protocol_error', isTransient: false, hint: expect.stringContaining('login page') };
    await expect(controller.getInstance(ID, bounds)).rejects.toMatchObject(error);
    expect(clock.now() - startedAt).toBeLessThan(20_000);
    nock.cleanAll();
  });

  test('gives up when no time is left, naming the last fault', async () => {
    nock(ORIGIN).get(ONE).reply(200, ok(INSTANCE)).get(ONE).times(40).reply(200, '<html>');
    await controller.getInstance(ID, bounds);
    const error = {
      code: 'protocol_error',
      isTransient: true,
      message: expect.stringContaining('an HTML page, not JSON'),
    };
    await expect(controller.getInstance(ID, bounds)).rejects.toMatchObject(error);
    expect(clock.now()).toBeLessThan(bounds.deadline);
    nock.cleanAll();
  });

  test.each<[number, string, string, string, string]>([
    [
      401,
      JSON.stringify(fail('Authentication Required')),
      'authentication_failed',
      'Authentication failed: the controller answered GET /api/v1/vm with HTTP 401.',
      'Knock first.',
    ],
    [
      403,
      JSON.stringify(fail('no')),
      'permission_denied',
      'The controller denies GET /api/v1/vm (HTTP 403).',
      'permission to list and restart',
    ],
    [403, '<html>', 'permission_denied', 'not by the controller: the answer is an HTML page', 'path prefix'],
    [400, 'Bad Request', 'protocol_error', 'HTTP 400 and text, not JSON', 'controller_url'],
    [404, '404 page not found', 'protocol_error', 'HTTP 404', 'path prefix'],
    [
      400,
      'Client sent an HTTP request to an HTTPS server.',
      'protocol_error',
      'HTTP 400',
      'begin with https://',
    ],
    [400, '<html>No required SSL certificate was sent</html>', 'protocol_error', 'HTTP 400', 'client_cert'],
    [410, JSON.stringify(ok(INSTANCE)), 'protocol_error', 'HTTP 410', 'controller_url'],
    [
      400,
      'Client sent an HTTP request to an HTTPS server.',
      'protocol_error',
      'HTTP 400',
      'begin with https://',
    ],
  ])('fails at once with HTTP %i', async (status, body, code, message, hint) => {
    nock(ORIGIN).get(ONE).reply(status, body);
    await expect(controller.getInstance(ID, bounds)).rejects.toMatchObject({
      code,
      isTransient: false,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
  });

  test.each<[string | string[] | undefined, string]>([
    ['https://evil.example/login?token=hunter2', '"evil.example"'],
    ['/login', 'another path'],
    ['mailto:x', 'another path'],
    [undefined, 'nowhere'],
  ])('a redirect to %p is not followed, but its host named', async (location, named) => {
    nock(ORIGIN)
      .get(ONE)
      .reply(302, '', location === undefined ? {} : { location });
    const error = {
      code: 'protocol_error',
      message: expect.stringContaining(`redirected to ${named} (HTTP 302)`),
    };
    await expect(controller.getInstance(ID, bounds)).rejects.toMatchObject(error);
  });

  test('a socket that hangs is closed', async () => {
    nock(ORIGIN).get(ONE).delay(3_600_000).reply(200, ok(INSTANCE)).get(ONE).reply(200, ok(INSTANCE));
    const reading = controller.getInstance(ID, bounds);
    setImmediate(clock.expire);
    await expect(reading).resolves.toMatchObject({ instanceId: ID });
    expect(faults).toEqual([
      expect.stringMatching(/^no answer: timed out while (waiting for|reading) the answer$/),
    ]);
    nock.abortPendingRequests();
  });

  test('ends as soon as the signal aborts', async () => {
    const cancellation = new AbortController();
    nock(ORIGIN).get(ONE).delay(3_600_000).reply(200, ok(INSTANCE));
    const reading = controller.getInstance(ID, { ...bounds, signal: cancellation.signal });
    setImmediate(() => cancellation.abort(new Error('cancelled')));
    await expect(reading).rejects.toThrow('cancelled');
    nock.abortPendingRequests();
  });
});

describe('the names of an instance', () => {
  const NAMED = { external_id: 'runner-1', instance_id: ID, name: 'vm-1', vm: INSTANCE };
  const names = { externalId: 'runner-1', name: 'vm-1' };

  /** Like {@link connect}, for a step that needs them. */
  function connectForNames(): void {
    const client = createClient(clientOptions());
    controller = createController({ client, clock, deniedHint: '', needsNames: true });
  }

  test('from one answer are kept when a later one lacks them', async () => {
    nock(ORIGIN)
      .get('/api/v1/vm')
      .reply(200, ok([NAMED]))
      .get(ONE)
      .times(2)
      .reply(200, ok(INSTANCE));
    await controller.findInstances({ by: 'external_id', id: 'runner-1' }, bounds);
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject(names);
    await expect(controller.getInstance(ID.toUpperCase(), bounds)).rejects.toThrow();
    nock.cleanAll();
  });

  test('are replaced by newer ones', async () => {
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok({ ...INSTANCE, external_id: 'old', vminfo: { status: 'running', uuid: 'u1' } }))
      .get(ONE)
      .reply(200, ok({ ...INSTANCE, external_id: 'new' }));
    await controller.getInstance(ID, bounds);
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({
      externalId: 'new',
      uuid: 'u1',
    });
  });

  test('are remembered once the VM is renamed, each once', async () => {
    const renamed = { ...INSTANCE, external_id: 'new', name: 'vm-1' };
    const single = (body: object) => nock(ORIGIN).get(ONE).reply(200, ok(body));
    nock(ORIGIN)
      .get('/api/v1/vm')
      .reply(200, ok([NAMED]));
    const vm = { instanceId: ID.toUpperCase() };
    expect(controller.namesOf(vm)).toEqual([]);
    await controller.findInstances({ by: 'external_id', id: 'runner-1' }, bounds);
    const old = { externalId: 'runner-1', name: 'vm-1', uuid: undefined };
    expect(controller.namesOf(vm)).toEqual([old]);
    single(renamed);
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ externalId: 'new' });
    expect(controller.namesOf(vm)).toEqual([old, { ...old, externalId: 'new' }]);
    for (const change of [{}, { vminfo: { uuid: 'u1' } }, { name: 'vm-2' }]) {
      single({ ...renamed, ...change });
      await controller.getInstance(ID, bounds);
    }
    expect(controller.namesOf(vm)).toEqual([
      old,
      { ...old, externalId: 'new' },
      { externalId: 'new', name: 'vm-1', uuid: 'u1' },
      { externalId: 'new', name: 'vm-2', uuid: 'u1' },
    ]);
  });

  test('are read from the list once, if they are needed and the single answer has none', async () => {
    connectForNames();
    nock(ORIGIN)
      .get(ONE)
      .times(2)
      .reply(200, ok(INSTANCE))
      .get('/api/v1/vm')
      .reply(200, ok([NAMED]));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject(names);
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject(names);
  });

  test('are read from the list even if only one of them is missing', async () => {
    connectForNames();
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok({ ...INSTANCE, external_id: 'runner-1' }))
      .get('/api/v1/vm')
      .reply(200, ok([NAMED]));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject(names);
  });

  test('are read again if the list could not be read, but not once the restart is sent', async () => {
    connectForNames();
    const asked: string[] = [];
    const failing = nock(ORIGIN)
      .persist()
      .get(ONE)
      .reply(200, ok(INSTANCE))
      .get('/api/v1/vm')
      .reply(() => {
        asked.push('list');
        return [403, ''];
      })
      .post('/api/v1/rpc/vm/restart')
      .reply(200, ok(null));
    await controller.getInstance(ID, bounds);
    await controller.getInstance(ID, bounds);
    const before = asked.length;
    const request = { instanceId: ID.toUpperCase(), vncPassword: undefined, usbDevice: undefined };
    await controller.tryRestart(request, { ...bounds, onDeparture: () => undefined, isAfter401: false });
    await controller.getInstance(ID, bounds);
    expect([before >= 2, asked.length - before]).toEqual([true, 0]);
    failing.persist(false);
    nock.cleanAll();
  });

  test('come with the address of the node, which stays the same on that node only', async () => {
    const on = (node_id: string | undefined, host_ip?: string) =>
      ok({ ...INSTANCE, node_id, vminfo: { status: 'running', ...(host_ip && { host_ip }) } });
    nock(ORIGIN)
      .get(ONE)
      .reply(200, on('n1', '10.0.0.1'))
      .get(ONE)
      .reply(200, on(undefined))
      .get(ONE)
      .reply(200, on('n2'));
    const read = async () => {
      const { nodeId, hostIp } = (await controller.getInstance(ID, bounds)) ?? {};
      return [nodeId, hostIp];
    };
    expect([await read(), await read(), await read()]).toEqual([
      ['n1', '10.0.0.1'],
      ['n1', '10.0.0.1'],
      ['n2', undefined],
    ]);
  });

  test('are not read again if the list has none either', async () => {
    connectForNames();
    const unnamed = { ...NAMED, external_id: null, name: null };
    nock(ORIGIN)
      .get(ONE)
      .times(2)
      .reply(200, ok(INSTANCE))
      .get('/api/v1/vm')
      .reply(200, ok([unnamed]));
    await controller.getInstance(ID, bounds);
    const again = await controller.getInstance(ID, bounds);
    expect([again?.externalId, again?.unreadNames]).toEqual([undefined, undefined]);
  });

  test('that cannot be read for a moment are a fault, but not one that ends the step', async () => {
    connectForNames();
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok(INSTANCE))
      .get('/api/v1/vm')
      .reply(502)
      .get('/api/v1/vm')
      .reply(200, ok([NAMED]));
    const faults: Fault[] = [];
    await controller.getInstance(ID, { ...bounds, onFault: (fault) => faults.push(fault) });
    expect(faults).toEqual([expect.objectContaining({ kind: 'HTTP 502', leftMs: undefined })]);
  });

  test('are not read from the list if the single answer has both', async () => {
    connectForNames();
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok({ ...INSTANCE, external_id: 'own', name: 'vm-own' }));
    const read = await controller.getInstance(ID, bounds);
    expect([read?.externalId, read?.name, read?.unreadNames]).toEqual(['own', 'vm-own', undefined]);
  });

  test.each([
    ['within ten seconds', false, 10_000],
    ['until the deadline, if the step cannot do without', true, 60_000],
  ])('are missing, with the reason, if no list comes %s', async (_, isRequired, longestMs) => {
    const client = createClient(clientOptions());
    const lacksName = () => isRequired;
    controller = createController({ client, clock, deniedHint: '', needsNames: true, lacksName });
    nock(ORIGIN).get(ONE).reply(200, ok(INSTANCE)).get('/api/v1/vm').times(999).reply(503);
    const startedAt = clock.now();
    const reading = controller.getInstance(ID, { ...bounds, deadline: startedAt + 60_000 });
    await expect(reading).resolves.toMatchObject({
      externalId: undefined,
      unreadNames: { code: 'controller_unreachable' },
    });
    expect(clock.now() - startedAt).toBeLessThanOrEqual(longestMs);
    expect(clock.now() - startedAt).toBeGreaterThan(longestMs - 5_000);
    nock.cleanAll();
  });

  test('are read again if a lagging replica does not list the instance and the step needs them', async () => {
    const client = createClient(clientOptions());
    const lacksName = ({ externalId }: Instance) => externalId === undefined;
    controller = createController({ client, clock, deniedHint: '', needsNames: true, lacksName });
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok(INSTANCE))
      .get('/api/v1/vm')
      .reply(200, ok([]))
      .get('/api/v1/vm')
      .reply(200, ok([NAMED]));
    await expect(controller.getInstance(ID, bounds)).resolves.toMatchObject({ externalId: 'runner-1' });
  });

  test('count as absent if no list shows the instance for ten seconds', async () => {
    const client = createClient(clientOptions());
    const lacksName = () => true;
    controller = createController({ client, clock, deniedHint: '', needsNames: true, lacksName });
    nock(ORIGIN).get(ONE).reply(200, ok(INSTANCE)).get('/api/v1/vm').times(999).reply(200, ok([]));
    const startedAt = clock.now();
    const read = await controller.getInstance(ID, { ...bounds, deadline: startedAt + 60_000 });
    expect([read?.externalId, read?.unreadNames]).toEqual([undefined, undefined]);
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(10_000);
    expect(clock.now() - startedAt).toBeLessThan(20_000);
    nock.cleanAll();
  });

  test('are not waited for once the step is cancelled', async () => {
    const cancellation = new AbortController();
    connectForNames();
    nock(ORIGIN)
      .get(ONE)
      .reply(200, ok(INSTANCE))
      .get('/api/v1/vm')
      .reply(() => {
        cancellation.abort(new Error('cancelled'));
        return [503];
      });
    const reading = controller.getInstance(ID, { ...bounds, signal: cancellation.signal });
    await expect(reading).rejects.toThrow('cancelled');
  });
});

test('HTTP 404 names the requested URL', async () => {
  const url = new URL('https://gate.example/anka/api/v1/');
  const client = createClient(clientOptions());
  const asking = createController({ client, clock, deniedHint: '', url });
  nock(ORIGIN).get(ONE).reply(404, '404 page not found');
  await expect(asking.getInstance(ID, bounds)).rejects.toMatchObject({
    message: 'GET https://gate.example/anka/api/v1/api/v1/vm was answered with HTTP 404 and text, not JSON.',
    hint: expect.stringMatching(/^Give only the base address in controller_url/),
  });
});

test('a proxy that denies in the place of the controller is named', async () => {
  const answer = {
    status: 403,
    text: '<html>',
    headers: {},
    location: undefined,
    retryAfterMs: undefined,
    dateMs: undefined,
    proxy: 'proxy.example:3128',
  };
  const deaf: Client = { ...NO_POSTS, read: async ({ decode }) => decode(answer) };
  const proxied = createController({ client: deaf, clock, deniedHint: '' });
  const error = {
    code: 'controller_unreachable',
    message: 'The proxy proxy.example:3128 refuses GET /api/v1/vm (HTTP 403).',
  };
  await expect(proxied.findInstances({ by: 'external_id', id: 'x' }, bounds)).rejects.toMatchObject(error);
});
