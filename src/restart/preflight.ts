import type { ReadBounds } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import { ActionError, isTransient } from '../errors.ts';
import { createProgressLog } from '../log.ts';
import { isOlder, type Observation } from './ordering.ts';
import type { RestartContext } from './outcome.ts';
import { type Baseline, describeTrouble, isTerminal } from './verdict.ts';

export interface BaselineOptions {
  readonly target: Target;
  /** Milliseconds on the clock's scale. */
  readonly deadline: number;
  /** Told of each instance that was found, ready or not. */
  readonly onSeen: (instance: Instance) => void;
  /** Told of each look that got an answer. */
  readonly onLook: (observation: Observation) => void;
}

/** A heartbeat and a bit: what only flaps at this moment (verdict.ts says what does) has healed by then. */
const GRACE_MS = 6_000;
const LOOK_AGAIN_MS = 1_000;
const MOST_CANDIDATES = 10;

/**
 * Makes sure that the VM is there, can be restarted, and that the restart can be proved, before anything is changed.
 * @throws ActionError `instance_not_found`, `ambiguous_target`, `not_running` or `cannot_verify`, where that is so and
 * stays so for a few seconds.
 */
export async function takeBaseline(
  context: RestartContext,
  { target, deadline, onSeen, onLook }: BaselineOptions,
): Promise<Baseline> {
  const { clock, log, signal } = context;
  const journal = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const bounds = { deadline, signal, onFault: journal.fault };
  let graceEndsAt: number | undefined;
  let trouble: ActionError | undefined;
  const rivals = new Map<string, Instance>();
  for (;;) {
    const askedAt = clock.now();
    const instance = await find(target, { context, bounds, rivals }).catch((error: unknown) => {
      // The time is over before what was seen could heal: then it says more than that the next answer came too late.
      throw trouble !== undefined && graceEndsAt === deadline && isTransient(error) ? trouble : error;
    });
    if (!(instance instanceof ActionError)) {
      onSeen(instance);
      onLook({ askedAt, answeredAt: clock.now(), instance });
    }
    const taken = instance instanceof ActionError ? instance : checkPreconditions(instance);
    if (!(taken instanceof ActionError) && isDated(taken.instance)) return taken;

    graceEndsAt ??= Math.min(clock.now() + GRACE_MS, deadline);
    if (clock.now() + LOOK_AGAIN_MS > graceEndsAt) return takeAtLast(taken, { context, bounds });
    trouble = taken instanceof ActionError ? taken : undefined;
    const [kind, reason] = whyAgain(taken);
    journal.note(kind, reason);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** What stayed so for some seconds has to be believed. */
async function takeAtLast(taken: Baseline | ActionError, asking: Asking): Promise<Baseline> {
  if (taken instanceof ActionError) throw await withVersion(taken, asking);
  return taken;
}

function whyAgain(taken: Baseline | ActionError): [kind: string, reason: string] {
  if (!(taken instanceof ActionError))
    return ['undated', 'Looking again: the answer does not say how old it is'];
  return [taken.code, `Looking again, this may pass: ${taken.message}`];
}

/**
 * Whether later answers can be told from older ones by it. Controllers write both dates; without them an answer that comes from a
 * replica that lags behind would look like a new one.
 */
function isDated({ reportedAt, updatedAt }: Instance): boolean {
  return reportedAt !== undefined && updatedAt !== undefined;
}

/** A VM that can be restarted is Started and running; one whose restart can be proved has a real start_date. */
export function checkPreconditions(instance: Instance): Baseline | ActionError {
  const { instanceId, state, status, startDate } = instance;
  if (state !== 'Started' || status !== 'running') {
    return new ActionError(
      'not_running',
      `Instance ${instanceId} is not running: ${describeTrouble(instance)}.`,
      {
        hint: isTerminal(instance)
          ? 'It is gone for good: start a new one.'
          : 'Only a VM that is Started and running can be restarted: start it, or wait until it runs.',
      },
    );
  }
  if (startDate === undefined) {
    return new ActionError(
      'cannot_verify',
      `Instance ${instanceId} has no usable start_date, so a restart could not be proved: ${describeTrouble(instance)}.`,
      { hint: 'The start_date comes with Anka agent and controller 1.44.0 or later: update both.' },
    );
  }
  return { instance, startDate, knownStartDates: [startDate] };
}

/** What cannot be verified is most often a matter of the version: the error says which one it is. */
async function withVersion(error: ActionError, { context, bounds }: Asking): Promise<ActionError> {
  if (error.code !== 'cannot_verify') return error;
  const version = (await context.controller.getVersion(bounds)) ?? 'unknown';
  return new ActionError(error.code, error.message, {
    hint: `${error.hint} Version of the controller: "${version}".`,
  });
}

interface Asking {
  readonly context: RestartContext;
  readonly bounds: ReadBounds;
}

interface Search extends Asking {
  /** Live instances that were seen to share the external ID, by their IDs. */
  readonly rivals: Map<string, Instance>;
}

/** Always ends with the look that will have to prove the restart: where that fails, nothing is sent. */
async function find(target: Target, { context, bounds, rivals }: Search): Promise<Instance | ActionError> {
  const { controller } = context;
  switch (target.by) {
    case 'instance_id':
      return (await controller.getInstance(target.id, bounds)) ?? notFound(target.id);
    case 'external_id': {
      const listed = pickLive(await controller.findInstances(target, bounds), target.id, rivals);
      if (listed instanceof ActionError) return listed;
      const looked = await controller.getInstance(listed.instanceId, bounds);
      if (looked === undefined) return notFound(listed.instanceId);
      // Another replica may have answered, which lags behind.
      return isOlder(looked, listed) ? listed : looked;
    }
  }
}

function notFound(instanceId: string): ActionError {
  return new ActionError('instance_not_found', `The controller has no instance ${instanceId}.`, {
    hint: 'Check instance_id and controller_url. An instance that was terminated is gone for good.',
  });
}

/**
 * The one live instance among those that have the external ID. A list may lack one in passing: so who was one of several remains one
 * until it is listed as ended.
 */
function pickLive(
  instances: readonly Instance[],
  externalId: string,
  rivals: Search['rivals'],
): Instance | ActionError {
  const live = instances.filter((instance) => !isTerminal(instance));
  const unlisted = new Map(rivals);
  for (const { instanceId } of instances) unlisted.delete(instanceId);
  const [first, ...others] = [...live, ...unlisted.values()];
  if (others.length > 0) for (const one of live) rivals.set(one.instanceId, one);
  if (first === undefined) {
    const gone = instances.length === 0 ? '' : ` Terminated ones that had it: ${listCandidates(instances)}.`;
    return new ActionError(
      'instance_not_found',
      `No live instance has the external_id "${externalId}".${gone}`,
      {
        hint: 'Check external_id (anka-actions/up puts it out as action-id) and controller_url.',
      },
    );
  }
  if (others.length === 0) return first;
  return new ActionError(
    'ambiguous_target',
    `${others.length + 1} live instances have the external_id "${externalId}": ${listCandidates([first, ...others])}.`,
    { hint: 'Name the one to restart by its instance_id.' },
  );
}

function listCandidates(instances: readonly Instance[]): string {
  const listed = instances.slice(0, MOST_CANDIDATES).map(({ instanceId, state, nodeId }) => {
    return `${instanceId} (${state}, node ${nodeId ?? 'unknown'})`;
  });
  const more = instances.length - listed.length;
  return listed.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
