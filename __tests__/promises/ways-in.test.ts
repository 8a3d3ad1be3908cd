import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Interventions } from '../../simulator/server.ts';
import { encodings } from '../../src/report/redactor.ts';
import {
  begin,
  commandsIn,
  type Ended,
  end,
  isLook,
  isRestart,
  play,
  type Setting,
} from '../support/scenario.ts';
import { prepared, proxied, startProxy, type Way } from '../support/ways.ts';

// The committed bundle as a process: every way in is held to the same promises, and gives nothing away.

const ROOT_TOKEN = 'root-hunter2-token';
const GATEWAY_KEY = 'gateway-hunter2-key';
const PASSWORD = 'vnc-hunter2-password';

const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
  'no credentials': async () => ({}),
  'the root token': () => prepared({ rootToken: ROOT_TOKEN }, [ROOT_TOKEN]),
  'an API key': () => prepared({ apiKeyId: 'ci' }),
  'an API key whose sessions end after 300 ms': () => prepared({ apiKeyId: 'ci', sessionTtlMs: 300 }),
  'a CA of its own': () => prepared({ tls: true }),
  'any certificate': async () => {
    const { inputs: _, ...way } = await prepared({ tls: true });
    return { ...way, inputs: { skip_tls_verify: 'true' } };
  },
  'a client certificate': () => prepared({ mtls: true }),
  'a client certificate and the root token': () =>
    prepared({ mtls: true, rootToken: ROOT_TOKEN }, [ROOT_TOKEN]),
  'headers of a gateway': async () => ({
    inputs: { headers: `X-Gateway-Key: ${GATEWAY_KEY}` },
    secrets: [GATEWAY_KEY],
  }),
  'an Authorization of its own': async () => {
    const { inputs: _, ...way } = await prepared({ rootToken: ROOT_TOKEN }, [ROOT_TOKEN]);
    const basic = Buffer.from(`root:${ROOT_TOKEN}`).toString('base64');
    return { ...way, inputs: { headers: `Authorization: Basic ${basic}` }, secrets: [ROOT_TOKEN, basic] };
  },
  'a proxy': () => proxied('http'),
  'a tunnel through a proxy': () => proxied('https'),
  'three replicas, two of which lag behind': async () => ({ replicas: { count: 3, lagMs: 400 } }),
};

/** Whatever was written must not hold any secret, in any form, whole or by lines; the masks themselves have to. */
function expectNoLeak({ log, outputs, summary }: Ended, secrets: readonly string[]): void {
  const lines = log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
  const written = [...lines, JSON.stringify(outputs), ...Object.values(outputs), summary].join('\n');
  const parts = secrets.flatMap((secret) => [secret, secret.trim(), ...secret.split('\n')]);
  for (const part of parts.filter((text) => text.length >= 8 && !text.startsWith('-----'))) {
    for (const form of encodings(part)) expect(written).not.toContain(form);
  }
  const commands = commandsIn(lines.join('\n'));
  expect(commands.filter((line) => !/^::(debug|warning|error title=[^:]+)::/.test(line))).toEqual([]);
}

