import { type StepOutcome, theOnlyVm, type VmOutcome } from '../../src/fleet/step-outcome.ts';

/** How the VM ended that a step was about. */
export function theVm(outcome: StepOutcome): VmOutcome {
  const vm = theOnlyVm(outcome);
  if (vm === undefined) throw new Error(`the step was about ${outcome.vms.length} VMs`);
  return vm;
}
