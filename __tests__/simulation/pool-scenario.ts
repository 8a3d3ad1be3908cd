import type { AtBoot } from '../../simulator/github-runners.ts';
import type { JobPlan } from '../../simulator/github-runs.ts';
import type { Random } from '../../simulator/random.ts';
import type { Span, VmScenario } from './scenario.ts';

/*
 * A pool: VMs whose runners share labels and take jobs from a queue between resets. pool-stage.ts carries it out, and pool-guarantees.ts
 * checks it.
 */

/** Times in milliseconds, counted from the start of the step. */
export interface PoolScenario {
  readonly takesOneJob: boolean;
  /** `runner_ephemeral`, which may be wrong. */
  readonly saysEphemeral: boolean;
  readonly atBoot: AtBoot;
  readonly replaceKeepsId: boolean;
  readonly deregisterMs: number;
  /** `runner_scope` is wrong: it has none of the pool's runners. */
  readonly hasWrongScope: boolean;
  readonly isSweep: boolean;
  readonly usedByJob: UsedRun | undefined;
  readonly drain: DrainScenario | undefined;
  /** Jobs that any runner of the pool may get. */
  readonly queue: readonly Span[];
  /** While GitHub shows every runner offline. */
  readonly outage: Span | undefined;
  /** One for each VM. */
  readonly vms: readonly PoolVm[];
}

export interface PoolVm {
  /** Whether its runner is registered at first; if not, it has had its one job. */
  readonly isRegistered: boolean;
  /** When its service stops permanently. */
  readonly diesAfterMs: number | undefined;
  /** Further runners in the same VM. They are persistent, too. */
  readonly moreRunners: readonly Pick<PoolVm, 'diesAfterMs'>[];
}

/** The run whose jobs `used_by_job` names. */
interface UsedRun {
  readonly afterMs: number;
  readonly jobs: readonly JobPlan[];
  readonly cancelledAfterMs: number | undefined;
  readonly rerunAfterMs: number | undefined;
}

export interface DrainScenario {
  /** While GitHub refuses every change of labels. */
  readonly refused: Span | undefined;
  /** Another step's drain of a runner; `vm` is the index of the runner's VM. */
  readonly foreign:
    | { readonly vm: number; readonly expiresAfterMs: number; readonly endsAfterMs: number | undefined }
    | undefined;
  /** A person adds a label to a runner. */
  readonly added: { readonly vm: number; readonly afterMs: number } | undefined;
  /** A person registers a runner again with `--replace`, which sets its labels. */
  readonly reset: { readonly vm: number; readonly afterMs: number } | undefined;
  readonly other: OtherStep | undefined;
  readonly token: DrawnToken | undefined;
  /** How outdated every other read of labels is. */
  readonly readsLagMs?: number | undefined;
}

/** Another step of this action that drains the runner in one of the VMs, and restarts the VM. */
export interface OtherStep {
  /** The VM's index. */
  readonly vm: number;
  readonly startsAfterMs: number;
  readonly killed: Kill | undefined;
}

/** SIGKILL. */
interface Kill {
  /** Counted from the start of the other step, or from this change of labels: the first, the second, and so on. */
  readonly afterMs: number;
  readonly afterChanges: number | undefined;
  /** The machine is lost with the step, so no post step runs. */
  readonly losesMachine: boolean;
}

/** The step's own token for GitHub, which expires. */
interface DrawnToken {
  readonly isInstallation: boolean;
  readonly expiresAfterMs: number;
}

export const POOL_LABEL = 'pool';
/** A user's own label that resembles a drained one. */
export const OWN_LABEL = 'old.drained';
export const ADDED_LABEL = 'team-a';
export const FOREIGN_RUN = '8001';
/** Of the other step. */
export const OTHER_RUN = '8002';
export const OTHER_TOKEN = 'ghp_other2other2';
/** How long the labels of its drain last: busy_timeout, idle_for, timeout, runner_timeout, and an hour. */
const OTHER_LIFE_MS = 68.5 * 60_000;
/** The step's own run. */
export const RUN_ID = '9001';
/** The jobs that `used_by_job` names. */
export const USED_JOBS = 'test (*';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** What happened in the pool before the step. */
const POOL_PRELUDE_MS = 12 * MINUTE;

