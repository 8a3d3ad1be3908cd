import { getOctokit } from '@actions/github';
import type { Clock } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import { type Attempt, createRetryBudget, type RetryBounds, retry } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import {
  type Denial,
  describeReply,
  faultOfDenial,
  faultOfLimit,
  faultOfUnreadable,
  type GitHubFault,
  isAboutToken,
  type Reply,
  rateLimitMs,
} from './github-faults.ts';
import { createFetch, createUsage, type FetchOptions } from './github-fetch.ts';

/** One request to GitHub, and what is expected of the answer. */
export interface Question<T> extends RetryBounds {
  /** e.g. `GET /repos/{owner}/{repo}/actions/runs`; octokit fills in the parameters and sends the others as query or body. */
  readonly route: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Reads the data of a good answer. @throws UnusableAnswer to ask again. */
  readonly read: (data: unknown) => T;
  /** Checks what was read, or remembered. @throws UnusableAnswer to ask again. */
  readonly check?: (data: T) => void;
  /** Other statuses that are answers, too, unless they come from a rate limit. */
  readonly otherAnswers?: readonly number[];
  /** What is asked for, for messages, e.g. `the self-hosted runners of repository octo-org/app`. */
  readonly subject: string;
  /** What a token needs for it, for hints: a sentence. */
  readonly permission: string;
  /** The input to check first where it does not exist, e.g. `runner_scope`. */
  readonly input: string;
  /** What GitHub said to it before: an answer that has not changed since is free of charge. */
  readonly memory?: Memory<T>;
}

/** Good answers by what was asked. */
export type Memory<T> = Map<string, { readonly etag: string; readonly answer: GoodAnswer<T> }>;

export interface GoodAnswer<T> {
  readonly data: T;
  /** Whether the list goes on; undefined where GitHub's links do not say. */
  readonly hasNext: boolean | undefined;
  /** How many items the whole list has, by GitHub's count; undefined where it does not say. */
  readonly total: number | undefined;
  /** GitHub's clock, in milliseconds since 1970. */
  readonly date: number | undefined;
}

/** One of the other answers that the question allows. */
export interface OtherAnswer {
  readonly status: number;
  /** What GitHub said to each token, for messages. */
  readonly said: string;
}

/** A list from all its pages. */
export interface List<T> {
  readonly items: readonly T[];
  readonly pages: number;
  /** How many there are, by GitHub's highest count: where it falls from page to page, an item has slipped to a page read before. */
  readonly total: number | undefined;
  /** It has more, which could not be read. */
  readonly isCut: boolean;
  readonly date: number | undefined;
}

/**
 * GitHub's REST API. A question is asked until its deadline: again after network errors, HTTP 408, 429, 5xx and unusable answers,
 * but never before GitHub's rate limits allow it. A refusal (3xx, 4xx) is asked again, too: a token that was just made may get
 * HTTP 401, 403 or 404 for seconds, and a gateway may refuse while it starts. Both methods throw ActionError
 * `github_api_failed`, transient where more time might have healed it, and the signal's reason.
 */
export interface GitHubClient {
  ask<T>(question: Question<T>): Promise<GoodAnswer<T> | OtherAnswer>;
  /** Every page. They are counted up, because the links of a GitHub Enterprise Server may name another host. */
  askForList<T>(question: Question<readonly T[]> & NoOtherAnswers): Promise<List<T>>;
  askForList<T>(question: Question<readonly T[]>): Promise<List<T> | OtherAnswer>;
}

interface NoOtherAnswers {
  readonly otherAnswers?: never;
}

/** A token, and what GitHub said about it last. The clients that use it share this. */
export interface Token {
  /** Of the input that it comes from. */
  readonly input: string;
  readonly value: string;
  /** GitHub accepts no request with it before this time: milliseconds on the clock's scale. */
  allowedAt: number;
  /** When GitHub last refused it something that another token was allowed. */
  refusedAt: number;
}

export function createToken(input: string, value: string): Token {
  return { input, value, allowedAt: Number.NEGATIVE_INFINITY, refusedAt: Number.NEGATIVE_INFINITY };
}

export interface GitHubConnection {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between attempts. */
  readonly random: () => number;
  /** Receives octokit's log lines, which may quote the server. */
  readonly debug: (line: string) => void;
}

export interface GitHub {
  /** @param tokens the first is asked with first; the next one at once where GitHub refuses it, or its quota is exhausted. */
  clientWith(tokens: readonly Token[]): GitHubClient;
  /** What was asked so far, and what is left of the quota. */
  describeUsage(): string;
}

