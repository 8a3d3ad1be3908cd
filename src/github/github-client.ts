// A request to GitHub passes through five stages:
//
// 1. Pages: `askForList` counts them itself, because the links of a GitHub Enterprise Server may name another host.
// 2. Retries: http/retry.ts repeats each request until its deadline.
// 3. Tokens: each attempt tries one token after another, until GitHub accepts one. A rate limit suspends a token.
// 4. octokit.ts builds the request, reads the answer, and remembers it with its ETag, because an unchanged answer does not count against
//    GitHub's quota.
// 5. github-fetch.ts sends the request over the same transport as the controller's.

import { ActionError } from '../errors.ts';
import { isRecord, UnusableAnswer } from '../http/json.ts';
import {
  type Attempt,
  createRetryBudget,
  type Fault,
  type RetryBounds,
  type RetryBudget,
  retry,
} from '../http/retry.ts';
import {
  type Access,
  type Denial,
  describeReply,
  faultOfDenial,
  faultOfLimit,
  faultOfUnreadable,
  isAboutToken,
  type Reply,
  rateLimitMs,
} from './github-faults.ts';
import { createUsage } from './github-fetch.ts';
import {
  createOctokit,
  type GitHubConnection,
  type GitHubRequest,
  type GoodAnswer,
  type SendRequest,
} from './octokit.ts';

/** A request, its limits, and what to do about refusals. */
export interface Question<T> extends GitHubRequest<T>, RetryBounds {
  readonly access: Access;
  /** Statuses that count as an answer rather than a refusal, unless they come from a rate limit. */
  readonly otherAnswers?: readonly number[];
}

/** An answer with one of the `otherAnswers`. */
interface OtherAnswer {
  readonly status: number;
  /** GitHub's answer to each token, for messages. */
  readonly said: string;
}

type Answered<T> = GoodAnswer<T> | OtherAnswer;

/** A list from all its pages. */
export interface List<T> {
  readonly items: readonly T[];
  readonly pages: number;
  /**
   * How many items there are, by GitHub's highest count; 0 if GitHub gave none. The highest, because a count that falls from page to page means
   * that an item may have moved to a page that was read already.
   */
  readonly total: number;
  /** Whether the list has more pages than could be read. */
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
  ask<T>(question: Question<T>): Promise<Answered<T>>;
  /** Reads every page. */
  askForList<T>(question: Question<readonly T[]> & { readonly otherAnswers?: never }): Promise<List<T>>;
  askForList<T>(question: Question<readonly T[]>): Promise<List<T> | OtherAnswer>;
}

/** A token, and what GitHub last said about it. All clients that use the token share this object. */
export interface Token {
  /** The name of the token's input. */
  readonly input: string;
  readonly value: string;
  /** GitHub accepts no request with this token before this time: on the clock's scale. */
  allowedAt: number;
  /** When GitHub last refused a request with this token: on the clock's scale. */
  refusedAt: number;
}

export function createToken(input: string, value: string): Token {
  return { input, value, allowedAt: Number.NEGATIVE_INFINITY, refusedAt: Number.NEGATIVE_INFINITY };
}

export interface GitHubOptions extends GitHubConnection {
  /** When GitHub's faults are final. By default, each set of tokens has a budget of its own. */
  readonly budget?: RetryBudget | undefined;
}

export interface GitHub {
  /** @param tokens in the order to try them. If GitHub refuses one, or its quota is exhausted, the next one is tried at once. */
  clientWith(tokens: readonly Token[]): GitHubClient;
  /** The requests so far, and the rest of the quota. */
  describeUsage(): string;
}

/** The most items that GitHub puts on a page. */
const PER_PAGE = 100;
/** The most pages to read of a list. GitHub itself ends a list of workflow runs after 1,000 runs. */
const MOST_PAGES = 100;
/** After a refusal, a token is tried last for this long, in milliseconds: otherwise, each of many requests would be refused first. */
const REFUSED_MS = 5_000;

