import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';

/** What the restart of one VM works with. It keeps nothing of its own beside it: several can run side by side. */
export interface Means {
  readonly clock: Clock;
  readonly controller: Controller;
  readonly log: Log;
  /** Aborts with the error to report, when the step is cancelled. */
  readonly signal: AbortSignal;
}

export interface Log {
  info(line: string): void;
  debug(line: string): void;
}

/** A question that got no usable answer: `kind` is for counting, `reason` for people. */
export interface Fault {
  readonly kind: string;
  readonly reason: string;
}

export function describeFault({ reason }: Fault): string {
  return `The controller gave no usable answer: ${reason}`;
}
