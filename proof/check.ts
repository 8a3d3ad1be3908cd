import { encodings } from '../src/redactor.ts';
import type { RunRecord } from './run.ts';

/** What `timeout` and a signal leave for the end: in milliseconds. */
const END_MS = 2_000;
const CANCEL_MS = 1_000;
/** Clocks and dates in whole seconds blur the moment of a boot. */
const BOOT_BLUR_MS = 3_000;
/** What a boot before the restart may lack in age to be told from one after it. */
const FOREIGN_BLUR_MS = 20_000;

/** The promises that a run broke, in words; empty for none. */
export function brokenPromises(run: RunRecord): string[] {
  const checks: readonly [string, boolean][] = [
    ['false success: "true" without a boot since the restart was sent', isFalseSuccess(run)],
    [
      'more than one restart was carried out',
      run.restartRequests.filter(({ isTaken }) => isTaken).length > 1,
    ],
    ['false failure: it had healed in time', isFalseFailure(run)],
    ['it ended late', run.endedAt > run.startedAt + run.malice.timeoutMs + END_MS],
    [
      'it ended late after the signal',
      run.cancelledAt !== undefined && run.endedAt > run.cancelledAt + CANCEL_MS,
    ],
    ['"false" though the controller took the restart', run.outcome.restarted === 'false' && isTaken(run)],
    [
      '"unknown" though nothing was ever sent',
      run.outcome.restarted === 'unknown' && run.sentAt === undefined,
    ],
    ['an internal error', run.outcome.error?.code === 'internal_error'],
    ['a secret was written', run.secrets.flatMap(encodings).some((form) => run.written.includes(form))],
    [
      'success with an error, or failure without',
      (run.outcome.restarted === 'true') !== (run.outcome.error === undefined),
    ],
  ];
  return checks.filter(([, isBroken]) => isBroken).map(([promise]) => promise);
}

function isTaken({ restartRequests }: RunRecord): boolean {
  return restartRequests.some((request) => request.isTaken);
}

/**
 * Narrowed by what nobody can tell. A report can be as old, when it is seen, as a heartbeat and the lag of a replica
 * together: so long before the restart somebody else's boot can have been, and still look like ours. And where the node's
 * clock was set meanwhile, its dates prove nothing.
 */
function isFalseSuccess({ outcome, sentAt, boots, faults, malice, skewMs }: RunRecord): boolean {
  if (outcome.restarted !== 'true') return false;
  const wasBootedByOthers = faults.includes('foreign restart') || malice.restartedBeforeMs !== undefined;
  if (faults.includes('clock') && wasBootedByOthers) return false;
  const { heartbeatMs, heartbeatJitter } = malice.world;
  const oldestReportMs = heartbeatMs * (1 + heartbeatJitter) + malice.replicas.lagMs;
  const blurMs = BOOT_BLUR_MS + (wasBootedByOthers ? oldestReportMs + FOREIGN_BLUR_MS : 0);
  if (sentAt === undefined || !boots.some((boot) => boot >= sentAt - blurMs)) return true;
  const claimedAt = Number((outcome.last?.startDate?.epochNanoseconds ?? 0n) / 1_000_000n) - skewMs;
  return !faults.includes('clock') && claimedAt < sentAt - blurMs;
}

const FATAL = ['doom', 'terminate', 'foreign restart'];

/** The restart was taken, the VM came back, nothing went wrong any more, and there was time enough to see it. */
function isFalseFailure(run: RunRecord): boolean {
  const { outcome, malice, startedAt, boots, faults, cancelledAt } = run;
  if (outcome.restarted === 'true' || cancelledAt !== undefined) return false;
  if (faults.some((fault) => FATAL.includes(fault)) || !isTaken(run)) return false;
  const takenAt = run.restartRequests.find((request) => request.isTaken)?.at ?? Number.POSITIVE_INFINITY;
  const bootedAt = boots.find((boot) => boot >= takenAt) ?? Number.POSITIVE_INFINITY;
  const silence = malice.events
    .filter(({ kind }) => kind === 'silence')
    .map(({ afterMs, forMs }) => afterMs + forMs);
  const calmAt = Math.max(
    startedAt + malice.healsAfterMs,
    bootedAt,
    ...silence.map((end) => startedAt + end),
  );
  const pollMs = malice.pollInterval === 'auto' ? 1_000 : malice.pollInterval;
  const seenBy =
    calmAt +
    3 * 2 * malice.world.heartbeatMs +
    malice.replicas.lagMs +
    malice.requestTimeoutMs +
    pollMs +
    8_000;
  return seenBy < startedAt + malice.timeoutMs;
}
