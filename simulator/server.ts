import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, type ServerOptions as SecureOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Access, createGate } from './gate.ts';
import { createReplicas, type Replicas } from './replicas.ts';
import { instanceBody, type Json, listItem, nodeBody, statusBody } from './wire.ts';
import type { Reply, World } from './world.ts';

/** A request as an intervention sees it. */
export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer about to be sent; the world has carried the request out already. */
export interface Reaction {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Something goes wrong with a request: instead of the world answering (`before`), or with its answer (`after`). */
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
  /** See replicas.ts. */
  readonly replicas?: { readonly count: number; readonly lagMs: number };
}

export interface RunningSimulator {
  readonly url: string;
  /** Every request so far, e.g. `GET /api/v1/vm?id=...`. */
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** The HTTP face of a world: what a controller answers. */
export async function serve(options: ServerOptions): Promise<RunningSimulator> {
  const { world, port, host = '127.0.0.1', now, interventions = {}, secure } = options;
  const gate = createGate(options.access ?? {});
  const replicas = createReplicas({ world, count: 1, lagMs: 0, ...options.replicas });
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = message;
    const request = { method, path, headers, body: await readBody(message) };
    requests.push(request);
    const early = interventions.before?.(request);
    if (early !== undefined) return suffer(response, early);
    const denied = gate.check({ ...request, authorization: headers.authorization, now: now() });
    const reaction =
      denied === undefined ? react({ replicas, now: now() }, request) : { headers: {}, ...denied };
    const late = interventions.after?.(request, reaction);
    return late === undefined ? send(response, reaction) : suffer(response, late);
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

function suffer(response: ServerResponse, fault: Fault): void {
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

// ---- what a controller answers ----

interface Scene {
  readonly replicas: Replicas;
  readonly now: number;
}

function react({ replicas, now }: Scene, request: SeenRequest): Reaction {
  const url = new URL(request.path, 'http://controller');
  const route = `${request.method} ${url.pathname}`;
  const parameters = { id: url.searchParams.get('id'), body: request.body };
  const [read, write] = [READS[route], WRITES[route]];
  if (read !== undefined) return read(replicas.view(now), parameters);
  if (write === undefined) return notFound();
  return replicas.change(now, (world) =>
    world.quirks.knowsRestarts || write !== restart ? write(world, parameters) : notFound(),
  );
}

type Handler = (world: World, request: { id: string | null; body: string }) => Reaction;

const READS: Readonly<Record<string, Handler>> = {
  'GET /livez': () => plain(200, 'ok'),
  'GET /readyz': () => plain(200, 'ok'),
  'GET /api/v1/status': (world) => ok(statusBody(world)),
  'GET /api/v1/node': getNodes,
  'GET /api/v1/vm': getInstances,
};

const WRITES: Readonly<Record<string, Handler>> = {
  'POST /api/v1/vm': start,
  'DELETE /api/v1/vm': (world, { body }) => reply(world.terminate(text(parse(body)['id']))),
  'POST /api/v1/rpc/vm/restart': restart,
};

function getNodes(world: World, { id }: { id: string | null }): Reaction {
  const nodes = world.nodes.filter((node) => id === null || node.id === id);
  return nodes.length === 0 ? fail('node not found') : ok(nodes.map((node) => nodeBody(world, node)));
}

function getInstances(world: World, { id }: { id: string | null }): Reaction {
  if (id === null) return ok(world.visibleRecords().map((record) => listItem(world, record)));
  const record = world.find(id);
  return record === undefined ? fail('instance not found') : ok(instanceBody(world, record));
}

function start(world: World, { body }: { body: string }): Reaction {
  const { vmid, count, external_id: externalId, name } = parse(body);
  if (text(vmid) === '') return fail('vmid is required');
  const number = typeof count === 'number' && count >= 1 && count <= 100 ? Math.floor(count) : 1;
  const named = { externalId: text(externalId) || undefined, name: text(name) || undefined };
  return ok(world.start({ template: text(vmid), count: number, ...named }));
}

function restart(world: World, { body }: { body: string }): Reaction {
  return reply(world.restart(text(parse(body)['instance_id'])));
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function reply(result: Reply): Reaction {
  return result.ok
    ? { status: 200, headers: {}, body: JSON.stringify({ status: 'OK', message: '' }) }
    : fail(result.message);
}

function ok(body: Json): Reaction {
  return { status: 200, headers: {}, body: JSON.stringify({ status: 'OK', message: '', body }) };
}

/** The controller reports its own failures with HTTP status 200. */
function fail(message: string): Reaction {
  return { status: 200, headers: {}, body: JSON.stringify({ status: 'FAIL', message }) };
}

function notFound(): Reaction {
  return plain(404, '404 page not found');
}

function plain(status: number, body: string): Reaction {
  return { status, headers: { 'content-type': 'text/plain' }, body };
}
