import { type Access, createAuthentication } from '../../simulator/authentication.ts';
import { type Reaction, react } from '../../simulator/controller-api.ts';
import type { Fault, Interventions } from '../../simulator/faults-by-hand.ts';
import { GITHUB_API_PATH, reactAsGitHub } from '../../simulator/github-api.ts';
import { type Employment, GitHubWorld, type GitHubWorldOptions } from '../../simulator/github-world.ts';
import type { Random } from '../../simulator/random.ts';
import { createReplicas, type ReplicaOptions, type Replicas } from '../../simulator/replicas.ts';
import { DEFAULT_WORLD, type InstanceRecord, World, type WorldOptions } from '../../simulator/world.ts';
import { nothingKnown, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import type { Dial } from '../../src/guest/contact.ts';
import { nameOf } from '../support/scenario.ts';
import {
  type Connection,
  createSimulatedNetwork,
  type Delivery,
  type NetworkAnswer,
  type SentRequest,
} from './network.ts';
import { type Outputs, type PlayedStep, playStep, type StepHost, type StepInputs } from './play-step.ts';
import { type SimulatedProcess, startProcess } from './process.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/*
 * On a stage, play-step.ts plays a step without any socket: the simulator's controller and GitHub, the runners and guests in the VMs, and
 * the network in front of them, all on virtual time. A test sets what is special; everything else works.
 */

export const CONTROLLER_ORIGIN = 'http://controller.example:8090';
export const GITHUB_ORIGIN = 'http://github.example';
export const GITHUB_TOKEN = 'ghp_hunter2hunter2';
export const START = Date.parse('2026-07-01T12:00:00Z');

/** What is special about a stage; times in milliseconds. */
export interface StageSetting {
  readonly world?: Partial<WorldOptions>;
  readonly replicas?: Omit<ReplicaOptions, 'world'>;
  /** Makes a connection that reads keep. If absent, each request has its own. */
  readonly connect?: (origin: string) => Connection;
  readonly access?: Access;
  readonly github?: Omit<GitHubWorldOptions, 'world'>;
  /** The runners in a VM; one with the VM's external ID if `github` is given. */
  readonly runnersIn?: (record: InstanceRecord) => readonly Omit<Employment, 'record'>[];
  /** Time that passes in the world before {@link START}. */
  readonly preludeMs?: number;
  /** How long after {@link START} the step begins. */
  readonly startsAfterMs?: number;
  /** How far the clock is off that dates the next answer of the controller. */
  readonly dateErrorMs?: () => number;
  readonly random?: Random;
  /** One way. */
  readonly latencyMs?: number;
  /** What happens to a request and its answer in transit; by default `latencyMs` each way, and no time to connect. */
  readonly deliveryOf?: (request: SentRequest) => Delivery;
  readonly departs?: (request: SentRequest) => void;
  readonly delivered?: (request: SentRequest, answer: NetworkAnswer) => void;
  /** Answers instead of the controller or GitHub, which never get the request. */
  readonly intervene?: (request: SentRequest, stage: Stage) => NetworkAnswer | undefined;
  /** Changes an answer after the request was carried out. */
  readonly alter?: (reaction: Reaction, request: SentRequest, stage: Stage) => NetworkAnswer;
  /** The same faults as those of the simulator over real sockets. */
  readonly interventions?: (stage: Stage) => Interventions;
  readonly dial?: (stage: Stage) => Dial | undefined;
  /** Changes the world before the step begins. */
  readonly prepare?: (stage: Stage) => void;
  /** The step gets SIGINT this long after it began. */
  readonly cancelAfterMs?: number;
}

export interface Stage extends StepHost {
  readonly startsAt: number;
  readonly time: VirtualTime;
  readonly world: World;
  readonly github: GitHubWorld;
  readonly replicas: Replicas;
  /** Requests that reached the controller or GitHub, in order. */
  readonly requests: { readonly request: SentRequest; readonly at: number }[];
  /** Ends every session, as a restart of the controller does. */
  endSessions(): void;
  /** How long the step has been running. */
  seconds(): number;
  /** Starts another process. Its requests never fail, and `requests` does not record them. */
  startProcess(latencyMs: number, departs?: (request: SentRequest) => void): SimulatedProcess;
}

interface SeenAt {
  /** Such as `GET one`, `GET all`, `POST restart`. */
  readonly name: string;
  readonly seconds: number;
  /** The instance that it is about, by its external ID; `*` for all. */
  readonly vm: string;
}

/** What a step reported, and what happened on its stage. */
interface PlayedOnStage extends PlayedStep {
  readonly stage: Stage;
  /** The outcome of the first VM; an empty one if the step was about none. */
  readonly vm: VmOutcome;
  /** `error_code`, or `outcome` if there is none, by the VM's name. */
  readonly ends: Readonly<Record<string, string>>;
  readonly requests: readonly SeenAt[];
  readonly posts: readonly SeenAt[];
  /** External IDs of the VMs that were really restarted, in order. */
  readonly restarts: readonly string[];
  /** Virtual seconds that it took. */
  readonly seconds: number;
}

/** Builds a stage and plays a step on it: about the first VM unless the inputs name others. */
export async function playOnStage(inputs: StepInputs, setting: StageSetting = {}): Promise<PlayedOnStage> {
  const stage = createStage(setting);
  const { world, requests } = stage;
  await passPrelude(stage);
  const named = ['external_id', 'instance_id', 'used_by_job'].some((name) => name in inputs);
  const [first] = world.records;
  const target: StepInputs = named || first === undefined ? {} : { instance_id: first.instanceId };
  const played = await playStep(stage, { controller_url: CONTROLLER_ORIGIN, ...target, ...inputs });
  world.advanceTo(stage.time.now());
  const nameOfVm = (id: string) => world.records.find((one) => one.instanceId === id)?.externalId ?? id;
  const seen = requests.map(({ request, at }) => {
    const id = instanceIdIn(request);
    return {
      name: nameOf(request),
      seconds: (at - START) / 1_000,
      vm: id === undefined ? '*' : nameOfVm(id),
    };
  });
  const vm = played.outcome.vms[0] ?? nothingKnown({ name: '', target: undefined });
  const endOf = ({ outcome = '', error_code: code = '' }: Outputs) => code || outcome;
  return {
    ...{ ...played, stage, vm, requests: seen, seconds: (played.endedAt - START) / 1_000 },
    ends: Object.fromEntries(
      played.results.map((one, index) => [played.outcome.vms[index]?.name ?? '', endOf(one)]),
    ),
    posts: seen.filter(({ name }) => name === 'POST restart'),
    restarts: world.restarts.map(nameOfVm),
  };
}

/** The outcome of the first VM. @throws Error if the step was about none */
export function theFirstOf({ outcome: { vms } }: PlayedStep): VmOutcome {
  const [vm] = vms;
  if (vm === undefined) throw new Error('the step was about no VM');
  return vm;
}

/** The instance that a request is about; undefined if it is about all instances, or something else. */
export function instanceIdIn({ path, body }: SentRequest): string | undefined {
  const [, read, restarted] = /[?&]id=([\w-]+)|"instance_id":"([\w-]+)"/.exec(`${path} ${body}`) ?? [];
  return read ?? restarted;
}

/** Builds a stage at the beginning of its prelude; see {@link passPrelude}. */
export function createStage(setting: StageSetting = {}): Stage {
  const { preludeMs = 0, startsAfterMs = 0, latencyMs = 0 } = setting;
  const time = createVirtualTime(START - preludeMs);
  const world = new World({ ...DEFAULT_WORLD, startsAt: time.now(), ...setting.world });
  const authentication = createAuthentication(setting.access ?? {});
  const github = new GitHubWorld({ world, token: GITHUB_TOKEN, ...setting.github });
  const dispatchers = createSimulatedNetwork({
    now: time.now,
    ...(setting.connect && { connect: setting.connect }),
    after: (afterMs, run) => time.at(time.now() + afterMs, run),
    afterAtProcess: (afterMs, run) => time.atProcess(time.now() + afterMs, run),
    deliveryOf: setting.deliveryOf ?? (() => deliveredIn(latencyMs)),
    departs: setting.departs ?? (() => {}),
    delivered: setting.delivered ?? (() => {}),
    answer: (request) => answerOf(stage, { setting, authentication, interventions }, request),
  });
  const stage: Stage = {
    ...{ time, world, github, startsAt: START + startsAfterMs, requests: [] },
    replicas: createReplicas({ world, count: 1, lagMs: 0, ...setting.replicas }),
    ...{ clock: time.clock, random: setting.random?.next ?? (() => 0.5) },
    dispatchers,
    environment: ENVIRONMENT,
    cancelAfterMs: setting.cancelAfterMs,
    endSessions: authentication.endSessions,
    seconds: () => (time.now() - START) / 1_000,
    startProcess: (oneWayMs, departs = () => {}) =>
      startProcess({
        ...{ time, departs, deliveryOf: () => deliveredIn(oneWayMs) },
        answer: (request) => reactionOf(stage, { setting, authentication }, request),
      }),
  };
  employAll(stage, setting);
  const interventions = setting.interventions?.(stage) ?? {};
  const dial = setting.dial?.(stage);
  setting.prepare?.(stage);
  return dial === undefined ? stage : { ...stage, dial };
}

/** Lets the world's history pass, up to the moment when the step begins. */
export async function passPrelude({ time, startsAt }: Stage): Promise<void> {
  await time.run(time.clock.sleep(startsAt - time.now(), new AbortController().signal));
}

/** A delivery without loss. */
export const WHOLE = { isRefused: false, resetMs: undefined, arriving: 1, pieces: 1, pauseMs: 0 };

function deliveredIn(oneWayMs: number): Delivery {
  return { ...WHOLE, connectMs: 0, thereMs: oneWayMs, backMs: oneWayMs };
}

const ENVIRONMENT = {
  GITHUB_API_URL: `${GITHUB_ORIGIN}${GITHUB_API_PATH}`,
  GITHUB_REPOSITORY: 'octo-org/app',
};

function employAll(
  { world, github }: Stage,
  { github: options, runnersIn = withItsName }: StageSetting,
): void {
  if (options === undefined) return;
  for (const record of world.records)
    for (const runner of runnersIn(record)) github.employ({ record, ...runner });
}

function withItsName({ externalId = '' }: InstanceRecord): { readonly name: string }[] {
  return [{ name: externalId }];
}

interface Answering {
  readonly setting: StageSetting;
  readonly authentication: ReturnType<typeof createAuthentication>;
  readonly interventions: Interventions;
}

function answerOf(
  stage: Stage,
  { setting, authentication, interventions }: Answering,
  request: SentRequest,
): NetworkAnswer {
  stage.requests.push({ request, at: stage.time.now() });
  const early = setting.intervene?.(request, stage) ?? faultyAnswer(interventions.before?.(request));
  if (early !== undefined) return early;
  const reaction = reactionOf(stage, { setting, authentication }, request);
  const late = faultyAnswer(interventions.after?.(request, reaction), reaction);
  return late ?? setting.alter?.(reaction, request, stage) ?? reaction;
}

function reactionOf(
  { time, github, replicas }: Stage,
  { setting: { dateErrorMs = () => 0 }, authentication }: Omit<Answering, 'interventions'>,
  request: SentRequest,
): Reaction {
  const now = time.now();
  const [path] = /\/(?:orgs|repos|enterprises)\/.*/.exec(request.path) ?? [];
  if (path !== undefined) {
    // GitHub's links to further pages are absolute.
    const headers = { ...request.headers, host: new URL(request.origin).host };
    return reactAsGitHub({ github, now }, { ...request, headers, path: `${GITHUB_API_PATH}${path}` });
  }
  const [below = request.path] = /\/(?:api|tap)\/.*/.exec(request.path) ?? [];
  const seen = { ...request, path: below };
  const refusal = authentication.check({ ...seen, authorization: request.headers.authorization, now });
  const reaction = refusal ?? react({ replicas, now, connection: request.connection }, seen);
  return { ...reaction, headers: { ...reaction.headers, date: new Date(now + dateErrorMs()).toUTCString() } };
}

/** A fault of the simulator, without sockets. */
function faultyAnswer(fault: Fault | undefined, reaction?: Reaction): NetworkAnswer | undefined {
  if (fault === undefined) return undefined;
  switch (fault.kind) {
    case 'answer':
      return { status: 200, headers: {}, ...fault };
    case 'slow':
      return reaction && { ...reaction, lateMs: fault.ms };
    case 'hang in body':
      return { status: 200, headers: {}, body: fault.start, breaks: 'hang' };
    default:
      return { status: 200, headers: {}, body: '', breaks: fault.kind };
  }
}
