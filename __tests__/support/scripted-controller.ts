import type { Controller } from '../../src/controller/controller.ts';
import type { Instance, Target } from '../../src/controller/instance.ts';
import type {
  NotCarriedOut,
  RestartReply,
  RestartRequest,
  TryBounds,
  Veto,
} from '../../src/controller/restart-request.ts';
import { ActionError } from '../../src/errors.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

type Show = (bounds: RetryBounds, clock: FakeClock) => Instance | undefined | Promise<Instance | undefined>;

/** What one poll shows: an instance, its absence, or an error; a function may also have a side effect. */
export type Shown = Instance | undefined | Error | Show;

export interface Script {
  /** One entry per poll; the last one repeats. */
  readonly polls: readonly Shown[];
  readonly list?: readonly Instance[];
  /** Answers to lists instead, one entry per list; the last one repeats. */
  readonly lists?: readonly (readonly Instance[])[];
  /** Of the last try; an ActionError refuses it, any other error is thrown. */
  /** In the list that was read last. */
  readonly externalIds?: readonly string[];
  readonly reply?: RestartReply | Error;
  readonly version?: string;
  /** Of the restart; all but the last are not carried out (1 if absent). */
  readonly tries?: number;
  /** Not only the last try leaves. */
  readonly leavesEachTime?: boolean;
  /** How long a try takes until it leaves: in milliseconds. */
  readonly leavesAfterMs?: number;
}

export interface ScriptedController extends Controller {
  /** What was asked, in order. */
  readonly calls: string[];
  /** The values that each got, except for the version. */
  readonly bounds: RetryBounds[];
  /** What each try of the restart was given. */
  readonly tries: TryBounds[];
  /** When the connections were renewed: milliseconds on the clock's scale. */
  readonly renewals: number[];
}

export function createScriptedController(
  {
    polls,
    list = [],
    lists = [list],
    externalIds = [],
    version,
    reply = { kind: 'accepted' },
    tries = 1,
    leavesEachTime = false,
    leavesAfterMs = 0,
  }: Script,
  clock = createFakeClock(),
): ScriptedController {
  const calls: string[] = [];
  const bounds: RetryBounds[] = [];
  const triesMade: TryBounds[] = [];
  const renewals: number[] = [];
  let [poll, listing] = [0, 0];
  return {
    calls,
    bounds,
    tries: triesMade,
    renewals,
    renewConnections: () => void renewals.push(clock.now()),
    async getInstance(instanceId: string, asked: RetryBounds) {
      calls.push(`get ${instanceId}`);
      bounds.push(asked);
      const shown = polls[Math.min(poll++, polls.length - 1)];
      if (shown instanceof Error) throw shown;
      return typeof shown === 'function' ? shown(asked, clock) : shown;
    },
    async findInstances(_target: Target, asked: RetryBounds) {
      calls.push('list');
      bounds.push(asked);
      return [...(lists[Math.min(listing++, lists.length - 1)] ?? [])];
    },
    async listInstances() {
      throw new Error('unexpected request for all instances');
    },
    async getVersion() {
      calls.push('version');
      return version;
    },
    async tryRestart(request: RestartRequest, asked: TryBounds) {
      bounds.push(asked);
      if (triesMade.push(asked) === 1) calls.push(`restart ${JSON.stringify(request)}`);
      if (leavesAfterMs > 0) await clock.sleep(leavesAfterMs, asked.signal);
      if (triesMade.length < tries) {
        if (leavesEachTime) asked.onDeparture();
        return NOT_TAKEN;
      }
      const veto = asked.onDeparture();
      return veto === undefined ? lastReply(reply) : heldBackBy(veto);
    },
    externalIds: () => externalIds,
    namesOf: () => [],
    restartRetries: () => ({
      after: (_, leftMs) =>
        leftMs > 0 && triesMade.length < Math.max(tries, 2)
          ? { kind: 'pause', pauseMs: 0, leftMs }
          : { kind: 'give up', isFinal: false },
    }),
  };
}

function lastReply(reply: RestartReply | Error): RestartReply | NotCarriedOut {
  if (reply instanceof ActionError)
    return { kind: 'not carried out', because: 'refused', mayRepeat: false, error: reply };
  if (reply instanceof Error) throw reply;
  return reply;
}

function heldBackBy(veto: Veto): NotCarriedOut {
  if (veto.kind === 'final')
    return { kind: 'not carried out', because: 'held back', mayRepeat: false, error: veto.error };
  const { reason, hint } = veto;
  return {
    ...{ kind: 'not carried out', because: 'held back', mayRepeat: true },
    fault: { kind: 'held back', reason, hint, nature: 'passing', code: 'controller_unreachable' },
    error: new ActionError('timed_out', reason),
  };
}

export const HTTP_502: Fault = {
  kind: 'HTTP 502',
  reason: 'it answered HTTP 502',
  hint: 'Look at it.',
  nature: 'passing',
};

const NOT_TAKEN: NotCarriedOut = {
  kind: 'not carried out',
  because: 'too many requests',
  mayRepeat: true,
  fault: { ...HTTP_502, code: 'controller_unreachable' },
  error: new ActionError('controller_unreachable', 'HTTP 429 to the end.'),
};
