// Connects to GitHub: which sources the step reads there, and with which tokens.

import type { Clock } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { Dispatchers } from '../http/connections.ts';
import type { RetryBounds } from '../http/retry.ts';
import { createTransport } from '../http/transport.ts';
import type { Log } from '../log.ts';
import { createGitHub, createToken, type GitHubOptions, type Token } from './github-client.ts';
import { createJobsSource, createNoJobsSource, type JobsSource, type RunJobs, readRunJobs } from './jobs.ts';
import { createRunnerLabels, type RunnerLabels } from './runner-labels.ts';
import { createRunners, type Listing, type Runners } from './runners.ts';
import { parseScope, type RepositoryScope, repositoryOf, type Scope } from './scope.ts';

/** The two sources that show jobs. All VMs of a step use the same ones. */
export interface Sources {
  readonly runners: Runners;
  readonly jobs: JobsSource;
}

export interface OpenedSources extends Sources {
  readonly labels: RunnerLabels;
  /** The jobs of a run of the workflow's own repository. @throws ActionError as the GitHub client does. */
  readRun(runId: number, bounds: RetryBounds): Promise<RunJobs>;
  /** Closes the connections, and writes to the debug log how much of GitHub's quota the step used. */
  close(): Promise<void>;
}

interface SourcesOptions {
  readonly scope: Scope;
  /** Reads the runners, and the jobs if `jobsToken` cannot. */
  readonly token: string;
  /** Reads the jobs of the workflow's own repository. */
  readonly jobsToken?: string | undefined;
  /** The workflow's own: `owner/repo`. */
  readonly repository: string;
  /** Of GitHub's REST API. */
  readonly apiUrl: URL;
  readonly proxy: URL | undefined;
  /** For one HTTP request. */
  readonly requestTimeoutMs: number;
  /** Send the requests instead of the network. */
  readonly dispatchers: Dispatchers | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  readonly budget?: GitHubOptions['budget'];
  /** Called after each list of runners that GitHub dated. */
  readonly onList?: ((listing: Listing) => void) | undefined;
}

const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

export function openSources(options: SourcesOptions): OpenedSources {
  const {
    scope,
    apiUrl: baseUrl,
    proxy,
    requestTimeoutMs,
    dispatchers,
    clock,
    random,
    budget,
    log,
  } = options;
  const connection = { proxy, tls: PUBLIC_TLS, requestTimeoutMs, clock, dispatchers };
  const transport = createTransport({ baseUrl, ...connection });
  const url = baseUrl.href.replace(/\/+$/, '');
  const github = createGitHub({ baseUrl: url, transport, clock, random, budget, debug: log.debug });
  const token = createToken('github_token', options.token);
  const originFor = (repository: RepositoryScope) => {
    return { client: github.clientWith(jobsTokens(token, repository, options)), repository };
  };
  const repository = repositoryOf(scope, options.repository);
  const origin = repository && originFor(repository);
  const own = parseScope(options.repository);
  return {
    runners: createRunners(github.clientWith([token]), scope, options),
    labels: createRunnerLabels(github.clientWith([token]), scope),
    jobs: origin === undefined ? createNoJobsSource(log) : createJobsSource(origin, { clock, log }),
    async readRun(runId, bounds) {
      if (own?.kind !== 'repository') throw noRepository();
      return readRunJobs(originFor(own), runId, bounds);
    },
    close() {
      log.debug(github.describeUsage());
      return transport.close();
    },
  };
}

function noRepository(): ActionError {
  return new ActionError(
    'invalid_input',
    'used_by_job reads a workflow run, but GITHUB_REPOSITORY is not set.',
    {
      hint: 'Run the step in a workflow, where GitHub sets it.',
    },
  );
}

/** The tokens for the jobs of a repository, in the order to try them. `jobs_token` is only for the workflow's own repository. */
function jobsTokens(
  token: Token,
  { owner, repo }: RepositoryScope,
  { jobsToken = '', repository }: Pick<SourcesOptions, 'jobsToken' | 'repository'>,
): Token[] {
  const isOwn = `${owner}/${repo}`.toLowerCase() === repository.toLowerCase();
  const isOther = jobsToken !== '' && jobsToken !== token.value;
  return isOwn && isOther ? [createToken('jobs_token', jobsToken), token] : [token];
}
