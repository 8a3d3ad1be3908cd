import type { Random } from '../../simulator/random.ts';
import { DEFAULT_WORLD, type WorldOptions } from '../../simulator/world.ts';
import { drawGuest, type GuestScenario, type Suspension } from './scenario.ts';
import type { Kind } from './virtual-time.ts';

/*
 * What is drawn for a fleet in a simulated world: how many VMs, what the step is asked to do with them, and what goes wrong. It is simpler
 * than the scenario of one VM, whose faults are scenario.ts's: what matters here is what several VMs can do to each other.
 */

/** Times in milliseconds. */
export interface FleetScenario {
  readonly world: Omit<WorldOptions, 'startsAt'>;
  readonly replicas: { readonly count: number; readonly lagMs: number };
  /** The inputs `external_id`, `max_parallel` and `max_failures`, as a workflow has them. */
  readonly targets: readonly string[];
  readonly maxParallel: string;
  readonly maxFailures: string;
  readonly timeoutMs: number;
  readonly identity: 'none' | 'api_key';
  /** How long a session of an API key lasts. */
  readonly sessionTtlMs: number;
  readonly dryRun: boolean;
  readonly runners: FleetRunners | undefined;
  /** Where the step is to wait for the guests; their ports are never exchanged, as restarts move them anyway. */
  readonly guest: GuestScenario | undefined;
  /** Shares of the requests. */
  readonly rates: Readonly<Record<FleetFault, number>>;
  readonly faultsEndAfterMs: number;
  readonly latencyMs: number;
  readonly cancelAfterMs: number | undefined;
  readonly suspension: Suspension | undefined;
}

/** What can happen to a request. */
export const FLEET_FAULTS = [
  'refused',
  'request lost',
  'answer lost',
  'gateway error',
  'late gateway error',
  'HTTP 429',
] as const;
export type FleetFault = (typeof FLEET_FAULTS)[number];

