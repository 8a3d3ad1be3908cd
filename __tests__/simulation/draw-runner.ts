import type { Habits } from '../../simulator/github-world.ts';
import { GUEST_FAULTS, type GuestHabits } from '../../simulator/guests.ts';
import { pick, type Random, rate } from '../../simulator/random.ts';
import type { WhenBusy } from '../../src/runner/runner-options.ts';
import {
  type GuestScenario,
  type LongList,
  PRELUDE_MS,
  type Refusal,
  type RunnerBeside,
  type RunnerScenario,
  type Span,
  type VmScenario,
} from './scenario.ts';

/* Draws how the runners and guests in the VMs behave, their jobs, and what goes wrong at GitHub. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export function drawMoreRunners(random: Random): RunnerBeside[] {
  const number = Math.floor(random.fork('number').next() * 3);
  return Array.from({ length: number }, (_, index) => drawRunnerBeside(random.fork(`runner ${index}`)));
}

function drawRunnerBeside(random: Random): RunnerBeside {
  const [ends, again] = [random.fork('ends'), random.fork('registers again')];
  return {
    jobs: drawJobs(random).jobs,
    startsAfterBoot: random.fork('starts after boot').next() < 0.6,
    endsAfterMs: ends.next() < 0.2 ? ends.between(-PRELUDE_MS, 5 * MINUTE) : undefined,
    registersAgain:
      again.next() < 0.2
        ? { afterMs: again.between(-PRELUDE_MS, 5 * MINUTE), forMs: again.next() ** 2 * MINUTE }
        : undefined,
  };
}

export function drawJobs(random: Random): Pick<VmScenario, 'jobs' | 'jobAfterTry'> {
  const jobs = Math.floor(random.fork('jobs').next() * 5);
  const late = random.fork('job after a try');
  return {
    jobs: Array.from({ length: jobs }, (_, index) => drawJob(random.fork(`job ${index}`))),
    jobAfterTry: late.next() < 0.3 ? drawLateJob(late) : undefined,
  };
}

export function drawRunner(random: Random): RunnerScenario {
  const [shifting, away] = [random.fork('pages shift'), random.fork('jobs away')];
  return {
    nameTemplate: pick<RunnerScenario['nameTemplate']>(random.fork('name'), '{external_id}', '{name}'),
    whenBusy: drawWhenBusy(random),
    idleForMs: pick(random.fork('idle for'), 0, 30, 60, 90, 180) * SECOND,
    busyTimeoutMs: pick(random.fork('busy timeout'), 1, 10, 60) * MINUTE,
    waitsForRunner: random.fork('waits for runner').next() < 0.8,
    runnerTimeoutMs: pick(random.fork('runner timeout'), 2, 10) * MINUTE,
    habits: drawHabits(random.fork('habits')),
    isEphemeral: random.fork('ephemeral').next() < 0.2,
    startsAfterBoot: random.fork('starts after boot').next() < 0.85,
    quota: random.fork('quota').next() < 0.1 ? 50 : 5_000,
    showsJobs: random.fork('shows jobs').next() < 0.8,
    otherRuns: Math.floor(random.fork('other runs').next() * 4),
    queuesMore: random.fork('queues more').next() < 0.3,
    hidesRunnerMs: rate(random.fork('hides runner'), 3 * MINUTE),
    spellsInUpperCase: random.fork('spells').next() < 0.2,
    hasNumberTwin: random.fork('number twin').next() < 0.2,
    refusal: drawRefusal(random.fork('refusal')),
    misreport: drawMisreport(random.fork('misreport')),
    jobsAway: away.next() < 0.3 ? drawAbsence(away) : undefined,
    longList: drawLongList(random.fork('long list')),
    pagesShiftEveryMs: shifting.next() < 0.2 ? shifting.between(0.2, 20) * SECOND : undefined,
  };
}

const LONG_LIST_SHARE = 0.1;

function drawLongList(random: Random): LongList | undefined {
  if (random.next() >= LONG_LIST_SHARE) return undefined;
  return {
    of: pick<LongList['of']>(random.fork('of'), 'runners', 'runs'),
    totals: pick(random.fork('totals'), undefined, 'too small', 'too small', 'too large'),
    hasLinks: random.fork('links').next() < 0.4,
  };
}

/** How guests behave, and how long the step waits for them. */
export function drawGuest(random: Random): GuestScenario {
  const [faults, swaps] = [random.fork('fault'), random.fork('swap')];
  return {
    timeoutMs: pick(random.fork('timeout'), 30, 60, 120) * SECOND,
    habits: {
      bootMs: random.fork('boot').next() ** 2 * 90 * SECOND,
      fault: faults.next() < 0.15 ? pick(faults, ...GUEST_FAULTS) : undefined,
      forwarder: pick<GuestHabits['forwarder']>(random.fork('forwarder'), 'accepts', 'accepts', 'refuses'),
    },
    isReachable: random.fork('reachable').next() < 0.95,
    greetsAfterMs: random.fork('greets after').next() * 4 * SECOND,
    faults: rate(random.fork('faults'), 0.2),
    swapsAfterMs: swaps.next() < 0.7 ? swaps.next() ** 2 * MINUTE : undefined,
  };
}

