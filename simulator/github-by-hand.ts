import type { NumberReader } from './command-line.ts';
import type { Endpoint, Refusal, TokenRights } from './github-tokens.ts';
import { type Employment, GitHubWorld, type Habits } from './github-world.ts';
import type { InstanceRecord, World } from './world.ts';

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'string', multiple: true } as const;
const FLAG = { type: 'boolean' } as const;

/** Command-line options about GitHub. */
export const GITHUB_OPTIONS = {
  runners: FLAG,
  'runners-per-vm': TEXT,
  labels: TEXT,
  'one-job': FLAG,
  'random-names': FLAG,
  'runner-version': TEXT,
  'minimum-runner-version': TEXT,
  job: TEXT,
  queue: TEXT,
  shown: TEXTS,
  'busy-lag': TEXT,
  'jobs-lag': TEXT,
  'github-refuses': TEXTS,
  'link-host': TEXT,
};

const DEFAULT_JOB_SECONDS = 60;
const MOST_JOBS = 1_000;
const DAY_S = 86_400;
const ENDPOINTS: readonly Endpoint[] = ['runners', 'runner', 'labels', 'runs', 'jobs'];
const SHOWN = {
  online: { online: true },
  offline: { online: false },
  busy: { busy: true },
  idle: { busy: false },
} as const;

export const GITHUB_HELP = `GitHub and its runners
  --runners                 also simulate GitHub, with a runner in each VM that has the VM's external ID as its name
The others need --runners:
  --runners-per-vm N        several runners in each VM: runner-1-a, runner-1-b, ... (default 1)
  --labels A,B              custom labels of all runners (default: none)
  --one-job                 each runner registers when its VM boots, takes one job, and then disappears from GitHub
  --random-names            with --one-job: each registration has a new name, such as runner-1-1f0c2a3b
  --runner-version V        the version of all runners
  --minimum-runner-version V
                            runners below this version connect briefly and exit
  --job SECONDS             the first runner has a job at the start
  --queue N[:SECONDS]       a run with N jobs of SECONDS each (default ${DEFAULT_JOB_SECONDS}) that wait for runners with the --labels;
                            the printed curl line for .../dispatches adds more
  --shown WHAT:SECONDS      for this long, GitHub shows all runners as ${Object.keys(SHOWN).join(', ')}, true or not; repeatable
  --busy-lag SECONDS        how late GitHub shows that a runner is busy (default 30)
  --jobs-lag SECONDS        how late GitHub lists a job as in progress (default 2)
  --github-refuses STATUS[:WHAT[:SECONDS]]
                            answer requests for WHAT with this STATUS, for this long or until the end: 404:runs:20; repeatable;
                            WHAT is ${ENDPOINTS.join(', ')} or all
  --link-host HOST          another host in the Link header of lists, as on some GitHub Enterprise Servers`;

interface GitHubValues {
  readonly runners?: boolean;
  readonly labels?: string;
  readonly 'one-job'?: boolean;
  readonly 'random-names'?: boolean;
  readonly 'runner-version'?: string;
  readonly 'minimum-runner-version'?: string;
  readonly queue?: string;
  readonly shown?: readonly string[];
  readonly 'github-refuses'?: readonly string[];
  readonly 'link-host'?: string;
}

/** The token with all rights; one that reads runners; and one that reads jobs, as GITHUB_TOKEN with `actions: read`. */
export const TOKEN = 'simulated-token';
export const READ_TOKEN = 'simulated-read-token';
export const JOBS_TOKEN = 'simulated-jobs-token';
const TOKENS: Readonly<Record<string, TokenRights>> = {
  [READ_TOKEN]: { runners: { 'octo-org': 'read' } },
  [JOBS_TOKEN]: { runners: { 'octo-org/app': 'none' }, actions: { 'octo-org/app': 'read' }, quota: 1_000 },
};

