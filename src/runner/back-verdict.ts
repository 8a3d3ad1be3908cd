// Whether the runners in a VM are back after its restart. Pure; wait-for-runner.ts does the reading.
//
// GitHub keeps the session of a runner that was cut off for minutes, and shows it online for as long. So "online" proves nothing
// in itself. Each name is judged by its own history. The runners are back when each that was online before the restart is, or,
// if none was, when one is.
//
// | one name, as it is read         | what proves that its runner is back                                |
// | ------------------------------- | ------------------------------------------------------------------ |
// | no answer, gone, offline        | nothing                                                            |
// | online, under a new ID          | an earlier read since the boot did not show that ID                |
// | online, and offline since boot  | that it was offline                                                |
// | online and busy                 | it was seen idle for so long that this job began after the restart |
// | online otherwise                | nothing; after six minutes it is most likely back                  |

import { minutes } from '../clock.ts';
import { nextOccupancy, type Occupancy, UNREAD } from './occupancy.ts';
import type { Runner } from './runners.ts';
import type { RunnersReading } from './vm-runners.ts';

/** What was seen since the VM was verified, as far as later reads are judged by it. Names are in lower case. */
export interface BackHistory {
  /** When the VM was seen after its new boot: the old runners had stopped by then. On the clock's scale. */
  readonly verifiedAt: number;
  /** The names of the runners that have to be back; if there are none, one runner is enough. */
  readonly wanted: readonly string[];
  readonly byName: ReadonlyMap<string, NameHistory>;
  /** When the last usable answer came; undefined before there is one. */
  readonly lastAt: number | undefined;
}

interface NameHistory {
  /** By the first usable answer. */
  readonly first: Runner | 'gone' | undefined;
  /** By the last usable answer. */
  readonly last: Runner | 'gone' | undefined;
  /** Of the registration that was last seen, before the restart at first; undefined if none was. */
  readonly lastId: number | undefined;
  readonly wasOffline: boolean;
  readonly occupancy: Occupancy;
  /** It was seen without a job for so long that a job from before the restart would have shown. */
  readonly wasIdle: boolean;
  readonly verdict: BackVerdict;
}

export type BackVerdict =
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
 * A job from before the restart may show as late as this, in milliseconds: GitHub says "busy" up to 90 s after it began (25 to 60 s
 * and more have been seen), and may take that back for a minute before any read has seen it.
 */
export const OLD_JOB_MS = 150_000;

/**
 * GitHub keeps the session of a runner that was cut off for up to five minutes, and shows it online for as long. A runner that is
 * online after that is most likely alive.
 */
export const SESSION_LIFE_MS = 360_000;

/** @param before the runners as they were seen before the restart. */
export function startBackHistory(verifiedAt: number, before: readonly Runner[]): BackHistory {
  const byName = before.map(
    ({ id, name }) => [keyOf(name), { ...nothingSeen(undefined), lastId: id }] as const,
  );
  const wanted = before.filter(({ isOnline }) => isOnline).map(({ name }) => keyOf(name));
  return { verifiedAt, wanted, byName: new Map(byName), lastAt: undefined };
}

function keyOf(name: string): string {
  return name.toLowerCase();
}

function nothingSeen(first: 'gone' | undefined): NameHistory {
  const nothing = { last: undefined, lastId: undefined, wasOffline: false, wasIdle: false };
  return { first, ...nothing, occupancy: UNREAD, verdict: UNKNOWN };
}

/** Decides whether the runners are back, from one read and those before it. Pure. */
export function judgeBack(
  before: BackHistory,
  reading: RunnersReading,
): { verdict: BackVerdict; history: BackHistory } {
  const { runners } = reading;
  const shown = new Map((runners ?? []).map((runner) => [keyOf(runner.name), runner]));
  // A name that is new to us was not there at the earlier reads.
  const unseen = nothingSeen(before.lastAt === undefined ? undefined : 'gone');
  const names = new Set([...before.byName.keys(), ...shown.keys()]);
  const judged = [...names].map((name) => {
    const earlier = before.byName.get(name) ?? unseen;
    const runner = runners && (shown.get(name) ?? 'gone');
    return [name, judgeName(earlier, runner, { reading, verifiedAt: before.verifiedAt })] as const;
  });
  const lastAt = runners === undefined ? before.lastAt : reading.answeredAt;
  const history = { ...before, byName: new Map(judged), lastAt };
  return { history, verdict: runners === undefined ? UNKNOWN : verdictOnAll(history) };
}

const STRENGTH: Readonly<Record<BackVerdict['kind'], number>> = { pending: 0, probably_online: 1, online: 2 };

