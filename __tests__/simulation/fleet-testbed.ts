import { createAuthentication } from '../../simulator/authentication.ts';
import { react } from '../../simulator/controller-api.ts';
import { reactAsGitHub } from '../../simulator/github-api.ts';
import { DEFAULT_HABITS, GitHubWorld } from '../../simulator/github-world.ts';
import type { Random } from '../../simulator/random.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { type InstanceRecord, World } from '../../simulator/world.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import type { Dial } from '../../src/guest/contact.ts';
import { FLEET_PRELUDE_MS, type FleetFault, type FleetScenario } from './fleet-scenario.ts';
import { createSimulatedDial, DIAL_FAULTS, type DialFault } from './guest-dial.ts';
import { type Delivery, type NetworkAnswer, type SentRequest, SimulatedNetwork } from './network.ts';
import type { Suspension } from './scenario.ts';
import { GITHUB_ORIGIN, GITHUB_TOKEN, KEY_PAIR } from './testbed.ts';
import type { VirtualTime } from './virtual-time.ts';

/*
 * Carries a fleet's scenario out: the world with its guests, the controller and GitHub before it, and the network between them and the
 * step. What fleet-promises.ts needs to know of the truth is recorded here, too. Times are milliseconds.
 */

/** A restart request that left the step's machine. */
export interface FleetPost {
  readonly instanceId: string;
  readonly departedAt: number;
  /** Whether the controller carried it out, if it ever arrived. */
  wasTaken: boolean;
  /** What the outputs said of the VM right before: its `outcome`. */
  readonly announced: string | undefined;
}

/** Words of a server that reached the step, and whose guest spoke them; undefined where it was no VM's by then. */
export interface Greeting {
  readonly at: number;
  readonly address: GuestAddress;
  readonly instanceId: string | undefined;
}

/** Where the guest's SSH server was to be reached, as the agent reported it. */
export interface ReportedAddress {
  readonly instanceId: string;
  readonly at: number;
  readonly host: string | undefined;
  readonly port: number;
}

/** A job on the runner in a VM; it ends when it is done, or its VM is stopped under it. */
export interface TrueJob {
  readonly instanceId: string;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly killedAt: number | undefined;
}

/** What really happened. */
export interface FleetTruth {
  readonly posts: readonly FleetPost[];
  /** When the first try of each VM's restart began, even if it never left: by instance ID. */
  readonly firstTries: ReadonlyMap<string, number>;
  readonly boots: readonly {
    readonly instanceId: string;
    readonly at: number;
    readonly startDateMs: number;
  }[];
  readonly jobs: readonly TrueJob[];
  /** Instances that the targets name. */
  readonly named: ReadonlySet<string>;
  readonly greetings: readonly Greeting[];
  readonly addresses: readonly ReportedAddress[];
  readonly suspensions: readonly { readonly from: number; readonly until: number }[];
  readonly faults: ReadonlySet<string>;
}

export interface FleetTestbedOptions {
  readonly scenario: FleetScenario;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly startsAt: number;
}

export class FleetTestbed {
  readonly network: SimulatedNetwork;
  /** Connects to the guests; undefined where the step does not wait for any. */
  readonly dial: Dial | undefined;
  /** What happens to the step itself, does so no more. */
  isStepOver = false;
  readonly #options: FleetTestbedOptions;
  readonly #world: World;
  readonly #github: GitHubWorld;
  readonly #replicas;
  readonly #authentication;
  readonly #posts: FleetPost[] = [];
  readonly #firstTries = new Map<string, number>();
  readonly #inFlight = new Map<SentRequest, FleetPost>();
  readonly #chances = new Map<string, Random>();
  readonly #faults = new Set<string>();
  readonly #greetings: Greeting[] = [];
  readonly #addresses: ReportedAddress[] = [];
  readonly #suspensions: { from: number; until: number }[] = [];
  #announced: readonly { instance_id: string; outcome: string }[] = [];

