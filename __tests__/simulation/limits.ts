import { isRecord } from '../../src/http/json.ts';
import type { VmRecord } from './run.ts';
import type { Scenario } from './scenario.ts';
import type { RestartPost } from './testbed.ts';

/*
 * Until when a step has time, and what becomes of it where its process was suspended; and what an answer to the restart request is
 * worth. Moments are milliseconds on the clock's scale.
 */

/** What `timeout` leaves for the end: in milliseconds. */
export const END_MS = 2_000;
/** For so long a step looks for evidence of a restart that somebody refused: three heartbeats. */
const EVIDENCE_MS = 15_000;
/** What has to be left for the proof when the restart is sent: this, or the share of the timeout, whichever is less. */
const PROOF_MS = 10_000;
const PROOF_SHARE = 1 / 5;

/** What may be left when no further try is worth it. */
export const SHORTEST_TRY_MS = 500;

/** When a restart may leave at the latest, if no runner is waited for meanwhile. */
export function sendBy({ startedAt, scenario: { step } }: VmRecord): number {
  return startedAt + step.timeoutMs - Math.min(PROOF_MS, step.timeoutMs * PROOF_SHARE);
}

/**
 * When the last look at the VM is due. While a runner or a slot is waited for, the time for the restart stands still; then it is known by
 * when the step gave up.
 */
export function deadlineOf({ startedAt, endedAt, scenario, outcome, posts, isAlone }: VmRecord): number {
  const hasWaited = scenario.runner !== undefined || !isAlone;
  const hasTimedOut = hasWaited && outcome.error?.code === 'timed_out';
  const deadline = hasTimedOut ? endedAt - END_MS : startedAt + scenario.step.timeoutMs;
  const post = posts.at(-1);
  if (post?.answer === undefined || !isRejected(post)) return deadline;
  return Math.min(deadline, post.departedAt + EVIDENCE_MS);
}

/** When the step woke, if it was suspended over that moment. */
export function wakingAt({ suspensions }: VmRecord, moment: number): number | undefined {
  return suspensions.find(({ from, until }) => from <= moment && until > moment)?.until;
}

/** The limit, or when the step woke, if it was suspended over it or while it was about to keep it. */
export function limitOf({ suspensions }: Pick<VmRecord, 'suspensions'>, limit: number): number {
  return suspensions.reduce((latest, { from, until }) => {
    return from <= latest + END_MS ? Math.max(latest, until) : latest;
  }, limit);
}

/** The first version that knows the restart request. */
const FIRST_WITH_RESTARTS = '1.44';

/**
 * Whether the step could know that nothing was carried out: by a 401 or 429, or the controller's own refusal. A version that lacks the
 * request counts if the scenario is given: whether the step could ask for the version is another matter.
 */
export function isCertain({ answer }: RestartPost, scenario?: Scenario): boolean {
  if (answer === undefined) return false;
  const { status, body } = answer;
  if (status === 401 || status === 429) return true;
  if (status < 500 && isRecord(body) && body['status'] === 'FAIL') return true;
  return status === 404 && scenario !== undefined && scenario.world.controllerVersion < FIRST_WITH_RESTARTS;
}

/** Whether somebody said no, but it is not known to be the controller, nor that nothing was carried out. */
export function isRejected(post: RestartPost): boolean {
  if (post.answer === undefined || isCertain(post)) return false;
  const { status } = post.answer;
  return status >= 300 && status < 500 && status !== 408;
}
