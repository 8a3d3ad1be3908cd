import type { HandshakeForm } from '../../simulator/api-keys.ts';
import { pick, type Random } from '../../simulator/random.ts';
import { drawGuest, drawJobs, drawMoreRunners, drawRunner } from './draw-runner.ts';
import {
  drawDateErrors,
  drawNetwork,
  drawRecords,
  drawReplicas,
  drawStart,
  drawWorld,
} from './draw-world.ts';
import type { WorldEvent } from './events.ts';
import { drawLastRestart, drawPool, preludeOf } from './pool-scenario.ts';
import {
  externalIdOf,
  faultless,
  KINDS,
  type Kinds,
  MISTAKES,
  PRELUDE_MS,
  type Scenario,
  type StepScenario,
  type Suspension,
  type VmScenario,
} from './scenario.ts';
import type { Kind } from './virtual-time.ts';

/*
 * Draws a scenario before a run begins. Each draw has its own random source, forked by name, so that a new draw changes no other draw of a
 * seed. Runners and guests are in draw-runner.ts, controller and network in draw-world.ts, pools in pool-scenario.ts.
 */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Few, because they take longest: at least a minute passes before each restart. */
const RUNNER_SHARE = 0.1;

/** The share of steps with a runner whose VMs have several. */
const SEVERAL_SHARE = 0.4;

const GUEST_SHARE = 0.15;

const RUNS_IN_VM_SHARE = 0.03;

/** Draws the scenario of a step about one VM: each kind of fault has its own rate, which is often zero. */
export function drawScenario(random: Random, seed: number, kinds = KINDS): Scenario {
  return draw(random, { seed, kinds, vms: 1 });
}

/** The same for 2 to 12 VMs: the same things can happen to each of them. */
export function drawFleetScenario(random: Random, seed: number): Scenario {
  const fleet = random.fork('fleet');
  const vms = 2 + Math.floor(fleet.fork('vms').next() ** 2 * 11);
  const { step, world, ...drawn } = draw(random, { seed, kinds: KINDS, vms });
  return {
    ...drawn,
    step: {
      ...step,
      targets: drawTargets(fleet.fork('targets'), { vms, ...step }),
      maxParallel: drawAmount(fleet.fork('max parallel'), vms, 1),
      maxFailures: drawAmount(fleet.fork('max failures'), vms, 0),
    },
    world: { ...world, nodes: 1 + Math.floor(fleet.fork('nodes').next() * 3) },
  };
}

/** The share of pools with network faults. The others have none, so that faults do not hide what happens in the pool. */
const FAULTY_POOL_SHARE = 0.3;
/** Events in a pool: the others would make it random when a VM last booted, or which VM it is. */
const POOL_EVENTS: readonly string[] = ['controller restart', 'sessions end'];

/** The same for a pool: one-job runners, sweeps, `used_by_job`, drains. */
export function drawPoolScenario(random: Random, seed: number): Scenario {
  const own = random.fork('pool');
  const isFleet = own.fork('fleet').next() < 0.7;
  const drawn = isFleet ? drawFleetScenario(random, seed) : drawScenario(random, seed);
  const calm = faultless(seed, drawn.vms.length);
  const isFaulty = own.fork('faulty').next() < FAULTY_POOL_SHARE;
  const { targetBy, targets } = drawn.step;
  const pool = drawPool(own, drawn.vms.length);
  const runner = drawRunner(own.fork('runner'));
  return {
    ...drawn,
    ...(!isFaulty && {
      network: calm.network,
      slowLoop: undefined,
      suspension: undefined,
      restartBlocked: undefined,
    }),
    ...{ pool, guest: undefined, mistake: undefined, replicas: calm.replicas, hasLongOutput: false },
    step: {
      ...drawn.step,
      // The jobs determine which VMs these are.
      ...(pool.usedByJob ? { targetBy: 'external_id', targets: ['runner-*'] } : { targetBy, targets }),
      timeoutMs: MINUTE,
    },
    runner: {
      ...runner,
      habits: { ...runner.habits, lapseMs: 0 },
      ...{ isEphemeral: pool.takesOneJob, quota: 5_000 },
      // Longer than an installation token lives.
      ...(pool.drain?.token?.isInstallation && { busyTimeoutMs: 2 * 60 * MINUTE }),
      // A pool has its own outages, and its run is the first.
      ...{ hasNumberTwin: false, misreport: undefined, refusal: undefined, longList: undefined },
    },
    vms: drawn.vms.map((vm, index) => ({
      ...{ ...vm, jobs: [], jobAfterTry: undefined, moreRunners: [] },
      restartedBeforeMs: drawLastRestart(own.fork(`restart of ${index}`)),
    })),
    preludeMs: preludeOf(pool),
    events: isFaulty ? drawn.events.filter(({ kind }) => POOL_EVENTS.includes(kind)) : [],
  };
}