/** @param vms how many there are */
export function drawPool(random: Random, vms: number): PoolScenario {
  const is = (what: string, share: number) => random.fork(what).next() < share;
  const takesOneJob = is('one job', 0.6);
  const usedByJob = is('used by job', 0.35) ? drawUsedRun(random.fork('run'), vms) : undefined;
  const hasDrain = is('drain', takesOneJob ? 0.15 : 0.7);
  const saysEphemeral = !hasDrain && takesOneJob !== is('wrong kind', 0.12);
  const outage = random.fork('outage');
  // It does not drain a runner that takes one job; and its restart would make it random when a VM last booted.
  const hasOther = !takesOneJob && usedByJob === undefined;
  const drain = hasDrain ? drawDrain(random.fork('drains'), { vms, hasOther }) : undefined;
  const longestJobMs = (drain?.token?.isInstallation ? 180 : 6) * MINUTE;
  const hasSeveral = is('several runners', 0.3);
  return {
    ...{ takesOneJob, saysEphemeral, usedByJob },
    atBoot: drawAtBoot(random.fork('at boot'), takesOneJob),
    replaceKeepsId: is('keeps ID', 0.5),
    deregisterMs: random.fork('deregister').next() ** 2 * 20 * SECOND,
    hasWrongScope: is('wrong scope', 0.12),
    isSweep: usedByJob === undefined && is('sweep', 0.35),
    drain,
    queue: drawQueue(random.fork('queue'), { vms, longestJobMs }),
    outage: outage.next() < 0.25 ? { ...drawSpan(outage, 4 * MINUTE), forMs: 15 * MINUTE } : undefined,
    vms: Array.from({ length: vms }, (_, index) =>
      drawPoolVm(random.fork(`VM ${index}`), { takesOneJob, hasSeveral: !takesOneJob && hasSeveral }),
    ),
  };
}

/** How long before the step a VM was restarted, if it was: some just before, others at any time since the start. */
export function drawLastRestart(random: Random): VmScenario['restartedBeforeMs'] {
  if (random.next() < 0.3) return undefined;
  return random.next() ** 2 * (POOL_PRELUDE_MS - MINUTE);
}

function drawAtBoot(random: Random, takesOneJob: boolean): AtBoot {
  const choices: readonly AtBoot[] = takesOneJob
    ? ['replace', 'replace', 'random name']
    : ['keep', 'replace'];
  return choices[Math.floor(random.next() * choices.length)] ?? 'keep';
}

interface PoolTraits {
  readonly takesOneJob: boolean;
  readonly hasSeveral: boolean;
}

function drawPoolVm(random: Random, { takesOneJob, hasSeveral }: PoolTraits): PoolVm {
  const isBeside = hasSeveral && random.fork('beside').next() < 0.7;
  return {
    isRegistered: !takesOneJob || random.fork('registered').next() < 0.7,
    diesAfterMs: drawDeath(random.fork('dies')),
    moreRunners: isBeside ? [{ diesAfterMs: drawDeath(random.fork('the one beside dies')) }] : [],
  };
}

function drawDeath(random: Random): number | undefined {
  return random.next() < 0.2 ? random.between(-POOL_PRELUDE_MS, 2 * MINUTE) : undefined;
}

/** In some worlds there are few jobs; in others every runner always has one. */
function drawQueue(
  random: Random,
  { vms, longestJobMs }: { readonly vms: number; readonly longestJobMs: number },
): Span[] {
  const jobs = Math.floor(random.fork('jobs').next() * 4 * vms);
  return Array.from({ length: jobs }, (_, index) => {
    const own = random.fork(`job ${index}`);
    return {
      afterMs: own.between(-POOL_PRELUDE_MS, 6 * MINUTE),
      forMs: 5 * SECOND + own.next() ** 2 * longestJobMs,
    };
  });
}

/** How long after its end GitHub may not show yet on which runner a job ran. */
const LONGEST_HIDDEN_MS = 2 * MINUTE;

function drawUsedRun(random: Random, vms: number): UsedRun {
  const [count, cancelled, rerun] = [random.fork('count'), random.fork('cancelled'), random.fork('rerun')];
  const hidden = random.fork('hidden');
  const afterMs = random.fork('after').between(-POOL_PRELUDE_MS + MINUTE, -20 * SECOND);
  const later = (chance: Random, share: number) =>
    chance.next() < share ? afterMs + chance.next() * (-afterMs - 1_000) : undefined;
  const cancelledAfterMs = later(cancelled, 0.2);
  // A canceled job without a runner looks like one that never had any.
  const areHidden = hidden.next() < 0.3 && cancelledAfterMs === undefined;
  const jobs = Array.from({ length: 1 + Math.floor(count.next() * vms) }, (_, index) => {
    const own = random.fork(`job ${index}`);
    const conclusion = own.fork('conclusion').next() < 0.25 ? ('failure' as const) : ('success' as const);
    const forMs = 5 * SECOND + own.next() ** 2 * 5 * MINUTE;
    const hidesRunnerMs = forMs + hidden.next() * LONGEST_HIDDEN_MS;
    return {
      ...{ name: `test (${index + 1})`, labels: ['self-hosted', POOL_LABEL], conclusion, forMs },
      ...(areHidden && { hidesRunnerMs }),
    };
  });
  return { afterMs, jobs, cancelledAfterMs, rerunAfterMs: later(rerun, 0.3) };
}