/** The GitHub that the options describe, if any. @throws Error for invalid options */
export function readGitHub(world: World, read: NumberReader, values: GitHubValues): GitHubWorld | undefined {
  if (values.runners !== true) {
    const [useless] = Object.keys(GITHUB_OPTIONS).filter((name) => name in values);
    if (useless !== undefined) throw new Error(`--${useless} needs --runners`);
    return undefined;
  }
  if (values['random-names'] && !values['one-job']) throw new Error('--random-names needs --one-job');
  const seconds = (name: string) => read(name, 0, { min: 0, max: DAY_S }) * 1_000;
  const jobMs = seconds('job');
  const queue = readQueue(values);
  const shown = (values.shown ?? []).map(readShown);
  const github = createGitHub(world, { values, habits: readHabits(values, seconds) });
  const perVm = read('runners-per-vm', 1, { min: 1, max: 26 });
  for (const record of world.records) employ(github, { record, perVm });
  for (const runner of github.runners.slice(0, 1)) if (jobMs > 0) github.startJob(runner, jobMs);
  for (const runner of github.runners)
    for (const { forMs, ...wrong } of shown) github.misreport(runner, { ...wrong, forMs });
  if (queue.length > 0) github.runs.add({ jobs: queue });
  return github;
}

function createGitHub(world: World, { values, habits }: { values: GitHubValues; habits: Partial<Habits> }) {
  const refusals = (values['github-refuses'] ?? []).map((text) => readRefusal(text, world.now));
  const { 'minimum-runner-version': minimum, 'link-host': linkHost } = values;
  const staff: Omit<Employment, 'record' | 'name'> = {
    labels: labelsOf(values),
    takesOneJob: values['one-job'] ?? false,
    ...(values['random-names'] && { atBoot: 'random name' }),
    ...(values['runner-version'] !== undefined && { version: values['runner-version'] }),
  };
  return new GitHubWorld({
    ...{ world, token: TOKEN, tokens: TOKENS, staffsNewVms: true, staff, habits, refusals },
    ...(minimum !== undefined && { minimumRunnerVersion: minimum }),
    ...(linkHost !== undefined && { linkHost }),
  });
}

function employ(github: GitHubWorld, { record, perVm }: { record: InstanceRecord; perVm: number }): void {
  const stem = record.externalId ?? '';
  for (let index = 0; index < perVm; index++) {
    const name = perVm === 1 ? stem : `${stem}-${String.fromCharCode('a'.charCodeAt(0) + index)}`;
    github.employ({ ...github.options.staff, record, name });
  }
}

function readHabits(values: object, seconds: (name: string) => number): Partial<Habits> {
  return {
    ...('busy-lag' in values && { busyLagMs: seconds('busy-lag') }),
    ...('jobs-lag' in values && { jobsLagMs: seconds('jobs-lag') }),
  };
}

function labelsOf({ labels = '' }: GitHubValues): string[] {
  return labels
    .split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '');
}

function readQueue(values: GitHubValues) {
  if (values.queue === undefined) return [];
  const [, count, seconds = DEFAULT_JOB_SECONDS] = /^(\d+)(?::(\d+))?$/.exec(values.queue) ?? [];
  if (!(Number(count) >= 1 && Number(count) <= MOST_JOBS && Number(seconds) <= DAY_S))
    throw new Error(`--queue must be N or N:SECONDS, not ${JSON.stringify(values.queue)}`);
  const labels = ['self-hosted', ...labelsOf(values)];
  const forMs = Number(seconds) * 1_000;
  return Array.from({ length: Number(count) }, (_, index) => ({
    name: `test (${index + 1})`,
    labels,
    forMs,
  }));
}

function readShown(text: string) {
  const [, what = '', seconds] = /^(\w+):(\d+)$/.exec(text) ?? [];
  const [, shown] = Object.entries(SHOWN).find(([name]) => name === what) ?? [];
  if (shown !== undefined && Number(seconds) <= DAY_S) return { ...shown, forMs: Number(seconds) * 1_000 };
  const known = Object.keys(SHOWN).join(', ');
  throw new Error(`--shown must be WHAT:SECONDS, with a WHAT of ${known}, not ${JSON.stringify(text)}`);
}

function readRefusal(text: string, now: number): Refusal {
  const [, status, what, seconds] = /^([45]\d\d)(?::(\w+)(?::(\d+))?)?$/.exec(text) ?? [];
  const endpoint = ENDPOINTS.find((one) => one === what);
  const isKnown = what === undefined || what === 'all' || endpoint !== undefined;
  if (status === undefined || !isKnown)
    throw new Error(
      `--github-refuses must be STATUS[:WHAT[:SECONDS]], with a WHAT of ${ENDPOINTS.join(', ')} or all, not ${JSON.stringify(text)}`,
    );
  return {
    status: Number(status),
    ...(endpoint && { endpoint }),
    ...(seconds !== undefined && { until: now + Number(seconds) * 1_000 }),
  };
}
