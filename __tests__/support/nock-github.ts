import { beforeEach } from '@jest/globals';
import nock from 'nock';
import { ActionError } from '../../src/errors.ts';
import { createGitHub, createToken, type GitHub } from '../../src/github/github-client.ts';
import { createRunnerLabels, type RunnerLabels } from '../../src/github/runner-labels.ts';
import { createRunners, type Listing, type Runners } from '../../src/github/runners.ts';
import type { Scope } from '../../src/github/scope.ts';
import type { RetryBounds } from '../../src/http/retry.ts';
import { createTransport, type Transport } from '../../src/http/transport.ts';
import { closeNetwork, PLAIN } from './closed-network.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

// The real client of GitHub's API, with scripted answers: octokit's traffic in the shapes that GitHub's reference documents.

export const ORIGIN = 'https://api.github.example';
export const TOKEN = 'github_pat_hunter2';
export const REPOSITORY: Scope = { kind: 'repository', owner: 'octo-org', repo: 'app' };
export const RUNNERS = '/repos/octo-org/app/actions/runners';
export const ONE = `${RUNNERS}/23`;
export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** New for each test, and after {@link connect}. */
export let clock: FakeClock;
export let transport: Transport;
export let github: GitHub;
export let runners: Runners;
export let labels: RunnerLabels;
export let bounds: RetryBounds;
export let faults: string[];
export let debugged: string[];
export let listings: Listing[];

export function connect(scope = REPOSITORY, baseUrl = ORIGIN): void {
  // Pauses end at once. Limits, which have their own signals, are never reached.
  clock = createFakeClock((_, signal) => signal !== bounds.signal);
  [faults, debugged, listings] = [[], [], []];
  const signal = new AbortController().signal;
  bounds = { deadline: clock.now() + 600_000, signal, onFault: ({ reason }) => faults.push(reason) };
  const options = { proxy: undefined, tls: PLAIN, requestTimeoutMs: 10_000, clock };
  transport = createTransport({ baseUrl: new URL(baseUrl), ...options });
  runners = runnersOver(transport, { scope, baseUrl });
}

export function runnersOver(carrier: Transport, { scope = REPOSITORY, baseUrl = ORIGIN } = {}): Runners {
  const debug = (line: string) => debugged.push(line);
  github = createGitHub({ baseUrl, transport: carrier, clock, random: () => 0, debug });
  const client = github.clientWith([createToken('github_token', TOKEN)]);
  labels = createRunnerLabels(client, scope);
  return createRunners(client, scope, { clock, onList: (listing) => listings.push(listing) });
}

export const onGitHub = () => nock(ORIGIN, { reqheaders: { authorization: `token ${TOKEN}` } });
export const listed = (...items: unknown[]) => ({ total_count: items.length, runners: items });

export async function failure(asking: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await asking.catch((thrown: unknown) => thrown);
  if (!(error instanceof ActionError)) throw new Error('it did not fail', { cause: error });
  return error;
}

/** Call it once in a test file: each test begins with a new connection and no scripted answers. */
export function useNock(): void {
  beforeEach(() => connect());
  closeNetwork(() => transport.close());
}
