import { minutes } from '../clock.ts';
import { countKinds, type MemberOutcome } from './fleet-outcome.ts';
import type { Phase } from './turns.ts';

/** Where a fleet stands; moments are milliseconds on the clock's scale. */
export interface FleetProgress {
  /** Those whose end is known. */
  readonly ended: readonly MemberOutcome[];
  readonly phases: readonly Phase[];
  readonly places: number;
}

/** e.g. `12 of 40 restarted, 3 under way, 2 failed, 23 to go, about 4 min left`. Pure. */
export function describeProgress(progress: FleetProgress): string {
  const { ended, phases } = progress;
  const counts = countKinds(ended);
  const failed = counts.failed + counts.unknown;
  const underWay = phases.filter((phase) => phase === 'under way').length;
  const toGo = phases.length - ended.length - underWay;
  const leftMs = estimateMs(progress, { underWay, toGo });
  const parts = [
    `${counts.restarted} of ${phases.length} restarted`,
    `${underWay} under way`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
    ...(counts.not_started > 0 ? [`${counts.not_started} not started`] : []),
    `${toGo} to go`,
    ...(leftMs === undefined ? [] : [`about ${roughly(leftMs)} left`]),
  ];
  return parts.join(', ');
}

/** By what those took that were restarted. Undefined where none was, or jobs are waited for: nobody knows how long they run. */
function estimateMs(
  { ended, phases, places }: FleetProgress,
  { underWay, toGo }: { readonly underWay: number; readonly toGo: number },
): number | undefined {
  const tookMs = ended.flatMap(({ moments: { cleared, sent }, endedAt, restarted }) => {
    const beganAt = cleared ?? sent;
    return restarted === 'true' && beganAt !== undefined && endedAt !== undefined ? [endedAt - beganAt] : [];
  });
  const isOpen = phases.some((phase) => phase === 'waiting' || phase === 'preparing');
  if (tookMs.length === 0 || isOpen || toGo + underWay === 0) return undefined;
  const meanMs = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
  // Who is under way is half through, on average.
  const rounds = (toGo + underWay / 2) / Math.min(places, toGo + underWay);
  return meanMs * Math.max(rounds, 1 / 2);
}

const MINUTE_MS = 60_000;
const STEP_MS = 10_000;

/** In tens of seconds below a minute and a half, else in minutes. */
function roughly(ms: number): string {
  const stepMs = ms < 1.5 * MINUTE_MS ? STEP_MS : MINUTE_MS;
  return minutes(Math.max(1, Math.round(ms / stepMs)) * stepMs);
}
