import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type GitHubScript,
  type HandwrittenGitHub,
  jobOf,
  queuedJob,
  startGitHub,
  vmRunner,
} from '../support/handwritten-github.ts';
import { type Ended, play, TOKEN } from '../support/scenario.ts';

// The committed bundle against a GitHub that behaves as users have reported. Each test is a public report.

let github: HandwrittenGitHub;

afterEach(() => github.close());

async function playWith(script: GitHubScript, inputs: Readonly<Record<string, string>> = {}): Promise<Ended> {
  github = await startGitHub(script);
  const asked = {
    runner_name: 'macos-vm-7',
    runner_scope: 'octo-org/app',
    idle_for: '0s',
    wait_for_runner: 'false',
  };
  return play({
    runners: {},
    inputs: { ...asked, ...inputs },
    way: { environment: { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'octo-org/app' } },
  });
}

const codeOf = ({ outputs }: Ended) => [outputs['restarted'], outputs['error_code']];
/** Other runners of the scope. */
const others = (count: number) =>
  Array.from({ length: count }, (_, index) => vmRunner({ id: 1_000 + index, name: `linux-${index}` }));

describe.each(['queued', 'pending', 'waiting', 'requested', 'in_progress'])('a run that is %s', (status) => {
  test('may have a job in progress on the runner', async () => {
    const script = {
      runners: [vmRunner()],
      runs: [{ id: 901, status }],
      jobs: { 901: [queuedJob(901), jobOf(901)] },
    };
    const ended = await playWith(script, { when_busy: 'fail' });
    expect(codeOf(ended)).toEqual(['false', 'runner_busy']);
    expect(ended.log).toContain('but job "test" of run 901 is in progress on it');
  });

  test('may have none', async () => {
    const script = { runners: [vmRunner()], runs: [{ id: 901, status }], jobs: { 901: [queuedJob(901)] } };
    expect(codeOf(await playWith(script, { when_busy: 'fail' }))).toEqual(['true', '']);
  });
});

test.each([401, 403, 404])('a token that was just made gets HTTP %i for a while', async (status) => {
  const answer: GitHubScript['answer'] = ({ what, before }) =>
    what.endsWith('/actions/runners') && before < 4
      ? { status, body: { message: 'Bad credentials' } }
      : undefined;
  const ended = await playWith({ runners: [vmRunner()], answer }, { dry_run: 'true' });
  expect([ended.exitCode, ...codeOf(ended)]).toEqual([0, 'false', '']);
  expect(ended.log).toContain('Dry run: Runner "macos-vm-7" (ID 23) is online, idle');
});

test.each([301, 410, 422])('after a single HTTP %i, the jobs are read again', async (status) => {
  const busy = { runners: [vmRunner()], runs: [{ id: 901, status: 'queued' }], jobs: { 901: [jobOf(901)] } };
  const answer: GitHubScript['answer'] = ({ what, before }) =>
    what.endsWith('/actions/runs') && before === 0 ? { status } : undefined;
  const ended = await playWith({ ...busy, answer }, { when_busy: 'fail' });
  expect(codeOf(ended)).toEqual(['false', 'runner_busy']);
});

test('runners that GitHub counts but does not list are not missing', async () => {
  const answer: GitHubScript['answer'] = ({ what, before }) =>
    what.endsWith('/actions/runners') && before < 2
      ? { body: { total_count: 2, runners: others(1) } }
      : undefined;
  const ended = await playWith({ runners: [...others(1), vmRunner()], answer });
  expect(codeOf(ended)).toEqual(['true', '']);
  expect(ended.log).toContain(
    'its list of the self-hosted runners of repository octo-org/app has only 1 of 2, and the runner may be among the rest',
  );
});

test('the client counts pages itself if their links name another host', async () => {
  const runs = Array.from({ length: 101 }, (_, id) => ({ id: id + 1, status: 'queued' }));
  const done = Array.from({ length: 100 }, () => jobOf(101, { status: 'completed' }));
  const script = { runners: [...others(100), vmRunner()], runs, jobs: { 101: [...done, jobOf(101)] } };
  const ended = await playWith(script, { when_busy: 'fail' });
  expect(codeOf(ended)).toEqual(['false', 'runner_busy']);
  // On a busy machine a read of the jobs may exceed its limit. Another read then continues it, so each page may be requested again.
  const second = github.asked.filter(({ query }) => query.get('page') === '2').map(({ what }) => what);
  const repository = 'GET /repos/octo-org/app/actions';
  expect(new Set(second)).toEqual(
    new Set([`${repository}/runners`, `${repository}/runs`, `${repository}/runs/101/jobs`]),
  );
});