/** How late each source shows a job at most: most runners show it late, most lists of jobs soon. In milliseconds. */
const LONGEST_BUSY_LAG_MS = 90 * SECOND;
const LONGEST_JOBS_LAG_MS = 30 * SECOND;

function drawWhenBusy(random: Random): WhenBusy {
  if (random.fork('skip').next() < 0.15) return 'skip';
  return pick<WhenBusy>(random.fork('when busy'), 'wait', 'wait', 'wait', 'fail', 'ignore');
}

/** How GitHub and a runner behave. */
export function drawHabits(random: Random): Habits {
  const staleMs = random.fork('stale').between(5, 290) * SECOND;
  const sessions = random.fork('session');
  return {
    staleMs,
    sessionMs: sessions.next() < 0.5 ? staleMs : sessions.between(0, 300) * SECOND,
    loginMs: random.fork('login').between(5, 120) * SECOND,
    retryMs: 30 * SECOND,
    giveUpMs: 4 * MINUTE,
    busyLagMs: Math.sqrt(random.fork('busy lag').next()) * LONGEST_BUSY_LAG_MS,
    idleLagMs: random.fork('idle lag').between(0, 10) * SECOND,
    lapseAfterMs: random.fork('lapse after').next() * 3 * MINUTE,
    lapseMs: rate(random.fork('lapse'), MINUTE),
    jobsLagMs: random.fork('jobs lag').next() ** 2 * LONGEST_JOBS_LAG_MS,
  };
}

/** Some jobs began before the step did. */
function drawJob(random: Random): Span {
  return {
    afterMs: random.fork('after').next() ** 2 * 7 * MINUTE - PRELUDE_MS,
    forMs: random.fork('for').next() ** 2 * 5 * MINUTE,
  };
}

function drawLateJob(random: Random): Span {
  return {
    afterMs: random.fork('after').next() ** 2 * 20 * SECOND,
    forMs: random.fork('for').next() ** 2 * 3 * MINUTE,
  };
}

function drawRefusal(random: Random): Refusal | undefined {
  if (random.next() >= 0.25) return undefined;
  return {
    endpoint: pick<Refusal['endpoint']>(random.fork('endpoint'), 'runners', 'runner', 'runs', 'jobs'),
    status: pick<Refusal['status']>(random.fork('status'), 401, 403, 404),
    afterMs: random.fork('after').next() ** 2 * 2 * MINUTE,
    forMs: random.fork('for').next() ** 2 * 20 * SECOND,
  };
}

function drawMisreport(random: Random): RunnerScenario['misreport'] {
  if (random.next() >= 0.2) return undefined;
  return {
    shows: pick(random.fork('shows'), 'busy', 'offline'),
    afterMs: random.fork('after').next() ** 2 * 3 * MINUTE,
    forMs: random.fork('for').next() * 3 * MINUTE,
  };
}

function drawAbsence(random: Random): Span {
  return {
    afterMs: random.fork('after').next() ** 2 * 5 * MINUTE,
    forMs: random.fork('for').next() * 3 * MINUTE,
  };
}
