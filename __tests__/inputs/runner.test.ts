import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { readRunnersAccess } from '../../src/inputs/runner.ts';
import type { RunnerOptions } from '../../src/runner/runner-options.ts';
import { ID } from '../support/instances.ts';

type Given = Readonly<Record<string, string>>;

const WITH: Given = { controller_url: 'http://controller.example', instance_id: ID };
const ASKED: Given = { ...WITH, runner_name: ' mac-7 ', github_token: 'hunter2\n' };
const ENVIRONMENT: Given = { GITHUB_REPOSITORY: 'octo-org/app' };

function readAll(given: Given, environment: Given = ENVIRONMENT, secrets: string[] = []): Inputs {
  const variables = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  return readInputs({ ...environment, ...Object.fromEntries(variables) }, (...all) => secrets.push(...all));
}

function read(given: Given, environment?: Given, secrets?: string[]): RunnerOptions | undefined {
  return readAll(given, environment, secrets).runner;
}

function problemsOf(given: Given, environment: Given = ENVIRONMENT): string {
  try {
    read(given, environment);
  } catch (error) {
    if (error instanceof ActionError && error.code === 'invalid_input') return error.message;
    throw error;
  }
  return 'none';
}

test('without runner_name there is no runner to guard', () => {
  expect(read(WITH)).toBeUndefined();
  expect(read({ ...WITH, runner_name: ' ', when_busy: 'fail' })).toBeUndefined();
});

test('what is not given has its default', () => {
  expect(read(ASKED)).toEqual({
    nameTemplate: 'mac-7',
    scope: { kind: 'repository', owner: 'octo-org', repo: 'app' },
    token: 'hunter2',
    jobsToken: undefined,
    ...{ isEphemeral: false, isSweep: false, whenBusy: 'wait' },
    idleForMs: 90_000,
    busyTimeoutMs: 3_600_000,
    waitsForRunner: true,
    runnerTimeoutMs: 600_000,
    apiUrl: new URL('https://api.github.com'),
    proxy: undefined,
  });
});

test('a sweep needs a runner', () => {
  expect(problemsOf({ ...WITH, restart_if: 'runner_offline' })).toContain(
    'restart_if, runner_name: runner_offline is given, but runner_name is not; give it',
  );
});

test('a one-job runner needs a name', () => {
  expect(problemsOf({ ...WITH, runner_ephemeral: 'true' })).toContain(
    'runner_ephemeral, runner_name: runner_ephemeral is given, but runner_name is not; give it',
  );
});

describe('the access to runners alone, for the post step', () => {
  function accessFor(given: Given) {
    const variables = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const secrets: string[] = [];
    const environment = { ...ENVIRONMENT, HTTPS_PROXY: 'proxy:3128', ...Object.fromEntries(variables) };
    const access = readRunnersAccess(environment, (...all) => secrets.push(...all));
    return { access, secrets };
  }

  test('is the token, the scope, and the way to GitHub, whatever else is given', () => {
    const { access, secrets } = accessFor({ github_token: 'hunter2\n', timeout: 'soon' });
    expect(access).toEqual({
      token: 'hunter2',
      scope: { kind: 'repository', owner: 'octo-org', repo: 'app' },
      apiUrl: new URL('https://api.github.com'),
      proxy: expect.objectContaining({ host: 'proxy:3128' }),
    });
    expect(secrets).toContain('hunter2');
  });

  test.each<[string, Given]>([
    ['it restores the labels of runners', {}],
    ['runner_scope', { github_token: 'hunter2', runner_scope: 'a/b/c' }],
  ])('is refused without what it needs: %s', (problem, given) => {
    expect(() => accessFor(given)).toThrow(problem);
  });
});

test('the token for the jobs is a secret', () => {
  const secrets: string[] = [];
  read({ ...ASKED, jobs_token: 'hunter3' }, ENVIRONMENT, secrets);
  expect(secrets).toContain('hunter3');
});

test('the token is a secret', () => {
  const secrets: string[] = [];
  expect(() => read({ github_token: 'hunter2' }, {}, secrets)).toThrow();
  expect(secrets).toEqual(['hunter2']);
});

