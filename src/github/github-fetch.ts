// How a request to GitHub is sent, and how much of GitHub's quota the step uses.

import { type Bounds, NEVER } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { isTooComplex, parseJson, UnusableAnswer } from '../http/json.ts';
import type { Answer, HttpRequest, NoAnswer, Transport } from '../http/transport.ts';

/** A page of 100 runners has about 60 KiB; a page of 100 runs, or of 100 jobs with all their steps, can have 2 MiB and more. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface FetchOptions {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly transport: Transport;
  readonly bounds: Bounds;
  /** Called for each answer, with any status. */
  readonly onAnswer: (answer: Answer) => void;
}

/** The part of `fetch` that octokit uses. `body` is JSON. */
type Fetch = (
  url: string,
  init: {
    readonly method?: string;
    readonly body?: string | undefined;
    readonly headers: Record<string, string>;
  },
) => Promise<Response>;

/**
 * A path with a segment `.` or `..`, encoded or not, or with an empty last segment. The server reads it as another path: for a label of such
 * a name, DELETE would remove all labels, or the runner.
 */
const LEADS_ELSEWHERE = /\/(?:(?:\.|%2e){1,2}(?:\/|$)|$)/i;

/**
 * Sends octokit's requests over the same transport as the controller's, which has the limits of time and size, and the proxies. Requests go only
 * to the base URL's server. The returned function throws UnusableAnswer if a retry may help, and ActionError `github_api_failed` if it cannot.
 */
export function createFetch({ baseUrl, transport, bounds, onAnswer }: FetchOptions): Fetch {
  return async (url, { method, headers, body = '' }) => {
    const path = url.slice(baseUrl.length);
    if (LEADS_ELSEWHERE.test(path.replace(/\?.*$/s, ''))) throw namesElsewhere();
    // Adding or removing a label twice has the same effect as once, so every request can be repeated.
    const rest = { headers, body: parseJson(body), maxBytes: MAX_BYTES, isWrite: false };
    const request = { method: methodOf(method), path, ...rest };
    bounds.signal.throwIfAborted();
    const result = await transport.send(request, request.method === 'GET' ? bounds : uncut(bounds));
    if ('noAnswer' in result) throw failureOf(result.noAnswer);
    onAnswer(result.answer);
    return responseOf(result.answer);
  };
}

/** An abort does not cut off a change of labels once it is sent: to restore labels, the step must know what was changed. */
function uncut(bounds: Bounds): Bounds {
  return { ...bounds, signal: NEVER };
}

function methodOf(method: string | undefined): HttpRequest['method'] {
  return method === 'POST' || method === 'DELETE' ? method : 'GET';
}

function namesElsewhere(): ActionError {
  const message =
    'A request to GitHub was not sent: a name in its path is blank, "." or "..", so it would go to another place.';
  return new ActionError('github_api_failed', message);
}

const CHECK_API_URL = 'Check GITHUB_API_URL and the proxy of the machine that runs the step.';

function failureOf({ reason, nature, cause }: NoAnswer): Error {
  if (nature !== 'refusal') return new UnusableAnswer(reason, { nature, hint: CHECK_API_URL, cause });
  return new ActionError('github_api_failed', `GitHub cannot be queried: ${reason}.`, {
    hint: CHECK_API_URL,
    cause,
  });
}

/** Statuses for which the Response constructor accepts no body, not even an empty one. */
const WITHOUT_BODY = [204, 205, 304];

function responseOf({ status, headers, text }: Answer): Response {
  // Octokit would parse it, whatever that takes.
  if (isTooComplex(text)) throw new UnusableAnswer('it answered with far more JSON than GitHub sends');
  const given = Object.entries(headers).filter(
    (header): header is [string, string] => header[1] !== undefined,
  );
  try {
    return new Response(WITHOUT_BODY.includes(status) ? null : text, { status, headers: given });
  } catch (cause) {
    throw new UnusableAnswer('it answered with a status or headers that HTTP does not allow', { cause });
  }
}

// ---- usage ----

/** How much of GitHub's quota the step uses. */
export function createUsage() {
  const counts = { requests: 0, unchanged: 0 };
  let quota = 'unknown';
  return {
    count({ status, headers }: Answer): void {
      counts.requests++;
      if (status === 304) counts.unchanged++;
      const { 'x-ratelimit-remaining': left, 'x-ratelimit-limit': limit } = headers;
      if (left !== undefined) quota = `${left} of ${limit ?? 'unknown'}`;
    },
    describe: (): string =>
      `GitHub answered ${counts.requests} requests, ${counts.unchanged} of them free of charge (not modified); quota left: ${quota}`,
  };
}