/** The share of drains with outdated reads. The step copes with a minute. */
const LAGGING_SHARE = 0.4;
const LONGEST_READS_LAG_MS = 50 * SECOND;

/** @param hasOther whether there may be another step with a drain */
function drawDrain(
  random: Random,
  { vms, hasOther }: { readonly vms: number; readonly hasOther: boolean },
): DrainScenario {
  const one = (chance: Random) => Math.floor(chance.next() * vms);
  const [refused, foreign, added] = [random.fork('refused'), random.fork('foreign'), random.fork('added')];
  const [reset, other, lag] = [random.fork('reset'), random.fork('other'), random.fork('lag')];
  const readsLagMs = lag.next() < LAGGING_SHARE ? lag.next() * LONGEST_READS_LAG_MS : undefined;
  // No drain can know that it replaced a label if outdated reads are from before a person added it: it stays drained until it expires.
  const mayAdd = readsLagMs === undefined;
  return {
    refused: refused.next() < 0.25 ? drawSpan(refused, 5 * MINUTE) : undefined,
    foreign: foreign.next() < 0.3 ? { vm: one(foreign), ...drawForeign(foreign) } : undefined,
    added: added.next() < 0.4 && mayAdd ? { vm: one(added), afterMs: added.next() * 5 * MINUTE } : undefined,
    reset: reset.next() < 0.4 ? { vm: one(reset), afterMs: reset.next() ** 2 * 4 * MINUTE } : undefined,
    other: hasOther && other.next() < 0.6 ? { vm: one(other), ...drawOther(other) } : undefined,
    token: drawToken(random.fork('token')),
    readsLagMs,
  };
}

/** Some were killed so long ago that their labels expire about now. */
function drawOther(random: Random): Omit<OtherStep, 'vm'> {
  const killed = random.fork('is killed').next() < 0.7 ? drawKill(random.fork('killed')) : undefined;
  const isLongAgo = killed?.losesMachine === true && random.fork('long ago').next() < 0.7;
  const starts = random.fork('starts');
  const startsAfterMs = isLongAgo
    ? starts.between(-5, 1) * MINUTE - OTHER_LIFE_MS
    : starts.between(-3, 3) * MINUTE;
  return { startsAfterMs, killed };
}

function drawKill(random: Random): Kill {
  const changes = random.fork('changes');
  const isBetweenChanges = changes.next() < 0.6;
  return {
    afterMs: isBetweenChanges
      ? random.fork('after').next() * SECOND
      : random.fork('after').next() * 3 * MINUTE,
    afterChanges: isBetweenChanges ? 1 + Math.floor(changes.next() * 6) : undefined,
    losesMachine: random.fork('machine').next() < 0.6,
  };
}

/** An installation token lives for an hour, and was created shortly before the step. */
function drawToken(random: Random): DrawnToken | undefined {
  if (random.next() < 0.75) return undefined;
  const isInstallation = random.fork('installation').next() < 0.4;
  const lasts = random.fork('lasts');
  const expiresAfterMs = isInstallation ? lasts.between(57, 60) * MINUTE : lasts.next() ** 2 * 8 * MINUTE;
  return { isInstallation, expiresAfterMs };
}

/** Another step may have been killed long before, with labels that expire only now. */
export function preludeOf({ drain }: PoolScenario): number {
  const startsBeforeMs = -(drain?.other?.startsAfterMs ?? 0);
  return Math.max(POOL_PRELUDE_MS, startsBeforeMs + MINUTE);
}

function drawForeign(random: Random) {
  const expiresAfterMs = random.fork('expires').between(-5, 30) * MINUTE;
  const ends = random.fork('ends');
  const isEnded = expiresAfterMs > 0 && ends.next() < 0.5;
  return { expiresAfterMs, endsAfterMs: isEnded ? ends.next() * 4 * MINUTE : undefined };
}

function drawSpan(random: Random, latestMs: number): Span {
  return {
    afterMs: random.fork('after').next() ** 2 * latestMs - MINUTE,
    forMs: random.fork('for').next() * 4 * MINUTE,
  };
}
