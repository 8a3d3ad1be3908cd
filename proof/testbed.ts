import { generateKeyPairSync } from 'node:crypto';
import { type AuthenticationAnswer, createAuthentication } from '../simulator/authentication.ts';
import { type Reaction, react, type SeenRequest } from '../simulator/controller-api.ts';
import { reactAsGitHub } from '../simulator/github-api.ts';
import { GitHubWorld, type SimulatedRunner } from '../simulator/github-world.ts';
import type { Random } from '../simulator/random.ts';
import { createReplicas } from '../simulator/replicas.ts';
import { World } from '../simulator/world.ts';
import { spoil } from './damaged-answers.ts';
import { act as actOn, type Scene } from './events.ts';
import { type Fate, type SentRequest, SimulatedNetwork, type WireAnswer } from './network.ts';
import type { RequestFault, Scenario, WorldEvent } from './scenario.ts';
import type { VirtualTime } from './virtual-time.ts';

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
  /** Told what happens, in order, if anybody wants to know. */
  readonly tell: ((line: string) => void) | undefined;
}

/** The world, the controller in front of it, and the way there, all of it as malicious as the options say. */
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
  /** Healthy answers about the instance that reached the step. */
  answersSeen = 0;
  /** When the answers were made that told the step about the runner. */
  readonly readings: number[] = [];
  /** Requests that went where they should not have, or with what is meant for somebody else. */
  readonly strays: string[] = [];
  /** Requests in a row, up to the last, that were not let in, whatever handshakes went well between them. */
  deniedInRow = 0;
  /** When the last request began. */
  begunAt = 0;
  /** When the last request that is on its way to the controller will arrive. */
  arrivesAt = 0;
  readonly #options: TestbedOptions;
  readonly #healsAt: number;
  readonly #replicas;
  readonly #authentication;
  readonly #chances = new Map<string, Random>();
  readonly #inFlight = new Map<SeenRequest, RestartPost>();
  readonly #github: GitHubWorld;
  readonly #healthy = new WeakSet<WireAnswer>();
  readonly #madeAt = new WeakMap<WireAnswer, number>();
  #downUntil = 0;

  constructor(options: TestbedOptions) {
    const { scenario, time, startsAt } = options;
    this.#options = options;
    this.#healsAt = startsAt + scenario.healsAfterMs;
    this.world = new World({ ...scenario.world, startsAt: time.now(), steadyFrom: this.#healsAt });
    this.#replicas = createReplicas({ world: this.world, ...scenario.replicas });
    this.#authentication = createAuthentication(accessFor(scenario));
    const { habits, quota } = scenario.runner ?? {};
    const github = { token: GITHUB_TOKEN, ...(habits && { habits }), ...(quota && { quota }) };
    this.#github = new GitHubWorld({ world: this.world, ...github });
    this.#employ();
    this.network = new SimulatedNetwork({
      at: (afterMs, act) => time.at(time.now() + afterMs, act),
      fateOf: (request) => this.#fateOf(request),
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

  #employ(): void {
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
    this.#tell(() => `a job begins on the runner (${Math.round(forMs)} ms)`);
  }

  /** Lets an event happen, unless all is well by now. */
  happen(event: WorldEvent): void {
    if (this.#now() >= this.#healsAt) return;
    this.faults.add(event.kind);
    this.#tell(() => `${event.kind} (${Math.round(event.forMs)} ms)`);
    const scene: Scene = {
      instanceId: this.instanceId,
      change: (act) => this.#replicas.change(this.#now(), act),
      endSessions: () => this.#authentication.endSessions(),
      shutDown: (forMs) => {
        this.#downUntil = this.#now() + forMs;
      },
    };
    actOn(scene, event);
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

  #tell(text: () => string): void {
    const { tell, startsAt } = this.#options;
    tell?.(`+${((this.#now() - startsAt) / 1_000).toFixed(3)} s  ${text()}`);
  }

  /** Each kind of chance has a source of its own: without one fault, the others stay as they are. */
  #chance(kind: string): Random {
    const known = this.#chances.get(kind);
    if (known !== undefined) return known;
    const chance = this.#options.random.fork(kind);
    this.#chances.set(kind, chance);
    return chance;
  }

  #strikes(strike: RequestFault): boolean {
    const rate = this.#options.scenario.network.rates[strike];
    const isStruck = rate > 0 && this.#now() < this.#healsAt && this.#chance(strike).next() < rate;
    if (isStruck) this.faults.add(strike);
    return isStruck;
  }

  #fateOf(request: SentRequest): Fate {
    this.#inspect(request);
    const { network, step } = this.#options.scenario;
    const chance = this.#chance('way');
    const latency = () => network.latencyMs * (0.5 + chance.next());
    const delay = (strike: RequestFault) =>
      this.#strikes(strike) ? this.#chance('delay').next() ** 3 * step.timeoutMs * 1.2 : 0;
    const isRefused = this.#strikes('refused') || (!isForGitHub(request) && this.#now() < this.#downUntil);
    const neverConnects = isRefused || this.#strikes('hangs connecting');
    const [connectMs, thereMs, backMs] = [latency(), latency(), latency()];
    const fate: Fate = {
      isRefused,
      connectMs: neverConnects ? undefined : connectMs,
      thereMs: this.#strikes('request lost') ? undefined : thereMs + delay('request late'),
      backMs: this.#strikes('answer lost') ? undefined : backMs + delay('answer late'),
      resetMs: chance.next() < 0.5 ? chance.next() * 2_000 : undefined,
      arriving: this.#strikes('answer cut') ? this.#chance('cut').next() : 1,
      pieces: this.#strikes('answer in pieces') ? 1 + Math.floor(this.#chance('pieces').next() * 8) : 1,
      pauseMs: this.#chance('pieces').next() ** 3 * step.requestTimeoutMs,
    };
    this.#tell(() => `${nameOf(request)} begins${ordeal(fate)}`);
    this.begunAt = this.#now();
    this.arrivesAt = Math.max(this.arrivesAt, this.#now() + connectMs + (fate.thereMs ?? 0));
    return fate;
  }

  /** Nothing goes anywhere but to the controller and, for a runner, to GitHub; and to each only what is its own. */
  #inspect({ origin, method, path, headers }: SentRequest): void {
    const isKnown = origin === CONTROLLER_ORIGIN || (origin === GITHUB_ORIGIN && this.runner !== undefined);
    const isGitHubs = JSON.stringify(headers).includes(GITHUB_TOKEN);
    if (!isKnown || isGitHubs !== (origin === GITHUB_ORIGIN)) this.strays.push(`${method} ${origin}${path}`);
  }

  #departs(request: SentRequest): void {
    if (!isRestart(request)) return;
    const post = { departedAt: this.#now(), reply: undefined, arrivedAt: undefined, isAnswered: false };
    this.posts.push(post);
    this.#inFlight.set(request, post);
  }

  #answer(request: SentRequest): WireAnswer {
    const answer = this.#answerOrStorm(request);
    this.#tell(() => `${nameOf(request)} is answered: ${answer.status} ${gist(answer.body)}`);
    return answer;
  }

  #answerOrStorm(request: SentRequest): WireAnswer {
    if (this.#strikes('storm')) return this.#storm(STATUSES);
    if (this.#strikes('denied')) return this.#denial();
    const reaction = this.#react(request);
    if (this.#strikes('late storm')) return this.#storm(LATE_STATUSES);
    const spoiled = this.#spoil(reaction);
    if (spoiled === reaction) this.#healthy.add(reaction);
    this.#madeAt.set(reaction, this.#now());
    return spoiled;
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
    const { headers = {}, ...reply }: Partial<Reaction> & AuthenticationAnswer =
      denied ?? react({ replicas: this.#replicas, now }, request);
    const reaction = { ...reply, headers: { ...headers, date: new Date(now).toUTCString() } };
    if (denied === undefined && isRestart(request)) this.#witness(request, reaction);
    return reaction;
  }

  #witness(request: SeenRequest, { body }: Reaction): void {
    const post = this.#inFlight.get(request);
    if (post === undefined) return;
    post.arrivedAt = this.#now();
    post.reply = body.includes('"OK"') ? 'taken' : 'refused';
    const record = this.world.records.find(({ instanceId }) => request.body.includes(instanceId));
    if (post.reply === 'taken' && record !== undefined) this.requestIds.add(record.requestId);
  }

  #delivered(request: SentRequest, answer: WireAnswer): void {
    if (!this.#healthy.has(answer)) return;
    if (isForGitHub(request)) {
      if (answer.status < 400) this.readings.push(this.#madeAt.get(answer) ?? this.#now());
      return;
    }
    const post = this.#inFlight.get(request);
    if (post !== undefined) post.isAnswered = true;
    if (answer.body.includes(`"instance_id":"${this.instanceId}"`)) this.answersSeen++;
  }

  #storm(statuses: readonly number[]): WireAnswer {
    const chance = this.#chance('storms');
    const status = statuses[Math.floor(chance.next() * statuses.length)] ?? 502;
    const retryAfter = RETRY_AFTERS[Math.floor(chance.next() * 4 * RETRY_AFTERS.length)];
    const now = new Date(this.#now()).toUTCString();
    if (retryAfter === undefined) return { status, headers: {}, body: '<html>' };
    this.faults.add('Retry-After');
    return { status, headers: { 'retry-after': retryAfter(this.#now()), date: now }, body: '' };
  }

  #denial(): WireAnswer {
    const status = DENIALS[Math.floor(this.#chance('denials').next() * DENIALS.length)] ?? 401;
    this.faults.add(`HTTP ${status}`);
    const headers: Record<string, string> = status === 302 ? { location: 'http://elsewhere.example/' } : {};
    return { status, headers, body: status === 404 ? '404 page not found' : '' };
  }

  #spoil(reaction: Reaction): WireAnswer {
    const strikes = (['answer too short', 'answer garbled', 'answer with a gap'] as const).filter((strike) =>
      this.#strikes(strike),
    );
    return strikes.reduce((answer, strike) => spoil(answer, strike, this.#chance('spoiling')), reaction);
  }

  #collectToken(body: string): void {
    const [, token] = /"token":"([^"]+)"/.exec(Buffer.from(body, 'base64').toString()) ?? [];
    if (token !== undefined) this.tokens.add(token);
  }
}

const STATUSES = [408, 429, 500, 502, 503, 504];
/** 429 says that nothing was done: after the deed it would be a lie that nobody could see through. */
const LATE_STATUSES = STATUSES.filter((status) => status !== 429);
const DENIALS = [302, 400, 401, 403, 404];
const RETRY_AFTERS: readonly ((now: number) => string)[] = [
  () => '2',
  () => '20',
  () => 'soon',
  (now) => new Date(now + 3_000).toUTCString(),
];

function accessFor({ step, sessionTtlMs }: Scenario) {
  const access = {
    none: {},
    root_token: { rootToken: ROOT_TOKEN },
    api_key: { apiKey: { id: 'ci', publicKey: KEY_PAIR.publicKey }, sessionTtlMs },
  };
  return access[step.identity];
}

const LONGEST_GIST = 1_000;

/** What of an answer matters to people. */
function gist(body: string): string {
  const fields = /"(status|message|instance_id|instance_state|start_date|timestamp|ts|busy)":("[^"]*"|\w+)/g;
  return (body.match(fields)?.join(' ') ?? body).slice(0, LONGEST_GIST);
}

/** What is out of the ordinary about a request's way. */
function ordeal({ isRefused, connectMs, thereMs, backMs, resetMs, arriving, pieces }: Fate): string {
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
