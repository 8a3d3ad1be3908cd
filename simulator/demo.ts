import { GITHUB_API_PATH } from './github-api.ts';
import { GitHubWorld } from './github-world.ts';
import { takeGuestPorts } from './guest-servers.ts';
import { serve } from './server.ts';
import { showStep } from './show.ts';
import { DEFAULT_WORLD, World } from './world.ts';

/**
 * `npm start`: runs the bundled action as a runner would, against a simulated controller and GitHub, and shows what it
 * reports: a job that ends, a restart, the guest that is up, and the runner that comes back. What takes minutes in life takes seconds here.
 */
const TIME_FACTOR = 20;
const TOKEN = 'simulated-token';
const JOB_MS = 40_000;
const GUEST_BOOT_MS = 22_000;

const startsAt = Date.now();
const guests = await takeGuestPorts(2 * DEFAULT_WORLD.vms);
const world = new World({ ...DEFAULT_WORLD, startsAt, nodeIp: '127.0.0.1', ports: guests.ports });
const github = new GitHubWorld({ world, token: TOKEN });
for (const record of world.records) github.employ({ record, name: record.externalId ?? '' });
for (const runner of github.runners.slice(0, 1)) github.startJob(runner, JOB_MS);
const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
const habits = { bootMs: GUEST_BOOT_MS, forwarder: 'accepts' } as const;
guests.open({ world, now, timeFactor: TIME_FACTOR, habits });
const simulator = await serve({ world, github, port: 0, now });
const inputs = {
  controller_url: simulator.url,
  external_id: 'runner-1',
  runner_name: '{external_id}',
  runner_scope: 'octo-org',
  github_token: TOKEN,
  guest_check: 'ssh',
};

process.exitCode = await showStep({
  inputs,
  environment: {
    GITHUB_API_URL: `${simulator.url}${GITHUB_API_PATH}`,
    GITHUB_REPOSITORY: 'octo-org/app',
  },
  timeFactor: TIME_FACTOR,
});
await simulator.close();
await guests.close();