describe('what is taken', () => {
  test.each<[Given, Partial<RunnerOptions>]>([
    [{ runner_name: '{external_id}-{name}' }, { nameTemplate: '{external_id}-{name}' }],
    [{ runner_name: 'x'.repeat(1_000) }, { nameTemplate: 'x'.repeat(1_000) }],
    [{ runner_scope: ' octo-corp ' }, { scope: { kind: 'organization', org: 'octo-corp' } }],
    [{ runner_scope: 'enterprises/octo' }, { scope: { kind: 'enterprise', enterprise: 'octo' } }],
    [{ when_busy: ' ignore ' }, { whenBusy: 'ignore' }],
    [{ when_busy: 'fail' }, { whenBusy: 'fail' }],
    [
      { busy_timeout: '1s', runner_timeout: '24h' },
      { busyTimeoutMs: 1_000, runnerTimeoutMs: 86_400_000 },
    ],
    [{ when_busy: 'skip' }, { whenBusy: 'skip' }],
    [{ runner_name: '{uuid}-*' }, { nameTemplate: '{uuid}-*' }],
    [{ jobs_token: ' ' }, { jobsToken: undefined }],
    [{ jobs_token: 'hunter3\n' }, { jobsToken: 'hunter3' }],
    [{ runner_ephemeral: 'true' }, { isEphemeral: true }],
    [{ drain: 'true' }, { drains: { runId: '0' } }],
    [{ drain: 'false' }, { drains: undefined }],
    [{ restart_if: 'always' }, { isSweep: false, whenBusy: 'wait' }],
    [{ restart_if: 'runner_offline' }, { isSweep: true, whenBusy: 'skip' }],
    [
      { restart_if: 'runner_offline', when_busy: 'wait' },
      { isSweep: true, whenBusy: 'wait' },
    ],
    [
      { idle_for: '0s', wait_for_runner: 'false' },
      { idleForMs: 0, waitsForRunner: false },
    ],
    [
      { idle_for: '1h', wait_for_runner: 'True' },
      { idleForMs: 3_600_000, waitsForRunner: true },
    ],
    [
      { busy_timeout: '24h', runner_timeout: '90' },
      { busyTimeoutMs: 86_400_000, runnerTimeoutMs: 90_000 },
    ],
  ])('%j', (given, expected) => {
    expect(read({ ...ASKED, ...given })).toMatchObject(expected);
  });

  test('the run that the labels of a drain name', () => {
    const environment = { ...ENVIRONMENT, GITHUB_RUN_ID: '9001' };
    expect(read({ ...ASKED, drain: 'true' }, environment)?.drains).toEqual({ runId: '9001' });
  });

  test.each<[Given, string]>([
    [
      { ...ASKED, drain: 'true', runner_ephemeral: 'true' },
      'drain, runner_ephemeral: a runner that takes one job only is not drained',
    ],
    [{ drain: 'true' }, 'drain, runner_name: drain is given, but runner_name is not; give it'],
    [{ ...ASKED, drain: 'yes' }, 'drain: "yes" is neither true nor false'],
  ])('a drain that makes no sense is refused: %j', (given, problem) => {
    expect(() => read(given)).toThrow(problem);
  });

  test('the API and proxy of the environment', () => {
    const environment = {
      ...ENVIRONMENT,
      GITHUB_API_URL: 'https://github.example/api/v3',
      https_proxy: 'http://me:proxy-hunter2@proxy.example:3128',
    };
    const secrets: string[] = [];
    expect(read(ASKED, environment, secrets)).toMatchObject({
      apiUrl: new URL('https://github.example/api/v3'),
      proxy: new URL('http://me:proxy-hunter2@proxy.example:3128'),
    });
    expect(secrets).toContain('proxy-hunter2');
  });

  test('the public API if the environment names none', () => {
    expect(read(ASKED, { ...ENVIRONMENT, GITHUB_API_URL: '' })?.apiUrl.href).toBe('https://api.github.com/');
    expect(read(ASKED, { ...ENVIRONMENT, GITHUB_API_URL: 'http://ghes.example' })?.apiUrl.host).toBe(
      'ghes.example',
    );
  });

  test('an organization needs no repository', () => {
    expect(read({ ...ASKED, runner_scope: 'octo-org' }, {})?.scope).toEqual({
      kind: 'organization',
      org: 'octo-org',
    });
  });
});

describe('the runner that the step itself runs on', () => {
  test.each([
    ['is known of where GitHub is not to be asked', WITH],
    ['is known of where GitHub is to be asked', ASKED],
  ])('%s', (_, given) => {
    const environment = { ...ENVIRONMENT, RUNNER_NAME: 'mac-7', RUNNER_ENVIRONMENT: 'self-hosted' };
    expect(readAll(given, environment).ownRunner).toEqual({
      runnerName: 'mac-7',
      repository: 'octo-org/app',
    });
  });

  test('is not in any of the VMs if it is a GitHub-hosted machine', () => {
    const environment = {
      ...ENVIRONMENT,
      RUNNER_NAME: 'GitHub Actions 7',
      RUNNER_ENVIRONMENT: 'github-hosted',
    };
    expect(readAll(ASKED, environment).ownRunner.runnerName).toBeUndefined();
  });

  test('may be unknown', () => {
    expect(readAll(WITH, {}).ownRunner).toEqual({ runnerName: undefined, repository: '' });
  });
});

