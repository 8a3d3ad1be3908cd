import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Client, createClient } from '../../src/controller/client.ts';
import type { Credentials } from '../../src/controller/credentials.ts';
import { ActionError } from '../../src/errors.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { FaultNature, RetryBounds } from '../../src/http/retry.ts';
import type { HttpRequest, HttpResult } from '../../src/http/transport.ts';
import { createFakeClock } from '../support/fake-clock.ts';

// Which requests the client sends, with which credentials, and which it repeats.

function answered(status: number, retryAfterMs?: number): HttpResult {
  const answer = { status, text: `${status}`, headers: {}, location: undefined, proxy: undefined };
  return { answer: { ...answer, retryAfterMs } };
}

function unanswered(changes: {
  mayHaveBeenSent?: boolean;
  nature?: FaultNature;
  retryAfterMs?: number;
  cause?: unknown;
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
let bounds: RetryBounds;
let sent: string[];
let session: number;
let renewals: number;

beforeEach(() => {
  clock = createFakeClock();
  const deadline = clock.now() + 60_000;
  bounds = { deadline, signal: new AbortController().signal };
  [sent, session, renewals] = [[], 1, 0];
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
        `${method} ${path} ${headers['authorization'] ?? 'no-credentials'} ${headers['x-own']}${isWrite ? ' once' : ''}`,
      );
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? answered(500);
    },
    close: async () => {},
    renewConnections: () => void renewals++,
  };
  return createClient({ transport, credentials, headers: { 'x-own': 'v' }, clock, random: () => 0 });
}

const read = (client: Client) => client.read({ path: '/r', maxBytes: 1, decode: ({ text }) => text }, bounds);
const post = (client: Client) => client.post({ path: '/w', body: {} }, bounds);

describe('a 401', () => {
  test('leads to a new session and another attempt', async () => {
    await expect(read(create({ answers: [answered(401), answered(200)], renewable: true }))).resolves.toBe(
      '200',
    );
    expect(sent).toEqual(['GET /r session 1 v', 'GET /r session 2 v']);
    expect(clock.sleeps).toEqual([]);
  });

  test('of a post is left to the caller, which can ask for a new session', async () => {
    const client = create({ answers: [answered(401), answered(200)], renewable: true });
    await expect(post(client)).resolves.toEqual(answered(401));
    expect(client.renewSession()).toBe(true);
    await expect(post(client)).resolves.toEqual(answered(200));
    expect(sent).toEqual(['POST /w session 1 v once', 'POST /w session 2 v once']);
  });

  test('means nothing to a session that cannot be renewed', async () => {
    expect(create({ answers: [] }).renewSession()).toBe(false);
  });
});

test('only a read without a usable answer leads to new connections', async () => {
  await read(create({ answers: [answered(200)] }));
  expect(renewals).toBe(0);
  await read(create({ answers: [answered(502), unanswered({}), answered(200)] }));
  expect(renewals).toBe(2);
});

describe('the handshake', () => {
  test('is sent without credentials, but with the headers of the gateway', async () => {
    const authorize: Credentials['authorize'] = async (post) => {
      await post({ path: '/hand', body: {} });
      return { headers: { authorization: 'credentials' } };
    };
    await read(create({ answers: [answered(200)], authorize }));
    expect(sent).toEqual(['POST /hand no-credentials v', 'GET /r credentials v']);
  });

  test.each([
    ['gets an answer shows that the controller can be reached', true, 55_000],
    ['gets none does not', false, 37_000],
  ])('that %s', async (_, isAnswered, triedForMs) => {
    const away = unanswered({ nature: 'unreachable' });
    const handshakes: HttpResult[] = Array.from({ length: 99 }, () => [
      isAnswered ? answered(200) : away,
      away,
    ]).flat();
    const authorize: Credentials['authorize'] = async (post) => {
      await post({ path: '/hand', body: {} });
      return { headers: {} };
    };
    const startedAt = clock.now();
    await expect(read(create({ answers: handshakes, authorize }))).rejects.toMatchObject({
      code: 'controller_unreachable',
    });
    expect(clock.now() - startedAt).toBeGreaterThan(triedForMs - 5_000);
    expect(clock.now() - startedAt).toBeLessThan(triedForMs + 6_000);
  });

  test('that gets no answer is tried again for a read', async () => {
    let tries = 0;
    const authorize = async () => (tries++ < 2 ? unanswered({ retryAfterMs: 5_000 }) : { headers: {} });
    await expect(read(create({ answers: [answered(200)], authorize }))).resolves.toBe('200');
    expect(sent).toEqual(['GET /r no-credentials v']);
    expect(clock.sleeps).toEqual([5_000, 5_000]);
  });

  test('that is refused fails a read', async () => {
    const refused = new ActionError('authentication_failed', 'No.');
    await expect(read(create({ answers: [], authorize: async () => ({ refused }) }))).rejects.toMatchObject({
      code: 'authentication_failed',
      message: 'No.',
      isTransient: false,
    });
    expect(sent).toEqual([]);
  });

  test.each([{ refused: new ActionError('authentication_failed', 'No.') }, unanswered({})])(
    'that fails is the result of a post, which is not sent',
    async (failed) => {
      await expect(post(create({ answers: [], authorize: async () => failed }))).resolves.toBe(failed);
      expect(sent).toEqual([]);
    },
  );
});

