import { getOctokit } from '@actions/github';
import type { Clock } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { isRecord, UnusableAnswer } from '../http/json.ts';
import { type Attempt, type RetryBounds, retry } from '../http/retry.ts';
import { createRetryBudget } from '../http/retry-budget.ts';
import type { Transport } from '../http/transport.ts';
import { CHECK_STATUS, faultOfReply, faultWith, type GitHubFault, rateLimitMs } from './github-faults.ts';
import { createFetch, createUsage } from './github-fetch.ts';
import type { Scope } from './scope.ts';

export type Octokit = ReturnType<typeof getOctokit>;
type OctokitResponse = Awaited<ReturnType<Octokit['request']>>;

/** What is to be made of GitHub's answers, and how long it may take until they are there. */
export interface Question extends RetryBounds {
  /** What of the data of HTTP 200 octokit is to go on with. @throws UnusableAnswer to ask again. */
  readonly readData: (data: unknown) => unknown;
  /** Other statuses that are answers, too, unless they tell of a rate limit: octokit throws its RequestError for them. */
  readonly otherAnswers?: readonly number[];
  /** What is asked for, for messages; the scope's runners if absent. */
  readonly subject?: string;
}

/** GitHub's REST API, for questions about the runners of one scope, and the jobs on them. */
export interface GitHubClient {
  /**
   * An octokit for the requests that one question takes, each page of a list being one. Each is sent until the deadline:
   * again after network errors, HTTP 408, 429, 5xx and unusable answers, but never before GitHub's rate limits allow it.
   * Its requests throw ActionError `github_api_failed`, transient where more time might have healed it; the signal's reason;
   * a RequestError only for one of `otherAnswers`.
   */
  octokitFor(question: Question): Octokit;
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
  /** Takes octokit's remarks, which may quote the server. */
  readonly debug: (line: string) => void;
}

/** Of a URL in a text. It may hold a name that the controller sent: encoded, it is not known for a secret that it may be. */
const QUERY = /\?[^\s"]*/g;

export function createGitHubClient(options: GitHubClientOptions): GitHubClient {
  const { baseUrl, token, transport, clock, random, debug } = options;
  // Octokit would write to the console whatever is missing here; @octokit/request has a setting of its own.
  const remark = (line: string) => debug(line.replace(QUERY, '?...'));
  const log = { debug: remark, info: remark, warn: remark, error: remark };
  const usage = createUsage();
  const budget = createRetryBudget(clock);
  /** GitHub wants no request before: milliseconds on the clock's scale. */
  let allowedAt = Number.NEGATIVE_INFINITY;

  // The bounds are given to the octokit, not to its requests: its paginate passes no settings on to them.
  function octokitFor(question: Question): Octokit {
    const fetch = createFetch({ baseUrl, transport, bounds: question, onAnswer: usage.count });
    const userAgent = 'restart-anka-vm';
    const octokit = getOctokit(token, { baseUrl, userAgent, log, request: { fetch, log } });
    octokit.hook.wrap('request', (request, settings) => ask(question, async () => request(settings)));
    return octokit;
  }

  async function ask(question: Question, request: Request): Promise<OctokitResponse> {
    await waitUntilAllowed(question);
    const tryOnce = async () => {
      const attempt = await tryToAsk(question, request, options.scope);
      // Others may be under way: what one of them is told must not shorten what another was.
      if ('fault' in attempt) allowedAt = Math.max(allowedAt, clock.now() + (attempt.fault.waitMs ?? 0));
      return attempt;
    };
    const last = await retry({ clock, random, budget }, tryOnce, question);
    if ('fault' in last) throw givenUp(last.fault, last.isFinal);
    budget.renew();
    return last.value;
  }

  async function waitUntilAllowed({ deadline, signal }: RetryBounds): Promise<void> {
    const waitMs = allowedAt - clock.now();
    if (waitMs <= 0) return;
    if (allowedAt >= deadline) throw givenUp(faultWith('its rate limit allows no request yet'), false);
    await clock.sleep(waitMs, signal);
  }

  return { octokitFor, describeUsage: usage.describe };
}

// ---- one try ----

/** Sends a request, as octokit does. */
type Request = () => Promise<OctokitResponse>;

/** @throws ActionError where it will not heal; octokit's RequestError for one of the other answers. */
async function tryToAsk(
  { readData, otherAnswers = [], subject, signal }: Question,
  request: Request,
  scope: Scope,
): Promise<Attempt<OctokitResponse, GitHubFault>> {
  try {
    const { response, error } = await settle(request);
    signal.throwIfAborted();
    const { status, data } = response;
    if (status === 200) return { value: { ...response, data: readData(data) } };
    // HTTP 403 may be a no, or a rate limit.
    if (otherAnswers.includes(status) && rateLimitMs(response) === undefined) throw error;
    return { fault: faultOfReply(response, { scope, subject }) };
  } catch (error) {
    if (!(error instanceof UnusableAnswer)) throw error;
    const { message, nature, hint = CHECK_STATUS } = error;
    return { fault: { ...faultWith(message), nature, hint, cause: error } };
  }
}

/** Octokit's own, of which `@actions/github` hands out no class. */
interface RequestError extends Error {
  readonly status: number;
  /** Undefined where none came: then the cause is what fetch threw. */
  readonly response?: OctokitResponse;
}

export function isRequestError(error: unknown): error is RequestError {
  return isRecord(error) && error['name'] === 'HttpError';
}

/**
 * The answer, whatever its status, with the error that octokit made of it. That holds the request, and the token with it, so
 * it must not become the cause of another error.
 */
async function settle(request: Request): Promise<{ response: OctokitResponse; error?: RequestError }> {
  try {
    return { response: await request() };
  } catch (error) {
    // Octokit stumbles over some answers, e.g. HTTP 500 with JSON that has a number of 20 digits and no message.
    if (!isRequestError(error))
      throw new UnusableAnswer(`it answered what octokit cannot read: ${describeCause(error)}`);
    if (error.response === undefined) throw error.cause;
    return { response: error.response, error };
  }
}

function givenUp({ reason, hint, cause }: GitHubFault, isFinal: boolean): ActionError {
  return new ActionError('github_api_failed', `GitHub gave no usable answer; at last: ${reason}.`, {
    hint,
    cause,
    isTransient: !isFinal,
  });
}
