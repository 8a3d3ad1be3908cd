import type { RunnerOptions } from '../runner/guard.ts';
import { parseScope, type Scope } from '../runner/scope.ts';
import type { OwnRunner } from '../runner/self-restart.ts';
import { type Environment, type Form, isGiven, readSecret } from './form.ts';
import * as parse from './parsers.ts';
import { readProxy } from './proxy.ts';

const { SECOND, HOUR } = parse;
const TOKEN = /^[\x21-\x7e]+$/;
const PUBLIC_API = 'https://api.github.com';

/** What the step is to know of the GitHub runner in the VM; undefined where `runner_name` is blank. */
export function readRunnerOptions(form: Form): RunnerOptions | undefined {
  const { read, problems } = form;
  const token = readSecret(form, 'github_token');
  const nameTemplate = read('runner_name', parse.optionalRunnerName);
  const given = read('runner_scope', parse.optionalScope);
  const when = {
    whenBusy: read('when_busy', parse.oneOf('wait', 'fail', 'skip', 'ignore')),
    idleForMs: read('idle_for', parse.duration({ min: 0, max: HOUR })),
    busyTimeoutMs: read('busy_timeout', parse.duration({ min: SECOND, max: 24 * HOUR })),
    waitsForRunner: read('wait_for_runner', parse.boolean),
    runnerTimeoutMs: read('runner_timeout', parse.duration({ min: SECOND, max: 24 * HOUR })),
  };
  const isWanted = isGiven(form, 'runner_name');
  const hasToken = isGiven(form, 'github_token');
  if (!isWanted && (hasToken || isGiven(form, 'runner_scope')))
    problems.push(
      'runner_name: it is blank, so the runner would not be looked after; give it, or leave out github_token and runner_scope',
    );
  if (!isWanted) return undefined;
  if (!hasToken) problems.push('github_token: it is required with runner_name; it reads the runners');
  if (token !== undefined && !TOKEN.test(token))
    problems.push('github_token: it holds characters that no token has, such as a space or a line break');
  const apiUrl = readApiUrl(form);
  return {
    // Where it is wrong, that is on the list, and nothing of this is used.
    nameTemplate: nameTemplate ?? '',
    token: token ?? '',
    ...when,
    apiUrl,
    scope: given ?? thisRepository(form),
    proxy: readProxy(form, apiUrl),
  };
}

function thisRepository({ environment, accept }: Form): Scope {
  const scope = parseScope(environment['GITHUB_REPOSITORY'] ?? '');
  const problem = 'it is blank, and GITHUB_REPOSITORY is not set: give it';
  return accept('runner_scope', scope === undefined ? { problem } : { value: scope });
}

/** GitHub's own, or that of a GitHub Enterprise Server. */
function readApiUrl({ environment, problems }: Form): URL {
  const url = URL.parse(environment['GITHUB_API_URL'] || PUBLIC_API);
  const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isPlain && /^https?:$/.test(url.protocol)) return url;
  problems.push('GITHUB_API_URL (environment): it is no address of the form http(s)://host[:port][/prefix]');
  return new URL(PUBLIC_API);
}

/** The runner that the step runs on, unless that is one of GitHub's own machines. */
export function readOwnRunner(environment: Environment): OwnRunner {
  const isHosted = environment['RUNNER_ENVIRONMENT'] === 'github-hosted';
  return {
    runnerName: isHosted ? undefined : environment['RUNNER_NAME'],
    repository: environment['GITHUB_REPOSITORY'] ?? '',
  };
}
