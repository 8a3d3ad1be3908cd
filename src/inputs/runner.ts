// What to do about the GitHub runner in the VM.

import { parseScope, type Scope } from '../github/scope.ts';
import type { RunnerOptions, WhenBusy } from '../runner/runner-options.ts';
import type { OwnRunner } from '../runner/self-restart.ts';
import { readProxy } from './access.ts';
import {
  all,
  complete,
  createForm,
  type Environment,
  type Field,
  type Form,
  isGiven,
  readSecret,
  requireInput,
} from './form.ts';
import * as parse from './parsers.ts';

const { SECOND, HOUR } = parse;
const TOKEN = /^[\x21-\x7e]+$/;
const PUBLIC_API = 'https://api.github.com';

/** Undefined in the field if `runner_name` is blank. */
export function readRunnerOptions(form: Form): Field<RunnerOptions | undefined> {
  const { read } = form;
  const token = readToken(form, 'github_token');
  const jobsToken = readToken(form, 'jobs_token');
  const nameTemplate = read('runner_name', parse.runnerName);
  const restartIf = read('restart_if', parse.oneOf('always', 'runner_offline'));
  const isSweep = restartIf && { value: restartIf.value === 'runner_offline' };
  const when = {
    ...{
      isEphemeral: read('runner_ephemeral', parse.boolean),
      isSweep,
      whenBusy: readWhenBusy(form, isSweep),
    },
    drains: drainsOf(form),
    idleForMs: read('idle_for', parse.duration({ min: 0, max: HOUR })),
    busyTimeoutMs: read('busy_timeout', parse.duration({ min: SECOND, max: 24 * HOUR })),
    waitsForRunner: read('wait_for_runner', parse.boolean),
    runnerTimeoutMs: read('runner_timeout', parse.timeout),
  };
  if (!isGiven(form, 'runner_name')) return withoutRunner(form, when);
  requireInput(form, 'github_token', 'runner_name is given, and this token reads the runners');
  const apiUrl = readApiUrl(form);
  return all<RunnerOptions>({
    nameTemplate,
    token: token && { value: token.value ?? '' },
    jobsToken,
    ...when,
    apiUrl,
    scope: readScope(form),
    proxy: apiUrl && readProxy(form, apiUrl.value),
  });
}

/** How to reach the runners of a scope. */
type RunnersAccess = Pick<RunnerOptions, 'token' | 'scope' | 'apiUrl' | 'proxy'>;

/**
 * What the post step needs, and nothing else: labels are restored even if another input is invalid.
 * @throws ActionError `invalid_input`
 */
export function readRunnersAccess(environment: Environment, onSecret: Form['onSecret']): RunnersAccess {
  const form = createForm(environment, onSecret);
  const token = readToken(form, 'github_token');
  requireInput(form, 'github_token', 'it restores the labels of runners');
  const apiUrl = readApiUrl(form);
  const access = all<RunnersAccess>({
    token: token && { value: token.value ?? '' },
    scope: readScope(form),
    apiUrl,
    proxy: apiUrl && readProxy(form, apiUrl.value),
  });
  return complete(form, access);
}

/** If the input is blank, the workflow's repository. */
function readScope(form: Form): Field<Scope> {
  const scope = form.read('runner_scope', parse.optionalScope);
  return scope && (scope.value === undefined ? thisRepository(form) : { value: scope.value });
}

/** A one-job runner needs no drain: it takes no second job. */
function drainsOf(form: Form): Field<RunnerOptions['drains']> {
  const drain = form.read('drain', parse.boolean);
  if (drain?.value !== true) return drain && { value: undefined };
  if (form.read('runner_ephemeral', parse.boolean)?.value)
    form.problems.push(
      'drain, runner_ephemeral: a runner that takes one job only is not drained; give one of them',
    );
  if (!isGiven(form, 'runner_name'))
    form.problems.push('drain, runner_name: drain is given, but runner_name is not; give it');
  return { value: { runId: form.environment['GITHUB_RUN_ID'] || '0' } };
}

/** By default, a sweep skips a busy VM, because the next sweep will find it again. */
function readWhenBusy(form: Form, isSweep: Field<boolean>): Field<WhenBusy> {
  if (!isGiven(form, 'when_busy')) return { value: isSweep?.value ? 'skip' : 'wait' };
  return form.read('when_busy', parse.oneOf('wait', 'fail', 'skip', 'ignore'));
}

interface AboutRunner {
  readonly isSweep: Field<boolean>;
  readonly isEphemeral: Field<boolean>;
}

function withoutRunner(form: Form, { isSweep, isEphemeral }: AboutRunner): { readonly value: undefined } {
  if (isEphemeral?.value)
    form.problems.push(
      'runner_ephemeral, runner_name: runner_ephemeral is given, but runner_name is not; give it',
    );
  if (isSweep?.value)
    form.problems.push('restart_if, runner_name: runner_offline is given, but runner_name is not; give it');
  if (isGiven(form, 'github_token') || isGiven(form, 'runner_scope'))
    form.problems.push(
      'runner_name: it is blank, so the runner would not be watched; give it, or leave out github_token and runner_scope',
    );
  return { value: undefined };
}

/** Undefined in the field if the input is blank. */
function readToken(form: Form, name: string): Field<string | undefined> {
  const token = readSecret(form, name);
  if (token?.value === undefined || TOKEN.test(token.value)) return token;
  form.problems.push(
    `${name}: it contains characters that are not valid in a token, such as a space or a line break`,
  );
  return undefined;
}

function thisRepository({ environment, accept }: Form): Field<Scope> {
  const scope = parseScope(environment['GITHUB_REPOSITORY'] ?? '');
  const problem = 'it is blank, and GITHUB_REPOSITORY is not set: give it';
  return accept('runner_scope', scope === undefined ? { problem } : { value: scope });
}

/** The API of github.com, or of a GitHub Enterprise Server. */
function readApiUrl({ environment, problems }: Form): Field<URL> {
  const url = URL.parse(environment['GITHUB_API_URL'] || PUBLIC_API);
  const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isPlain && /^https?:$/.test(url.protocol)) return { value: url };
  problems.push('GITHUB_API_URL (environment): it must be of the form http(s)://host[:port][/prefix]');
  return undefined;
}

/** The step's own runner, unless it is GitHub-hosted. */
export function readOwnRunner(environment: Environment): OwnRunner {
  const isHosted = environment['RUNNER_ENVIRONMENT'] === 'github-hosted';
  return {
    runnerName: isHosted ? undefined : environment['RUNNER_NAME'],
    repository: environment['GITHUB_REPOSITORY'] ?? '',
  };
}
