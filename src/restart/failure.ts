import type { Instance } from '../controller/instance.ts';
import { isTerminal, looksFailed } from '../controller/instance.ts';
import { isNewer, type Observation } from './ordering.ts';

// When a VM that looks failed has failed. Controllers before 1.47 and 1.49 briefly show Error, absence and `deleted` during a restart
// that succeeds. So a run of answers counts: it must last, and newer reports must confirm it.
//
// | answer | what it does to the run |
// | --- | --- |
// | newer or as new: looks well | ends it |
// | newer or as new: looks failed, or is absent | begins it, or continues it |
// | the same, after a gap of GAP_MS without an answer | begins it again: the VM may have been well in between |
// | the same, with a newer report, or absent | also confirms it |
// | older than one before: looks well | begins it again: a short failure would look the same |
// | older than one before: looks failed | nothing |
//
// Terminating and Terminated are final: two such answers are enough, whatever comes between.

/** An unbroken run of answers that showed the VM failed. */
export interface FailureRun {
  /** When it began, in milliseconds on the clock's scale. */
  readonly since: number;
  /** Answers after the first that showed a newer report. The same report again confirms nothing. */
  readonly confirmations: number;
  /** Answers with Terminating or Terminated. */
  readonly terminal: number;
}

/** A failure that lasts this long is final: in milliseconds. */
export const FAILED_AFTER_MS = 30_000;
const CONFIRMATIONS = 2;
/** Two heartbeats: in milliseconds. */
const GAP_MS = 10_000;

/** After an answer that is older than one before. */
export function afterOlderAnswer(
  run: FailureRun | undefined,
  { answeredAt }: Observation,
  older: Instance,
): FailureRun | undefined {
  if (run === undefined || looksFailed(older)) return run;
  return { ...run, since: answeredAt, confirmations: 0 };
}

/** After any other answer. @param newest the newest report before it. */
export function afterAnswer(
  run: FailureRun | undefined,
  observation: Observation,
  newest: Instance,
): FailureRun | undefined {
  const { askedAt, answeredAt, instance } = observation;
  if (instance !== undefined && !looksFailed(instance)) return undefined;
  const terminal = (run?.terminal ?? 0) + (instance !== undefined && isTerminal(instance) ? 1 : 0);
  const isGap = answeredAt - askedAt >= GAP_MS;
  if (run === undefined || isGap) return { since: answeredAt, confirmations: 0, terminal };
  const isConfirmed = instance === undefined || isNewer(instance, newest);
  return { since: run.since, confirmations: run.confirmations + (isConfirmed ? 1 : 0), terminal };
}

export function isFinalFailure(
  { since, confirmations, terminal }: FailureRun,
  { askedAt }: Observation,
): boolean {
  return terminal > 1 || (confirmations >= CONFIRMATIONS && askedAt - since >= FAILED_AFTER_MS);
}
