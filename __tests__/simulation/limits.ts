import { isRecord } from '../../src/http/json.ts';
import type { VmRecord } from './record.ts';
import type { RestartPost } from './recorder.ts';
import type { Scenario } from './scenario.ts';

/*
 * When a step must end, even if its process was suspended; and what an answer to the restart request proves. Moments are milliseconds
 * on the clock's scale.
 */

/** How much longer than `timeout` a step may take, in milliseconds. */
export const END_MS = 2_000;
/** How long the step looks for evidence of a restart that was refused, perhaps by a gateway: three heartbeats. */
const EVIDENCE_MS = 15_000;
/** The time that must be left to verify a restart when it is sent: this, or the share of the timeout if that is less. */
const PROOF_MS = 10_000;
const PROOF_SHARE = 1 / 5;

/** With less time than this left, another attempt is not worth it. */
export const SHORTEST_TRY_MS = 500;

/** The latest moment for a restart to leave, if the step does not wait for a runner. */
export function sendBy({ startedAt, scenario: { step } }: VmRecord): number {
  return startedAt + step.timeoutMs - Math.min(PROOF_MS, step.timeoutMs * PROOF_SHARE);
}

/**
 * When the last poll of the VM is due. `timeout` does not run while the step waits for a runner or a slot; then the deadline is derived
 * from when the step gave up.
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

/** The limit, or when the step woke, if it was suspended at the limit or just before it. */
export function limitOf({ suspensions }: Pick<VmRecord, 'suspensions'>, limit: number): number {
  return suspensions.reduce((latest, { from, until }) => {
    return from <= latest + END_MS ? Math.max(latest, until) : latest;
  }, limit);
}

/** The first version that knows the restart request. */
const FIRST_WITH_RESTARTS = '1.44';

/**
 * Whether the answer proves that nothing was carried out: a 401 or 429, or the controller's own refusal. With the scenario given, so does
 * a 404 of a version that lacks the request, whether or not the step could read the version.
 */
export function isCertain({ answer }: RestartPost, scenario?: Scenario): boolean {
  if (answer === undefined) return false;
  const { status, body } = answer;
  if (status === 401 || status === 429) return true;
  if (status < 500 && isRecord(body) && body['status'] === 'FAIL') return true;
  return status === 404 && scenario !== undefined && scenario.world.controllerVersion < FIRST_WITH_RESTARTS;
}

/** Whether it was refused, perhaps by a gateway, so that it may have been carried out. */
export function isRejected(post: RestartPost): boolean {
  if (post.answer === undefined || isCertain(post)) return false;
  const { status } = post.answer;
  return status >= 300 && status < 500 && status !== 408;
}
