// Whether the runners in a VM are back after its restart. Pure; wait-for-runner.ts does the reading.
//
// After a runner was cut off, GitHub keeps its session for minutes and shows it online. So "online" alone proves nothing. Each name is
// judged by its own history. All runners that were online before the restart must be back: a persistent one under its name, a one-job runner
// under any name, because it may get a new one. If none was online before, one runner is enough.
//
// A registration is new if neither a read before the restart nor the first one after the boot showed it.
//
// | what a read shows for one name       | what proves that its runner is back                                |
// | ------------------------------------ | ------------------------------------------------------------------ |
// | no answer                            | nothing                                                            |
// | gone                                 | it takes one job only, and a read showed a new registration of it  |
// | offline                              | nothing                                                            |
// | online, under a new registration     | this read                                                          |
// | online, and offline since the boot   | a second read some seconds later that shows it online: a version   |
// |                                      | that GitHub no longer accepts connects and then exits              |
// | online and busy                      | it was idle for long enough that this job must be a new one        |
// | online otherwise                     | nothing; after six minutes it is most likely back                  |
//
// For each read, `judgeBack` updates the history of every name seen so far, and judges it by the table (`judgeName`). The verdict on the VM is
// the weakest verdict on the names that count (`neededNames`): the persistent runners that were online before (`wanted`), and as many of the
// other names as one-job runners were online before (`wantedOthers`), the best ones.

import { minutes } from '../clock.ts';
import type { Runner } from '../github/runner.ts';
import { keyOfName } from '../github/runner-names.ts';
import {
  nextOccupancy,
  type Occupancy,
  type RunnersReading,
  stretchOf,
  takesOneJob,
  UNREAD,
} from './occupancy.ts';
import type { Registrations } from './registrations.ts';

/** What later verdicts need from the reads since the restart was verified. Names are those of `keyOfName`. */
export interface BackHistory {
  /** When an answer first showed the new boot, on the clock's scale: the old runners had stopped by then. */
  readonly verifiedAt: number;
  /** The names of the runners that must be back. */
  readonly wanted: readonly string[];
  /** How many other runners must be back, whatever their names. */
  readonly wantedOthers: number;
  /** The IDs of the registrations that are not new. */
  readonly oldIds: ReadonlySet<number>;
  /** `runner_ephemeral`, for runners about which GitHub does not say it. */
  readonly isEphemeral: boolean;
  readonly byName: ReadonlyMap<string, NameHistory>;
  /** When the last usable answer arrived; undefined before the first one. */
  readonly lastAt: number | undefined;
}

interface NameHistory {
  /** According to the last read before the restart. */
  readonly wasOnlineBefore: boolean;
  /** According to the first usable answer. */
  readonly first: Runner | 'gone' | undefined;
  /** According to the last usable answer. */
  readonly last: Runner | 'gone' | undefined;
  /** Whether any read since the boot showed it offline. */
  readonly wasOffline: boolean;
  /** When the first of an unbroken series of reads showed it online; undefined if the last read did not. */
  readonly onlineSince: number | undefined;
  readonly occupancy: Occupancy;
  /** Whether it was shown without a job for long enough that a job from before the restart would have appeared. */
  readonly wasIdle: boolean;
  readonly verdict: BackVerdict;
}

export type BackVerdict =
  | { readonly kind: 'online'; readonly proof: string }
  | { readonly kind: 'probably_online' }
  | {
      readonly kind: 'pending';
      readonly seen: string;
      /** What must happen to prove that it is back. */
      readonly needed: string;
      /** Whether it will count as `probably_online` if nothing changes. */
      readonly isLikely: boolean;
    };

/**
 * A job from before the restart may appear as late as this, in milliseconds: GitHub may not show "busy" until 90 s after a job began (users
 * have seen 25 to 60 s and more), and may then show the runner as idle for another minute.
 */
const OLD_JOB_MS = 150_000;

/**
 * After a runner was cut off, GitHub keeps its session for up to five minutes and shows it online. A runner that is online after that is
 * most likely alive.
 */
export const SESSION_LIFE_MS = 360_000;

/** How long a runner must be shown online after it was offline, in milliseconds: a little less than the time between two reads. */
const STAYS_ONLINE_MS = 4_900;

/** @param verifiedAt on the clock's scale. The registrations are those that the gate saw. */
export function startBackHistory(
  verifiedAt: number,
  { current, everSeen }: Pick<Registrations, 'current' | 'everSeen'>,
  isEphemeral: boolean,
): BackHistory {
  const online = current.filter(({ isOnline }) => isOnline);
  const wanted = online.filter((runner) => !takesOneJob(runner, { isEphemeral }));
  const others = online.length - wanted.length;
  const byName = current.map(({ name, isOnline }) => {
    return [keyOfName(name), { ...nothingSeen(undefined), wasOnlineBefore: isOnline }] as const;
  });
  return {
    ...{ verifiedAt, isEphemeral, byName: new Map(byName), lastAt: undefined },
    wanted: wanted.map(({ name }) => keyOfName(name)),
    wantedOthers: wanted.length === 0 ? Math.max(1, others) : others,
    oldIds: new Set(everSeen.map(({ id }) => id)),
  };
}

