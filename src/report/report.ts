import { types } from 'node:util';
import { ActionError, causeChain, describeCause } from '../errors.ts';
import type { StepOutcome } from '../fleet/step-outcome.ts';
import { stepError, titleOf } from './conclusion.ts';
import { setOutputs } from './outputs.ts';
import type { Terminal } from './terminal.ts';

/**
 * Sets every output; then prints the one error annotation, if there is an error. Outputs that cannot be written are also an
 * error: later steps would treat them as empty.
 * @returns whether it succeeded.
 */
export function report(outcome: StepOutcome, terminal: Terminal): boolean {
  // Outputs come first: printing blocks if nothing reads the log.
  const problem = problemWithOutputs(outcome, terminal);
  const error = stepError(outcome, terminal.clean);
  const title = titleOf(outcome);
  if (problem !== undefined) {
    const message = `The outputs could not be written: ${describeCause(problem)}.`;
    const both = error === undefined ? message : `${error.message}\n${message}`;
    const hint = error?.hint === undefined ? {} : { hint: error.hint };
    const unwritten = new ActionError('internal_error', both, { cause: problem, ...hint });
    reportError(unwritten, { terminal, title: `${title}, outputs not written` });
  } else if (error !== undefined) {
    reportError(error, { terminal, title });
  }
  return problem === undefined && error === undefined;
}

/** Whether there is no time for a long report: the step has used up its time, or was cancelled. */
export function isHurried({ vms, error }: StepOutcome): boolean {
  const errors = [error, ...vms.map((vm) => vm.error)];
  return errors.some((each) => each?.code === 'cancelled' || each?.code === 'timed_out');
}

function problemWithOutputs(outcome: StepOutcome, terminal: Terminal): unknown {
  try {
    setOutputs(outcome, terminal);
    return undefined;
  } catch (problem) {
    return problem;
  }
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
