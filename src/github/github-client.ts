import { getOctokit } from '@actions/github';
import type { Clock } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import { type Attempt, createRetryBudget, type Fault, type RetryBounds, retry } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import {
  type Denial,
  describeReply,
  faultOfDenial,
  faultOfLimit,
  faultOfUnreadable,
  isAboutToken,
  type Reply,
  rateLimitMs,
} from './github-faults.ts';
import { createFetch, createUsage, type FetchOptions } from './github-fetch.ts';

/** One request to GitHub, and how to read its answer. */
export interface Question<T> extends RetryBounds {
  /** e.g. `GET /repos/{owner}/{repo}/actions/runs`; octokit fills in the parameters and sends the others as query or body. */
  readonly route: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Reads the data of a good answer. @throws UnusableAnswer to ask again. */
  readonly read: (data: unknown) => T;
  /** Checks data that was read or remembered. @throws UnusableAnswer to ask again. */
  readonly check?: (data: T) => void;
  /** Other statuses that are answers, too, unless they come from a rate limit. */
  readonly otherAnswers?: readonly number[];
  /** What the request asks for, for messages, e.g. `the self-hosted runners of repository octo-org/app`. */
  readonly subject: string;
  /** What a token needs for it, for hints: a sentence. */
  readonly permission: string;
  /** The input to check first if the resource does not exist, e.g. `runner_scope`. */
  readonly input: string;
  /** GitHub's earlier answers: an unchanged answer does not count against the quota. */
  readonly memory?: Memory<T>;
}

/** Good answers, by request. */
export type Memory<T> = Map<string, { readonly etag: string; readonly answer: GoodAnswer<T> }>;

export interface GoodAnswer<T> {
  readonly data: T;
  /** Whether the list continues; undefined if GitHub's links do not say. */
  readonly hasNext: boolean | undefined;
  /** How many items the whole list has, by GitHub's count; undefined if GitHub does not say. */
  readonly total: number | undefined;
  /** GitHub's clock, in milliseconds since 1970. */
  readonly date: number | undefined;
}

/** One of the other answers that the request allows. */
export interface OtherAnswer {
  readonly status: number;
  /** GitHub's answer to each token, for messages. */
  readonly said: string;
}

/** A list from all its pages. */
export interface List<T> {
  readonly items: readonly T[];
  readonly pages: number;
  /** How many items there are, by GitHub's highest count: if the count falls from page to page, an item may have moved to a page already read. */
  readonly total: number | undefined;
  /** The list has more items than could be read. */
  readonly isCut: boolean;
  readonly date: number | undefined;
}

/**
 * GitHub's REST API. The client repeats a request until its deadline after network errors, HTTP 408, 429, 5xx and unusable answers, but
 * never before GitHub's rate limits allow it. It also repeats a refused request (3xx, 4xx) for up to 30 s (http/retry.ts): a new token may
 * get HTTP 401, 403 or 404 for seconds, and a gateway may refuse while it starts. Both methods throw ActionError `github_api_failed`
 * (transient if more time might have helped) and the signal's reason.
 */
export interface GitHubClient {
  ask<T>(question: Question<T>): Promise<GoodAnswer<T> | OtherAnswer>;
  /** Every page. The client counts the pages itself, because the links of a GitHub Enterprise Server may name another host. */
  askForList<T>(question: Question<readonly T[]> & NoOtherAnswers): Promise<List<T>>;
  askForList<T>(question: Question<readonly T[]>): Promise<List<T> | OtherAnswer>;
}

interface NoOtherAnswers {
  readonly otherAnswers?: never;
}

/** A token, and GitHub's last statements about it. All clients that use the token share this. */
export interface Token {
  /** The name of the token's input. */
  readonly input: string;
  readonly value: string;
  /** GitHub accepts no request with this token before this time: milliseconds on the clock's scale. */
  allowedAt: number;
  /** When GitHub last refused this token a request that it allowed another token. */
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
  /** @param tokens tried in this order: the next one at once if GitHub refuses the first, or if its quota is exhausted. */
  clientWith(tokens: readonly Token[]): GitHubClient;
  /** The requests so far, and the rest of the quota. */
  describeUsage(): string;
}

