import { describe, expect, test } from '@jest/globals';
import { createClient } from '../../src/controller/client.ts';
import { createController } from '../../src/controller/controller.ts';
import type { Credentials } from '../../src/controller/credentials.ts';
import { ActionError } from '../../src/errors.ts';
import type { HttpRequest, HttpResult, NoAnswer, SendBounds } from '../../src/http/transport.ts';
import type { Outcome } from '../../src/restart/outcome.ts';
import { restart } from '../../src/restart/restart.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { ID } from '../support/instances.ts';

// At most one restart, from the controller's answers to the outcome: how many requests leave, and what the step says about them. Each
// test scripts the answers to the POST; every read succeeds.

const REFUSED = new ActionError('authentication_failed', 'The handshake was refused.');

const CANCELLED = new ActionError('cancelled', 'The step was canceled (SIGINT).');

/** What happens to one attempt of the POST. With `refused handshake` and `no connection`, it never leaves. */
type Met = number | 'OK' | 'FAIL' | 'no connection' | 'no answer' | 'refused handshake';

interface Script {
  /** One entry per attempt; the last entry repeats. */
  readonly posts: readonly Met[];
  /** Whether a 401 can be followed by a new session. */
  readonly hasSession?: boolean;
  readonly timeoutMs?: number;
  /** The step is canceled while the first attempt is in flight. */
  readonly isCancelled?: boolean;
}

interface Run {
  readonly outcome: Outcome;
  /** How many requests left this machine. */
  readonly left: number;
  /** From the first try to the last, in milliseconds. */
  readonly triedForMs: number;
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

async function send({
  posts,
  hasSession = false,
  timeoutMs = 120_000,
  isCancelled = false,
}: Script): Promise<Run> {
  const clock = createFakeClock();
  const cancellation = new AbortController();
  const epochMs = Date.parse('2024-10-13T12:00:00Z');
  const [lines, warnings]: [string[], string[]] = [[], []];
  const triedAt: number[] = [];
  let [left, bootedAtMs] = [0, -3_600_000];

  function instanceNow(): HttpResult {
    const iso = (ms: number) => new Date(epochMs + ms).toISOString();
    const reportedAtMs = Math.floor(clock.now() / 1_000) * 1_000;
    const vminfo = { status: 'running', start_date: iso(bootedAtMs), timestamp: iso(reportedAtMs) };
    const body = { instance_id: ID, instance_state: 'Started', ts: iso(reportedAtMs), vminfo };
    return answered(200, { status: 'OK', body });
  }

  function met(): Met {
    return posts[Math.min(triedAt.length - 1, posts.length - 1)] ?? 'OK';
  }

  const credentials: Credentials = {
    deniedHint: 'Knock first.',
    async authorize() {
      // Only the POST is scripted: reads come before its first try, and between two.
      return isPosting && met() === 'refused handshake' ? { refused: REFUSED } : { headers: {} };
    },
    renew: () => hasSession,
  };
  let isPosting = false;

  async function transmit(request: HttpRequest, { onDeparture }: SendBounds): Promise<HttpResult> {
    if (!request.isWrite) return instanceNow();
    const meeting = met();
    if (isCancelled) cancellation.abort(CANCELLED);
    if (meeting === 'no connection') return unanswered(false);
    onDeparture?.();
    left++;
    if (meeting === 'OK') bootedAtMs = clock.now();
    if (meeting === 'OK') return answered(200, { status: 'OK' });
    if (meeting === 'FAIL') return answered(200, { status: 'FAIL', message: 'no' });
    return typeof meeting === 'number' ? answered(meeting, '') : unanswered(true);
  }

  const transport = { send: transmit, close: async () => {}, renewConnections() {} };
  const client = createClient({ transport, credentials, headers: {}, clock, random: () => 0 });
  const real = createController({ client, clock, deniedHint: credentials.deniedHint });
  const controller: typeof real = {
    ...real,
    async tryRestart(request, bounds) {
      triedAt.push(clock.now());
      isPosting = true;
      const result = await real.tryRestart(request, bounds);
      isPosting = false;
      return result;
    },
  };
  const log = {
    info: (line: string) => void lines.push(line),
    debug() {},
    warning: (line: string) => void warnings.push(line),
  };
  const { signal } = cancellation;
  const job = {
    target: { by: 'instance_id', id: ID } as const,
    ...{ vncPassword: undefined, usbDevice: undefined, timeoutMs, pollInterval: 1_000, dryRun: false },
  };
  const outcome = await restart(job, { clock, controller, log, signal });
  const [first = 0, last = 0] = [triedAt[0], triedAt.at(-1)];
  return { outcome, left, triedForMs: last - first, lines, warnings };
}

function answered(status: number, body: unknown): HttpResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const rest = { headers: {}, location: undefined, retryAfterMs: undefined, proxy: undefined };
  return { answer: { status, text, ...rest } };
}

