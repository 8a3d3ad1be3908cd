import type { Reaction } from '../../simulator/controller-api.ts';
import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { InstanceRecord } from '../../simulator/world.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import { isRestart } from '../support/scenario.ts';
import type { Common } from './chances.ts';
import { newNameOf } from './events.ts';
import { type GitHubReading, isForGitHub, readingsIn } from './github-readings.ts';
import type { NetworkAnswer, SentRequest } from './network.ts';
import type { Outputs } from './play-step.ts';
import { isRefusal, PoolRecorder } from './pool-record.ts';
import type { RunnerScenario, Scenario } from './scenario.ts';
import { CONTROLLER_ORIGIN, GITHUB_ORIGIN, GITHUB_TOKEN, instanceIdIn, type Stage } from './stage.ts';

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

interface RestartAnswer {
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
interface VmChange {
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

/** From one moment to another. */
export interface Period {
  readonly from: number;
  readonly until: number;
}

/** A runner had no registration. */
export interface Absence extends Period {
  readonly runner: SimulatedRunner;
  until: number;
}

/** What an agent reported about a VM. */
export interface TrueReport {
  readonly at: number;
  readonly state: string;
  readonly power: string;
  /** When the VM really booted, and the same by the node's clock in whole seconds. */
  readonly bootedAt: number;
  readonly startDateMs: number;
  /** By the node's clock. */
  readonly timestampMs: number;
  /** The addresses of its guest: the node with the forwarded port, and the VM itself. */
  readonly addresses: readonly { readonly host: string | undefined; readonly port: number }[];
}

/** An answer as it left the controller or GitHub, when that was, and whether it is undamaged. */
export interface Provenance {
  readonly answer: NetworkAnswer;
  readonly madeAt: number;
  readonly isHealthy: boolean;
}

export type Names = Pick<InstanceRecord, 'name' | 'externalId'>;

/** Records what really happens between the step and its servers, for the checks. Times in milliseconds. */
export class Recorder {
  readonly posts: RestartPost[] = [];
  /** When each attempt of a restart began, even if it never left. */
  readonly tries: Moment[] = [];
  /** When each request to the controller began. */
  readonly begun: Moment[] = [];
  readonly contacts: Contact[] = [];
  hadGoodAnswer = false;
  /** When the step was suspended, and when it woke. */
  readonly suspensions: Period[] = [];
  /** The restarts that the step asked for, as the world names them. */
  readonly requestIds = new Set<string>();
  /** Session tokens that the controller issued, and the credentials in requests. */
  readonly tokens = new Set<string>();
  /** The number of undamaged answers that reached the step, by instance. */
  readonly answersSeen = new Map<string, number>();
  /** GitHub's answers that reached the step, damaged or not. */
  readonly readings: GitHubReading[] = [];
  readonly greetings: Greeting[] = [];
  /** What the agents reported about each VM, in order. */
  readonly reports = new Map<string, TrueReport[]>();
  readonly absences: Absence[] = [];
  readonly changes: VmChange[] = [];
  /** Requests to a wrong server, or with credentials for another one. */
  readonly misdirected: string[] = [];
  /** The most requests in a row that got 401, not counting handshakes in between. */
  mostDenied = 0;
  /** When an answer first showed the name of the VM that the step runs in; undefined if it runs elsewhere. */
  ownVmNamedAt: number | undefined;
  /** Of a pool. */
  readonly pool: PoolRecorder;
  readonly #scenario: Scenario;
  readonly #stage: Stage;
  readonly #faults: Set<string>;
  readonly #inFlight = new Map<SentRequest, RestartPost>();
  /** Of GitHub's answers, by ETag. */
  readonly #contents = new Map<string, string>();
  readonly #shown = new WeakMap<NetworkAnswer, readonly GitHubReading[]>();
  readonly #refusedTokens = new Set<string>();
  #announced: readonly Outputs[] = [];
  #deniedInRow = 0;

  /** When the external ID of an instance was changed. */
  readonly renamedAt = new Map<string, number>();
  readonly #firstNames: ReadonlyMap<string, Names>;

  constructor({ scenario, stage, chances }: Common) {
    this.#scenario = scenario;
    this.#stage = stage;
    this.#firstNames = new Map(
      stage.world.records.map(({ instanceId, name, externalId }) => [instanceId, { name, externalId }]),
    );
    this.#faults = chances.faults;
    this.pool = new PoolRecorder(stage);
    this.#notePower();
    this.#noteReports();
  }

