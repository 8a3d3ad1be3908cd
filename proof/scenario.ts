import type { Habits } from '../simulator/github-world.ts';
import type { Random } from '../simulator/random.ts';
import { DEFAULT_WORLD, type WorldOptions } from '../simulator/world.ts';

/** Everything that goes wrong in one run, and when it stops; times in milliseconds. */
export interface Scenario {
  readonly step: StepScenario;
  /** Where there is a GitHub runner in the VM to look after. */
  readonly runner: RunnerScenario | undefined;
  readonly world: Omit<WorldOptions, 'startsAt' | 'steadyFrom'>;
  readonly replicas: { readonly count: number; readonly lagMs: number };
  readonly network: NetworkFaults;
  /** From here on, counted from the start, nothing goes wrong any more. */
  readonly healsAfterMs: number;
  readonly events: readonly WorldEvent[];
  /** Somebody else restarted the VM so long before the start. */
  readonly restartedBeforeMs: number | undefined;
  /** A message that would do harm, if it were shown as it is, is left over from earlier. */
  readonly leavesMessage: boolean;
  readonly sessionTtlMs: number;
  readonly cancelAfterMs: number | undefined;
}

/** What the step is asked to do. */
export interface StepScenario {
  readonly targetBy: 'instance_id' | 'external_id';
  readonly identity: 'none' | 'root_token' | 'api_key';
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly pollInterval: 'auto' | number;
}

/** What the step is to do about the runner, and how runner and GitHub behave. */
export interface RunnerScenario {
  readonly whenBusy: 'wait' | 'fail' | 'ignore';
  readonly busyTimeoutMs: number;
  readonly runnerTimeoutMs: number;
  readonly habits: Habits;
  readonly isEphemeral: boolean;
  /** Whether its service starts after a boot. */
  readonly startsAfterBoot: boolean;
  /** Requests an hour. */
  readonly quota: number;
  readonly jobs: readonly { readonly afterMs: number; readonly forMs: number }[];
}

/** What can happen to a request, with the largest share of all requests that it may happen to. */
const MOST_STRUCK = {
  refused: 0.3,
  'hangs connecting': 0.1,
  'request lost': 0.3,
  'request late': 0.2,
  'answer lost': 0.3,
  'answer late': 0.2,
  /** The connection breaks at any byte of the answer. */
  'answer cut': 0.2,
  /** It comes in pieces, with pauses between them. */
  'answer in pieces': 0.2,
  /** It ends too early, without a sign that it does. */
  'answer too short': 0.1,
  /** Bytes of it became others. */
  'answer garbled': 0.1,
  /** A field of it is gone. */
  'answer with a gap': 0.1,
  /** Something in between answers 408, 429 or 5xx, and the controller never hears of the request ... */
  storm: 0.4,
  /** ... or has carried it out before. */
  'late storm': 0.2,
} as const;

export type RequestFault = keyof typeof MOST_STRUCK | 'denied';

export interface NetworkFaults {
  readonly rates: Readonly<Record<RequestFault, number>>;
  /** One way, about. */
  readonly latencyMs: number;
}

