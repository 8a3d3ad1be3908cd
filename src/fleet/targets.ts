// Which VMs the targets name, patterns included, and no VM twice.

import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import { type Instance, isTerminal, type Target } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import { fitsText, keyOfName } from '../github/runner-names.ts';
import type { RetryBounds } from '../http/retry.ts';
import { createProgressLog, type Log } from '../log.ts';

/** A VM to restart, or a target that names none. */
export interface Member {
  /** For messages; unique within the step. */
  readonly name: string;
  readonly target: Target;
  /** From the list that showed the VM; absent if none was needed. */
  readonly externalId?: string | undefined;
  /** Whether only a pattern names it. */
  readonly isMatch?: boolean;
  /** The job that `used_by_job` found it by. */
  readonly lastJob?: LastJob;
  /** Why there is nothing to restart. */
  readonly error?: ActionError;
}

/** The last job on a VM's runners. */
export interface LastJob {
  readonly name: string;
  /** In milliseconds on the clock's scale; undefined while it is in progress, or if GitHub does not say. */
  readonly endedAt: number | undefined;
}

/** Whether it is a pattern, in which `*` matches any text. */
export function hasWildcard({ by, id }: Target): boolean {
  return by === 'external_id' && id.includes('*');
}

/** Whether the targets may name more than one VM. */
export function mayBeSeveral(targets: readonly Target[]): boolean {
  return targets.length > 1 || targets.some(hasWildcard);
}

/** Whether the text matches the pattern, where each `*` matches any text, even none. Pure. */
export function fits(pattern: string, text: string): boolean {
  return fitsText(pattern.split('*'), text);
}

/** The live VMs that the targets name, each once. A pattern that matches none becomes a member that fails. Pure. */
export function membersOf(targets: readonly Target[], instances: readonly Instance[]): Member[] {
  const literals = new Set(targets.filter((target) => !hasWildcard(target)).map(({ id }) => id));
  const live = instances.filter((instance) => !isTerminal(instance)).flatMap(memberOf);
  const taken = new Set<string>();
  const members = targets.flatMap((target): Member[] => {
    if (!hasWildcard(target)) return [{ name: target.id, target }];
    const found = live.filter(({ name }) => fits(target.id, name));
    if (found.length === 0) return [{ name: target.id, target, error: noMatch(target.id) }];
    const unclaimed = found.filter(({ name, target: { id } }) => !literals.has(name) && !taken.has(id));
    for (const one of unclaimed) taken.add(one.target.id);
    return unclaimed;
  });
  return distinctNames(members);
}

/** Empty for a VM without an external ID, because no pattern matches it. */
function memberOf({ externalId, instanceId }: Instance): Member[] {
  if (externalId === undefined) return [];
  return [{ name: externalId, externalId, target: { by: 'instance_id', id: instanceId }, isMatch: true }];
}

function noMatch(pattern: string): ActionError {
  return new ActionError(
    'instance_not_found',
    `No live instance has an external_id that matches "${pattern}".`,
    {
      hint: 'Check external_id (* matches any text; case matters) and controller_url.',
    },
  );
}

/** Adds the ID to each name that several VMs have. */
export function distinctNames(members: readonly Member[]): Member[] {
  const counts = new Map<string, number>();
  for (const { name } of members) counts.set(name, (counts.get(name) ?? 0) + 1);
  return members.map((member) => {
    const isAlone = counts.get(member.name) === 1;
    return isAlone ? member : { ...member, name: `${member.name} (${member.target.id})` };
  });
}

export interface ResolvingOptions {
  readonly controller: Pick<Controller, 'listInstances'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** In milliseconds. */
  readonly timeoutMs: number;
}

/** How long to wait for an unlisted VM, in milliseconds: a lagging replica may not list a new one yet. */
const LISTING_GRACE_MS = 6_000;
const LIST_AGAIN_MS = 1_000;
/** One list is never enough: if it lacked a VM that matches a pattern, the step would silently ignore that VM. */
const LEAST_LISTS = 2;

/** GitHub accepts 1 MB of outputs per job: the results of more VMs would not fit. */
export const MOST_VMS = 2_000;

/**
 * Finds the VMs that the targets name. A pattern that matches none becomes a member that fails.
 * @throws ActionError if the controller gives no usable answer.
 */
