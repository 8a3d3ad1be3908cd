import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from '@jest/globals';
import { type AccessOptions, prepareAccess } from '../../simulator/access.ts';
import { createAuthority, privatePem } from '../../simulator/certificates.ts';
import type { ServerOptions } from '../../simulator/server.ts';
import { formsOf } from '../fuzz/forms.ts';

import { commandsIn, type Ended } from './scenario.ts';

/** A way to authenticate: what the controller requires, and the inputs of the step. */
export interface Way extends Pick<Partial<ServerOptions>, 'access' | 'replicas'> {
  readonly secure?: ServerOptions['secure'];
  readonly inputs?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** `controller_url` for the simulator's own URL. */
  readonly url?: (simulatorUrl: string) => string;
  /** What must never be printed. */
  readonly secrets?: readonly string[];
  readonly cleanUp?: () => void;
}

const NO_ACCESS: AccessOptions = {
  rootToken: undefined,
  apiKeyId: undefined,
  sessionTtlMs: 300_000,
  tls: false,
  mtls: false,
};

/** Ways that the simulator itself can prepare. */
export async function prepared(
  changes: Partial<AccessOptions>,
  secrets: readonly string[] = [],
): Promise<Way> {
  return { ...(await prepareAccess({ ...NO_ACCESS, ...changes })), secrets };
}

/** It resolves every host to this machine, so that a controller on loopback can have another name. */
interface TestProxy {
  readonly url: string;
  /** The requested hosts and paths. */
  readonly asked: string[];
  close(): void;
}

export async function startProxy(credentials?: string): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const proxy: Server = createServer((message, response) => {
    asked.push(message.url ?? '');
    if (message.headers['proxy-authorization'] !== wanted) return response.writeHead(407).end();
    const { port, pathname, search } = new URL(message.url ?? '');
    const { method, headers } = message;
    const onward = httpRequest(
      { host: '127.0.0.1', port, path: pathname + search, method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    return message.pipe(onward);
  });
  proxy.on('connect', (message, client: Socket) => {
    asked.push(message.url ?? '');
    client.on('error', () => {});
    if (message.headers['proxy-authorization'] !== wanted) return client.end('HTTP/1.1 407 No\r\n\r\n');
    const onward = connect(Number(message.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(onward).pipe(client);
    });
    return onward.on('error', () => client.destroy());
  });
  proxy.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    asked,
    url: `http://${credentials === undefined ? '' : `${credentials}@`}127.0.0.1:${port}`,
    close() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const PROXY_PASSWORD = 'proxy-hunter2';
const HOST = 'controller.example';
const atHost = (url: string) => url.replace('127.0.0.1', HOST);

/** Through a proxy that requires a password; https through a tunnel, http without one. */
export async function proxied(scheme: 'http' | 'https'): Promise<Way & { proxy: TestProxy }> {
  const proxy = await startProxy(`me:${PROXY_PASSWORD}`);
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue({ name: HOST, hosts: [HOST] });
  const secure = { cert: certificate, key: privatePem(key) };
  return {
    proxy,
    url: atHost,
    cleanUp: proxy.close,
    secrets: [PROXY_PASSWORD, Buffer.from(`me:${PROXY_PASSWORD}`).toString('base64')],
    environment: { [`${scheme}_proxy`]: proxy.url },
    ...(scheme === 'https' ? { secure, inputs: { ca_cert: authority.certificate } } : {}),
  };
}

// ---- every way in ----

export const ROOT_TOKEN = 'root-hunter2-token';
const GATEWAY_KEY = 'gateway-hunter2-key';
export const PASSWORD = 'vnc-hunter2-password';

export const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
  'no credentials': async () => ({}),
  'the root token': () => prepared({ rootToken: ROOT_TOKEN }, [ROOT_TOKEN]),
  'an API key': () => prepared({ apiKeyId: 'ci' }),
  'an API key whose sessions end after 300 ms': () => prepared({ apiKeyId: 'ci', sessionTtlMs: 300 }),
  'a private CA': () => prepared({ tls: true }),
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

/** No output may contain a secret in any form, whole or by lines, except the masks themselves. */
export function expectNoLeak({ log, outputs, summary }: Ended, secrets: readonly string[]): void {
  const lines = log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
  const written = [...lines, JSON.stringify(outputs), ...Object.values(outputs), summary].join('\n');
  const parts = secrets.flatMap((secret) => [secret, secret.trim(), ...secret.split('\n')]);
  for (const part of parts.filter((text) => text.length >= 8 && !text.startsWith('-----'))) {
    for (const form of formsOf(part)) expect(written).not.toContain(form);
  }
  const commands = commandsIn(lines.join('\n'));
  expect(commands.filter((line) => !/^::(debug|warning|error title=[^:]+)::/.test(line))).toEqual([]);
}

/** The files that the inputs name also contain secrets. Certificates are not secret. */
export function secretsOf(way: Way): string[] {
  const files = Object.entries(way.inputs ?? {}).filter(([name]) => /^(api_key|client_key)$/.test(name));
  return [...(way.secrets ?? []), PASSWORD, ...files.map(([, path]) => readFileSync(path, 'utf8'))];
}