function nothingSeen(first: 'gone' | undefined): NameHistory {
  const nothing = { last: undefined, wasOffline: false, onlineSince: undefined, wasIdle: false };
  return { wasOnlineBefore: false, first, ...nothing, occupancy: UNREAD, verdict: UNKNOWN };
}

/** Decides from one read, and the history of those before it, whether the runners are back. */
export function judgeBack(
  before: BackHistory,
  reading: RunnersReading,
): { verdict: BackVerdict; history: BackHistory } {
  const { runners } = reading;
  const isFirst = before.lastAt === undefined;
  const shown = new Map((runners ?? []).map((runner) => [keyOfName(runner.name), runner]));
  const oldIds = isFirst
    ? new Set([...before.oldIds, ...(runners ?? []).map(({ id }) => id)])
    : before.oldIds;
  // A new name was absent from the earlier reads.
  const unseen = nothingSeen(isFirst ? undefined : 'gone');
  const names = new Set([...before.byName.keys(), ...shown.keys()]);
  const judged = [...names].map((name) => {
    const earlier = before.byName.get(name) ?? unseen;
    const runner = runners && (shown.get(name) ?? 'gone');
    return [name, judgeName(earlier, runner, { ...before, oldIds, reading })] as const;
  });
  const lastAt = runners === undefined ? before.lastAt : reading.answeredAt;
  const history = { ...before, oldIds, byName: new Map(judged), lastAt };
  return { history, verdict: runners === undefined ? UNKNOWN : verdictOnAll(history) };
}

const STRENGTH: Readonly<Record<BackVerdict['kind'], number>> = { pending: 0, probably_online: 1, online: 2 };

/** The weakest verdict on the runners that must be back: those with the required names, and the best of the others. */
function verdictOnAll(history: BackHistory): BackVerdict {
  const needed = neededNames(history);
  const [name, weakest] = byStrength(needed)[0] ?? [];
  if (weakest === undefined || needed.length < history.wanted.length + history.wantedOthers) return GONE;
  const { verdict } = weakest;
  if (verdict.kind !== 'pending' || history.byName.size === 1) return verdict;
  return { ...verdict, seen: `runner "${name}": ${verdict.seen}` };
}

type NamedHistory = readonly [name: string, history: NameHistory];

function neededNames({ wanted, wantedOthers, byName }: BackHistory): NamedHistory[] {
  const required = [...byName].filter(([name]) => wanted.includes(name));
  const others = [...byName].filter(([name]) => !wanted.includes(name));
  return [...required, ...byStrength(others).toReversed().slice(0, wantedOthers)];
}

/** The weakest first. */
function byStrength(names: readonly NamedHistory[]): NamedHistory[] {
  return names.toSorted(([, a], [, b]) => STRENGTH[a.verdict.kind] - STRENGTH[b.verdict.kind]);
}

interface NameContext extends Pick<BackHistory, 'verifiedAt' | 'oldIds' | 'isEphemeral'> {
  readonly reading: RunnersReading;
}

/** @param runner undefined if GitHub gave no usable answer. */
function judgeName(
  before: NameHistory,
  runner: Runner | 'gone' | undefined,
  context: NameContext,
): NameHistory {
  const runners = runner === undefined ? undefined : runner === 'gone' ? [] : [runner];
  const event = { kind: 'runners', reading: { ...context.reading, runners, gone: [] } } as const;
  const occupancy = nextOccupancy(before.occupancy, event, { idleForMs: OLD_JOB_MS });
  if (runner === undefined) return { ...before, occupancy };
  const history = { ...before, occupancy, first: before.first ?? runner, last: runner };
  const known =
    runner === 'gone' ? { ...history, onlineSince: undefined } : withRunner(history, runner, context.reading);
  // A proof stays valid while the step waits for the other runners.
  if (before.verdict.kind === 'online') return known;
  const verdict = runner === 'gone' ? verdictOnGone(before, context) : verdictOn(known, runner, context);
  return { ...known, verdict };
}

function withRunner(history: NameHistory, { isOnline }: Runner, { answeredAt }: RunnersReading): NameHistory {
  if (!isOnline) return { ...history, wasOffline: true, onlineSince: undefined };
  const { leftMs = Number.POSITIVE_INFINITY } = stretchOf(history.occupancy) ?? {};
  const wasIdle = history.wasIdle || leftMs <= 0;
  return { ...history, onlineSince: history.onlineSince ?? answeredAt, wasIdle };
}