  /** The name of the runner that the step runs on, if that is in the first VM. */
  get ownName(): string | undefined {
    const [first] = this.#stage.world.records;
    const { runsInVm } = this.#scenario;
    const names = first && this.firstNamesOf(first);
    return runsInVm === 'name' ? names?.name : runsInVm && names?.externalId;
  }

  /** The names of the VM before it was renamed. Its runners have them. */
  firstNamesOf({ instanceId, name, externalId }: InstanceRecord): Names {
    return this.#firstNames.get(instanceId) ?? { name, externalId };
  }

  /** A VM has been renamed. */
  renamed(instanceId: string): void {
    if (this.#stage.world.find(instanceId)?.externalId !== newNameOf(instanceId)) return;
    this.renamedAt.set(instanceId, this.renamedAt.get(instanceId) ?? this.#now());
  }

  /** Keeps the outputs that the step wrote right before a restart could leave. */
  announce(outputs: Outputs): void {
    this.#announced = JSON.parse(outputs['results'] ?? '[]');
  }

  #notePower(): void {
    const { onPower } = this.#stage.world;
    this.#stage.world.onPower = (event) => {
      onPower(event);
      const { instanceId } = event.record;
      this.changes.push({ instanceId, kind: event.kind, at: this.#stage.world.now });
    };
  }

  #noteReports(): void {
    this.#stage.world.onReport = (record) => {
      const report = trueReport(record);
      if (report === undefined) return;
      const known = this.reports.get(record.instanceId);
      if (known === undefined) this.reports.set(record.instanceId, [report]);
      else known.push(report);
    };
  }

  /** Records requests to anything but the controller and (with a runner) GitHub, and credentials sent to the wrong one. */
  #inspect({ origin, method, path, headers }: SentRequest): void {
    const hasRunner = this.#scenario.runner !== undefined;
    const isKnown = origin === CONTROLLER_ORIGIN || (origin === GITHUB_ORIGIN && hasRunner);
    const isGitHubs = JSON.stringify(headers).includes(GITHUB_TOKEN);
    if (!isKnown || isGitHubs !== (origin === GITHUB_ORIGIN))
      this.misdirected.push(`${method} ${origin}${path}`);
  }

