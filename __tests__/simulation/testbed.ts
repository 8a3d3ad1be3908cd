import { generateKeyPairSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { createAuthentication } from '../../simulator/authentication.ts';
import { type Reaction, react, type SeenRequest } from '../../simulator/controller-api.ts';
import { reactAsGitHub } from '../../simulator/github-api.ts';
import { GitHubWorld, type GitHubWorldOptions, type SimulatedRunner } from '../../simulator/github-world.ts';
import type { Random } from '../../simulator/random.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { World } from '../../simulator/world.ts';
import type { VmOutcome } from '../../src/fleet/step-outcome.ts';
import type { Dial } from '../../src/guest/contact.ts';
import { DAMAGES, type Damage } from './damaged-answers.ts';
import { applyEvent, type WorldEvent } from './events.ts';
import { createSimulatedDial, DIAL_FAULTS, type DialFault } from './guest-dial.ts';
import { type Delivery, failure, type NetworkAnswer, type SentRequest, SimulatedNetwork } from './network.ts';
import type { Mistake, RequestFault, Scenario, Suspension } from './scenario.ts';
import type { VirtualTime } from './virtual-time.ts';

/*
 * Carries a scenario out: the world, the controller and GitHub in front of it, and the network between them and the step. A fault of
 * a request happens in #deliveryOf (on its way, there or back) or in #answerOrFault (to its answer), if #happens draws it: a new one
 * is asked for there. How often it does is in scenario.ts, damaged answers are in damaged-answers.ts, the events in events.ts. What
 * the promises need to know of a run is recorded here, too.
 */

export const CONTROLLER_ORIGIN = 'http://controller.example:8090';
export const GITHUB_ORIGIN = 'http://github.example';
export const ROOT_TOKEN = 'root-hunter2-token';
export const GITHUB_TOKEN = 'ghp_hunter2hunter2';
/** The shortest that the handshake's padding leaves room in: a longer one would take most of a run's time. */
export const KEY_PAIR = generateKeyPairSync('rsa', { modulusLength: 1024 });

/** A restart as the step sent it; times in milliseconds. */
export interface RestartPost {
  /** When it left the step's machine. */
  readonly departedAt: number;
  /** What the controller did with it, if it ever arrived; undefined where it never did, or was not let in. */
  reply: 'taken' | 'refused' | undefined;
  /** When it arrived. */
  arrivedAt: number | undefined;
  /** What would stand in the outputs, had the process been killed when it left. */
  readonly announced: VmOutcome['restarted'] | undefined;
  /** The answer as it reached the step, whoever gave it, if it did so whole. */
  answer: RestartAnswer | undefined;
}

export interface RestartAnswer {
  readonly at: number;
  readonly status: number;
  /** The body, if it is JSON. */
  readonly body: unknown;
}

/** An answer of GitHub about the runner or its jobs as it reached the step. */
export interface GitHubLook {
  /** When it arrived. */
  readonly at: number;
  /** When GitHub made it; and whether it then showed a job on the runner. Damaged, it may not have told. */
  readonly madeAt: number;
  readonly showsJob: boolean;
  readonly about: 'runner' | 'runs' | 'jobs';
  /** Of the runner's jobs: the runs that a list of runs names, or the one that is asked about. */
  readonly runIds: readonly number[];
  /** It said no. */
  readonly isNo: boolean;
}

/** A VM stopped or booted. */
export interface PowerChange {
  readonly instanceId: string;
  readonly kind: 'stopped' | 'booted' | 'ended';
  readonly at: number;
}

export interface TestbedOptions {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly time: VirtualTime;
  /** When the step begins, in milliseconds; the world may have a history before. */
  readonly startsAt: number;
  /** Gets a line for each thing that happens, in order. */
  readonly log: ((line: string) => void) | undefined;
}

export class Testbed {
  readonly world: World;
  readonly network: SimulatedNetwork;
  /** Kinds of faults that really happened. */
  readonly faults = new Set<string>();
  readonly posts: RestartPost[] = [];
  /** When each try of the restart request began, even if it never left. */
  readonly tries: number[] = [];
  /** When the step was suspended, and when it woke. */
  readonly suspensions: { readonly from: number; readonly until: number }[] = [];
  /** What the step last told of itself, in case that it is killed. */
  announced: VmOutcome['restarted'] | undefined;
  /** What happens to the step itself, does so no more. */
  isStepOver = false;
  /** Whether the controller, or what stands for it, has given an answer that is whole and good. */
  hadGoodAnswer = false;
  /** When the step first asked the controller after the last such answer. */
  askedSince: number | undefined;
  /** The restarts that the step asked for, as the world names them. */
  readonly requestIds = new Set<string>();
  /** Session tokens that were handed out, and the credentials that requests carried. */
  readonly tokens = new Set<string>();
  /** Answers about the instance that reached the step whole. */
  answersSeen = 0;
  /** GitHub's answers that reached the step, damaged or not. */
  readonly looks: GitHubLook[] = [];
  /** Connects to the guests; absent where the step does not wait for one. */
  readonly dial: Dial | undefined;
  /** When the words of an SSH server last reached the step. */
  greetedAt: number | undefined;
  /** When the forwarded ports of the VM and its neighbour were exchanged. */
  swappedAt: number | undefined;
  /** When VMs stopped and booted, whoever wanted it. */
  readonly powerChanges: PowerChange[] = [];
  /** Requests that went where they should not have, or with what is meant for somebody else. */
  readonly misdirected: string[] = [];
  /** Requests in a row, up to the last, that were not let in, whatever handshakes went well between them. */
  deniedInRow = 0;
  /** When the last request began. */
  begunAt = 0;
  /** When the last request that is on its way to the controller will arrive. */
  arrivesAt = 0;
  readonly #options: TestbedOptions;
  readonly #faultsEndAt: number;
  readonly #replicas;
  readonly #authentication;
  readonly #chances = new Map<string, Random>();
  readonly #inFlight = new Map<SeenRequest, RestartPost>();
  readonly #github: GitHubWorld;
  readonly #healthy = new WeakSet<NetworkAnswer>();
  readonly #madeAt = new WeakMap<NetworkAnswer, number>();
  readonly #madeFrom = new WeakMap<NetworkAnswer, NetworkAnswer>();
  readonly #shown = new WeakMap<NetworkAnswer, Pick<GitHubLook, 'showsJob' | 'runIds'>>();
  readonly #refusedTokens = new Set<string>();
  #downUntil = 0;

  constructor(options: TestbedOptions) {
    const { scenario, time, startsAt } = options;
    this.#options = options;
    this.#faultsEndAt = startsAt + scenario.faultsEndAfterMs;
    this.world = new World({ ...scenario.world, startsAt: time.now(), steadyFrom: this.#faultsEndAt });
    this.#replicas = createReplicas({ world: this.world, ...scenario.replicas });
    this.#authentication = createAuthentication(accessFor(scenario));
    this.#github = new GitHubWorld({ world: this.world, token: GITHUB_TOKEN, ...gitHubFor(scenario) });
    this.#addRunner();
    this.#notePower();
    this.dial = this.#createDial();
    this.network = new SimulatedNetwork({
      after: (afterMs, run) => time.at(time.now() + afterMs, run),
      afterAtProcess: (afterMs, run) => time.atProcess(time.now() + afterMs, run),
      deliveryOf: (request) => this.#deliveryOf(request),
      departs: (request) => this.#departs(request),
      answer: (request) => this.#answer(request),
      delivered: (request, answer) => this.#delivered(request, answer),
    });
  }

  get instanceId(): string {
    return this.world.records[0]?.instanceId ?? '';
  }

  /** The GitHub runner in the VM; undefined where there is none. */
  get runner(): SimulatedRunner | undefined {
    return this.#github.runners[0];
  }

  /** Whether GitHub answers no more requests within the hour. */
  get isQuotaUsedUp(): boolean {
    return this.#github.used >= this.#github.quota;
  }

  #addRunner(): void {
    const [record] = this.world.records;
    const { runner } = this.#options.scenario;
    if (record === undefined || runner === undefined) return;
    const { isEphemeral, startsAfterBoot, nameTemplate } = runner;
    const name = (nameTemplate === '{name}' ? record.name : record.externalId) ?? '';
    this.#github.employ({ record, name, isEphemeral, startsAfterBoot });
    if (runner.pagesShiftEveryMs === undefined) return;
    for (let other = 1; other <= OTHER_RUNNERS; other++)
      this.#github.employ({ record, name: `other-${other}`, startsAfterBoot: false });
  }

  #notePower(): void {
    const { onPower } = this.world;
    this.world.onPower = (event) => {
      onPower(event);
      const { instanceId } = event.record;
      this.powerChanges.push({ instanceId, kind: event.kind, at: this.world.now });
    };
  }

  #createDial(): Dial | undefined {
    const { scenario, time } = this.#options;
    const { guest, network } = scenario;
    if (guest === undefined) return undefined;
    return createSimulatedDial({
      time,
      world: this.world,
      guest,
      latencyMs: network.latencyMs,
      faultOf: () => this.#dialFault(guest.faults),
      onDial: ({ host, port }) => this.#log(() => `a connection to ${host}:${port} begins`),
      onGreeting: () => {
        this.greetedAt = this.#now();
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

  /** With the first try, the time is set when the VM's ports become its neighbour's. */
  #scheduleSwap(): void {
    const { scenario, time } = this.#options;
    const { swapsAfterMs } = scenario.guest ?? {};
    if (swapsAfterMs === undefined) return;
    time.at(this.#now() + swapsAfterMs, () => {
      this.faults.add('ports swapped');
      this.#log(() => 'the ports of the VM and its neighbour are exchanged');
      this.swappedAt = this.#now();
      this.#replicas.change(this.#now(), (world) => world.swapPorts(this.instanceId));
    });
  }

  /** Gives the runner a job, unless it has one. */
  startJob(forMs: number): void {
    this.world.advanceTo(this.#now());
    const { runner } = this;
    const isBusy = runner?.jobs.some((job) => job.endsAt > this.#now() && job.killedAt === undefined);
    if (runner === undefined || isBusy) return;
    const job = this.#github.startJob(runner, forMs);
    if (job === undefined) return;
    this.faults.add('job');
    this.#log(() => `a job begins on the runner (${Math.round(forMs)} ms)`);
  }

  /** Lets an event happen, unless faults have ended by now. */
  applyEvent(event: WorldEvent): void {
    if (this.#now() >= this.#faultsEndAt) return;
    this.faults.add(event.kind);
    this.#log(() => `${event.kind} (${Math.round(event.forMs)} ms)`);
    const context = {
      instanceId: this.instanceId,
      changeWorld: (change: (world: World) => void) => this.#replicas.change(this.#now(), change),
      endSessions: () => this.#authentication.endSessions(),
      shutDown: (forMs: number) => {
        this.#downUntil = this.#now() + forMs;
      },
    };
    applyEvent(context, event);
  }

  /** Leaves a message behind in the instance's record. */
  leaveMessage(message: string): void {
    this.#replicas.change(this.#now(), ({ records: [record] }) => {
      if (record !== undefined) record.message = message;
    });
  }

  /** Somebody else restarts the VM. */
  restartByOthers(): void {
    this.#replicas.change(this.#now(), (world) => world.restart(this.instanceId));
  }

  /** Suspends the process of the step, unless it is over by now. */
  suspend({ forMs, first }: Suspension): void {
    if (this.isStepOver) return;
    this.faults.add('suspended');
    this.#log(() => `the process is suspended (${Math.round(forMs)} ms)`);
    this.suspensions.push({ from: this.#now(), until: this.#now() + forMs });
    this.#options.time.suspend(forMs, first);
  }

  #now(): number {
    return this.#options.time.now();
  }

  #log(text: () => string): void {
    const { log, startsAt } = this.#options;
    log?.(`+${((this.#now() - startsAt) / 1_000).toFixed(3)} s  ${text()}`);
  }

  /** Each kind of chance has a source of its own: without one fault, the others stay as they are. */
  #chance(kind: string): number {
    const known = this.#chances.get(kind);
    if (known !== undefined) return known.next();
    const chance = this.#options.random.fork(kind);
    this.#chances.set(kind, chance);
    return chance.next();
  }

  /** Whether a fault happens to the request that is being looked at. */
  #happens(fault: RequestFault): boolean {
    const rate = this.#options.scenario.network.rates[fault];
    const isSo = rate > 0 && this.#now() < this.#faultsEndAt && this.#chance(fault) < rate;
    if (isSo) this.faults.add(fault);
    return isSo;
  }

  #deliveryOf(request: SentRequest): Delivery {
    this.#inspect(request);
    if (isRestart(request)) this.#beginTry();
    if (!isForGitHub(request)) this.askedSince ??= this.#now();
    const { network, step } = this.#options.scenario;
    const latency = (way: string) => network.latencyMs * (0.5 + this.#chance(`latency ${way}`));
    const delay = (fault: RequestFault) =>
      this.#happens(fault) ? this.#chance(`${fault}: by how much`) ** 3 * step.timeoutMs * 1.2 : 0;
    const isDown = !isForGitHub(request) && this.#now() < this.#downUntil;
    const isRefused = this.#happens('refused') || isDown || this.#isHeldUp(request, 'refused');
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
    this.begunAt = this.#now();
    this.arrivesAt = Math.max(this.arrivesAt, this.#now() + connectMs + (delivery.thereMs ?? 0));
    return delivery;
  }

  #piecesOf(requestTimeoutMs: number): Pick<Delivery, 'pieces' | 'pauseMs'> {
    if (!this.#happens('answer in pieces')) return { pieces: 1, pauseMs: 0 };
    const pieces = 1 + Math.floor(this.#chance('answer in pieces: how many') * 8);
    return { pieces, pauseMs: this.#chance('answer in pieces: pause') ** 3 * requestTimeoutMs };
  }

  /** Nothing goes anywhere but to the controller and, for a runner, to GitHub; and to each only what is its own. */
  #inspect({ origin, method, path, headers }: SentRequest): void {
    const isKnown = origin === CONTROLLER_ORIGIN || (origin === GITHUB_ORIGIN && this.runner !== undefined);
    const isGitHubs = JSON.stringify(headers).includes(GITHUB_TOKEN);
    if (!isKnown || isGitHubs !== (origin === GITHUB_ORIGIN))
      this.misdirected.push(`${method} ${origin}${path}`);
  }

  /** With the first try, what depends on it is set off. */
  #beginTry(): void {
    this.tries.push(this.#now());
    const { runner } = this.#options.scenario;
    if (this.tries.length > 1) return;
    this.#suspendSince('try');
    this.#scheduleSwap();
    if (runner?.jobAfterTry === undefined) return;
    const { afterMs, forMs } = runner.jobAfterTry;
    this.#options.time.at(this.#now() + afterMs, () => this.startJob(forMs));
  }

  #suspendSince(since: 'try' | 'restart'): void {
    const { suspension } = this.#options.scenario;
    if (suspension?.since !== since) return;
    this.#options.time.at(this.#now() + suspension.afterMs, () => this.suspend(suspension));
  }

  #isHeldUp(request: SentRequest, by: 'refused' | 'HTTP 429'): boolean {
    const { heldUp } = this.#options.scenario;
    const [first] = this.tries;
    if (heldUp?.by !== by || first === undefined || !isRestart(request)) return false;
    const isSo = this.#now() < first + heldUp.forMs;
    if (isSo) this.faults.add('restart held up');
    return isSo;
  }

  /** What a person would have to mend, at this moment. */
  #mistake(request: SentRequest): Mistake | undefined {
    const { mistake } = this.#options.scenario;
    if (mistake === undefined || isForGitHub(request)) return undefined;
    if (this.#now() >= this.#options.startsAt + mistake.forMs) return undefined;
    this.faults.add(mistake.kind);
    return mistake.kind;
  }

  #areJobsAway(request: SentRequest): boolean {
    const { jobsAway } = this.#options.scenario.runner ?? {};
    if (jobsAway === undefined || !isForGitHub(request) || subjectOf(request.path) === 'runner') return false;
    const sinceStartMs = this.#now() - this.#options.startsAt;
    const isSo = sinceStartMs >= jobsAway.afterMs && sinceStartMs < jobsAway.afterMs + jobsAway.forMs;
    if (isSo) this.faults.add('jobs away');
    return isSo;
  }

  #connectFailure(request: SentRequest): Error | undefined {
    const error = CONNECT_FAILURES[this.#mistake(request) ?? ''];
    return error && failure(...error);
  }

  #departs(request: SentRequest): void {
    if (!isRestart(request)) return;
    const { announced } = this;
    const post = {
      departedAt: this.#now(),
      reply: undefined,
      arrivedAt: undefined,
      announced,
      answer: undefined,
    };
    if (this.posts.length === 0) this.#suspendSince('restart');
    this.posts.push(post);
    this.#inFlight.set(request, post);
  }

  #answer(request: SentRequest): NetworkAnswer {
    const answer = this.#answerOrFault(request);
    this.#log(() => `${nameOf(request)} is answered: ${answer.status} ${excerpt(answer.body)}`);
    return answer;
  }

  #answerOrFault(request: SentRequest): NetworkAnswer {
    return this.#refusal(request) ?? this.#lateRefusal(request, this.#react(request));
  }

  /** What something in between answers, where the controller never hears of the request. */
  #refusal(request: SentRequest): NetworkAnswer | undefined {
    const page = PAGES[this.#mistake(request) ?? ''];
    if (page !== undefined) return { status: 200, headers: {}, body: page };
    if (this.#isHeldUp(request, 'HTTP 429')) return { status: 429, headers: {}, body: '' };
    if (this.#happens('gateway error')) return this.#gatewayError('gateway error', STATUSES);
    if (this.#happens('denied')) return this.#denial('denied', DENIALS);
    if (this.#areJobsAway(request)) return { status: 502, headers: {}, body: '<html>' };
    if (isForGitHub(request)) return undefined;
    if (this.hadGoodAnswer && this.#happens('denied in passing'))
      return this.#denial('denied in passing', DENIALS);
    if (!this.#happens('long pause')) return undefined;
    const status = this.#chance('long pause: status') < 0.5 ? 429 : 503;
    return { status, headers: { 'retry-after': '600' }, body: '' };
  }

  /** What becomes of the controller's answer. */
  #lateRefusal(request: SentRequest, reaction: Reaction): NetworkAnswer {
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

  /** As if a startup script had put out a lot. */
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

  #react(request: SentRequest): Reaction {
    const now = this.#now();
    if (isForGitHub(request)) return this.#reactAsGitHub(request);
    const authorization = request.headers['authorization'] as string | undefined;
    if (authorization !== undefined) this.tokens.add(authorization.replace(/^\w+ /, ''));
    const denied = this.#authentication.check({ ...request, authorization, now });
    // With a session that was refused before, nothing new is learnt.
    const isNews = authorization === undefined || !this.#refusedTokens.has(authorization);
    if (denied?.status === 401) {
      this.deniedInRow += isNews ? 1 : 0;
      if (authorization !== undefined) this.#refusedTokens.add(authorization);
    } else if (!request.path.startsWith('/tap/')) this.deniedInRow = 0;
    if (this.deniedInRow > 0) this.faults.add('session ended');
    if (denied !== undefined) this.#collectToken(denied.body);
    const reply = denied ?? react({ replicas: this.#replicas, now }, request);
    const reaction = { ...reply, headers: { ...reply.headers, date: new Date(now).toUTCString() } };
    if (denied === undefined && isRestart(request)) this.#noteRestart(request, reaction);
    return reaction;
  }

  #reactAsGitHub(request: SentRequest): Reaction {
    // Its links to further pages are absolute.
    const headers = { ...request.headers, host: new URL(GITHUB_ORIGIN).host };
    const reaction = reactAsGitHub({ github: this.#github, now: this.#now() }, { ...request, headers });
    const { runner } = this;
    if (runner !== undefined) this.#shown.set(reaction, this.#shownBy(request, runner));
    return reaction;
  }

  /** What GitHub shows of the runner's jobs at this moment, to this request. */
  #shownBy({ path }: SentRequest, runner: SimulatedRunner): Pick<GitHubLook, 'showsJob' | 'runIds'> {
    const about = subjectOf(path);
    const isBusy = this.#github.isShownOnline(runner) && this.#github.isShownBusy(runner);
    if (about === 'runner') return { showsJob: isBusy && !isAboutAnother(path, runner), runIds: [] };
    // A job of an earlier registration has lost its runner.
    const own = runner.jobs.filter((job) => job.runnerId === runner.id && this.#github.isListed(job));
    const listed = own.map(({ runId }) => runId);
    const runIds = about === 'runs' ? listed : runIdsIn(path);
    return { showsJob: runIds.some((id) => listed.includes(id)), runIds };
  }

  #noteRestart(request: SeenRequest, { body }: Reaction): void {
    const post = this.#inFlight.get(request);
    if (post === undefined) return;
    post.arrivedAt = this.#now();
    post.reply = body.includes('"OK"') ? 'taken' : 'refused';
    const record = this.world.records.find(({ instanceId }) => request.body.includes(instanceId));
    if (post.reply === 'taken' && record !== undefined) this.requestIds.add(record.requestId);
  }

  #delivered(request: SentRequest, received: NetworkAnswer): void {
    const answer = this.#origin(received);
    const post = this.#inFlight.get(request);
    if (post !== undefined)
      post.answer = { at: this.#now(), status: answer.status, body: parseJson(answer.body) };
    if (isForGitHub(request)) {
      this.#noteLook(request, answer);
      return;
    }
    if (!this.#healthy.has(answer)) return;
    if (request.method === 'GET' && answer.status === 200 && answer.body.startsWith('{"status":"OK"')) {
      this.hadGoodAnswer = true;
      this.askedSince = undefined;
    }
    if (answer.body.includes(`"instance_id":"${this.instanceId}"`)) this.answersSeen++;
  }

  #noteLook({ path }: SeenRequest, answer: NetworkAnswer): void {
    const { status, body } = answer;
    const isNo = (status === 403 || status === 404) && !body.includes('rate limit');
    if (status >= 400 && !isNo) return;
    const shown = this.#healthy.has(answer) ? this.#shown.get(answer) : undefined;
    const madeAt = this.#madeAt.get(answer) ?? this.#now();
    const { showsJob, runIds } = shown ?? { showsJob: false, runIds: runIdsIn(path) };
    this.looks.push({ at: this.#now(), madeAt, showsJob, about: subjectOf(path), runIds, isNo });
  }

  /** The answer as it was before it was made longer, or encoded. */
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
    // In whichever form the handshake is: JSON, or base64 of it.
    const [, token] = /"token":"([^"]+)"/.exec(`${body} ${Buffer.from(body, 'base64')}`) ?? [];
    if (token !== undefined) this.tokens.add(token);
  }
}

const STATUSES = [408, 429, 500, 502, 503, 504];
/** Without 429, which says that nothing was done: no client can know that the request was carried out. */
const LATE_STATUSES = STATUSES.filter((status) => status !== 429);
const DENIALS = [302, 400, 401, 403, 404, 405];
/** Without 401, which says that nothing was done. */
const LATE_DENIALS = DENIALS.filter((status) => status !== 401);
const LATE_FAIL = {
  status: 500,
  headers: {},
  body: JSON.stringify({ status: 'FAIL', message: 'database is away' }),
};
/** More than a MiB in all. */
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

function accessFor({ step, sessionTtlMs, handshakeForms }: Scenario) {
  const access = {
    none: {},
    root_token: { rootToken: ROOT_TOKEN },
    api_key: { apiKey: { id: 'ci', publicKey: KEY_PAIR.publicKey }, sessionTtlMs, handshakeForms },
  };
  return access[step.identity];
}

/** Beside the one in the VM, where the list of runners has many pages. */
const OTHER_RUNNERS = 5;
const MOST_ON_PAGE = 2;

function gitHubFor({ runner }: Scenario): Partial<GitHubWorldOptions> {
  if (runner === undefined) return {};
  const { habits, quota, showsJobs, otherRuns, pagesShiftEveryMs } = runner;
  const paging = { filtersByName: false, mostOnPage: MOST_ON_PAGE, pagesShiftEveryMs };
  const isPaged = pagesShiftEveryMs !== undefined;
  return { habits, quota, showsJobs, otherRuns, ...(isPaged ? (paging as Partial<GitHubWorldOptions>) : {}) };
}

function subjectOf(path: string): GitHubLook['about'] {
  if (path.includes('/actions/runners')) return 'runner';
  return path.includes('/jobs') ? 'jobs' : 'runs';
}

/** Whether a runner is asked for by an ID that is not this one's. */
function isAboutAnother(path: string, { id }: SimulatedRunner): boolean {
  const [, asked] = /\/runners\/(\d+)/.exec(path) ?? [];
  return asked !== undefined && Number(asked) !== id;
}

/** The run that is asked about. */
function runIdsIn(path: string): number[] {
  const [, runId] = /\/runs\/(\d+)\//.exec(path) ?? [];
  return runId === undefined ? [] : [Number(runId)];
}

const LONGEST_EXCERPT = 1_000;

/** The fields of an answer that a person looks for in the log. */
function excerpt(body: string): string {
  const fields = /"(status|message|instance_id|instance_state|start_date|timestamp|ts|busy)":("[^"]*"|\w+)/g;
  return (body.match(fields)?.join(' ') ?? body).slice(0, LONGEST_EXCERPT);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** In words, what is out of the ordinary about it. */
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
  const lost = resetMs === undefined ? 'without a word' : 'with a reset';
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

function isRestart({ method, path }: SeenRequest): boolean {
  return method === 'POST' && path.endsWith('/restart');
}

function isForGitHub({ origin }: SentRequest): boolean {
  return origin === GITHUB_ORIGIN;
}

function nameOf({ method, path }: SeenRequest): string {
  return `${method} ${path}`;
}
