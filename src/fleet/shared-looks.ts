import type { Clock } from '../clock.ts';
import type { Controller, ReadBounds, ReadFault } from '../controller/controller.ts';
import type { Instance, InstanceList, Target } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import { UnusableAnswer } from '../http/json.ts';
import type { Log } from '../log.ts';
import { createProgressLog } from '../log.ts';
import { createRounds } from './rounds.ts';

export interface SharingOptions {
  readonly clock: Clock;
  /** For what concerns no VM more than the others. */
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface SharedLooksOptions extends SharingOptions {
  /** Whether several VMs are watched. */
  readonly isCrowded: () => boolean;
}

/** Between two lists, at least: in milliseconds. */
const LIST_EVERY_MS = 1_000;
/** Who has less time than this left cannot wait for the next list: in milliseconds. */
const URGENT_MS = 3_000;
/** A pause before a record is asked for again that could not be read: in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/**
 * The controller as many VMs may ask it at once: one list serves all that ask at about the same time. As long as one VM alone is watched, its
 * looks are made when it wants them, and at the one instance. What changes something passes through as it is.
 */
export function createSharedLooks(controller: Controller, options: SharedLooksOptions): Controller {
  const { clock, isCrowded } = options;
  const journal = createProgressLog({ log: options.log, now: clock.now, sentAt: undefined });
  const shared = {
    ...options,
    onFault: journal.fault,
    unanswered,
    ask: async (targets: readonly Target[], bounds: ReadBounds) => {
      const list = await askFor(controller, targets, bounds);
      journal.answered();
      return list;
    },
  };
  const rounds = createRounds({
    ...shared,
    everyMs: (targets) => (areSame(targets) && !isCrowded() ? 0 : LIST_EVERY_MS),
  });
  const urgentRounds = createRounds({ ...shared, everyMs: () => 0, overlaps: true });

  async function look(target: Target, bounds: ReadBounds): Promise<Instance[]> {
    for (;;) {
      const isUrgent = bounds.deadline - clock.now() < URGENT_MS;
      const list = await (isUrgent ? urgentRounds : rounds).ask(target, bounds);
      const found = read(list, target);
      if (Array.isArray(found)) return found;
      bounds.onFault?.(found);
      const leftMs = bounds.deadline - clock.now();
      if (leftMs < LOOK_AGAIN_MS) throw unanswered(found);
      await clock.sleep(LOOK_AGAIN_MS, bounds.signal);
    }
  }

  return {
    ...controller,
    findInstances: look,
    async getInstance(id, bounds) {
      const [instance] = await look({ by: 'instance_id', id }, bounds);
      return instance;
    },
  };
}

/** A list, or what a look at one instance is of one. */
type Found = Pick<InstanceList, 'matching'>;

/** Whether all ask about one and the same. */
function areSame(targets: readonly Target[]): boolean {
  return new Set(targets.map(keyOf)).size === 1;
}

function keyOf({ by, id }: Target): string {
  return `${by} ${id}`;
}

async function askFor(
  controller: Controller,
  targets: readonly Target[],
  bounds: ReadBounds,
): Promise<Found> {
  const [first] = targets;
  if (first?.by !== 'instance_id' || !areSame(targets)) return controller.listInstances(bounds);
  const instance = await controller.getInstance(first.id, bounds);
  return { matching: () => (instance === undefined ? [] : [instance]) };
}

/** A record that cannot be read is the trouble of who asks for it alone. */
function read(list: Found, target: Target): Instance[] | ReadFault {
  try {
    return list.matching(target);
  } catch (error) {
    if (!(error instanceof UnusableAnswer)) throw error;
    const { message: reason, nature, hint = 'Look the instance up in the controller.' } = error;
    return { kind: 'unusable answer', reason, hint, nature, code: 'protocol_error' };
  }
}

function unanswered(last: ReadFault | undefined): ActionError {
  const atLast = last === undefined ? '' : `; at last: ${last.reason}`;
  return new ActionError(
    last?.code ?? 'controller_unreachable',
    `The controller gave no usable answer in time${atLast}.`,
    {
      hint: last?.hint ?? 'Look whether the controller is up, and how long it takes to list its instances.',
      isTransient: true,
    },
  );
}