export const PER_PAGE = 100;
/** The client reads no more pages of a list. GitHub itself ends a list of workflow runs after 1,000 runs. */
const MOST_PAGES = 100;
/** A refused token goes last for this long, in milliseconds: a reading takes many requests. */
const REFUSED_MS = 5_000;

export function createGitHub(connection: GitHubConnection): GitHub {
  const usage = createUsage();
  const octokit = createOctokit(connection, usage.count);
  return {
    clientWith: (tokens) => createClientWith(tokens, { ...connection, octokit }),
    describeUsage: usage.describe,
  };
}

type Try<T> = Attempt<GoodAnswer<T> | OtherAnswer>;

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
      // Other requests may be in flight: the pause that one answer requires must not shorten another's pause.
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
      total = highest(total, answer.total);
      const { goesOn, isCut } = endOf(answer, items.length);
      if (!goesOn || page === MOST_PAGES) return { items, pages: page, total, isCut, date: answer.date };
    }
  }

  return { ask, askForList };
}

/** The highest of the counts; undefined if GitHub gave none. */
function highest(...counts: readonly (number | undefined)[]): number | undefined {
  const given = counts.filter((count) => count !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}

/**
 * Whether more pages follow, and whether the list has more items than were read. Without a `Link` header, the count decides: a full page
 * is the last one only if the count is reached exactly.
 */
function endOf({ data, hasNext, total }: GoodAnswer<readonly unknown[]>, read: number) {
  const isOpen = data.length >= PER_PAGE && read !== total;
  return { goesOn: hasNext ?? isOpen, isCut: hasNext === true || isOpen };
}

/** The tokens that GitHub's limits allow; one that was just refused comes last. */
function inOrder(tokens: readonly Token[], now: number): Token[] {
  const isRefused = ({ refusedAt }: Token) => Number(now - refusedAt < REFUSED_MS);
  return tokens
    .filter(({ allowedAt }) => allowedAt <= now)
    .sort((one, other) => isRefused(one) - isRefused(other));
}

function notAllowedYet(tokens: readonly Token[], now: number): Fault {
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

function givenUp({ reason, message, hint, cause }: Fault, isFinal: boolean): ActionError {
  const gaveUp = `GitHub gave no usable answer; last attempt: ${reason}.`;
  return new ActionError('github_api_failed', message ?? gaveUp, { hint, cause, isTransient: !isFinal });
}

// ---- octokit ----

type Octokit = ReturnType<typeof getOctokit>;
type OctokitResponse = Awaited<ReturnType<Octokit['request']>>;
type RequestToSend = RetryBounds & Pick<Question<unknown>, 'route' | 'parameters'>;
type SendWithOctokit = (sent: RequestToSend, token: Token, etag: string | undefined) => Promise<Reply>;

/** The query of a URL in a text. It may contain a name from the controller, which masks do not match when it is encoded. */
const QUERY = /\?[^\s"]*/g;

function createOctokit(
  { baseUrl, transport, debug }: GitHubConnection,
  onAnswer: FetchOptions['onAnswer'],
): SendWithOctokit {
  // Octokit writes to the console if a method is missing here; @octokit/request has its own setting.
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
  /** Undefined without an answer: then the cause is the error from fetch. */
  readonly response?: OctokitResponse;
}

function isRequestError(error: unknown): error is RequestError {
  return isRecord(error) && error['name'] === 'HttpError';
}

/**
 * The answer, with any status. Octokit's error contains the request, including the token, so it must not become the cause of another
 * error.
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

/** Undefined if it is not the requested data. */
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

/** It contains several URLs. */
const LONGEST_LINK = 10_000;

function dateOf({ headers }: Reply): number | undefined {
  const date = Date.parse(text(headers, 'date') ?? '');
  return Number.isNaN(date) ? undefined : date;
}
