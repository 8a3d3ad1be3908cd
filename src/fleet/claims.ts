import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';

/**
 * Makes sure that a VM is restarted once, and that its guard watches no other VM's runner. Asked again once all VMs are known: only then
 * it is certain that a runner is one VM's alone.
 * @throws ActionError `ambiguous_target`
 */
export type Claim = (member: Claimant, instance: Instance) => void;

/** Who asks: each member of a fleet is an object of its own, whatever its name. */
export interface Claimant {
  readonly name: string;
}

/** @param runnerNameOf the name of the runner in a VM; undefined where there are none to look after. */
export function createClaims(runnerNameOf: ((instance: Instance) => string) | undefined): Claim {
  const members = new Map<string, Claimant>();
  const wards = new Map<string, Set<string>>();
  return (member, instance) => {
    claimInstance(members, member, instance);
    if (runnerNameOf !== undefined) claimRunner(wards, runnerNameOf(instance), instance);
  };
}

/** Two names may be of one VM. */
function claimInstance(members: Map<string, Claimant>, member: Claimant, { instanceId }: Instance): void {
  const id = instanceId.toLowerCase();
  const other = members.get(id) ?? member;
  members.set(id, other);
  if (other === member) return;
  const message = `Instance ${instanceId} is one VM with "${other.name}", which is restarted already.`;
  throw new ActionError('ambiguous_target', message, { hint: 'Name each VM once.' });
}

/** Whose runner it is that has the name, nobody can tell: so neither VM is restarted. */
function claimRunner(wards: Map<string, Set<string>>, name: string, { instanceId }: Instance): void {
  const key = name.toLowerCase();
  const ids = (wards.get(key) ?? new Set()).add(instanceId.toLowerCase());
  wards.set(key, ids);
  if (ids.size === 1) return;
  const message = `Runner "${name}" would be the runner of several VMs: instances ${[...ids].join(', ')}.`;
  throw new ActionError('ambiguous_target', message, {
    hint: 'Let runner_name hold {external_id} or {instance_id}, or give the VMs names of their own.',
  });
}
