// What an unexpected answer from GitHub means: a rate limit, a refusal, or a temporary fault.

import { minutes } from '../clock.ts';
import { isRecord, text, type UnusableAnswer } from '../http/json.ts';
import { type Fault, isTransientStatus, parseRetryAfter } from '../http/retry.ts';

/** An answer as octokit returns it. */
export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** The JSON, or the text if it is not JSON. */
  readonly data: unknown;
}

/** The pause if GitHub limits requests without saying for how long. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. */
const LONGEST_MS = 3_600_000;
/** The limit ends within the named second: one more second is safe. */
const LIMIT_MARGIN_MS = 1_000;

/**
 * How long GitHub wants no requests, in milliseconds: because the hourly quota is used up (primary limit), or because
 * there were too many requests at once (secondary limit). Undefined if the answer is about something else. Pure:
 * the current time comes from the answer itself.
 */
export function rateLimitMs(reply: Reply): number | undefined {
  if (!LIMITS.includes(reply.status)) return undefined;
  const ms = askedMs(reply);
  if (ms !== undefined) return Math.min(LONGEST_MS, ms);
  return reply.status === 429 || isUsedUp(reply) || speaksOfLimit(reply) ? UNSAID_MS : undefined;
}

/** The pause that the answer asks for, in milliseconds: by Retry-After, or by the time at which the quota is renewed. */
function askedMs(reply: Reply): number | undefined {
  const { headers } = reply;
  const date = text(headers, 'date');
  const waitMs = parseRetryAfter(text(headers, 'retry-after'), date);
  if (waitMs !== undefined || !isUsedUp(reply)) return waitMs;
  const ms = Number(text(headers, 'x-ratelimit-reset')) * 1_000 - Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : Math.max(0, ms) + LIMIT_MARGIN_MS;
}

function isUsedUp({ status, headers }: Reply): boolean {
  return LIMITS.includes(status) && headers['x-ratelimit-remaining'] === '0';
}

/** GitHub limits requests with these statuses; it denies access with 403, too. */
const LIMITS = [403, 429];

function speaksOfLimit({ data }: Reply): boolean {
  const message = isRecord(data) ? data['message'] : data;
  return typeof message === 'string' && /rate limit/i.test(message);
}

// ---- faults ----

/** GitHub's answer to every token that was tried, instead of the requested data. */
export interface Denial {
  /** The inputs of the tokens, e.g. `jobs_token and github_token`. */
  readonly tokens: string;
  /** e.g. `HTTP 403 ("Resource not accessible by integration"), HTTP 404`. */
  readonly said: string;
  /** To the last token. */
  readonly reply: Reply;
}

/** What a request asks for, and what that takes, for messages. */
export interface Access {
  /** e.g. `the self-hosted runners of repository octo-org/app`. */
  readonly subject: string;
  /** What a token needs for it, for hints: a sentence. */
  readonly permission: string;
  /** The input to check first if the resource does not exist, e.g. `runner_scope`. */
  readonly input: string;
}

/** Another token may get another answer: GitHub does not know this one, does not let it read, or limits its requests. */
export function isAboutToken(reply: Reply): boolean {
  return DENIALS.includes(reply.status) || rateLimitMs(reply) !== undefined;
}

const DENIALS = [401, 403, 404];

/** e.g. `HTTP 403 ("Resource not accessible by integration")`. */
export function describeReply({ status, data }: Reply): string {
  const message = isRecord(data) ? text(data, 'message') : undefined;
  return `HTTP ${status}${message === undefined ? '' : ` ("${message}")`}`;
}

export function faultOfDenial(denial: Denial, access: Access): Fault {
  const { reply } = denial;
  const limitMs = rateLimitMs(reply);
  if (limitMs === undefined && !isTransientStatus(reply.status)) return refusalOf(denial, access);
  const ms = askedMs(reply);
  const request = ms === undefined ? '' : `, asking to wait for ${minutes(ms)}`;
  const fault = faultWith(`it answered ${describeReply(reply)}${request}`);
  const waitMs = limitMs ?? ms;
  if (waitMs === undefined) return fault;
  return { ...fault, waitMs, nature: 'quota', hint: limitMs === undefined ? CHECK_STATUS : LESS_OFTEN };
}

const LESS_OFTEN =
  'GitHub limits the requests of a token. Use a token with fewer other users (each GitHub App has its own quota), or run the step later.';

/** The rate limits allow no token yet. */
export function faultOfLimit(waitMs: number): Fault {
  const reason = `its rate limit allows no request for another ${minutes(waitMs)}`;
  return { ...faultWith(reason), nature: 'quota', waitMs, hint: LESS_OFTEN };
}

/** GitHub refused, or the server is not GitHub's API. */
function refusalOf(denial: Denial, access: Access): Fault {
  const { status } = denial.reply;
  const [message, hint] = (REFUSALS[status] ?? otherRefusal)(denial, access);
  // Any refusal may be temporary, even if it looks permanent: a gateway that is starting can answer with any status.
  return { ...faultWith(`it answered ${denial.said}`), nature: 'denial', message, hint };
}

/** The error's message and its hint. */
type Explanation = (denial: Denial, access: Access) => readonly [message: string, hint: string];

const REFUSALS: Readonly<Record<number, Explanation>> = {
  401: ({ tokens, said }, { permission }) => [
    `GitHub does not accept ${tokens}: ${said}.`,
    `It may be mistyped, or have expired. ${permission}`,
  ],
  403: ({ tokens, said, reply }, { subject, permission, input }) => [
    `GitHub does not let ${tokens} access ${subject}: ${said}${wanted(reply)}.`,
    ssoHint(reply) ?? `Check ${input} and ${tokens}. ${permission}`,
  ],
  404: ({ tokens, said, reply }, { subject, permission, input }) => [
    `GitHub does not find ${subject} with ${tokens}: ${said}${wanted(reply)}. It does not exist, or the token cannot see it.`,
    `Check the spelling of ${input}, and ${tokens}. ${permission}`,
  ],
};

const otherRefusal: Explanation = ({ said }, { subject, input }) => [
  `GitHub answered the question for ${subject} with ${said}.`,
  `Check ${input} (was it renamed?) and GITHUB_API_URL.`,
];

/** Which permission the token lacks, if GitHub names it. */
function wanted({ headers }: Reply): string {
  const permission = headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'];
  return permission === undefined || permission === '' ? '' : `; GitHub wants "${permission}"`;
}

/** Where the token's owner can authorize it for the organization's single sign-on. */
function ssoHint({ headers }: Reply): string | undefined {
  const [, url] = /^required; *url=(\S+)$/.exec(text(headers, 'x-github-sso', LONGEST_SSO_URL) ?? '') ?? [];
  if (url === undefined) return undefined;
  return `The organization requires single sign-on (SSO): authorize the token at ${url}.`;
}

const LONGEST_SSO_URL = 1_000;

const CHECK_STATUS = 'Check githubstatus.com and the network of the machine that runs the step.';

export function faultOfUnreadable(error: UnusableAnswer): Fault {
  const { message, nature, hint = CHECK_STATUS } = error;
  return { ...faultWith(message), nature, hint, cause: error };
}

function faultWith(reason: string): Fault {
  return { kind: 'no answer of GitHub', reason, hint: CHECK_STATUS, nature: 'passing' };
}