describe('a refusal', () => {
  const refused = (): never => {
    throw new ActionError('permission_denied', 'Not at c.example.', { hint: 'Ask for it.' });
  };
  const readRefused = (client: Client, decode: () => string | undefined = () => refused()) =>
    client.read({ path: '/r', maxBytes: 1, decode }, bounds);

  test('fails a read at once, if there was no good answer yet', async () => {
    const error = {
      code: 'permission_denied',
      isTransient: false,
      message: 'Not at c.example.',
      hint: 'Ask for it.',
    };
    await expect(readRefused(create({ answers: [answered(403)] }))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  test('fails a read at once, even after an answer without content: it may have come from another server', async () => {
    const client = create({ answers: [answered(200), answered(403)] });
    await expect(readRefused(client, () => undefined)).resolves.toBeUndefined();
    await expect(readRefused(client)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(sent).toHaveLength(2);
  });

  test('is tolerated for 30 s after a good answer', async () => {
    const client = create({ answers: [answered(200)] });
    await read(client);
    const startedAt = clock.now();
    await expect(readRefused(client)).rejects.toMatchObject({
      message: 'Not at c.example.',
      isTransient: false,
    });
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(30_000);
  });

  test('is reported as a fault meanwhile, and clears up', async () => {
    const reasons: string[] = [];
    const client = create({ answers: [answered(200)] });
    await read(client);
    let tries = 0;
    const decode = () => (tries++ === 0 ? refused() : 'fine');
    const onFault = ({ reason }: { reason: string }) => reasons.push(reason);
    const reading = client.read({ path: '/r', maxBytes: 1, decode }, { ...bounds, onFault });
    await expect(reading).resolves.toBe('fine');
    expect(reasons).toEqual(['Not at c.example']);
  });

  test('may clear up if the deadline comes first', async () => {
    const client = create({ answers: [answered(200)] });
    await read(client);
    const deadline = clock.now() + 5_000;
    const reading = client.read(
      { path: '/r', maxBytes: 1, decode: () => refused() },
      { ...bounds, deadline },
    );
    await expect(reading).rejects.toMatchObject({ code: 'permission_denied', isTransient: true });
  });

  test('of the transport fails a read at once, too', async () => {
    const error = {
      code: 'controller_unreachable',
      isTransient: false,
      message: 'The controller cannot be queried: refused.',
      hint: 'Look.',
    };
    await expect(read(create({ answers: [unanswered({ nature: 'refusal' })] }))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  test('of the transport is returned from a post', async () => {
    const refused = unanswered({ nature: 'refusal' });
    await expect(post(create({ answers: [refused] }))).resolves.toEqual(refused);
    expect(sent).toHaveLength(1);
  });
});

describe('the retries of a post', () => {
  const fault = { kind: 'HTTP 401', reason: '', hint: '', nature: 'refusal' } as const;

  test('depend only on faults of the post, even if reads get good answers in between', async () => {
    const client = create({ answers: [answered(200)] });
    expect(client.retriesOfPost().after(fault, 60_000)).toEqual({ kind: 'give up', isFinal: true });
    await read(client);
    const retries = client.retriesOfPost();
    expect(retries.after(fault, 60_000)).toEqual({ kind: 'pause', pauseMs: 250, leftMs: 30_000 });
    await clock.sleep(30_000, bounds.signal);
    await read(client);
    expect(retries.after(fault, 60_000)).toEqual({ kind: 'give up', isFinal: true });
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

  test('is used if the server asks for all of it', async () => {
    await expect(readWithin(60_000, answered(503, 60_000))).rejects.toMatchObject({
      code: 'controller_unreachable',
      message:
        'The controller gave no usable answer to GET /r; last attempt: it answered HTTP 503, asking to wait for 60.0 s.',
      hint: 'The controller, or a gateway in front of it, is overloaded or down. Check it, then run the step again.',
    });
    expect(sent.length).toBeGreaterThan(20);
  });

  test('over, an answer that could not be used is explained', async () => {
    const decode = () => {
      throw new UnusableAnswer('it is poetry');
    };
    const client = create({ answers: [answered(200)] });
    await expect(client.read({ path: '/r', maxBytes: 1, decode }, within(0))).rejects.toMatchObject({
      code: 'protocol_error',
      message: 'The controller gave no usable answer to GET /r; last attempt: it is poetry.',
      hint: 'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page in front of it?',
    });
  });
});

test.each<[string, HttpResult, number, boolean, string]>([
  ['no answer came in time', unanswered({}), 5_000, true, 'refused'],
  [
    'the server wants to be left alone',
    answered(503, 600_000),
    60_000,
    false,
    'it answered HTTP 503, asking to wait for 600.0 s',
  ],
])('the last fault is reported where %s', async (_, result, ms, isTransient, reason) => {
  bounds = { ...bounds, deadline: clock.now() + ms };
  const message = `The controller gave no usable answer to GET /r; last attempt: ${reason}.`;
  await expect(read(create({ answers: [result] }))).rejects.toMatchObject({ message, isTransient });
});

test('a bug is not a fault that could clear up', async () => {
  const decode = () => {
    throw new TypeError('a defect');
  };
  const reading = create({ answers: [answered(200)] }).read({ path: '/r', maxBytes: 1, decode }, bounds);
  await expect(reading).rejects.toThrow(TypeError);
  expect(sent).toHaveLength(1);
});

describe('a step that is cancelled', () => {
  const aborted = () => ({ deadline: clock.now(), signal: AbortSignal.abort(new Error('cancelled')) });

  test('no longer accepts an answer to a read', async () => {
    const reading = create({ answers: [answered(200)] }).read(
      { path: '/r', maxBytes: 1, decode: String },
      aborted(),
    );
    await expect(reading).rejects.toThrow('cancelled');
  });

  test('still returns the result of a post: it may have been carried out', async () => {
    const posting = create({ answers: [answered(200)] }).post({ path: '/w', body: {} }, aborted());
    await expect(posting).resolves.toEqual(answered(200));
  });
});
