import type { Clock } from '../clock.ts';
import type { Dispatchers } from '../http/connections.ts';
import { createTransport } from '../http/transport.ts';
import type { Log } from '../log.ts';
import { createGitHub, createToken, type Token } from './github-client.ts';
import { createJobsSource, createNoJobsSource, type JobsSource } from './jobs.ts';
import { createRunners, type Runners } from './runners.ts';
import { type RepositoryScope, repositoryOf, type Scope } from './scope.ts';

/** What GitHub is asked for, for all VMs of a step. */
export interface Sources {
  readonly runners: Runners;
  readonly jobs: JobsSource;
}

export interface OpenedSources extends Sources {
  /** Ends the connections, and says in the debug log how much of GitHub's quota was used. */
  close(): Promise<void>;
}

export interface SourcesOptions {
  readonly scope: Scope;
  /** Reads the runners; and the jobs where `jobsToken` cannot. */
  readonly token: string;
  /** Reads the jobs of the workflow's own repository. */
  readonly jobsToken?: string | undefined;
  /** Of the workflow, `owner/repo`. */
  readonly repository: string;
  /** Of GitHub's REST API. */
  readonly apiUrl: URL;
  readonly proxy: URL | undefined;
  /** For one HTTP request. */
  readonly requestTimeoutMs: number;
  /** Carry the requests instead of the network. */
  readonly dispatchers: Dispatchers | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

const PUBLIC_TLS = { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true };

/** Connects to GitHub. */
export function openSources(options: SourcesOptions): OpenedSources {
  const { scope, apiUrl: baseUrl, proxy, requestTimeoutMs, dispatchers, clock, random, log } = options;
  const connection = { proxy, tls: PUBLIC_TLS, requestTimeoutMs, clock, dispatchers };
  const transport = createTransport({ baseUrl, ...connection });
  const github = createGitHub({
    ...{ baseUrl: baseUrl.href.replace(/\/+$/, ''), transport, clock, random, debug: log.debug },
  });
  const token = createToken('github_token', options.token);
  const repository = repositoryOf(scope, options.repository);
  const tokens = repository === undefined ? [] : jobsTokens(token, repository, options);
  const place = repository && { client: github.clientWith(tokens), repository };
  return {
    runners: createRunners(github.clientWith([token]), scope),
    jobs: place === undefined ? createNoJobsSource(log) : createJobsSource(place, { clock, log }),
    close() {
      log.debug(github.describeUsage());
      return transport.close();
    },
  };
}

/** Those that may read the jobs of a repository; the one to try first comes first. */
function jobsTokens(
  token: Token,
  { owner, repo }: RepositoryScope,
  { jobsToken = '', repository }: Pick<SourcesOptions, 'jobsToken' | 'repository'>,
): Token[] {
  const isOwn = `${owner}/${repo}`.toLowerCase() === repository.toLowerCase();
  const isOther = jobsToken !== '' && jobsToken !== token.value;
  return isOwn && isOther ? [createToken('jobs_token', jobsToken), token] : [token];
}
