import type { HandshakeForm } from '../../simulator/api-keys.ts';
import type { Habits } from '../../simulator/github-world.ts';
import { GUEST_FAULTS, type GuestHabits } from '../../simulator/guests.ts';
import type { Random } from '../../simulator/random.ts';
import { DEFAULT_WORLD, type WorldOptions } from '../../simulator/world.ts';
import type { WhenBusy } from '../../src/runner/gate-limits.ts';
import { EVENT_KINDS, type WorldEvent } from './events.ts';
import type { Connection } from './network.ts';
import { drawLastRestart, drawPool, type PoolScenario, preludeOf } from './pool-scenario.ts';
import { REQUEST_FAULTS, type RequestFault, WORLDS_WITH } from './request-faults.ts';
import type { Kind } from './virtual-time.ts';

/*
 * Draws what goes wrong in a run before it begins: how often each fault of a request happens, which events happen and when, and how world,
 * runner and step are set up. Each draw has its own random source, forked by name, so that a new draw changes no other draw of a seed.
 * testbed.ts carries the scenario out, run.ts plays the step in it, guarantees.ts checks the run.
 *
 * What can go wrong with a request is in request-faults.ts, and what can happen at one moment in events.ts.
 */

/** Everything that goes wrong in one run, and when it stops; times in milliseconds. */
export interface Scenario {
  readonly step: StepScenario;
  /** The VMs that the step may be about; their external IDs are `runner-1`, `runner-2` and so on. One for a step about one VM. */
  readonly vms: readonly VmScenario[];
  /** The GitHub runner in each VM, if the step guards one. */
  readonly runner: RunnerScenario | undefined;
  /** If the VMs are a pool between jobs. */
  readonly pool: PoolScenario | undefined;
  /** If the step waits for the guests. */
  readonly guest: GuestScenario | undefined;
  readonly world: Omit<WorldOptions, 'startsAt' | 'steadyFrom'>;
  readonly replicas: { readonly count: number; readonly lagMs: number };
  readonly network: NetworkFaults;
  /** The world's history before the step begins. */
  readonly preludeMs: number;
  /** The step begins this long after a whole second of the controller's clock. */
  readonly startsAfterMs: number;
  /** How far the clocks are off that date the controller's answers (HTTP Date): one of them dates each answer. Empty if they are exact. */
  readonly dateErrorsMs: readonly number[];
  /** When faults end, counted from the start. */
  readonly faultsEndAfterMs: number;
  readonly events: readonly WorldEvent[];
  /** A harmful message is left over from earlier: with secrets and workflow commands. */
  readonly leavesMessage: boolean;
  readonly sessionTtlMs: number;
  /** Unusual encodings of the API key's handshake. */
  readonly handshakeForms: readonly HandshakeForm[];
  readonly cancelAfterMs: number | undefined;
  /** A misconfiguration that makes the controller unreachable, until a person fixes it this long after the start. */
  readonly mistake: { readonly kind: Mistake; readonly forMs: number } | undefined;
  /** The step's process is suspended: some time after the start, the first attempt of the restart, or its first departure. */
  readonly suspension: Suspension | undefined;
  /** No restart request gets through for this long after the first attempt. */
  readonly restartBlocked: { readonly by: 'refused' | 'HTTP 429'; readonly forMs: number } | undefined;
  /** The process is so slow that it stalls again and again, until faults end. */
  readonly slowLoop: { readonly everyMs: number; readonly forMs: number } | undefined;
  /** Every answer about the instance is larger than 1 MiB. */
  readonly hasLongOutput: boolean;
  /** The step runs on a runner in the first VM, which has this as its name. */
  readonly runsInVm?: 'external_id' | 'name' | undefined;
}

export interface Suspension {
  readonly since: 'start' | 'try' | 'restart';
  readonly afterMs: number;
  readonly forMs: number;
  /** Whether timers or input come first when it wakes. */
  readonly first: Kind;
}

