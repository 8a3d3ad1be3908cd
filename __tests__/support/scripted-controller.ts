import type {
  Controller,
  ReadBounds,
  RestartReply,
  RestartRequest,
  WriteBounds,
} from '../../src/controller/controller.ts';
import type { Instance, Target } from '../../src/controller/instance.ts';

/** What one look shows: an instance, its absence, or an error; a function may do something on the way. */
export type Shown = Instance | undefined | Error | ((bounds: ReadBounds) => Instance | undefined);

export interface Script {
  /** One entry a look; the last one lasts. */
  readonly looks: readonly Shown[];
  readonly list?: readonly Instance[];
  readonly reply?: RestartReply | Error;
  readonly version?: string;
}

export interface ScriptedController extends Controller {
  /** What was asked, in order. */
  readonly calls: string[];
  /** What each was given, but for the version. */
  readonly bounds: ReadBounds[];
}

export function createScriptedController({
  looks,
  list = [],
  version,
  reply = { kind: 'accepted' },
}: Script): ScriptedController {
  const calls: string[] = [];
  const bounds: ReadBounds[] = [];
  let look = 0;
  return {
    calls,
    bounds,
    async getInstance(instanceId: string, asked: ReadBounds) {
      calls.push(`get ${instanceId}`);
      bounds.push(asked);
      const shown = looks[Math.min(look++, looks.length - 1)];
      if (shown instanceof Error) throw shown;
      return typeof shown === 'function' ? shown(asked) : shown;
    },
    async findInstances(_target: Target, asked: ReadBounds) {
      calls.push('list');
      bounds.push(asked);
      return [...list];
    },
    async getVersion() {
      calls.push('version');
      return version;
    },
    async restartInstance(request: RestartRequest, asked: WriteBounds) {
      bounds.push(asked);
      calls.push(`restart ${JSON.stringify(request)}`);
      asked.onDeparture?.();
      if (reply instanceof Error) throw reply;
      return reply;
    },
  };
}
