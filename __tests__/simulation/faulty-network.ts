import { gzipSync } from 'node:zlib';
import type { Reaction } from '../../simulator/controller-api.ts';
import { isRestart } from '../support/scenario.ts';
import type { Chances, Common } from './chances.ts';
import { DAMAGES, type Damage } from './damaged-answers.ts';
import { isForGitHub, subjectOf } from './github-readings.ts';
import { type Connection, type Delivery, failure, type NetworkAnswer, type SentRequest } from './network.ts';
import type { Provenance, Recorder } from './recorder.ts';
import type { RequestFault } from './request-faults.ts';
import type { Mistake, Scenario } from './scenario.ts';
import { CONTROLLER_ORIGIN, START, type Stage } from './stage.ts';

/*
 * The network between the step and its servers, with the faults of the scenario. A fault of a request happens in deliveryOf (in transit),
 * refusal (instead of an answer) or damaged (to an answer) if it is drawn; add new ones there. How often it happens is in request-faults.ts;
 * damaged answers are in damaged-answers.ts.
 */
export class FaultyNetwork {
  /** When the last request in flight reaches the controller. */
  arrivesAt = 0;
  readonly #scenario: Scenario;
  readonly #stage: Stage;
  readonly #chances: Chances;
  readonly #log: Common['log'];
  readonly #recorder: Recorder;
  readonly #healthy = new WeakSet<NetworkAnswer>();
  readonly #madeAt = new WeakMap<NetworkAnswer, number>();
  readonly #madeFrom = new WeakMap<NetworkAnswer, NetworkAnswer>();
  readonly #connections: Connection[] = [];
  #downUntil = 0;

  constructor({ scenario, stage, chances, log }: Common, recorder: Recorder) {
    this.#scenario = scenario;
    this.#stage = stage;
    this.#chances = chances;
    this.#log = log;
    this.#recorder = recorder;
  }

