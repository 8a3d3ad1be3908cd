import type { ErrorCode } from '../../src/errors.ts';
import { DAMAGES } from './damaged-answers.ts';
import { isEarly } from './guest-guarantees.ts';
import { SHORTEST_TRY_MS, sendBy } from './limits.ts';
import type { VmRecord } from './record.ts';
import type { TrueReport } from './recorder.ts';
import { REQUEST_FAULTS } from './request-faults.ts';
import { hasSeveralRunners, MISTAKES } from './scenario.ts';
import { START } from './stage.ts';

const DAMAGED = Object.keys(DAMAGES);
/** The controller or a gateway refused a request. */
export const DENIED = ['denied', 'denied briefly', 'denied late'] as const;
const HARMLESS: readonly string[] = [...DENIED, ...DAMAGED, 'answer encoded'];
/** With every other fault of a request, its answer never reaches the step, or too late. */
const UNANSWERED = [
  ...Object.keys(REQUEST_FAULTS).filter((fault) => !HARMLESS.includes(fault)),
  'controller restart',
  'dead connection',
  'hanging handshake',
  'sick replica',
  'slow process',
  'restart blocked',
  'suspended',
  'jobs unavailable',
  'unknown name',
  'untrusted certificate',
  'no TLS there',
];

/** Statuses that are not answers of this API. */
const REJECTED = ['HTTP 302', 'HTTP 400', 'HTTP 404', 'HTTP 405'];

/** Whether the code fits what happened. */
type IsFitting = (run: VmRecord) => boolean;

/** For each code, whether it fits what happened. */
export const FITTING: Readonly<Record<ErrorCode, IsFitting>> = {
  invalid_input: () => false,
  job_not_found: () => false,
  internal_error: () => false,
  authentication_failed: (run) => happened(run, ...DENIED, 'FAIL to everything') || run.mostDenied > 1,
  permission_denied: (run) => happened(run, 'HTTP 403'),
  protocol_error: (run) => happened(run, ...REJECTED, ...DAMAGED, 'login page', 'FAIL to everything'),
  controller_unreachable: (run) => happened(run, ...UNANSWERED, 'HTTP 401', 'sessions end') || isCutOff(run),
  instance_not_found: (run) =>
    !run.named.has(run.instanceId) ||
    happened(run, 'terminate', 'replace', ...DAMAGED) ||
    (run.scenario.step.targetBy === 'external_id' && happened(run, 'rename')) ||
    isNewToReplicas(run) ||
    flaps(run),
  // A runner that registers again while the pages of the list are read can be on two of them, under two IDs.
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
  self_restart: ({ scenario }) => scenario.runsInVm !== undefined,
  runner_not_found: (run) => happened(run, 'pages that shift', 'GitHub refuses', 'rename', ...DAMAGED),
  // GitHub confirms an earlier answer by its ETag, even if that answer lost fields of a job on the way.
  runner_busy: (run) => happened(run, 'wrong GitHub data', ...DAMAGED) || hadJob(run),
  runner_not_back: ({ outcome }) => outcome.restarted === 'true',
  guest_not_up: (run) =>
    run.outcome.restarted === 'true' &&
    run.scenario.guest !== undefined &&
    (!isEarly(run) || !wasHealthy(run) || happened(run, 'terminate', 'replace', ...DAMAGED)),
  github_api_failed: (run) =>
    hidesRunnerOfJob(run) ||
    readsIncompleteLists(run) ||
    happened(
      run,
      'denied',
      'GitHub refuses',
      'wrong GitHub data',
      'quota used up',
      ...DAMAGED,
      ...UNANSWERED,
    ),
};

/** Whether a namesake began so late that a lagging replica may not have had it at the end. */
function isNewToReplicas({ scenario: { events, replicas }, endedAt }: VmRecord): boolean {
  return events.some(
    ({ kind, afterMs }) => kind === 'namesake' && endedAt - START - afterMs < replicas.lagMs,
  );
}

function hadJob({ runners }: VmRecord): boolean {
  return runners.some(({ jobs }) => jobs.length > 0);
}

/**
 * Several runners in a VM are read from the list. One whose pages keep shifting while they are read may never be whole; nor is one that says
 * that it has more.
 */
export function readsIncompleteLists(run: VmRecord): boolean {
  const hasTooFew = run.scenario.runner?.longList?.totals === 'too large';
  return hasSeveralRunners(run.scenario) && (hasTooFew || happened(run, 'pages that shift'));
}

/** Whether GitHub did not say at first on which runner a job was: it could be another VM's. */
function hidesRunnerOfJob(run: VmRecord): boolean {
  return (run.scenario.runner?.hidesRunnerMs ?? 0) > 0 && happened(run, 'job');
}

/** Whether the deadline cut off the last attempt, which hides why earlier ones failed. */
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

/** Whether every report showed the VM Started and running. */
function wasHealthy({ reports }: VmRecord): boolean {
  return reports.every(isHealthy);
}

/** Whether the report shows the VM Started and running. */
export function isHealthy({ state, power }: TrueReport): boolean {
  return state === 'Started' && power === 'running';
}
