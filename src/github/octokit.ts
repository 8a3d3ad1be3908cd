// One request to GitHub and its answer, with GitHub's own library.

import { getOctokit } from '@actions/github';
import type { Bounds, Clock } from '../clock.ts';
import { describeCause } from '../errors.ts';
import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { Transport } from '../http/transport.ts';
import type { Reply } from './github-faults.ts';
import { createFetch, type FetchOptions } from './github-fetch.ts';

/** One request to GitHub, and how to read its answer. */
export interface GitHubRequest<T> extends Bounds {
  /** e.g. `GET /repos/{owner}/{repo}/actions/runs`. Octokit fills in the parameters, and sends those that are left as query or body. */
  readonly route: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Reads the data of a good answer. @throws UnusableAnswer to ask again. */
  readonly read: (data: unknown) => T;
  /** Checks data that was read or remembered. @throws UnusableAnswer to ask again. */
  readonly check?: (data: T) => void;
  /** Where to keep answers for later requests: an unchanged answer does not count against GitHub's quota. */
  readonly memory?: Memory<T>;
}

/** Good answers with their ETags, by request. */
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

export interface GitHubConnection {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter for the pauses between attempts. */
  readonly random: () => number;
  /** Receives octokit's log lines, which may quote the server. */
  readonly debug: (line: string) => void;
}

/**
 * Sends a request once, with one token. `denied`: the answer has another status than 200.
 * @throws UnusableAnswer to ask again; ActionError if GitHub cannot be queried.
 */
export type SendRequest = <T>(
  request: GitHubRequest<T>,
  token: string,
) => Promise<GoodAnswer<T> | { readonly denied: Reply }>;

type Octokit = ReturnType<typeof getOctokit>;

export function createOctokit(
  { baseUrl, transport, debug }: GitHubConnection,
  onAnswer: FetchOptions['onAnswer'],
): SendRequest {
  // Octokit writes to the console if a method is missing here; @octokit/request has its own setting.
  const remark = (line: string) => debug(line.replace(QUERY, '?...'));
  const log = { debug: remark, info: remark, warn: remark, error: remark };
  const octokits = new Map<string, Octokit>();
  return async ({ route, parameters, read, check, memory, ...bounds }, token) => {
    const octokit = octokits.get(token) ?? getOctokit(token, { baseUrl, userAgent: 'restart-anka-vm', log });
    octokits.set(token, octokit);
    const key = JSON.stringify([route, parameters]);
    const before = memory?.get(key);
    const headers = { ...API_VERSION, ...(before === undefined ? {} : { 'if-none-match': before.etag }) };
    const request = { fetch: createFetch({ baseUrl, transport, bounds, onAnswer }), log };
    const reply = await settle(() => octokit.request(route, { ...parameters, headers, request }));
    const answer =
      reply.status === 304 && before ? { ...before.answer, date: dateOf(reply) } : answerIn(reply, read);
    if (answer === undefined) return { denied: reply };
    check?.(answer.data);
    const { etag } = reply.headers;
    if (etag !== undefined) memory?.set(key, { etag: String(etag), answer });
    return answer;
  };
}

/** The query of a URL in a text. It may contain a name from the controller, and once that is URL-encoded, masking no longer hides it. */
const QUERY = /\?[^\s"]*/g;
const API_VERSION = { 'x-github-api-version': '2022-11-28' };

/** Octokit's own error; `@actions/github` does not export its class. */
interface RequestError extends Error {
  readonly status: number;
  /** Undefined if there was no answer. The cause is then the error from fetch. */
  readonly response?: Reply;
}

function isRequestError(error: unknown): error is RequestError {
  return isRecord(error) && error['name'] === 'HttpError';
}

/**
 * Resolves to the answer, whatever its status. Octokit's error contains the request with the token, so it must not become the cause of
 * another error.
 */
async function settle(request: () => Promise<Reply>): Promise<Reply> {
  try {
    return await request();
  } catch (error) {
    // Octokit cannot read some answers, e.g. HTTP 500 with JSON that has a number of 20 digits and no message.
    if (!isRequestError(error))
      throw new UnusableAnswer(
        `it answered with something that octokit cannot read: ${describeCause(error)}`,
      );
    if (error.response === undefined) throw error.cause;
    return error.response;
  }
}

/** Undefined for any status except 200. */
function answerIn<T>(reply: Reply, read: (data: unknown) => T): GoodAnswer<T> | undefined {
  const { status, headers, data } = reply;
  if (status !== 200) return undefined;
  const total = isRecord(data) ? data['total_count'] : undefined;
  return {
    data: read(data),
    hasNext: nextIn(text(headers, 'link', LONGEST_LINK) ?? ''),
    total: typeof total === 'number' ? total : undefined,
    date: dateOf(reply),
  };
}

function nextIn(link: string): boolean | undefined {
  if (/\brel="?next\b/.test(link)) return true;
  return /\brel="?prev\b/.test(link) ? false : undefined;
}

/** In characters. The header contains several URLs. */
const LONGEST_LINK = 10_000;

function dateOf({ headers }: Reply): number | undefined {
  const date = Date.parse(text(headers, 'date') ?? '');
  return Number.isNaN(date) ? undefined : date;
}