  connect(origin: string): Connection {
    const { connections } = this.#scenario.network;
    const [isMortal, isSick] = [this.#chances.next('connection dies'), this.#chances.next('sick replica')];
    const isHung = this.#chances.next('hanging handshake') < (connections?.hangs ?? 0);
    const areFaultsOver = this.#chances.areOver;
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
    if (connection.isHung) this.#chances.faults.add('hanging handshake');
    this.#connections.push(connection);
    return connection;
  }

  /** The controller refuses connections for this many milliseconds, and closes those that are open. */
  shutDown(forMs: number): void {
    this.#downUntil = this.#now() + forMs;
    for (const connection of this.#connections)
      connection.isClosed ||= connection.origin === CONTROLLER_ORIGIN;
  }

  /** How far the clock is off that dates the next answer of the controller. */
  dateErrorMs(): number {
    const { dateErrorsMs: errors } = this.#scenario;
    return errors[Math.floor(this.#chances.next('which clock dates an answer') * errors.length)] ?? 0;
  }

  deliveryOf(request: SentRequest): Delivery {
    const { network, step } = this.#scenario;
    const latency = (way: string) => network.latencyMs * (0.5 + this.#chances.next(`latency ${way}`));
    const delay = (fault: RequestFault) =>
      this.#chances.happens(fault)
        ? this.#chances.next(`${fault}: by how much`) ** 3 * step.timeoutMs * 1.2
        : 0;
    const isDown = !isForGitHub(request) && this.#now() < this.#downUntil;
    const isRefused = this.#chances.happens('refused') || isDown || this.#isBlocked(request, 'refused');
    const neverConnects = isRefused || this.#chances.happens('hangs connecting');
    const connectMs = latency('to connect');
    const [thereMs, backMs] = [latency('there'), latency('back')];
    const delivery: Delivery = {
      isRefused,
      failure: this.#connectFailure(request),
      connectMs: neverConnects ? undefined : connectMs,
      thereMs: this.#chances.happens('request lost') ? undefined : thereMs + delay('request late'),
      backMs: this.#chances.happens('answer lost') ? undefined : backMs + delay('answer late'),
      resetMs: this.#chances.next('reset') < 0.5 ? this.#chances.next('reset: when') * 2_000 : undefined,
      arriving: this.#chances.happens('answer cut') ? this.#chances.next('answer cut: where') : 1,
      ...this.#piecesOf(step.requestTimeoutMs),
    };
    this.#log(() => `${nameOf(request)} begins${describeDelivery(delivery)}`);
    this.arrivesAt = Math.max(this.arrivesAt, this.#now() + connectMs + (delivery.thereMs ?? 0));
    return delivery;
  }

  #piecesOf(requestTimeoutMs: number): Pick<Delivery, 'pieces' | 'pauseMs'> {
    if (!this.#chances.happens('answer in pieces')) return { pieces: 1, pauseMs: 0 };
    const pieces = 1 + Math.floor(this.#chances.next('answer in pieces: how many') * 8);
    return { pieces, pauseMs: this.#chances.next('answer in pieces: pause') ** 3 * requestTimeoutMs };
  }

  #isBlocked(request: SentRequest, by: 'refused' | 'HTTP 429'): boolean {
    const { restartBlocked } = this.#scenario;
    const [first] = this.#recorder.tries;
    if (restartBlocked?.by !== by || first === undefined || !isRestart(request)) return false;
    const isSo = this.#now() < first.at + restartBlocked.forMs;
    if (isSo) this.#chances.faults.add('restart blocked');
    return isSo;
  }

  /** The misconfiguration that is in effect now, if any. */
  #mistake(request: SentRequest): Mistake | undefined {
    const { mistake } = this.#scenario;
    if (mistake === undefined || isForGitHub(request)) return undefined;
    if (this.#now() >= START + mistake.forMs) return undefined;
    this.#chances.faults.add(mistake.kind);
    return mistake.kind;
  }

  #areJobsUnavailable(request: SentRequest): boolean {
    const { jobsAway } = this.#scenario.runner ?? {};
    if (jobsAway === undefined || !isForGitHub(request) || subjectOf(request.path) === 'runner') return false;
    const sinceStartMs = this.#now() - START;
    const isSo = sinceStartMs >= jobsAway.afterMs && sinceStartMs < jobsAway.afterMs + jobsAway.forMs;
    if (isSo) this.#chances.faults.add('jobs unavailable');
    return isSo;
  }

  #connectFailure(request: SentRequest): Error | undefined {
    const error = CONNECT_FAILURES[this.#mistake(request) ?? ''];
    return error && failure(...error);
  }

  /** What a gateway answers to a request that the controller never gets. */
  refusal(request: SentRequest): NetworkAnswer | undefined {
    const page = PAGES[this.#mistake(request) ?? ''];
    if (page !== undefined) return { status: 200, headers: {}, body: page };
    const sick = this.#sickAnswer(request);
    if (sick !== undefined) return sick;
    if (this.#isBlocked(request, 'HTTP 429')) return { status: 429, headers: {}, body: '' };
    if (this.#chances.happens('gateway error')) return this.#gatewayError('gateway error', STATUSES);
    if (this.#chances.happens('denied')) return this.#denial('denied', DENIALS);
    if (this.#areJobsUnavailable(request)) return { status: 502, headers: {}, body: '<html>' };
    if (isForGitHub(request)) return undefined;
    if (this.#recorder.hadGoodAnswer && this.#chances.happens('denied briefly'))
      return this.#denial('denied briefly', DENIALS);
    if (!this.#chances.happens('long pause')) return undefined;
    const status = this.#chances.next('long pause: status') < 0.5 ? 429 : 503;
    return { status, headers: { 'retry-after': '600' }, body: '' };
  }

  /** What a sick replica answers over its connections. */
  #sickAnswer({ connection }: SentRequest): NetworkAnswer | undefined {
    if (connection?.isSick !== true || this.#chances.areOver) return undefined;
    this.#chances.faults.add('sick replica');
    if (this.#scenario.network.connections?.sickness === 'hangs')
      return { status: 200, headers: {}, body: '', breaks: 'hang' };
    return { status: 503, headers: {}, body: '<html>' };
  }

  /** The controller's answer after its faults. */
  damaged(request: SentRequest, reaction: Reaction): NetworkAnswer {
    if (this.#chances.happens('late gateway error'))
      return this.#gatewayError('late gateway error', LATE_STATUSES);
    if (!isForGitHub(request) && this.#chances.happens('denied late'))
      return this.#denial('denied late', LATE_DENIALS);
    if (!isForGitHub(request) && this.#chances.happens('late FAIL')) return LATE_FAIL;
    return this.#encode(this.#lengthen(this.#damageSome(reaction)));
  }

  #damageSome(reaction: Reaction): NetworkAnswer {
    const damages = (Object.keys(DAMAGES) as Damage[]).filter((damage) => this.#chances.happens(damage));
    if (damages.length === 0) this.#healthy.add(reaction);
    this.#madeAt.set(reaction, this.#now());
    return damages.length === 0 ? reaction : this.#damage(reaction, damages);
  }

  #damage(reaction: Reaction, damages: readonly Damage[]): NetworkAnswer {
    const body = damages.reduce((left, damage) => {
      return DAMAGES[damage](left, () => this.#chances.next(`${damage}: where`));
    }, reaction.body);
    return { ...reaction, body };
  }

  /** Makes the answer long, as a startup script with much output does. */
  #lengthen(answer: NetworkAnswer): NetworkAnswer {
    const at = answer.body.indexOf('"instance_id":');
    if (!this.#scenario.hasLongOutput || at < 0) return answer;
    this.#chances.faults.add('long output');
    const [before, after] = [answer.body.slice(0, at), answer.body.slice(at)];
    const longer = {
      ...answer,
      bytes: Buffer.concat([Buffer.from(before), LONG_OUTPUT, Buffer.from(after)]),
    };
    this.#madeFrom.set(longer, answer);
    return longer;
  }

  #encode(answer: NetworkAnswer): NetworkAnswer {
    if (!this.#chances.happens('answer encoded')) return answer;
    const headers = { ...answer.headers, 'content-encoding': 'gzip' };
    const encoded = { ...answer, headers, bytes: gzipSync(answer.bytes ?? answer.body, { level: 1 }) };
    this.#madeFrom.set(encoded, answer);
    return encoded;
  }

  /** What became of an answer: how it left the controller or GitHub, when, and whether it is undamaged. */
  provenanceOf(received: NetworkAnswer): Provenance {
    const answer = this.#origin(received);
    return { answer, madeAt: this.#madeAt.get(answer) ?? this.#now(), isHealthy: this.#healthy.has(answer) };
  }

  /** The answer before it was lengthened or encoded. */
  #origin(answer: NetworkAnswer): NetworkAnswer {
    const origin = this.#madeFrom.get(answer);
    return origin === undefined ? answer : this.#origin(origin);
  }

  #gatewayError(fault: RequestFault, statuses: readonly number[]): NetworkAnswer {
    const status = statuses[Math.floor(this.#chances.next(`${fault}: status`) * statuses.length)] ?? 502;
    const form = Math.floor(this.#chances.next(`${fault}: Retry-After`) * 4 * RETRY_AFTERS.length);
    const retryAfter = RETRY_AFTERS[form];
    if (retryAfter === undefined) return { status, headers: {}, body: '<html>' };
    this.#chances.faults.add('Retry-After');
    const date = new Date(this.#now()).toUTCString();
    return { status, headers: { 'retry-after': retryAfter(this.#now()), date }, body: '' };
  }

  #denial(fault: RequestFault, statuses: readonly number[]): NetworkAnswer {
    const status = statuses[Math.floor(this.#chances.next(`${fault}: status`) * statuses.length)] ?? 403;
    this.#chances.faults.add(`HTTP ${status}`);
    const headers: Record<string, string> = status === 302 ? { location: 'http://elsewhere.example/' } : {};
    return { status, headers, body: status === 404 ? '404 page not found' : '' };
  }

  #now(): number {
    return this.#stage.time.now();
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

export function nameOf({ method, path }: SentRequest): string {
  return `${method} ${path}`;
}
