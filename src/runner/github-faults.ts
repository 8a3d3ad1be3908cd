// What an answer of GitHub means that is not the one that was asked for: a rate limit, a refusal, or trouble that may pass.

import { seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { isRecord, text } from '../http/json.ts';
import { type Fault, isTransientStatus, parseRetryAfter } from '../http/retry.ts';
import { describeScope, fittingToken, type Scope } from './scope.ts';

/** An answer as octokit hands it out. */
export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** The JSON, or the text where it is none. */
  readonly data: unknown;
}

/** What GitHub asks for where it limits and does not say for how long. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. */
const LONGEST_MS = 3_600_000;
/** The limit is lifted within the second that is named: one more is on the safe side. */
const MARGIN_MS = 1_000;

/**
 * How long GitHub wants to be left alone, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined where the answer is about something else. Pure: what
 * "now" is, the answer itself says.
 */
export function rateLimitMs(reply: Reply): number | undefined {
  const { status, headers } = reply;
  if (status !== 403 && status !== 429) return undefined;
  const waitMs = retryAfterMs(reply);
  if (waitMs !== undefined) return Math.min(LONGEST_MS, waitMs);
  if (headers['x-ratelimit-remaining'] === '0') return Math.min(LONGEST_MS, untilReset(headers));
  return status === 429 || speaksOfLimit(reply) ? UNSAID_MS : undefined;
}

/** What Retry-After asks for, in milliseconds. */
export function retryAfterMs({ headers }: Reply): number | undefined {
  return parseRetryAfter(text(headers, 'retry-after'), text(headers, 'date'));
}

function untilReset(headers: Reply['headers']): number {
  const reset = text(headers, 'x-ratelimit-reset');
  const ms = Number(reset) * 1_000 - Date.parse(text(headers, 'date') ?? '');
  return Number.isNaN(ms) ? UNSAID_MS : Math.max(0, ms) + MARGIN_MS;
}

function speaksOfLimit({ data }: Reply): boolean {
  const message = isRecord(data) ? data['message'] : data;
  return typeof message === 'string' && /rate limit/i.test(message);
}

// ---- faults ----

export interface GitHubFault extends Fault {
  readonly cause?: unknown;
}

/** What was asked for. */
export interface Asked {
  readonly scope: Scope;
  readonly subject: string | undefined;
}

/** @throws ActionError where it will not heal. */
export function faultOfReply(reply: Reply, asked: Asked): GitHubFault {
  const limitMs = rateLimitMs(reply);
  if (limitMs === undefined && !isTransientStatus(reply.status)) throw rejectedByGitHub(reply, asked);
  const waitMs = limitMs ?? retryAfterMs(reply);
  const askedFor = waitMs === undefined ? '' : `, asking to wait for ${seconds(waitMs)}`;
  const nature = waitMs === undefined ? 'passing' : 'quota';
  return { ...faultWith(`it answered ${describeReply(reply)}${askedFor}`), nature, waitMs };
}

/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
function describeReply({ status, data }: Reply): string {
  const message = isRecord(data) ? text(data, 'message') : undefined;
  return `HTTP ${status}${message === undefined ? '' : ` ("${message}")`}`;
}

/** What will not heal: GitHub refused, or it is not GitHub's API. */
function rejectedByGitHub(reply: Reply, { scope, subject }: Asked): ActionError {
  const { status } = reply;
  const said = describeReply(reply);
  const what = subject ?? `the self-hosted runners of ${describeScope(scope)}`;
  if (status === 401) {
    const hint = `It may be mistyped, or have expired. ${fittingToken(scope)}`;
    return new ActionError('github_api_failed', `GitHub does not take github_token: ${said}.`, { hint });
  }
  if (status === 403 || status === 404) {
    const message = `github_token may not read ${what}: ${said}${wanted(reply)}.`;
    const hint = `Check runner_scope and github_token. ${fittingToken(scope)}`;
    return new ActionError('github_api_failed', message, { hint });
  }
  const message = `GitHub answered the question for ${what} with ${said}.`;
  const hint = 'Check runner_scope (was it renamed?) and GITHUB_API_URL.';
  return new ActionError('github_api_failed', message, { hint });
}

/** Which permission the token lacks, where GitHub says so. */
function wanted({ headers }: Reply): string {
  const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
  return permission === undefined ? '' : `; GitHub wants "${permission}"`;
}

export const CHECK_STATUS = 'Check githubstatus.com and the network of the machine that runs the step.';

export function faultWith(reason: string): GitHubFault {
  return { kind: 'no answer of GitHub', reason, hint: CHECK_STATUS, nature: 'passing' };
}
