import { getOctokit } from '@actions/github';
import { type Clock, seconds } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { isRecord, parseJson, text, UnusableAnswer } from '../http/json.ts';
import { type Attempt, type Fault, isTransientStatus, type RetryBounds, retry } from '../http/retry.ts';
import type { Answer, HttpResult, NoAnswer, Transport } from '../http/transport.ts';
import { rateLimitMs } from './rate-limit.ts';
import { describeScope, fittingToken, type Scope } from './scope.ts';

/** A question to GitHub. */
export interface Question<T> {
  /** As in GitHub's reference, e.g. `GET /orgs/{org}/actions/runners`. */
  readonly route: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Makes sense of HTTP 200. @throws UnusableAnswer to ask again. */
  readonly read: (data: unknown, answer: Answer) => T;
  /** Makes sense of another status, where it is an answer, too. */
  readonly otherwise?: (status: number) => { readonly value: T } | undefined;
}

/** GitHub's REST API, for questions about the runners of one scope. */
export interface GitHubClient {
  /**
   * Asks until the deadline: again after network errors, HTTP 408, 429, 5xx and unusable answers, but never before GitHub's
   * rate limits allow it.
   * @throws ActionError `github_api_failed`, transient where more time might have healed it; the signal's reason.
   */
  ask<T>(question: Question<T>, bounds: RetryBounds): Promise<T>;
  /** What was asked so far, and what is left of the quota. */
  describeUsage(): string;
}

export interface GitHubClientOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly token: string;
  readonly scope: Scope;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between two tries. */
  readonly random: () => number;
  /** Takes secrets out of free text that GitHub wrote. */
  readonly scrub: (text: string) => string;
}

/** A page of 100 runners has some 60 KiB. */
const MAX_BYTES = 2 * 1024 * 1024;
const NO_ANSWER = 'no answer of GitHub';

export function createGitHubClient({
  scope,
  clock,
  random,
  scrub,
  ...options
}: GitHubClientOptions): GitHubClient {
  const send = createSender(options);
  const usage = createUsage();
  /** GitHub wants no request before: milliseconds on the clock's scale. */
  let allowedAt = Number.NEGATIVE_INFINITY;

  async function ask<T>(question: Question<T>, bounds: RetryBounds): Promise<T> {
    await waitUntilAllowed(bounds);
    const tryOnce = async () => {
      const { result, data } = await send(question, bounds);
      bounds.signal.throwIfAborted();
      if ('answer' in result) usage.count(result.answer);
      const attempt = judge(question, { result, data });
      if ('fault' in attempt) allowedAt = clock.now() + (attempt.fault.waitMs ?? 0);
      return attempt;
    };
    const last = await retry({ clock, random }, tryOnce, bounds);
    if ('value' in last) return last.value;
    throw givenUp(last.fault);
  }

  async function waitUntilAllowed({ deadline, signal }: RetryBounds): Promise<void> {
    const waitMs = allowedAt - clock.now();
    if (waitMs <= 0) return;
    if (allowedAt >= deadline)
      throw givenUp({ kind: NO_ANSWER, reason: 'its rate limit allows no request yet' });
    await clock.sleep(waitMs, signal);
  }

  function judge<T>(question: Question<T>, { result, data }: Sent): Attempt<T, GitHubFault> {
    if ('noAnswer' in result) return { fault: faultOf(result.noAnswer) };
    const { answer } = result;
    if (answer.status === 200) return readSuccess(question, { answer, data });
    const known = question.otherwise?.(answer.status);
    if (known !== undefined) return known;
    const waitMs = rateLimitMs(answer);
    const said = describeAnswer(answer, scrub);
    if (waitMs === undefined && !isTransientStatus(answer.status))
      throw rejected(answer, { said, scope, scrub });
    const pauseMs = waitMs ?? answer.retryAfterMs;
    const askedFor = pauseMs === undefined ? '' : `, asking to wait for ${seconds(pauseMs)}`;
    return { fault: { kind: NO_ANSWER, reason: `it answered ${said}${askedFor}`, waitMs: pauseMs } };
  }

  return { ask, describeUsage: usage.describe };
}

// ---- sending ----

interface Sent {
  readonly result: HttpResult;
  /** The answer's JSON; undefined where there is none that can be read, or the status says that something is wrong. */
  readonly data: unknown;
}

type Sender = (
  question: Pick<Question<unknown>, 'route' | 'parameters'>,
  bounds: RetryBounds,
) => Promise<Sent>;