/** Misconfigurations that a person must fix. faulty-network.ts implements them. */
export const MISTAKES = [
  'unknown name',
  'untrusted certificate',
  'no TLS there',
  'login page',
  'FAIL to everything',
] as const;

export type Mistake = (typeof MISTAKES)[number];

/** What happens to one VM; times in milliseconds. */
export interface VmScenario {
  /** The agent never carries out its restart, or the restart ends in Error. */
  readonly trouble: 'stuck' | 'broken' | undefined;
  /** Another client restarted it this long before the start. */
  readonly restartedBeforeMs: number | undefined;
  /** Jobs on its runner. */
  readonly jobs: readonly Span[];
  /** A job that begins this long after the first attempt of the restart. */
  readonly jobAfterTry: Span | undefined;
  /** The runners beside the first. */
  readonly moreRunners: readonly RunnerBeside[];
}

/** A further runner in a VM: it has its own jobs, and its own troubles. */
export interface RunnerBeside {
  readonly jobs: readonly Span[];
  /** Whether its service starts after a boot. */
  readonly startsAfterBoot: boolean;
  /** When its service ends until the next boot. */
  readonly endsAfterMs: number | undefined;
  /** When it is removed, and how long after that it is registered again. */
  readonly registersAgain: Span | undefined;
}

/** What the step is asked to do. */
export interface StepScenario {
  readonly targetBy: 'instance_id' | 'external_id';
  /** External IDs or patterns of the VMs to restart; with `instance_id`, the step gets the IDs of these instances. */
  readonly targets: readonly string[];
  /** As a workflow passes them. */
  readonly maxParallel: string;
  readonly maxFailures: string;
  readonly identity: 'none' | 'root_token' | 'api_key';
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pollInterval: 'auto' | number;
}

/** What the step is to do about the runner, and how runner and GitHub behave. */
export interface RunnerScenario {
  readonly nameTemplate: '{external_id}' | '{name}';
  readonly whenBusy: WhenBusy;
  readonly idleForMs: number;
  readonly busyTimeoutMs: number;
  readonly waitsForRunner: boolean;
  readonly runnerTimeoutMs: number;
  readonly habits: Habits;
  readonly isEphemeral: boolean;
  /** Whether its service starts after a boot. */
  readonly startsAfterBoot: boolean;
  /** Requests per hour. */
  readonly quota: number;
  /** Whether the token can read the jobs; and how many other runs are in progress. */
  readonly showsJobs: boolean;
  readonly otherRuns: number;
  /** Each job's run has a second job that stays queued, so GitHub shows the run as queued. */
  readonly queuesMore: boolean;
  /** How long GitHub does not say on which runner a job runs; and whether it shows the runner's name in upper case. */
  readonly hidesRunnerMs: number;
  readonly spellsInUpperCase: boolean;
  /** A job runs on another owner's runner with the same ID. */
  readonly hasNumberTwin: boolean;
  /** GitHub refuses some requests for a while. */
  readonly refusal: Refusal | undefined;
  /** GitHub wrongly shows the runners busy, or offline, for a while. */
  readonly misreport: (Span & { readonly shows: 'busy' | 'offline' }) | undefined;
  /** GitHub answers no request for jobs for a while. */
  readonly jobsAway: Span | undefined;
  /** A list of several full pages, and how it announces the next page. */
  readonly longList: LongList | undefined;
  /** GitHub cannot filter by name, and its list has many pages that shift this often; undefined if it can filter. */
  readonly pagesShiftEveryMs: number | undefined;
}

export interface LongList {
  /** What there are more than a hundred of. */
  readonly of: 'runners' | 'runs';
  /** `total_count`, if it is not true. */
  readonly totals: 'too small' | 'too large' | undefined;
  /** Whether the pages have a `Link` header. */
  readonly hasLinks: boolean;
}

export interface Refusal extends Span {
  readonly endpoint: 'runners' | 'runner' | 'runs' | 'jobs';
  readonly status: 401 | 403 | 404;
}

