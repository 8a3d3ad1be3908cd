import type { ReadBounds } from '../controller/controller.ts';
import { type Instance, isRunning, isTerminal, type Target } from '../controller/instance.ts';
import { ActionError, isTransient } from '../errors.ts';
import { createProgressLog } from '../log.ts';
import type { Baseline } from './boot.ts';
import { isOlder, type Observation } from './ordering.ts';
import type { RestartContext } from './outcome.ts';
import { describeTrouble } from './verdict.ts';

export interface BaselineOptions {
  readonly target: Target;
  /** Milliseconds on the clock's scale. */
  readonly deadline: number;
  /** Called with each instance that was found, ready or not. */
  readonly onRead: (instance: Instance, times: Omit<Observation, 'instance'>) => void;
}

/** A heartbeat and a bit: what flaps only briefly (failure.ts says what does) has healed by then. */
const GRACE_MS = 6_000;
const PAUSE_MS = 1_000;
const MOST_CANDIDATES = 10;

/** What one read of the target showed: a baseline, one that does not say how old it is, or why there is none. */
type Finding =
  | { readonly kind: 'ready' | 'undated'; readonly baseline: Baseline }
  | { readonly kind: 'trouble'; readonly error: ActionError };

/**
 * Makes sure that the VM exists, can be restarted, and that the restart can be proved, before anything is changed.
 * @throws ActionError `instance_not_found`, `ambiguous_target`, `not_running` or `cannot_verify`, if that stays so for a few
 * seconds.
 */
export async function takeBaseline(context: RestartContext, options: BaselineOptions): Promise<Baseline> {
  const { clock, log, signal } = context;
  const { deadline } = options;
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const search: Search = {
    context,
    bounds: { deadline, signal, onFault: progress.fault },
    rivals: new Map(),
  };
  let graceEndsAt: number | undefined;
  let trouble: ActionError | undefined;
  for (;;) {
    const finding = await readTarget(options, search).catch((error: unknown) => {
      // The time ran out before the trouble could heal: it says more than that the next answer came too late.
      throw trouble !== undefined && graceEndsAt === deadline && isTransient(error) ? trouble : error;
    });
    if (finding.kind === 'ready') return finding.baseline;
    graceEndsAt ??= Math.min(clock.now() + GRACE_MS, deadline);
    if (clock.now() + PAUSE_MS > graceEndsAt) return settleFor(finding, search);
    trouble = finding.kind === 'trouble' ? finding.error : undefined;
    progress.note(...describeFinding(finding));
    await clock.sleep(PAUSE_MS, signal);
  }
}

async function readTarget({ target, onRead }: BaselineOptions, search: Search): Promise<Finding> {
  const { clock } = search.context;
  const askedAt = clock.now();
  const found = await find(target, search);
  if (found instanceof ActionError) return { kind: 'trouble', error: found };
  const answeredAt = clock.now();
  onRead(found, { askedAt, answeredAt });
  const taken = checkPreconditions(found, answeredAt);
  if (taken instanceof ActionError) return { kind: 'trouble', error: taken };
  return { kind: hasBothDates(found) ? 'ready' : 'undated', baseline: taken };
}

/** What stayed so for some seconds is final. */
async function settleFor(finding: Finding, search: Search): Promise<Baseline> {
  if (finding.kind === 'trouble') throw await withVersion(finding.error, search);
  return finding.baseline;
}

function describeFinding(finding: Finding): [kind: string, reason: string] {
  if (finding.kind !== 'trouble') return ['undated', 'Reading again: the answer does not say how old it is'];
  return [finding.error.code, `Reading again, this may pass: ${finding.error.message}`];
}

/**
 * Whether later answers can be told from older ones by it. Controllers write both dates; without them an answer of a replica that
 * lags behind would pass for a new one.
 */
function hasBothDates({ reportedAt, updatedAt }: Instance): boolean {
  return reportedAt !== undefined && updatedAt !== undefined;
}

/** A VM that can be restarted runs; one whose restart can be proved has a real start_date. */
function checkPreconditions(instance: Instance, answeredAt: number): Baseline | ActionError {
  const { instanceId, startDate } = instance;
  if (!isRunning(instance)) {
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
  return { instance, answeredAt, startDate, knownStartDates: [startDate] };
}

/** What cannot be verified is most often a matter of the controller's version, so the error names it. */
async function withVersion(error: ActionError, { context, bounds }: Search): Promise<ActionError> {
  if (error.code !== 'cannot_verify') return error;
  const version = (await context.controller.getVersion(bounds)) ?? 'unknown';
  return new ActionError(error.code, error.message, {
    hint: `${error.hint} Version of the controller: "${version}".`,
  });
}

interface Search {
  readonly context: RestartContext;
  readonly bounds: ReadBounds;
  /** Live instances that were seen to share the external ID, by their IDs. */
  readonly rivals: Map<string, Instance>;
}

/** Always ends with the call that will have to prove the restart: if that fails, nothing is sent. */
async function find(target: Target, { context, bounds, rivals }: Search): Promise<Instance | ActionError> {
  const { controller } = context;
  switch (target.by) {
    case 'instance_id':
      return (await controller.getInstance(target.id, bounds)) ?? notFound(target.id);
    case 'external_id': {
      const listed = pickLive(await controller.findInstances(target, bounds), target.id, rivals);
      if (listed instanceof ActionError) return listed;
      const single = await controller.getInstance(listed.instanceId, bounds);
      if (single === undefined) return notFound(listed.instanceId);
      // Another replica may have answered, which lags behind.
      return isOlder(single, listed) ? listed : single;
    }
  }
}

function notFound(instanceId: string): ActionError {
  return new ActionError('instance_not_found', `The controller has no instance ${instanceId}.`, {
    hint: 'Check instance_id and controller_url. An instance that was terminated is gone for good.',
  });
}

/**
 * The one live instance among those that have the external ID. A list may briefly lack one, so an instance that was one of several
 * remains one until it is listed as ended.
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