export function createGitHub(connection: GitHubOptions): GitHub {
  const usage = createUsage();
  const send = createOctokit(connection, usage.count);
  return {
    clientWith: (tokens) => createClientWith(tokens, connection, send),
    describeUsage: usage.describe,
  };
}

function createClientWith(
  tokens: readonly Token[],
  { clock, random, budget = createRetryBudget(clock) }: GitHubOptions,
  send: SendRequest,
): GitHubClient {
  async function ask<T>(question: Question<T>): Promise<Answered<T>> {
    const attempt = () => tryTokens(question).catch(faultIfUnusable);
    const last = await retry({ clock, random, budget }, attempt, question);
    if ('fault' in last) throw givenUp(last.fault, last.isFinal);
    if ('data' in last.value) budget.renew();
    return last.value;
  }

  async function tryTokens<T>(question: Question<T>): Promise<Attempt<Answered<T>>> {
    let denial: Denial | undefined;
    for (const token of inOrder(tokens, clock.now())) {
      const reply = await send(question, token.value);
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

  function askForList<T>(
    question: Question<readonly T[]> & { readonly otherAnswers?: never },
  ): Promise<List<T>>;
  function askForList<T>(question: Question<readonly T[]>): Promise<List<T> | OtherAnswer> {
    return askForPages(ask, question);
  }

  return { ask, askForList };
}

async function askForPages<T>(
  ask: GitHubClient['ask'],
  question: Question<readonly T[]>,
): Promise<List<T> | OtherAnswer> {
  const items: T[] = [];
  let total = 0;
  for (let page = 1; ; page++) {
    const parameters = { ...question.parameters, per_page: PER_PAGE, ...(page === 1 ? {} : { page }) };
    const answer = await ask({ ...question, parameters });
    if ('status' in answer) return answer;
    items.push(...answer.data);
    total = Math.max(total, answer.total ?? 0);
    const { goesOn, isCut } = endOf(answer, items.length);
    if (!goesOn || page === MOST_PAGES) return { items, pages: page, total, isCut, date: answer.date };
  }
}

/** The items on a page. @throws UnusableAnswer if there is no list, or if the page is too long. */
export function itemsIn(data: unknown, key: string): readonly unknown[] {
  const items: unknown = isRecord(data) ? data[key] : undefined;
  const name = key.replace('_', ' ');
  if (!Array.isArray(items)) throw new UnusableAnswer(`it answered without a list of ${name}`);
  if (items.length > PER_PAGE) throw new UnusableAnswer(`it answered with more ${name} than were asked for`);
  return items;
}

function faultIfUnusable(error: unknown): { fault: Fault } {
  if (!(error instanceof UnusableAnswer)) throw error;
  return { fault: faultOfUnreadable(error) };
}

/**
 * Whether more pages follow, and whether the list has more items than were read. Without a `Link` header, the count decides: a full page
 * is the last one only if the count is reached exactly.
 */
function endOf({ data, hasNext, total }: GoodAnswer<readonly unknown[]>, read: number) {
  const isOpen = data.length >= PER_PAGE && read !== total;
  return { goesOn: hasNext ?? isOpen, isCut: hasNext === true || isOpen };
}

/** The tokens that no rate limit suspends; one that was just refused comes last. */
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

function afterDenial<T>(denial: Denial, question: Question<T>): Attempt<Answered<T>> {
  const { tokens, said, reply } = denial;
  const isAnswer = question.otherAnswers?.includes(reply.status) && rateLimitMs(reply) === undefined;
  return isAnswer
    ? { value: { status: reply.status, said: `${tokens}: ${said}` } }
    : { fault: faultOfDenial(denial, question.access) };
}

function givenUp({ reason, message, hint, cause }: Fault, isFinal: boolean): ActionError {
  const gaveUp = `GitHub gave no usable answer; last attempt: ${reason}.`;
  return new ActionError('github_api_failed', message ?? gaveUp, { hint, cause, isTransient: !isFinal });
}
