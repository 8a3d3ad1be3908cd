// How long the gate waits for a busy runner, how long GitHub may give no usable answer, and how often the gate reads until then. Pure.
//
// | the VM is             | the step waits for it until                                                       |
// | --------------------- | --------------------------------------------------------------------------------- |
// | busy                  | busy_timeout                                                                      |
// | unknown               | `unknown` below; an idle stretch that began before then may run to its end        |
// | registering           | a runner can no longer register; `registersBy` if the VM boots again and again    |
// | absent                | the next read, which confirms the absence                                         |
// | in any other state    | it is idle; if runners keep registering again, only an idle stretch counts that   |
// |                       | began by `unknown` below plus two times idle_for and timeout                      |

import { nextOccupancy, type Occupancy, type OccupancyEvent, stretchOf, UNREAD } from './occupancy.ts';
import type { GateRules } from './runner-options.ts';
import type { VmBoot } from './vm-boot.ts';
import { READ_EVERY_MS, READ_ONE_JOB_EVERY_MS } from './vm-runners.ts';

/** On the clock's scale. */
interface Limits {
  /** The step waits for a busy runner until then. */
  readonly busy: number;
  /**
   * While GitHub gives no usable answer, the step waits until then; if GitHub refuses the jobs source, it waits until that refusal is final,
   * even if that is later. An idle stretch that began before then may run to its end, even if GitHub is silent again
   * meanwhile.
   */
  readonly unknown: number;
}

/** What the gate knows from its reads, and what limits its wait. */
export interface Waiting {
  readonly state: Occupancy;
  /** When the last idle stretch began in which the jobs were read. */
  readonly idleSince: number | undefined;
  /** Whether the state has been `unknown` at any time: an idle stretch may have ended because GitHub gave no usable answer. */
  readonly hasBeenUnknown: boolean;
  readonly limits: Limits;
  /** The step waits for a registration until then, however often the VM boots: on the clock's scale. */
  readonly registersBy: number;
}

export function startWaiting(now: number, rules: GateRules): Waiting {
  const nothingRead = { state: UNREAD, idleSince: undefined, hasBeenUnknown: false };
  return { ...nothingRead, limits: limitsFrom(now, rules), registersBy: lastRegistration(now, rules) };
}

/** `unknown` includes `idleForMs`, because an idle stretch takes that long even if GitHub always answers. */
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

/** A free VM waits for a slot: `busy_timeout` for its next job has not started. */
export function whileQueued(waiting: Waiting, now: number, rules: GateRules): Waiting {
  const limits = waiting.state.kind === 'unknown' ? waiting.limits : limitsFrom(now, rules);
  return { ...waiting, limits, registersBy: lastRegistration(now, rules) };
}

/** What a read changes. */
export function afterRead(
  waiting: Waiting,
  event: OccupancyEvent,
  { now, rules, boot }: { readonly now: number; readonly rules: GateRules; readonly boot: VmBoot },
): Waiting {
  const state = nextOccupancy(waiting.state, event, { ...rules, boot });
  const stretch = stretchOf(state);
  // While the jobs are unread, the runner may not be idle: a jobs source that hangs must not prolong the wait.
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

/** Whether GitHub's silence is the reason why no idle stretch was long enough. */
export function isNotKnown({ state: { kind }, hasBeenUnknown }: Waiting): boolean {
  return kind === 'unknown' || (kind === 'settling' && hasBeenUnknown);
}

/** Until when the step waits for the VM as it is now, on the clock's scale. */
export function waitsUntil(
  { idleForMs, patienceMs }: GateRules,
  { state, idleSince, limits, registersBy }: Waiting,
): number {
  const { busy, unknown } = limits;
  const onceMoreMs = idleForMs + patienceMs;
  switch (state.kind) {
    case 'busy':
      return busy;
    case 'unknown': {
      const { finalFrom = 0 } = state;
      const latest = Math.max(unknown, finalFrom + READ_EVERY_MS);
      return idleSince === undefined || idleSince > unknown
        ? latest
        : Math.max(latest, idleSince + onceMoreMs);
    }
    case 'registering':
      return registersBy;
    case 'absent':
      return Number.POSITIVE_INFINITY;
    default: {
      // Otherwise the step would wait forever for runners that keep registering again.
      const latest = unknown + 2 * onceMoreMs;
      return idleSince === undefined || idleSince <= latest ? Number.POSITIVE_INFINITY : latest;
    }
  }
}

/** Time between two reads of the jobs while only a job makes the VM busy: in milliseconds. They cost many requests. */
const READ_JOBS_EVERY_MS = 15_000;
/** Time until an absence is confirmed: in milliseconds. */
const CONFIRM_ABSENCE_MS = 1_000;
/** A one-job runner whose job has ended is gone within this: in milliseconds. */
export const LEAVES_WITHIN_MS = 20_000;

/** @param leavesSoon a one-job runner may be about to leave. */
export function gatePauseMs(state: Occupancy, leavesSoon: boolean): number {
  if (state.kind === 'absent') return CONFIRM_ABSENCE_MS;
  if (state.kind === 'busy' && state.job !== 'unread') return READ_JOBS_EVERY_MS;
  return leavesSoon ? READ_ONE_JOB_EVERY_MS : READ_EVERY_MS;
}
