import type {
  Controller,
  ReadBounds,
  RestartReply,
  RestartRequest,
  WriteBounds,
} from '../../src/controller/controller.ts';
import type { Instance, Target } from '../../src/controller/instance.ts';
import type { Fault } from '../../src/http/retry.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

type Show = (bounds: ReadBounds, clock: FakeClock) => Instance | undefined | Promise<Instance | undefined>;

/** What one look shows: an instance, its absence, or an error; a function may do something on the way. */
export type Shown = Instance | undefined | Error | Show;

export interface Script {
  /** One entry a look; the last one lasts. */
  readonly looks: readonly Shown[];
  readonly list?: readonly Instance[];
  /** In its place, one entry a list; the last one lasts. */
  readonly lists?: readonly (readonly Instance[])[];
  readonly reply?: RestartReply | Error;
  readonly version?: string;
  /** Of the restart; all but the last are told of as faults (1 if none is given). */
  readonly tries?: number;
  /** Not only the last try leaves, and `reply` is what they come to once there is no other. */
  readonly leavesEachTime?: boolean;
  /** How long a try takes until it leaves: in milliseconds. */
  readonly leavesAfterMs?: number;
}

type Times = Pick<WriteBounds, 'deadline' | 'sendBy'>;

export interface ScriptedController extends Controller {
  /** What was asked, in order. */
  readonly calls: string[];
  /** What each was given, but for the version. */
  readonly bounds: ReadBounds[];
  /** What each try of the restart was given. */
  readonly tries: Times[];
}

export function createScriptedController(
  {
    looks,
    list = [],
    lists = [list],
    version,
    reply = { kind: 'accepted' },
    tries = 1,
    leavesEachTime = false,
    leavesAfterMs = 0,
  }: Script,
  clock = createFakeClock(),
): ScriptedController {
  const calls: string[] = [];
  const bounds: ReadBounds[] = [];
  const times: Times[] = [];
  let [look, listing] = [0, 0];
  return {
    calls,
    bounds,
    tries: times,
    async getInstance(instanceId: string, asked: ReadBounds) {
      calls.push(`get ${instanceId}`);
      bounds.push(asked);
      const shown = looks[Math.min(look++, looks.length - 1)];
      if (shown instanceof Error) throw shown;
      return typeof shown === 'function' ? shown(asked, clock) : shown;
    },
    async findInstances(_target: Target, asked: ReadBounds) {
      calls.push('list');
      bounds.push(asked);
      return [...(lists[Math.min(listing++, lists.length - 1)] ?? [])];
    },
    async listInstances() {
      throw new Error('nobody asks for all');
    },
    async getVersion() {
      calls.push('version');
      return version;
    },
    async restartInstance(request: RestartRequest, asked: WriteBounds) {
      bounds.push(asked);
      calls.push(`restart ${JSON.stringify(request)}`);
      times.push({ deadline: asked.deadline, sendBy: asked.sendBy });
      for (let left = tries; left > 1; left--) {
        if (leavesEachTime) asked.onDeparture?.();
        asked.onFault?.(HTTP_502);
        const again = await asked.beforeRetry?.();
        if (again !== undefined) times.push(again);
        else if (reply instanceof Error) throw reply;
      }
      if (leavesAfterMs > 0) await clock.sleep(leavesAfterMs, asked.signal);
      asked.onDeparture?.();
      if (reply instanceof Error) throw reply;
      return reply;
    },
  };
}

export const HTTP_502: Fault = {
  kind: 'HTTP 502',
  reason: 'it answered HTTP 502',
  hint: 'Look at it.',
  nature: 'passing',
};
