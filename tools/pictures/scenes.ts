import { fileURLToPath } from 'node:url';
import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import { GitHubWorld } from '../../simulator/github-world.ts';
import { takeGuestPorts } from '../../simulator/guests.ts';
import { serve } from '../../simulator/server.ts';
import { startStep } from '../../simulator/step.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';

/** The contents of a picture: a step, and the world in which it runs. */
interface Scene {
  /** What is special about the world. */
  readonly world: Partial<WorldOptions>;
  /** How long a runner's job at the start takes, by the runner's name. */
  readonly jobsMs: Readonly<Record<string, number>>;
  /** The step's inputs, except those that connect it to the simulator. */
  readonly inputs: Readonly<Record<string, string>>;
}

const ONE_VM: Scene = {
  world: {},
  jobsMs: { 'runner-1': 40_000 },
  inputs: { external_id: 'runner-1', guest_check: 'ssh' },
};

/** One VM breaks, one has a job and is left alone, the others are restarted three at a time. */
const FLEET: Scene = {
  world: { vms: 8, nodes: 4, brokenVms: ['runner-6'] },
  jobsMs: { 'runner-3': 3_600_000 },
  inputs: {
    external_id: 'runner-*',
    max_parallel: '3',
    max_failures: '1',
    when_busy: 'skip',
    idle_for: '30s',
  },
};

/** By the name of the picture. */
export const SCENES = { 'one-vm': ONE_VM, fleet: FLEET } as const;

/** Minutes take seconds. */
const TIME_FACTOR = 20;
const TOKEN = 'simulated-token';
const GUEST_BOOT_MS = 22_000;
/** The folder of `action.yml`. */
export const ACTION = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the bundled action in a scene. @returns the job summary that it wrote */
export async function play(scene: Scene): Promise<string> {
  const startsAt = Date.now();
  const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
  const vms = scene.world.vms ?? DEFAULT_WORLD.vms;
  const guests = await takeGuestPorts(2 * vms);
  const world = new World({
    ...DEFAULT_WORLD,
    ...{ startsAt, nodeIp: '127.0.0.1', ports: guests.ports },
    ...scene.world,
  });
  const habits = { bootMs: GUEST_BOOT_MS, forwarder: 'accepts' } as const;
  guests.open({ world, now, timeFactor: TIME_FACTOR, habits });
  const simulator = await serve({ world, github: staff(world, scene), port: 0, now });
  try {
    return await summaryOf(simulator.url, scene.inputs);
  } finally {
    await simulator.close();
    await guests.close();
  }
}

/** A GitHub with a runner in each VM, some of which have a job. */
function staff(world: World, { jobsMs }: Scene): GitHubWorld {
  const github = new GitHubWorld({ world, token: TOKEN });
  for (const record of world.records) {
    const runner = github.employ({ record, name: record.externalId ?? '' });
    const jobMs = jobsMs[runner.name];
    if (jobMs !== undefined) github.startJob(runner, jobMs);
  }
  return github;
}

async function summaryOf(url: string, inputs: Scene['inputs']): Promise<string> {
  const step = await startStep({
    action: ACTION,
    timeFactor: TIME_FACTOR,
    inputs: {
      controller_url: url,
      runner_name: '{external_id}',
      runner_scope: 'octo-org',
      github_token: TOKEN,
      ...inputs,
    },
    environment: { GITHUB_API_URL: `${url}${GITHUB_API_PATH}`, GITHUB_REPOSITORY: 'octo-org/app' },
  });
  const { summary, log } = await step.finished;
  if (summary === '') throw new Error(`The action wrote no job summary:\n${log}`);
  return summary;
}