export const PER_PAGE = 100;
/** A list of more is read no further. GitHub itself ends a list of workflow runs after 1,000. */
const MOST_PAGES = 100;
/** A token that was refused goes last for this long, in milliseconds: what is read together takes many requests. */
const REFUSED_MS = 5_000;

export function createGitHub(connection: GitHubConnection): GitHub {
  const usage = createUsage();
  const octokit = createOctokit(connection, usage.count);
  return {
    clientWith: (tokens) => createClientWith(tokens, { ...connection, octokit }),
    describeUsage: usage.describe,
  };
}

type Try<T> = Attempt<GoodAnswer<T> | OtherAnswer, GitHubFault>;

interface ClientContext extends Pick<GitHubConnection, 'clock' | 'random'> {
  readonly octokit: SendWithOctokit;
}

function createClientWith(tokens: readonly Token[], { clock, random, octokit }: ClientContext): GitHubClient {
  const budget = createRetryBudget(clock);

  async function ask<T>(question: Question<T>): Promise<GoodAnswer<T> | OtherAnswer> {
    const last = await retry({ clock, random, budget }, () => tryOnce(question), question);
    if ('fault' in last) throw givenUp(last.fault, last.isFinal);
    if ('data' in last.value) budget.renew();
    return last.value;
  }

  async function tryOnce<T>(question: Question<T>): Promise<Try<T>> {
    try {
      return await tryTokens(question);
    } catch (error) {
      if (!(error instanceof UnusableAnswer)) throw error;
      return { fault: faultOfUnreadable(error) };
    }
  }

  /** Tries one after another until one is not refused. */
  async function tryTokens<T>(question: Question<T>): Promise<Try<T>> {
    let denial: Denial | undefined;
    for (const token of inOrder(tokens, clock.now())) {
      const reply = await askWith(octokit, question, token);
      budget.reached();
      question.signal.throwIfAborted();
      if ('data' in reply) return { value: reply };
      denial = addDenial(denial, token.input, reply.denied);
      if (!isAboutToken(reply.denied)) break;
      token.refusedAt = clock.now();
      // Other requests may be in flight: the pause that one answer asks for must not shorten the pause of another.
      token.allowedAt = Math.max(token.allowedAt, clock.now() + (rateLimitMs(reply.denied) ?? 0));
    }
    return denial === undefined
      ? { fault: notAllowedYet(tokens, clock.now()) }
      : afterDenial(denial, question);
  }

  function askForList<T>(question: Question<readonly T[]> & NoOtherAnswers): Promise<List<T>>;
  async function askForList<T>(question: Question<readonly T[]>): Promise<List<T> | OtherAnswer> {
    const items: T[] = [];
    let total: number | undefined;
    for (let page = 1; ; page++) {
      const parameters = { ...question.parameters, per_page: PER_PAGE, ...(page === 1 ? {} : { page }) };
      const answer = await ask({ ...question, parameters });
      if ('status' in answer) return answer;
      items.push(...answer.data);
      total = Math.max(answer.total ?? 0, total ?? 0) || answer.total;
      const { goesOn, isCut } = endOf(answer, items.length);
      if (!goesOn || page === MOST_PAGES) return { items, pages: page, total, isCut, date: answer.date };
    }
  }

  return { ask, askForList };
}

/**
 * Whether more pages follow, and whether the list has more than was read. Without a `Link` header the count says so: a full page is
 * the last one only if that makes exactly as many.
 */
function endOf({ data, hasNext, total }: GoodAnswer<readonly unknown[]>, read: number) {
  const isOpen = data.length >= PER_PAGE && read !== total;
  return { goesOn: hasNext ?? isOpen, isCut: hasNext === true || isOpen };
}

/** Those that GitHub's limits allow; one that was just refused comes last. */
function inOrder(tokens: readonly Token[], now: number): Token[] {
  const isRefused = ({ refusedAt }: Token) => Number(now - refusedAt < REFUSED_MS);
  return tokens
    .filter(({ allowedAt }) => allowedAt <= now)
    .sort((one, other) => isRefused(one) - isRefused(other));
}

function notAllowedYet(tokens: readonly Token[], now: number): GitHubFault {
  return faultOfLimit(Math.min(...tokens.map(({ allowedAt }) => allowedAt)) - now);
}

function addDenial(before: Denial | undefined, token: string, reply: Reply): Denial {
  const said = describeReply(reply);
  if (before === undefined) return { tokens: token, said, reply };
  return { tokens: `${before.tokens} and ${token}`, said: `${before.said}, ${said}`, reply };
}

function afterDenial<T>(denial: Denial, question: Question<T>): Try<T> {
  const { tokens, said, reply } = denial;
  const isAnswer = question.otherAnswers?.includes(reply.status) && rateLimitMs(reply) === undefined;
  return isAnswer
    ? { value: { status: reply.status, said: `${tokens}: ${said}` } }
    : { fault: faultOfDenial(denial, question) };
}

