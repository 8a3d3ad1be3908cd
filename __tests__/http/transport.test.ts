import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, buildConnector } from 'undici';
import { type Client, createClient } from '../../src/controller/client.ts';
import { createCredentials } from '../../src/controller/credentials.ts';
import type { FaultNature, RetryBounds } from '../../src/http/retry.ts';
import {
  createTransport,
  type HttpResult,
  type SendBounds,
  type Transport,
} from '../../src/http/transport.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';

// Over real sockets: the guarantee of at most one restart depends on what happens on the wire, and when.

const REQUEST_TIMEOUT_MS = 10_000;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let server: Server;
let sockets: Socket[];
let clock: FakeClock;
let transport: Transport;
let client: Client;
let bounds: RetryBounds;
let faults: string[];
/** What the server does with the data of each connection, in order; the last entry repeats. */
let answers: ((socket: Socket) => void)[];
let received: string[];

const PLAIN = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

function connect(url: string): void {
  // Pauses end at once. Limits, which have their own signals, are never reached.
  clock = createFakeClock((_, signal) => signal !== bounds.signal);
  const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: REQUEST_TIMEOUT_MS, clock };
  transport = createTransport({ baseUrl: new URL(url), ...options });
  const credentials = createCredentials({ kind: 'none' }, () => {});
  client = createClient({ transport, credentials, headers: {}, clock, random: () => 0 });
  faults = [];
  bounds = {
    deadline: clock.now() + 60_000,
    signal: new AbortController().signal,
    onFault: ({ reason }) => faults.push(reason),
  };
}

