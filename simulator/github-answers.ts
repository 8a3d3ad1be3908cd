import { createHash } from 'node:crypto';
import { charge, type Endpoint, POINTS_PER_MINUTE, type Right } from './github-tokens.ts';
import type { GitHubWorld } from './github-world.ts';
import type { Json, Reaction, SeenRequest } from './replies.ts';

/** Where GitHub's API is on the simulator, as on a GitHub Enterprise Server. */
export const GITHUB_API_PATH = '/api/v3';

/** A request, and the values in its path. */
export interface Asked {
  readonly github: GitHubWorld;
  readonly request: SeenRequest;
  readonly url: URL;
  readonly token: string;
}

/** The rights that a request needs. */
export interface Needs {
  readonly endpoint: Endpoint;
  /** `owner/repo`, an organization, or `enterprises/NAME`. */
  readonly place: string;
  readonly right: Right;
}

export function tokenOf({ headers }: SeenRequest): string | undefined {
  return /^(?:token|bearer) (\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** The refusal instead of an answer, if there is one now. */
export function refusedBy({ github, token }: Asked, endpoint: Endpoint): Reaction | undefined {
  const refusal = github.refusals.take({ endpoint, token, now: github.world.now });
  if (refusal === undefined) return undefined;
  const { status, message = MESSAGES[status] ?? 'Refused', headers = {} } = refusal;
  const reaction = answer({ github, token }, status, { message });
  return { ...reaction, headers: { ...reaction.headers, ...headers } };
}

const MESSAGES: Readonly<Record<number, string>> = {
  401: 'Bad credentials',
  403: 'Resource not accessible by integration',
  404: 'Not Found',
};

/** 401 for an unknown token, or one that is not valid now. */
export function unknownTo({ github, token }: Omit<Asked, 'request' | 'url'>): Reaction | undefined {
  const { token: owner, deniedToken, tokens } = github.options;
  const { now } = github.world;
  const rights = tokens?.[token];
  const isInTime = (rights?.validFrom ?? now) <= now && now <= (rights?.validUntil ?? now);
  const isKnown = rights !== undefined || token === deniedToken || owner === undefined || token === owner;
  return isKnown && isInTime ? undefined : answer({ github, token }, 401, { message: 'Bad credentials' });
}

const LEVELS: readonly Right[] = ['none', 'read', 'write'];

/** 403 if the token lacks the right, 404 if it cannot see the resource. */
export function deniedTo(asked: Asked, needs: Needs): Reaction | undefined {
  const { github, token } = asked;
  const isAboutJobs = needs.endpoint === 'runs' || needs.endpoint === 'jobs';
  if (token === github.options.deniedToken || (isAboutJobs && github.options.showsJobs === false))
    return forbidden(asked, needs);
  const rights = github.options.tokens?.[token];
  if (rights === undefined) return undefined;
  if (needs.place.startsWith('enterprises/') && /^(ghs_|github_pat_)/.test(token))
    return forbidden(asked, needs);
  const right = (isAboutJobs ? rights.actions : rights.runners)?.[needs.place];
  if (right === undefined) return notFound(asked);
  return LEVELS.indexOf(right) < LEVELS.indexOf(needs.right) ? forbidden(asked, needs) : undefined;
}

function forbidden({ github, token }: Asked, { endpoint, place, right }: Needs): Reaction {
  const isAboutJobs = endpoint === 'runs' || endpoint === 'jobs';
  const ofRunners = place.includes('/') ? 'administration' : 'organization_self_hosted_runners';
  const kind = token.startsWith('github_pat_') ? 'personal access token' : 'integration';
  const reaction = answer({ github, token }, 403, { message: `Resource not accessible by ${kind}` });
  const accepted = `${isAboutJobs ? 'actions' : ofRunners}=${right}`;
  return { ...reaction, headers: { ...reaction.headers, 'x-accepted-github-permissions': accepted } };
}

/** Answers 304, free of charge, if the client has this answer already. @param body undefined for 404 */
export function conditional(asked: Asked, body: Json | undefined): Reaction {
  const etag = `W/"${createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest('hex')}"`;
  if (body !== undefined && asked.request.headers['if-none-match'] === etag) {
    return { ...answer(asked, 304, ''), body: '', headers: { ...commonHeaders(asked), etag } };
  }
  const exhausted = charged(asked);
  if (exhausted !== undefined) return exhausted;
  if (body === undefined) return notFound(asked);
  const reaction = answer(asked, 200, body);
  return { ...reaction, headers: { ...reaction.headers, etag } };
}

/** Counts a request. @returns the answer if the token has reached a limit */
export function charged({ github, token, request }: Asked): Reaction | undefined {
  const limits = github.limitsOf(token);
  const pointsPerMinute = github.options.pointsPerMinute ?? POINTS_PER_MINUTE;
  const isWrite = request.method !== 'GET';
  const limit = charge(limits, { now: github.world.now, isWrite, pointsPerMinute });
  if (limit === undefined) return undefined;
  if (limit === 'primary')
    return answer({ github, token }, 403, { message: 'API rate limit exceeded for user ID 1.' });
  const reaction = answer({ github, token }, 403, { message: 'You have exceeded a secondary rate limit.' });
  return { ...reaction, headers: { ...reaction.headers, 'retry-after': '60' } };
}

export interface Listed {
  /** The list's name in the answer. */
  readonly key: string;
  readonly all: readonly Json[];
}

/** The most entries on a page. */
const MOST_ON_PAGE = 100;

/** How many entries a page has. @param query of the request */
export function pageSize({ options }: Pick<GitHubWorld, 'options'>, query: URLSearchParams): number {
  return Math.min(options.mostOnPage ?? MOST_ON_PAGE, Number(query.get('per_page') ?? 30));
}

/** The requested page. */
export function page(asked: Asked, { key, all }: Listed): Reaction {
  const { github, url } = asked;
  const { totals, hasLinks = true } = github.options;
  const perPage = pageSize(github, url.searchParams);
  const number = Number(url.searchParams.get('page') ?? 1);
  const from = (number - 1) * perPage;
  const items = all.slice(from, from + perPage);
  const total_count = Math.floor(all.length * (totals === undefined ? 1 : FACTORS[totals]));
  const reaction = conditional(asked, { total_count, [key]: items });
  const links = [
    ...(number > 1 ? [linkTo(asked, { page: number - 1, rel: 'prev' })] : []),
    ...(from + perPage < all.length ? [linkTo(asked, { page: number + 1, rel: 'next' })] : []),
  ];
  if (!hasLinks || links.length === 0) return reaction;
  return { ...reaction, headers: { ...reaction.headers, link: links.join(', ') } };
}

const FACTORS = { 'too small': 1 / 2, 'too large': 2 };

/** Absolute, as GitHub's links are, with the whole query. */
function linkTo({ github, url, request }: Asked, { page, rel }: { page: number; rel: string }): string {
  const host = github.options.linkHost ?? request.headers.host;
  const target = new URL(`http://${host}${GITHUB_API_PATH}${url.pathname}${url.search}`);
  target.searchParams.set('page', String(page));
  return `<${target.href}>; rel="${rel}"`;
}

export function notFound(asked: Pick<Asked, 'github' | 'token'>): Reaction {
  return answer(asked, 404, { message: 'Not Found' });
}

export function answer(asked: Pick<Asked, 'github' | 'token'>, status: number, body: Json): Reaction {
  const headers = { 'content-type': 'application/json; charset=utf-8', ...commonHeaders(asked) };
  return { status, headers, body: JSON.stringify(body) };
}

/** 204. */
export function done(asked: Asked): Reaction {
  return { ...answer(asked, 204, ''), body: '' };
}

function commonHeaders({ github, token }: Pick<Asked, 'github' | 'token'>): Record<string, string> {
  const { quota, used, resetAt } = github.limitsOf(token);
  return {
    'x-ratelimit-limit': String(quota),
    'x-ratelimit-remaining': String(quota - used),
    'x-ratelimit-used': String(used),
    'x-ratelimit-reset': String(Math.ceil(resetAt / 1_000)),
    date: new Date(github.world.now).toUTCString(),
  };
}