function givenUp({ reason, refusal, hint, cause }: GitHubFault, isFinal: boolean): ActionError {
  const message = refusal ?? `GitHub gave no usable answer; last attempt: ${reason}.`;
  return new ActionError('github_api_failed', message, { hint, cause, isTransient: !isFinal });
}

// ---- octokit ----

type Octokit = ReturnType<typeof getOctokit>;
type OctokitResponse = Awaited<ReturnType<Octokit['request']>>;
type RequestToSend = RetryBounds & Pick<Question<unknown>, 'route' | 'parameters'>;
type SendWithOctokit = (sent: RequestToSend, token: Token, etag: string | undefined) => Promise<Reply>;

/** Of a URL in a text. It may hold a name that the controller sent: encoded, a mask does not match it. */
const QUERY = /\?[^\s"]*/g;

function createOctokit(
  { baseUrl, transport, debug }: GitHubConnection,
  onAnswer: FetchOptions['onAnswer'],
): SendWithOctokit {
  // Octokit writes to the console for each method that is missing here; @octokit/request has its own setting.
  const remark = (line: string) => debug(line.replace(QUERY, '?...'));
  const log = { debug: remark, info: remark, warn: remark, error: remark };
  const octokits = new Map<string, Octokit>();
  return async ({ route, parameters, ...bounds }, { value }, etag) => {
    const octokit = octokits.get(value) ?? getOctokit(value, { baseUrl, userAgent: 'restart-anka-vm', log });
    octokits.set(value, octokit);
    const headers = { ...API_VERSION, ...(etag === undefined ? {} : { 'if-none-match': etag }) };
    const request = { fetch: createFetch({ baseUrl, transport, bounds, onAnswer }), log };
    return settle(() => octokit.request(route, { ...parameters, headers, request }));
  };
}

const API_VERSION = { 'x-github-api-version': '2022-11-28' };

/** Octokit's own error; `@actions/github` does not export its class. */
interface RequestError extends Error {
  readonly status: number;
  /** Undefined where none came: then the cause is what fetch threw. */
  readonly response?: OctokitResponse;
}

function isRequestError(error: unknown): error is RequestError {
  return isRecord(error) && error['name'] === 'HttpError';
}

/**
 * The answer, with any status. Octokit's error for it holds the request, and the token with it, so it must not become the
 * cause of another error.
 */
async function settle(request: () => Promise<OctokitResponse>): Promise<Reply> {
  try {
    return await request();
  } catch (error) {
    // Octokit cannot read some answers, e.g. HTTP 500 with JSON that has a number of 20 digits and no message.
    if (!isRequestError(error))
      throw new UnusableAnswer(`it answered what octokit cannot read: ${describeCause(error)}`);
    if (error.response === undefined) throw error.cause;
    return error.response;
  }
}

/** @throws UnusableAnswer to ask again; ActionError if GitHub cannot be queried. */
async function askWith<T>(
  send: SendWithOctokit,
  question: Question<T>,
  token: Token,
): Promise<GoodAnswer<T> | { readonly denied: Reply }> {
  const { memory, read, check, route, parameters } = question;
  const key = JSON.stringify([route, parameters]);
  const before = memory?.get(key);
  const reply = await send(question, token, before?.etag);
  const answer = answerFrom(reply, before?.answer, read);
  if (answer === undefined) return { denied: reply };
  check?.(answer.data);
  const { etag } = reply.headers;
  if (etag !== undefined) memory?.set(key, { etag: String(etag), answer });
  return answer;
}

/** Undefined where it is not what was asked for. */
function answerFrom<T>(
  reply: Reply,
  before: GoodAnswer<T> | undefined,
  read: (data: unknown) => T,
): GoodAnswer<T> | undefined {
  const { status, headers, data } = reply;
  const date = dateOf(reply);
  if (status === 304 && before !== undefined) return { ...before, date };
  if (status !== 200) return undefined;
  const total = isRecord(data) ? data['total_count'] : undefined;
  return {
    data: read(data),
    hasNext: nextIn(text(headers, 'link', LONGEST_LINK) ?? ''),
    total: typeof total === 'number' ? total : undefined,
    date,
  };
}

function nextIn(link: string): boolean | undefined {
  if (/\brel="?next\b/.test(link)) return true;
  return /\brel="?prev\b/.test(link) ? false : undefined;
}

/** It holds several URLs. */
const LONGEST_LINK = 10_000;

function dateOf({ headers }: Reply): number | undefined {
  const date = Date.parse(text(headers, 'date') ?? '');
  return Number.isNaN(date) ? undefined : date;
}