/** The weakest verdict on those that have to be back; if there are none, the strongest on any. */
function verdictOnAll(history: BackHistory): BackVerdict {
  const sorted = namesOf(history).toSorted(
    ([, a], [, b]) => STRENGTH[a.verdict.kind] - STRENGTH[b.verdict.kind],
  );
  const [name, decisive] = sorted.at(history.wanted.length > 0 ? 0 : -1) ?? [];
  if (decisive === undefined || name === undefined) return GONE;
  const { verdict } = decisive;
  if (verdict.kind !== 'pending' || sorted.length === 1) return verdict;
  return { ...verdict, seen: `runner "${name}": ${verdict.seen}` };
}

/** The names that matter. */
function namesOf({ wanted, byName }: BackHistory): (readonly [string, NameHistory])[] {
  return [...byName].filter(([name]) => wanted.length === 0 || wanted.includes(name));
}

interface NameReading {
  readonly reading: RunnersReading;
  readonly verifiedAt: number;
}

/** @param runner undefined if GitHub gave no usable answer. */
function judgeName(
  before: NameHistory,
  runner: Runner | 'gone' | undefined,
  { reading, verifiedAt }: NameReading,
): NameHistory {
  const runners = runner === undefined ? undefined : runner === 'gone' ? [] : [runner];
  const event = { kind: 'runners', reading: { ...reading, runners } } as const;
  const occupancy = nextOccupancy(before.occupancy, event, { idleForMs: OLD_JOB_MS });
  if (runner === undefined) return { ...before, occupancy };
  const history = { ...before, occupancy, first: before.first ?? runner, last: runner };
  if (runner === 'gone') return { ...history, verdict: GONE };
  const next = { ...history, lastId: runner.id };
  if (!runner.isOnline) return { ...next, wasOffline: true, verdict: OFFLINE };
  const isIdle = 'stretch' in occupancy && occupancy.stretch !== undefined && occupancy.stretch.leftMs <= 0;
  const sinceVerifiedMs = reading.askedAt - verifiedAt;
  return {
    ...next,
    wasIdle: before.wasIdle || isIdle,
    verdict: verdictOnOnline(before, { runner, sinceVerifiedMs }),
  };
}

/**
 * A registration is new if it was not there at a read since the boot. One that is there at the first read may be of a
 * runner that registered again just before it was cut off; and one that comes back was never gone.
 */
function verdictOnOnline(
  { first, lastId, wasOffline, wasIdle }: NameHistory,
  { runner, sinceVerifiedMs }: { runner: Runner; sinceVerifiedMs: number },
): BackVerdict {
  if (first !== undefined && runner.id !== lastId) return { kind: 'online', proof: 'it registered again' };
  if (wasOffline) return { kind: 'online', proof: 'it was offline before' };
  if (wasIdle && runner.isBusy) return { kind: 'online', proof: 'a job began on it' };
  if (sinceVerifiedMs >= SESSION_LIFE_MS) return { kind: 'probably_online' };
  return SHOWN_ONLINE;
}

type Pending = Extract<BackVerdict, { kind: 'pending' }>;

const UNKNOWN = pending('no usable answer of GitHub', 'an answer that shows it back');
const GONE = pending('it is not registered', 'a registration');
const OFFLINE = pending('it is offline', 'that it is online again');
const SHOWN_ONLINE: Pending = {
  ...pending(
    'it is shown online, which may be what GitHub remembers from before',
    'that it goes offline and comes back, registers again, or begins a job',
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
 * @param endedAt when the wait ended, on the clock's scale.
 */
export function likelyCause(history: BackHistory, endedAt: number): LikelyCause {
  if (history.lastAt === undefined) return { reason: SILENCE, hint: CHECK };
  const missing = namesOf(history).find(([, { verdict }]) => verdict.kind === 'pending');
  const cause = missing === undefined ? NOT_REGISTERED : seenCause(missing[1], history.wanted.length > 0);
  const silentMs = endedAt - history.lastAt;
  if (silentMs < LONG_SILENCE_MS) return cause;
  return { reason: `${SILENCE} for the last ${minutes(silentMs)}; before that ${cause.reason}`, hint: CHECK };
}

const SILENCE = 'GitHub gave no usable answer';
const CHECK = 'See the log for why GitHub gave none, and check the runner before you rely on it.';

const NOT_REGISTERED: LikelyCause = {
  reason:
    'its registration is gone: it took one job only (ephemeral), or has registered under another name or elsewhere',
  hint: `Register it under the same name after each boot. ${STEPS}`,
};

function seenCause({ first, last, wasOffline }: NameHistory, wasOnline: boolean): LikelyCause {
  if (last === 'gone') return NOT_REGISTERED;
  if (!wasOffline) {
    const reason = 'it is shown online, but that may be what GitHub remembers from before the restart';
    return { reason, hint: 'Raise runner_timeout above 6m, and check the runner before you rely on it.' };
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