/** How long the step waits for the guest, and how guest and forwarders behave. */
export interface GuestScenario {
  readonly timeoutMs: number;
  readonly habits: GuestHabits;
  /** Whether the machine that runs the step reaches the nodes and VMs. */
  readonly isReachable: boolean;
  /** How long the server takes to send its banner once it has a connection. */
  readonly greetsAfterMs: number;
  /** The share of connections that are refused, get no answer, or break: for each of these. */
  readonly faults: number;
  /** The forwarded ports of the VM and its neighbor are swapped this long after the first attempt of the restart. */
  readonly swapsAfterMs: number | undefined;
}

/** Something that begins this long after the start, or another moment, and lasts this long. */
export interface Span {
  readonly afterMs: number;
  readonly forMs: number;
}

/** Faults of kept connections. New ones work. */
export interface ConnectionFaults {
  /** The share of connections that die silently, how long after they were opened, and what no longer gets through. */
  readonly deaths: number;
  readonly dieAfterMs: number;
  readonly loses: Connection['loses'];
  /** The share that lead to a replica that answers 503 to everything, or never answers. */
  readonly sick: number;
  readonly sickness: '503' | 'hangs';
  /** The share whose handshake never ends. */
  readonly hangs?: number;
  /** Whether concurrent requests share one, as in HTTP/2. */
  readonly areShared: boolean;
  /** Whether a connection stays at one replica. */
  readonly areSticky: boolean;
}

export interface NetworkFaults {
  readonly rates: Readonly<Record<RequestFault, number>>;
  /** The connections that reads keep; undefined if each request opens its own. */
  readonly connections: ConnectionFaults | undefined;
  /** One way, approximately. */
  readonly latencyMs: number;
}

/** The faults and events to draw; each name's draw is independent of the others. */
export interface Kinds {
  readonly requestFaults: Readonly<Record<string, number>>;
  readonly events: readonly string[];
}

export const KINDS: Kinds = { requestFaults: REQUEST_FAULTS, events: EVENT_KINDS };

/** The VNC password that the step sets. Some VMs also have it in their names. */
export const PASSWORD = 'vnc-hunter2';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const PRELUDE_MS = MINUTE;

/** A world where nothing goes wrong, toward which a scenario is shrunk. */
export function faultless(seed: number, vms = 1): Scenario {
  return {
    step: {
      targetBy: 'instance_id',
      targets: Array.from({ length: vms }, (_, index) => externalIdOf(index)),
      maxParallel: '1',
      maxFailures: '0',
      identity: 'none',
      dryRun: false,
      timeoutMs: MINUTE,
      requestTimeoutMs: 10 * SECOND,
      pollInterval: 'auto',
    },
    vms: Array(vms).fill(CALM_VM),
    runner: undefined,
    pool: undefined,
    guest: undefined,
    world: {
      ...DEFAULT_WORLD,
      seed,
      vms: Math.max(2, vms),
      nodes: 1,
      heartbeatJitter: 0,
      lostReports: 0,
      doubledReports: 0,
      datelessMs: 0,
      clockSkewMs: 0,
      writesLocalDates: false,
      nameStem: 'vm',
      reassignsPorts: false,
      forwardsSsh: true,
    },
    replicas: { count: 1, lagMs: 0 },
    network: { rates: ratesOf(REQUEST_FAULTS, () => 0), latencyMs: 1, connections: undefined },
    slowLoop: undefined,
    preludeMs: PRELUDE_MS,
    startsAfterMs: 0,
    dateErrorsMs: [],
    faultsEndAfterMs: 0,
    events: [],
    leavesMessage: false,
    sessionTtlMs: 5 * MINUTE,
    handshakeForms: [],
    cancelAfterMs: undefined,
    mistake: undefined,
    suspension: undefined,
    restartBlocked: undefined,
    hasLongOutput: false,
  };
}

const CALM_VM: VmScenario = {
  trouble: undefined,
  restartedBeforeMs: undefined,
  jobs: [],
  jobAfterTry: undefined,
  moreRunners: [],
};

/** The external ID that the simulated controller gives the VM of this index. */
export function externalIdOf(index: number): string {
  return `runner-${index + 1}`;
}

