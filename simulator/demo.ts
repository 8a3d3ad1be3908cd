import { parseArgs } from 'node:util';
import { GITHUB_API_PATH } from './github-api.ts';
import type { Run } from './github-runs.ts';
import { type Employment, GitHubWorld, type Habits } from './github-world.ts';
import { type GuestServers, takeGuestPorts } from './guests.ts';
import { type RunningSimulator, serve } from './server.ts';
import { heading, showStep } from './step.ts';
import { DEFAULT_WORLD, World } from './world.ts';

/**
 * Runs the bundled action as a runner would, against a simulated controller and GitHub, and shows what it reports. Minutes take seconds.
 * `npm start` plays one VM, `npm run demo:fleet` twelve, `npm run demo:pool` a pool of one-job runners.
 */

const TOKEN = 'simulated-token';
const REPOSITORY = 'octo-org/app';

interface StageOptions {
  readonly timeFactor: number;
  readonly vms?: number;
  readonly nodes?: number;
  readonly habits?: Partial<Habits>;
  readonly runners?: Omit<Employment, 'record' | 'name'>;
  readonly guests?: GuestServers;
}

/** A controller and a GitHub whose time passes faster than real time. */
interface Stage {
  readonly world: World;
  readonly github: GitHubWorld;
  readonly simulator: RunningSimulator;
  readonly timeFactor: number;
  readonly now: () => number;
}

async function openStage({
  timeFactor,
  guests,
  runners,
  habits = {},
  ...size
}: StageOptions): Promise<Stage> {
  const startsAt = Date.now();
  const ports = guests && { nodeIp: '127.0.0.1', ports: guests.ports };
  const world = new World({ ...DEFAULT_WORLD, ...size, ...ports, startsAt });
  const github = new GitHubWorld({ world, token: TOKEN, habits });
  for (const record of world.records) {
    const name = runners?.takesOneJob ? record.vm?.uuid : record.externalId;
    github.employ({ ...runners, record, name: name ?? '' });
  }
  const now = () => startsAt + (Date.now() - startsAt) * timeFactor;
  const simulator = await serve({ world, github, port: 0, now });
  return { world, github, simulator, timeFactor, now };
}

/** @returns the exit code. */
function play({ simulator, timeFactor }: Stage, inputs: Readonly<Record<string, string>>, run?: Run) {
  return showStep({
    inputs: {
      controller_url: simulator.url,
      runner_name: '{external_id}',
      ...inputs,
      runner_scope: 'octo-org',
      github_token: TOKEN,
    },
    environment: {
      GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
      GITHUB_REPOSITORY: REPOSITORY,
      ...(run && { GITHUB_RUN_ID: String(run.id), GITHUB_RUN_ATTEMPT: '1', GITHUB_JOB: 'reset' }),
    },
    timeFactor,
  });
}

function startJobs({ github }: Stage, forMs: Readonly<Record<string, number>>): void {
  for (const runner of github.runners) {
    const jobMs = forMs[runner.name];
    if (jobMs !== undefined) github.startJob(runner, jobMs);
  }
}

// ---- scenes ----

const GUEST_BOOT_MS = 22_000;

/** A job ends, the VM restarts, the guest is up, the runner comes back. */
async function oneVm(): Promise<number> {
  introduce(
    'One simulated VM. The step waits until the runner in the VM has finished its job, restarts the VM,',
    'then waits until macOS and the runner are back. It takes about 15 seconds.',
  );
  const guests = await takeGuestPorts(2 * DEFAULT_WORLD.vms);
  const stage = await openStage({ timeFactor: 20, guests });
  const { world, now, timeFactor } = stage;
  startJobs(stage, { 'runner-1': 40_000 });
  guests.open({ world, now, timeFactor, habits: { bootMs: GUEST_BOOT_MS, forwarder: 'accepts' } });
  const exitCode = await play(stage, { external_id: 'runner-1', guest_check: 'ssh' });
  await stage.simulator.close();
  await guests.close();
  return exitCode;
}

/** Twelve VMs, three at a time. Two have a job at first: one ends soon; the other ends late, so its VM is restarted last. */
async function fleet(): Promise<number> {
  introduce(
    'Twelve simulated VMs, restarted three at a time. Two of them have a job at first and must wait.',
    'It takes about 15 seconds.',
  );
  const habits = { busyLagMs: 5_000, staleMs: 30_000, sessionMs: 20_000, loginMs: 45_000 };
  const stage = await openStage({ timeFactor: 40, vms: 12, nodes: 6, habits });
  startJobs(stage, { 'runner-2': 100_000, 'runner-5': 300_000 });
  const exitCode = await play(stage, { external_id: 'runner-*', max_parallel: '25%', idle_for: '30s' });
  await stage.simulator.close();
  return exitCode;
}

function introduce(...lines: readonly string[]): void {
  console.log(`\n${lines.join('\n')}`);
}

const ROUNDS = 3;

/** Three VMs with one-job runners and common labels. Each workflow run tests on some of them, and its last job resets those. */
async function pool(): Promise<number> {
  introduce(
    'Three simulated VMs with one-job runners. In each of three rounds, a workflow run uses some of the VMs,',
    'and then a step restarts exactly those. It takes about 15 seconds.',
  );
  const runners = { labels: ['pool'], takesOneJob: true, atBoot: 'random name' } as const;
  const stage = await openStage({ timeFactor: 30, vms: 3, nodes: 3, habits: { loginMs: 30_000 }, runners });
  let exitCode = 0;
  for (let round = 1; round <= ROUNDS && exitCode === 0; round++) exitCode = await playRound(stage, round);
  await stage.simulator.close();
  return exitCode;
}

async function playRound(stage: Stage, round: number): Promise<number> {
  const { github } = stage;
  const versions = round === 1 ? [14, 15] : [14, 15, 26];
  const tests = versions.map((version, index) => ({
    name: `test (${version})`,
    labels: ['self-hosted', 'pool'],
    forMs: 40_000 + 20_000 * index,
  }));
  const run = github.runs.add({ jobs: tests, repository: REPOSITORY });
  heading(
    `Run ${run.id}, round ${round} of ${ROUNDS}: ${versions.length} jobs for any runner with the label "pool"`,
  );
  await untilOver(stage, run);
  for (const { plan, execution, conclusion } of run.jobs)
    console.log(`${plan.name} ran on ${execution?.runnerName}: ${conclusion}`);
  const left = github.runners.filter(({ isRegistered }) => isRegistered).map(({ name }) => name);
  console.log(`Still registered at GitHub: ${left.join(', ') || 'none'}`);
  return play(
    stage,
    {
      used_by_job: 'test*',
      run_id: String(run.id),
      max_parallel: '100%',
      runner_name: '{uuid}-*',
      runner_ephemeral: 'true',
    },
    run,
  );
}

/** Waits until all jobs of the run have ended. */
async function untilOver({ github, world, now }: Stage, run: Run): Promise<void> {
  for (;;) {
    world.advanceTo(now());
    if (github.runs.runStatusOf(run) === 'completed') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const { positionals } = parseArgs({
  options: { action: { type: 'string' }, node: { type: 'string' } },
  allowPositionals: true,
});
const SCENES: Readonly<Record<string, () => Promise<number>>> = { vm: oneVm, fleet, pool };
const scene = SCENES[positionals[0] ?? 'vm'];
if (scene === undefined)
  throw new Error(`unknown scene ${positionals[0]}; choose one of ${Object.keys(SCENES).join(', ')}`);
process.exitCode = await scene();
