import { describe, expect, test } from '@jest/globals';
import type { SeenRequest } from '../../simulator/controller-api.ts';
import type { Fault, Interventions } from '../../simulator/faults-by-hand.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { Outputs } from '../simulation/play-step.ts';
import { playOnStage, type Stage, type StageSetting } from '../simulation/stage.ts';
import { isPoll, isRestart } from '../support/scenario.ts';

// How a gateway or a controller can answer around the restart, and what the step can conclude: the real step against the simulator, whose
// agents report every 5 s, on virtual time.

const HTML = '<html><h1>Forbidden</h1></html>';
const answer = (status: number, body = '', headers: Record<string, string> = {}): Fault => ({
  kind: 'answer',
  status,
  body,
  headers,
});
/** Plays a step that polls every second. */
async function play({ inputs = {}, ...setting }: StageSetting & { readonly inputs?: Outputs }) {
  const played = await playOnStage({ timeout: '5m', poll_interval: '1s', ...inputs }, setting);
  const { vm: outcome, posts, requests, stage, seconds, lines, warnings } = played;
  const names = requests.map(({ name }) => name);
  return { outcome, seconds, lines, warnings, posts: posts.length, requests: names, world: stage.world };
}

const ELSEWHERE = { location: 'https://elsewhere.example/x' };

/** Answers the restart request instead of the world, which has carried it out or never gets it. */
function toRestart(when: 'before' | 'after', fault: Fault): () => Interventions {
  return () => ({ [when]: (request: SeenRequest) => (isRestart(request) ? fault : undefined) });
}

const GATEWAYS: readonly [string, Fault, ErrorCode][] = [
  ['403 with a page', answer(403, HTML), 'permission_denied'],
  ['404 with text', answer(404, '404 page not found'), 'protocol_error'],
  ['405', answer(405, 'Method Not Allowed'), 'protocol_error'],
  ['302', answer(302, '', ELSEWHERE), 'protocol_error'],
  ['400 with a page', answer(400, HTML), 'protocol_error'],
];

/** The controller's own refusal, with a status that leaves everything uncertain. */
const FAILS: readonly [string, Fault][] = [
  ['FAIL under 500', answer(500, '{"status":"FAIL","message":"database is locked"}')],
  ['FAIL under 502', answer(502, '{"status":"FAIL","message":"timeout"}')],
  ['a page under 200', answer(200, HTML)],
];

/** The agents report every 30 s: the vendor advises such heartbeats for large clouds. */
const SELDOM = { heartbeatMs: 30_000 };

describe('the restart was carried out', () => {
  const said = [...GATEWAYS, ...FAILS].map(([name, fault]) => ({ name, fault }));

  test.each(said)('before the answer is $name: it is proved', async ({ fault }) => {
    const { outcome, posts, world, lines } = await play({
      interventions: toRestart('after', fault),
    });
    expect([outcome.restarted, outcome.error, posts, world.restarts.length]).toEqual([
      'true',
      undefined,
      1,
      1,
    ]);
    expect(lines.join('\n')).toContain('looking for a new boot');
  });

  test.each(GATEWAYS)('before the answer is %s, and shows late: it is proved', async (_, fault) => {
    const { outcome, seconds } = await play({
      interventions: toRestart('after', fault),
      world: SELDOM,
    });
    expect([outcome.restarted, outcome.error]).toEqual(['true', undefined]);
    // Three of the usual heartbeats take less.
    expect(seconds).toBeGreaterThan(16);
  });
});

describe('the restart was not carried out', () => {
  test.each(GATEWAYS)('and the answer is %s: unknown after three heartbeats', async (_, fault, code) => {
    const { outcome, posts, world, seconds, requests } = await play({
      interventions: toRestart('before', fault),
    });
    expect([outcome.restarted, posts, world.restarts]).toEqual(['unknown', 1, []]);
    expect(outcome.error).toMatchObject({
      code,
      message: expect.stringMatching(/No new boot showed within 1[56]\.\d s\.$/),
      hint: expect.stringContaining('check the instance before you send another.'),
    });
    // Heartbeats jitter, and the longest one counts.
    expect([15, 16]).toContain(Math.floor(seconds));
    expect(requests.at(-1)).toBe('GET one');
  });

  test.each(GATEWAYS)(
    'and the answer is %s: unknown after three heartbeats, however long they are',
    async (_, fault, code) => {
      const { outcome, posts, seconds } = await play({
        interventions: toRestart('before', fault),
        world: SELDOM,
      });
      expect([outcome.restarted, outcome.error?.code, posts]).toEqual(['unknown', code, 1]);
      // Heartbeats jitter, and the longest one counts.
      expect(Math.floor(seconds / 10)).toBe(9);
    },
  );

  test('and the answer is 404, by a gateway that hides the version, too', async () => {
    const hidden = answer(404, HTML);
    const interventions = (): Interventions => ({
      before: (request) => (isRestart(request) || request.path === '/api/v1/status' ? hidden : undefined),
    });
    const { outcome, posts } = await play({ interventions });
    expect([outcome.restarted, outcome.error?.code, posts]).toEqual(['unknown', 'restart_unsupported', 1]);
  });

  test.each(FAILS)('and the answer is %s: polled until the deadline', async (_, fault) => {
    const { outcome, posts, seconds } = await play({ interventions: toRestart('before', fault) });
    expect([outcome.restarted, outcome.error?.code, posts]).toEqual(['unknown', 'timed_out', 1]);
    expect(Math.floor(seconds)).toBe(300);
  });

  test.each<[string, Fault, ErrorCode]>([
    ['FAIL', answer(200, '{"status":"FAIL","message":"no"}'), 'restart_refused'],
    ['FAIL under 404', answer(404, '{"status":"FAIL","message":"no"}'), 'restart_refused'],
    ['FAIL under 403', answer(403, '{"status":"FAIL","message":"no"}'), 'permission_denied'],
  ])('as the controller itself says with %s: false, at once', async (_, fault, code) => {
    const { outcome, posts, seconds } = await play({ interventions: toRestart('before', fault) });
    expect([outcome.restarted, outcome.error?.code, posts, seconds]).toEqual(['false', code, 1, 0]);
  });
});

