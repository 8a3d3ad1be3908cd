import { react, type SeenRequest } from '../../simulator/controller-api.ts';
import { GITHUB_API_PATH, reactAsGitHub } from '../../simulator/github-api.ts';
import { GitHubWorld, type GitHubWorldOptions } from '../../simulator/github-world.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';
import { ActionError } from '../../src/errors.ts';
import type { StepOutcome } from '../../src/fleet/step-outcome.ts';
import { readInputs } from '../../src/inputs/inputs.ts';
import { run } from '../../src/main.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { type NetworkAnswer, SimulatedNetwork } from '../simulation/network.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { nameOf } from './scenario.ts';

/** The whole step against a simulated controller and GitHub with many VMs, on virtual time: everybody waits for real, in no time. */
export interface FleetSetting {
  readonly world?: Partial<WorldOptions>;
  readonly replicas?: { readonly count: number; readonly lagMs: number };
  readonly inputs: Readonly<Record<string, string>>;
  /** Makes a GitHub with a runner in each VM. */
  readonly github?: Omit<GitHubWorldOptions, 'world'>;
  /** What is changed about the world before the step begins. */
  readonly prepare?: (world: World, github: GitHubWorld | undefined) => void;
  /** Answers in the controller's place. */
  readonly intervene?: (request: SeenRequest, seconds: number) => NetworkAnswer | undefined;
  /** Changes the body of an answer. */
  readonly alter?: (body: string, request: SeenRequest, seconds: number) => string;
  /** There and back, each. */
  readonly latencyMs?: number;
  readonly cancelAfterMs?: number;
}

export interface SeenAt {
  readonly name: string;
  /** Since the step began. */
  readonly seconds: number;
  /** The instance that it is about, by its external ID; `*` for all. */
  readonly vm: string;
}

export interface EndedFleet {
  readonly outcome: StepOutcome;
  readonly outputs: Readonly<Record<string, string>>;
  readonly results: readonly Readonly<Record<string, string>>[];
  /** `error_code`, or `outcome` where there is none, by name. */
  readonly ends: Readonly<Record<string, string>>;
  /** What was told before each departure. */
  readonly announced: readonly Readonly<Record<string, string>>[];
  readonly requests: readonly SeenAt[];
  readonly posts: readonly SeenAt[];
  /** As the log has them, debug lines left out. */
  readonly lines: readonly string[];
  readonly seconds: number;
  readonly world: World;
  readonly github: GitHubWorld | undefined;
  /** External IDs of those that were restarted in truth, in order. */
  readonly restarts: readonly string[];
}

export const GITHUB_TOKEN = 'github_pat_hunter2-token';
const START = Date.parse('2026-07-01T12:00:00Z');
const CONTROLLER = 'http://controller.example:8090';
const GITHUB = 'http://github.example';

export async function playFleet(setting: FleetSetting): Promise<EndedFleet> {
  const { latencyMs = 10 } = setting;
  const time = createVirtualTime(START);
  const world = new World({ ...DEFAULT_WORLD, vms: 6, startsAt: START, ...setting.world });
  const github = setting.github && staffed(world, setting.github);
  setting.prepare?.(world, github);
  const replicas = createReplicas({ world, ...(setting.replicas ?? { count: 1, lagMs: 0 }) });
  const requests: SeenAt[] = [];
  const seconds = () => (time.now() - START) / 1_000;

  function answer(request: SeenRequest): NetworkAnswer {
    requests.push({ name: nameOf(request), seconds: seconds(), vm: vmOf(world, request) });
    const early = setting.intervene?.(request, seconds());
    if (early !== undefined) return early;
    const now = time.now();
    const isForGitHub = request.path.startsWith(GITHUB_API_PATH);
    const reaction =
      isForGitHub && github ? reactAsGitHub({ github, now }, request) : react({ replicas, now }, request);
    const body = setting.alter?.(reaction.body, request, seconds()) ?? reaction.body;
    return { ...reaction, body, headers: { date: new Date(now).toUTCString(), ...reaction.headers } };
  }

  const network = new SimulatedNetwork({
    after: (afterMs, callback) => time.at(time.now() + afterMs, callback),
    deliveryOf: () => ({ ...PLAIN, connectMs: 0, thereMs: latencyMs, backMs: latencyMs }),
    answer,
  });
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const clean = (text: string) => text;
  const terminal = { mask() {}, clean, info: log, debug() {}, warning: log, error: log };
  const announced: Readonly<Record<string, string>>[] = [];
  const announce = (known: StepOutcome) => void announced.push(outputsOf(known, clean));
  const cancel = new AbortController();
  if (setting.cancelAfterMs !== undefined)
    time.at(START + setting.cancelAfterMs, () =>
      cancel.abort(new ActionError('cancelled', 'The step was cancelled (SIGINT).')),
    );
  const host = {
    ...{ terminal, clock: time.clock, random: () => 0.5, signal: cancel.signal, announce },
    dispatchers: { openReader: () => network, openWriter: () => network },
  };
  const outcome = await time.run(run(readInputs(environmentOf(setting), terminal.mask), host));
  const outputs = outputsOf(outcome, clean);
  const results: Readonly<Record<string, string>>[] = JSON.parse(outputs.results);
  world.advanceTo(time.now());
  return {
    ...{ outcome, outputs, results, announced, requests, lines, world, github, seconds: seconds() },
    ends: Object.fromEntries(
      results.map(({ outcome: kind, error_code: code }, index) => [
        outcome.vms[index]?.name ?? '',
        code || kind || '',
      ]),
    ),
    posts: requests.filter(({ name }) => name === 'POST restart'),
    restarts: world.restarts.map((id) => externalIdOf(world, id)),
  };
}

const PLAIN = { isRefused: false, resetMs: undefined, arriving: 1, pieces: 1, pauseMs: 0 };

function staffed(world: World, options: Omit<GitHubWorldOptions, 'world'>): GitHubWorld {
  const github = new GitHubWorld({ world, token: GITHUB_TOKEN, ...options });
  for (const record of world.records) github.employ({ record, name: record.externalId ?? '' });
  return github;
}

function environmentOf({ inputs, github }: FleetSetting): Record<string, string> {
  const runner = { runner_name: '{external_id}', runner_scope: 'octo-org', github_token: GITHUB_TOKEN };
  const given = { controller_url: CONTROLLER, ...(github && runner), ...inputs };
  const variables = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  return {
    ...Object.fromEntries(variables),
    GITHUB_API_URL: `${GITHUB}${GITHUB_API_PATH}`,
    GITHUB_REPOSITORY: 'octo-org/app',
  };
}

function vmOf(world: World, { path, body }: SeenRequest): string {
  const [, id] = /[?&]id=([\w-]+)|"instance_id":"([\w-]+)"/.exec(`${path} ${body}`)?.filter(Boolean) ?? [];
  return id === undefined ? '*' : externalIdOf(world, id);
}

function externalIdOf(world: World, instanceId: string): string {
  return world.records.find((record) => record.instanceId === instanceId)?.externalId ?? instanceId;
}
