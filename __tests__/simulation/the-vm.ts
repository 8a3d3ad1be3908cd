import { isFleet, type StepOutcome } from '../../src/fleet/fleet-outcome.ts';
import type { VmOutcome } from '../../src/fleet/one-vm.ts';

/** What came of a step that was about one VM. */
export function theVm(outcome: StepOutcome): VmOutcome {
  if (isFleet(outcome)) throw new Error('the step was about several VMs');
  return outcome;
}