/** What happens in the world, beside the network. */
const EVENT_KINDS = [
  'silence',
  'busy',
  'clock',
  'time zone',
  'foreign restart',
  'doom',
  'terminate',
  'replace',
  'namesake',
  'crash',
  'reboot',
  'unsteady',
  'controller restart',
  'sessions end',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

export interface WorldEvent {
  readonly kind: EventKind;
  readonly afterMs: number;
  readonly forMs: number;
}

/** What a world can be told to do wrong, beside its draws. */
const FLAWLESS = {
  lostReports: 0,
  doubledReports: 0,
  datelessMs: 0,
  clockSkewMs: 0,
  writesLocalDates: false,
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** The world's history before the step begins. */
export const PRELUDE_MS = MINUTE;

/**
 * A world where nothing goes wrong: what a run's scenario is shrunk towards. Only what has to be there stays.
 */
export function calm(seed: number): Scenario {
  const rates = Object.fromEntries([...Object.keys(MOST_STRUCK), 'denied'].map((strike) => [strike, 0]));
  return {
    step: {
      targetBy: 'instance_id',
      identity: 'none',
      dryRun: false,
      timeoutMs: MINUTE,
      requestTimeoutMs: 10 * SECOND,
      pollInterval: 'auto',
    },
    runner: undefined,
    world: { ...DEFAULT_WORLD, seed, vms: 2, nodes: 1, heartbeatJitter: 0, ...FLAWLESS },
    replicas: { count: 1, lagMs: 0 },
    network: { rates: rates as NetworkFaults['rates'], latencyMs: 1 },
    healsAfterMs: 0,
    events: [],
    restartedBeforeMs: undefined,
    leavesMessage: false,
    sessionTtlMs: 5 * MINUTE,
    cancelAfterMs: undefined,
  };
}

/** Draws a world's scenario, each kind with a rate of its own, and most of them often not at all. */
export function drawScenario(random: Random, seed: number): Scenario {
  const step = drawStep(random.fork('step'));
  const runners = random.fork('runner');
  const runner = runners.next() < RUNNER_SHARE ? drawRunner(runners) : undefined;
  // With a runner to look after there is more to do, and to go wrong.
  const horizonMs = step.timeoutMs + (runner === undefined ? 0 : runners.next() * 10 * MINUTE);
  const cruelty = random.fork('cruelty');
  const heals = cruelty.next() < 0.3 ? 0 : cruelty.next() * horizonMs;
  const cancellation = random.fork('cancellation');
  const other = random.fork('other restart');
  return {
    step,
    runner,
    world: { ...calm(seed).world, ...drawWorld(random.fork('world')) },
    replicas: drawReplicas(random.fork('replicas')),
    network: drawNetwork(random.fork('network'), pick(cruelty, 0.1, 0.3, 0.5)),
    healsAfterMs: heals,
    events: drawEvents(random.fork('events'), horizonMs),
    restartedBeforeMs: other.next() < 0.3 ? other.next() * PRELUDE_MS : undefined,
    leavesMessage: random.fork('message').next() < 0.5,
    // Longer than a request may take: what ends on the way to the controller looks like no session at all.
    sessionTtlMs: pick(random.fork('sessions'), 300, 60, 20) * SECOND,
    cancelAfterMs: cancellation.next() < 0.1 ? cancellation.next() ** 3 * horizonMs : undefined,
  };
}

function pick<T>(random: Random, ...values: readonly [T, ...T[]]): T {
  return values[Math.floor(random.next() * values.length)] ?? values[0];
}

/** Half the time none, else up to the most. */
function rate(random: Random, most: number): number {
  return random.next() < 0.5 ? 0 : random.next() * most;
}

function drawStep(random: Random): StepScenario {
  return {
    targetBy: pick<StepScenario['targetBy']>(random, 'instance_id', 'instance_id', 'external_id'),
    identity: pick<StepScenario['identity']>(random, 'none', 'root_token', 'api_key'),
    dryRun: random.next() < 0.05,
    timeoutMs: random.next() < 0.03 ? 5 * MINUTE : pick(random, 15, 30, 30, 60) * SECOND,
    requestTimeoutMs: pick(random, 1, 3, 10) * SECOND,
    pollInterval: pick<'auto' | number>(random, 'auto', 'auto', 'auto', 500, 5_000),
  };
}

/** They take longest: a minute at least goes by before each restart. */
const RUNNER_SHARE = 0.1;

function drawRunner(random: Random): RunnerScenario {
  const staleMs = random.between(5, 290) * SECOND;
  return {
    whenBusy: pick<RunnerScenario['whenBusy']>(random, 'wait', 'wait', 'wait', 'fail', 'ignore'),
    busyTimeoutMs: pick(random, 1, 10, 60) * MINUTE,
    runnerTimeoutMs: pick(random, 2, 10) * MINUTE,
    habits: {
      staleMs,
      sessionMs: random.next() < 0.5 ? staleMs : random.between(0, 300) * SECOND,
      loginMs: random.between(5, 120) * SECOND,
      retryMs: 30 * SECOND,
      giveUpMs: 4 * MINUTE,
      busyLagMs: random.between(0, 60) * SECOND,
      idleLagMs: random.between(0, 10) * SECOND,
    },
    isEphemeral: random.next() < 0.2,
    startsAfterBoot: random.next() < 0.85,
    quota: random.next() < 0.1 ? 50 : 5_000,
    jobs: Array.from({ length: Math.floor(random.next() * 4) }, () => ({
      // Some began before the step did.
      afterMs: random.next() ** 2 * 7 * MINUTE - PRELUDE_MS,
      forMs: random.next() ** 2 * 5 * MINUTE,
    })),
  };
}

function drawWorld(random: Random) {
  return {
    heartbeatMs: pick(random, 1, 5, 5, 5, 10) * SECOND,
    heartbeatJitter: rate(random, 0.5),
    lostReports: rate(random, 0.3),
    doubledReports: rate(random, 0.3),
    // Two boots within one second could not be told apart, as their dates are whole seconds.
    stopMs: random.between(600, 3_000),
    startMs: random.between(600, 3_000),
    pickUpMs: rate(random, 5_000),
    datelessMs: rate(random, 5_000),
    controllerVersion: random.next() < 0.02 ? '1.43.0' : pick(random, '1.50.1', '1.48.0', '1.46.0', '1.44.0'),
    clockSkewMs: pick(random, 0, 1, 1, 1) * Math.round(random.between(-3 * HOUR, 3 * HOUR)),
    writesLocalDates: random.next() < 0.3,
  };
}

function drawReplicas(random: Random): Scenario['replicas'] {
  return { count: pick(random, 1, 1, 2, 3), lagMs: rate(random, 30 * SECOND) };
}

/** @param share of the kinds that happen at all. */
function drawNetwork(random: Random, share: number): NetworkFaults {
  const rates = Object.entries(MOST_STRUCK).map(([strike, most]) => {
    return [strike, random.next() < share ? random.next() * most : 0];
  });
  // To be denied is final: it would hide everything else.
  const denied = random.next() < 0.03 ? 0.2 : 0;
  return {
    rates: Object.fromEntries([...rates, ['denied', denied]]),
    latencyMs: pick(random, 1, 20, 200),
  };
}

function drawEvents(random: Random, horizonMs: number): WorldEvent[] {
  return Array.from({ length: Math.floor(random.next() ** 2 * 4) }, () => ({
    kind: pick(random, ...EVENT_KINDS),
    // Most of what matters happens early.
    afterMs: random.next() ** 2 * horizonMs * 0.7,
    forMs: random.next() ** 2 * 3 * MINUTE,
  }));
}
