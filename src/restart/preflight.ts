// The checks before the restart: the VM exists, it can be restarted, and the restart can be proved.

import { type Instance, isRunning, isTerminal, looksFailed, type Target } from '../controller/instance.ts';
import { ActionError, isTransient } from '../errors.ts';
import type { RetryBounds } from '../http/retry.ts';
import { closestTo } from '../likeness.ts';
import { createProgressLog } from '../log.ts';
import type { Baseline } from './boot.ts';
import { isOlder, type Observation } from './ordering.ts';
import type { RestartContext } from './outcome.ts';
import { describeTrouble } from './verdict.ts';

export interface BaselineOptions {
  readonly target: Target;
  /** On the clock's scale. */
  readonly deadline: number;
  /** How long a VM that is not running may need until it runs: in milliseconds. */
  readonly startsWithinMs?: number | undefined;
  /** Called with each instance that was found, whether it passes the checks or not. */
  readonly onRead: (instance: Instance, times: Omit<Observation, 'instance'>) => void;
}

/** A little more than one heartbeat: a state that old controllers show only briefly (see the end of verdict.ts) is over by then. */
const GRACE_MS = 6_000;
const PAUSE_MS = 1_000;
const MOST_CANDIDATES = 10;

/** What one read of the target showed: a baseline, a doubtful one that the next read may improve, or why there is none. */
type Finding =
  | { readonly kind: 'ready'; readonly baseline: Baseline }
  /** `report` calls `onRead`, which has to wait if another instance may be the intended one: until no better answer is expected. */
  | {
      readonly kind: 'doubtful';
      readonly baseline: Baseline;
      readonly doubt: string;
      readonly report?: () => void;
    }
  | { readonly kind: 'trouble'; readonly error: ActionError; readonly mayStart?: boolean };

/**
 * Reads the target until it passes all checks.
 * @throws ActionError `instance_not_found`, `ambiguous_target`, `not_running` or `cannot_verify`, if that persists for a few
 * seconds.
 */
export async function takeBaseline(context: RestartContext, options: BaselineOptions): Promise<Baseline> {
  const { clock, log, signal } = context;
  const { deadline } = options;
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const search: Search = {
    context,
    bounds: { deadline, signal, onFault: progress.fault },
    usable: new Map(),
  };
  let since: number | undefined;
  let graceEndsAt: number | undefined;
  let trouble: ActionError | undefined;
  for (;;) {
    const finding = await readTarget(options, search).catch((error: unknown) => {
      // The deadline came before the trouble could clear up. The trouble explains more than "the next answer was too late".
      throw trouble !== undefined && graceEndsAt === deadline && isTransient(error) ? trouble : error;
    });
    if (finding.kind === 'ready') return finding.baseline;
    since ??= clock.now();
    graceEndsAt = Math.min(since + graceMs(finding, options), deadline);
    if (clock.now() + PAUSE_MS > graceEndsAt) return settleFor(finding, search);
    trouble = finding.kind === 'trouble' ? finding.error : undefined;
    progress.note(...describeFinding(finding));
    await clock.sleep(PAUSE_MS, signal);
  }
}

function graceMs(finding: Finding, { startsWithinMs = GRACE_MS }: BaselineOptions): number {
  return finding.kind === 'trouble' && finding.mayStart === true ? startsWithinMs : GRACE_MS;
}

async function readTarget({ target, onRead }: BaselineOptions, search: Search): Promise<Finding> {
  const { clock } = search.context;
  const askedAt = clock.now();
  const found = await find(target, search);
  if (found.kind === 'none') return { kind: 'trouble', error: found.error };
  const { instance, listed, doubt } = found;
  const answeredAt = clock.now();
  const report = () => {
    // The list may come from another replica, which knows a later boot.
    if (listed !== undefined) onRead(listed, { askedAt, answeredAt });
    onRead(instance, { askedAt, answeredAt });
  };
  if (doubt === undefined) report();
  const baseline = checkPreconditions(instance, answeredAt);
  if (baseline instanceof ActionError)
    return { kind: 'trouble', error: baseline, mayStart: mayStart(instance) };
  if (doubt !== undefined) return { kind: 'doubtful', baseline, doubt, report };
  if (hasBothDates(instance)) return { kind: 'ready', baseline };
  return { kind: 'doubtful', baseline, doubt: 'the answer does not say how old it is' };
}

/** A finding that persisted for some seconds is final. */
async function settleFor(finding: Exclude<Finding, { kind: 'ready' }>, search: Search): Promise<Baseline> {
  if (finding.kind === 'trouble') throw await withVersion(finding.error, search);
  finding.report?.();
  return finding.baseline;
}

function describeFinding(finding: Exclude<Finding, { kind: 'ready' }>): [kind: string, reason: string] {
  if (finding.kind === 'doubtful') return ['doubtful', `Reading again: ${finding.doubt}`];
  return [finding.error.code, `Reading again, this may be temporary: ${finding.error.message}`];
}

/**
 * Whether its dates distinguish later answers from older ones. Controllers write both dates; without them, a lagging replica's answer would
 * look new.
 */
function hasBothDates({ reportedAt, updatedAt }: Instance): boolean {
  return reportedAt !== undefined && updatedAt !== undefined;
}

/** A VM that can be restarted is running; one whose restart can be proved has a real start_date. */
function checkPreconditions(instance: Instance, answeredAt: number): Baseline | ActionError {
  const { instanceId, startDate } = instance;
  if (!isRunning(instance)) {
    return new ActionError(
      'not_running',
      `Instance ${instanceId} is not running: ${describeTrouble(instance)}.`,
      {
        hint: isTerminal(instance)
          ? 'It is gone permanently: start a new one.'
          : 'Only a VM that is Started and running can be restarted: start it, or wait until it runs.',
      },
    );
  }
  if (startDate === undefined) {
    return new ActionError(
      'cannot_verify',
      `Instance ${instanceId} has no usable start_date, so a restart could not be proved: ${describeTrouble(instance)}.`,
      { hint: 'start_date requires Anka agent and controller 1.44.0 or later: update both.' },
    );
  }
  return { instance, answeredAt, startDate, knownStartDates: [startDate] };
}

