import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from '../../src/controller/client.ts';
import type { Credentials } from '../../src/controller/credentials.ts';
import { ActionError } from '../../src/errors.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { HttpRequest, HttpResult, SendBounds } from '../../src/http/transport.ts';
import { createFakeClock } from '../support/fake-clock.ts';

// Which requests go out, with which credentials, and which of them again.

function answered(status: number, retryAfterMs?: number): HttpResult {
  const answer = { status, text: `${status}`, headers: {}, location: undefined, proxy: undefined };
  return { answer: { ...answer, retryAfterMs } };
}

function unanswered(changes: {
  mayHaveBeenSent?: boolean;
  nature?: FaultNature;
  retryAfterMs?: number;
}): HttpResult {
  return {
    noAnswer: {
      mayHaveBeenSent: false,
      nature: 'passing',
      reason: 'refused',
      hint: 'Look.',
      cause: undefined,
      ...changes,
    },
  };
}

let clock: ReturnType<typeof createFakeClock>;
let bounds: SendBounds;
let sent: string[];
let session: number;

beforeEach(() => {
  clock = createFakeClock();
  bounds = { deadline: clock.now() + 60_000, signal: new AbortController().signal };
  [sent, session] = [[], 1];
});

interface Script {
  readonly answers: HttpResult[];
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
    async send({ method, path, headers, isWrite }: HttpRequest) {
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

  test.each<[string, HttpResult]>([
    ['HTTP 200', answered(200)],
    ['HTTP 403', answered(403)],
    ['HTTP 500', answered(500)],
    ['no answer', unanswered({ mayHaveBeenSent: true })],
  ])('is what ends a session: %s does not', async (_, exchange) => {
    await expect(write(create({ answers: [exchange], renewable: true }))).resolves.toEqual(exchange);
    expect(sent).toEqual(['POST /w session 1 v once']);
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
      isTransient: false,
      message: 'The controller cannot be asked: refused.',
      hint: 'Look.',
    };
    await expect(read(create({ answers: [unanswered({ nature: 'refusal' })] }))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  test('is handed back from a write at once', async () => {
    await expect(write(create({ answers: [unanswered({ nature: 'refusal' })] }))).resolves.toEqual(
      unanswered({ nature: 'refusal' }),
    );
    expect(sent).toHaveLength(1);
  });
});

describe('the time that is left', () => {
  const within = (ms: number) => ({ ...bounds, deadline: clock.now() + ms });
  const readWithin = (ms: number, ...answers: HttpResult[]) =>
    create({ answers }).read({ path: '/r', maxBytes: 1, decode: ({ text }) => text }, within(ms));

  test('is enough for another try from a quarter of a second on', async () => {
    await expect(readWithin(250, answered(500), answered(200))).resolves.toBe('200');
    await expect(readWithin(249, answered(500), answered(200))).rejects.toMatchObject({ isTransient: true });
  });

  test('is not enough where the server asks for all of it', async () => {
    await expect(readWithin(60_000, answered(503, 60_000))).rejects.toMatchObject({
      code: 'controller_unreachable',
      message:
        'The controller gave no usable answer to GET /r; at last: it answered HTTP 503, asking to wait for 60.0 s.',
      hint: 'The controller, or what stands before it, is overloaded or down. Look at it, then run the step again.',
    });
    expect(clock.sleeps).toEqual([]);
  });

  test('over, an answer that could not be used is explained', async () => {
    const decode = () => {
      throw new UnusableAnswer('it is poetry');
    };
    const client = create({ answers: [answered(200)] });
    await expect(client.read({ path: '/r', maxBytes: 1, decode }, within(0))).rejects.toMatchObject({
      code: 'protocol_error',
      message: 'The controller gave no usable answer to GET /r; at last: it is poetry.',
      hint: 'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page before it?',
    });
  });
});

describe('a step that is cancelled', () => {
  const aborted = () => ({ deadline: clock.now(), signal: AbortSignal.abort(new Error('cancelled')) });

  test('takes no answer to a read any more', async () => {
    const reading = create({ answers: [answered(200)] }).read(
      { path: '/r', maxBytes: 1, decode: String },
      aborted(),
    );
    await expect(reading).rejects.toThrow('cancelled');
  });

  test('says so where its write was not carried out', async () => {
    const writing = create({ answers: [answered(429)] }).write({ path: '/w', body: {} }, aborted());
    await expect(writing).rejects.toThrow('cancelled');
  });

  test('but not where its write may have been', async () => {
    const writing = create({ answers: [answered(200)] }).write({ path: '/w', body: {} }, aborted());
    await expect(writing).resolves.toEqual(answered(200));
  });
});