  constructor(options: FleetTestbedOptions) {
    const { scenario, time, startsAt } = options;
    const { identity, sessionTtlMs } = scenario;
    this.#options = options;
    this.#world = new World({
      ...scenario.world,
      startsAt: time.now(),
      steadyFrom: startsAt + scenario.faultsEndAfterMs,
    });
    this.#world.onReport = (record) => this.#noteAddress(record);
    this.#replicas = createReplicas({ world: this.#world, ...scenario.replicas });
    const apiKey = { apiKey: { id: API_KEY_ID, publicKey: KEY_PAIR.publicKey }, sessionTtlMs };
    this.#authentication = createAuthentication(identity === 'api_key' ? apiKey : {});
    this.#github = new GitHubWorld({ world: this.#world, token: GITHUB_TOKEN, habits: DEFAULT_HABITS });
    if (scenario.runners !== undefined)
      for (const record of this.#world.records)
        this.#github.employ({ record, name: record.externalId ?? '' });
    this.dial = this.#createDial();
    this.network = new SimulatedNetwork({
      after: (afterMs, run) => time.at(time.now() + afterMs, run),
      afterAtProcess: (afterMs, run) => time.atProcess(time.now() + afterMs, run),
      deliveryOf: (request) => this.#deliveryOf(request),
      departs: (request) => this.#departs(request),
      answer: (request) => this.#answer(request),
    });
  }

  /** Sets a time for all that will happen, and lets time pass up to the moment when the step begins. */
  async letHistoryPass(): Promise<void> {
    const { scenario, time, startsAt } = this.#options;
    for (const { vm, afterMs, forMs } of scenario.runners?.jobs ?? [])
      time.at(Math.max(time.now(), startsAt + afterMs), () => this.#startJob(vm, forMs));
    this.#suspendSince('start', startsAt);
    await time.run(time.clock.sleep(FLEET_PRELUDE_MS, new AbortController().signal));
  }

  announce(results: string): void {
    this.#announced = JSON.parse(results);
  }

  truth(): FleetTruth {
    const world = this.#world;
    world.advanceTo(this.#now());
    const jobs = this.#github.runners.flatMap(({ instanceId, jobs: ofRunner }) =>
      ofRunner.map(({ startedAt, endsAt, killedAt }) => ({ instanceId, startedAt, endsAt, killedAt })),
    );
    const targets = new Set(this.#options.scenario.targets);
    const isNamed = (name: string) =>
      targets.has(name) || targets.has('runner-*') || (targets.has('*-1') && name.endsWith('-1'));
    const named = world.records.filter(({ externalId = '' }) => isNamed(externalId));
    const boots = world.boots.map(({ instanceId, at }) => {
      const vm = world.find(instanceId)?.vm;
      return { instanceId, at, startDateMs: Math.floor((at + (vm?.bootSkewMs ?? 0)) / 1_000) * 1_000 };
    });
    return {
      boots,
      jobs,
      posts: this.#posts,
      firstTries: this.#firstTries,
      named: new Set(named.map(({ instanceId }) => instanceId)),
      greetings: this.#greetings,
      addresses: this.#addresses,
      suspensions: this.#suspensions,
      faults: new Set([...this.#faults, ...world.mishaps, ...standingFaults(this.#options.scenario)]),
    };
  }

  #now(): number {
    return this.#options.time.now();
  }

  #startJob(vm: number, forMs: number): void {
    this.#world.advanceTo(this.#now());
    const runner = this.#github.runners[vm];
    if (runner !== undefined && this.#github.startJob(runner, forMs) !== undefined) this.#faults.add('job');
  }

  #noteAddress({ instanceId, report, node }: InstanceRecord): void {
    if (report === undefined) return;
    this.#addresses.push({ instanceId, at: report.readAt, host: node?.ip, port: report.vm.sshPort });
  }

  #createDial(): Dial | undefined {
    const { scenario, time } = this.#options;
    const { guest, latencyMs } = scenario;
    if (guest === undefined) return undefined;
    const faultOf = () => this.#dialFault(guest.faults);
    return (address, events) => {
      const onGreeting = () => this.#noteGreeting(address);
      const guests = { world: this.#world, time, guest, latencyMs, faultOf, onDial() {}, onGreeting };
      return createSimulatedDial(guests)(address, events);
    };
  }

  #noteGreeting(address: GuestAddress): void {
    const isThere = ({ node, vm }: InstanceRecord) =>
      vm?.ip === address.host || (node?.ip === address.host && vm?.sshPort === address.port);
    const owner = this.#world.records.find(isThere);
    this.#greetings.push({ at: this.#now(), address, instanceId: owner?.instanceId });
  }

  #dialFault(share: number): DialFault | undefined {
    if (this.#areFaultsOver()) return undefined;
    const fault = DIAL_FAULTS.find((kind) => share > 0 && this.#chance(kind) < share);
    if (fault !== undefined) this.#faults.add(fault);
    return fault;
  }

  #areFaultsOver(): boolean {
    const { scenario, startsAt } = this.#options;
    return this.#now() >= startsAt + scenario.faultsEndAfterMs;
  }

  /** Each kind of chance has a source of its own: without one fault, the others stay as they are. */
  #chance(kind: string): number {
    const chance = this.#chances.get(kind) ?? this.#options.random.fork(kind);
    this.#chances.set(kind, chance);
    return chance.next();
  }

  #happens(fault: FleetFault): boolean {
    const isSo = this.#chance(fault) < this.#options.scenario.rates[fault] && !this.#areFaultsOver();
    if (isSo) this.#faults.add(fault);
    return isSo;
  }

  #suspendSince(since: Suspension['since'], moment: number): void {
    const { scenario, time } = this.#options;
    const { suspension } = scenario;
    if (suspension?.since !== since) return;
    time.at(moment + suspension.afterMs, () => {
      if (this.isStepOver) return;
      this.#faults.add('suspended');
      this.#suspensions.push({ from: this.#now(), until: this.#now() + suspension.forMs });
      time.suspend(suspension.forMs, suspension.first);
    });
  }

  #deliveryOf(request: SentRequest): Delivery {
    const instanceId = restartedBy(request);
    if (instanceId !== undefined) this.#noteTry(instanceId);
    const { latencyMs } = this.#options.scenario;
    const isRefused = this.#happens('refused');
    return {
      isRefused,
      connectMs: isRefused ? undefined : latencyMs,
      thereMs: this.#happens('request lost') ? undefined : latencyMs,
      backMs: this.#happens('answer lost') ? undefined : latencyMs,
      ...{ resetMs: 200, arriving: 1, pieces: 1, pauseMs: 0 },
    };
  }

  #noteTry(instanceId: string): void {
    if (this.#firstTries.size === 0) this.#suspendSince('try', this.#now());
    if (!this.#firstTries.has(instanceId)) this.#firstTries.set(instanceId, this.#now());
  }

  #departs(request: SentRequest): void {
    const instanceId = restartedBy(request);
    if (instanceId === undefined) return;
    if (this.#posts.length === 0) this.#suspendSince('restart', this.#now());
    const announced = this.#announced.find((result) => result.instance_id === instanceId)?.outcome;
    const post = { instanceId, departedAt: this.#now(), wasTaken: false, announced };
    this.#posts.push(post);
    this.#inFlight.set(request, post);
  }

  #answer(request: SentRequest): NetworkAnswer {
    const now = this.#now();
    if (request.origin === GITHUB_ORIGIN) return reactAsGitHub({ github: this.#github, now }, request);
    if (this.#happens('gateway error')) return { status: 502, headers: {}, body: '<html>' };
    if (this.#happens('HTTP 429')) return { status: 429, headers: {}, body: '' };
    const authorization = request.headers['authorization'] as string | undefined;
    const denied = this.#authentication.check({ ...request, authorization, now });
    const reaction = denied ?? react({ replicas: this.#replicas, now }, request);
    const post = this.#inFlight.get(request);
    if (post !== undefined) post.wasTaken = reaction.body.includes('"OK"');
    if (this.#happens('late gateway error')) return { status: 504, headers: {}, body: '<html>' };
    return { ...reaction, headers: { ...reaction.headers, date: new Date(now).toUTCString() } };
  }
}

export const API_KEY_ID = 'ci';

function standingFaults({ identity, dryRun, guest, replicas, cancelAfterMs }: FleetScenario): string[] {
  const standing: readonly [string, boolean][] = [
    ['API key', identity === 'api_key'],
    ['dry run', dryRun],
    ['guests', guest !== undefined],
    ['guests with a fault', guest?.habits.fault !== undefined],
    ['nodes out of reach', guest?.isReachable === false],
    ['lagging replica', replicas.count > 1],
    ['cancelled', cancelAfterMs !== undefined],
  ];
  return standing.flatMap(([kind, isSo]) => (isSo ? [kind] : []));
}

function restartedBy({ method, path, body }: SentRequest): string | undefined {
  if (method !== 'POST' || !path.endsWith('/restart')) return undefined;
  return /"instance_id":"([^"]+)"/.exec(body)?.[1];
}
