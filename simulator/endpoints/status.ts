import { ok, plain } from '../replies.ts';
import type { World } from '../world.ts';
import type { Endpoint } from './endpoint.ts';
import { REGISTRY_ADDRESS } from './instance-body.ts';

/** `GET /livez`, `GET /readyz` */
export const isWell: Endpoint = () => plain(200, 'ok\n');

/** As in the API reference, GET /api/v1/status. */
export const getStatus: Endpoint = (world) =>
  ok({
    status: 'Running',
    version: agentVersion(world),
    registry_address: REGISTRY_ADDRESS,
    registry_status: 'Running',
    license: 'enterprise plus',
  });

/** `GET /api/v1/stats`: nothing public shows its body; how many nodes and instances there are. */
export const getStats: Endpoint = (world) =>
  ok({ nodes: world.nodes.length, instances: world.visibleRecords().length });

/** `GET /config/v1/auth`, for which nobody has to log in: there is no single sign-on. */
export const getSignOn: Endpoint = () => ok({});

/** A controller's agents are of its own version: it updates them. */
export function agentVersion({ options }: World): string {
  return `${options.controllerVersion}-5e3c3f5b`;
}
