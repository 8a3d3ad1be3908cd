import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Interventions } from '../../simulator/server.ts';
import { begin, end, isPoll, isRestart, play, type Setting } from '../support/scenario.ts';
import { expectNoLeak, PASSWORD, secretsOf, WAYS, type Way } from '../support/ways.ts';

// The committed bundle as a process: every form of authentication keeps the same guarantees, even if things go wrong.

describe.each(Object.keys(WAYS))('with %s', (name) => {
  let way: Way;

  beforeAll(async () => {
    way = (await WAYS[name]?.()) ?? {};
  });

  afterAll(() => way.cleanUp?.());

  /** With debug on, as leaks are most likely there. */
  const setting = (changes: Setting = {}): Setting => ({
    ...changes,
    way: { ...way, environment: { ...way.environment, RUNNER_DEBUG: '1' } },
    inputs: { vnc_password: PASSWORD, ...changes.inputs },
  });

  test('a lost answer to a restart that was carried out', async () => {
    const interventions = (): Interventions => ({
      after: (request) => (isRestart(request) ? { kind: 'reset' } : undefined),
    });
    const ended = await play(setting({ interventions }));
    expect([ended.exitCode, ended.outputs['restarted'], ended.posts, ended.world.restarts.length]).toEqual([
      0,
      'true',
      1,
      1,
    ]);
    expectNoLeak(ended, secretsOf(way));
  });

  test('a lost answer to a restart that was not, while every other poll fails', async () => {
    let polls = 0;
    const interventions = (): Interventions => ({
      before(request) {
        if (isRestart(request)) return { kind: 'reset' };
        return isPoll(request) && polls++ % 2 === 1
          ? { kind: 'answer', status: 502, body: JSON.stringify(request.headers) }
          : undefined;
      },
    });
    const ended = await play(setting({ interventions, isShort: true }));
    expect([
      ended.outputs['restarted'],
      ended.outputs['error_code'],
      ended.posts,
      ended.world.restarts.length,
    ]).toEqual(['unknown', 'timed_out', 1, 0]);
    expectNoLeak(ended, secretsOf(way));
  });

  test('a refusal that repeats all it was sent', async () => {
    const interventions = (): Interventions => ({
      before(request) {
        const message = [...Object.values(request.headers), request.body].join(' ').slice(0, 990);
        return isRestart(request)
          ? { kind: 'answer', body: JSON.stringify({ status: 'FAIL', message }) }
          : undefined;
      },
    });
    const ended = await play(setting({ interventions }));
    expect([ended.outputs['restarted'], ended.outputs['error_code'], ended.posts]).toEqual([
      'false',
      'restart_refused',
      1,
    ]);
    expectNoLeak(ended, secretsOf(way));
  });

  test('cancelling while a poll hangs', async () => {
    let polls = 0;
    let arrive = () => {};
    const reached = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const interventions = (): Interventions => ({
      before(request) {
        if (!isPoll(request) || polls++ === 0) return undefined;
        arrive();
        return { kind: 'hang' };
      },
    });
    const scenario = await begin(
      setting({ interventions, inputs: { timeout: '1h', request_timeout: '10m' } }),
    );
    await reached;
    scenario.step.process.kill('SIGINT');
    const ended = await end(scenario);
    expect([ended.outputs['restarted'], ended.outputs['error_code']]).toEqual(['unknown', 'cancelled']);
    expectNoLeak(ended, secretsOf(way));
  });
});