/** The files that a way in names hold secrets, too; certificates are none. */
function secretsOf(way: Way): string[] {
  const files = Object.entries(way.inputs ?? {}).filter(([name]) => /^(api_key|client_key)$/.test(name));
  return [...(way.secrets ?? []), PASSWORD, ...files.map(([, path]) => readFileSync(path, 'utf8'))];
}

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

  test('a restart that goes well', async () => {
    const ended = await play(setting());
    expect([ended.exitCode, ended.outputs['restarted'], ended.posts, ended.world.restarts.length]).toEqual([
      0,
      'true',
      1,
      1,
    ]);
    expectNoLeak(ended, secretsOf(way));
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

  test('a lost answer to a restart that was not, while every other look fails', async () => {
    let looks = 0;
    const interventions = (): Interventions => ({
      before(request) {
        if (isRestart(request)) return { kind: 'reset' };
        return isLook(request) && looks++ % 2 === 1
          ? { kind: 'answer', status: 502, body: JSON.stringify(request.headers) }
          : undefined;
      },
    });
    const ended = await play(setting({ interventions, inputs: { timeout: '2s' } }));
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

  test('cancelling while a look hangs', async () => {
    let looks = 0;
    let tell = () => {};
    const reached = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const interventions = (): Interventions => ({
      before(request) {
        if (!isLook(request) || looks++ === 0) return undefined;
        tell();
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

describe('a way in that is wrong', () => {
  async function wrong(way: Way, inputs: Record<string, string> = {}): Promise<Ended> {
    const ended = await play({ way, inputs: { timeout: '1.5s', vnc_password: PASSWORD, ...inputs } });
    way.cleanUp?.();
    expect([ended.exitCode, ended.outputs['restarted'], ended.posts]).toEqual([1, 'false', 0]);
    return ended;
  }

  test.each<[string, () => Promise<Way>, Record<string, string>, string, string]>([
    [
      'no credentials where some are needed',
      () => prepared({ rootToken: ROOT_TOKEN }),
      { root_token: '' },
      'authentication_failed',
      'give root_token',
    ],
    [
      'a wrong root token',
      () => prepared({ rootToken: ROOT_TOKEN }),
      { root_token: 'another-token' },
      'authentication_failed',
      'Check root_token',
    ],
    [
      'a wrong API key ID',
      () => prepared({ apiKeyId: 'ci' }),
      { api_key_id: 'other' },
      'authentication_failed',
      'Check api_key_id',
    ],
    ['an unknown CA', () => prepared({ tls: true }), { ca_cert: '' }, 'controller_unreachable', 'ca_cert'],
    [
      'no client certificate',
      () => prepared({ mtls: true }),
      { client_cert: '', client_key: '' },
      'controller_unreachable',
      'client_cert',
    ],
    [
      'http for https',
      async () => ({ ...(await prepared({ tls: true })), url: (url) => url.replace('https', 'http') }),
      {},
      'controller_unreachable',
      'controller_url',
    ],
    [
      'https for http',
      async () => ({ url: (url) => url.replace('http', 'https') }),
      {},
      'controller_unreachable',
      'http://',
    ],
  ])('%s', async (_, make, inputs, code, hint) => {
    const ended = await wrong(await make(), inputs);
    expect(ended.outputs['error_code']).toBe(code);
    expect(ended.log.split('\n').at(-1)).toContain(hint);
    expectNoLeak(ended, [ROOT_TOKEN, 'another-token', PASSWORD]);
  });

  test('the API key of somebody else', async () => {
    const [mine, theirs] = [await prepared({ apiKeyId: 'ci' }), await prepared({ apiKeyId: 'ci' })];
    const ended = await wrong(mine, { api_key: theirs.inputs?.['api_key'] ?? '' });
    theirs.cleanUp?.();
    expect(ended.outputs['error_code']).toBe('authentication_failed');
    expect(ended.log).toContain('api_key cannot decrypt');
  });

  test('a session that is never accepted: two handshakes, then it is over', async () => {
    const way = await prepared({ apiKeyId: 'ci', sessionTtlMs: -1 });
    const ended = await wrong(way);
    expect(ended.outputs['error_code']).toBe('authentication_failed');
    expect(ended.simulator.requests.filter(({ path }) => path === '/tap/v1/hand')).toHaveLength(2);
  });

  test('a proxy password', async () => {
    const proxy = await startProxy('me:right');
    const environment = { http_proxy: proxy.url.replace('right', 'wrong-hunter2') };
    const ended = await wrong({ environment, url: (url) => url.replace('127.0.0.1', 'controller.example') });
    proxy.close();
    expect(ended.outputs['error_code']).toBe('controller_unreachable');
    expect(ended.log).toContain('the proxy wants other credentials (HTTP 407)');
    expectNoLeak(ended, ['wrong-hunter2']);
  });
});

test('loopback is reached without the proxy, and so is what NO_PROXY names', async () => {
  const proxy = await startProxy();
  const { outputs } = await play({ way: { environment: { http_proxy: proxy.url, HTTP_PROXY: proxy.url } } });
  proxy.close();
  expect([outputs['restarted'], proxy.asked]).toEqual(['true', []]);
});

test('a session that runs out between the baseline and the restart costs a handshake, not the restart', async () => {
  const way = await prepared({ apiKeyId: 'ci' });
  let isFirst = true;
  const denied = {
    kind: 'answer',
    status: 401,
    body: '{"status":"FAIL","message":"Authentication Required"}',
  } as const;
  const interventions = (): Interventions => ({
    before(request) {
      if (!isRestart(request) || !isFirst) return undefined;
      isFirst = false;
      return denied;
    },
  });
  const { outputs, posts, world, simulator } = await play({ way, interventions });
  way.cleanUp?.();
  expect([outputs['restarted'], posts, world.restarts.length]).toEqual(['true', 2, 1]);
  expect(simulator.requests.filter(({ path }) => path === '/tap/v1/hand')).toHaveLength(2);
});
