import type { HandshakeForm } from '../../simulator/api-keys.ts';
import type { Habits } from '../../simulator/github-world.ts';
import type { GuestHabits } from '../../simulator/guests.ts';
import { DEFAULT_WORLD, type WorldOptions } from '../../simulator/world.ts';
import type { WhenBusy } from '../../src/runner/runner-options.ts';
import { EVENT_KINDS, type WorldEvent } from './events.ts';
import type { Connection } from './network.ts';
import type { PoolScenario } from './pool-scenario.ts';
import { REQUEST_FAULTS, type RequestFault } from './request-faults.ts';
import type { Kind } from './virtual-time.ts';

/*
 * What can go wrong in a run: how often each fault of a request happens, which events happen and when, and how world, runner and step are
 * set up. draw.ts draws it, testbed.ts carries it out, run.ts plays the step in it, guarantees.ts checks the run.
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
export const PRELUDE_MS = MINUTE;

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

export function ratesOf(
  requestFaults: Kinds['requestFaults'],
  rateOf: (fault: string, most: number) => number,
): NetworkFaults['rates'] {
  const rates = Object.entries(requestFaults).map(([fault, most]) => [fault, rateOf(fault, most)]);
  return Object.fromEntries(rates);
}
