import { instanceBody, listItem, nodeBody, statusBody } from './answer-bodies.ts';
import type { Replicas } from './replicas.ts';
import { fail, fieldsOf, notFound, ok, plain, type Reaction, type SeenRequest, text } from './replies.ts';
import type { Reply, World } from './world.ts';

export type { Reaction, SeenRequest } from './replies.ts';

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
  'GET /livez': () => plain(200, 'ok\n'),
  'GET /readyz': () => plain(200, 'ok\n'),
  'GET /api/v1/status': (world) => ok(statusBody(world)),
  'GET /api/v1/node': getNodes,
  'GET /api/v1/vm': getInstances,
};

const WRITES: Readonly<Record<string, Handler>> = {
  'POST /api/v1/vm': start,
  'DELETE /api/v1/vm': (world, { body }) => reply(world.terminate(text(fieldsOf(body)['id']))),
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
  const { vmid, count, external_id: externalId, name } = fieldsOf(body);
  if (text(vmid) === '') return fail('vmid is required');
  const number = typeof count === 'number' && count >= 1 && count <= 100 ? Math.floor(count) : 1;
  const named = { externalId: text(externalId) || undefined, name: text(name) || undefined };
  return ok(world.start({ template: text(vmid), count: number, ...named }));
}

function restart(world: World, { body }: { body: string }): Reaction {
  return reply(world.restart(text(fieldsOf(body)['instance_id'])));
}

function reply(result: Reply): Reaction {
  return result.ok ? ok() : fail(result.message);
}
