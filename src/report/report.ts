import { types } from 'node:util';
import { type ActionError, causeChain } from '../errors.ts';
import { setOutputs } from './outputs.ts';
import { type StepOutcome, titleOf } from './step-outcome.ts';
import type { Terminal } from './terminal.ts';

/** Sets every output; then, on failure, prints the one error annotation. @throws where the outputs cannot be written. */
export function report(outcome: StepOutcome, terminal: Terminal): void {
  const print = () => {
    if (outcome.error !== undefined) reportError(outcome.error, { terminal, title: titleOf(outcome) });
  };
  try {
    // First: printing blocks where nobody reads what is printed.
    setOutputs(outcome, terminal);
  } finally {
    print();
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
