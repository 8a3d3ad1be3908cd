import { minutes } from '../clock.ts';
import { type IdleStretch, judgeBusy } from './busy-verdict.ts';
import type { Runner } from './runners.ts';
import type { RunnerSnapshot } from './snapshot.ts';

/** What was seen of the runner since its VM was verified, as far as later snapshots are judged by it. */
export interface OnlineHistory {
  /** When the VM was seen after its new boot: the old runner had stopped by then. On the clock's scale. */
  readonly verifiedAt: number;
  /** The first usable snapshot. */
  readonly first: Runner | 'gone' | undefined;
  /** The last usable snapshot. */
  readonly last: Runner | 'gone' | undefined;
  /** When that was there; the same as `verifiedAt` before there is one. */
  readonly lastAt: number;
  /** Of the registration that was last seen, before the restart at first; undefined where none was. */
  readonly lastId: number | undefined;
  readonly wasOffline: boolean;
  readonly idleStretch: IdleStretch | undefined;
  /** It was seen without a job for so long that a job from before the restart would have shown. */
  readonly wasIdle: boolean;
}

export type OnlineVerdict =
  | { readonly kind: 'online'; readonly proof: string }
  | { readonly kind: 'probably_online' }
  | {
      readonly kind: 'pending';
      readonly seen: string;
      /** What would prove that it is back. */
      readonly proof: string;
      /** Whether it will pass for `probably_online` if it goes on like this. */
      readonly isLikely: boolean;
    };

/**
 * So late may a job from before the restart show, in milliseconds: GitHub says "busy" up to 90 s after it began (25 to 60 s and more
 * have been seen), and may take that back for a minute before any look has seen it.
 */
export const OLD_JOB_MS = 150_000;

/**
 * GitHub keeps the session of a runner that was cut off for up to five minutes, and shows it online for as long. Who is
 * online after that is most likely alive.
 */
export const SESSION_LIFE_MS = 360_000;

/** @param lastId of the registration that was seen before the restart. */
export function startOnlineHistory(verifiedAt: number, lastId?: number): OnlineHistory {
  const nothingSeen = { first: undefined, last: undefined, idleStretch: undefined };
  return { verifiedAt, ...nothingSeen, lastAt: verifiedAt, lastId, wasOffline: false, wasIdle: false };
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
  const { verdict: busyVerdict, idleStretch } = judgeBusy(
    { idleStretch: before.idleStretch, idleForMs: OLD_JOB_MS },
    snapshot,
  );
  if (runner === undefined) return { verdict: UNKNOWN, history: { ...before, idleStretch } };
  const history = {
    ...before,
    first: before.first ?? runner,
    last: runner,
    lastAt: snapshot.answeredAt,
    idleStretch,
  };
  if (runner === 'gone') return { verdict: GONE, history };
  const next = { ...history, lastId: runner.id };
  if (!runner.isOnline) return { verdict: OFFLINE, history: { ...next, wasOffline: true } };

  const sinceVerifiedMs = snapshot.askedAt - history.verifiedAt;
  return {
    verdict: onlineVerdictOn(before, { runner, sinceVerifiedMs }),
    history: { ...next, wasIdle: history.wasIdle || busyVerdict === 'idle' },
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
  return SHOWN_ONLINE;
}

type Pending = Extract<OnlineVerdict, { kind: 'pending' }>;

const UNKNOWN = pending('no usable answer of GitHub', 'an answer that shows it back');
const GONE = pending('it is not registered', 'a registration');
const OFFLINE = pending('it is offline', 'that it is online again');
const SHOWN_ONLINE: Pending = {
  ...pending(
    'it is shown online, which may be what GitHub remembers from before',
    'that it goes offline and comes back, registers anew, or begins a job',
  ),
  isLikely: true,
};

function pending(seen: string, proof: string): Pending {
  return { kind: 'pending', seen, proof, isLikely: false };
}

// ---- why it is not back ----

export interface LikelyCause {
  readonly reason: string;
  readonly hint: string;
}

const SERVICE =
  'Log a user in automatically after the boot, and install the runner as a service (svc.sh install).';
const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';

/** What GitHub said before it was silent for longer says little of now: in milliseconds. */
const LONG_SILENCE_MS = 60_000;

/**
 * The likely cause. What happens inside the VM cannot be seen from here.
 * @param wasOnline before the restart.
 * @param endedAt when nobody looked any more, on the clock's scale.
 */
export function likelyCause(history: OnlineHistory, wasOnline: boolean, endedAt: number): LikelyCause {
  if (history.last === undefined) return { reason: SILENCE, hint: LOOK };
  const cause = seenCause(history, wasOnline);
  const silentMs = endedAt - history.lastAt;
  if (silentMs < LONG_SILENCE_MS) return cause;
  return { reason: `${SILENCE} for the last ${minutes(silentMs)}; before that ${cause.reason}`, hint: LOOK };
}

const SILENCE = 'GitHub gave no usable answer';
const LOOK = 'See the log for why GitHub gave none, and look at the runner before you rely on it.';

function seenCause({ first, last, wasOffline }: OnlineHistory, wasOnline: boolean): LikelyCause {
  if (last === 'gone') {
    const reason =
      'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere';
    return { reason, hint: `Register it under the same name after each boot. ${STEPS}` };
  }
  if (!wasOffline) {
    const reason = 'it is shown online, but that may be what GitHub remembers from before the restart';
    return { reason, hint: 'Raise runner_timeout above 6m, and look at the runner before you rely on it.' };
  }
  if (first !== 'gone' && first?.isOnline) {
    const reason =
      'it went offline and stayed so: most likely its new process met the session of the old one and gave up after 4 minutes, or no user is logged in';
    return { reason, hint: `Let its service be started again whenever it ends (KeepAlive). ${STEPS}` };
  }
  const reason = wasOnline
    ? 'it stayed offline from the boot on: most likely no user is logged in, so that its service never started'
    : 'it was offline before the restart already: most likely it has no service that starts it';
  return { reason, hint: `${SERVICE} ${STEPS}` };
}
