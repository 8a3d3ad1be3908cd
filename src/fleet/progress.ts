import { minutes } from '../clock.ts';
import type { Occupancy } from '../runner/occupancy.ts';
import { countKinds, listNames, type MemberOutcome } from './fleet-outcome.ts';
import type { Phase } from './turns.ts';

/** How far one VM of a fleet is. */
export interface VmProgress {
  readonly phase: Phase;
  /** What is known of it so far. */
  readonly known: MemberOutcome;
  /** What its runner was last seen to do; undefined where it never was. */
  readonly runner: Occupancy['kind'] | undefined;
}

export interface FleetProgress {
  readonly vms: readonly VmProgress[];
  readonly places: number;
  /** Milliseconds on the clock's scale. */
  readonly now: number;
}

/** e.g. `12 of 40 restarted, 3 under way, 2 failed, 23 to go, about 4 min left`. Pure. */
export function describeProgress(progress: FleetProgress): string {
  const { vms } = progress;
  const counts = countKinds(inPhase(vms, 'ended').map(({ known }) => known));
  const failed = counts.failed + counts.unknown;
  const leftMs = estimateMs(progress);
  const parts = [
    `${counts.restarted} of ${vms.length} restarted`,
    describeUnderWay(inPhase(vms, 'under way')),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
    ...(counts.not_started > 0 ? [`${counts.not_started} not started`] : []),
    describeToGo(waitingOf(vms)),
    ...(leftMs === undefined ? [] : [`about ${roughly(leftMs)} left`]),
  ];
  return parts.join(', ');
}

function inPhase(vms: readonly VmProgress[], phase: Phase): VmProgress[] {
  return vms.filter((vm) => vm.phase === phase);
}

/** Those that have not begun. */
function waitingOf(vms: readonly VmProgress[]): VmProgress[] {
  return vms.filter(({ phase }) => phase !== 'under way' && phase !== 'ended');
}

function describeUnderWay(vms: readonly VmProgress[]): string {
  const verified = vms.filter(({ known }) => known.restarted === 'true').length;
  return `${vms.length} under way${verified === 0 ? '' : ` (${verified} restarted, not yet back)`}`;
}

const MOST_NAMES = 3;

/** With what the runners are waited for, as nothing else tells why a fleet stands still. */
function describeToGo(vms: readonly VmProgress[]): string {
  const held = vms.filter(({ phase }) => phase === 'waiting');
  const busy = held.filter(({ runner }) => runner === 'busy');
  const busyNames = busy.map(({ known }) => known.name);
  const settling = held.filter(({ runner }) => runner === 'settling').length;
  const unknown = held.filter(({ runner }) => runner === 'unknown').length;
  const reasons = [
    ...(settling > 0 ? [`${settling} seen idle, but not for idle_for yet`] : []),
    ...(busy.length > 0 ? [`${busy.length} with a job: ${listNames(busyNames, MOST_NAMES)}`] : []),
    ...(unknown > 0 ? [`${unknown} that GitHub tells nothing of`] : []),
  ];
  return `${vms.length} to go${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`;
}

/** What takes so many times as long as others did is not reckoned with any more. */
const OVERDUE = 2;

/** By what those took that were restarted. Undefined where none was, where jobs are waited for, and where one takes far longer. */
function estimateMs({ vms, places, now }: FleetProgress): number | undefined {
  const tookMs = vms.flatMap(({ known }) => (known.restarted === 'true' ? durationOf(known) : []));
  const toGo = waitingOf(vms);
  const underWay = inPhase(vms, 'under way');
  const isOpen = toGo.some(({ phase }) => phase !== 'ready');
  if (tookMs.length === 0 || isOpen || toGo.length + underWay.length === 0) return undefined;
  const meanMs = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
  const goneMs = underWay.map(({ known }) => now - (beginningOf(known) ?? now));
  if (goneMs.some((ms) => ms > OVERDUE * meanMs)) return undefined;
  const leftMs = [...goneMs.map((ms) => Math.max(0, meanMs - ms)), ...toGo.map(() => meanMs)];
  const inTurnsMs = leftMs.reduce((sum, ms) => sum + ms, 0) / places;
  return Math.max(inTurnsMs, ...leftMs);
}

/** From its turn to its end; nothing as long as it has not ended. */
function durationOf(vm: MemberOutcome): number[] {
  const beganAt = beginningOf(vm);
  return beganAt === undefined || vm.endedAt === undefined ? [] : [vm.endedAt - beganAt];
}

function beginningOf({ moments: { cleared, sent } }: MemberOutcome): number | undefined {
  return cleared ?? sent;
}

const MINUTE_MS = 60_000;
const STEP_MS = 10_000;

/** In tens of seconds below a minute and a half, else in minutes. */
function roughly(ms: number): string {
  const stepMs = ms < 1.5 * MINUTE_MS ? STEP_MS : MINUTE_MS;
  return minutes(Math.max(1, Math.round(ms / stepMs)) * stepMs);
}