/** Whether the VMs of a step that guards runners have several each: then their names are those of the VMs, with `-a`, `-b` and so on. */
export function hasSeveralRunners({ vms, pool }: Pick<Scenario, 'vms' | 'pool'>): boolean {
  return [...vms, ...(pool?.vms ?? [])].some(({ moreRunners }) => moreRunners.length > 0);
}

/** The jobs of all runners in a VM. */
export function jobsPlannedIn({ jobs, moreRunners }: VmScenario): readonly Span[] {
  return [...jobs, ...moreRunners.flatMap((runner) => runner.jobs)];
}

/** The name of a VM's runner of this index. */
export function runnerNameOf(scenario: Scenario, vmName: string, index: number): string {
  return hasSeveralRunners(scenario) ? `${vmName}-${'abc'[index]}` : vmName;
}

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

function pick<T>(random: Random, ...values: readonly [T, ...T[]]): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0];
}

/** Zero half of the time, otherwise up to this maximum. */
function rate(random: Random, most: number): number {
  return random.next() < 0.5 ? 0 : random.next() * most;
}

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

/** Few, because they take longest: at least a minute passes before each restart. */
const RUNNER_SHARE = 0.1;

/** The share of steps with a runner whose VMs have several. */
const SEVERAL_SHARE = 0.4;