/** A GitHub runner in each VM, and what the step is to do about them. */
export interface FleetRunners {
  readonly whenBusy: 'wait' | 'fail' | 'skip';
  readonly idleForMs: number;
  readonly busyTimeoutMs: number;
  readonly waitsForRunner: boolean;
  /** A job begins on the runner of the VM with this index, so long after the start of the step. */
  readonly jobs: readonly { readonly vm: number; readonly afterMs: number; readonly forMs: number }[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Time that passes in the world before the step begins. */
export const FLEET_PRELUDE_MS = MINUTE;
const FAULTY_WORLDS = 0.4;
/** A handshake takes more time to simulate than all other requests of a VM. */
const API_KEY_SHARE = 0.15;
const DRY_RUN_SHARE = 0.05;
const GUEST_SHARE = 0.2;
const CANCELLED_SHARE = 0.2;
const SUSPENDED_SHARE = 0.1;
const MOST_RATE = 0.2;

export function drawFleetScenario(random: Random, seed: number): FleetScenario {
  const vms = 2 + Math.floor(random.fork('vms').next() ** 2 * 11);
  const count = random.fork('replicas').next() < 0.3 ? 2 : 1;
  const cancellation = random.fork('cancellation');
  return {
    world: drawWorld(random.fork('world'), { seed, vms }),
    replicas: { count, lagMs: count === 1 ? 0 : random.fork('lag').next() * 10 * SECOND },
    targets: drawTargets(random.fork('targets'), vms),
    maxParallel: drawAmount(random.fork('max parallel'), vms, 1),
    maxFailures: drawAmount(random.fork('max failures'), vms, 0),
    timeoutMs: pick(random.fork('timeout'), MINUTE, 2 * MINUTE),
    identity: random.fork('identity').next() < API_KEY_SHARE ? 'api_key' : 'none',
    sessionTtlMs: pick(random.fork('session'), MINUTE / 2, 5 * MINUTE),
    dryRun: random.fork('dry run').next() < DRY_RUN_SHARE,
    runners: random.fork('has runners').next() < 0.4 ? drawRunners(random.fork('runners'), vms) : undefined,
    guest:
      random.fork('has guests').next() < GUEST_SHARE
        ? { ...drawGuest(random.fork('guest')), swapsAfterMs: undefined }
        : undefined,
    rates: drawRates(random.fork('rates')),
    faultsEndAfterMs: random.fork('end of the faults').next() * 3 * MINUTE,
    latencyMs: 1 + random.fork('latency').next() ** 3 * 500,
    cancelAfterMs: cancellation.next() < CANCELLED_SHARE ? cancellation.next() ** 2 * 5 * MINUTE : undefined,
    suspension: drawSuspension(random.fork('suspension')),
  };
}

function drawWorld(random: Random, { seed, vms }: { seed: number; vms: number }): FleetScenario['world'] {
  const bad = (kind: string) => {
    const chance = random.fork(kind);
    return chance.next() < 0.2 ? [nameOf(Math.floor(chance.next() * vms))] : [];
  };
  return {
    ...DEFAULT_WORLD,
    ...{ seed, vms, nodes: 1 + Math.floor(random.fork('nodes').next() * 3) },
    reassignsPorts: random.fork('ports').next() < 0.5,
    lostReports: random.fork('lost reports').next() < 0.2 ? 0.1 : 0,
    stuckVms: bad('stuck'),
    brokenVms: bad('broken'),
  };
}

/** As the simulated controller calls the VM of an index. */
export function nameOf(index: number): string {
  return `runner-${index + 1}`;
}

/** A pattern, all by name, some by name; and what is named twice, or is not there. */
function drawTargets(random: Random, vms: number): string[] {
  const all = Array.from({ length: vms }, (_, index) => nameOf(index));
  const some = all.filter((name, index) => index < 2 || random.fork(name).next() < 0.7);
  const [byPattern, twice, missing] = ['by pattern', 'twice', 'missing'].map((kind) =>
    random.fork(kind).next(),
  );
  return [
    ...((byPattern ?? 0) < 0.5 ? ['runner-*'] : some),
    ...((twice ?? 0) < 0.3 ? ['runner-1', '*-1'] : []),
    ...((missing ?? 0) < 0.15 ? ['nobody'] : []),
  ];
}

function drawAmount(random: Random, vms: number, least: number): string {
  const amount = least + Math.floor(random.next() * vms);
  return random.fork('as a share').next() < 0.4
    ? `${Math.min(100, 10 * (least + Math.floor(random.next() * 10)))}%`
    : String(amount);
}

function drawRunners(random: Random, vms: number): FleetRunners {
  const indexes = Array.from({ length: vms }, (_, index) => index);
  return {
    whenBusy: pick<FleetRunners['whenBusy']>(random.fork('when busy'), 'wait', 'wait', 'skip', 'fail'),
    idleForMs: pick(random.fork('idle for'), 0, 30 * SECOND, 90 * SECOND),
    busyTimeoutMs: pick(random.fork('busy timeout'), 2 * MINUTE, 10 * MINUTE),
    waitsForRunner: random.fork('waits').next() < 0.3,
    jobs: indexes.flatMap((vm) => {
      const chance = random.fork(`job ${vm}`);
      if (chance.next() < 0.6) return [];
      return [{ vm, afterMs: (chance.next() * 8 - 4) * MINUTE, forMs: chance.next() * 5 * MINUTE }];
    }),
  };
}

/** Over a gate, a request, a look or a deadline: each of them is there within minutes. */
function drawSuspension(random: Random): Suspension | undefined {
  if (random.next() >= SUSPENDED_SHARE) return undefined;
  const since = pick<Suspension['since']>(random.fork('since'), 'start', 'try', 'restart');
  const mostMs = { start: 2 * MINUTE, try: SECOND / 4, restart: 8 * SECOND }[since];
  return {
    since,
    afterMs: random.fork('after').next() * mostMs,
    forMs: random.fork('for').next() ** 2 * 3 * MINUTE,
    first: pick<Kind>(random.fork('first'), 'timer', 'input'),
  };
}

function drawRates(random: Random): FleetScenario['rates'] {
  const rate = (fault: FleetFault) => {
    const chance = random.fork(fault);
    return chance.next() < FAULTY_WORLDS ? chance.next() ** 2 * MOST_RATE : 0;
  };
  return Object.fromEntries(FLEET_FAULTS.map((fault) => [fault, rate(fault)])) as FleetScenario['rates'];
}

function pick<T>(random: Random, ...values: readonly [T, ...T[]]): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0];
}