interface Size {
  readonly seed: number;
  readonly kinds: Kinds;
  readonly vms: number;
}

function draw(random: Random, { seed, kinds, vms }: Size): Scenario {
  const step = { ...faultless(seed, vms).step, ...drawStep(random.fork('step')) };
  const hasRunner = random.fork('has a runner').next() < RUNNER_SHARE;
  const hasSeveral = random.fork('has several runners').next() < SEVERAL_SHARE;
  const runner = hasRunner ? drawRunner(random.fork('runner')) : undefined;
  // With a runner, a step takes longer and more can go wrong.
  const guest = random.fork('has a guest').next() < GUEST_SHARE ? drawGuest(random.fork('guest')) : undefined;
  const horizonMs =
    step.timeoutMs +
    (vms - 1) * MS_PER_FURTHER_VM +
    (hasRunner ? random.fork('horizon').next() * 10 * MINUTE : 0) +
    (guest === undefined ? 0 : random.fork('horizon of the guest').next() * guest.timeoutMs);
  const [ending, cancellation] = [random.fork('end of the faults'), random.fork('cancellation')];
  return {
    step,
    vms: Array.from({ length: vms }, (_, index) =>
      drawVm(index === 0 ? random : random.fork(externalIdOf(index)), {
        ...{ hasRunner, isAlone: vms === 1 },
        hasSeveral: hasRunner && hasSeveral,
      }),
    ),
    runner,
    pool: undefined,
    guest,
    world: {
      ...faultless(seed, vms).world,
      ...drawWorld(random.fork('world')),
      ...drawRecords(random.fork('records'), guest !== undefined),
    },
    runsInVm: vms === 1 ? drawOwnVm(random.fork('runs in the VM')) : undefined,
    replicas: drawReplicas(random.fork('replicas')),
    network: drawNetwork(random.fork('network'), kinds.requestFaults),
    preludeMs: PRELUDE_MS,
    startsAfterMs: drawStart(random.fork('begins')),
    dateErrorsMs: drawDateErrors(random.fork('dates')),
    faultsEndAfterMs: ending.next() < 0.3 ? 0 : ending.next() * horizonMs,
    events: [
      ...drawEvents(random.fork('events'), { horizonMs, kinds: kinds.events }),
      ...drawEventsOfOthers(random.fork('events of others'), { horizonMs, kinds: kinds.events, vms }),
    ],
    leavesMessage: random.fork('message').next() < 0.5,
    // Longer than a request can take: a session that ends before the request arrives looks like no session.
    sessionTtlMs: pick(random.fork('sessions'), 300, 60, 20) * SECOND,
    handshakeForms: HANDSHAKE_FORMS.filter((form) => random.fork(`handshake ${form}`).next() < 0.2),
    cancelAfterMs: cancellation.next() < 0.1 ? cancellation.next() ** 3 * horizonMs : undefined,
    mistake: drawMistake(random.fork('mistake')),
    suspension: drawSuspension(random.fork('suspension'), horizonMs),
    restartBlocked: drawBlock(
      random.fork('hold-up'),
      hasRunner ? BLOCKED_SHARES.runner : BLOCKED_SHARES.none,
    ),
    slowLoop: drawSlowLoop(random.fork('slow loop')),
    hasLongOutput: random.fork('long output').next() < LONG_OUTPUT_SHARE,
  };
}

