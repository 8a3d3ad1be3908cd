import { describe, expect, test } from '@jest/globals';
import { EnvHttpProxyAgent, request } from 'undici';
import { proxyFor, unknownExceptions } from '../../src/http/proxy.ts';

const PROXY = 'http://proxy.example:3128';

function proxied(url: string, environment: Record<string, string>): string | undefined {
  const proxy = proxyFor(new URL(url), environment);
  return proxy instanceof URL ? proxy.href : proxy?.invalid;
}

test.each<[string, Record<string, string>, string | undefined]>([
  ['http://c.example', {}, undefined],
  ['http://c.example', { HTTP_PROXY: PROXY }, `${PROXY}/`],
  ['http://c.example', { http_proxy: PROXY }, `${PROXY}/`],
  ['http://c.example', { http_proxy: PROXY, HTTP_PROXY: 'http://other.example' }, `${PROXY}/`],
  ['http://c.example', { http_proxy: '', HTTP_PROXY: PROXY }, `${PROXY}/`],
  ['http://c.example', { HTTPS_PROXY: PROXY }, undefined],
  ['https://c.example', { HTTP_PROXY: PROXY }, undefined],
  ['https://c.example', { HTTPS_PROXY: 'https://me:pw@proxy.example' }, 'https://me:pw@proxy.example/'],
  ['https://c.example', { HTTPS_PROXY: ' proxy.example:3128 ' }, `${PROXY}/`],
  ['https://c.example', { HTTPS_PROXY: 'socks5://proxy.example' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'socks5://proxy.example/' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'xhttps://proxy.example/' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'http://' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'http://proxy.example/' }, 'http://proxy.example/'],
  ['https://c.example', { HTTPS_PROXY: 'http://proxy.example/x' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'proxy.example?x' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'proxy.example:1#y' }, 'HTTPS_PROXY'],
  ['https://c.example', { HTTPS_PROXY: 'http://100%:x@proxy.example' }, 'HTTPS_PROXY'],
])('%s with %j', (url, environment, expected) => {
  expect(proxied(url, environment)).toBe(expected);
});

test.each([
  'http://localhost',
  'http://sub.localhost:8090',
  'http://127.0.0.1',
  'http://127.1.2.3',
  'http://localhost.',
  'http://sub.localhost.:8090',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f01:203]:8090',
  'http://[::1]:8090',
  'http://0.0.0.0:8090',
  'http://[::]:8090',
])('%s is this machine, and never proxied', (url) => {
  expect(proxied(url, { HTTP_PROXY: PROXY })).toBeUndefined();
});

test.each([
  'http://127.0.0.1.example',
  'http://128.0.0.1',
  'http://notlocalhost',
  'http://localhost.example',
  'http://[::2]',
  'http://[::ffff:128.0.0.1]',
])('%s is not loopback', (url) => {
  expect(proxied(url, { HTTP_PROXY: PROXY })).toBe(`${PROXY}/`);
});

