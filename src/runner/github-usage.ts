import type { Answer } from '../http/transport.ts';

/** How much of GitHub's quota the step uses up. */
export interface Usage {
  count(answer: Answer): void;
  describe(): string;
}

export function createUsage(): Usage {
  const counts = { requests: 0, unchanged: 0 };
  let quota = 'unknown';
  return {
    count({ status, headers }) {
      counts.requests++;
      if (status === 304) counts.unchanged++;
      const { 'x-ratelimit-remaining': left, 'x-ratelimit-limit': limit } = headers;
      if (left !== undefined) quota = `${left} of ${limit ?? 'unknown'}`;
    },
    describe: () =>
      `GitHub answered ${counts.requests} requests, ${counts.unchanged} of them free of charge (not modified); quota left: ${quota}`,
  };
}
