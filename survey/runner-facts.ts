import type { Observations, RunnerLook } from './observations.ts';

/** What GitHub showed of the runner. Times are milliseconds since the restart was sent. */
export interface RunnerFacts {
  readonly looks: number;
  /** Runners of that name in the last look. */
  readonly matches: number;
  readonly wasOnline: boolean | undefined;
  readonly wasBusy: boolean | undefined;
  /** When GitHub first showed it offline, and online again after that. */
  readonly offlineAfterMs: number | undefined;
  readonly onlineAfterMs: number | undefined;
  readonly isNewRegistration: boolean;
  /** What the action made of it. */
  readonly status: string | undefined;
}

/** Undefined where GitHub was not asked. */
export function runnerOf({ runnerLooks, restart }: Observations): RunnerFacts | undefined {
  if (runnerLooks.length === 0) return undefined;
  const sentAt = restart?.outcome.moments.sent ?? Number.POSITIVE_INFINITY;
  const before = runnerLooks.findLast(({ at }) => at < sentAt);
  const after = runnerLooks.filter(({ at }) => at >= sentAt);
  const offline = after.find(({ matches, isOnline }) => matches === 1 && !isOnline);
  const online = after.find(({ at, isOnline }) => offline !== undefined && at > offline.at && isOnline);
  const since = (look: RunnerLook | undefined) => look && look.at - sentAt;
  return {
    looks: runnerLooks.length,
    matches: runnerLooks.at(-1)?.matches ?? 0,
    wasOnline: before?.isOnline,
    wasBusy: before?.isBusy,
    offlineAfterMs: since(offline),
    onlineAfterMs: since(online),
    isNewRegistration: new Set(runnerLooks.flatMap(({ id }) => id ?? [])).size > 1,
    status: restart?.outcome.runner?.status,
  };
}