beforeEach(async () => {
  [sockets, answers, received] = [[], [(socket) => socket.write(OK)], []];
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received.push(String(data).split('\r\n', 1)[0] ?? '');
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(async () => {
  await transport.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const read = () => client.read({ path: '/x', maxBytes: 100, decode: ({ text }) => text }, bounds);
const write = (changes: Partial<SendBounds> = {}) =>
  transport.send(
    { method: 'POST', path: '/x', headers: {}, body: {}, maxBytes: 1024 * 1024, isWrite: true },
    { ...bounds, ...changes },
  );

async function freePort(): Promise<number> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  return port;
}

/** Ends the time for a request as soon as the server has received something. */
function expireWhen(reached: () => boolean): void {
  const check = () => (reached() ? clock.expire() : setImmediate(check));
  setImmediate(check);
}

describe('a request', () => {
  const GET = { method: 'GET', path: '/x?y=1', headers: {}, maxBytes: 1024 * 1024, isWrite: false } as const;
  let whole: string[];

  beforeEach(() => {
    whole = [];
    server.on('connection', (socket) => socket.on('data', (data) => whole.push(String(data))));
  });

  test('sends Accept and User-Agent, which headers can override', async () => {
    await transport.send({ ...GET, headers: { accept: 'text/plain', 'x-own': 'v' } }, bounds);
    const [line, ...lines] = (whole[0] ?? '').split('\r\n');
    expect(line).toBe('GET /x?y=1 HTTP/1.1');
    expect(lines).toEqual(
      expect.arrayContaining([
        'accept: text/plain',
        'accept-encoding: identity',
        'user-agent: restart-anka-vm',
        'x-own: v',
      ]),
    );
    expect(whole[0]).not.toContain('content-type');
  });

  test('with a body says that it is JSON', async () => {
    await transport.send({ ...GET, method: 'POST', body: { a: ['ü'] }, isWrite: true }, bounds);
    expect(whole.join('')).toContain('accept: application/json\r\n');
    expect(whole.join('')).toContain('content-type: application/json\r\n');
    expect(whole.join('')).toMatch(/\r\n\r\n\{"a":\["ü"\]\}$/);
  });

  test('goes below the path of the base URL, with any slashes after it', async () => {
    const { port } = server.address() as AddressInfo;
    connect(`http://127.0.0.1:${port}/a//b//`);
    await transport.send(GET, bounds);
    expect(received).toEqual(['GET /a//b/x?y=1 HTTP/1.1']);
  });

  test('gets the whole answer', async () => {
    const head = ['Location: /y', 'Retry-After: Sun, 13 Oct 2024 10:51:44 GMT', 'X-A: 1', 'X-A: 2'];
    const date = 'Date: Sun, 13 Oct 2024 10:51:34 GMT';
    const lines = ['HTTP/1.1 302 Found', ...head, date, 'Content-Length: 3', '', 'ü!'];
    answers = [(socket) => socket.write(lines.join('\r\n'))];
    expect(await transport.send(GET, bounds)).toMatchObject({
      answer: {
        status: 302,
        text: 'ü!',
        location: '/y',
        retryAfterMs: 10_000,
        proxy: undefined,
        headers: { location: '/y', 'x-a': '1', 'content-length': '3' },
      },
    });
  });

  test.each([
    ['as long as it may be', 1024 * 1024, { answer: { status: 200 } }],
    [
      'longer than it may be',
      1024 * 1024 + 1,
      {
        noAnswer: {
          mayHaveBeenSent: true,
          reason: expect.stringContaining('the answer is larger than 1 MiB'),
        },
      },
    ],
  ])('gets an answer %s', async (_, length, expected) => {
    const body = 'x'.repeat(length);
    answers = [(socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`)];
    expect(await transport.send(GET, bounds)).toMatchObject(expected);
  });

  describe('gets an answer that was encoded although the request did not ask for it', () => {
    const TEXT = JSON.stringify({ status: 'OK', text: 'ü'.repeat(1_000) });

    async function encoded(encoding: string, body: Buffer): Promise<HttpResult> {
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`;
      answers = [(socket) => socket.write(Buffer.concat([Buffer.from(head), body]))];
      return transport.send({ ...GET, maxBytes: 2_100 }, bounds);
    }

    test.each<[string, (text: string) => Buffer]>([
      ['gzip', gzipSync],
      ['GZip', gzipSync],
      ['x-gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
      ['identity', Buffer.from],
    ])('%s', async (encoding, encode) => {
      expect(await encoded(encoding, encode(TEXT))).toMatchObject({ answer: { text: TEXT } });
    });

    test.each<[string, string, Buffer, string, FaultNature]>([
      [
        'is damaged',
        'gzip',
        gzipSync(TEXT).subarray(0, 30),
        'the answer is damaged: it cannot be decoded (gzip)',
        'passing',
      ],
      [
        'an unknown reason',
        'compress',
        Buffer.from('x'),
        'the answer is encoded in an unknown way ("compress")',
        'passing',
      ],
      ['is too long', 'gzip', gzipSync('x'.repeat(2_101)), 'the answer is larger than', 'mistake'],
    ])('unless it %s', async (_, encoding, body, message, nature) => {
      const result = await encoded(encoding, body);
      expect(result).toMatchObject({
        noAnswer: {
          mayHaveBeenSent: true,
          cause: { name: 'UnusableAnswer', nature, message: expect.stringContaining(message) },
        },
      });
    });

    test('that is too long may be full of what startup scripts printed', async () => {
      const result = await encoded('gzip', gzipSync('x'.repeat(2_101)));
      expect(result).toMatchObject({
        noAnswer: { cause: { hint: expect.stringContaining('startup scripts') } },
      });
    });
  });

  test.each([
    ['for a request', 60_000, REQUEST_TIMEOUT_MS],
    ['until the deadline', 7_000, 7_000],
  ])('has the time that there is %s', async (_, leftMs, limitMs) => {
    const limits: number[] = [];
    clock = createFakeClock((ms) => limits.push(ms) > 0);
    const { port } = server.address() as AddressInfo;
    const baseUrl = new URL(`http://127.0.0.1:${port}`);
    const timed = createTransport({
      baseUrl,
      proxy: undefined,
      tls: PLAIN,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      clock,
    });
    await timed.send(GET, { ...bounds, deadline: clock.now() + leftMs });
    await timed.close();
    expect(limits).toEqual([limitMs]);
  });

  test('through a proxy may be answered by that in the place of the server', async () => {
    const { port } = server.address() as AddressInfo;
    const proxy = new URL(`http://127.0.0.1:${port}`);
    const baseUrl = new URL('http://controller.example');
    const proxied = createTransport({ baseUrl, proxy, tls: PLAIN, requestTimeoutMs: 10_000, clock });
    expect(await proxied.send(GET, bounds)).toMatchObject({ answer: { proxy: `127.0.0.1:${port}` } });
    await proxied.close();
    expect(received).toEqual(['GET http://controller.example/x?y=1 HTTP/1.1']);
  });

  test('keeps a connection, which is closed in the end', async () => {
    await transport.send(GET, bounds);
    const [socket] = sockets;
    if (socket === undefined) throw new Error('no client connected');
    const closed = once(socket, 'close');
    await transport.close();
    await closed;
    expect(await transport.send(GET, bounds)).toMatchObject({ noAnswer: { mayHaveBeenSent: false } });
    expect(await transport.send({ ...GET, isWrite: true }, bounds)).toMatchObject({
      noAnswer: { mayHaveBeenSent: false },
    });
  });
});

describe('the connection of a read', () => {
  const GET = { method: 'GET', path: '/x', headers: {}, maxBytes: 100, isWrite: false } as const;
  const get = () => transport.send(GET, bounds);

  test('is kept, and used again', async () => {
    for (let reads = 0; reads < 3; reads++) {
      expect(await get()).toHaveProperty('answer');
      await new Promise(setImmediate);
    }
    expect(sockets).toHaveLength(1);
  });

  test('is a new one on request, which later reads use, too', async () => {
    await get();
    const [first] = sockets;
    if (first === undefined) throw new Error('no connection');
    const closed = once(first, 'close');
    transport.renewConnections();
    await get();
    await new Promise(setImmediate);
    await get();
    expect(sockets).toHaveLength(2);
    await closed;
  });

  test('is not replaced if no read has used it', async () => {
    transport.renewConnections();
    await get();
    expect(sockets).toHaveLength(1);
  });

  test('is given up if no answer came, while others finish on theirs', async () => {
    const waiting: Socket[] = [];
    answers = [(socket) => waiting.push(socket), (socket) => socket.destroy(), (socket) => socket.write(OK)];
    const slow = get();
    while (waiting.length === 0) await new Promise(setImmediate);
    expect(await get()).toHaveProperty('noAnswer');
    waiting[0]?.write(OK);
    expect(await slow).toMatchObject({ answer: { text: 'ok' } });
    await get();
    expect(sockets).toHaveLength(3);
  });

  test('ends with the transport, even if it was given up while in use', async () => {
    answers = [() => {}, (socket) => socket.write(OK)];
    const slow = get();
    while (received.length === 0) await new Promise(setImmediate);
    transport.renewConnections();
    await get();
    const closed = sockets.map((socket) => once(socket, 'close'));
    await transport.close();
    await Promise.all(closed);
    expect(await slow).toHaveProperty('noAnswer');
  });
});

describe('a read', () => {
  test('that had a bad answer is tried again over a new connection', async () => {
    answers = [
      (socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'),
      (socket) => socket.write(OK),
    ];
    await expect(read()).resolves.toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  test('that hangs before the headers is abandoned and retried', async () => {
    answers = [() => {}, (socket) => socket.write(OK)];
    expireWhen(() => received.length === 1);
    await expect(read()).resolves.toBe('ok');
    expect(faults).toEqual(['timed out while waiting for the answer']);
  });

  test('that hangs in the body is abandoned and retried', async () => {
    let isStarted = false;
    const start = (socket: Socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{', () => {
        isStarted = true;
      });
    answers = [start, (socket) => socket.write(OK)];
    // A moment for the headers to arrive: twenty turns of the event loop.
    let turns = 0;
    expireWhen(() => isStarted && ++turns > 20);
    await expect(read()).resolves.toBe('ok');
    expect(faults).toEqual(['timed out while reading the answer']);
  });

  test('that is cut off in the body is tried again', async () => {
    answers = [
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'),
      (socket) => socket.write(OK),
    ];
    await expect(read()).resolves.toBe('ok');
    expect(faults).toEqual([expect.stringContaining('(while reading the answer)')]);
  });

  test('whose connection is reset is tried again', async () => {
    answers = [(socket) => socket.resetAndDestroy(), (socket) => socket.write(OK)];
    await expect(read()).resolves.toBe('ok');
    expect(faults).toEqual([expect.stringContaining('ECONNRESET')]);
  });

  test('that is answered by something other than HTTP is retried', async () => {
    answers = [(socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'), (socket) => socket.write(OK)];
    await expect(read()).resolves.toBe('ok');
    expect(faults).toEqual([expect.stringContaining('HTTP/1.1 protocol')]);
  });

  test('uses the first of two headers with the same name', async () => {
    const twice = 'HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n';
    answers = [(socket) => socket.write(twice), (socket) => socket.write(OK)];
    await expect(read()).resolves.toBe('ok');
    expect(clock.sleeps).toEqual([2_000]);
  });
});

describe('a write', () => {
  async function failure(result: Promise<HttpResult>) {
    const settled = await result;
    if ('answer' in settled) throw new Error('there was an answer');
    return settled.noAnswer;
  }

  test('that was answered is not tried again', async () => {
    await expect(write()).resolves.toMatchObject({ answer: { status: 200, text: 'ok' } });
    expect(received).toEqual(['POST /x HTTP/1.1']);
  });

  test('gets its own connection, which it does not keep', async () => {
    await read();
    await write();
    // A connection that is kept becomes free only now.
    await new Promise((resolve) => setImmediate(resolve));
    await write();
    expect(sockets).toHaveLength(3);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.end()],
    ['cut off in the answer', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{')],
  ])('whose connection is %s may have been carried out, and is not tried again', async (_, answer) => {
    answers = [answer];
    expect(await failure(write())).toMatchObject({ mayHaveBeenSent: true });
    expect(received).toEqual(['POST /x HTTP/1.1']);
  });

  test('that hangs may have been carried out, and is not tried again', async () => {
    answers = [() => {}];
    expireWhen(() => received.length === 1);
    expect(await failure(write())).toMatchObject({
      mayHaveBeenSent: true,
      reason: 'timed out while waiting for the answer',
    });
    expect(received).toHaveLength(1);
  });

  test('that is cancelled on its way may have been carried out', async () => {
    const cancellation = new AbortController();
    answers = [() => cancellation.abort(new Error('cancelled'))];
    expect(await failure(write({ signal: cancellation.signal }))).toMatchObject({ mayHaveBeenSent: true });
  });

  test('that was refused never left', async () => {
    connect(`http://127.0.0.1:${await freePort()}`);
    const result = await failure(write());
    expect(result).toMatchObject({ mayHaveBeenSent: false, reason: expect.stringContaining('ECONNREFUSED') });
  });

  test('to an unknown host was never sent', async () => {
    connect('http://controller.invalid');
    const result = await failure(write({ deadline: clock.now() + 200 }));
    expect(result).toMatchObject({
      mayHaveBeenSent: false,
      reason: expect.stringContaining('controller.invalid'),
    });
  });

  test('over a TLS connection that was never established was never sent', async () => {
    connect(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    answers = [(socket) => socket.write('no TLS here')];
    const result = await failure(write({ deadline: clock.now() + 200 }));
    expect(result).toMatchObject({
      mayHaveBeenSent: false,
      reason: expect.stringContaining('while connecting'),
    });
  });

  test('over a TLS connection that hangs never left, either', async () => {
    connect(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    answers = [() => {}];
    expireWhen(() => received.length === 1);
    const result = await failure(write({ deadline: clock.now() + 200 }));
    expect(result).toMatchObject({ mayHaveBeenSent: false, reason: 'timed out while connecting' });
  });

  test('that is cancelled before it left was not sent', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));
    expect(await failure(write({ signal }))).toMatchObject({ mayHaveBeenSent: false });
    expect(received).toEqual([]);
  });
});

describe('onDeparture is called when a write is sent', () => {
  test('once, before its answer is there', async () => {
    let departures = 0;
    const onDeparture = () => {
      departures++;
      expect(received).toEqual([]);
    };
    await write({ onDeparture });
    expect(departures).toBe(1);
  });

  test.each([
    ['an error', new Error('too late'), 'too late (while connecting)'],
    ['anything else', 'too late', 'too late (while connecting)'],
  ])('and can keep it from leaving, by throwing %s', async (_, thrown, reason) => {
    const onDeparture = () => {
      throw thrown;
    };
    const request = {
      method: 'POST',
      path: '/x',
      headers: {},
      body: {},
      maxBytes: 100,
      isWrite: true,
    } as const;
    expect(await transport.send(request, { ...bounds, onDeparture })).toMatchObject({
      noAnswer: { mayHaveBeenSent: false, reason },
    });
    expect(received).toEqual([]);
  });

  test('not if it never does, nor for a request that changes nothing', async () => {
    const onDeparture = () => {
      throw new Error('it has not left');
    };
    const request = { method: 'GET', path: '/x', headers: {}, maxBytes: 100, isWrite: false } as const;
    expect(await transport.send(request, { ...bounds, onDeparture })).toHaveProperty('answer');
    connect(`http://127.0.0.1:${await freePort()}`);
    const refused = await transport.send({ ...request, isWrite: true }, { ...bounds, onDeparture });
    expect(refused).toMatchObject({ noAnswer: { mayHaveBeenSent: false } });
  });

  test('not if the caller gave up before the connection was open: nothing is sent', async () => {
    const connectForReal = buildConnector({});
    let stand: (() => void) | undefined;
    const writer = new Agent({
      connect: (options, callback) =>
        connectForReal(options, (...connected) => {
          stand = () => callback(...connected);
        }),
    });
    const baseUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: REQUEST_TIMEOUT_MS, clock };
    const { send } = createTransport({
      baseUrl,
      ...options,
      dispatchers: { openReader: () => writer, openWriter: () => writer },
    });
    let departures = 0;
    const onDeparture = () => departures++;
    const request = { method: 'POST', path: '/x', headers: {}, maxBytes: 100, isWrite: true } as const;
    expireWhen(() => stand !== undefined && sockets.length === 1);
    expect(await send(request, { ...bounds, onDeparture })).toMatchObject({
      noAnswer: { mayHaveBeenSent: false, reason: 'timed out while connecting' },
    });
    const closed = sockets.map((socket) => once(socket, 'close'));
    stand?.();
    await Promise.all(closed);
    expect([sockets.length, departures, received]).toEqual([1, 0, []]);
    await writer.destroy();
  });
});

describe('a connection', () => {
  /** When the request ends, in seconds, if the connection or the answer takes forever. */
  async function endsAt(connectMs: number | undefined, requestTimeoutMs: number) {
    const time = createVirtualTime(0);
    const request = { method: 'GET', path: '/', headers: {}, maxBytes: 100, isWrite: false } as const;
    const way = { isRefused: false, thereMs: 0, backMs: undefined, resetMs: undefined, arriving: 1 };
    const network = new SimulatedNetwork({
      after: (ms, run) => time.at(time.now() + ms, run),
      deliveryOf: () => ({ ...way, connectMs, pieces: 1, pauseMs: 0 }),
      answer: () => ({ status: 200, headers: {}, body: '' }),
    });
    const { send } = createTransport({
      baseUrl: new URL('http://controller.example'),
      ...{ proxy: undefined, tls: PLAIN, requestTimeoutMs, clock: time.clock },
      dispatchers: { openReader: () => network, openWriter: () => network },
    });
    const result = await time.run(
      send(request, { deadline: Number.POSITIVE_INFINITY, signal: new AbortController().signal }),
    );
    return [time.now() / 1_000, 'noAnswer' in result && result.noAnswer.reason];
  }

  test.each([
    [undefined, 10, 10, 'timed out while connecting'],
    [undefined, 60, 20, 'timed out while connecting'],
    [19_000, 60, 60, 'timed out while waiting for the answer'],
  ])('that takes %p ms, with %i s for the request: over after %i s', async (connectMs, s, ...expected) => {
    expect(await endsAt(connectMs, s * 1_000)).toEqual(expected);
  });
});

test.each([
  ['http', 'proxy.example:3128'],
  ['https', undefined],
])('an answer over %s is of the controller, or else of %s', async (protocol, expected) => {
  const way = { isRefused: false, connectMs: 0, thereMs: 0, backMs: 0, resetMs: undefined };
  const network = new SimulatedNetwork({
    after: (_, run) => queueMicrotask(run),
    deliveryOf: () => ({ ...way, arriving: 1, pieces: 1, pauseMs: 0 }),
    answer: () => ({ status: 403, headers: {}, body: '' }),
  });
  const { send } = createTransport({
    baseUrl: new URL(`${protocol}://controller.example`),
    proxy: new URL('http://proxy.example:3128'),
    tls: PLAIN,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    clock,
    dispatchers: { openReader: () => network, openWriter: () => network },
  });
  const request = { method: 'GET', path: '/x', headers: {}, maxBytes: 100, isWrite: false } as const;
  expect(await send(request, bounds)).toMatchObject({ answer: { status: 403, proxy: expected } });
});
