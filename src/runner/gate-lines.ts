// What the log and the errors say about the runners in one VM before the restart. Pure.

import { minutes } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { describeRunner, type Runner } from '../github/runner.ts';
import type { FailedAttempt } from '../log.ts';
import type { Occupancy } from './occupancy.ts';
import type { GateRules, WhenBusy } from './runner-options.ts';

export interface Seen {
  readonly state: Occupancy;
  /** The runners in the last usable answer. */
  readonly current: readonly Runner[];
}

/** What GitHub shows, and what the gate does next. */
export function describeOccupancy(
  seen: Seen,
  { whenBusy, idleForMs }: Pick<GateRules, 'whenBusy' | 'idleForMs'>,
): string {
  const { state } = seen;
  const what = describeSeen(seen);
  switch (state.kind) {
    case 'unread':
    case 'online':
    case 'unconfirmed':
      return what;
    case 'registering':
      return `${what}, but one may still register, because the VM has just booted; waiting`;
    case 'absent':
      return `${what}; making sure`;
    case 'idle':
      return `${what}${describeStretch(state.stretch.registrations === 'gone' ? 0 : idleForMs)}: no job is running on it`;
    case 'settling':
      return `${what}; making sure, because GitHub shows a new job late`;
    case 'busy':
      return `${what}${BUSY_NOW[whenBusy]}`;
    case 'unknown':
      return `${describeUnknown(state)}; asking again`;
  }
}

function describeStretch(ms: number): string {
  return ms === 0 ? '' : `, and has been for ${minutes(ms)}`;
}

export function describeUnknown({ about, job, refused }: Extract<Occupancy, { kind: 'unknown' }>): string {
  if (refused !== undefined) return `GitHub refuses to list the jobs in progress: ${refused}`;
  if (job === undefined) return NO_ANSWER_ABOUT[about];
  return `Job "${job.name}" of run ${job.runId} is in progress and may be on this runner: GitHub does not say on which one it runs`;
}

const NO_ANSWER_ABOUT = {
  runners: 'GitHub gave no usable answer about the runner',
  jobs: 'GitHub gave no usable answer about the jobs in progress',
} as const;

const BUSY_NOW: Readonly<Record<WhenBusy, string>> = {
  wait: '; waiting for its job to end',
  fail: '',
  skip: '; the VM is left alone, as when_busy says',
  ignore: '',
};

/** As last seen, e.g. `Runner "mac-7" (ID 12) is online, busy`. */
export function describeSeen({ state, current }: Seen): string {
  const job = state.kind === 'busy' && typeof state.job === 'object' ? state.job : undefined;
  const and = current.some(({ isBusy }) => isBusy) ? 'and' : 'but';
  const working =
    job === undefined ? '' : `, ${and} job "${job.name}" of run ${job.runId} is in progress on it`;
  const [only, ...others] = current;
  if (only === undefined)
    return `${NOT_REGISTERED[state.kind] ?? 'The runner is no longer registered'}${working}`;
  const is = job === undefined ? 'is' : 'is shown';
  if (others.length === 0)
    return `Runner "${only.name}" (ID ${only.id}) ${is} ${describeRunner(only)}${working}`;
  const each = current.map((runner) => `"${runner.name}" (ID ${runner.id}) ${is} ${describeRunner(runner)}`);
  return `Runner ${each.join(', runner ')}${working.replace(/it$/, 'one of them')}`;
}

const NOT_REGISTERED: Partial<Record<Occupancy['kind'], string>> = {
  registering: 'No runner is registered',
  unknown: 'No registered runner is known',
};

/**
 * The wait for an idle VM is over, or `when_busy` allows none. Only a person can fix a runner that is busy although GitHub lists no job for it.
 * @param tally of the reads so far.
 */