function unanswered(mayHaveBeenSent: boolean): HttpResult {
  const noAnswer: NoAnswer = {
    ...{ mayHaveBeenSent, reason: 'reset', hint: 'Look.', nature: 'passing', cause: undefined },
  };
  return { noAnswer };
}

describe('is sent again only if it certainly was not carried out', () => {
  test.each<[string, Met[], boolean, number]>([
    ['accepted', ['OK'], false, 1],
    ['no connection, then accepted', ['no connection', 'no connection', 'OK'], false, 1],
    ['a refused handshake, then accepted', ['refused handshake', 'OK'], false, 1],
    ['HTTP 429, then accepted', [429, 429, 'OK'], false, 3],
    ['HTTP 401, then accepted', [401, 401, 'OK'], false, 3],
    ['HTTP 401, then accepted with a new session', [401, 'OK'], true, 2],
  ])('%s', async (_, posts, hasSession, expected) => {
    const { outcome, left } = await send({ posts, hasSession });
    expect([left, outcome.restarted, outcome.error]).toEqual([expected, 'true', undefined]);
  });

  test.each<[string, Met[], string]>([
    ['no answer', ['no answer', 'OK'], 'timed_out'],
    ['HTTP 500', [500, 'OK'], 'timed_out'],
    ['HTTP 503', [503, 'OK'], 'timed_out'],
    ['HTTP 408', [408, 'OK'], 'timed_out'],
    ['HTTP 200 without an envelope', [200, 'OK'], 'timed_out'],
    ['HTTP 403 of a gateway', [403, 'OK'], 'permission_denied'],
    ['HTTP 302', [302, 'OK'], 'protocol_error'],
    ['HTTP 400', [400, 'OK'], 'protocol_error'],
    ['no answer after a try that was not taken', [429, 'no answer', 'OK'], 'timed_out'],
  ])('never after %s, which leaves it unknown', async (_, posts, code) => {
    const { outcome, left } = await send({ posts });
    expect([left, outcome.restarted, outcome.error?.code]).toEqual([posts.length - 1, 'unknown', code]);
  });

  test('never after the controller refused it, which restarts nothing', async () => {
    const { outcome, left } = await send({ posts: ['FAIL', 'OK'] });
    expect([left, outcome.restarted, outcome.error?.code]).toEqual([1, 'false', 'restart_refused']);
  });
});

describe('is given up, with nothing restarted', () => {
  test.each<[string, Met, boolean, string]>([
    ['HTTP 401', 401, false, 'authentication_failed'],
    ['HTTP 401 though each time with a new session', 401, true, 'authentication_failed'],
    ['a refused handshake', 'refused handshake', false, 'authentication_failed'],
  ])('after 30 s of %s', async (_, met, hasSession, code) => {
    const { outcome, triedForMs } = await send({ posts: [met], hasSession });
    expect(outcome).toMatchObject({ restarted: 'false', error: { code } });
    expect(triedForMs).toBeGreaterThanOrEqual(30_000);
    expect(triedForMs).toBeLessThan(37_000);
  });

  test.each<[string, Met, string]>([
    ['no connection', 'no connection', 'The restart could not be sent: reset.'],
    ['HTTP 429', 429, 'the answer was HTTP 429 (too many requests) to the end.'],
  ])('when too little time is left for the proof: %s', async (_, met, message) => {
    const { outcome, triedForMs, lines } = await send({ posts: [met], timeoutMs: 60_000 });
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'controller_unreachable' } });
    expect(outcome.error?.message).toContain(message);
    expect(triedForMs).toBeGreaterThan(45_000);
    expect(triedForMs).toBeLessThanOrEqual(50_000);
    expect(lines.filter((line) => line.startsWith('The controller gave no usable answer'))).not.toEqual([]);
  });

  test('when a session ended too late for a new one', async () => {
    const { outcome, left } = await send({ posts: [401], hasSession: true, timeoutMs: 300 });
    expect(left).toBe(1);
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'timed_out' } });
    expect(outcome.error?.message).toBe(
      'The session had ended when the request got there, and too little time was left for a new one.',
    );
  });
});

test('a request that is not taken for 30 s is warned of, with the time that is left to repeat it', async () => {
  const { warnings } = await send({ posts: [429], timeoutMs: 120_000 });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^The controller has given no usable answer .* Still retrying, gives up in 1 min \d+ s\./,
    ),
  ]);
});

describe('in a step that is cancelled meanwhile', () => {
  test.each<[string, Met, string]>([
    ['was not carried out restarts nothing', 429, 'false'],
    ['never left restarts nothing', 'no connection', 'false'],
    ['got no answer leaves it unknown', 'no answer', 'unknown'],
    ['was accepted leaves it unknown', 'OK', 'unknown'],
  ])('a request that %s', async (_, met, restarted) => {
    const { outcome, triedForMs } = await send({ posts: [met], isCancelled: true });
    expect(outcome).toMatchObject({ restarted, error: { code: 'cancelled' } });
    expect(triedForMs).toBe(0);
  });
});
