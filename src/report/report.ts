import { types } from 'node:util';
import { ActionError, causeChain, describeCause } from '../errors.ts';
import { isFleet, type StepOutcome } from '../fleet/fleet-outcome.ts';
import { fleetError } from './fleet-error.ts';
import { setOutputs } from './outputs.ts';
import type { Terminal } from './terminal.ts';
import { titleOf } from './title.ts';

/**
 * Sets every output; then prints the one error annotation, if there is anything to print. Outputs that cannot be written are an
 * error, too: later steps would take them for empty.
 * @returns whether all is well.
 */
export function report(outcome: StepOutcome, terminal: Terminal): boolean {
  // First the outputs: printing blocks where nobody reads what is printed.
  const problem = problemWithOutputs(outcome, terminal);
  const error = errorOf(outcome, terminal);
  const title = titleOf(outcome);
  if (problem !== undefined) {
    const message = `The outputs could not be written: ${describeCause(problem)}.`;
    const both = error === undefined ? message : `${error.message}\n${message}`;
    const unwritten = new ActionError('internal_error', both, { cause: problem, ...hintOf(error) });
    reportError(unwritten, { terminal, title: `${title}, outputs not written` });
  } else if (error !== undefined) {
    reportError(error, { terminal, title });
  }
  return problem === undefined && error === undefined;
}

/** Whether there is no time for a long report: the step is at the end of its own, or was cancelled. */
export function isHurried(outcome: StepOutcome): boolean {
  const errors = isFleet(outcome) ? outcome.vms.map(({ error }) => error) : [outcome.error];
  return errors.some((error) => error?.code === 'cancelled' || error?.code === 'timed_out');
}

/** One error, which tells of all that failed. */
function errorOf(outcome: StepOutcome, { clean }: Terminal): ActionError | undefined {
  return isFleet(outcome) ? fleetError(outcome, clean) : outcome.error;
}

function problemWithOutputs(outcome: StepOutcome, terminal: Terminal): unknown {
  try {
    setOutputs(outcome, terminal);
    return undefined;
  } catch (problem) {
    return problem;
  }
}

function hintOf(error: ActionError | undefined): { hint?: string } {
  return error?.hint === undefined ? {} : { hint: error.hint };
}

/** Stacks and causes to the debug log, and the one error annotation. */
export function reportError(
  error: ActionError,
  { terminal, title }: { terminal: Terminal; title: string },
): void {
  for (const link of causeChain(error)) {
    for (const line of stackOf(link).split('\n')) terminal.debug(line);
  }
  terminal.error(title, error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
}

function stackOf(thrown: unknown): string {
  return types.isNativeError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown);
}