/** Another client may be restarting it. */
function mayStart(instance: Instance): boolean {
  return !isRunning(instance) && !looksFailed(instance);
}

/** If a restart cannot be verified, the controller's version is most often the reason, so the error names it. */
async function withVersion(error: ActionError, { context, bounds }: Search): Promise<ActionError> {
  if (error.code !== 'cannot_verify') return error;
  const version = (await context.controller.getVersion(bounds)) ?? 'unknown';
  return new ActionError(error.code, error.message, {
    hint: `${error.hint} Version of the controller: "${version}".`,
  });
}

interface Search {
  readonly context: RestartContext;
  readonly bounds: RetryBounds;
  /** By ID: instances with the external ID that an answer showed usable, and that no later answer showed ended. */
  readonly usable: Map<string, Instance>;
}

type Found =
  | {
      readonly kind: 'found';
      readonly instance: Instance;
      /** The same instance in the list, if it was found there. */
      readonly listed?: Instance;
      /** Why the next read may find another one. */
      readonly doubt?: string;
    }
  | { readonly kind: 'none'; readonly error: ActionError };

/** Always ends with the same call that will later prove the restart: if it fails, nothing is sent. */
async function find(target: Target, search: Search): Promise<Found> {
  const { context, bounds } = search;
  const { controller } = context;
  switch (target.by) {
    case 'instance_id': {
      const instance = await controller.getInstance(target.id, bounds);
      return instance === undefined ? noInstance(target.id) : { kind: 'found', instance };
    }
    case 'external_id': {
      const picked = pickLive(await controller.findInstances(target, bounds), target.id, search);
      if (picked.kind === 'none') return picked;
      const listed = picked.instance;
      const single = await controller.getInstance(listed.instanceId, bounds);
      if (single === undefined) return noInstance(listed.instanceId);
      // The second answer may come from a lagging replica.
      return { ...picked, listed, instance: isOlder(single, listed) ? listed : single };
    }
  }
}

function noInstance(instanceId: string): Found {
  const error = new ActionError('instance_not_found', `The controller has no instance ${instanceId}.`, {
    hint: 'Check instance_id and controller_url. An instance that was terminated is gone permanently.',
  });
  return { kind: 'none', error };
}

/**
 * The one live instance among those that have the external ID:
 *
 * | usable | other live ones | picked |
 * | --- | --- | --- |
 * | one | none | it |
 * | one | some | it, with a doubt: an Error may clear up |
 * | none | one | it, so that the error says what is wrong with it |
 * | none | several | none: ambiguous |
 * | several | | none: ambiguous |
 * | none | none | none: not found |
 *
 * A list may briefly omit an instance, so an instance that was usable remains so until it is listed as ended.
 */
function pickLive(instances: readonly Instance[], externalId: string, { context, usable }: Search): Found {
  const live = instances.filter((instance) => !isTerminal(instance));
  for (const one of instances) {
    if (isTerminal(one)) usable.delete(one.instanceId);
    else if (canBeMeant(one)) usable.set(one.instanceId, one);
  }
  const [first, ...rivals] = usable.size > 0 ? [...usable.values()] : live;
  if (first === undefined) return noneHas(externalId, instances, context.controller.externalIds());
  if (rivals.length > 0) return severalHave(externalId, [first, ...rivals]);
  const others = live.filter(({ instanceId }) => instanceId !== first.instanceId);
  if (others.length === 0) return { kind: 'found', instance: first };
  const doubt = `${listCandidates(others)} also has the external_id, and may be unusable only briefly`;
  return { kind: 'found', instance: first, doubt };
}

/** Whether the user can mean this instance if others have the same ID: it is not in Error or deleted, and it has a VM. */
function canBeMeant(instance: Instance): boolean {
  return !looksFailed(instance) && instance.status !== undefined;
}

function noneHas(externalId: string, ended: readonly Instance[], known: readonly string[]): Found {
  const gone = ended.length === 0 ? '' : ` Terminated ones that had it: ${listCandidates(ended)}.`;
  const message = `No live instance has the external_id "${externalId}".${gone}`;
  const hint = INSTANCE_ID.test(externalId)
    ? 'It looks like the ID of an instance: did you mean instance_id?'
    : suggestion(closestTo(externalId, known));
  return { kind: 'none', error: new ActionError('instance_not_found', message, { hint }) };
}

const INSTANCE_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function suggestion(closest: readonly string[]): string {
  const check = 'Check external_id (the output action-id of anka-actions/up) and controller_url.';
  if (closest.length === 0) return check;
  return `Did you mean ${closest.map((id) => `"${id}"`).join(' or ')}? Upper and lower case matter. ${check}`;
}

function severalHave(externalId: string, instances: readonly Instance[]): Found {
  const message = `${instances.length} live instances have the external_id "${externalId}": ${listCandidates(instances)}.`;
  const hint = 'Name the one to restart by its instance_id.';
  return { kind: 'none', error: new ActionError('ambiguous_target', message, { hint }) };
}

function listCandidates(instances: readonly Instance[]): string {
  const listed = instances.slice(0, MOST_CANDIDATES).map(({ instanceId, state, nodeId }) => {
    return `${instanceId} (${state}, node ${nodeId ?? 'unknown'})`;
  });
  const more = instances.length - listed.length;
  return listed.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
