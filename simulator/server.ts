import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions as SecureOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Access, createAuthentication } from './authentication.ts';
import { type Reaction, react, type SeenRequest } from './controller-api.ts';
import { GITHUB_API_PATH, reactAsGitHub } from './github-api.ts';
import type { GitHubWorld } from './github-world.ts';
import { createReplicas } from './replicas.ts';
import type { World } from './world.ts';

/** A fault of a request: instead of the world answering (`before`), or with its answer (`after`). */
export type Fault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'hang in body'; readonly start: string }
  | {
      readonly kind: 'answer';
      readonly status?: number;
      readonly headers?: Record<string, string>;
      readonly body: string;
    };

export interface Interventions {
  readonly before?: (request: SeenRequest) => Fault | undefined;
  readonly after?: (request: SeenRequest, reaction: Reaction) => Fault | undefined;
}

export interface ServerOptions {
  readonly world: World;
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  /** What the world takes for now, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly interventions?: Interventions;
  readonly access?: Access;
  readonly secure?: Pick<SecureOptions, 'cert' | 'key' | 'ca' | 'requestCert'>;
  /** GitHub, as its runners in the world's VMs know it; its API is below {@link GITHUB_API_PATH}. */
  readonly github?: GitHubWorld;
  /** See replicas.ts. */
  readonly replicas?: { readonly count: number; readonly lagMs: number };
}

export interface RunningSimulator {
  readonly url: string;
  /** Every request so far, e.g. `GET /api/v1/vm?id=...`. */
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** Serves a world over HTTP, as a controller does. */
export async function serve(options: ServerOptions): Promise<RunningSimulator> {
  const { world, port, host = '127.0.0.1', now, interventions = {}, secure } = options;
  const authentication = createAuthentication(options.access ?? {});
  const replicas = createReplicas({ world, count: 1, lagMs: 0, ...options.replicas });
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();

  function reactTo(request: SeenRequest): Reaction {
    const { github } = options;
    if (github !== undefined && request.path.startsWith(GITHUB_API_PATH))
      return reactAsGitHub({ github, now: now() }, request);
    const { authorization } = request.headers;
    const denied = authentication.check({ ...request, authorization, now: now() });
    return denied === undefined ? react({ replicas, now: now() }, request) : { headers: {}, ...denied };
  }

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = message;
    const request = { method, path, headers, body: await readBody(message) };
    requests.push(request);
    const early = interventions.before?.(request);
    if (early !== undefined) return applyFault(response, early);
    const reaction = reactTo(request);
    const late = interventions.after?.(request, reaction);
    return late === undefined ? send(response, reaction) : applyFault(response, late);
  }

  const server =
    secure === undefined
      ? createServer(answer)
      : createSecureServer({ ...secure, rejectUnauthorized: true }, answer);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, { port, host });
  const url = `${secure === undefined ? 'http' : 'https'}://${host}:${(server.address() as AddressInfo).port}`;
  return { url, requests, close: () => close(server, sockets) };
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

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function applyFault(response: ServerResponse, fault: Fault): void {
  if (fault.kind === 'reset') response.socket?.destroy();
  if (fault.kind === 'answer') send(response, { status: 200, headers: {}, ...fault });
  if (fault.kind === 'hang in body') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
    response.write(fault.start);
  }
}

function send(response: ServerResponse, { status, headers, body }: Reaction): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}
