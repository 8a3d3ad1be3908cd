import { createServer, type Server } from 'node:https';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Dispatcher, request } from 'undici';
import { type Authority, createAuthority, privatePem } from '../../simulator/certificates.ts';
import { addressTimeoutMs, createDispatchers, createReader } from '../../src/http/connections.ts';
import { unusedPort } from '../support/loopback.ts';

const PLAIN = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

afterEach(() => {
  jest.restoreAllMocks();
});

describe('several addresses of a host', () => {
  test.each([
    [10_000, 1_000],
    [4_000, 1_000],
    [2_000, 500],
    [100, 25],
    [600_000, 1_000],
  ])('with %i ms for a request, each has %i ms', (requestTimeoutMs, expected) => {
    expect(addressTimeoutMs(requestTimeoutMs)).toBe(expected);
  });

  test.each(['reader', 'writer'])('are tried for that long by a %s', async (which) => {
    const { port } = await unusedPort();
    const baseUrl = new URL(`http://localhost:${port}`);
    const options = { baseUrl, proxy: undefined, tls: PLAIN, requestTimeoutMs: 2_000 };
    const { openReader, openWriter } = createDispatchers(options);
    const dispatcher = which === 'reader' ? openReader() : openWriter();
    const connect = jest.spyOn(net, 'connect');
    await expect(request(baseUrl, { dispatcher })).rejects.toThrow();
    expect(connect.mock.calls).toEqual([
      [expect.objectContaining({ autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 500 })],
    ]);
    await dispatcher.destroy();
  });
});

describe('over TLS', () => {
  let authority: Authority;
  let server: Server;

  beforeAll(async () => {
    authority = await createAuthority();
    const { certificate, key } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'] });
    server = createServer({ cert: certificate, key: privatePem(key) }, (_, response) => response.end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  test('all connections share what was read from the certificates', async () => {
    const baseUrl = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const trusting = { ...PLAIN, ca: authority.certificate };
    const options = { baseUrl, proxy: undefined, tls: trusting, requestTimeoutMs: 10_000 };
    const { openReader, openWriter } = createDispatchers(options);
    const perConnection = jest.spyOn(tls, 'createSecureContext');
    const dispatchers = [openReader(), openReader(), openWriter()];
    for (const dispatcher of dispatchers) {
      const { body } = await request(baseUrl, { dispatcher });
      expect(await body.text()).toBe('ok');
      await dispatcher.destroy();
    }
    expect(perConnection).not.toHaveBeenCalled();
  });
});

describe('a reader', () => {
  class Idle extends Dispatcher {
    destroyed = 0;

    override dispatch(): boolean {
      return true;
    }

    override async destroy(): Promise<void> {
      this.destroyed++;
    }
  }

  function open() {
    const opened: Idle[] = [];
    const reader = createReader(() => {
      const dispatcher = new Idle();
      opened.push(dispatcher);
      return dispatcher;
    });
    return { reader, opened, destroyed: () => opened.map((each) => each.destroyed) };
  }

  /** A read that goes on until it is settled. */
  function pending() {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const used: Dispatcher[] = [];
    const read = (dispatcher: Dispatcher) => {
      used.push(dispatcher);
      return promise;
    };
    return { read, resolve, reject, used };
  }

  const itself = async (dispatcher: Dispatcher) => dispatcher;

  test('uses its connections again until a read fails', async () => {
    const { reader, opened, destroyed } = open();
    await reader.use(itself);
    expect(await reader.use(itself)).toBe(opened[0]);
    await expect(reader.use(() => Promise.reject(new Error('reset')))).rejects.toThrow('reset');
    expect(destroyed()).toEqual([1, 0]);
    expect(await reader.use(itself)).toBe(opened[1]);
  });

  test('replaces connections that were used, on request', async () => {
    const { reader, opened, destroyed } = open();
    reader.renew();
    expect(await reader.use(itself)).toBe(opened[0]);
    reader.renew();
    reader.renew();
    expect(await reader.use(itself)).toBe(opened[1]);
    expect(destroyed()).toEqual([1, 0]);
  });

  test('lets the other reads finish, and replaces connections once if several fail', async () => {
    const { reader, opened, destroyed } = open();
    const [first, second, third] = [pending(), pending(), pending()];
    const results = [first, second, third].map(({ read }) => reader.use(read));
    first.reject(new Error('reset'));
    await expect(results[0]).rejects.toThrow('reset');
    second.reject(new Error('reset'));
    await expect(results[1]).rejects.toThrow('reset');
    expect([await reader.use(itself), destroyed()]).toEqual([opened[1], [0, 0]]);
    third.resolve('done');
    expect([await results[2], destroyed()]).toEqual(['done', [1, 0]]);
  });

  test('ends all connections with the step, those that were given up included', async () => {
    const { reader, destroyed } = open();
    const slow = pending();
    void reader.use(slow.read);
    reader.renew();
    await reader.use(itself);
    await reader.destroy();
    expect(destroyed()).toEqual([1, 1]);
    slow.resolve('done');
  });
});
