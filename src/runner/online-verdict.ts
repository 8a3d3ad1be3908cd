import type { Runner } from './runners.ts';
import { BUSY_LAG_MS, type RunnerSnapshot } from './snapshot.ts';

/** What was seen of the runner since its VM was verified, as far as later snapshots are judged by it. */
export interface OnlineHistory {
  /** When the VM was seen after its new boot: the old runner had stopped by then. On the clock's scale. */
  readonly verifiedAt: number;
  /** The first usable snapshot. */
  readonly first: Runner | 'gone' | undefined;
  /** The last usable snapshot. */
  readonly last: Runner | 'gone' | undefined;
  /** Of the registration that was last seen, before the restart at first; undefined where none was. */
  readonly lastId: number | undefined;
  readonly wasOffline: boolean;
  /** A snapshot showed it without a job, so late that a job from before the restart would have shown. */
  readonly wasIdle: boolean;
}

export type OnlineVerdict =
  | { readonly kind: 'online'; readonly proof: string }
  | { readonly kind: 'probably_online' }
  | { readonly kind: 'pending'; readonly seen: string };

/**
 * GitHub keeps the session of a runner that was cut off for up to five minutes, and shows it online for as long. Who is
 * online after that is most likely alive.
 */
export const SESSION_LIFE_MS = 360_000;

/** @param lastId of the registration that was seen before the restart. */
export function startOnlineHistory(verifiedAt: number, lastId?: number): OnlineHistory {
  return { verifiedAt, first: undefined, last: undefined, lastId, wasOffline: false, wasIdle: false };
}

/**
 * Decides whether the runner is back, from one snapshot and those before it. Pure. That it is shown online proves nothing
 * in itself: it may be the session that was cut off.
 */
export function judgeOnline(
  before: OnlineHistory,
  snapshot: RunnerSnapshot,
): { verdict: OnlineVerdict; history: OnlineHistory } {
  const { runner } = snapshot;
  if (runner === undefined) return { verdict: pending('no usable answer of GitHub'), history: before };
  const history = { ...before, first: before.first ?? runner, last: runner };
  if (runner === 'gone') return { verdict: pending('it is not registered'), history };
  const next = { ...history, lastId: runner.id };
  if (!runner.isOnline) return { verdict: pending('it is offline'), history: { ...next, wasOffline: true } };

  const sinceVerifiedMs = snapshot.askedAt - history.verifiedAt;
  const isIdleForSure = !runner.isBusy && sinceVerifiedMs >= BUSY_LAG_MS;
  return {
    verdict: onlineVerdictOn(before, { runner, sinceVerifiedMs }),
    history: { ...next, wasIdle: history.wasIdle || isIdleForSure },
  };
}

/**
 * A registration is new where it was not there at a look since the boot. One that is there at the first look may be of a
 * runner that registered anew just before it was cut off; and one that comes back was never gone.
 */
function onlineVerdictOn(
  { first, lastId, wasOffline, wasIdle }: OnlineHistory,
  { runner, sinceVerifiedMs }: { runner: Runner; sinceVerifiedMs: number },
): OnlineVerdict {
  if (first !== undefined && runner.id !== lastId) return { kind: 'online', proof: 'registered anew' };
  if (wasOffline) return { kind: 'online', proof: 'it was offline before' };
  if (wasIdle && runner.isBusy) return { kind: 'online', proof: 'a job began on it' };
  if (sinceVerifiedMs >= SESSION_LIFE_MS) return { kind: 'probably_online' };
  return pending('it is shown online, which may be what GitHub remembers from before');
}

function pending(seen: string): OnlineVerdict {
  return { kind: 'pending', seen };
}

// ---- why it is not back ----

export interface LikelyCause {
  readonly reason: string;
  readonly hint: string;
}

const SERVICE =
  'Log a user in automatically after the boot, and install the runner as a service (svc.sh install).';
const README = 'See "Reset a runner between jobs" in the README.';

/**
 * The likely cause. What happens inside the VM cannot be seen from here.
 * @param wasOnline before the restart.
 */
export function likelyCause({ first, last, wasOffline }: OnlineHistory, wasOnline: boolean): LikelyCause {
  if (last === undefined)
    return { reason: 'GitHub gave no usable answer', hint: 'Look at the runner before you rely on it.' };
  if (last === 'gone') {
    const reason =
      'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere';
    return { reason, hint: `Register it under the same name after each boot. ${README}` };
  }
  if (!wasOffline) {
    const reason = 'it is shown online, but that may be what GitHub remembers from before the restart';
    return { reason, hint: 'Raise runner_timeout above 6m, and look at the runner before you rely on it.' };
  }
  if (first !== 'gone' && first?.isOnline) {
    const reason =
      'it went offline and stayed so: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in';
    return { reason, hint: `Let its service be started again whenever it ends (KeepAlive). ${README}` };
  }
  const reason = wasOnline
    ? 'it stayed offline from the boot on: most likely no user is logged in, so that its service never started'
    : 'it was offline before the restart already: most likely it has no service that starts it';
  return { reason, hint: `${SERVICE} ${README}` };
}
