import { createServer, Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { type Contact, contact, createDial, excerptOf, readGreeting } from '../../src/guest/contact.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Listening, listen, talking, unusedPort } from '../support/loopback.ts';
import {
  BANNER,
  createScriptedDial,
  fails,
  greets,
  ignores,
  isSilent,
  refuses,
  says,
  type Talk,
} from '../support/scripted-dial.ts';

const address = { host: '192.0.2.70', port: 10_001 };

/** @param isOver whether the limit is reached before anything more comes. */
async function attempt(talk: Talk, { isOver = false, signal = new AbortController().signal } = {}) {
  const clock = createFakeClock(() => !isOver);
  const scripted = createScriptedDial([talk]);
  const result = await contact({ clock, dial: scripted.dial, address }, { ms: 5_000, signal });
  return { result, released: scripted.released, slept: clock.sleeps };
}

describe('an attempt to reach the guest', () => {
  test.each<[string, Talk, Contact]>([
    ['a banner', greets, { kind: 'banner', banner: BANNER }],
    ['a banner in pieces', says('SSH-2.0-Open', 'SSH_9.9\r', '\n'), { kind: 'banner', banner: BANNER }],
    ['a refused connection', refuses, { kind: 'refused', detail: 'connect ECONNREFUSED' }],
    ['a missing route', fails('EHOSTUNREACH'), { kind: 'unreachable', detail: 'connect EHOSTUNREACH' }],
    [
      'a connection that ends before it is established, without a reason',
      ({ ended }) => ended(undefined),
      { kind: 'unreachable', detail: 'it was ended there' },
    ],
    [
      'a connection that is closed before anything was sent',
      ({ connected, ended }) => {
        connected();
        ended(undefined);
      },
      { kind: 'closed', detail: 'it was ended there' },
    ],
    [
      'a connection that is reset before anything was sent',
      ({ connected, ended }) => {
        connected();
        ended(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
      },
      { kind: 'closed', detail: 'read ECONNRESET' },
    ],
    [
      'another server that closes',
      (events) => {
        says('HTTP/1.1 400 Bad Request\r\n')(events);
        events.ended(undefined);
      },
      { kind: 'foreign', detail: 'it began with "HTTP/1.1 400 Bad Request"' },
    ],
    [
      'a penalty',
      (events) => {
        says('Not allowed at this time\r\n')(events);
        events.ended(undefined);
      },
      { kind: 'penalized', detail: 'it began with "Not allowed at this time"' },
    ],
    [
      'a server with too many connections',
      (events) => {
        says('Exceeded MaxStartups\r\n')(events);
        events.ended(undefined);
      },
      { kind: 'penalized', detail: 'it began with "Exceeded MaxStartups"' },
    ],
    [
      'a server that never ends',
      says('x'.repeat(5_000), 'x'.repeat(5_000)),
      { kind: 'foreign', detail: 'it began with (a line of 10000 characters)' },
    ],
  ])('comes to %s', async (_, talk, expected) => {
    expect(await attempt(talk)).toEqual({ result: expected, released: 1, slept: [] });
  });

  test.each<[string, Talk, Contact]>([
    ['no answer at all', ignores, { kind: 'unreachable', detail: 'the connection timed out' }],
    [
      'an established connection does not mean that the guest is up',
      isSilent,
      { kind: 'silent', detail: 'connected, but nothing was sent' },
    ],
    [
      'half a banner is not a banner',
      says('SSH-2.0-Op'),
      { kind: 'foreign', detail: 'it began with "SSH-2.0-Op"' },
    ],
  ])('takes at most five seconds: %s', async (_, talk, expected) => {
    expect(await attempt(talk, { isOver: true })).toEqual({ result: expected, released: 1, slept: [5_000] });
  });

  test.each([
    ['an error', new Error('cancelled')],
    ['the default', new DOMException('This operation was aborted', 'AbortError')],
  ])('ends with the signal, whose reason is %s', async (_, reason) => {
    const cancelled = new AbortController();
    const talk: Talk = ({ connected }) => {
      connected();
      queueMicrotask(() => cancelled.abort(reason));
    };
    const clock = createFakeClock(() => true);
    const scripted = createScriptedDial([talk]);
    const limit = { ms: 5_000, signal: cancelled.signal };
    await expect(contact({ clock, dial: scripted.dial, address }, limit)).rejects.toBe(reason);
    expect(scripted.released).toBe(1);
  });

  test('hides no bug', async () => {
    const defect = new TypeError('a defect');
    const broken: Talk = () => {
      throw defect;
    };
    await expect(attempt(broken)).rejects.toBe(defect);
  });
});

const OPENSSH = 'SSH-2.0-OpenSSH_9.9';

describe('what a server says first', () => {
  test.each<[string, string, unknown]>([
    ['the banner', `${OPENSSH}\r\n`, { kind: 'banner', banner: OPENSSH }],
    ['a banner with a bare line feed', `${OPENSSH}\n`, { kind: 'banner', banner: OPENSSH }],
    ['a banner with a comment', `${OPENSSH} mac 7\r\n`, { kind: 'banner', banner: `${OPENSSH} mac 7` }],
    ['an older protocol', 'SSH-1.99-x\r\n', { kind: 'banner', banner: 'SSH-1.99-x' }],
    ['a future protocol', 'SSH-10.0-x\r\n', { kind: 'banner', banner: 'SSH-10.0-x' }],
    [
      'lines before the banner',
      `Welcome\r\n\r\nto SSH-2.0-x\n${OPENSSH}\r\n`,
      { kind: 'banner', banner: OPENSSH },
    ],
    ['what comes after the banner', `${OPENSSH}\r\n\0\0\x05`, { kind: 'banner', banner: OPENSSH }],
    ['nothing', '', undefined],
    ['a banner without its end', OPENSSH, undefined],
    ['a line that only mentions SSH', 'no SSH-2.0-x here\r\n', undefined],
    ['no protocol version', 'SSH-\r\n', undefined],
    ['a control character in the banner', 'SSH-2.0-x\x1b[2J\r\n', undefined],
    ['a carriage return in the banner', 'SSH-2.0-x\ry\n', undefined],
    ['another server', 'HTTP/1.1 400 Bad Request\r\n\r\n', undefined],
    ['no banner within 8 KiB', 'x'.repeat(8 * 1024), expect.objectContaining({ kind: 'foreign' })],
    [
      'a banner that begins too late',
      `${'x\n'.repeat(4_096)}${OPENSSH}\r\n`,
      expect.objectContaining({ kind: 'foreign' }),
    ],
    [
      'a banner that ends too late',
      `${'x\n'.repeat(4_090)}${OPENSSH}\r\n`,
      expect.objectContaining({ kind: 'foreign' }),
    ],
    ['a banner just in time', `${'x\n'.repeat(4_080)}${OPENSSH}\r\n`, { kind: 'banner', banner: OPENSSH }],
  ])('%s', (_, text, greeting) => {
    expect(readGreeting(Buffer.from(text))).toEqual(greeting);
  });

  test('bytes that are not text hide nothing', () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(`${OPENSSH}\r\n`)]);
    expect(readGreeting(bytes)).toEqual({ kind: 'banner', banner: OPENSSH });
  });
});