test.each([1, 101])('a runner in other upper and lower case is found among %i', async (count) => {
  const script = { runners: [...others(count), vmRunner({ name: 'MacOS-VM-7' })] };
  const ended = await playWith(script, { dry_run: 'true' });
  expect([ended.exitCode, ended.log]).toEqual([0, expect.stringContaining('Runner "MacOS-VM-7" (ID 23)')]);
});

describe('the error explains what went wrong', () => {
  const refused = (status: number, headers = {}): GitHubScript => ({
    answer: () => ({ status, body: { message: 'Not allowed' }, headers }),
  });

  test('HTTP 404: what it means', async () => {
    const { log, outputs } = await playWith(refused(404), { runner_scope: 'octo-org/ap' });
    expect(outputs['error_code']).toBe('github_api_failed');
    expect(log).toContain(
      'GitHub does not find the self-hosted runners of repository octo-org/ap with github_token: HTTP 404 ("Not allowed"). It does not exist, or the token cannot see it.',
    );
    expect(log).toContain('Check the spelling of runner_scope');
  });

  test('HTTP 422: what GitHub says, without the token in it', async () => {
    const secrets = [TOKEN, Buffer.from(TOKEN).toString('base64'), Buffer.from(TOKEN).toString('hex')];
    const message = `No, ${secrets.join(' ')}\n::error::owned`;
    const { log, outputs, summary } = await playWith({ answer: () => ({ status: 422, body: { message } }) });
    expect(outputs['error_code']).toBe('github_api_failed');
    const shown = log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    const [error, ...others] = shown.filter((line) => line.startsWith('::error'));
    expect(error).toContain('with HTTP 422 ("No, *** *** ***%0A: :error::owned")');
    expect(others).toEqual([]);
    const written = [...shown, summary, ...Object.values(outputs)].join('\n');
    for (const secret of secrets) expect(written).not.toContain(secret);
  });

  test('single sign-on: the link to authorize the token', async () => {
    const link = 'https://github.com/orgs/octo-org/sso?authorization_request=AZSCKtL4';
    const { log } = await playWith(refused(403, { 'x-github-sso': `required; url=${link}` }));
    expect(log).toContain(`The organization requires single sign-on (SSO): authorize the token at ${link}.`);
  });

  test('a repository without the runner: runner_scope', async () => {
    const { log, outputs } = await playWith({ runners: [] }, { runner_scope: '' });
    expect(outputs['error_code']).toBe('runner_not_found');
    expect(log).toContain(
      'A runner of an organization or enterprise is found only if runner_scope names it.',
    );
  });

  test('a typo in runner_name: the nearest names first', async () => {
    const runners = [...others(20), vmRunner()];
    const { log } = await playWith({ runners }, { runner_name: 'macso-vm-7' });
    expect(log).toContain('there are "macos-vm-7" (ID 23, online, idle), ');
  });
});

describe('jobs_token', () => {
  const busy = {
    runners: [vmRunner()],
    runs: [{ id: 901, status: 'in_progress' }],
    jobs: { 901: [jobOf(901)] },
  };
  const inputs = { when_busy: 'fail', jobs_token: 'the-jobs-token', github_token: 'the-runners-token' };

  test('reads the jobs, and github_token the runners', async () => {
    expect(codeOf(await playWith(busy, inputs))).toEqual(['false', 'runner_busy']);
    const tokens = new Set(github.asked.map(({ what, token }) => `${what.split('/')[5]} ${token}`));
    expect(tokens).toEqual(new Set(['runners the-runners-token', 'runs the-jobs-token']));
  });

  test.each([401, 403, 404])('gives way to github_token at HTTP %i', async (status) => {
    const answer: GitHubScript['answer'] = ({ token }) =>
      token === 'the-jobs-token' ? { status } : undefined;
    expect(codeOf(await playWith({ ...busy, answer }, inputs))).toEqual(['false', 'runner_busy']);
  });
});
