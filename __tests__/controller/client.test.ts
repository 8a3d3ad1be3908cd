import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Client, createClient, type WriteBounds } from '../../src/controller/client.ts';
import type { Credentials } from '../../src/controller/credentials.ts';
import { ActionError } from '../../src/errors.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { FaultNature } from '../../src/http/patience.ts';
import type { Fault } from '../../src/http/retry.ts';
import type { HttpRequest, HttpResult } from '../../src/http/transport.ts';
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
let bounds: WriteBounds;
let sent: string[];
let session: number;

beforeEach(() => {
  clock = createFakeClock();
  const deadline = clock.now() + 60_000;
  bounds = { deadline, sendBy: deadline, signal: new AbortController().signal };
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

  test('is final the second time in a row, where there was no good answer yet', async () => {
    await expect(write(create({ answers: [answered(401)], renewable: true }))).resolves.toEqual(
      answered(401),
    );
    expect(sent).toHaveLength(2);
  });

  test.each(['deadline', 'sendBy'])(
    'of a write says so where no time is left for a new session (%s)',
    async (end) => {
      const client = create({ answers: [answered(401)], renewable: true });
      const late = {
        ...bounds,
        sendBy: clock.now(),
        deadline: clock.now() + (end === 'sendBy' ? 10_000 : 0),
      };
      await expect(client.write({ path: '/w', body: {} }, late)).rejects.toMatchObject({
        code: 'timed_out',
        message:
          'The session had ended when the request got there, and too little time was left for a new one.',
        hint: 'Look at the log for what took so long; run the step again, or raise timeout.',
      });
      expect(sent).toHaveLength(1);
    },
  );

  test('of a write is told of as what a new session may heal', async () => {
    const faults: Fault[] = [];
    const client = create({ answers: [answered(401), answered(200)], renewable: true });
    await client.write({ path: '/w', body: {} }, { ...bounds, onFault: (fault) => faults.push(fault) });
    expect(faults).toMatchObject([
      { kind: 'HTTP 401', reason: 'it answered HTTP 401, so a new session is needed' },
    ]);
  });

  test.each([true, false])('is put up with for 30 s after a good answer (session: %p)', async (renewable) => {
    const client = create({ answers: [answered(200), answered(401)], renewable });
    await read(client);
    const startedAt = clock.now();
    await expect(write(client)).resolves.toEqual(answered(401));
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(30_000);
    expect(clock.now() - startedAt).toBeLessThan(34_000);
  });

  test('in passing does not fail a write', async () => {
    const client = create({ answers: [answered(200), ...Array(8).fill(answered(401)), answered(201)] });
    await read(client);
    await expect(write(client)).resolves.toEqual(answered(201));
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

  test('that is refused in passing is tried again after a good answer, and the write after it sent once', async () => {
    let tries = 0;
    const authorize = async () => {
      if (tries++ === 1) throw new ActionError('authentication_failed', 'HTTP 404.');
      return { headers: {} };
    };
    const client = create({ answers: [answered(200)], authorize });
    await read(client);
    await expect(write(client)).resolves.toEqual(answered(200));
    expect(sent).toEqual(['GET /r nobody v', 'POST /w nobody v once']);
  });

  test('that fails for good ends it', async () => {
    const authorize = () => Promise.reject(new ActionError('authentication_failed', 'no'));
    await expect(write(create({ answers: [], authorize }))).rejects.toMatchObject({
      code: 'authentication_failed',
      hint: '',
    });
    expect(sent).toEqual([]);
  });
});

describe('a refusal', () => {
  const refused = (): never => {
    throw new ActionError('permission_denied', 'Not at c.example.', { hint: 'Ask for it.' });
  };
  const readRefused = (client: Client, decode: () => string | undefined = () => refused()) =>
    client.read({ path: '/r', maxBytes: 1, decode }, bounds);

  test('fails a read at once, where there was no good answer yet', async () => {
    const error = {
      code: 'permission_denied',
      isTransient: false,
      message: 'Not at c.example.',
      hint: 'Ask for it.',
    };
    await expect(readRefused(create({ answers: [answered(403)] }))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  test('fails a read at once, even after an answer that held nothing: it may have been of somebody else', async () => {
    const client = create({ answers: [answered(200), answered(403)] });
    await expect(readRefused(client, () => undefined)).resolves.toBeUndefined();
    await expect(readRefused(client)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(sent).toHaveLength(2);
  });

  test('is put up with for 30 s after a good answer', async () => {
    const client = create({ answers: [answered(200)] });
    await read(client);
    const startedAt = clock.now();
    await expect(readRefused(client)).rejects.toMatchObject({
      message: 'Not at c.example.',
      isTransient: false,
    });
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(30_000);
  });

  test('is told of as a fault meanwhile, and heals', async () => {
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

  test('may heal where the deadline comes first', async () => {
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
      message: 'The controller cannot be asked: refused.',
      hint: 'Look.',
    };
    await expect(read(create({ answers: [unanswered({ nature: 'refusal' })] }))).rejects.toMatchObject(error);
    expect(sent).toHaveLength(1);
  });

  test('of the transport is handed back from a write', async () => {
    await expect(write(create({ answers: [unanswered({ nature: 'refusal' })] }))).resolves.toEqual(
      unanswered({ nature: 'refusal' }),
    );
    expect(sent).toHaveLength(1);
  });
});

describe('a write that was not carried out', () => {
  test('asks before each further try, and goes by what it is told then', async () => {
    const asked: number[] = [];
    const startedAt = clock.now();
    const beforeRetry = async () => {
      asked.push(sent.length);
      await clock.sleep(100_000, bounds.signal);
      return { deadline: clock.now() + 60_000, sendBy: clock.now() + 60_000 };
    };
    const client = create({ answers: [unanswered({}), answered(429), answered(200)] });
    await expect(client.write({ path: '/w', body: {} }, { ...bounds, beforeRetry })).resolves.toEqual(
      answered(200),
    );
    expect(asked).toEqual([1, 2]);
    expect(clock.now() - startedAt).toBeGreaterThan(200_000);
  });

  test('is not tried again once it is told not to', async () => {
    const beforeRetry = () => Promise.reject(new ActionError('runner_busy', 'busy'));
    const writing = create({ answers: [unanswered({})] }).write(
      { path: '/w', body: {} },
      { ...bounds, beforeRetry },
    );
    await expect(writing).rejects.toMatchObject({ code: 'runner_busy' });
    expect(sent).toHaveLength(1);
  });

  test('is put up with for 30 s where it is denied, whatever good answers to reads come in between', async () => {
    const answers = [answered(200)];
    const client = create({ answers });
    await read(client);
    const startedAt = clock.now();
    const beforeRetry = async () => {
      answers.splice(0, answers.length, answered(200));
      await read(client);
      answers.splice(0, answers.length, answered(401));
      return { deadline: clock.now() + 60_000, sendBy: clock.now() + 60_000 };
    };
    answers.splice(0, answers.length, answered(401));
    const writing = client.write({ path: '/w', body: {} }, { ...bounds, beforeRetry });
    await expect(writing).resolves.toEqual(answered(401));
    expect(clock.now() - startedAt).toBeLessThan(35_000);
  });

  test('is what it came to where there must be no other', async () => {
    const beforeRetry = async () => undefined;
    const writing = create({ answers: [answered(429)] }).write(
      { path: '/w', body: {} },
      { ...bounds, beforeRetry },
    );
    await expect(writing).resolves.toEqual(answered(429));
    expect(sent).toHaveLength(1);
  });

  test('where there must be no other, a refused handshake is what counts', async () => {
    let tries = 0;
    const authorize = async () => {
      if (tries++ > 0) throw new ActionError('permission_denied', 'No.');
      return { headers: {} };
    };
    const client = create({ answers: [answered(200)], authorize });
    await read(client);
    const beforeRetry = async () => undefined;
    const writing = client.write({ path: '/w', body: {} }, { ...bounds, beforeRetry });
    await expect(writing).rejects.toMatchObject({ code: 'permission_denied', message: 'No.' });
  });

  test('is not tried again where an error of its own kept it from leaving', async () => {
    const cause = new ActionError('timed_out', 'Too late.');
    const kept = unanswered({ cause });
    await expect(write(create({ answers: [kept] }))).resolves.toEqual(kept);
    expect(sent).toHaveLength(1);
  });

  test('is tried until the moment by which it has to be sent', async () => {
    const sendBy = clock.now() + 2_000;
    const client = create({ answers: [unanswered({})] });
    await expect(client.write({ path: '/w', body: {} }, { ...bounds, sendBy })).resolves.toEqual(
      unanswered({}),
    );
    expect(clock.now()).toBeLessThanOrEqual(sendBy);
    expect(sent.length).toBeGreaterThan(3);
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

  test('is used where the server asks for all of it', async () => {
    await expect(readWithin(60_000, answered(503, 60_000))).rejects.toMatchObject({
      code: 'controller_unreachable',
      message:
        'The controller gave no usable answer to GET /r; at last: it answered HTTP 503, asking to wait for 60.0 s.',
      hint: 'The controller, or what stands before it, is overloaded or down. Look at it, then run the step again.',
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
      message: 'The controller gave no usable answer to GET /r; at last: it is poetry.',
      hint: 'Check controller_url: is this the controller, and is the path prefix right? Or is there a login page before it?',
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
])('what it came to at last is told where %s', async (_, result, ms, isTransient, reason) => {
  bounds = { ...bounds, deadline: clock.now() + ms };
  const message = `The controller gave no usable answer to GET /r; at last: ${reason}.`;
  await expect(read(create({ answers: [result] }))).rejects.toMatchObject({ message, isTransient });
});

test('a defect is no fault that could pass', async () => {
  const decode = () => {
    throw new TypeError('a defect');
  };
  const reading = create({ answers: [answered(200)] }).read({ path: '/r', maxBytes: 1, decode }, bounds);
  await expect(reading).rejects.toThrow(TypeError);
  expect(sent).toHaveLength(1);
});

describe('a step that is cancelled', () => {
  const aborted = () => ({
    deadline: clock.now(),
    sendBy: clock.now(),
    signal: AbortSignal.abort(new Error('cancelled')),
  });

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
