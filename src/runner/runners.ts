import { isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { GitHubClient } from './github-client.ts';
import { isSameName } from './name.ts';
import type { Scope } from './scope.ts';

/** A self-hosted runner as GitHub reports it: what this action uses of it, checked field by field. */
export interface Runner {
  readonly id: number;
  readonly name: string;
  /** Stale after a power cut: GitHub takes minutes to notice. */
  readonly isOnline: boolean;
  /** It has a job; GitHub may say so as late as a minute after the job began. */
  readonly isBusy: boolean;
}

/** The self-hosted runners of one scope. Throws what {@link GitHubClient.ask} throws. */
export interface GitHub {
  /** By ID, with the ETag of the last answer; undefined where it is gone. */
  getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined>;
  /** Those that GitHub finds under the name, or all of them, from every page. */
  listRunners(name: string | undefined, bounds: RetryBounds): Promise<Runner[]>;
}

const PER_PAGE = 100;
/** A scope holds 10,000 runners at most. */
const MOST_PAGES = 100;

const ROUTES: Readonly<Record<Scope['kind'], string>> = {
  repository: 'GET /repos/{owner}/{repo}/actions/runners',
  organization: 'GET /orgs/{org}/actions/runners',
  enterprise: 'GET /enterprises/{enterprise}/actions/runners',
};

export function createRunners(api: GitHubClient, scope: Scope): GitHub {
  const { kind, ...place } = scope;
  const seen = new Map<number, { readonly etag: string; readonly runner: Runner }>();

  async function getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined> {
    const before = seen.get(id);
    const headers = before === undefined ? {} : { 'if-none-match': before.etag };
    return api.ask<Runner | undefined>(
      {
        route: `${ROUTES[kind]}/{runner_id}`,
        parameters: { ...place, runner_id: id, headers },
        read(data, answer) {
          const runner = readRunner(data);
          if (runner.id !== id) throw new UnusableAnswer('it answered with another runner');
          const { etag } = answer.headers;
          if (etag !== undefined) seen.set(id, { etag, runner });
          return runner;
        },
        otherwise(status) {
          if (status === 304 && before !== undefined) return { value: before.runner };
          return status === 404 ? { value: undefined } : undefined;
        },
      },
      bounds,
    );
  }

  /** Pages are counted, not followed: a link could lead the token elsewhere. */
  async function listRunners(name: string | undefined, bounds: RetryBounds): Promise<Runner[]> {
    const runners: Runner[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const parameters = { ...place, name, per_page: PER_PAGE, page };
      const read = (data: unknown) => readPage(data, name);
      const { found, isLast } = await api.ask({ route: ROUTES[kind], parameters, read }, bounds);
      runners.push(...found);
      if (isLast) break;
    }
    return runners;
  }

  return { getRunner, listRunners };
}

interface Page {
  readonly found: readonly Runner[];
  readonly isLast: boolean;
}

/** What is not asked for, and cannot be read, is somebody else's trouble. */
function readPage(data: unknown, name: string | undefined): Page {
  const items: unknown = isRecord(data) ? data['runners'] : undefined;
  if (!Array.isArray(items)) throw new UnusableAnswer('it answered without a list of runners');
  if (items.length > PER_PAGE) throw new UnusableAnswer('it answered with more runners than were asked for');
  const found = items.flatMap((item: unknown) => runnerFrom(item) ?? leaveOut(item, name));
  return { found, isLast: items.length < PER_PAGE };
}

/** @throws UnusableAnswer where it is the one that is asked for, or might be. */
function leaveOut(item: unknown, name: string | undefined): [] {
  const itsName = isRecord(item) ? text(item, 'name') : undefined;
  if (name !== undefined && isSameName(itsName ?? name, name)) throw unreadable();
  return [];
}

function readRunner(data: unknown): Runner {
  const runner = runnerFrom(data);
  if (runner === undefined) throw unreadable();
  return runner;
}

function unreadable(): UnusableAnswer {
  return new UnusableAnswer('it answered with a runner that lacks id, name, status or busy');
}

function runnerFrom(data: unknown): Runner | undefined {
  const fields = isRecord(data) ? data : {};
  const { id, busy } = fields;
  const [name, status] = [text(fields, 'name'), text(fields, 'status')];
  // A word that nobody knows is not "offline": to see a runner offline is a part of the proof that it came back.
  const isKnown = status === 'online' || status === 'offline';
  if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown) return undefined;
  return { id, name, isOnline: status === 'online', isBusy: busy };
}
