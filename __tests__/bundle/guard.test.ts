import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type Asked,
  type GitHubScript,
  type HandwrittenGitHub,
  jobOf,
  startGitHub,
  vmRunner,
} from '../support/handwritten-github.ts';
import { type Ended, play } from '../support/scenario.ts';

// The committed bundle as a process: how it handles a GitHub that is wrong, vague, late, or refuses, and runners that come and go.

let github: HandwrittenGitHub;

afterEach(() => github.close());

type Inputs = Readonly<Record<string, string>>;

async function playWith(script: GitHubScript, inputs: Inputs = {}): Promise<Ended> {
  github = await startGitHub(script);
  const usual = { runner_name: 'macos-vm-7', runner_scope: 'octo-org/app', when_busy: 'fail' };
  return play({
    runners: {},
    inputs: { ...usual, idle_for: '0s', wait_for_runner: 'false', ...inputs },
    way: { environment: { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'octo-org/app' } },
  });
}

const codeOf = ({ outputs }: Ended) => [outputs['restarted'], outputs['error_code']];
const RUNNING = [{ id: 901, status: 'in_progress' }];
const busyJob = { runs: RUNNING, jobs: { 901: [jobOf(901)] } };
const isAboutRuns = ({ what }: Asked) => what.endsWith('/actions/runs');
const isList = ({ what }: Asked) => what.endsWith('/actions/runners');

describe('a jobs source that is refused', () => {
  test.each([403, 404])('at first, with HTTP %i, is read again: its job counts', async (status) => {
    const answer: GitHubScript['answer'] = (asked) =>
      isAboutRuns(asked) && asked.before < 2 ? { status } : undefined;
    const ended = await playWith({ runners: [vmRunner()], ...busyJob, answer });
    expect(codeOf(ended)).toEqual(['false', 'runner_busy']);
  });

  test('permanently is switched off after half a minute, with a warning that explains the risk', async () => {
    const answer: GitHubScript['answer'] = (asked) => (isAboutRuns(asked) ? { status: 403 } : undefined);
    const ended = await playWith({ runners: [vmRunner()], answer });
    expect(codeOf(ended)).toEqual(['true', '']);
    expect(ended.log).toMatch(
      /^::warning::GitHub has refused to list the jobs in progress for 30\.0 s: .*would be killed/m,
    );
  });
});

describe('a runner that is shown offline with a job', () => {
  const runners = [vmRunner({ status: 'offline', busy: true })];
  const refused: GitHubScript['answer'] = (asked) => (isAboutRuns(asked) ? { status: 403 } : undefined);

  test.each<[string, Partial<GitHubScript>, Inputs, string[]]>([
    ['is free if the jobs of its repository show none', {}, {}, ['true', '']],
    ['is busy if they show one', busyJob, {}, ['false', 'runner_busy']],
    ['is busy if they cannot be read', { answer: refused }, {}, ['false', 'runner_busy']],
    [
      'is busy if it may serve other repositories',
      {},
      { runner_scope: 'octo-org' },
      ['false', 'runner_busy'],
    ],
  ])('%s', async (_, script, inputs, code) => {
    expect(codeOf(await playWith({ runners, ...script }, inputs))).toEqual(code);
  });
});

describe('a job in progress', () => {
  test.each<[string, Parameters<typeof jobOf>[1], string[]]>([
    ['on a runner of the same number and another name', { runner_name: 'linux-3' }, ['true', '']],
    ['on a runner of the same name and another number', { runner_id: 4711 }, ['false', 'runner_busy']],
    [
      'on a runner that GitHub does not name, with labels that fit',
      { runner_id: null, runner_name: null },
      ['false', 'github_api_failed'],
    ],
    [
      'on a runner that GitHub does not name, with labels that do not fit',
      { runner_id: null, runner_name: null, labels: ['linux'] },
      ['true', ''],
    ],
  ])('%s', async (_, changes, code) => {
    const script = { runners: [vmRunner()], runs: RUNNING, jobs: { 901: [jobOf(901, changes)] } };
    const ended = await playWith(script, { timeout: '20s' });
    expect(codeOf(ended)).toEqual(code);
    if (code[1] === 'github_api_failed')
      expect(ended.log).toContain('Job "test" of run 901 is in progress and may be on this runner');
  });
});