/** How much longer a step may take for each further VM. */
const MS_PER_FURTHER_VM = 10 * SECOND;
/** The share of a fleet's VMs that are stuck or broken. A step with only such a VM would always fail. */
const TROUBLED_SHARE = 0.06;

interface VmTraits {
  readonly hasRunner: boolean;
  readonly hasSeveral: boolean;
  readonly isAlone: boolean;
}

function drawVm(random: Random, { hasRunner, hasSeveral, isAlone }: VmTraits): VmScenario {
  const [other, runner, trouble] = [
    random.fork('other restart'),
    random.fork('runner'),
    random.fork('trouble'),
  ];
  return {
    trouble: !isAlone && trouble.next() < TROUBLED_SHARE ? pick(trouble, 'stuck', 'broken') : undefined,
    restartedBeforeMs: other.next() < 0.5 ? other.next() * PRELUDE_MS : undefined,
    ...(hasRunner ? drawJobs(runner) : { jobs: [], jobAfterTry: undefined }),
    moreRunners: hasSeveral ? drawMoreRunners(random.fork('more runners')) : [],
  };
}

/** A pattern or names; some twice, and some that do not exist. */
function drawTargets(random: Random, { vms, targetBy }: StepScenario & { readonly vms: number }): string[] {
  const all = Array.from({ length: vms }, (_, index) => externalIdOf(index));
  const some = all.filter((name, index) => index < 2 || random.fork(name).next() < 0.7);
  const isBelow = (kind: string, share: number) => random.fork(kind).next() < share;
  const missing = isBelow('missing', 0.15) ? ['nothing'] : [];
  const isTwice = isBelow('twice', 0.3);
  if (targetBy === 'instance_id') return [...some, ...(isTwice ? some.slice(0, 1) : []), ...missing];
  const named = isBelow('by pattern', 0.5) ? ['runner-*'] : some;
  return [...named, ...(isTwice ? ['runner-1', '*-1'] : []), ...missing];
}

/** A number of VMs, or a share of all. */
function drawAmount(random: Random, vms: number, least: number): string {
  const amount = least + Math.floor(random.next() * vms);
  return random.fork('as a share').next() < 0.4
    ? `${Math.min(100, 10 * (least + Math.floor(random.next() * 10)))}%`
    : String(amount);
}

const MISTAKEN_SHARE = 0.02;
const SUSPENDED_SHARE = 0.05;
/** More often with a runner, because a job can begin in the meantime. */
const BLOCKED_SHARES = { runner: 0.3, none: 0.02 };
/** Rare, because reading them takes time. */
const LONG_OUTPUT_SHARE = 0.003;
/** Not fixed while the step runs. */
const FOREVER_MS = 24 * HOUR;

function drawMistake(random: Random): Scenario['mistake'] {
  if (random.next() >= MISTAKEN_SHARE) return undefined;
  const duration = random.fork('for');
  const forMs = duration.next() < 0.5 ? FOREVER_MS : duration.next() * 20 * SECOND;
  return { kind: pick(random.fork('kind'), ...MISTAKES), forMs };
}

function drawSuspension(random: Random, horizonMs: number): Scenario['suspension'] {
  if (random.next() >= SUSPENDED_SHARE) return undefined;
  const since = pick<Suspension['since']>(random.fork('since'), 'start', 'restart', 'restart', 'try');
  // A request leaves once it is connected, and a restart is proved within seconds.
  const mostMs = { start: horizonMs, try: SECOND / 4, restart: 8 * SECOND }[since];
  return {
    since,
    afterMs: random.fork('after').next() * mostMs,
    forMs: random.fork('for').next() ** 2 * 3 * MINUTE,
    first: pick<Kind>(random.fork('first'), 'timer', 'input'),
  };
}

