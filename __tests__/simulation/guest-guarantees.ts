import { LASTING_EVENTS } from './events.ts';
import type { Check } from './guarantees.ts';
import { END_MS, limitOf } from './limits.ts';
import type { VmRecord } from './record.ts';
import type { Scenario } from './scenario.ts';

/** `up` is claimed only if this VM's own guest had been up since the verified boot. */
export const wrongUp: Check = (run) => {
  const { outcome, guest, suspensions } = run;
  if (outcome.guest?.status !== 'up' || guest === undefined) return undefined;
  const { upAt = run.endedAt } = outcome.guest;
  const suspendedMs = suspensions.reduce((sum, { from, until }) => sum + until - from, 0);
  const heardFrom = upAt - CLAIMED_WITHIN_MS - suspendedMs;
  const heard = guest.greetings.filter(({ at }) => at <= upAt && at >= heardFrom);
  if (heard.length === 0) return '"up" though no server ever sent a banner';
  const ambiguous = heard.filter(({ at }) => isAmbiguous(run, at));
  const own = heard.filter(({ instanceId }) => instanceId === run.instanceId);
  if (own.length + ambiguous.length === 0) return '"up" of a guest that never sent a banner';
  const isUp = own.some(({ at }) =>
    guest.stretches.some(({ bootedAt, from }) => bootedAt >= provedBootAt(run) && from <= at),
  );
  return isUp || ambiguous.length > 0 ? undefined : '"up" of a guest that was not';
};

/** The longest time from a banner to the claim: the VM is read again, which may fail for as long as `guest_timeout`. A suspension adds to it. */
const CLAIMED_WITHIN_MS = 120_000;

/** When the boot that the proof shows really happened. */
function provedBootAt({ outcome: { proof }, reports }: VmRecord): number {
  const startDateMs = proof?.startDate && Number(proof.startDate.epochNanoseconds / 1_000_000n);
  const report = reports.find((one) => one.startDateMs === startDateMs);
  return report?.bootedAt ?? Number.POSITIVE_INFINITY;
}

/** Whether no client could tell whose guest it was: at the banner, not every replica had a report since the VM's last change. */
function isAmbiguous({ guest, reports, scenario }: VmRecord, greetedAt: number): boolean {
  const changedAt = Math.max(...(guest?.changes ?? []).filter((at) => at <= greetedAt));
  return !reports.some(({ at }) => at >= changedAt && at + lagMs(scenario) <= greetedAt);
}

function lagMs({ replicas: { count, lagMs } }: Scenario): number {
  return count > 1 ? lagMs : 0;
}

/** For reads, connections and the pauses between them; the rest is for a late heartbeat. */
const ATTEMPTS_MS = 30_000;
const HEARTBEATS = 3;

/** The step does not give up on a guest that was up and reachable for long enough. */
export const lostGuest: Check = (run) => {
  const { outcome, guest, scenario, faults, startedAt } = run;
  const { verified = 0 } = outcome.moments;
  if (outcome.error?.code !== 'guest_not_up' || guest === undefined || scenario.guest === undefined)
    return undefined;
  const last = guest.stretches.at(-1);
  const isReachable = scenario.guest.isReachable && last?.until === Number.POSITIVE_INFINITY;
  const isCalm = !['suspended', 'clock', ...LASTING_EVENTS].some((fault) => faults.has(fault));
  if (!isReachable || !isCalm || !run.isUp) return undefined;
  const settledAt = Math.max(last.from, startedAt + scenario.faultsEndAfterMs, ...guest.changes);
  return settledAt + allowanceMs(run) < verified + scenario.guest.timeoutMs
    ? 'the step gave up on a guest that was up'
    : undefined;
};

function allowanceMs({ scenario }: VmRecord): number {
  const { world, step, network } = scenario;
  const reportMs = (world.datelessMs ?? 0) + HEARTBEATS * world.heartbeatMs * (1 + world.heartbeatJitter);
  return reportMs + lagMs(scenario) + step.requestTimeoutMs + 20 * network.latencyMs + ATTEMPTS_MS;
}

/** The wait for the guest ends in time, after a last attempt. */
export const lateGuest: Check = (run) => {
  const { outcome, scenario, endedAt, lastBegunAt, cancelledAt } = run;
  const { verified } = outcome.moments;
  if (scenario.guest === undefined || verified === undefined || outcome.guest === undefined) return undefined;
  const deadline = verified + scenario.guest.timeoutMs;
  const guestEndedAt = outcome.guest.upAt ?? endedAt;
  if (guestEndedAt > limitOf(run, deadline) + END_MS) return 'the wait for the guest ended late';
  const isDue = outcome.error?.code === 'guest_not_up' && !isEarly(run) && scenario.runner === undefined;
  return isDue && cancelledAt === undefined && lastBegunAt < deadline
    ? 'there was no last attempt to reach the guest'
    : undefined;
};

/** Whether the step gave up on the guest before `guest_timeout`. */
export function isEarly({ outcome: { moments }, scenario, endedAt }: VmRecord): boolean {
  return endedAt < (moments.verified ?? 0) + (scenario.guest?.timeoutMs ?? 0);
}

/** How much longer a step may take because of the guest. */
export function guestMs({ scenario: { guest } }: VmRecord): number {
  return guest === undefined ? 0 : guest.timeoutMs + END_MS;
}
