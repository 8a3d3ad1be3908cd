import {
  endInstance,
  getImages,
  getInstances,
  restartInstance,
  saveImage,
  startInstances,
  updateInstance,
} from './endpoints/instances.ts';
import {
  configureNode,
  getDisk,
  getGroups,
  getNodes,
  getSignOn,
  getStats,
  getStatus,
  getTemplates,
  getUsbDevices,
  getVlans,
  isWell,
} from './endpoints/inventory.ts';
import type { Replicas } from './replicas.ts';
import type { Endpoint } from './replies.ts';
import { notFound, type Reaction, type SeenRequest } from './replies.ts';

export type { Reaction, SeenRequest } from './replies.ts';

/** The controller's state at `now`, in milliseconds. */
export interface ControllerState {
  readonly replicas: Replicas;
  readonly now: number;
  /** The request's connection, for load balancers with sticky connections. */
  readonly connection?: object | undefined;
}

const READS: Readonly<Record<string, Endpoint>> = {
  'GET /livez': isWell,
  'GET /readyz': isWell,
  'GET /api/v1/status': getStatus,
  'GET /api/v1/node': getNodes,
  'GET /api/v1/group': getGroups,
  'GET /api/v1/registry/vm': getTemplates,
  'GET /api/v1/registry/disk': getDisk,
  'GET /api/v1/vm': getInstances,
  'GET /api/v1/image': getImages,
  'GET /api/v1/stats': getStats,
  'GET /api/v1/usb': getUsbDevices,
  'GET /api/v1/vlan': getVlans,
  'GET /config/v1/auth': getSignOn,
};

const WRITES: Readonly<Record<string, Endpoint>> = {
  'POST /api/v1/vm': startInstances,
  'PUT /api/v1/vm': updateInstance,
  'DELETE /api/v1/vm': endInstance,
  'POST /api/v1/rpc/vm/restart': restartInstance,
  'POST /api/v1/image': saveImage,
  'POST /api/v1/node/config': configureNode,
};

/** The controller's answer to an authenticated request. */
export function react(state: ControllerState, request: SeenRequest): Reaction {
  const reaction = reactWithDefaults(state, request);
  const { failStatus = 200 } = state.replicas.world.options;
  return reaction.isFailure === true && reaction.status === 200
    ? { ...reaction, status: failStatus }
    : reaction;
}

function reactWithDefaults(
  { replicas, now, connection }: ControllerState,
  { method, path, body }: SeenRequest,
) {
  const { pathname, searchParams: query } = new URL(path, 'http://controller');
  const route = `${method} ${pathname}`;
  const [read, write] = [READS[route], WRITES[route]];
  if (read !== undefined) return read(replicas.view(now, connection), { query, body });
  if (write === undefined) return notFound();
  return replicas.change(now, (world) => write(world, { query, body }));
}