function drawMoreRunners(random: Random): RunnerBeside[] {
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

function drawJobs(random: Random): Pick<VmScenario, 'jobs' | 'jobAfterTry'> {
  const jobs = Math.floor(random.fork('jobs').next() * 5);
  const late = random.fork('job after a try');
  return {
    jobs: Array.from({ length: jobs }, (_, index) => drawJob(random.fork(`job ${index}`))),
    jobAfterTry: late.next() < 0.3 ? drawLateJob(late) : undefined,
  };
}

function drawRunner(random: Random): RunnerScenario {
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

const GUEST_SHARE = 0.15;

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

function drawWorld(random: Random) {
  const [versions, clocks] = [random.fork('version'), random.fork('clock skew')];
  return {
    heartbeatMs: pick(random.fork('heartbeat'), 1, 5, 5, 5, 10) * SECOND,
    heartbeatJitter: rate(random.fork('heartbeat jitter'), 0.5),
    lostReports: rate(random.fork('lost reports'), 0.3),
    doubledReports: rate(random.fork('doubled reports'), 0.3),
    // Two boots within one second would have the same date, because dates are whole seconds.
    stopMs: random.fork('stop').between(600, 3_000),
    startMs: random.fork('start').between(600, 3_000),
    pickUpMs: rate(random.fork('pick-up'), 5_000),
    datelessMs: rate(random.fork('dateless'), 10_000),
    controllerVersion:
      versions.next() < 0.02 ? '1.43.0' : pick(versions, '1.50.1', '1.48.0', '1.46.0', '1.44.0'),
    clockSkewMs: pick(clocks, 0, 1, 1, 1) * Math.round(clocks.between(-3 * HOUR, 3 * HOUR)),
    writesLocalDates: random.fork('local dates').next() < 0.3,
    nameStem: pick(random.fork('name'), 'vm', `${PASSWORD}-mac`),
    reassignsPorts: random.fork('ports').next() < 0.3,
    forwardsSsh: random.fork('no port for SSH').next() >= 0.05,
  };
}

/** The share of worlds in which the step begins at a whole second, and of those in which every answer has the exact date. */
const WHOLE_SECOND_SHARE = 0.5;
const EXACT_DATES_SHARE = 0.7;
/** Each server has its own clock, and a proxy may date the answers of all. The step copes with a minute, the age of a report included. */
const MOST_DATERS = 3;
const LARGEST_DATE_ERROR_MS = 50 * SECOND;

function drawStart(random: Random): Scenario['startsAfterMs'] {
  return random.next() < WHOLE_SECOND_SHARE ? 0 : random.next() * SECOND;
}

function drawDateErrors(random: Random): Scenario['dateErrorsMs'] {
  const daters = random.next() < EXACT_DATES_SHARE ? 0 : 1 + Math.floor(random.next() * MOST_DATERS);
  return Array.from({ length: daters }, (_, index) =>
    Math.round(random.fork(`error ${index}`).between(-LARGEST_DATE_ERROR_MS, LARGEST_DATE_ERROR_MS)),
  );
}

const UNEVEN_SHARE = 0.3;
const RUNS_IN_VM_SHARE = 0.03;

/** What the record of one instance lacks, and what the list lacks: each field one of them, or none. */
function drawRecords(random: Random, hasGuest: boolean): Pick<WorldOptions, 'oneLacks' | 'listLacks'> {
  if (random.next() >= UNEVEN_SHARE) return {};
  // Without a name in the list, it could not be a target.
  const names = ['external_id', 'name'];
  const others = ['node_id', 'vminfo.node_id', 'vminfo.uuid', 'vminfo.vnc_port'];
  // The guest is looked for where the watched record says.
  const addresses = hasGuest ? [] : ['vminfo.host_ip', 'vminfo.ip', 'vminfo.port_forwarding'];
  const drawn = [
    ...names.map((field) => ({ field, by: pick(random.fork(field), 'none', 'one') })),
    ...[...others, ...addresses].map((field) => ({
      field,
      by: pick(random.fork(field), 'none', 'none', 'one', 'list'),
    })),
  ];
  const of = (by: string) => drawn.flatMap((one) => (one.by === by ? [one.field] : []));
  return { oneLacks: of('one'), listLacks: of('list').map((field) => `vm.${field}`) };
}

function drawOwnVm(random: Random): Scenario['runsInVm'] {
  return random.next() < RUNS_IN_VM_SHARE ? pick(random, 'external_id', 'name') : undefined;
}

function drawReplicas(random: Random): Scenario['replicas'] {
  return {
    count: pick(random.fork('count'), 1, 1, 2, 3),
    lagMs: rate(random.fork('lag'), MINUTE),
  };
}

/** What share of the kinds of faults happen in a world: few in some worlds, many in others. */
const FAULTY_SHARES = [0.1, 0.3, 0.5] as const;

function drawNetwork(random: Random, requestFaults: Kinds['requestFaults']): NetworkFaults {
  const share = pick(random.fork('share'), ...FAULTY_SHARES);
  const rates = ratesOf(requestFaults, (fault, most) => {
    const chance = random.fork(`rate of ${fault}`);
    return chance.next() < (WORLDS_WITH[fault] ?? share) ? chance.next() * most : 0;
  });
  const latencyMs = pick(random.fork('latency'), 1, 20, 200);
  const kept = random.fork('connections');
  return { rates, latencyMs, connections: kept.next() < KEPT_SHARE ? drawConnections(kept) : undefined };
}

/** The share of worlds in which reads keep their connections. */
const KEPT_SHARE = 0.5;
const FAULTY_CONNECTIONS_SHARE = 0.4;

function drawConnections(random: Random): ConnectionFaults {
  const share = (kind: string) => {
    const chance = random.fork(kind);
    return chance.next() < FAULTY_CONNECTIONS_SHARE ? chance.next() : 0;
  };
  return {
    deaths: share('deaths'),
    dieAfterMs: random.fork('die after').next() ** 2 * 20 * SECOND,
    loses: pick<Connection['loses']>(random.fork('loses'), 'requests', 'answers'),
    sick: share('sick') * 0.7,
    sickness: pick<ConnectionFaults['sickness']>(random.fork('sickness'), '503', 'hangs'),
    hangs: share('hangs'),
    areShared: random.fork('shared').next() < 0.3,
    areSticky: random.fork('sticky').next() < 0.5,
  };
}

function ratesOf(
  requestFaults: Kinds['requestFaults'],
  rateOf: (fault: string, most: number) => number,
): NetworkFaults['rates'] {
  const rates = Object.entries(requestFaults).map(([fault, most]) => [fault, rateOf(fault, most)]);
  return Object.fromEntries(rates);
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
