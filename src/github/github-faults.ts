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

/** The pause if GitHub limits requests without saying for how long: in milliseconds. */
const UNSAID_MS = 60_000;
/** The quota is renewed each hour, so no longer pause makes sense. In milliseconds. */
const LONGEST_MS = 3_600_000;
/** Added because the limit ends at some time within the second that GitHub names: in milliseconds. */
const LIMIT_MARGIN_MS = 1_000;

/**
 * How long GitHub accepts no requests, in milliseconds: because the hourly quota is used up (primary limit), or because there were too many
 * requests at once (secondary limit). Undefined if the answer has another reason. Pure: the current time comes from the answer itself.
 */
export function rateLimitMs(reply: Reply): number | undefined {
  if (!LIMITS.includes(reply.status)) return undefined;
  const ms = askedMs(reply);
  if (ms !== undefined) return Math.min(LONGEST_MS, ms);
  return reply.status === 429 || isUsedUp(reply) || mentionsLimit(reply) ? UNSAID_MS : undefined;
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

/** GitHub answers with these statuses if it limits requests; 403 can also be a refusal. */
const LIMITS = [403, 429];

function mentionsLimit({ data }: Reply): boolean {
  const message = isRecord(data) ? data['message'] : data;
  return typeof message === 'string' && /rate limit/i.test(message);
}

// ---- faults ----

/** The answers without the requested data, one for each token that was tried. */
export interface Denial {
  /** The inputs of the tokens, e.g. `jobs_token and github_token`. */
  readonly tokens: string;
  /** e.g. `HTTP 403 ("Resource not accessible by integration"), HTTP 404`. */
  readonly said: string;
  /** The answer to the last token. */
  readonly reply: Reply;
}

/** What a request needs access to, for messages. */
export interface Access {
  /** e.g. `the self-hosted runners of repository octo-org/app`. */
  readonly subject: string;
  /** What a token needs for it, for hints: a sentence. */
  readonly permission: string;
  /** The input to check first if the resource does not exist, e.g. `runner_scope`. */
  readonly input: string;
}

/** Whether another token may get another answer: GitHub does not accept this one, denies it access, or limits its requests. */
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

/** If rate limits suspend all tokens. */
export function faultOfLimit(waitMs: number): Fault {
  const reason = `its rate limit allows no request for another ${minutes(waitMs)}`;
  return { ...faultWith(reason), nature: 'quota', waitMs, hint: LESS_OFTEN };
}

/** A refusal by GitHub, or an answer from a server that is not GitHub's API. */
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
  `GitHub answered the request for ${subject} with ${said}.`,
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
