import { generateKeyPairSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Access } from '../../simulator/authentication.ts';
import type { Reaction } from '../../simulator/controller-api.ts';
import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { Random } from '../../simulator/random.ts';
import type { InstanceRecord, World, WorldOptions } from '../../simulator/world.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import type { Dial } from '../../src/guest/contact.ts';
import { DAMAGES, type Damage } from './damaged-answers.ts';
import { applyEvent, type WorldEvent } from './events.ts';
import { type GitHubReading, isForGitHub, readingsIn, subjectOf } from './github-readings.ts';
import { createSimulatedDial, DIAL_FAULTS, type DialFault } from './guest-dial.ts';
import { type Connection, type Delivery, failure, type NetworkAnswer, type SentRequest } from './network.ts';
import type { Outputs } from './play-step.ts';
import {
  expiredOn,
  type LabelAt,
  lacksLabels,
  momentOf,
  type PoolMoment,
  schedulePool,
  settingOfPool,
} from './pool-stage.ts';
import type { RequestFault } from './request-faults.ts';
import {
  externalIdOf,
  type Mistake,
  PASSWORD,
  type Refusal,
  type RunnerBeside,
  type RunnerScenario,
  runnerNameOf,
  type Scenario,
  type Suspension,
} from './scenario.ts';
import {
  CONTROLLER_ORIGIN,
  createStage,
  GITHUB_ORIGIN,
  GITHUB_TOKEN,
  instanceIdIn,
  passPrelude,
  START,
  type Stage,
  type StageSetting,
} from './stage.ts';

/*
 * Carries a scenario out: builds the stage, and puts the scenario's faults between it and the step. A fault of a request happens in
 * #deliveryOf (in transit), #refusal (instead of an answer) or #damaged (to an answer) if #happens draws it; add new ones there. How often
 * it happens is in scenario.ts; damaged answers are in damaged-answers.ts, events in events.ts. It also records what the guarantees need.
 */

export const ROOT_TOKEN = 'root-hunter2-token';
export const API_KEY_ID = 'ci';
/** The shortest with room for the handshake's padding: a longer key would take most of a run's time. */
export const KEY_PAIR = generateKeyPairSync('rsa', { modulusLength: 1024 });

/** A restart as the step sent it; times in milliseconds. */
export interface RestartPost {
  readonly instanceId: string;
  /** When it left the step's machine. */
  readonly departedAt: number;
  /** What the controller did with it; undefined if it never arrived or was not authorized. */
  reply: 'accepted' | 'refused' | undefined;
  arrivedAt: number | undefined;
  /** The VM's `outcome` in the outputs when it left, in case the process had been killed. */
  readonly announced: string | undefined;
  /** The answer of the controller or a gateway, if all of it reached the step. */
  answer: RestartAnswer | undefined;
}

export interface RestartAnswer {
  readonly at: number;
  readonly status: number;
  /** The body, if it is JSON. */
  readonly body: unknown;
}

/** When something happened, and to which VM. */
export interface Moment {
  readonly at: number;
  /** Undefined if it is about every VM. */
  readonly instanceId: string | undefined;
}

/** The step sent a request to the controller, or got a good answer. */
export interface Contact {
  readonly at: number;
  readonly kind: 'asked' | 'good answer';
}

/** A VM stopped or booted, or its ports were swapped. */
export interface VmChange {
  readonly instanceId: string;
  readonly kind: 'stopped' | 'booted' | 'ended' | 'ports';
  readonly at: number;
}

/** A banner of an SSH server that reached the step. */
export interface Greeting {
  readonly at: number;
  readonly address: GuestAddress;
  /** The VM whose guest has the address then; undefined if none has. */
  readonly instanceId: string | undefined;
}

/** A runner had no registration. */
export interface Absence {
  readonly runner: SimulatedRunner;
  readonly from: number;
  until: number;
}

/** Which runner of a VM. */
interface RunnerPlace {
  readonly instanceId: string;
  readonly place: number;
}

export interface TestbedOptions {
  readonly scenario: Scenario;
  readonly random: Random;
  /** Gets a line for each thing that happens, in order. */
  readonly log: ((line: string) => void) | undefined;
}

export class Testbed {
  readonly stage: Stage;
  /** Kinds of faults that really happened. */
  readonly faults = new Set<string>();
  readonly posts: RestartPost[] = [];
  /** When each attempt of a restart began, even if it never left. */
  readonly tries: Moment[] = [];
  /** When each request to the controller began. */
  readonly begun: Moment[] = [];
  readonly contacts: Contact[] = [];
  /** When the step was suspended, and when it woke. */
  readonly suspensions: { readonly from: number; readonly until: number }[] = [];
  /** The step has ended: it is no longer suspended or slowed down. */
  isStepOver = false;
  /** The restarts that the step asked for, as the world names them. */
  readonly requestIds = new Set<string>();
  /** Session tokens that the controller issued, and the credentials in requests. */
  readonly tokens = new Set<string>();
  /** The number of undamaged answers that reached the step, by instance. */
  readonly answersSeen = new Map<string, number>();
  /** GitHub's answers that reached the step, damaged or not. */
  readonly readings: GitHubReading[] = [];
  readonly greetings: Greeting[] = [];
  readonly absences: Absence[] = [];
  /** The state of the pool each time a restart left; and the largest number of runners drained at once. */
  readonly poolMoments: PoolMoment[] = [];
  mostDrained = 0;
  readonly removedLabels: LabelAt[] = [];
  readonly shownExpired: LabelAt[] = [];
  /** The runners whose last change of labels GitHub refused, by ID. */
  readonly #refusedChanges = new Set<number>();
  readonly changes: VmChange[] = [];
  /** Requests to a wrong server, or with credentials for another one. */
  readonly misdirected: string[] = [];
  /** The most requests in a row that got 401, not counting handshakes in between. */
  mostDenied = 0;
  /** When an answer first showed the name of the VM that the step runs in; undefined if it runs elsewhere. */
  ownVmNamedAt: number | undefined;
  /** When the last request in flight reaches the controller. */
  arrivesAt = 0;
  readonly #options: TestbedOptions;
  readonly #faultsEndAt: number;
  readonly #chances = new Map<string, Random>();
  readonly #inFlight = new Map<SentRequest, RestartPost>();
  readonly #healthy = new WeakSet<NetworkAnswer>();
  readonly #madeAt = new WeakMap<NetworkAnswer, number>();
  readonly #madeFrom = new WeakMap<NetworkAnswer, NetworkAnswer>();
  /** Of GitHub's answers, by ETag. */
  readonly #contents = new Map<string, string>();
  readonly #shown = new WeakMap<NetworkAnswer, readonly GitHubReading[]>();
  readonly #refusedTokens = new Set<string>();
  readonly #connections: Connection[] = [];
  #announced: readonly Outputs[] = [];
  #hadGoodAnswer = false;
  #deniedInRow = 0;
  #downUntil = 0;

