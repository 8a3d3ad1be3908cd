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

/** A controller's agents are of its own version: it updates them. */
export function agentVersion({ options }: World): string {
  return `${options.controllerVersion}-5e3c3f5b`;
}