describe('NO_PROXY', () => {
  const EXCEPTIONS: readonly (readonly [string, string, boolean])[] = [
    ['', 'http://c.example', false],
    ['*', 'http://c.example', true],
    ['other.example,*', 'http://c.example', true],
    ['*:80', 'http://c.example', true],
    ['*:81', 'http://c.example', false],
    ['c.example', 'http://c.example:8090', true],
    ['C.EXAMPLE', 'http://c.example', true],
    ['other.example, c.example', 'http://c.example', true],
    ['other.example c.example', 'http://c.example', true],
    ['example', 'http://c.example', true],
    ['.example', 'http://c.example', true],
    ['.c.example', 'http://c.example', true],
    ['*.example', 'http://c.example', true],
    ['*.c.example', 'http://c.example', false],
    ['*.c.example', 'http://d.c.example', true],
    ['xample', 'http://c.example', false],
    ['d.c.example', 'http://c.example', false],
    ['c.example', 'http://c.example.', true],
    ['c.example.', 'http://c.example', true],
    ['c.example:8090', 'http://c.example:8090', true],
    ['c.example.:8090', 'http://c.example:8090', true],
    ['c.example:8091', 'http://c.example:8090', false],
    ['c.example:80', 'http://c.example', true],
    ['c.example:443', 'https://c.example', true],
    ['c.example:443', 'http://c.example', false],
    ['192.0.2.7', 'http://192.0.2.7:8090', true],
    ['192.0.2.7:8090', 'http://192.0.2.7:8090', true],
    ['[2001:db8::1]', 'http://[2001:db8::1]', true],
    ['[2001:db8::1]:8090', 'http://[2001:db8::1]:8090', true],
    ['[2001:db8::1]:8091', 'http://[2001:db8::1]:8090', false],
    ['x[c.example]', 'http://xc.example', false],
    ['[c.example]x', 'http://c.examplex', false],
    ['c.example:80x', 'http://c.example', false],
    ['2001:db8::a', 'http://[2001:db8::a]', true],
    ['2001:db8::8090', 'http://[2001:db8::8090]', true],
    ['2001:db8::8090', 'http://[2001:db8::]:8090', false],
    ['2001:db8::1:443', 'https://[2001:db8::1:443]', true],
    [',, ', 'http://c.example', false],
    ['.', 'http://c.example', false],
    ['.', 'http://c.example.', false],
    [',', 'http://c..', false],
  ];

  test.each(EXCEPTIONS)('%j for %s: %p', (list, url, isExcepted) => {
    const proxies = { HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY };
    expect(proxied(url, { ...proxies, NO_PROXY: list }) === undefined).toBe(isExcepted);
    expect(proxied(url, { ...proxies, no_proxy: list }) === undefined).toBe(isExcepted);
  });

  // undici does not know ranges.
  test.each([
    ['10.0.0.0/8', 'http://10.1.2.3:8090', true],
    ['10.0.0.0/8', 'http://11.1.2.3:8090', false],
    ['192.0.2.0/24,10.0.0.0/8', 'https://10.1.2.3', true],
    ['fd00::/8', 'http://[fd12::7]:8090', true],
    ['[fd00::]/8', 'http://[fd12::7]:8090', true],
    ['[2001:db8::]/32', 'http://[2001:db8:1::7]:8090', true],
    ['fd00::/8', 'http://[fc00::7]:8090', false],
    ['10.0.0.0/8', 'http://[::ffff:10.1.2.3]', true],
    ['10.0.0.0/8', 'http://controller.example', false],
    ['10.0.0.0/33', 'http://10.0.0.0', false],
  ])('%j for %s: %p', (list, url, isExcepted) => {
    expect(proxied(url, { HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: list }) === undefined).toBe(
      isExcepted,
    );
  });

  test.each([
    ['', []],
    ['*,*:80, c.example .c.example\t*.c.example,c.example.:8090,my_host-1,xn--bcher-kva,bücher.example', []],
    ['10.0.0.1,10.0.0.1:80,[2001:db8::1]:80,[2001:db8::1],2001:db8::1,10.0.0.0/8,fd00::/8,[fd00::]/8', []],
    ['10.*,10.0.0.0/33', ['10.*', '10.0.0.0/33']],
    ['http://c.example,c.example/x', ['http://c.example', 'c.example/x']],
    ['10.0.0.1-10.0.0.9/8', ['10.0.0.1-10.0.0.9/8']],
    ['c.*.example,a..b,.', ['c.*.example', 'a..b', '.']],
  ])('entries of unknown form in %j: %j', (list, unknown) => {
    expect(unknownExceptions({ NO_PROXY: list })).toEqual(unknown);
    expect(unknownExceptions({ no_proxy: list })).toEqual(unknown);
  });

  /** Whether undici's own agent would connect to the host itself. Its proxy is a port where nothing listens. */
  async function connectsDirectly(url: string, noProxy: string): Promise<boolean> {
    let isDirect = false;
    const nowhere = 'http://127.0.0.1:1';
    const agent = new EnvHttpProxyAgent({
      httpProxy: nowhere,
      httpsProxy: nowhere,
      noProxy,
      connect(_, callback) {
        isDirect = true;
        callback(new Error('connected directly'), null);
      },
    });
    await request(url, { dispatcher: agent }).catch(() => {});
    await agent.destroy();
    return isDirect;
  }

  test.each(EXCEPTIONS)('%j for %s: %p for undici, too', async (list, url, isExcepted) => {
    expect(await connectsDirectly(url, list)).toBe(isExcepted);
  });
});
