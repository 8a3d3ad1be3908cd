import { react } from '../simulator/controller-api.ts';
import { GITHUB_API_PATH, reactAsGitHub } from '../simulator/github-api.ts';
import { DEFAULT_HABITS, GitHubWorld } from '../simulator/github-world.ts';
import { createRandom, type Random } from '../simulator/random.ts';
import { createReplicas } from '../simulator/replicas.ts';
import { World } from '../simulator/world.ts';
import { ActionError } from '../src/errors.ts';
import { type FleetOutcome, isFleet, type StepOutcome } from '../src/fleet/fleet-outcome.ts';
import { readInputs } from '../src/inputs/inputs.ts';
import { run as runStep } from '../src/main.ts';
import { outputsOf } from '../src/report/outputs.ts';
import { harmless } from '../src/report/terminal.ts';
import {
  drawFleetScenario,
  FLEET_PRELUDE_MS,
  type FleetFault,
  type FleetScenario,
} from './fleet-scenario.ts';
import { type NetworkAnswer, type SentRequest, SimulatedNetwork } from './network.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/*
 * One fleet, from its seed to its record: the real step with inputs as a workflow gives them, against a simulated controller and GitHub
 * behind a network that is made up. The record holds what the step said and what really happened; fleet-promises.ts checks it.
 */

/** A restart request that left the step's machine; times in milliseconds. */
export interface FleetPost {
  readonly instanceId: string;
  readonly departedAt: number;
  /** Whether the controller carried it out, if it ever arrived. */
  wasTaken: boolean;
  /** What the outputs said of the VM right before: its `outcome`. */
  readonly announced: string | undefined;
}

export interface FleetRecord {
  readonly seed: number;
  readonly scenario: FleetScenario;
  readonly outcome: FleetOutcome;
  readonly outputs: Readonly<Record<string, string>>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cancelledAt: number | undefined;
  readonly posts: readonly FleetPost[];
  /** When the first try of each VM's restart began, even if it never left: by instance ID. */
  readonly firstTries: ReadonlyMap<string, number>;
  readonly boots: readonly {
    readonly instanceId: string;
    readonly at: number;
    readonly startDateMs: number;
  }[];
  /** Jobs that were there when the VM was stopped under them. */
  readonly killedJobs: readonly {
    readonly instanceId: string;
    readonly startedAt: number;
    readonly killedAt: number;
  }[];
  /** Instances that the targets name, by the truth. */
  readonly named: ReadonlySet<string>;
  readonly faults: ReadonlySet<string>;
}

const START = Date.parse('2026-07-01T12:00:00Z');
const CONTROLLER = 'http://controller.example:8090';
const GITHUB = 'http://github.example';
const TOKEN = 'ghp_hunter2hunter2';

/** @param disturb plants a mistake between the step and the world, for tests of the checks. */
export async function runFleet(
  seed: number,
  disturb?: (scenario: FleetScenario) => FleetScenario,
): Promise<FleetRecord> {
  const random = createRandom(seed);
  const drawn = drawFleetScenario(random.fork('fleet scenario'), seed);
  const scenario = disturb?.(drawn) ?? drawn;
  const time = createVirtualTime(START - FLEET_PRELUDE_MS);
  const bed = new FleetBed(scenario, { random: random.fork('fleet bed'), time });
  await bed.letHistoryPass();

  const cancel = new AbortController();
  let cancelledAt: number | undefined;
  if (scenario.cancelAfterMs !== undefined)
    time.at(START + scenario.cancelAfterMs, () => {
      cancelledAt = time.now();
      cancel.abort(new ActionError('cancelled', 'The step was cancelled (SIGINT).'));
    });
  const clean = (text: string) => harmless(text);
  const terminal = { mask() {}, clean, info() {}, debug() {}, warning() {}, error() {} };
  const host = {
    ...{ terminal, clock: time.clock, random: random.fork('step').next, signal: cancel.signal },
    announce: (known: StepOutcome) => bed.announce(outputsOf(known, clean).results),
    dispatchers: { reader: bed.network, writer: bed.network },
  };
  const outcome = await time.run(runStep(readInputs(environmentFor(scenario), terminal.mask), host));
  if (!isFleet(outcome)) throw new Error('the step was about one VM');
  const endedAt = time.now();
  await time.run(time.clock.sleep(scenario.timeoutMs, new AbortController().signal));
  return {
    seed,
    scenario,
    outcome,
    outputs: outputsOf(outcome, clean),
    startedAt: START,
    endedAt,
    cancelledAt,
    ...bed.truth(),
  };
}

function environmentFor({
  targets,
  maxParallel,
  maxFailures,
  timeoutMs,
  runners,
}: FleetScenario): Record<string, string> {
  const inputs = {
    controller_url: CONTROLLER,
    external_id: targets.join('\n'),
    max_parallel: maxParallel,
    max_failures: maxFailures,
    timeout: `${timeoutMs / 1_000}s`,
    ...(runners && {
      runner_name: '{external_id}',
      runner_scope: 'octo-org',
      github_token: TOKEN,
      when_busy: runners.whenBusy,
      idle_for: `${runners.idleForMs / 1_000}s`,
      busy_timeout: `${runners.busyTimeoutMs / 1_000}s`,
      wait_for_runner: String(runners.waitsForRunner),
    }),
  };
  const variables = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const github = { GITHUB_API_URL: `${GITHUB}${GITHUB_API_PATH}`, GITHUB_REPOSITORY: 'octo-org/app' };
  return { ...Object.fromEntries(variables), ...github };
}

interface Surroundings {
  readonly random: Random;
  readonly time: VirtualTime;
}