  /** The step begins a request. @returns the attempt, if it is one of a restart */
  begins(request: SentRequest): Moment | undefined {
    this.#inspect(request);
    if (isForGitHub(request)) return undefined;
    const moment = { at: this.#now(), instanceId: instanceIdIn(request) };
    const isTry = isRestart(request);
    if (isTry) this.tries.push(moment);
    this.begun.push(moment);
    this.contacts.push({ at: moment.at, kind: 'asked' });
    return isTry ? moment : undefined;
  }

  /** A request leaves over a connection. */
  departs(request: SentRequest): void {
    this.#noteDeath(request);
    const instanceId = instanceIdIn(request);
    if (!isRestart(request) || instanceId === undefined) return;
    const { outcome: announced } = this.#announced.find((one) => one['instance_id'] === instanceId) ?? {};
    const nothing = { reply: undefined, arrivedAt: undefined, answer: undefined };
    const post: RestartPost = { instanceId, departedAt: this.#now(), announced, ...nothing };
    this.posts.push(post);
    if (this.#scenario.pool !== undefined) this.pool.departs(instanceId);
    this.#inFlight.set(request, post);
  }

  #noteDeath({ connection }: SentRequest): void {
    if ((connection?.diesAt ?? Number.POSITIVE_INFINITY) <= this.#now()) this.#faults.add('dead connection');
  }

  /** The controller or GitHub has carried a request out. */
  answered(request: SentRequest, reaction: Reaction): void {
    this.#noteDeath(request);
    if (!isForGitHub(request)) {
      this.#noteReaction(request, reaction);
      return;
    }
    if (this.#scenario.pool?.drain !== undefined) this.pool.answered(request, reaction);
    if (isRefusal(reaction)) this.#faults.add('GitHub refuses');
    this.#shown.set(reaction, readingsIn(request.path, this.#stage.github, this.#contentOf(reaction)));
  }

  /** An unchanged answer has no body. */
  #contentOf({ headers = {}, body }: Reaction): string {
    const etag = String(headers['etag']);
    if (body !== '') this.#contents.set(etag, body);
    return body || (this.#contents.get(etag) ?? '');
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
    if (this.#deniedInRow > 0) this.#faults.add('session ended');
    if (request.path.startsWith('/tap/')) this.#collectToken(body);
    if (status !== 401 && isRestart(request)) this.#noteRestart(request, body);
  }

  #noteRestart(request: SentRequest, body: string): void {
    const post = this.#inFlight.get(request);
    if (post === undefined) return;
    post.arrivedAt = this.#now();
    post.reply = body.includes('"OK"') ? 'accepted' : 'refused';
    const record = this.#stage.world.records.find(({ instanceId }) => instanceId === post.instanceId);
    if (post.reply === 'accepted' && record !== undefined) this.requestIds.add(record.requestId);
  }

  #collectToken(body: string): void {
    // The handshake is JSON, or base64 of it.
    const [, token] = /"token":"([^"]+)"/.exec(`${body} ${Buffer.from(body, 'base64')}`) ?? [];
    if (token !== undefined) this.tokens.add(token);
  }

  /** An answer has reached the step. */
  delivered(request: SentRequest, from: Provenance): void {
    const { answer } = from;
    const post = this.#inFlight.get(request);
    if (post !== undefined)
      post.answer = { at: this.#now(), status: answer.status, body: parseJson(answer.body) };
    if (isForGitHub(request)) this.#noteReading(request, from);
    else if (from.isHealthy) this.#noteHealthy(request, answer);
  }

  #noteHealthy({ method }: SentRequest, { status, body }: NetworkAnswer): void {
    if (method === 'GET' && status === 200 && body.startsWith('{"status":"OK"')) {
      this.hadGoodAnswer = true;
      this.contacts.push({ at: this.#now(), kind: 'good answer' });
    }
    const [own] = this.#stage.world.records;
    if (
      this.ownName !== undefined &&
      own !== undefined &&
      namesIn(body, own.instanceId).includes(this.ownName)
    )
      this.ownVmNamedAt ??= this.#now();
    for (const { instanceId } of this.#stage.world.records) {
      if (body.includes(`"instance_id":"${instanceId}"`))
        this.answersSeen.set(instanceId, (this.answersSeen.get(instanceId) ?? 0) + 1);
    }
  }

  #noteReading({ path }: SentRequest, { answer, madeAt, isHealthy }: Provenance): void {
    const [at, isNo] = [this.#now(), isRefusal(answer)];
    const { status } = answer;
    // A redirect shows no more than an error does: neither a runner, nor that a list goes on.
    if (status >= 300 && status !== 304 && !isNo) return;
    const shown = isHealthy ? this.#shown.get(answer) : undefined;
    // Of several pages, another may be missing.
    if (shown !== undefined && isWholeList(path, this.#scenario.runner))
      this.pool.listed(
        shown.map(({ runner }) => runner),
        madeAt,
      );
    for (const reading of shown ?? readingsIn(path, this.#stage.github, undefined))
      this.readings.push({ ...reading, at, madeAt, isNo });
  }

  #now(): number {
    return this.#stage.time.now();
  }
}

/** The names of the instance in the answer. */
function namesIn(body: string, instanceId: string): unknown[] {
  const { body: content } = Object(parseJson(body)) as { readonly body?: unknown };
  const items = (Array.isArray(content) ? content : [content]).map(Object);
  return items
    .map((item) => [item, Object(item['vm'])])
    .filter((records) => records.some((one) => one['instance_id'] === instanceId))
    .flatMap((records) => records.flatMap((one) => [one['external_id'], one['name']]));
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isWholeList(path: string, runner: RunnerScenario | undefined): boolean {
  return runner?.pagesShiftEveryMs === undefined && /\/actions\/runners(\?|$)/.test(path);
}

function trueReport({ state, report, node }: InstanceRecord): TrueReport | undefined {
  if (report === undefined) return undefined;
  const { vm, readAt, skewMs } = report;
  const { power, bootedAt } = vm;
  return {
    ...{ at: readAt, state, power, bootedAt },
    startDateMs: Math.floor((vm.bootedAt + vm.bootSkewMs) / 1_000) * 1_000,
    timestampMs: Math.floor(readAt + skewMs),
    addresses: [
      { host: node?.ip, port: vm.sshPort },
      { host: vm.ip, port: SSH_PORT },
    ],
  };
}

const SSH_PORT = 22;