describe('after the restart', () => {
  /** Answers the polls after the restart, from the first one, for this many seconds. */
  function passing(fault: Fault, forSeconds: number): (stage: Stage) => Interventions {
    return ({ seconds }) => {
      let since: number | undefined;
      return {
        before(request) {
          if (!isPoll(request) || since === undefined || seconds() > since + forSeconds) return undefined;
          return fault;
        },
        after(request) {
          if (isRestart(request)) since = seconds();
          return undefined;
        },
      };
    };
  }

  const REFUSALS: readonly [string, Fault, ErrorCode][] = [
    ['404', answer(404, '404 page not found'), 'protocol_error'],
    ['403 with a page', answer(403, HTML), 'permission_denied'],
    ['403 with FAIL', answer(403, '{"status":"FAIL","message":"no"}'), 'permission_denied'],
    ['400', answer(400, HTML), 'protocol_error'],
    ['302', answer(302, '', ELSEWHERE), 'protocol_error'],
    ['401', answer(401, '{"status":"FAIL","message":"Authentication Required"}'), 'authentication_failed'],
    ['503 with Retry-After: 600', answer(503, '', { 'retry-after': '600' }), 'controller_unreachable'],
    ['429 with Retry-After: 600', answer(429, '', { 'retry-after': '600' }), 'controller_unreachable'],
  ];

  test.each(REFUSALS)('%s heals, once and for 25 s', async (_, fault) => {
    for (const forSeconds of [1, 25]) {
      const { outcome, posts, seconds } = await play({ interventions: passing(fault, forSeconds) });
      expect([outcome.restarted, outcome.error, posts]).toEqual(['true', undefined, 1]);
      expect(seconds).toBeLessThan(40);
    }
  });

  test.each(REFUSALS)('%s and nothing else for 30 s is final', async (_, fault, code) => {
    const { outcome, posts, seconds } = await play({ interventions: passing(fault, 1_000) });
    expect([outcome.restarted, outcome.error?.code, posts]).toEqual(['unknown', code, 1]);
    expect([seconds >= 30, seconds < 40]).toEqual([true, true]);
  });
});

describe('a controller that is away at first', () => {
  /** Answers 502 to `name` for this many seconds. */
  function awayFor(
    forSeconds: number,
    isMeant: (request: SeenRequest) => boolean,
    fault = answer(502),
  ): (stage: Stage) => Interventions {
    return ({ seconds }) => ({
      before: (request) => (isMeant(request) && seconds() < forSeconds ? fault : undefined),
    });
  }
  const reported = ({ outcome, posts, world }: Awaited<ReturnType<typeof play>>) => [
    outcome.restarted,
    outcome.error?.code,
    posts,
    world.restarts.length,
  ];

  test.each([
    ['10', 8.5],
    ['15', 12.5],
    ['5m', 291],
  ])('gets no restart in the last moment of a timeout of %s', async (timeout, forSeconds) => {
    const ended = await play({ inputs: { timeout }, interventions: awayFor(forSeconds, isPoll) });
    expect(reported(ended)).toEqual(['false', 'timed_out', 0, 0]);
    expect(ended.outcome.error?.message).toContain('too little of the timeout was left to prove it');
  });

  test('and says FAIL under 500 until the timeout: the error quotes it', async () => {
    const fault = answer(500, '{"status":"FAIL","message":"database is locked"}');
    const ended = await play({ interventions: awayFor(300, isPoll, fault) });
    expect(reported(ended)).toEqual(['false', 'controller_unreachable', 0, 0]);
    expect(ended.outcome.error?.message).toContain('it answered HTTP 500 and FAIL: "database is locked"');
  });

  test('gets it while there is time to prove it', async () => {
    const ended = await play({ interventions: awayFor(270, isPoll) });
    expect(reported(ended)).toEqual(['true', undefined, 1, 1]);
  });

  test.each([
    ['503', 1, isPoll, 503],
    ['503', 25, isPoll, 503],
    ['429', 25, isPoll, 429],
    ['429 to the restart', 25, isRestart, 429],
  ])(
    'and says %s with Retry-After: 600 for %d s: it is restarted',
    async (_, forSeconds, isMeant, status) => {
      const fault = answer(status, '', { 'retry-after': '600' });
      const ended = await play({ interventions: awayFor(forSeconds, isMeant, fault) });
      expect(reported(ended)).toEqual(['true', undefined, ended.posts, 1]);
      expect(ended.seconds).toBeLessThan(45);
    },
  );

  test('gets no second restart if too little time is left after 429', async () => {
    const ended = await play({ interventions: awayFor(291, isRestart, answer(429)) });
    expect(reported(ended)).toEqual(['false', 'controller_unreachable', ended.posts, 0]);
    expect(ended.seconds).toBeLessThanOrEqual(290);
  });
});

describe('timeout', () => {
  test.each([
    ['10', ['timeout is 10.0 s: that is barely enough to prove a restart']],
    ['14.9s', ['timeout is 14.9 s: that is barely enough to prove a restart']],
    ['15s', []],
  ])('%s: %j', async (timeout, warnings) => {
    const ended = await play({ inputs: { timeout, dry_run: 'true' } });
    expect(ended.warnings).toEqual(warnings.map((text) => expect.stringContaining(text)));
  });
});
