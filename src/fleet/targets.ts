import type { Clock } from '../clock.ts';
import type { Controller, ReadBounds } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import { ActionError, asActionError, explainCancellation } from '../errors.ts';
import type { Log } from '../log.ts';
import { createProgressLog } from '../log.ts';
import { isTerminal } from '../restart/verdict.ts';

/** One of a fleet: a VM, or what was to name one and did not. */
export interface Member {
  /** For people; no other member has it. */
  readonly name: string;
  readonly target: Target;
  /** Why there is nothing to restart. */
  readonly error?: ActionError;
}

/** Whether `*` stands for any text in it. */
export function hasWildcard({ by, id }: Target): boolean {
  return by === 'external_id' && id.includes('*');
}

/** Whether the text is what the pattern says, where each `*` stands for any text, be it none. Pure. */
export function fits(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  let from = 0;
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const at = isLast ? text.length - part.length : text.indexOf(part, from);
    const isThere = at >= from && text.startsWith(part, at);
    if (!isThere || (index === 0 && at > 0)) return false;
    from = at + part.length;
  }
  return true;
}

/** The live VMs that the targets name, each once; a pattern that fits none is a member that fails. Pure. */
export function membersOf(targets: readonly Target[], instances: readonly Instance[]): Member[] {
  const literals = new Set(targets.filter((target) => !hasWildcard(target)).map(({ id }) => id));
  const live = instances.filter((instance) => !isTerminal(instance)).flatMap(named);
  const taken = new Set<string>();
  const members = targets.flatMap((target): Member[] => {
    if (!hasWildcard(target)) return [{ name: target.id, target }];
    const found = live.filter(({ name }) => fits(target.id, name));
    if (found.length === 0) return [{ name: target.id, target, error: fitsNone(target.id) }];
    const fresh = found.filter(({ name, target: { id } }) => !literals.has(name) && !taken.has(id));
    for (const one of fresh) taken.add(one.target.id);
    return fresh;
  });
  return withOwnNames(members);
}

/** None where nothing fits it, as it has no external ID. */
function named({ externalId, instanceId }: Instance): Member[] {
  if (externalId === undefined) return [];
  return [{ name: externalId, target: { by: 'instance_id', id: instanceId } }];
}

function fitsNone(pattern: string): ActionError {
  return new ActionError('instance_not_found', `No live instance has an external_id like "${pattern}".`, {
    hint: 'Check external_id (* stands for any text; upper and lower case differ) and controller_url.',
  });
}

/** Several VMs may have the same external ID. */
function withOwnNames(members: readonly Member[]): Member[] {
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

/** A replica that lags behind may not list a new VM yet: so long it is waited for, and looked for again. In milliseconds. */
const GRACE_MS = 6_000;
const LOOK_AGAIN_MS = 1_000;
/** One list may lack a VM for a moment: then it would be left out without a word. */
const LEAST_LOOKS = 2;

/** GitHub takes 1 MB of a job's outputs, into which what became of more would not go. */
export const MOST_VMS = 2_000;

/** Finds out what the targets are. Never throws: where that is not to be known, each of them fails. */
export async function resolveTargets(
  targets: readonly Target[],
  options: ResolvingOptions,
): Promise<Member[]> {
  if (!targets.some(hasWildcard)) return membersOf(targets, []);
  try {
    const members = await listMembers(targets, options);
    return members.length <= MOST_VMS ? members : refuseAll(targets, members.length);
  } catch (thrown) {
    const error = asActionError(thrown);
    return targets.map((target) => ({
      name: target.id,
      target,
      error: explainCancellation(error, 'No restart had been sent.'),
    }));
  }
}

async function listMembers(
  targets: readonly Target[],
  { controller, clock, log, signal, timeoutMs }: ResolvingOptions,
): Promise<Member[]> {
  const journal = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const bounds: ReadBounds = { deadline: clock.now() + timeoutMs, signal, onFault: journal.fault };
  const seen = new Map<string, Instance>();
  let graceEndsAt: number | undefined;
  for (let looks = 1; ; looks++) {
    remember(seen, (await controller.listInstances(bounds)).readable());
    const members = membersOf(targets, [...seen.values()]);
    const missing = members.find(({ error }) => error !== undefined)?.error;
    graceEndsAt ??= Math.min(clock.now() + GRACE_MS, bounds.deadline);
    const isEnough = missing === undefined && looks >= LEAST_LOOKS;
    if (isEnough || clock.now() + LOOK_AGAIN_MS > graceEndsAt) return members;
    if (missing !== undefined) journal.note(missing.code, `Looking again, this may pass: ${missing.message}`);
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** What was once seen to end has ended, whatever a replica shows that lags behind. */
function remember(seen: Map<string, Instance>, instances: readonly Instance[]): void {
  for (const instance of instances) {
    const id = instance.instanceId.toLowerCase();
    const before = seen.get(id);
    if (before === undefined || !isTerminal(before)) seen.set(id, instance);
  }
}

function refuseAll(targets: readonly Target[], vms: number): Member[] {
  const message = `${vms} VMs are asked for; ${MOST_VMS} are the most for one step. No restart was sent.`;
  const error = new ActionError('invalid_input', message, {
    hint: 'Narrow the patterns, and share the VMs out among several steps.',
  });
  return targets.map((target) => ({ name: target.id, target, error }));
}
