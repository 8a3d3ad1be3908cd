import type { IncomingHttpHeaders } from 'node:http';
import { instanceBody, type Json, listItem, nodeBody, statusBody } from './answer-bodies.ts';
import type { Replicas } from './replicas.ts';
import type { Reply, World } from './world.ts';

/** A request as the controller sees it. */
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

/** The controller as it is at `now`, in milliseconds. */
export interface ControllerState {
  readonly replicas: Replicas;
  readonly now: number;
}

/** What a controller answers to a request that it lets in. */
export function react({ replicas, now }: ControllerState, request: SeenRequest): Reaction {
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
