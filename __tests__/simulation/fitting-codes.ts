import type { ErrorCode } from '../../src/errors.ts';
import { DAMAGES } from './damaged-answers.ts';
import { isEarly } from './guest-guarantees.ts';
import { SHORTEST_TRY_MS, sendBy } from './limits.ts';
import type { TrueReport, VmRecord } from './run.ts';
import { MISTAKES, REQUEST_FAULTS } from './scenario.ts';

const DAMAGED = Object.keys(DAMAGES);
/** Something said no. */
export const DENIED = ['denied', 'denied in passing', 'denied late'] as const;
const HARMLESS: readonly string[] = [...DENIED, ...DAMAGED, 'answer encoded'];
/** Every other fault of a request keeps its answer from the step, at least for too long. */
const UNANSWERED = [
  ...Object.keys(REQUEST_FAULTS).filter((fault) => !HARMLESS.includes(fault)),
  'controller restart',
  'dead connection',
  'sick replica',
  'slow process',
  'restart held up',
  'suspended',
  'jobs away',
  'unknown name',
  'untrusted certificate',
  'no TLS there',
];

/** Statuses that are no answer of this API. */
const REJECTED = ['HTTP 302', 'HTTP 400', 'HTTP 404', 'HTTP 405'];

/** Whether what happened can be called so. */
type IsFitting = (run: VmRecord) => boolean;

/** For each code, whether what happened can be called that. */
export const FITTING: Readonly<Record<ErrorCode, IsFitting>> = {
  invalid_input: () => false,
  job_not_found: () => false,
  internal_error: () => false,
  authentication_failed: (run) => happened(run, ...DENIED, 'FAIL to everything') || run.mostDenied > 1,
  permission_denied: (run) => happened(run, 'HTTP 403'),
  protocol_error: (run) => happened(run, ...REJECTED, ...DAMAGED, 'login page', 'FAIL to everything'),
  controller_unreachable: (run) => happened(run, ...UNANSWERED, 'HTTP 401', 'sessions end') || isCutOff(run),
  instance_not_found: (run) =>
    !run.named.has(run.instanceId) || happened(run, 'terminate', 'replace', ...DAMAGED) || flaps(run),
  // A runner that registers anew while the pages of the list are read is on two of them, under two IDs.
  ambiguous_target: (run) =>
    (run.scenario.step.targetBy === 'external_id' && happened(run, 'namesake', 'replace')) ||
    (run.scenario.runner?.isEphemeral === true && happened(run, 'pages that shift')),
  not_running: (run) => !wasHealthy(run) || happened(run, 'terminate', 'replace', ...DAMAGED),
  cannot_verify: (run) => mayLackDates(run) || happened(run, ...DAMAGED),
  restart_unsupported: (run) => happened(run, 'HTTP 404'),
  restart_refused: (run) => run.posts.some(({ reply }) => reply === 'refused'),
  vm_failed: (run) => !wasHealthy(run) || happened(run, 'terminate', 'replace'),
  timed_out: (run) =>
    run.outcome.restarted === 'false'
      ? run.endedAt > sendBy(run) - SHORTEST_TRY_MS
      : run.endedAt >= run.startedAt + run.scenario.step.timeoutMs,
  cancelled: (run) => run.cancelledAt !== undefined,
  // The step runs elsewhere, and the runner is registered all the time.
  self_restart: () => false,
  runner_not_found: (run) => happened(run, 'pages that shift', 'GitHub refuses', ...DAMAGED),
  // GitHub confirms an answer of before by its ETag, also one that lost some fields of a job on its way.
  runner_busy: (run) =>
    happened(run, 'wrong word of GitHub', ...DAMAGED) || (run.runner?.jobs ?? []).length > 0,
  runner_not_back: ({ outcome }) => outcome.restarted === 'true',
  guest_not_up: (run) =>
    run.outcome.restarted === 'true' &&
    run.scenario.guest !== undefined &&
    (!isEarly(run) || !wasHealthy(run) || happened(run, 'terminate', 'replace', ...DAMAGED)),
  github_api_failed: (run) =>
    hidesRunnerOfJob(run) ||
    happened(
      run,
      'denied',
      'GitHub refuses',
      'wrong word of GitHub',
      'quota used up',
      ...DAMAGED,
      ...UNANSWERED,
    ),
};

/** Whether GitHub did not say for a while on which runner a job was in progress: it may be another VM's. */
function hidesRunnerOfJob(run: VmRecord): boolean {
  return (run.scenario.runner?.hidesRunnerMs ?? 0) > 0 && happened(run, 'job');
}

/** Whether the last try was cut off by the end of the time: that hides why those before it failed. */
function isCutOff(run: VmRecord): boolean {
  return run.endedAt >= run.startedAt + run.scenario.step.timeoutMs && happened(run, ...MISTAKES, ...DAMAGED);
}

function happened({ faults }: VmRecord, ...some: readonly string[]): boolean {
  return some.some((fault) => faults.has(fault));
}

function mayLackDates({ scenario: { world } }: VmRecord): boolean {
  return world.controllerVersion === '1.43.0' || world.datelessMs !== 0;
}

function flaps({ scenario: { world } }: VmRecord): boolean {
  return world.controllerVersion < '1.47';
}

/** Whether the agent never reported anything but a VM that is Started and running. */
function wasHealthy({ reports }: VmRecord): boolean {
  return reports.every(isHealthy);
}

/** Whether the agent reported a VM that is Started and running. */
export function isHealthy({ state, power }: TrueReport): boolean {
  return state === 'Started' && power === 'running';
}