export async function resolveTargets(
  targets: readonly Target[],
  options: ResolvingOptions,
): Promise<Member[]> {
  if (!targets.some(hasWildcard)) return membersOf(targets, []);
  const members = (instances: readonly Instance[]) => membersOf(targets, instances);
  return listUntilFound(options, members, (found) => found.find(({ error }) => error !== undefined)?.error);
}

/**
 * Lists the instances at least twice, and again for a few seconds if something is missing, because a list may briefly lack a VM.
 * @param read evaluates the instances seen so far.
 * @param missing what the result lacks; undefined if nothing.
 */
export async function listUntilFound<T>(
  { controller, clock, log, signal, timeoutMs }: ResolvingOptions,
  read: (instances: readonly Instance[]) => T,
  missing: (found: T) => ActionError | undefined,
): Promise<T> {
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const bounds: RetryBounds = { deadline: clock.now() + timeoutMs, signal, onFault: progress.fault };
  const seen = new Map<string, Instance>();
  let graceEndsAt: number | undefined;
  for (let lists = 1; ; lists++) {
    remember(seen, (await controller.listInstances(bounds)).readable());
    const found = read([...seen.values()]);
    const problem = missing(found);
    graceEndsAt ??= Math.min(clock.now() + LISTING_GRACE_MS, bounds.deadline);
    const isEnough = problem === undefined && lists >= LEAST_LISTS;
    if (isEnough || clock.now() + LIST_AGAIN_MS > graceEndsAt) return found;
    if (problem !== undefined)
      progress.note(problem.code, `Trying again, this may be temporary: ${problem.message}`);
    await clock.sleep(LIST_AGAIN_MS, signal);
  }
}

/** A VM that any list showed as ended has ended, even if a later answer from a lagging replica shows otherwise. */
function remember(seen: Map<string, Instance>, instances: readonly Instance[]): void {
  for (const instance of instances) {
    const id = instance.instanceId.toLowerCase();
    const before = seen.get(id);
    if (before === undefined || !isTerminal(before)) seen.set(id, instance);
  }
}

/** Guards against a pattern that matches more than intended. @throws ActionError `invalid_input` */
export function refuseTooMany({ length: vms }: readonly Member[], maxVms: number): void {
  if (vms <= maxVms) return;
  const message = `The targets name ${vms} VMs, but max_vms is ${maxVms}. No restart was sent.`;
  throw new ActionError('invalid_input', message, {
    hint: `Narrow the targets, raise max_vms (${MOST_VMS} at most), or divide the VMs among several steps.`,
  });
}

// ---- no VM twice ----

/**
 * Checks that the step restarts each VM once, and that no two VMs have the same runner. To be called when a VM arrives at its gate, and again
 * once all VMs have arrived: only then can the check see all runners.
 * @throws ActionError `ambiguous_target`
 */
export type DuplicateCheck = (member: Member, instance: Instance) => void;

/** @param runnerNameOf `runner_name` with a VM's values; undefined if there are no runners to guard. */
export function createDuplicateCheck(
  runnerNameOf: ((instance: Instance) => string) | undefined,
): DuplicateCheck {
  const members = new Map<string, Member>();
  const owners = new Map<string, Set<string>>();
  return (member, instance) => {
    refuseSecondName(members, member, instance);
    if (runnerNameOf !== undefined) refuseSharedRunner(owners, runnerNameOf(instance), instance);
  };
}

/** Refuses the second of two targets that name the same VM. */
function refuseSecondName(members: Map<string, Member>, member: Member, { instanceId }: Instance): void {
  const id = instanceId.toLowerCase();
  const other = members.get(id) ?? member;
  members.set(id, other);
  if (other === member) return;
  const message = `Instance ${instanceId} is the same VM as "${other.name}", which is already being restarted.`;
  throw new ActionError('ambiguous_target', message, { hint: 'Name each VM once.' });
}

/** Refuses all VMs that would have the same runner, because only one of them can have it, and the step cannot know which. */
function refuseSharedRunner(owners: Map<string, Set<string>>, name: string, { instanceId }: Instance): void {
  const key = keyOfName(name);
  const ids = (owners.get(key) ?? new Set()).add(instanceId.toLowerCase());
  owners.set(key, ids);
  if (ids.size === 1) return;
  const message = `Runner "${name}" would be the runner of several VMs: instances ${[...ids].join(', ')}.`;
  throw new ActionError('ambiguous_target', message, {
    hint: 'Let runner_name contain {external_id}, {instance_id} or {uuid}, or give the VMs different names.',
  });
}