export function stillBusyError(seen: Seen, whenBusy: WhenBusy, tally: string): ActionError {
  const hasWaited = whenBusy === 'wait';
  const [waited, reads] = hasWaited
    ? [', and still was when busy_timeout expired', ` Reads: ${tally}.`]
    : ['', ''];
  const isUnlisted = seen.state.kind === 'busy' && seen.state.job === 'none';
  const unlisted = isUnlisted ? '; GitHub lists no job for it in the repository whose jobs are read' : '';
  if (seen.state.kind !== 'busy') return neverSettledError(seen);
  const hint = isUnlisted
    ? UNLISTED
    : hasWaited
      ? `${END_IT}, or raise busy_timeout.`
      : `${END_IT}, or set when_busy: wait.`;
  return new ActionError(
    'runner_busy',
    `${describeSeen(seen)}${waited}${unlisted}. No restart was sent.${reads}`,
    { hint },
  );
}

/** The reads showed no job, but never for long enough. */
function neverSettledError(seen: Seen): ActionError {
  if (seen.state.kind === 'registering') return neverRegisteredError();
  const message = `${describeSeen(seen)}, but registered again and again, so it was not seen idle for all of idle_for. No restart was sent.`;
  return new ActionError('runner_busy', message, {
    hint: 'If it takes one job per registration, set runner_ephemeral: true; otherwise, lower idle_for.',
  });
}

function neverRegisteredError(): ActionError {
  const message =
    'No runner registered, because the VM booted again and again while the step waited. No restart was sent.';
  return new ActionError('runner_not_found', message, {
    hint: 'Check the VM and its node in the controller.',
  });
}

/** Under its new name, the VM may have another runner, about which the reads so far say nothing. */
export function renamedError(before: string, now: string): ActionError {
  const message = `The VM's names changed during the step: runner_name meant "${before}" and now means "${now}". No restart was sent.`;
  return new ActionError('runner_not_found', message, { hint: 'Run the step again.' });
}

const END_IT = 'Wait until the job has ended (with needs or concurrency)';
const UNLISTED =
  'If it runs no job of another repository either, what GitHub shows is out of date: remove the registration and register the runner again, or set when_busy: ignore.';

/** @param tally of the reads so far. @param lastFault why GitHub last gave no usable answer. */
export function notKnownError(
  state: Occupancy,
  tally: string,
  lastFault: FailedAttempt | undefined,
): ActionError {
  const { reason, hint } = whyNotKnown(state) ?? {
    reason: lastFault && `The last error: ${lastFault.reason}`,
    hint: lastFault?.hint ?? 'Check githubstatus.com and the debug log of this step.',
  };
  const why = reason === undefined ? '' : ` ${reason}.`;
  const message = `GitHub does not say whether a job runs on the runner, so no restart was sent.${why} Reads: ${tally}.`;
  return new ActionError('github_api_failed', message, { hint });
}

function whyNotKnown(state: Occupancy) {
  if (state.kind !== 'unknown' || (state.job ?? state.refused) === undefined) return undefined;
  const hint =
    state.job === undefined
      ? 'Give jobs_token or github_token "Actions: read".'
      : 'Check that job: cancel it if it is stuck, or set when_busy: ignore.';
  return { reason: describeUnknown(state), hint };
}

/** @param missing the error that says which runner does not exist, and which ones do. */
export function notFoundError(
  missing: ActionError,
  { isEphemeral }: Pick<GateRules, 'isEphemeral'>,
): ActionError {
  const other = isEphemeral
    ? 'No runner in this scope matches runner_name for any live VM, so runner_scope may be wrong, and the step cannot conclude that this runner is gone. If the scope is right, every runner has had its job: check on GitHub that no job runs in these VMs, and restart them once without runner_name. If the runner is persistent, remove runner_ephemeral.'
    : 'If it takes one job per registration, set runner_ephemeral: true.';
  return new ActionError(missing.code, missing.message, { hint: `${missing.hint ?? ''} ${other}`.trim() });
}

export function allOfflineError(): ActionError {
  return new ActionError(
    'github_api_failed',
    'GitHub shows the runners of all live VMs offline, which is more likely a problem at GitHub than in the VMs, so no restart was sent.',
    {
      hint: 'Check githubstatus.com and the network of the VMs; run the step again, or restart them with restart_if: always.',
    },
  );
}
