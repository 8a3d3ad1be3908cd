import * as core from '@actions/core';
import { isFleet, restartedOf, type StepOutcome } from '../fleet/fleet-outcome.ts';
import type { VmOutcome } from '../fleet/one-vm.ts';
import { NOTHING_DONE } from '../restart/outcome.ts';
import { resultsOf } from './results.ts';
import type { Terminal } from './terminal.ts';
import { type Show, vmOutputs } from './vm-outputs.ts';

/**
 * Every output that action.yml declares, as far as known; else empty. Those about one VM are empty where there are several.
 * @param show makes free text from outside harmless.
 */
export function outputsOf(outcome: StepOutcome, show: Show) {
  return {
    ...vmOutputs(theOnly(outcome), show),
    ...(isFleet(outcome) && { restarted: restartedOf(outcome.vms) }),
    ...resultsOf(outcome, show),
    error_code: outcome.error?.code ?? '',
  };
}

function theOnly(outcome: StepOutcome): VmOutcome {
  return isFleet(outcome) ? NOTHING_DONE : outcome;
}

/** Sets every output. @throws where the runner's file cannot be written. */
export function setOutputs(outcome: StepOutcome, terminal: Terminal): void {
  for (const [name, value] of Object.entries(outputsOf(outcome, terminal.clean))) core.setOutput(name, value);
}
