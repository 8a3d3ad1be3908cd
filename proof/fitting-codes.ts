import type { ErrorCode } from '../src/errors.ts';
import type { RunRecord, TrueReport } from './run.ts';

const SPOILED = ['answer too short', 'answer garbled', 'answer with a gap'];
const UNANSWERED = [
  'refused',
  'hangs connecting',
  'request lost',
  'request late',
  'answer lost',
  'answer late',
  'answer cut',
  'answer in pieces',
  'storm',
  'late storm',
  'controller restart',
];

/** Whether what happened can be called so. */
type Fit = (run: RunRecord) => boolean;

/** For each code, whether what happened can be called that. */
export const FITS: Readonly<Record<ErrorCode, Fit>> = {
  invalid_input: () => false,
  internal_error: () => false,
  authentication_failed: (run) => happened(run, 'denied') || run.deniedInRow > 1,
  permission_denied: (run) => happened(run, 'HTTP 403'),
  protocol_error: (run) => happened(run, 'HTTP 302', 'HTTP 400', 'HTTP 404', ...SPOILED),
  controller_unreachable: (run) => happened(run, ...UNANSWERED, 'HTTP 401', 'sessions end'),
  instance_not_found: (run) => happened(run, 'terminate', 'replace', ...SPOILED) || flaps(run),
  ambiguous_target: (run) =>
    run.scenario.step.targetBy === 'external_id' && happened(run, 'namesake', 'replace'),
  not_running: (run) => !wasHealthy(run) || happened(run, 'terminate', 'replace', ...SPOILED),
  cannot_verify: (run) => mayLackDates(run) || happened(run, ...SPOILED),
  restart_unsupported: (run) => happened(run, 'HTTP 404'),
  restart_refused: (run) => run.posts.some(({ reply }) => reply === 'refused'),
  vm_failed: (run) => !wasHealthy(run) || happened(run, 'terminate', 'replace'),
  timed_out: (run) => run.posts.length > 0 && run.endedAt >= run.startedAt + run.scenario.step.timeoutMs,
  cancelled: (run) => run.cancelledAt !== undefined,
  // The step runs elsewhere, and the runner is registered all the time.
  self_restart: () => false,
  runner_not_found: (run) => happened(run, ...SPOILED),
  runner_busy: ({ runner }) => runner !== undefined && runner.jobs.length > 0,
  runner_not_back: ({ outcome }) => outcome.restarted === 'true',
  github_api_failed: (run) => happened(run, 'denied', 'quota used up', ...SPOILED, ...UNANSWERED),
};

function happened({ faults }: RunRecord, ...some: readonly string[]): boolean {
  return some.some((fault) => faults.has(fault));
}

function mayLackDates({ scenario: { world } }: RunRecord): boolean {
  return world.controllerVersion === '1.43.0' || world.datelessMs !== 0;
}

function flaps({ scenario: { world } }: RunRecord): boolean {
  return world.controllerVersion < '1.47';
}

/** Whether the agent never reported anything but a VM that is Started and running. */
function wasHealthy({ reports }: RunRecord): boolean {
  return reports.every(isHealthy);
}

/** Whether the agent reported a VM that is Started and running. */
export function isHealthy({ state, power }: TrueReport): boolean {
  return state === 'Started' && power === 'running';
}
