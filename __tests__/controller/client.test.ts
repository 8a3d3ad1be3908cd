import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from '../../src/controller/client.ts';
import type { Credentials } from '../../src/controller/credentials.ts';
import type { Bounds, Exchange, WireRequest } from '../../src/controller/transport.ts';
import { ActionError } from '../../src/errors.ts';
import { createFakeClock } from '../support/fake-clock.ts';

// Which requests go out, with which credentials, and which of them again.

function answered(status: number): Exchange {
  return {
    answer: {
      status,
      text: `${status}`,
      location: undefined,
      retryAfterMs: undefined,
      dateMs: undefined,
      proxy: undefined,
    },
  };
}

function unanswered(changes: { left?: boolean; isFinal?: boolean; retryAfterMs?: number }): Exchange {
  return {
    noAnswer: { left: false, isFinal: false, reason: 'refused', hint: 'Look.', cause: undefined, ...changes },
  };
}

let clock: ReturnType<typeof createFakeClock>;
let bounds: Bounds;
let sent: string[];
let session: number;

beforeEach(() => {
  clock = createFakeClock();
  bounds = { deadline: clock.now() + 60_000, signal: new AbortController().signal };
  [sent, session] = [[], 1];
});

interface Script {
  readonly answers: Exchange[];
  /** Whether there can be a new session after a 401. */
  readonly renewable?: boolean;
  readonly authorize?: Credentials['authorize'];
}

function create({ answers, renewable = false, authorize }: Script): Client {
  const credentials: Credentials = {
    deniedHint: '',
    authorize: authorize ?? (async () => ({ headers: { authorization: `session ${session}` } })),
    renew() {
      session++;
      return renewable;
    },
  };
  const transport = {
    async exchange({ method, path, headers, isWrite }: WireRequest) {
      sent.push(
        `${method} ${path} ${headers['authorization'] ?? 'nobody'} ${headers['x-own']}${isWrite ? ' once' : ''}`,
      );
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? answered(500);
    },
    close: async () => {},
  };
  return createClient({ transport, credentials, headers: { 'x-own': 'v' }, clock, random: () => 0 });
}

const read = (client: Client) => client.read({ path: '/r', maxBytes: 1, decode: ({ text }) => text }, bounds);
const write = (client: Client) => client.write({ path: '/w', body: {} }, bounds);

describe('a 401', () => {
  test('leads to a new session and one more try', async () => {
    await expect(read(create({ answers: [answered(401), answered(200)], renewable: true }))).resolves.toBe(
      '200',
    );
    expect(sent).toEqual(['GET /r session 1 v', 'GET /r session 2 v']);
    expect(clock.sleeps).toEqual([]);
  });

  test('of a write, too: it certainly was not carried out', async () => {
    await expect(
      write(create({ answers: [answered(401), answered(200)], renewable: true })),
    ).resolves.toEqual(answered(200));
    expect(sent).toEqual(['POST /w session 1 v once', 'POST /w session 2 v once']);
  });

  test('is final the second time in a row', async () => {
    await expect(write(create({ answers: [answered(401)], renewable: true }))).resolves.toEqual(
      answered(401),
    );
    expect(sent).toHaveLength(2);
  });

  test('is final where there is no session to renew', async () => {
    await expect(write(create({ answers: [answered(401)] }))).resolves.toEqual(answered(401));
    expect(sent).toHaveLength(1);
  });
});

describe('the handshake', () => {
  test('goes without credentials, but with the headers of the gateway', async () => {
    const authorize: Credentials['authorize'] = async (post) => {
      await post({ path: '/hand', body: {} });
      return { headers: { authorization: 'somebody' } };
    };
    await read(create({ answers: [answered(200)], authorize }));
    expect(sent).toEqual(['POST /hand nobody v', 'GET /r somebody v']);
  });

  test('that fails in passing is tried again, and the write after it sent once', async () => {
    let tries = 0;
    const authorize = async () => (tries++ < 2 ? unanswered({ retryAfterMs: 5_000 }) : { headers: {} });
    await expect(write(create({ answers: [answered(200)], authorize }))).resolves.toEqual(answered(200));
    expect(sent).toEqual(['POST /w nobody v once']);
    expect(clock.sleeps).toEqual([5_000, 5_000]);
  });

  test('that fails for good ends it', async () => {
    const authorize = () => Promise.reject(new ActionError('authentication_failed', 'no'));
    await expect(write(create({ answers: [], authorize }))).rejects.toMatchObject({
      code: 'authentication_failed',
    });
    expect(sent).toEqual([]);
  });
});

describe('what will not heal', () => {
  test('fails a read at once', async () => {
    const error = {
      code: 'controller_unreachable',
      transient: false,
      message: 'The controller cannot be asked: refused.',
      hint: 'Look.',
    };
    await expect(read(create({ answers: [unanswered({ isFinal: true })] }))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  test('is handed back from a write at once', async () => {
    await expect(write(create({ answers: [unanswered({ isFinal: true })] }))).resolves.toEqual(
      unanswered({ isFinal: true }),
    );
    expect(sent).toHaveLength(1);
  });
});
