import { createServer, type IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2ServerRequest,
  type SecureServerOptions as SecureOptions,
} from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Access, createAuthentication } from './authentication.ts';
import { react } from './controller-api.ts';
import { type AnyResponse, applyFault, type Interventions, send } from './faults-by-hand.ts';
import { GITHUB_API_PATH, reactAsGitHub } from './github-api.ts';
import type { GitHubWorld } from './github-world.ts';
import { createReplicas } from './replicas.ts';
import type { Reaction, SeenRequest } from './replies.ts';
import type { World } from './world.ts';

export type { Fault, Interventions } from './faults-by-hand.ts';

export interface ServerOptions {
  readonly world: World;
  /** 0 for any free one. */
  readonly port: number;
  readonly host?: string;
  /** The world's time, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly interventions?: Interventions;
  readonly access?: Access;
  readonly secure?: Pick<SecureOptions, 'cert' | 'key' | 'ca' | 'requestCert'>;
  /** A GitHub with runners in the world's VMs, served below {@link GITHUB_API_PATH}. */
  readonly github?: GitHubWorld;
  /** See replicas.ts. */
  readonly replicas?: { readonly count: number; readonly lagMs: number; readonly areSticky?: boolean };
}

export interface RunningSimulator {
  readonly url: string;
  /** Every request so far, e.g. `GET /api/v1/vm?id=...`. */
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** Serves a world over HTTP as a controller does: with TLS also over HTTP/2, if the client supports it. */
export async function serve(options: ServerOptions): Promise<RunningSimulator> {
  const { world, port, host = '127.0.0.1', now, interventions = {}, secure } = options;
  const needsCertificate = secure?.requestCert === true;
  const authentication = createAuthentication({ ...options.access, needsCertificate });
  const replicas = createReplicas({ world, count: 1, lagMs: 0, ...options.replicas });
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();

  function reactTo(request: SeenRequest, message: AnyRequest): Reaction {
    const { github } = options;
    if (github !== undefined && request.path.startsWith(GITHUB_API_PATH))
      return reactAsGitHub({ github, now: now() }, request);
    const { authorization } = request.headers;
    const hasCertificate = needsCertificate && showsCertificate(message);
    const caller = { ...request, authorization, hasCertificate, now: now() };
    const connection = 'stream' in message ? message.stream.session : message.socket;
    return authentication.check(caller) ?? react({ replicas, now: now(), connection }, request);
  }

  async function answer(message: AnyRequest, response: AnyResponse): Promise<void> {
    const body = await readBody(message);
    if (body === undefined) return;
    const request = requestFrom(message, body);
    requests.push(request);
    const early = interventions.before?.(request);
    if (early !== undefined) return applyFault(response, early);
    const reaction = reactTo(request, message);
    const late = interventions.after?.(request, reaction);
    return late === undefined ? send(response, reaction) : applyFault(response, late, reaction);
  }

  const server: Server =
    secure === undefined
      ? createServer(answer)
      : // A client without a certificate is answered, not cut off.
        createSecureServer({ ...secure, allowHTTP1: true, rejectUnauthorized: false }, answer);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, { port, host });
  const url = `${secure === undefined ? 'http' : 'https'}://${host}:${(server.address() as AddressInfo).port}`;
  return { url, requests, close: () => close(server, sockets) };
}

/** Over HTTP/1.1 or HTTP/2. */
type AnyRequest = IncomingMessage | Http2ServerRequest;

function requestFrom(
  { method = '', url: path = '', headers, httpVersion }: AnyRequest,
  body: string,
): SeenRequest {
  // HTTP/2 has pseudo-headers for method, path and host.
  const named = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
  const host = headers.host ?? String(headers[':authority']);
  return { method, path, headers: { ...Object.fromEntries(named), host }, body, httpVersion };
}

function showsCertificate({ socket }: AnyRequest): boolean {
  const connection = socket as TLSSocket;
  // A resumed session counts as authorized even without a certificate.
  return connection.authorized && Object.keys(connection.getPeerCertificate() ?? {}).length > 0;
}

function listen(server: Server, address: { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(address, resolve);
  });
}

function close(server: Server, sockets: Iterable<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}

/** undefined if the client disconnected before it had sent everything. */
async function readBody(message: AnyRequest): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString();
}
