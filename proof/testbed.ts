import { generateKeyPairSync } from 'node:crypto';
import { createAuthentication } from '../simulator/authentication.ts';
import { type Reaction, react, type SeenRequest } from '../simulator/controller-api.ts';
import { reactAsGitHub } from '../simulator/github-api.ts';
import { GitHubWorld, type SimulatedRunner } from '../simulator/github-world.ts';
import type { Random } from '../simulator/random.ts';
import { createReplicas } from '../simulator/replicas.ts';
import { World } from '../simulator/world.ts';
import { DAMAGES, type Damage } from './damaged-answers.ts';
import { applyEvent, type WorldEvent } from './events.ts';
import { type Delivery, type NetworkAnswer, type SentRequest, SimulatedNetwork } from './network.ts';
import type { RequestFault, Scenario } from './scenario.ts';
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
  /** Its answer came back whole. */
  isAnswered: boolean;
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
  /** The restarts that the step asked for, as the world names them. */
  readonly requestIds = new Set<string>();
  /** Session tokens that were handed out, and the credentials that requests carried. */
  readonly tokens = new Set<string>();
  /** Answers about the instance that reached the step whole. */
  answersSeen = 0;
  /** When GitHub made the answers about the runner that reached the step. */
  readonly readings: number[] = [];
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
  #downUntil = 0;

  constructor(options: TestbedOptions) {
    const { scenario, time, startsAt } = options;
    this.#options = options;
    this.#faultsEndAt = startsAt + scenario.faultsEndAfterMs;
    this.world = new World({ ...scenario.world, startsAt: time.now(), steadyFrom: this.#faultsEndAt });
    this.#replicas = createReplicas({ world: this.world, ...scenario.replicas });
    this.#authentication = createAuthentication(accessFor(scenario));
    const { habits, quota } = scenario.runner ?? {};
    const github = { token: GITHUB_TOKEN, ...(habits && { habits }), ...(quota && { quota }) };
    this.#github = new GitHubWorld({ world: this.world, ...github });
    this.#addRunner();
    this.network = new SimulatedNetwork({
      after: (afterMs, run) => time.at(time.now() + afterMs, run),
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

  #addRunner(): void {
    const [record] = this.world.records;
    const { runner } = this.#options.scenario;
    if (record === undefined || runner === undefined) return;
    const { isEphemeral, startsAfterBoot } = runner;
    this.#github.employ({ record, name: record.externalId ?? '', isEphemeral, startsAfterBoot });
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
    const { network, step } = this.#options.scenario;
    const latency = (way: string) => network.latencyMs * (0.5 + this.#chance(`latency ${way}`));
    const delay = (fault: RequestFault) =>
      this.#happens(fault) ? this.#chance(`${fault}: by how much`) ** 3 * step.timeoutMs * 1.2 : 0;
    const isRefused = this.#happens('refused') || (!isForGitHub(request) && this.#now() < this.#downUntil);
    const neverConnects = isRefused || this.#happens('hangs connecting');
    const connectMs = latency('to connect');
    const [thereMs, backMs] = [latency('there'), latency('back')];
    const delivery: Delivery = {
      isRefused,
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

  #departs(request: SentRequest): void {
    if (!isRestart(request)) return;
    const post = { departedAt: this.#now(), reply: undefined, arrivedAt: undefined, isAnswered: false };
    this.posts.push(post);
    this.#inFlight.set(request, post);
  }

  #answer(request: SentRequest): NetworkAnswer {
    const answer = this.#answerOrFault(request);
    this.#log(() => `${nameOf(request)} is answered: ${answer.status} ${excerpt(answer.body)}`);
    return answer;
  }

  #answerOrFault(request: SentRequest): NetworkAnswer {
    if (this.#happens('gateway error')) return this.#gatewayError('gateway error', STATUSES);
    if (this.#happens('denied')) return this.#denial();
    const reaction = this.#react(request);
    if (this.#happens('late gateway error')) return this.#gatewayError('late gateway error', LATE_STATUSES);
    const damages = (Object.keys(DAMAGES) as Damage[]).filter((damage) => this.#happens(damage));
    if (damages.length === 0) this.#healthy.add(reaction);
    this.#madeAt.set(reaction, this.#now());
    return damages.length === 0 ? reaction : this.#damage(reaction, damages);
  }

  #react(request: SentRequest): Reaction {
    const now = this.#now();
    if (isForGitHub(request)) return reactAsGitHub({ github: this.#github, now }, request);
    const authorization = request.headers['authorization'] as string | undefined;
    if (authorization !== undefined) this.tokens.add(authorization.replace(/^\w+ /, ''));
    const denied = this.#authentication.check({ ...request, authorization, now });
    if (denied?.status === 401) this.deniedInRow++;
    else if (!request.path.startsWith('/tap/')) this.deniedInRow = 0;
    if (this.deniedInRow > 0) this.faults.add('session ended');
    if (denied !== undefined) this.#collectToken(denied.body);
    const reply = denied ?? react({ replicas: this.#replicas, now }, request);
    const reaction = { ...reply, headers: { ...reply.headers, date: new Date(now).toUTCString() } };
    if (denied === undefined && isRestart(request)) this.#noteRestart(request, reaction);
    return reaction;
  }

  #noteRestart(request: SeenRequest, { body }: Reaction): void {
    const post = this.#inFlight.get(request);
    if (post === undefined) return;
    post.arrivedAt = this.#now();
    post.reply = body.includes('"OK"') ? 'taken' : 'refused';
    const record = this.world.records.find(({ instanceId }) => request.body.includes(instanceId));
    if (post.reply === 'taken' && record !== undefined) this.requestIds.add(record.requestId);
  }

  #delivered(request: SentRequest, answer: NetworkAnswer): void {
    if (!this.#healthy.has(answer)) return;
    if (isForGitHub(request)) {
      if (answer.status < 400) this.readings.push(this.#madeAt.get(answer) ?? this.#now());
      return;
    }
    const post = this.#inFlight.get(request);
    if (post !== undefined) post.isAnswered = true;
    if (answer.body.includes(`"instance_id":"${this.instanceId}"`)) this.answersSeen++;
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

  #denial(): NetworkAnswer {
    const status = DENIALS[Math.floor(this.#chance('denied: status') * DENIALS.length)] ?? 401;
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
const DENIALS = [302, 400, 401, 403, 404];
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

const LONGEST_EXCERPT = 1_000;

/** The fields of an answer that a person looks for in the log. */
function excerpt(body: string): string {
  const fields = /"(status|message|instance_id|instance_state|start_date|timestamp|ts|busy)":("[^"]*"|\w+)/g;
  return (body.match(fields)?.join(' ') ?? body).slice(0, LONGEST_EXCERPT);
}

/** In words, what is out of the ordinary about it. */
function describeDelivery({
  isRefused,
  connectMs,
  thereMs,
  backMs,
  resetMs,
  arriving,
  pieces,
}: Delivery): string {
  const lost = resetMs === undefined ? 'without a word' : 'with a reset';
  const words = [
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