  constructor(options: TestbedOptions) {
    const { scenario } = options;
    this.#options = options;
    this.#faultsEndAt = START + scenario.faultsEndAfterMs;
    this.stage = createStage({
      world: { ...scenario.world, ...troubledIn(scenario), steadyFrom: this.#faultsEndAt },
      replicas: { ...scenario.replicas, areSticky: scenario.network.connections?.areSticky ?? false },
      ...(scenario.network.connections && { connect: (origin) => this.#connect(origin) }),
      preludeMs: scenario.preludeMs,
      startsAfterMs: scenario.startsAfterMs,
      dateErrorMs: () => this.#dateErrorMs(),
      access: accessFor(scenario),
      ...(scenario.runner && gitHubFor(scenario, scenario.runner)),
      random: options.random,
      deliveryOf: (request) => this.#deliveryOf(request),
      departs: (request) => this.#departs(request),
      intervene: (request) => this.#logged(request, this.#refusal(request)),
      alter: (reaction, request) => this.#answered(request, reaction),
      delivered: (request, answer) => this.#delivered(request, answer),
      dial: (stage) => this.#createDial(stage),
      ...(scenario.cancelAfterMs !== undefined && { cancelAfterMs: scenario.cancelAfterMs }),
    });
    this.#notePower();
  }

  get world(): World {
    return this.stage.world;
  }

  /** The VMs that the scenario is about. */
  get records(): readonly InstanceRecord[] {
    return this.world.records.slice(0, this.#options.scenario.vms.length);
  }

  /** The GitHub runners with the VM's name; the first is the one that each VM has. */
  runnersOf(record: InstanceRecord): readonly SimulatedRunner[] {
    const { scenario } = this.#options;
    const { runners } = this.stage.github;
    if (scenario.pool !== undefined)
      return runners.filter(({ instanceId }) => instanceId === record.instanceId);
    const names = ['', '', ''].map((_, index) => runnerNameOf(scenario, ownNameIn(scenario, record), index));
    return runners.filter(({ name }) => names.includes(name));
  }

  /** The name of the runner that the step runs on, if that is in the first VM. */
  get ownName(): string | undefined {
    const [first] = this.records;
    const { runsInVm } = this.#options.scenario;
    return runsInVm === 'name' ? first?.name : runsInVm && first?.externalId;
  }

  /** Whether the quota for this hour is used up. */
  get isQuotaUsedUp(): boolean {
    return this.stage.github.used >= this.stage.github.quota;
  }

  /** Schedules everything that will happen, and lets time pass until the step begins. */
  async letHistoryPass(): Promise<void> {
    const { scenario } = this.#options;
    const { time } = this.stage;
    const ids = this.records.map(({ instanceId }) => instanceId);
    if (scenario.leavesMessage) this.#leaveMessage(ids[0] ?? '');
    for (const [index, { jobs, restartedBeforeMs, moreRunners }] of scenario.vms.entries()) {
      const instanceId = ids[index] ?? '';
      for (const { afterMs, forMs } of jobs)
        time.at(START + afterMs, () => this.#startJob(instanceId, forMs));
      for (const [place, beside] of moreRunners.entries())
        this.#scheduleBeside(beside, { instanceId, place: place + 1 });
      if (restartedBeforeMs !== undefined)
        time.at(START - restartedBeforeMs, () => this.#change((world) => world.restart(instanceId)));
    }
    if (scenario.pool !== undefined) schedulePool(this.stage, scenario.pool);
    this.#scheduleWrongData();
    this.#suspendSince('start', this.stage.startsAt);
    this.#slowDown(this.stage.startsAt);
    for (const event of scenario.events)
      time.at(START + event.afterMs, () => this.#applyEvent(event, ids[event.vm ?? 0] ?? ''));
    await passPrelude(this.stage);
  }

  /** Keeps the outputs that the step wrote right before a restart could leave. */
  announce(outputs: Outputs): void {
    this.#announced = JSON.parse(outputs['results'] ?? '[]');
  }

  #notePower(): void {
    const { onPower } = this.world;
    this.world.onPower = (event) => {
      onPower(event);
      const { instanceId } = event.record;
      this.changes.push({ instanceId, kind: event.kind, at: this.world.now });
    };
  }

  #createDial({ time, world }: Stage): Dial | undefined {
    const { guest, network } = this.#options.scenario;
    if (guest === undefined) return undefined;
    return createSimulatedDial({
      ...{ time, world, guest, latencyMs: network.latencyMs },
      faultOf: () => this.#dialFault(guest.faults),
      onDial: ({ host, port }) => this.#log(() => `a connection to ${host}:${port} begins`),
      onGreeting: (address) => {
        const owner = world.records.find((record) => hasAddress(record, address));
        this.greetings.push({ at: this.#now(), address, instanceId: owner?.instanceId });
        this.#log(() => 'a server has greeted the step');
      },
    });
  }

  #dialFault(share: number): DialFault | undefined {
    if (this.#now() >= this.#faultsEndAt) return undefined;
    const fault = DIAL_FAULTS.find((kind) => share > 0 && this.#chance(kind) < share);
    if (fault !== undefined) this.faults.add(fault);
    return fault;
  }

  /** Schedules the swap of a VM's ports with its neighbor's; called at the first attempt. */
  #scheduleSwap(): void {
    const { swapsAfterMs } = this.#options.scenario.guest ?? {};
    const [first] = this.records;
    if (swapsAfterMs === undefined || first === undefined) return;
    this.stage.time.at(this.#now() + swapsAfterMs, () => {
      this.faults.add('ports swapped');
      this.#log(() => 'the ports of the first VM and its neighbor are swapped');
      for (const { instanceId } of this.world.records)
        this.changes.push({ instanceId, kind: 'ports', at: this.#now() });
      this.#change((world) => world.swapPorts(first.instanceId));
    });
  }

  /**
   * Adds other owners' jobs, and shows these runners wrongly: only until the first attempt, because afterwards the list is the only proof
   * that a runner is back.
   */
  #scheduleWrongData(): void {
    const { misreport, hasNumberTwin } = this.#options.scenario.runner ?? {};
    const { github, time } = this.stage;
    const runners = github.runners.filter((runner) => !isOther(runner));
    const [first] = runners;
    if (hasNumberTwin && first !== undefined) {
      const on = { id: first.id, name: 'elsewhere', groupName: 'Default' };
      github.runs.add({ jobs: [{ name: 'build', forMs: Number.POSITIVE_INFINITY, on }] });
    }
    if (misreport === undefined) return;
    time.at(START + misreport.afterMs, () => {
      if (this.tries.length > 0) return;
      this.faults.add('wrong GitHub data');
      this.world.advanceTo(this.#now());
      const shown = misreport.shows === 'busy' ? { busy: true } : { online: false };
      for (const runner of runners) github.misreport(runner, { ...shown, forMs: misreport.forMs });
    });
  }

  /** What happens to one of a VM's further runners. */
  #scheduleBeside({ jobs, endsAfterMs, registersAgain }: RunnerBeside, of: RunnerPlace): void {
    const { time, github } = this.stage;
    const at = (afterMs: number, change: (runner: SimulatedRunner) => void) =>
      time.at(START + afterMs, () => {
        this.world.advanceTo(this.#now());
        const runner = this.#runnerAt(of);
        if (runner !== undefined) change(runner);
      });
    for (const { afterMs, forMs } of jobs)
      time.at(START + afterMs, () => this.#startJob(of.instanceId, forMs, of.place));
    if (endsAfterMs !== undefined) at(endsAfterMs, (runner) => github.endService(runner));
    if (registersAgain === undefined) return;
    at(registersAgain.afterMs, (runner) => {
      if (!github.registerAgain(runner, registersAgain.forMs)) return;
      this.#log(() => `the runner ${runner.name} is removed, to be registered again`);
      this.faults.add('runner registered again');
      const absence = { runner, from: this.#now(), until: Number.POSITIVE_INFINITY };
      this.absences.push(absence);
      at(registersAgain.afterMs + registersAgain.forMs, ({ isRegistered }) => {
        if (isRegistered) absence.until = this.#now();
      });
    });
  }

  #runnerAt({ instanceId, place }: RunnerPlace): SimulatedRunner | undefined {
    return this.stage.github.runners.filter((one) => one.instanceId === instanceId && !isOther(one))[place];
  }

  /** Gives a runner of the VM a job, unless it has one. */
  #startJob(instanceId: string, forMs: number, place = 0): void {
    this.world.advanceTo(this.#now());
    const runner = this.#runnerAt({ instanceId, place });
    const isBusy = runner?.jobs.some((job) => job.endsAt > this.#now() && job.killedAt === undefined);
    if (runner === undefined || isBusy) return;
    const { queuesMore, hidesRunnerMs, spellsInUpperCase } = this.#options.scenario.runner ?? {};
    const job = this.stage.github.startJob(runner, forMs, {
      ...(queuesMore && { beside: [{ name: 'next', forMs: 0, labels: ['nowhere'] }] }),
      ...(hidesRunnerMs && { hidesRunnerMs }),
      ...(spellsInUpperCase && { spelledRunner: runner.name.toUpperCase() }),
    });
    if (job === undefined) return;
    this.faults.add('job');
    this.#log(() => `a job begins on the runner ${runner.name} (${Math.round(forMs)} ms)`);
  }

  /** Applies an event, unless faults have ended. */
  #applyEvent(event: WorldEvent, instanceId: string): void {
    if (this.#now() >= this.#faultsEndAt) return;
    this.faults.add(event.kind);
    this.#log(() => `${event.kind} (${Math.round(event.forMs)} ms)`);
    const context = {
      instanceId,
      changeWorld: (change: (world: World) => void) => this.#change(change),
      endSessions: () => this.stage.endSessions(),
      shutDown: (forMs: number) => {
        this.#downUntil = this.#now() + forMs;
        for (const connection of this.#connections)
          connection.isClosed ||= connection.origin === CONTROLLER_ORIGIN;
      },
    };
    applyEvent(context, event);
  }

  #leaveMessage(instanceId: string): void {
    this.#change((world) => {
      const record = world.find(instanceId);
      if (record !== undefined) record.message = MESSAGE;
    });
  }

  /** Changes the world, and after its lag each replica's copy. */
  #change(change: (world: World) => unknown): void {
    this.stage.replicas.change(this.#now(), change);
  }

  #suspendSince(since: Suspension['since'], moment: number): void {
    const { suspension } = this.#options.scenario;
    if (suspension?.since !== since) return;
    const { forMs, first } = suspension;
    this.stage.time.at(moment + suspension.afterMs, () => {
      if (this.isStepOver) return;
      this.faults.add('suspended');
      this.#log(() => `the process is suspended (${Math.round(forMs)} ms)`);
      this.suspensions.push({ from: this.#now(), until: this.#now() + forMs });
      this.stage.time.suspend(forMs, first);
    });
  }

  /** Stalls the process again and again. */
  #slowDown(from: number): void {
    const { slowLoop } = this.#options.scenario;
    if (slowLoop === undefined || from >= this.#faultsEndAt) return;
    const { everyMs, forMs } = slowLoop;
    this.stage.time.at(from + everyMs, () => {
      if (this.isStepOver) return;
      this.faults.add('slow process');
      this.suspensions.push({ from: this.#now(), until: this.#now() + forMs });
      this.stage.time.suspend(forMs, 'timer');
      this.#slowDown(this.#now() + forMs);
    });
  }

  #dateErrorMs(): number {
    const errors = this.#options.scenario.dateErrorsMs;
    return errors[Math.floor(this.#chance('which clock dates an answer') * errors.length)] ?? 0;
  }

  #connect(origin: string): Connection {
    const { connections } = this.#options.scenario.network;
    const [isMortal, isSick] = [this.#chance('connection dies'), this.#chance('sick replica')];
    const isHung = this.#chance('hanging handshake') < (connections?.hangs ?? 0);
    const areFaultsOver = this.#now() >= this.#faultsEndAt;
    const dies = connections !== undefined && isMortal < connections.deaths && !areFaultsOver;
    const connection: Connection = {
      origin,
      diesAt: dies ? this.#now() + connections.dieAfterMs : undefined,
      loses: connections?.loses ?? 'requests',
      isShared: connections?.areShared ?? false,
      isSick: isSick < (connections?.sick ?? 0) && !areFaultsOver && origin === CONTROLLER_ORIGIN,
      isHung: isHung && !areFaultsOver,
      isClosed: false,
    };
    if (connection.isHung) this.faults.add('hanging handshake');
    this.#connections.push(connection);
    return connection;
  }

  /** What a sick replica answers over its connections. */
  #sickAnswer({ connection }: SentRequest): NetworkAnswer | undefined {
    if (connection?.isSick !== true || this.#now() >= this.#faultsEndAt) return undefined;
    this.faults.add('sick replica');
    if (this.#options.scenario.network.connections?.sickness === 'hangs')
      return { status: 200, headers: {}, body: '', breaks: 'hang' };
    return { status: 503, headers: {}, body: '<html>' };
  }

  #now(): number {
    return this.stage.time.now();
  }

  #log(text: () => string): void {
    this.#options.log?.(`+${((this.#now() - START) / 1_000).toFixed(3)} s  ${text()}`);
  }

  /** Each kind of fault has its own random source, so that leaving one out changes no other. */
  #chance(kind: string): number {
    const known = this.#chances.get(kind);
    if (known !== undefined) return known.next();
    const chance = this.#options.random.fork(kind);
    this.#chances.set(kind, chance);
    return chance.next();
  }

  /** Whether a fault happens to the request that is being handled. */
  #happens(fault: RequestFault): boolean {
    const rate = this.#options.scenario.network.rates[fault];
    const isSo = rate > 0 && this.#now() < this.#faultsEndAt && this.#chance(fault) < rate;
    if (isSo) this.faults.add(fault);
    return isSo;
  }

  #deliveryOf(request: SentRequest): Delivery {
    this.#inspect(request);
    this.#noteRequest(request);
    const { network, step } = this.#options.scenario;
    const latency = (way: string) => network.latencyMs * (0.5 + this.#chance(`latency ${way}`));
    const delay = (fault: RequestFault) =>
      this.#happens(fault) ? this.#chance(`${fault}: by how much`) ** 3 * step.timeoutMs * 1.2 : 0;
    const isDown = !isForGitHub(request) && this.#now() < this.#downUntil;
    const isRefused = this.#happens('refused') || isDown || this.#isBlocked(request, 'refused');
    const neverConnects = isRefused || this.#happens('hangs connecting');
    const connectMs = latency('to connect');
    const [thereMs, backMs] = [latency('there'), latency('back')];
    const delivery: Delivery = {
      isRefused,
      failure: this.#connectFailure(request),
      connectMs: neverConnects ? undefined : connectMs,
      thereMs: this.#happens('request lost') ? undefined : thereMs + delay('request late'),
      backMs: this.#happens('answer lost') ? undefined : backMs + delay('answer late'),
      resetMs: this.#chance('reset') < 0.5 ? this.#chance('reset: when') * 2_000 : undefined,
      arriving: this.#happens('answer cut') ? this.#chance('answer cut: where') : 1,
      ...this.#piecesOf(step.requestTimeoutMs),
    };
    this.#log(() => `${nameOf(request)} begins${describeDelivery(delivery)}`);
    this.arrivesAt = Math.max(this.arrivesAt, this.#now() + connectMs + (delivery.thereMs ?? 0));
    return delivery;
  }

  #piecesOf(requestTimeoutMs: number): Pick<Delivery, 'pieces' | 'pauseMs'> {
    if (!this.#happens('answer in pieces')) return { pieces: 1, pauseMs: 0 };
    const pieces = 1 + Math.floor(this.#chance('answer in pieces: how many') * 8);
    return { pieces, pauseMs: this.#chance('answer in pieces: pause') ** 3 * requestTimeoutMs };
  }

  /** Records requests to anything but the controller and (with a runner) GitHub, and credentials sent to the wrong one. */
  #inspect({ origin, method, path, headers }: SentRequest): void {
    const hasRunner = this.#options.scenario.runner !== undefined;
    const isKnown = origin === CONTROLLER_ORIGIN || (origin === GITHUB_ORIGIN && hasRunner);
    const isGitHubs = JSON.stringify(headers).includes(GITHUB_TOKEN);
    if (!isKnown || isGitHubs !== (origin === GITHUB_ORIGIN))
      this.misdirected.push(`${method} ${origin}${path}`);
  }

  #noteRequest(request: SentRequest): void {
    const moment = { at: this.#now(), instanceId: instanceIdIn(request) };
    if (isForGitHub(request)) return;
    if (isRestart(request)) this.#beginTry(moment);
    this.begun.push(moment);
    this.contacts.push({ at: moment.at, kind: 'asked' });
  }

  /** Records an attempt, and starts what depends on the first one. */
  #beginTry(moment: Moment): void {
    const isFirst = this.tries.length === 0;
    const isFirstOfVm = !this.tries.some(({ instanceId }) => instanceId === moment.instanceId);
    this.tries.push(moment);
    if (isFirst) {
      this.#suspendSince('try', moment.at);
      for (const runner of this.stage.github.runners) runner.misreport = undefined;
      this.#scheduleSwap();
    }
    const vm = this.records.findIndex(({ instanceId }) => instanceId === moment.instanceId);
    const { jobAfterTry } = this.#options.scenario.vms[vm] ?? {};
    if (!isFirstOfVm || jobAfterTry === undefined) return;
    const { afterMs, forMs } = jobAfterTry;
    this.stage.time.at(moment.at + afterMs, () => this.#startJob(moment.instanceId ?? '', forMs));
  }

  #isBlocked(request: SentRequest, by: 'refused' | 'HTTP 429'): boolean {
    const { restartBlocked } = this.#options.scenario;
    const [first] = this.tries;
    if (restartBlocked?.by !== by || first === undefined || !isRestart(request)) return false;
    const isSo = this.#now() < first.at + restartBlocked.forMs;
    if (isSo) this.faults.add('restart blocked');
    return isSo;
  }

  /** The misconfiguration that is in effect now, if any. */
  #mistake(request: SentRequest): Mistake | undefined {
    const { mistake } = this.#options.scenario;
    if (mistake === undefined || isForGitHub(request)) return undefined;
    if (this.#now() >= START + mistake.forMs) return undefined;
    this.faults.add(mistake.kind);
    return mistake.kind;
  }

  #areJobsUnavailable(request: SentRequest): boolean {
    const { jobsAway } = this.#options.scenario.runner ?? {};
    if (jobsAway === undefined || !isForGitHub(request) || subjectOf(request.path) === 'runner') return false;
    const sinceStartMs = this.#now() - START;
    const isSo = sinceStartMs >= jobsAway.afterMs && sinceStartMs < jobsAway.afterMs + jobsAway.forMs;
    if (isSo) this.faults.add('jobs unavailable');
    return isSo;
  }

  #connectFailure(request: SentRequest): Error | undefined {
    const error = CONNECT_FAILURES[this.#mistake(request) ?? ''];
    return error && failure(...error);
  }

  #departs(request: SentRequest): void {
    this.#noteDeath(request);
    const instanceId = instanceIdIn(request);
    if (!isRestart(request) || instanceId === undefined) return;
    const { outcome: announced } = this.#announced.find((one) => one['instance_id'] === instanceId) ?? {};
    const nothing = { reply: undefined, arrivedAt: undefined, answer: undefined };
    const post: RestartPost = { instanceId, departedAt: this.#now(), announced, ...nothing };
    if (this.posts.length === 0) this.#suspendSince('restart', this.#now());
    this.posts.push(post);
    const moment = this.#options.scenario.pool && momentOf(this.stage, instanceId);
    if (moment !== undefined) this.poolMoments.push(moment);
    this.#inFlight.set(request, post);
  }

  #logged<T extends NetworkAnswer | undefined>(request: SentRequest, answer: T): T {
    if (answer !== undefined)
      this.#log(() => `${nameOf(request)} is answered: ${answer.status} ${excerpt(answer.body)}`);
    return answer;
  }

  /** What a gateway answers to a request that the controller never gets. */
  #refusal(request: SentRequest): NetworkAnswer | undefined {
    const page = PAGES[this.#mistake(request) ?? ''];
    if (page !== undefined) return { status: 200, headers: {}, body: page };
    const sick = this.#sickAnswer(request);
    if (sick !== undefined) return sick;
    if (this.#isBlocked(request, 'HTTP 429')) return { status: 429, headers: {}, body: '' };
    if (this.#happens('gateway error')) return this.#gatewayError('gateway error', STATUSES);
    if (this.#happens('denied')) return this.#denial('denied', DENIALS);
    if (this.#areJobsUnavailable(request)) return { status: 502, headers: {}, body: '<html>' };
    if (isForGitHub(request)) return undefined;
    if (this.#hadGoodAnswer && this.#happens('denied briefly'))
      return this.#denial('denied briefly', DENIALS);
    if (!this.#happens('long pause')) return undefined;
    const status = this.#chance('long pause: status') < 0.5 ? 429 : 503;
    return { status, headers: { 'retry-after': '600' }, body: '' };
  }

  #noteDeath({ connection }: SentRequest): void {
    if ((connection?.diesAt ?? Number.POSITIVE_INFINITY) <= this.#now()) this.faults.add('dead connection');
  }

  #answered(request: SentRequest, reaction: Reaction): NetworkAnswer {
    this.#noteDeath(request);
    if (this.#options.scenario.pool?.drain !== undefined && isForGitHub(request)) {
      this.#countDrained(request, reaction);
      this.#noteRemoval(request, reaction);
    }
    if (isForGitHub(request) && isRefusal(reaction)) this.faults.add('GitHub refuses');
    if (isForGitHub(request))
      this.#shown.set(reaction, readingsIn(request.path, this.stage.github, this.#contentOf(reaction)));
    else this.#noteReaction(request, reaction);
    return this.#logged(request, this.#damaged(request, reaction));
  }

  /** An unchanged answer has no body. */
  #contentOf({ headers = {}, body }: Reaction): string {
    const etag = String(headers['etag']);
    if (body !== '') this.#contents.set(etag, body);
    return body || (this.#contents.get(etag) ?? '');
  }

  /**
   * A runner whose labels GitHub refuses to restore keeps them after its VM's slot has gone to another. One that has all its own labels takes
   * jobs: GitHub may add a label of the drain late, after they are restored.
   */
  #countDrained({ path }: SentRequest, reaction: Reaction): void {
    const [, id] = /\/runners\/(\d+)\/labels/.exec(path) ?? [];
    if (id !== undefined && isRefusal(reaction)) this.#refusedChanges.add(Number(id));
    else if (id !== undefined) this.#refusedChanges.delete(Number(id));
    const drained = this.stage.github.runners.filter(
      (runner) => lacksLabels(this.stage, runner) && !this.#refusedChanges.has(runner.id),
    );
    this.mostDrained = Math.max(this.mostDrained, drained.length);
  }

  #noteRemoval({ method, path }: SentRequest, { status }: Reaction): void {
    const [, id, label] = /\/runners\/(\d+)\/labels\/([^/]+)$/.exec(path) ?? [];
    const runner = this.stage.github.runners.find((one) => one.id === Number(id));
    if (method !== 'DELETE' || status !== 200 || label === undefined || runner === undefined) return;
    this.removedLabels.push({ at: this.#now(), runner, label: decodeURIComponent(label) });
  }

  /** The controller's answer after its faults. */
  #damaged(request: SentRequest, reaction: Reaction): NetworkAnswer {
    if (this.#happens('late gateway error')) return this.#gatewayError('late gateway error', LATE_STATUSES);
    if (!isForGitHub(request) && this.#happens('denied late'))
      return this.#denial('denied late', LATE_DENIALS);
    if (!isForGitHub(request) && this.#happens('late FAIL')) return LATE_FAIL;
    return this.#encode(this.#lengthen(this.#damageSome(reaction)));
  }

  #damageSome(reaction: Reaction): NetworkAnswer {
    const damages = (Object.keys(DAMAGES) as Damage[]).filter((damage) => this.#happens(damage));
    if (damages.length === 0) this.#healthy.add(reaction);
    this.#madeAt.set(reaction, this.#now());
    return damages.length === 0 ? reaction : this.#damage(reaction, damages);
  }

  /** Makes the answer long, as a startup script with much output does. */
  #lengthen(answer: NetworkAnswer): NetworkAnswer {
    const at = answer.body.indexOf('"instance_id":');
    if (!this.#options.scenario.hasLongOutput || at < 0) return answer;
    this.faults.add('long output');
    const [before, after] = [answer.body.slice(0, at), answer.body.slice(at)];
    const longer = {
      ...answer,
      bytes: Buffer.concat([Buffer.from(before), LONG_OUTPUT, Buffer.from(after)]),
    };
    this.#madeFrom.set(longer, answer);
    return longer;
  }

  #encode(answer: NetworkAnswer): NetworkAnswer {
    if (!this.#happens('answer encoded')) return answer;
    const headers = { ...answer.headers, 'content-encoding': 'gzip' };
    const encoded = { ...answer, headers, bytes: gzipSync(answer.bytes ?? answer.body, { level: 1 }) };
    this.#madeFrom.set(encoded, answer);
    return encoded;
  }

  /** Records the controller's reaction to a request. */
  #noteReaction(request: SentRequest, { status, body }: Reaction): void {
    const authorization = request.headers['authorization'] as string | undefined;
    if (authorization !== undefined) this.tokens.add(authorization.replace(/^\w+ /, ''));
    // Another refusal of a session that was refused before does not count.
    const isNews = authorization === undefined || !this.#refusedTokens.has(authorization);
    if (status === 401) {
      this.#deniedInRow += isNews ? 1 : 0;
      this.mostDenied = Math.max(this.mostDenied, this.#deniedInRow);
      if (authorization !== undefined) this.#refusedTokens.add(authorization);
    } else if (!request.path.startsWith('/tap/')) this.#deniedInRow = 0;
    if (this.#deniedInRow > 0) this.faults.add('session ended');
    if (request.path.startsWith('/tap/')) this.#collectToken(body);
    if (status !== 401 && isRestart(request)) this.#noteRestart(request, body);
  }

  #noteRestart(request: SentRequest, body: string): void {
    const post = this.#inFlight.get(request);
    if (post === undefined) return;
    post.arrivedAt = this.#now();
    post.reply = body.includes('"OK"') ? 'accepted' : 'refused';
    const record = this.world.records.find(({ instanceId }) => instanceId === post.instanceId);
    if (post.reply === 'accepted' && record !== undefined) this.requestIds.add(record.requestId);
  }

  #delivered(request: SentRequest, received: NetworkAnswer): void {
    const answer = this.#origin(received);
    const post = this.#inFlight.get(request);
    if (post !== undefined)
      post.answer = { at: this.#now(), status: answer.status, body: parseJson(answer.body) };
    if (isForGitHub(request)) this.#noteReading(request, answer);
    else if (this.#healthy.has(answer)) this.#noteHealthy(request, answer);
  }

  #noteHealthy({ method }: SentRequest, { status, body }: NetworkAnswer): void {
    if (method === 'GET' && status === 200 && body.startsWith('{"status":"OK"')) {
      this.#hadGoodAnswer = true;
      this.contacts.push({ at: this.#now(), kind: 'good answer' });
    }
    if (this.ownName !== undefined && namesIn(body).includes(this.ownName)) this.ownVmNamedAt ??= this.#now();
    for (const { instanceId } of this.world.records) {
      if (body.includes(`"instance_id":"${instanceId}"`))
        this.answersSeen.set(instanceId, (this.answersSeen.get(instanceId) ?? 0) + 1);
    }
  }

  #noteReading({ path }: SentRequest, answer: NetworkAnswer): void {
    const { status, body } = answer;
    const isNo = (status === 401 || status === 403 || status === 404) && !body.includes('rate limit');
    // A redirect shows no more than an error does: neither a runner, nor that a list goes on.
    if (status >= 300 && status !== 304 && !isNo) return;
    const [at, madeAt] = [this.#now(), this.#madeAt.get(answer) ?? this.#now()];
    const shown = this.#healthy.has(answer) ? this.#shown.get(answer) : undefined;
    // Of several pages, another may be missing.
    if (shown !== undefined && isWholeList(path, this.#options.scenario.runner)) {
      const listed = shown.map(({ runner }) => runner);
      const lagMs = this.#options.scenario.pool?.drain?.readsLagMs;
      this.shownExpired.push(...expiredOn(listed, { madeAt, lagMs }).map((one) => ({ ...one, at })));
    }
    for (const reading of shown ?? readingsIn(path, this.stage.github, undefined))
      this.readings.push({ ...reading, at, madeAt, isNo });
  }

  /** The answer before it was lengthened or encoded. */
  #origin(answer: NetworkAnswer): NetworkAnswer {
    const origin = this.#madeFrom.get(answer);
    return origin === undefined ? answer : this.#origin(origin);
  }

  #gatewayError(fault: RequestFault, statuses: readonly number[]): NetworkAnswer {
    const status = statuses[Math.floor(this.#chance(`${fault}: status`) * statuses.length)] ?? 502;
    const form = Math.floor(this.#chance(`${fault}: Retry-After`) * 4 * RETRY_AFTERS.length);
    const retryAfter = RETRY_AFTERS[form];
    if (retryAfter === undefined) return { status, headers: {}, body: '<html>' };
    this.faults.add('Retry-After');
    const date = new Date(this.#now()).toUTCString();
    return { status, headers: { 'retry-after': retryAfter(this.#now()), date }, body: '' };
  }

  #denial(fault: RequestFault, statuses: readonly number[]): NetworkAnswer {
    const status = statuses[Math.floor(this.#chance(`${fault}: status`) * statuses.length)] ?? 403;
    this.faults.add(`HTTP ${status}`);
    const headers: Record<string, string> = status === 302 ? { location: 'http://elsewhere.example/' } : {};
    return { status, headers, body: status === 404 ? '404 page not found' : '' };
  }

  #damage(reaction: Reaction, damages: readonly Damage[]): NetworkAnswer {
    const body = damages.reduce((left, damage) => {
      return DAMAGES[damage](left, () => this.#chance(`${damage}: where`));
    }, reaction.body);
    return { ...reaction, body };
  }

  #collectToken(body: string): void {
    // The handshake is JSON, or base64 of it.
    const [, token] = /"token":"([^"]+)"/.exec(`${body} ${Buffer.from(body, 'base64')}`) ?? [];
    if (token !== undefined) this.tokens.add(token);
  }
}

const STATUSES = [408, 429, 500, 502, 503, 504];
/** Without 429, which says that nothing was done: no client could know better. */
const LATE_STATUSES = STATUSES.filter((status) => status !== 429);
const DENIALS = [302, 400, 401, 403, 404, 405];
/** Without 401, which says that nothing was done. */
const LATE_DENIALS = DENIALS.filter((status) => status !== 401);
const LATE_FAIL = {
  status: 500,
  headers: {},
  body: JSON.stringify({ status: 'FAIL', message: 'database is away' }),
};
/** More than 1 MiB. */
const LONG_OUTPUT = Buffer.from(`"startup_script":{"stdout":"${'x'.repeat(1_300_000)}"},`);
const CONNECT_FAILURES: Readonly<Record<string, readonly [code: string, message: string]>> = {
  'unknown name': ['ENOTFOUND', 'getaddrinfo ENOTFOUND controller.example'],
  'untrusted certificate': ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
  'no TLS there': ['ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number'],
};
const PAGES: Readonly<Record<string, string>> = {
  'login page': '<html><form>',
  'FAIL to everything': JSON.stringify({ status: 'FAIL', message: 'no such route' }),
};
const RETRY_AFTERS: readonly ((now: number) => string)[] = [
  () => '2',
  () => '20',
  () => 'soon',
  (now) => new Date(now + 3_000).toUTCString(),
];

/** Harmful if it is shown unescaped. */
const MESSAGE = `${PASSWORD} ${Buffer.from(PASSWORD).toString('base64')}\n::set-output name=x::y\n##[error]<b>z`;

function accessFor({ step, sessionTtlMs, handshakeForms }: Scenario): Access {
  const access = {
    none: {},
    root_token: { rootToken: ROOT_TOKEN },
    api_key: { apiKey: { id: API_KEY_ID, publicKey: KEY_PAIR.publicKey }, sessionTtlMs, handshakeForms },
  };
  return access[step.identity];
}

function troubledIn({ vms }: Scenario): Pick<WorldOptions, 'stuckVms' | 'brokenVms'> {
  const idsOf = (trouble: string) =>
    vms.flatMap((vm, index) => (vm.trouble === trouble ? [externalIdOf(index)] : []));
  return { stuckVms: idsOf('stuck'), brokenVms: idsOf('broken') };
}

/** Runners besides those in the VMs, so that the list has several pages. */
const OTHER_RUNNERS = 5;
const OTHER = 'other-';
const MOST_ON_PAGE = 2;

function isOther({ name }: SimulatedRunner): boolean {
  return name.startsWith(OTHER);
}

function gitHubFor(scenario: Scenario, runner: RunnerScenario): Pick<StageSetting, 'github' | 'runnersIn'> {
  const { vms, pool } = scenario;
  if (pool !== undefined)
    return settingOfPool(pool, runner, (record) => ({
      nameOf: (place) => runnerNameOf(scenario, ownNameIn(scenario, record), place),
      index: indexOf(record),
    }));
  const { habits, quota, showsJobs, longList, isEphemeral, startsAfterBoot } = runner;
  const { otherRunners, ...lists } = listsFor(runner);
  const others = Array.from({ length: otherRunners }, (_, index) => ({
    name: `${OTHER}${index + 1}`,
    startsAfterBoot: false,
  }));
  return {
    github: {
      ...{ habits, quota, showsJobs },
      ...lists,
      ...(runner.refusal && { refusals: [refusalOf(runner.refusal)] }),
    },
    runnersIn(record) {
      const index = indexOf(record);
      const vm = vms[index];
      if (vm === undefined) return [];
      const own = [{ startsAfterBoot }, ...vm.moreRunners].map((one, place) => ({
        name: runnerNameOf(scenario, ownNameIn(scenario, record), place),
        ...{ isEphemeral, startsAfterBoot: one.startsAfterBoot },
      }));
      if (index > 0) return own;
      return longList === undefined ? [...own, ...others] : [...others, ...own];
    },
  };

  function indexOf({ externalId }: InstanceRecord): number {
    return vms.findIndex((_, index) => externalIdOf(index) === externalId);
  }
}

/** How long GitHub's lists are, and how their pages announce the next one. A long list begins with the entries of others. */
function listsFor({ longList, otherRuns, pagesShiftEveryMs }: RunnerScenario) {
  const shifting = pagesShiftEveryMs !== undefined && { filtersByName: false, pagesShiftEveryMs };
  if (longList === undefined) {
    const paging = shifting && { ...shifting, mostOnPage: MOST_ON_PAGE };
    return { otherRunners: shifting ? OTHER_RUNNERS : 0, otherRuns, ...paging };
  }
  const { of, totals, hasLinks } = longList;
  return {
    otherRunners: of === 'runners' ? MORE_THAN_A_PAGE : 0,
    otherRuns: of === 'runs' ? MORE_THAN_A_PAGE : otherRuns,
    ...{ firstOtherRunId: NEWER_RUN_ID, hasLinks, ...(totals && { totals }), ...shifting },
  };
}

/** GitHub has up to 100 entries on a page. */
const MORE_THAN_A_PAGE = 105;
/** Higher than those of the runs that begin in the world. */
const NEWER_RUN_ID = 9_001;

/** What the names of the VM's runners begin with. */
function ownNameIn({ runner }: Scenario, { name, externalId }: InstanceRecord): string {
  return (runner?.nameTemplate === '{name}' ? name : externalId) ?? '';
}

function refusalOf({ endpoint, status, afterMs, forMs }: Refusal) {
  return { endpoint, status, from: START + afterMs, until: START + afterMs + forMs };
}

/** Whether the VM has this address now: a stopped VM has no port. */
function hasAddress({ node, vm }: InstanceRecord, { host, port }: GuestAddress): boolean {
  if (vm?.power !== 'running') return false;
  return vm.ip === host || (node?.ip === host && vm.sshPort === port);
}

const LONGEST_EXCERPT = 1_000;

/** The fields of an answer that help a person who reads the log. */
function excerpt(body: string): string {
  const fields = /"(status|message|instance_id|instance_state|start_date|timestamp|ts|busy)":("[^"]*"|\w+)/g;
  return (body.match(fields)?.join(' ') ?? body).slice(0, LONGEST_EXCERPT);
}

/** The names of instances in the answer. */
function namesIn(body: string): unknown[] {
  const { body: content } = Object(parseJson(body)) as { readonly body?: unknown };
  const items = (Array.isArray(content) ? content : [content]).map(Object);
  return items.flatMap((item) =>
    [item, Object(item['vm'])].flatMap((one) => [one['external_id'], one['name']]),
  );
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What is unusual about it, in words. */
function describeDelivery({
  isRefused,
  failure: reason,
  connectMs,
  thereMs,
  backMs,
  resetMs,
  arriving,
  pieces,
}: Delivery): string {
  const lost = resetMs === undefined ? 'silently' : 'with a reset';
  const words = [
    ...(reason === undefined ? [] : [reason.message]),
    ...(connectMs === undefined ? [isRefused ? 'is refused' : 'never connects'] : []),
    ...(thereMs === undefined ? [`request lost ${lost}`] : []),
    ...(thereMs !== undefined && thereMs > SLOW_MS ? [`${Math.round(thereMs)} ms there`] : []),
    ...(backMs === undefined ? [`answer lost ${lost}`] : []),
    ...(backMs !== undefined && backMs > SLOW_MS ? [`${Math.round(backMs)} ms back`] : []),
    ...(arriving < 1 ? [`cut off at ${Math.round(arriving * 100)} %`] : []),
    ...(pieces > 1 ? [`in ${pieces} pieces`] : []),
  ];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

const SLOW_MS = 500;

/** Whether it is a refusal, and not a used-up rate limit. */
function isRefusal({ status, body }: Reaction): boolean {
  return (status === 401 || status === 403 || status === 404) && !body.includes('rate limit');
}

function isWholeList(path: string, runner: RunnerScenario | undefined): boolean {
  return runner?.pagesShiftEveryMs === undefined && /\/actions\/runners(\?|$)/.test(path);
}

function isRestart({ method, path }: SentRequest): boolean {
  return method === 'POST' && path.endsWith('/restart');
}

function nameOf({ method, path }: SentRequest): string {
  return `${method} ${path}`;
}
