/** What a token can do in a scope or repository. `none`: it can see it, and gets 403. If it cannot see it, it gets 404. */
export type Right = 'none' | 'read' | 'write';

export interface TokenRights {
  /** By scope: `owner/repo`, an organization, or `enterprises/NAME`. */
  readonly runners?: Readonly<Record<string, Right>>;
  /** By repository: "Actions". */
  readonly actions?: Readonly<Record<string, Right>>;
  /** When it is valid, in milliseconds since the epoch. */
  readonly validFrom?: number;
  readonly validUntil?: number;
  /** Requests per hour, if not the default. */
  readonly quota?: number;
}

export type Endpoint = 'runners' | 'runner' | 'labels' | 'runs' | 'jobs';

/** A refusal in place of GitHub's answer: for a time, for a number of requests, or else permanently. */
export interface Refusal {
  readonly status: number;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which requests it refuses: all if absent. */
  readonly endpoint?: Endpoint;
  readonly token?: string;
  /** In milliseconds since the epoch. */
  readonly from?: number;
  readonly until?: number;
  readonly requests?: number;
}

export interface AskedFor {
  readonly endpoint: Endpoint;
  readonly token: string;
  readonly now: number;
}

/** Finds the refusal of a request, and counts it. */
export function createRefusals(given: readonly Refusal[] = []) {
  const left = given.map((refusal) => ({ refusal, requests: refusal.requests ?? Number.POSITIVE_INFINITY }));
  return {
    add(refusal: Refusal): void {
      left.push({ refusal, requests: refusal.requests ?? Number.POSITIVE_INFINITY });
    },
    take({ endpoint, token, now }: AskedFor): Refusal | undefined {
      const met = left.find(
        ({ refusal: { from = now, until = Number.POSITIVE_INFINITY, ...one }, requests }) => {
          const isMeant = (one.endpoint ?? endpoint) === endpoint && (one.token ?? token) === token;
          return isMeant && requests > 0 && from <= now && now < until;
        },
      );
      if (met === undefined) return undefined;
      met.requests--;
      return met.refusal;
    },
  };
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const WRITE_POINTS = 5;

export interface Limits {
  readonly quota: number;
  /** Requests of this hour, which ends at `resetAt`. */
  used: number;
  resetAt: number;
  /** Points of this minute. */
  points: number;
  minute: number;
}

/** The secondary rate limit. */
export const POINTS_PER_MINUTE = 900;

export function createLimits(quota: number, now: number): Limits {
  return { quota, used: 0, resetAt: now + HOUR_MS, points: 0, minute: Math.floor(now / MINUTE_MS) };
}

/** Counts a request. @returns the limit that it exceeds, if any */
export function charge(
  limits: Limits,
  { now, isWrite, pointsPerMinute }: { now: number; isWrite: boolean; pointsPerMinute: number },
): 'primary' | 'secondary' | undefined {
  if (now >= limits.resetAt) [limits.used, limits.resetAt] = [0, now + HOUR_MS];
  const minute = Math.floor(now / MINUTE_MS);
  if (minute !== limits.minute) [limits.points, limits.minute] = [0, minute];
  const points = isWrite ? WRITE_POINTS : 1;
  if (limits.used >= limits.quota) return 'primary';
  if (limits.points + points > pointsPerMinute) return 'secondary';
  limits.used++;
  limits.points += points;
  return undefined;
}