/**
 * Octokit makes the request; it travels as those to the controller do, so that time, size and proxies are in one place. And so
 * is the answer's JSON read: octokit's own reader takes seconds for a large text, in which nothing else goes on.
 */
function createSender({
  baseUrl,
  token,
  transport,
}: Pick<GitHubClientOptions, 'baseUrl' | 'token' | 'transport'>): Sender {
  const octokit = getOctokit(token, { baseUrl, userAgent: 'restart-anka-vm' });
  return async ({ route, parameters }, bounds) => {
    const sent: { result?: HttpResult } = {};
    const fetch = async (url: string, { headers }: { headers: Record<string, string> }) => {
      const path = url.slice(baseUrl.length);
      const request = { method: 'GET', path, headers, maxBytes: MAX_BYTES, isWrite: false } as const;
      sent.result = await transport.send(request, bounds);
      // What came is judged elsewhere; and no header of the server gets to octokit, which could make it print something.
      return Response.json(null);
    };
    // Octokit's errors hold the request: they go no further.
    const failure = await octokit
      .request(route, { ...parameters, request: { fetch } })
      .then(() => '', describeCause);
    const { result } = sent;
    if (result === undefined) throw new Error(`octokit sent nothing: ${failure}`);
    const isSuccess = 'answer' in result && result.answer.status === 200;
    return { result, data: isSuccess ? parseJson(result.answer.text) : undefined };
  };
}

// ---- answers ----

interface GitHubFault extends Fault {
  readonly cause?: unknown;
}

function readSuccess<T>(
  { read }: Question<T>,
  { answer, data }: { answer: Answer; data: unknown },
): Attempt<T, GitHubFault> {
  try {
    return { value: read(data, answer) };
  } catch (error) {
    if (!(error instanceof UnusableAnswer)) throw error;
    return { fault: { kind: NO_ANSWER, reason: error.message, cause: error } };
  }
}

function faultOf({ reason, isPermanent, cause }: NoAnswer): GitHubFault {
  if (!isPermanent) return { kind: NO_ANSWER, reason, cause };
  throw new ActionError('github_api_failed', `GitHub cannot be asked: ${reason}.`, {
    hint: 'Check GITHUB_API_URL and the proxy of the machine that runs the step.',
    cause,
  });
}

/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeAnswer({ status, text: json }: Answer, scrub: (text: string) => string): string {
  const body = parseJson(json);
  const message = isRecord(body) ? text(body, 'message') : undefined;
  return `HTTP ${status}${message === undefined ? '' : ` ("${scrub(message)}")`}`;
}

/** What will not heal: somebody said no, or it is not GitHub's API. */
function rejected(
  { status, headers }: Answer,
  { said, scope, scrub }: Pick<GitHubClientOptions, 'scope' | 'scrub'> & { said: string },
): ActionError {
  const where = describeScope(scope);
  if (status === 401) {
    const hint = `It may be mistyped, or have expired. ${fittingToken(scope)}`;
    return new ActionError('github_api_failed', `GitHub does not take github_token: ${said}.`, { hint });
  }
  if (status === 403 || status === 404) {
    const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
    const wants = permission === undefined ? '' : `; GitHub wants "${scrub(permission)}"`;
    const message = `github_token may not read the self-hosted runners of ${where}: ${said}${wants}.`;
    const hint = `Check runner_scope and github_token. ${fittingToken(scope)}`;
    return new ActionError('github_api_failed', message, { hint });
  }
  const message = `GitHub answered the question for the self-hosted runners of ${where} with ${said}.`;
  const hint = 'Check runner_scope (was it renamed?) and GITHUB_API_URL.';
  return new ActionError('github_api_failed', message, { hint });
}

function givenUp({ reason, cause }: GitHubFault): ActionError {
  return new ActionError('github_api_failed', `GitHub gave no usable answer; at last: ${reason}.`, {
    hint: 'Look at githubstatus.com and at the network of the machine that runs the step.',
    cause,
    isTransient: true,
  });
}

function createUsage() {
  const counts = { requests: 0, unchanged: 0 };
  let quota = 'unknown';
  return {
    count({ status, headers }: Answer) {
      counts.requests++;
      if (status === 304) counts.unchanged++;
      const { 'x-ratelimit-remaining': left, 'x-ratelimit-limit': limit } = headers;
      if (left !== undefined) quota = `${left} of ${limit ?? 'unknown'}`;
    },
    describe: () =>
      `GitHub answered ${counts.requests} requests, ${counts.unchanged} of them free of charge (not modified); quota left: ${quota}`,
  };
}
