import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { dial } from '../../src/guest/dial.ts';
import { type Listening, listen, nobody, talking } from '../support/loopback.ts';

/** What a connection told of itself, up to its end. */
function tellingOf(port: number, host = '127.0.0.1'): Promise<string[]> {
  const told: string[] = [];
  return new Promise((resolve) => {
    dial(
      { host, port },
      {
        connected: () => told.push('connected'),
        received: (bytes) => told.push(`received ${Buffer.from(bytes)}`),
        ended: (error) => {
          told.push(`ended ${(error as NodeJS.ErrnoException | undefined)?.code ?? ''}`.trim());
          resolve(told);
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
    ['nobody', nobody, ['ended ECONNREFUSED']],
  ])('%s', async (_, start, told) => {
    const server = await start();
    try {
      expect(await tellingOf(server.port)).toEqual(told);
    } finally {
      server.close();
    }
  });

  test('a connection that is cut off', async () => {
    const server = await talking((socket) => socket.resetAndDestroy());
    expect((await tellingOf(server.port)).at(-1)).toBe('ended ECONNRESET');
    server.close();
  });

  test('the address may be one of IPv6', async () => {
    const server = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await tellingOf(port, '::1')).toEqual(['connected', 'received hello', 'ended']);
    server.close();
  });

  test('who lets go hangs up, and has not sent a byte', async () => {
    const seen = { bytes: 0 };
    let tell: (socket: Socket) => void;
    const accepted = new Promise<Socket>((resolve) => {
      tell = resolve;
    });
    const server = await listen(createServer((socket) => tell(socket)));
    const letGo = dial(
      { host: '127.0.0.1', port: server.port },
      { connected() {}, received() {}, ended() {} },
    );
    const socket = await accepted;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (bytes) => {
      seen.bytes += bytes.length;
    });
    letGo();
    await closed;
    expect(seen.bytes).toBe(0);
    server.close();
  });
});