/** World, controller, GitHub and the network before them. */
class FleetBed {
  readonly network: SimulatedNetwork;
  readonly #scenario: FleetScenario;
  readonly #around: Surroundings;
  readonly #world: World;
  readonly #github: GitHubWorld;
  readonly #replicas;
  readonly #posts: FleetPost[] = [];
  readonly #firstTries = new Map<string, number>();
  readonly #inFlight = new Map<SentRequest, FleetPost>();
  readonly #chances = new Map<string, Random>();
  readonly #faults = new Set<string>();
  #announced: readonly { instance_id: string; outcome: string }[] = [];

  constructor(scenario: FleetScenario, around: Surroundings) {
    const { time } = around;
    this.#scenario = scenario;
    this.#around = around;
    this.#world = new World({
      ...scenario.world,
      startsAt: time.now(),
      steadyFrom: START + scenario.faultsEndAfterMs,
    });
    this.#replicas = createReplicas({ world: this.#world, ...scenario.replicas });
    this.#github = new GitHubWorld({ world: this.#world, token: TOKEN, habits: DEFAULT_HABITS });
    if (scenario.runners !== undefined)
      for (const record of this.#world.records)
        this.#github.employ({ record, name: record.externalId ?? '' });
    this.network = new SimulatedNetwork({
      after: (afterMs, run) => time.at(time.now() + afterMs, run),
      deliveryOf: (request) => this.#deliveryOf(request),
      departs: (request) => this.#departs(request),
      answer: (request) => this.#answer(request),
    });
  }

  async letHistoryPass(): Promise<void> {
    const { time } = this.#around;
    for (const { vm, afterMs, forMs } of this.#scenario.runners?.jobs ?? [])
      time.at(Math.max(time.now(), START + afterMs), () => this.#startJob(vm, forMs));
    await time.run(time.clock.sleep(FLEET_PRELUDE_MS, new AbortController().signal));
  }

  #startJob(vm: number, forMs: number): void {
    this.#world.advanceTo(this.#around.time.now());
    const runner = this.#github.runners[vm];
    if (runner !== undefined && this.#github.startJob(runner, forMs) !== undefined) this.#faults.add('job');
  }

  announce(results: string): void {
    this.#announced = JSON.parse(results);
  }

  truth() {
    const world = this.#world;
    world.advanceTo(this.#around.time.now());
    const killed = this.#github.runners.flatMap(({ instanceId, jobs }) =>
      jobs.flatMap(({ startedAt, killedAt }) =>
        killedAt === undefined ? [] : [{ instanceId, startedAt, killedAt }],
      ),
    );
    const targets = new Set(this.#scenario.targets);
    const isNamed = (name: string) =>
      targets.has(name) || targets.has('runner-*') || (targets.has('*-1') && name.endsWith('-1'));
    const named = world.records.filter(({ externalId = '' }) => isNamed(externalId));
    const boots = world.boots.map(({ instanceId, at }) => {
      const vm = world.records.find((record) => record.instanceId === instanceId)?.vm;
      return { instanceId, at, startDateMs: Math.floor((at + (vm?.bootSkewMs ?? 0)) / 1_000) * 1_000 };
    });
    return {
      boots,
      posts: this.#posts,
      firstTries: this.#firstTries,
      killedJobs: killed,
      named: new Set(named.map(({ instanceId }) => instanceId)),
      faults: new Set([...this.#faults, ...world.mishaps]),
    };
  }

  #happens(fault: FleetFault): boolean {
    const chance = this.#chances.get(fault) ?? this.#around.random.fork(fault);
    this.#chances.set(fault, chance);
    const isOver = this.#around.time.now() >= START + this.#scenario.faultsEndAfterMs;
    const isSo = chance.next() < this.#scenario.rates[fault] && !isOver;
    if (isSo) this.#faults.add(fault);
    return isSo;
  }

  #deliveryOf(request: SentRequest) {
    const instanceId = restartedBy(request);
    if (instanceId !== undefined && !this.#firstTries.has(instanceId))
      this.#firstTries.set(instanceId, this.#around.time.now());
    const { latencyMs } = this.#scenario;
    const isRefused = this.#happens('refused');
    return {
      isRefused,
      connectMs: isRefused ? undefined : latencyMs,
      thereMs: this.#happens('request lost') ? undefined : latencyMs,
      backMs: this.#happens('answer lost') ? undefined : latencyMs,
      ...{ resetMs: 200, arriving: 1, pieces: 1, pauseMs: 0 },
    };
  }

  #departs(request: SentRequest): void {
    const instanceId = restartedBy(request);
    if (instanceId === undefined) return;
    const announced = this.#announced.find((result) => result.instance_id === instanceId)?.outcome;
    const post = { instanceId, departedAt: this.#around.time.now(), wasTaken: false, announced };
    this.#posts.push(post);
    this.#inFlight.set(request, post);
  }

  #answer(request: SentRequest): NetworkAnswer {
    const now = this.#around.time.now();
    if (request.origin === GITHUB) return reactAsGitHub({ github: this.#github, now }, request);
    if (this.#happens('gateway error')) return { status: 502, headers: {}, body: '<html>' };
    if (this.#happens('HTTP 429')) return { status: 429, headers: {}, body: '' };
    const reaction = react({ replicas: this.#replicas, now }, request);
    const post = this.#inFlight.get(request);
    if (post !== undefined) post.wasTaken = reaction.body.includes('"OK"');
    if (this.#happens('late gateway error')) return { status: 504, headers: {}, body: '<html>' };
    return { ...reaction, headers: { ...reaction.headers, date: new Date(now).toUTCString() } };
  }
}

function restartedBy({ method, path, body }: SentRequest): string | undefined {
  if (method !== 'POST' || !path.endsWith('/restart')) return undefined;
  return /"instance_id":"([^"]+)"/.exec(body)?.[1];
}
