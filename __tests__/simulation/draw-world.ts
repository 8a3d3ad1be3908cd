import { pick, type Random, rate } from '../../simulator/random.ts';
import type { WorldOptions } from '../../simulator/world.ts';
import type { Connection } from './network.ts';
import { WORLDS_WITH } from './request-faults.ts';
import {
  type ConnectionFaults,
  type Kinds,
  type NetworkFaults,
  PASSWORD,
  ratesOf,
  type Scenario,
} from './scenario.ts';

/* Draws the controller with its nodes and replicas, and the faults of the network in front of it. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export function drawWorld(random: Random) {
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
    nameStem:
      random.fork('long name').next() < LONG_NAME_SHARE
        ? LONG_STEM
        : pick(random.fork('name'), 'vm', `${PASSWORD}-mac`),
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

export function drawStart(random: Random): Scenario['startsAfterMs'] {
  return random.next() < WHOLE_SECOND_SHARE ? 0 : random.next() * SECOND;
}

export function drawDateErrors(random: Random): Scenario['dateErrorsMs'] {
  const daters = random.next() < EXACT_DATES_SHARE ? 0 : 1 + Math.floor(random.next() * MOST_DATERS);
  return Array.from({ length: daters }, (_, index) =>
    Math.round(random.fork(`error ${index}`).between(-LARGEST_DATE_ERROR_MS, LARGEST_DATE_ERROR_MS)),
  );
}

const LONG_NAME_SHARE = 0.06;
/** Only what follows it differs from VM to VM, beyond the 64 characters that GitHub allows for a runner's name. */
export const LONG_STEM = `vm-${'0123456789'.repeat(12)}`;

const UNEVEN_SHARE = 0.3;

/** What the record of one instance lacks, and what the list lacks: each field one of them, or none. */
export function drawRecords(random: Random, hasGuest: boolean): Pick<WorldOptions, 'oneLacks' | 'listLacks'> {
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

export function drawReplicas(random: Random): Scenario['replicas'] {
  return {
    count: pick(random.fork('count'), 1, 1, 2, 3),
    lagMs: rate(random.fork('lag'), MINUTE),
  };
}

/** What share of the kinds of faults happen in a world: few in some worlds, many in others. */
const FAULTY_SHARES = [0.1, 0.3, 0.5] as const;

export function drawNetwork(random: Random, requestFaults: Kinds['requestFaults']): NetworkFaults {
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