const SLOW_SHARE = 0.05;

function drawSlowLoop(random: Random): Scenario['slowLoop'] {
  if (random.next() >= SLOW_SHARE) return undefined;
  return {
    everyMs: random.fork('every').between(0.5, 5) * SECOND,
    forMs: random.fork('for').next() ** 2 * 2 * SECOND,
  };
}

function drawBlock(random: Random, share: number): Scenario['restartBlocked'] {
  if (random.next() >= share) return undefined;
  const by = pick<'refused' | 'HTTP 429'>(random.fork('by'), 'refused', 'HTTP 429');
  return { by, forMs: random.fork('for').next() * MINUTE };
}
const HANDSHAKE_FORMS: readonly HandshakeForm[] = ['url-safe', 'unpadded', 'line break', 'encoded'];

function drawStep(random: Random): Omit<StepScenario, 'targets' | 'maxParallel' | 'maxFailures'> {
  const timeouts = random.fork('timeout');
  return {
    targetBy: pick<StepScenario['targetBy']>(
      random.fork('target'),
      'instance_id',
      'instance_id',
      'external_id',
    ),
    identity: pick<StepScenario['identity']>(random.fork('identity'), 'none', 'root_token', 'api_key'),
    dryRun: random.fork('dry run').next() < 0.05,
    timeoutMs: timeouts.next() < 0.03 ? 5 * MINUTE : pick(timeouts, 15, 30, 30, 60) * SECOND,
    requestTimeoutMs: pick(random.fork('request timeout'), 1, 3, 10) * SECOND,
    pollInterval: pick<'auto' | number>(random.fork('poll interval'), 'auto', 'auto', 'auto', 500, 5_000),
  };
}

/** How likely each turn of an event is: nothing happens in a third of the worlds, much in another third. */
const EVENT_CHANCES = [0, 0.035, 0.065] as const;
/** How often each kind of event can happen in a world. */
const TURNS = 2;

interface EventDraw {
  readonly horizonMs: number;
  readonly kinds: readonly string[];
}

/** Draws events for the other VMs of a fleet. */
function drawEventsOfOthers(
  random: Random,
  { vms, ...draw }: EventDraw & { readonly vms: number },
): WorldEvent[] {
  const others = Array.from({ length: vms - 1 }, (_, index) => index + 1);
  return others.flatMap((vm) =>
    random.fork(`has some ${vm}`).next() < EVENTFUL_SHARE
      ? drawEvents(random.fork(externalIdOf(vm)), draw).map((event) => ({ ...event, vm }))
      : [],
  );
}

/** The share of the other VMs with events: with more, hardly any VM would have none. */
const EVENTFUL_SHARE = 0.15;

function drawEvents(random: Random, { horizonMs, kinds }: EventDraw): WorldEvent[] {
  const chance = pick(random.fork('chance'), ...EVENT_CHANCES);
  const turns = kinds.flatMap((kind) => Array.from({ length: TURNS }, (_, turn) => ({ kind, turn })));
  return turns.flatMap(({ kind, turn }) => {
    const own = random.fork(`${kind}, turn ${turn}`);
    if (own.next() >= chance) return [];
    // Most of what matters happens early.
    const afterMs = own.fork('after').next() ** 2 * horizonMs * 0.7;
    return [{ kind: kind as WorldEvent['kind'], afterMs, forMs: own.fork('for').next() ** 2 * 3 * MINUTE }];
  });
}

function drawOwnVm(random: Random): Scenario['runsInVm'] {
  return random.next() < RUNS_IN_VM_SHARE ? pick(random, 'external_id', 'name') : undefined;
}