test.each<[string, Inputs]>([
  ['at once', {}],
  ['after a wait', { when_busy: 'wait', busy_timeout: '5s' }],
])(
  'a runner that is busy though GitHub lists no job: the error says what to do about it, %s',
  async (_, inputs) => {
    const ended = await playWith({ runners: [vmRunner({ busy: true })] }, inputs);
    expect(codeOf(ended)).toEqual(['false', 'runner_busy']);
    expect(ended.log).toContain('GitHub lists no job for it');
    expect(ended.log).toContain('remove the registration');
    expect(ended.log).not.toContain('when_busy: wait');
  },
);

describe('several runners in one VM', () => {
  const pattern = { runner_name: 'macos-vm-7-*' };
  const [a, b] = [vmRunner({ id: 30, name: 'macos-vm-7-a' }), vmRunner({ id: 31, name: 'macos-vm-7-b' })];

  test.each<[string, GitHubScript, string[]]>([
    ['are free if all are', { runners: [a, b] }, ['true', '']],
    ['are busy if one is', { runners: [a, { ...b, busy: true }] }, ['false', 'runner_busy']],
    [
      'are busy if one has a job in progress',
      { runners: [a, b], runs: RUNNING, jobs: { 901: [jobOf(901, { runner_name: 'macos-vm-7-b' })] } },
      ['false', 'runner_busy'],
    ],
    ['are not found if none fits', { runners: [vmRunner()] }, ['false', 'runner_not_found']],
  ])('%s', async (_, script, code) => {
    expect(codeOf(await playWith(script, pattern))).toEqual(code);
  });
});

describe('a registration', () => {
  const none = { body: { total_count: 0, runners: [] } };

  test('that is missing for a moment is found', async () => {
    // There are two searches at least, however slow the machine is.
    const answer: GitHubScript['answer'] = (asked) => (isList(asked) && asked.before < 1 ? none : undefined);
    expect(codeOf(await playWith({ runners: [vmRunner()], answer }))).toEqual(['true', '']);
  });

  test('that changes while the jobs are read is compared by its name', async () => {
    // The ID is 23 at first, and 24 once the runs have been requested.
    const renewed = vmRunner({ id: 24 });
    const answer: GitHubScript['answer'] = (asked) => {
      if (!github.asked.some(isAboutRuns)) return undefined;
      if (isList(asked)) return { body: { total_count: 1, runners: [renewed] } };
      return asked.what.endsWith('/runners/23') ? { status: 404 } : undefined;
    };
    const jobs = { 901: [jobOf(901, { runner_id: 24 })] };
    const ended = await playWith({ runners: [vmRunner()], runs: RUNNING, jobs, answer });
    expect(codeOf(ended)).toEqual(['false', 'runner_busy']);
  });

  test('that took one job is over once it is gone', async () => {
    const oneJob = vmRunner({ ephemeral: true, busy: true });
    const isSeen = () => github.asked.filter(({ what }) => what.includes('/actions/runners')).length > 2;
    const answer: GitHubScript['answer'] = (asked) => {
      if (!isSeen()) return undefined;
      if (isList(asked)) return none;
      return asked.what.endsWith('/runners/23') ? { status: 404 } : undefined;
    };
    const ended = await playWith({ runners: [oneJob], answer }, { when_busy: 'wait', idle_for: '90s' });
    expect(codeOf(ended)).toEqual(['true', '']);
    expect(ended.log).toContain('The runner is no longer registered: no job is running on it');
    expect(ended.log).not.toContain('making sure, because GitHub shows a new job late');
  });

  test('that never existed does not count as over; a hint says what may be wrong', async () => {
    const ended = await playWith({ runners: [vmRunner({ name: 'other' })] }, { runner_ephemeral: 'true' });
    expect(codeOf(ended)).toEqual(['false', 'runner_not_found']);
    expect(ended.log).toMatch(/No runner in this scope matches runner_name .* remove runner_ephemeral/);
  });
});

