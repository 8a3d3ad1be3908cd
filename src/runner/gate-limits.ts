// How long the gate waits for a busy runner, how long GitHub may give no usable answer, and how often the gate reads until then. Pure.
//
// | the VM is             | the step waits for it until                                                       |
// | --------------------- | --------------------------------------------------------------------------------- |
// | busy                  | `limits.busy`: busy_timeout, or no wait unless when_busy is `wait`                |
// | unknown               | `limits.unknown`; an idle stretch that began before then may run to its end       |
// | registering           | a runner can no longer register, or `registersBy` if the VM keeps booting         |
// | absent                | the next read confirms the absence                                                |
// | in any other state    | it is idle; because runners may keep registering again, the idle stretch must     |
// |                       | have begun by `limits.unknown` plus twice the sum of idle_for and timeout         |

import { nextOccupancy, type Occupancy, type OccupancyEvent, stretchOf, UNREAD } from './occupancy.ts';
import type { GateRules } from './runner-options.ts';
import type { VmBoot } from './vm-boot.ts';
import { READ_EVERY_MS, READ_ONE_JOB_EVERY_MS } from './vm-runners.ts';

/** On the clock's scale. */
interface Limits {
  /** Until when the step waits for a busy runner. */
  readonly busy: number;
  /**
   * Until when the step waits for a usable answer from GitHub. The wait can be longer in two cases: until a refusal of the jobs source is
   * final, and until the end of an idle stretch that began before then.
   */
  readonly unknown: number;
}

/** What the gate knows from its reads, and what limits its wait. */
export interface Waiting {
  readonly state: Occupancy;
  /** When the last idle stretch in which the jobs were read began. */
  readonly idleSince: number | undefined;
  /** Whether the state was ever `unknown`, which may have ended an idle stretch. */
  readonly hasBeenUnknown: boolean;
  readonly limits: Limits;
  /** Until when the step waits for a registration, however often the VM boots: on the clock's scale. */
  readonly registersBy: number;
}

export function startWaiting(now: number, rules: GateRules): Waiting {
  const nothingRead = { state: UNREAD, idleSince: undefined, hasBeenUnknown: false };
  return { ...nothingRead, limits: limitsFrom(now, rules), registersBy: lastRegistration(now, rules) };
}

/** `unknown` includes `idle_for`, because an idle stretch takes that long even if GitHub always answers. */
export function limitsFrom(now: number, rules: GateRules): Limits {
  const { whenBusy, idleForMs, busyTimeoutMs, patienceMs, busyUntil = Number.POSITIVE_INFINITY } = rules;
  const busy = Math.max(now, Math.min(busyUntil, now + (whenBusy === 'wait' ? busyTimeoutMs : 0)));
  return { busy, unknown: busy + idleForMs + patienceMs };
}

/** How many boots of the VM in a row the gate waits for its runner to register. */
const MOST_BOOTS = 3;

function lastRegistration(now: number, { registersWithinMs }: GateRules): number {
  return now + MOST_BOOTS * registersWithinMs;
}

/** While a free VM is queued for a slot, its limits start over with each read: the job that it might have to wait for has not begun. */
export function whileQueued(waiting: Waiting, now: number, rules: GateRules): Waiting {
  const limits = waiting.state.kind === 'unknown' ? waiting.limits : limitsFrom(now, rules);
  return { ...waiting, limits, registersBy: lastRegistration(now, rules) };
}

export function afterRead(
  waiting: Waiting,
  event: OccupancyEvent,
  { now, rules, boot }: { readonly now: number; readonly rules: GateRules; readonly boot: VmBoot },
): Waiting {
  const state = nextOccupancy(waiting.state, event, { ...rules, boot });
  const stretch = stretchOf(state);
  // Until the jobs are read, the stretch does not extend the wait: a jobs source that hangs must not prolong it.
  const isIdle = stretch !== undefined && stretch.jobs !== 'unread';
  const isRegistered = event.kind === 'runners' && (event.reading.runners ?? []).length > 0;
  return {
    state,
    idleSince: isIdle ? stretch.since : waiting.idleSince,
    hasBeenUnknown: waiting.hasBeenUnknown || state.kind === 'unknown',
    // Waiting for a registration has its own limit: the others begin after it.
    limits: waiting.state.kind === 'registering' ? limitsFrom(now, rules) : waiting.limits,
    registersBy: isRegistered ? lastRegistration(now, rules) : waiting.registersBy,
  };
}

/** Whether the gate gives up because GitHub did not answer, rather than because of a job. */
export function isNotKnown({ state: { kind }, hasBeenUnknown }: Waiting): boolean {
  return kind === 'unknown' || (kind === 'settling' && hasBeenUnknown);
}

/** Until when the step waits for the VM as it is now, on the clock's scale. */
export function waitsUntil(
  { idleForMs, patienceMs }: GateRules,
  { state, idleSince, limits, registersBy }: Waiting,
): number {
  const { busy, unknown } = limits;
  const oneStretchMs = idleForMs + patienceMs;
  switch (state.kind) {
    case 'busy':
      return busy;
    case 'unknown': {
      const { finalFrom = 0 } = state;
      const latest = Math.max(unknown, finalFrom + READ_EVERY_MS);
      return idleSince === undefined || idleSince > unknown
        ? latest
        : Math.max(latest, idleSince + oneStretchMs);
    }
    case 'registering':
      return registersBy;
    case 'absent':
      return Number.POSITIVE_INFINITY;
    default: {
      // Without this limit, the step would wait forever for runners that keep registering again.
      const latest = unknown + 2 * oneStretchMs;
      return idleSince === undefined || idleSince <= latest ? Number.POSITIVE_INFINITY : latest;
    }
  }
}

/** The pause after the jobs source showed why the VM is busy: in milliseconds. Each read of the jobs costs many requests. */
const READ_JOBS_EVERY_MS = 15_000;
/** The pause before the read that confirms an absence: in milliseconds. */
const CONFIRM_ABSENCE_MS = 1_000;
/** GitHub removes a one-job runner within this time after its job: in milliseconds. */
export const LEAVES_WITHIN_MS = 20_000;

/** @param leavesSoon whether a one-job runner may be about to leave. */
export function gatePauseMs(state: Occupancy, leavesSoon: boolean): number {
  if (state.kind === 'absent') return CONFIRM_ABSENCE_MS;
  if (state.kind === 'busy' && state.job !== 'unread') return READ_JOBS_EVERY_MS;
  return leavesSoon ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS;
}