/** A one-job runner that registered again, and is gone now, has had its job. */
function verdictOnGone({ last }: NameHistory, { oldIds, ...rules }: NameContext): BackVerdict {
  const wasNew = last !== undefined && last !== 'gone' && !oldIds.has(last.id) && takesOneJob(last, rules);
  return wasNew ? TOOK_ITS_JOB : GONE;
}

function verdictOn(
  { wasOffline, onlineSince = Number.POSITIVE_INFINITY, wasIdle }: NameHistory,
  { id, isOnline, isBusy }: Runner,
  { reading: { askedAt }, verifiedAt, oldIds }: NameContext,
): BackVerdict {
  if (!isOnline) return OFFLINE;
  if (!oldIds.has(id)) return REGISTERED;
  if (wasOffline) return askedAt - onlineSince >= STAYS_ONLINE_MS ? WAS_OFFLINE : ONLINE_AGAIN;
  if (wasIdle && isBusy) return BEGAN_A_JOB;
  return askedAt - verifiedAt >= SESSION_LIFE_MS ? { kind: 'probably_online' } : SHOWN_ONLINE;
}

const REGISTERED: BackVerdict = { kind: 'online', proof: 'it registered again' };
const WAS_OFFLINE: BackVerdict = { kind: 'online', proof: 'it went offline, then came online' };
const BEGAN_A_JOB: BackVerdict = { kind: 'online', proof: 'a job began on it' };
const TOOK_ITS_JOB: BackVerdict = { kind: 'online', proof: 'it registered again, and has had its job' };

type Pending = Extract<BackVerdict, { kind: 'pending' }>;

const UNKNOWN = notBackYet('no usable answer from GitHub', 'an answer must show that it is back');
const GONE = notBackYet('it is not registered', 'it must register');
const OFFLINE = notBackYet('it is offline', 'it must come back online');
const ONLINE_AGAIN = notBackYet('it is online again', 'it must stay online for some seconds');
const SHOWN_ONLINE: Pending = {
  ...notBackYet(
    'it is still listed online, which may be stale',
    'it must go offline and come back, register again, or start a job',
  ),
  isLikely: true,
};

function notBackYet(seen: string, needed: string): Pending {
  return { kind: 'pending', seen, needed, isLikely: false };
}

// ---- why it is not back ----

const LOGIN =
  'Log a user in automatically after the boot, which needs FileVault off (with it, SSH answers before the disk is unlocked)';
const STEPS = 'See "How the runner comes back by itself" in docs/between-jobs.md.';

/** An older answer says little about the present: in milliseconds. */
const OUTDATED_AFTER_MS = 60_000;

/**
 * The likely cause: the step can only guess, because it cannot see inside the VM.
 * @param endedAt when the wait ended, on the clock's scale.
 */
export function likelyCause(history: BackHistory, endedAt: number): { reason: string; hint: string } {
  if (history.lastAt === undefined) return { reason: SILENCE, hint: CHECK };
  const missing = neededNames(history).find(([, { verdict }]) => verdict.kind === 'pending');
  const cause = missing === undefined ? REGISTRATION_GONE : seenCause(missing[1]);
  const silentMs = endedAt - history.lastAt;
  if (silentMs < OUTDATED_AFTER_MS) return cause;
  return { reason: `${SILENCE} for the last ${minutes(silentMs)}; before that ${cause.reason}`, hint: CHECK };
}

const SILENCE = 'GitHub gave no usable answer';
const CHECK = 'See the log for why GitHub gave none, and check the runner before you rely on it.';

const REGISTRATION_GONE = {
  reason:
    'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere',
  hint: `Have the VM register its runner at each boot, in runner_scope and under a name that runner_name matches. ${STEPS}`,
};

function seenCause({ wasOnlineBefore, first, last, wasOffline, onlineSince }: NameHistory) {
  if (last === 'gone') return REGISTRATION_GONE;
  if (!wasOffline) {
    const reason = 'it is still listed online, but that may be stale';
    return { reason, hint: 'Raise runner_timeout above 6m, and check the runner before you rely on it.' };
  }
  if (onlineSince !== undefined)
    return {
      reason: 'it came online too late for a second read to confirm it',
      hint: 'Raise runner_timeout.',
    };
  if (first !== 'gone' && first?.isOnline) {
    const reason =
      'it went offline and stayed offline: most likely its new process found the old session still open, and gave up after 4 minutes, or no user is logged in';
    return {
      reason,
      hint: `${LOGIN}, and have launchd restart its service whenever it exits (KeepAlive). ${STEPS}`,
    };
  }
  const reason = wasOnlineBefore
    ? 'it has been offline since the boot: most likely no user is logged in, so that its service never started'
    : 'it was already offline before the restart: most likely no service starts it';
  return { reason, hint: `${LOGIN}, and install the runner as a service (svc.sh install). ${STEPS}` };
}
