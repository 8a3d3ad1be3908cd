import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';

/**
 * Makes sure that a VM is restarted once, and that its guard watches no other VM's runner. Asked again once all VMs are known: only then
 * it is certain that a runner is one VM's alone.
 * @throws ActionError `ambiguous_target`
 */
export type Claim = (target: string, instance: Instance) => void;

/** @param runnerNameOf the name of the runner in a VM; undefined where there are none to look after. */
export function createClaims(runnerNameOf: ((instance: Instance) => string) | undefined): Claim {
  const targets = new Map<string, string>();
  const wards = new Map<string, Set<string>>();
  return (target, instance) => {
    claimInstance(targets, target, instance);
    if (runnerNameOf !== undefined) claimRunner(wards, runnerNameOf(instance), instance);
  };
}

/** Two names may be of one VM. */
function claimInstance(targets: Map<string, string>, target: string, { instanceId }: Instance): void {
  const id = instanceId.toLowerCase();
  const other = targets.get(id) ?? target;
  targets.set(id, other);
  if (other === target) return;
  const message = `Instance ${instanceId} is one VM with "${other}", which is restarted already.`;
  throw new ActionError('ambiguous_target', message, { hint: 'Name each VM once.' });
}

/** Whose runner it is that has the name, nobody can tell: so neither VM is restarted. */
function claimRunner(wards: Map<string, Set<string>>, name: string, { instanceId }: Instance): void {
  const key = name.toLowerCase();
  const ids = (wards.get(key) ?? new Set()).add(instanceId);
  wards.set(key, ids);
  if (ids.size === 1) return;
  const message = `Runner "${name}" would be the runner of several VMs: instances ${[...ids].join(', ')}.`;
  throw new ActionError('ambiguous_target', message, {
    hint: 'Let runner_name hold {external_id} or {instance_id}, or give the VMs names of their own.',
  });
}