describe('what is refused', () => {
  test.each([
    [
      'runner_name',
      '{vm}',
      '"{vm}" is not a placeholder; use {external_id}, {name}, {instance_id} or {uuid}',
    ],
    ['runner_name', 'mac-{external_id', '"{external_id" is not a placeholder; use {external_id}'],
    ['runner_name', 'x'.repeat(1_001), 'a text of 1001 characters is longer than 1000'],
    ['runner_scope', 'a/b/c', '"a/b/c" is neither owner/repo'],
    [
      'github_token',
      '',
      'it is empty, but runner_name is given, and this token reads the runners. If it comes from a secret: does that secret exist',
    ],
    ['github_token', 'ghp_one ghp_two', 'it contains characters that are not valid in a token'],
    ['github_token', 'ghp_\u20ac', 'it contains characters that are not valid in a token'],
    ['when_busy', 'Wait', '"Wait" is not one of wait, fail, skip, ignore'],
    ['idle_for', '61m', '"61m" is not between 0s and 1h'],
    ['idle_for', '-1', '"-1" is not a time'],
    ['wait_for_runner', 'perhaps', '"perhaps" is'],
    ['busy_timeout', '25h', '"25h" is not between 1s and 24h'],
    ['busy_timeout', '0.9', '"0.9" is not between 1s and 24h'],
    ['runner_timeout', '0', '"0" is not between 10s and 24h'],
    ['runner_timeout', '25h', '"25h" is not between 10s and 24h'],
    ['runner_timeout', '9.9s', '"9.9s" is not between 10s and 24h'],
    ['runner_ephemeral', 'yes', '"yes" is neither true nor false'],
    ['restart_if', 'offline', '"offline" is not one of always, runner_offline'],
    ['jobs_token', 'hunter 2', 'it contains characters that are not valid in a token'],
  ])('%s: %j', (name, value, problem) => {
    const problems = problemsOf({ ...ASKED, [name]: value });
    expect(problems).toMatch(new RegExp(`^An input is invalid:\n- ${name}: `));
    expect(problems).toContain(problem);
  });

  test('a wrong placeholder hides nothing else that is wrong', () => {
    const problems = problemsOf({ ...WITH, runner_name: '{foo}', external_id: 'a*', instance_id: '' });
    expect(problems).toContain('"{foo}" is not a placeholder');
    expect(problems).toContain('github_token: it is empty, but runner_name is given');
    expect(problems).not.toContain('the same runner');
  });

  test.each(['github_token', 'runner_scope'])('%s without runner_name: a job might be killed', (name) => {
    const problems = problemsOf({ ...WITH, [name]: 'octo-org' });
    expect(problems).toBe(
      'An input is invalid:\n- runner_name: it is blank, so the runner would not be watched; give it, or leave out github_token and runner_scope',
    );
  });

  test('github_token without runner_name, in addition to other problems', () => {
    const problems = problemsOf({ ...WITH, github_token: 'hunter2', timeout: 'soon' });
    expect(problems).toContain('- runner_name: it is blank');
  });

  test('no scope if the step runs for no repository', () => {
    expect(problemsOf(ASKED, {})).toContain(
      '- runner_scope: it is blank, and GITHUB_REPOSITORY is not set: give it',
    );
  });

  test.each([
    'nonsense',
    'ftp://github.example',
    'https://me@github.example',
    'https://:pw@github.example',
    'https://github.example/?q=x',
    'https://github.example/#f',
    'xhttps://github.example',
  ])('GITHUB_API_URL %s', (GITHUB_API_URL) => {
    expect(problemsOf(ASKED, { ...ENVIRONMENT, GITHUB_API_URL })).toContain(
      '- GITHUB_API_URL (environment): it must be of the form http(s)://host[:port][/prefix]',
    );
  });

  test('an invalid proxy, once', () => {
    const given = { ...ASKED, controller_url: 'https://controller.example' };
    const problems = problemsOf(given, { ...ENVIRONMENT, HTTPS_PROXY: 'http://proxy/path' });
    expect(problems.match(/HTTPS_PROXY/g)).toHaveLength(1);
  });
});