test.each([
  ['one line', 'HTTP/1.1 400 Bad Request\r\nServer: x\r\n', '"HTTP/1.1 400 Bad Request"'],
  ['the first line that is not blank', '\r\n\n  220 mail\r\n', '"220 mail"'],
  ['all of a line of 100 characters', 'x'.repeat(100), `"${'x'.repeat(100)}"`],
  ['nothing of a longer one', 'x'.repeat(101), '(a line of 101 characters)'],
  ['empty if nothing came', '', '""'],
])('an excerpt is %s', (_, text, excerpt) => {
  expect(excerptOf(Buffer.from(text))).toBe(excerpt);
});

const dial = createDial(() => undefined);

/** The events of a connection, up to its end. */
function eventsOf(port: number, host = '127.0.0.1', connect = dial): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) => {
    connect(
      { host, port },
      {
        connected: () => seen.push('connected'),
        received: (bytes) => seen.push(`received ${Buffer.from(bytes)}`),
        ended: (error) => {
          const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
          seen.push(`ended ${code ?? message ?? ''}`.trim());
          resolve(seen);
        },
      },
    );
  });
}

describe('over a real socket', () => {
  test.each<[string, () => Promise<Listening>, string[]]>([
    [
      'a server that speaks and closes',
      () => talking((socket) => socket.end('SSH-2.0-x\r\n')),
      ['connected', 'received SSH-2.0-x\r\n', 'ended'],
    ],
    ['a server that closes', () => talking((socket) => socket.end()), ['connected', 'ended']],
    ['a port that nothing listens on', unusedPort, ['ended ECONNREFUSED']],
  ])('%s', async (_, start, seen) => {
    const server = await start();
    try {
      expect(await eventsOf(server.port)).toEqual(seen);
    } finally {
      server.close();
    }
  });

  test('a connection that is cut off', async () => {
    const server = await talking((socket) => socket.resetAndDestroy());
    expect((await eventsOf(server.port)).at(-1)).toBe('ended ECONNRESET');
    server.close();
  });

  test('the address may be an IPv6 address', async () => {
    const server = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await eventsOf(port, '::1')).toEqual(['connected', 'received hello', 'ended']);
    server.close();
  });

  test('a host name that resolves to a forbidden address gets no connection', async () => {
    const server = await talking((socket) => socket.end('SSH-2.0-own\r\n'));
    const picky = createDial((ip) => (ip === '127.0.0.1' ? 'is this machine' : undefined));
    expect(await eventsOf(server.port, 'localhost', picky)).toEqual(['ended the node is this machine']);
    server.close();
  });

  test('each of several addresses of a node has half a second: more than Node gives it, less than a last attempt', async () => {
    const connect = jest.fn(() => new Socket());
    jest.resetModules();
    jest.unstable_mockModule('node:net', () => ({ connect }));
    const again = await import('../../src/guest/contact.ts');
    const events = { connected() {}, received() {}, ended() {} };
    again.createDial(() => undefined)({ host: 'mac.example', port: 10_001 }, events)();
    expect(connect.mock.calls).toEqual([
      [{ host: 'mac.example', port: 10_001, autoSelectFamilyAttemptTimeout: 500 }],
    ]);
  });

  test('releasing it closes the connection, and no byte was sent', async () => {
    const seen = { bytes: 0 };
    let tell: (socket: Socket) => void;
    const accepted = new Promise<Socket>((resolve) => {
      tell = resolve;
    });
    const server = await listen(createServer((socket) => tell(socket)));
    const release = dial(
      { host: '127.0.0.1', port: server.port },
      { connected() {}, received() {}, ended() {} },
    );
    const socket = await accepted;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (bytes) => {
      seen.bytes += bytes.length;
    });
    release();
    await closed;
    expect(seen.bytes).toBe(0);
    server.close();
  });
});
