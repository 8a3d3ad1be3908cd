import { GITHUB_API_PATH } from './github-api.ts';
import { GitHubWorld } from './github-world.ts';
import { serve } from './server.ts';
import { showStep } from './show.ts';
import { DEFAULT_WORLD, World } from './world.ts';

/**
 * `npm run demo:fleet`: twelve VMs with a runner in each, three of them under way at a time. Two runners have a job at first: one
 * that ends soon, and one that ends late, whose VM comes last.
 */
const TIME_FACTOR = 40;
const TOKEN = 'simulated-token';
const JOBS: Readonly<Record<string, number>> = { 'runner-2': 100_000, 'runner-5': 300_000 };
const HABITS = { busyLagMs: 5_000, staleMs: 30_000, sessionMs: 20_000, loginMs: 45_000 };

const startsAt = Date.now();
const world = new World({ ...DEFAULT_WORLD, startsAt, vms: 12, nodes: 6 });
const github = new GitHubWorld({ world, token: TOKEN, habits: HABITS });
for (const record of world.records) {
  const runner = github.employ({ record, name: record.externalId ?? '' });
  const jobMs = JOBS[runner.name];
  if (jobMs !== undefined) github.startJob(runner, jobMs);
}
const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
const simulator = await serve({ world, github, port: 0, now });

process.exitCode = await showStep({
  inputs: {
    controller_url: simulator.url,
    external_id: 'runner-*',
    max_parallel: '25%',
    runner_name: '{external_id}',
    runner_scope: 'octo-org',
    github_token: TOKEN,
    idle_for: '30s',
  },
  environment: {
    GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
    GITHUB_REPOSITORY: 'octo-org/app',
  },
  timeFactor: TIME_FACTOR,
});
await simulator.close();