describe('a sweep', () => {
  const sweep = { restart_if: 'runner_offline', when_busy: '' };

  test('leaves a VM with an online runner alone, which is no failure', async () => {
    const ended = await playWith({ runners: [vmRunner()] }, sweep);
    expect([ended.exitCode, ...codeOf(ended)]).toEqual([0, 'false', '']);
    expect(ended.log).toContain('restart_if leaves it alone');
    expect(ended.outputs['remaining']).toBe('');
  });

  test('leaves a VM alone whose runner is offline with a job', async () => {
    const ended = await playWith(
      { runners: [vmRunner({ status: 'offline', busy: true })], ...busyJob },
      sweep,
    );
    expect([ended.exitCode, ...codeOf(ended)]).toEqual([0, 'false', '']);
    expect(ended.outputs['remaining']).not.toBe('');
  });

  test('restarts a VM whose runner stays offline', async () => {
    const ended = await playWith(
      { runners: [vmRunner({ status: 'offline' })] },
      { ...sweep, idle_for: '10s' },
    );
    expect(codeOf(ended)).toEqual(['true', '']);
  });
});

describe('after the restart', () => {
  const waits = { wait_for_runner: 'true', runner_timeout: '60s', when_busy: 'ignore' };
  /** How GitHub shows the runner at each read by ID after the restart; the last entry repeats. */
  const shown = (...statuses: readonly string[]): NonNullable<GitHubScript['answer']> => {
    return ({ what, before }) => {
      if (!what.endsWith('/runners/23')) return undefined;
      return {
        body: vmRunner({ version: '2.300.0', status: statuses[Math.min(before, statuses.length - 1)] }),
      };
    };
  };
  const runners = [vmRunner({ version: '2.300.0' })];

  test('two reads must show the runner online', async () => {
    const ended = await playWith({ runners, answer: shown('offline', 'online') }, waits);
    expect([...codeOf(ended), ended.outputs['runner_status']]).toEqual(['true', '', 'online']);
    expect(ended.log).toContain('waiting for the runner: it is online again');
    expect(ended.log).toContain('has version 2.300.0, but GitHub requires 2.329.0');
  });

  test('one that connects and ends is not back', async () => {
    const ended = await playWith({ runners, answer: shown('offline', 'online', 'offline') }, waits);
    expect([...codeOf(ended), ended.outputs['runner_status']]).toEqual([
      'true',
      'runner_not_back',
      'not_back',
    ]);
  });

  test.each<[string, string, string[]]>([
    ['both return', 'online', ['true', '', 'online']],
    ['only one returns', 'offline', ['true', 'runner_not_back', 'not_back']],
  ])('of two runners in one VM, %s', async (_, status, expected) => {
    const pair = (statusOfB: string, statusOfA = statusOfB) => [
      vmRunner({ id: 30, name: 'macos-vm-7-a', status: statusOfA }),
      vmRunner({ id: 31, name: 'macos-vm-7-b', status: statusOfB }),
    ];
    // The first list comes before the restart, the second one after it.
    const lists = [pair('online'), pair('offline'), pair(status, 'online')];
    const answer: GitHubScript['answer'] = (asked) =>
      isList(asked) ? { body: { total_count: 2, runners: lists[Math.min(asked.before, 2)] } } : undefined;
    const ended = await playWith({ answer }, { ...waits, runner_name: 'macos-vm-7-*' });
    expect([...codeOf(ended), ended.outputs['runner_status']]).toEqual(expected);
  });
});
