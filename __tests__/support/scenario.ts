import type { Reaction, SeenRequest } from '../../simulator/controller-api.ts';
import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import { type Employment, GitHubWorld, type GitHubWorldOptions } from '../../simulator/github-world.ts';
import { type Interventions, type RunningSimulator, serve } from '../../simulator/server.ts';
import { type RunningStep, type StepResult, startStep } from '../../simulator/step.ts';
import { DEFAULT_WORLD, type InstanceRecord, World, type WorldOptions } from '../../simulator/world.ts';
import type { Way } from './ways.ts';

/** A simulated controller with short heartbeats, and the committed bundle as a process beside it. */
export interface Scenario {
  readonly world: World;
  readonly simulator: RunningSimulator;
  readonly record: InstanceRecord;
  readonly github: GitHubWorld | undefined;
  readonly step: RunningStep;
  /** The time of the world, in milliseconds, and how fast it passes. */
  readonly now: () => number;
  readonly timeFactor: number;
}

export interface Setting {
  readonly world?: Partial<WorldOptions>;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Made for a world, so that they can change it. */
  readonly interventions?: (world: World) => Interventions;
  /** How to authenticate; if absent, no authentication and no proxy. */
  readonly way?: Way;
  /** Makes a GitHub with a runner in each VM. Then time passes {@link TIME_FACTOR} times as fast for every process. */
  readonly runners?: Runners;
  /** The step ends at its timeout, the shortest possible one, which takes little more than a second. */
  readonly isShort?: boolean;
}

export interface Runners extends Partial<Omit<GitHubWorldOptions, 'world' | 'token'>> {
  readonly employment?: Partial<Employment>;
  readonly prepare?: (github: GitHubWorld) => void;
}

/** Inputs for a step that gives up on its own while time passes fast: no request may reach a time limit, even on a slow machine. */
export const PATIENT = { timeout: '10m', request_timeout: '5m' };

const TIME_FACTOR = 30;
const SHORT_TIME_FACTOR = 8;
export const TOKEN = 'github_pat_hunter2-token';

export interface Ended extends StepResult, Omit<Scenario, 'step'> {
  /** Methods and paths in order, each run of the same request once: `GET one`, `GET all`, `POST restart`, `GET status`. */
  readonly story: string[];
  readonly posts: number;
}

const QUICK_WORLD: Omit<WorldOptions, 'startsAt'> = {
  ...DEFAULT_WORLD,
  heartbeatMs: 150,
  stopMs: 40,
  startMs: 40,
  pickUpMs: 20,
};

export async function begin({
  world: options = {},
  inputs = {},
  interventions,
  way = {},
  runners,
  isShort = false,
}: Setting = {}): Promise<Scenario> {
  const startsAt = Date.now();
  const timeFactor = runners === undefined ? (isShort ? SHORT_TIME_FACTOR : 1) : TIME_FACTOR;
  const now = () => startsAt + (Date.now() - startsAt) * timeFactor;
  const world = new World({ ...(runners ? DEFAULT_WORLD : QUICK_WORLD), startsAt, ...options });
  const github = runners && staffed(world, runners);
  const { access, secure, replicas } = way;
  const simulator = await serve({
    world,
    port: 0,
    now,
    interventions: interventions?.(world) ?? {},
    ...(access && { access }),
    ...(secure && { secure }),
    ...(replicas && { replicas }),
    ...(github && { github }),
  });
  const [record] = world.records;
  if (record === undefined) throw new Error('the world is empty');
  const target: Record<string, string> =
    inputs['external_id'] === undefined ? { instance_id: record.instanceId } : {};
  const controller_url = way.url?.(simulator.url) ?? simulator.url;
  const step = await startStep({
    action: '.',
    inputs: {
      controller_url,
      ...target,
      ...(runners ? UNHURRIED : HURRIED),
      ...(isShort && { timeout: '10s' }),
      ...way.inputs,
      ...inputs,
    },
    environment: {
      GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
      GITHUB_REPOSITORY: 'octo-org/app',
      ...way.environment,
    },
    timeFactor,
  });
  return { world, simulator, record, github, step, now, timeFactor };
}

const HURRIED = { timeout: '20s', poll_interval: '0.2s' };
/** With fast time, a busy machine must not look like a slow network. */
const UNHURRIED = {
  timeout: '30m',
  request_timeout: '10m',
  poll_interval: '2s',
  runner_name: '{external_id}',
  runner_scope: 'octo-org',
  github_token: TOKEN,
};

function staffed(world: World, { habits = {}, employment, prepare, ...rest }: Runners): GitHubWorld {
  const github = new GitHubWorld({ world, token: TOKEN, habits, ...rest });
  for (const record of world.records) {
    github.employ({ record, name: record.externalId ?? '', ...employment });
  }
  prepare?.(github);
  return github;
}

export async function end({ step, ...scenario }: Scenario): Promise<Ended> {
  const result = await step.finished;
  await scenario.simulator.close();
  const requests = scenario.simulator.requests.map(nameOf);
  return {
    ...scenario,
    ...result,
    story: requests.filter((name, index) => name !== requests[index - 1]),
    posts: requests.filter((name) => name === 'POST restart').length,
  };
}

export async function play(setting: Setting = {}): Promise<Ended> {
  return end(await begin(setting));
}

export function nameOf({ method, path }: SeenRequest): string {
  if (path.startsWith('/api/v1/vm?id=')) return `${method} one`;
  if (path.startsWith(GITHUB_API_PATH)) return `${method} ${gitHubNameOf(path)}`;
  return `${method} ${path === '/api/v1/vm' ? 'all' : path.split('/').at(-1)}`;
}

function gitHubNameOf(path: string): string {
  if (path.includes('/actions/runs')) return path.includes('/jobs') ? 'jobs' : 'runs';
  return /runners\/\d+$/.test(path) ? 'runner' : 'runners';
}

export const isPoll = (request: SeenRequest) => nameOf(request) === 'GET one';
export const isRestart = (request: SeenRequest) => nameOf(request) === 'POST restart';

type Fields = Record<string, unknown>;

/** Changes an instance and its `vminfo` in an answer. */
export type Edit = (instance: Fields, vminfo: Fields) => void;

/** Sets these fields; undefined removes one. */
export function setting(instance: Fields, vminfo: Fields = {}): Edit {
  return (own, ownInfo) => {
    Object.assign(own, instance);
    Object.assign(ownInfo, vminfo);
  };
}

/** The answer to a poll, with the instance changed by `edit`. */
export function edited(reaction: Reaction, edit: Edit) {
  const envelope: { body: Fields } = JSON.parse(reaction.body);
  edit(envelope.body, (envelope.body['vminfo'] ?? {}) as Fields);
  return { kind: 'answer', body: JSON.stringify(envelope) } as const;
}

/** Lines of a log that a runner would take for commands. */
export function commandsIn(log: string): string[] {
  const lines = log.split(/\r\n|\r|\n/);
  return lines.filter((line) => /^\s*::/.test(line) || line.includes('##['));
}
