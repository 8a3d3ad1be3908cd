import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Interventions } from '../../simulator/server.ts';
import { type Ended, isRestart, PATIENT, play, type Setting } from '../support/scenario.ts';
import {
  expectNoLeak,
  PASSWORD,
  prepared,
  proxied,
  ROOT_TOKEN,
  secretsOf,
  startProxy,
  WAYS,
  type Way,
} from '../support/ways.ts';

// The committed bundle as a process: every form of authentication keeps the same guarantees, and gives nothing away.

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

  test('a restart that succeeds', async () => {
    const ended = await play(setting());
    // A session may end before the request arrives: then the request is refused, and sent again.
    expect([ended.exitCode, ended.outputs['restarted'], ended.world.restarts.length]).toEqual([0, 'true', 1]);
    expectNoLeak(ended, secretsOf(way));
  });
});

test('over TLS, it speaks HTTP/1.1, even if HTTP/2 is offered', async () => {
  const way = await prepared({ tls: true });
  const { outputs, simulator } = await play({ way });
  way.cleanUp?.();
  expect(outputs['restarted']).toBe('true');
  const versions = simulator.requests.map(({ method, httpVersion }) => `${method} ${httpVersion}`);
  expect([...new Set(versions)].sort()).toEqual(['GET 1.1', 'POST 1.1']);
});

test('through a proxy, entries of NO_PROXY that exclude nothing are warned about, once', async () => {
  const way = await proxied('http');
  const environment = { ...way.environment, NO_PROXY: '10.*,192.0.2.0/24' };
  const { exitCode, log } = await play({ way: { ...way, environment } });
  way.cleanUp?.();
  expect(exitCode).toBe(0);
  expect(log.match(/^::warning::.*$/gm)).toEqual([
    expect.stringContaining('NO_PROXY (environment): "10.*" excludes nothing'),
  ]);
});

describe('a range in NO_PROXY', () => {
  const ADDRESS = '192.0.2.7';
  /** Makes that address lead to this machine. */
  const module = `import net from 'node:net'; const { connect } = net; net.connect = (to, ...rest) => connect(to.host === '${ADDRESS}' ? { ...to, host: '127.0.0.1' } : to, ...rest);`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(module)}`;

  async function askedOfProxy(ranges: string): Promise<readonly string[]> {
    const proxy = await startProxy();
    const { exitCode, outputs } = await play({
      way: {
        ...(await prepared({ rootToken: ROOT_TOKEN })),
        url: (url) => url.replace('127.0.0.1', ADDRESS),
        environment: { NODE_OPTIONS, http_proxy: proxy.url, NO_PROXY: ranges },
      },
    });
    proxy.close();
    expect([exitCode, outputs['restarted']]).toEqual([0, 'true']);
    return proxy.asked;
  }

  test('that contains the controller: the proxy is not asked, and never gets the token', async () => {
    expect(await askedOfProxy('10.0.0.0/8,192.0.2.0/24')).toEqual([]);
  });

  test('that does not: the proxy is asked', async () => {
    expect(await askedOfProxy('10.0.0.0/8,192.0.2.8/29')).toContainEqual(
      expect.stringContaining(`http://${ADDRESS}:`),
    );
  });
});

describe('wrong credentials', () => {
  async function wrong(way: Way, inputs: Record<string, string> = {}): Promise<Ended> {
    const ended = await play({
      way,
      isShort: true,
      inputs: { ...PATIENT, vnc_password: PASSWORD, ...inputs },
    });
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
      'authentication_failed',
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

  test('the API key of another user', async () => {
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
    expect(ended.log).toContain('the proxy requires other credentials (HTTP 407)');
    expectNoLeak(ended, ['wrong-hunter2']);
  });
});

test('loopback is reached without the proxy, and so is what NO_PROXY names', async () => {
  const proxy = await startProxy();
  const { outputs } = await play({ way: { environment: { http_proxy: proxy.url, HTTP_PROXY: proxy.url } } });
  proxy.close();
  expect([outputs['restarted'], proxy.asked]).toEqual(['true', []]);
});

test('a session that runs out between the baseline and the restart costs two handshakes, not the restart', async () => {
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
  expect(simulator.requests.filter(({ path }) => path === '/tap/v1/hand')).toHaveLength(3);
});
