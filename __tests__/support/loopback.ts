import dns from 'node:dns';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions as SecureOptions } from 'node:https';
import { type AddressInfo, createServer, isIP, type Server, type Socket } from 'node:net';
import { jest } from '@jest/globals';
import { freePort } from './daemon.ts';

/** A server of this machine. */
export interface Listening {
  readonly port: number;
  close(): void;
}

export async function listen(server: Server | HttpServer): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Every request gets this answer. */
export interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function answering({ status, body, headers = {} }: Page): Promise<Listening> {
  return listen(createHttpServer((_, response) => response.writeHead(status, headers).end(body)));
}

/** The same over TLS. */
export function answeringSecurely(
  secure: SecureOptions,
  { status, body, headers = {} }: Page,
): Promise<Listening> {
  return listen(createHttpsServer(secure, (_, response) => response.writeHead(status, headers).end(body)));
}

/** Hands each connection to `talk`. */
export function talking(talk: (socket: Socket) => void): Promise<Listening> {
  return listen(createServer(talk));
}

/** A port that nothing listens on. */
export async function unusedPort(): Promise<Listening> {
  return { port: await freePort(), close: () => {} };
}

type Callback = (error: NodeJS.ErrnoException | null, ...found: unknown[]) => void;

/** Until the mocks are restored, no name resolves, and no DNS query leaves this machine. */
export function forgetNames(): void {
  const { lookup } = dns;
  const forgetful = (host: string, options: dns.LookupOptions, callback: Callback): void => {
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
    if (isIP(host) === 0) process.nextTick(callback, error);
    else lookup(host, options, callback);
  };
  jest.spyOn(dns, 'lookup').mockImplementation(forgetful as unknown as typeof dns.lookup);
}
