import type { Controller, RestartReply, RestartRequest } from '../../src/controller/controller.ts';
import type { Instance } from '../../src/controller/instance.ts';
import type { Bounds } from '../../src/controller/transport.ts';

/** What one look shows: an instance, its absence, or an error; a function may do something on the way. */
export type Shown = Instance | undefined | Error | ((bounds: Bounds) => Instance | undefined);

export interface Script {
  /** One entry a look; the last one lasts. */
  readonly looks: readonly Shown[];
  readonly list?: readonly Instance[];
  readonly reply?: RestartReply | Error;
}

export interface ScriptedController extends Controller {
  /** What was asked, in order. */
  readonly calls: string[];
  readonly bounds: Bounds[];
}

export function createScriptedController({
  looks,
  list = [],
  reply = { kind: 'accepted' },
}: Script): ScriptedController {
  const calls: string[] = [];
  const bounds: Bounds[] = [];
  let look = 0;
  return {
    calls,
    bounds,
    async getInstance(instanceId: string, asked: Bounds) {
      calls.push(`get ${instanceId}`);
      bounds.push(asked);
      const shown = looks[Math.min(look++, looks.length - 1)];
      if (shown instanceof Error) throw shown;
      return typeof shown === 'function' ? shown(asked) : shown;
    },
    async listInstances() {
      calls.push('list');
      return [...list];
    },
    async restartInstance(request: RestartRequest) {
      calls.push(`restart ${JSON.stringify(request)}`);
      if (reply instanceof Error) throw reply;
      return reply;
    },
  };
}
