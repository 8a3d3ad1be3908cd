import { ActionError } from '../errors.ts';
import { type Fields, isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import { type GitHubClient, isRequestError, type Octokit } from './github-client.ts';
import { isSameName } from './runner-names.ts';
import { describeScope, type Scope } from './scope.ts';

export interface Label {
  readonly name: string;
  /** `read-only`: the runner application set it, e.g. `self-hosted`. */
  readonly type: 'custom' | 'read-only';
}

/** A self-hosted runner as GitHub reports it: what this action uses of it, checked field by field. */
export interface Runner {
  /** Unique for the owner of the runner only. */
  readonly id: number;
  readonly name: string;
  /** Stale after a power cut: GitHub takes minutes to notice. */
  readonly isOnline: boolean;
  /** It has a job; GitHub may say so a minute and more after the job began, and take it back for a while. */
  readonly isBusy: boolean;
  readonly labels: readonly Label[];
  /** It takes one job per registration. Undefined where GitHub does not say (GitHub Enterprise Server before 3.15). */
  readonly ephemeral: boolean | undefined;
  /** Of the runner application, e.g. `2.336.0`; undefined where GitHub does not say. */
  readonly version: string | undefined;
}

/** The self-hosted runners of one scope. Throws ActionErrors as {@link GitHubClient.octokitFor} tells. */
export interface Runners {
  /** By ID, with the ETag of the last answer; undefined where it is gone. */
  getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined>;
  /** The same for a look that is one of many: where many runners are looked at, one list may serve them all. */
  glanceAt(id: number, bounds: RetryBounds): Promise<Runner | undefined>;
  /**
   * Those that GitHub finds under the name, or all of them, from every page, each once. Pages shift while they are read, so that a
   * runner can slip from one that is to come to one that was: where the name is on none of several pages, all are read again.
   */
  listRunners(name: string | undefined, bounds: RetryBounds): Promise<Runner[]>;
}

const PER_PAGE = 100;
/** A scope holds 10,000 runners at most. */
const MOST_PAGES = 100;

export function createRunners(client: GitHubClient, scope: Scope): Runners {
  const seen = new Map<number, { readonly etag: string; readonly runner: Runner }>();

  async function getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined> {
    const before = seen.get(id);
    const octokit = client.octokitFor({
      ...bounds,
      readData: (data) => requireRunner(data, id),
      otherAnswers: before === undefined ? [404] : [304, 404],
    });
    try {
      const { data, headers } = await requestRunner(octokit, scope, { id, etag: before?.etag });
      const runner = readRunner(data);
      if (headers.etag !== undefined) seen.set(id, { etag: headers.etag, runner });
      return runner;
    } catch (error) {
      if (!isRequestError(error)) throw error;
      return error.status === 304 ? before?.runner : undefined;
    }
  }

  async function listRunners(name: string | undefined, bounds: RetryBounds): Promise<Runner[]> {
    const { runners, pages } = await readPages(name, bounds);
    const isMissed = name !== undefined && !runners.some((runner) => isSameName(runner.name, name));
    return isMissed && pages > 1 ? (await readPages(name, bounds)).runners : runners;
  }

  async function readPages(name: string | undefined, bounds: RetryBounds) {
    const octokit = client.octokitFor({ ...bounds, readData: (data) => requireList(data, name) });
    // One that slips to the next page is there twice.
    const runners = new Map<number, Runner>();
    let pages = 0;
    for await (const { data } of pagesOf(octokit, scope, name)) {
      for (const runner of data.flatMap((item) => runnerFrom(item) ?? [])) runners.set(runner.id, runner);
      if (++pages === MOST_PAGES) break;
    }
    return { runners: [...runners.values()], pages };
  }

  return { getRunner, glanceAt: getRunner, listRunners };
}

// ---- requests ----

interface RunnerRequest {
  readonly id: number;
  readonly etag: string | undefined;
}

function requestRunner(octokit: Octokit, scope: Scope, { id, etag }: RunnerRequest) {
  const headers = etag === undefined ? {} : { 'if-none-match': etag };
  const parameters = { runner_id: id, headers };
  switch (scope.kind) {
    case 'repository': {
      const { owner, repo } = scope;
      return octokit.rest.actions.getSelfHostedRunnerForRepo({ owner, repo, ...parameters });
    }
    case 'organization':
      return octokit.rest.actions.getSelfHostedRunnerForOrg({ org: scope.org, ...parameters });
    case 'enterprise': {
      const { enterprise } = scope;
      return octokit.request(`${OF_ENTERPRISE}/{runner_id}`, { enterprise, ...parameters });
    }
  }
}

/** Octokit has no methods for what belongs to an enterprise. */
const OF_ENTERPRISE = 'GET /enterprises/{enterprise}/actions/runners';

interface Page {
  readonly data: readonly unknown[];
}

function pagesOf(octokit: Octokit, scope: Scope, name: string | undefined): AsyncIterable<Page> {
  const { actions } = octokit.rest;
  const parameters = { per_page: PER_PAGE, ...(name === undefined ? {} : { name }) };
  switch (scope.kind) {
    case 'repository': {
      const { owner, repo } = scope;
      return octokit.paginate.iterator(actions.listSelfHostedRunnersForRepo, { owner, repo, ...parameters });
    }
    case 'organization':
      return octokit.paginate.iterator(actions.listSelfHostedRunnersForOrg, {
        org: scope.org,
        ...parameters,
      });
    case 'enterprise':
      return octokit.paginate.iterator(OF_ENTERPRISE, { enterprise: scope.enterprise, ...parameters });
  }
}

// ---- answers ----

/** @throws UnusableAnswer where the data is not the runner of the ID. */
function requireRunner(data: unknown, id: number): unknown {
  if (readRunner(data).id !== id) throw new UnusableAnswer('it answered with another runner');
  return data;
}

/**
 * The list alone: of a page with other fields, octokit's paginate might take another one for the list.
 * What is not asked for, and cannot be read, does not matter here.
 * @throws UnusableAnswer where there is no list, or a runner cannot be read that is asked for, or might be.
 */
function requireList(data: unknown, name: string | undefined): unknown[] {
  const items: unknown = isRecord(data) ? data['runners'] : undefined;
  if (!Array.isArray(items)) throw new UnusableAnswer('it answered without a list of runners');
  if (items.length > PER_PAGE) throw new UnusableAnswer('it answered with more runners than were asked for');
  for (const item of items) if (mayBeCalled(item, name)) readRunner(item);
  return items;
}

function mayBeCalled(item: unknown, name: string | undefined): boolean {
  if (name === undefined) return false;
  const itsName = isRecord(item) ? text(item, 'name') : undefined;
  return itsName === undefined || isSameName(itsName, name);
}

function readRunner(data: unknown): Runner {
  const runner = runnerFrom(data);
  if (runner !== undefined) return runner;
  throw new UnusableAnswer('it answered with a runner that lacks id, name, status or busy');
}

function runnerFrom(data: unknown): Runner | undefined {
  const fields = isRecord(data) ? data : {};
  const { id, busy } = fields;
  const [name, status] = [text(fields, 'name'), text(fields, 'status')];
  // An unknown status is not "offline": a runner that was seen offline is part of the proof that it came back.
  const isKnown = status === 'online' || status === 'offline';
  if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown) return undefined;
  const { ephemeral } = fields;
  return {
    ...{ id, name, isOnline: status === 'online', isBusy: busy, labels: labelsFrom(fields) },
    ephemeral: typeof ephemeral === 'boolean' ? ephemeral : undefined,
    version: text(fields, 'version'),
  };
}

const LONGEST_LABEL = 256;

function labelsFrom({ labels }: Fields): Label[] {
  return (Array.isArray(labels) ? labels : []).flatMap((label: unknown) => {
    const name = isRecord(label) ? text(label, 'name', LONGEST_LABEL) : undefined;
    if (!isRecord(label) || name === undefined) return [];
    return { name, type: label['type'] === 'custom' ? 'custom' : 'read-only' };
  });
}

// ---- by name ----

export interface Sought {
  readonly name: string;
  readonly scope: Scope;
}

/** The runners that bear the name; GitHub's own filter may find more, or not exist (GitHub Enterprise Server). */
export async function findByName(runners: Runners, name: string, bounds: RetryBounds): Promise<Runner[]> {
  const found = await runners.listRunners(name, bounds);
  return found.filter((runner) => isSameName(runner.name, name));
}

/**
 * The one runner of the name.
 * @throws ActionError `runner_not_found` or `ambiguous_target`, listing what is there; and what GitHub throws.
 */
export async function findRunner(
  runners: Runners,
  { name, scope }: Sought,
  bounds: RetryBounds,
): Promise<Runner> {
  const [first, ...others] = await findByName(runners, name, bounds);
  const where = describeScope(scope);
  if (first === undefined) {
    const all = await runners.listRunners(undefined, bounds);
    throw new ActionError(
      'runner_not_found',
      `No self-hosted runner "${name}" is registered in ${where}; there ${listOf(all)}.`,
      { hint: 'Check runner_name and runner_scope: a runner is listed only where it is registered.' },
    );
  }
  if (others.length === 0) return first;
  throw new ActionError(
    'ambiguous_target',
    `${others.length + 1} self-hosted runners are called "${name}" in ${where}: there ${listOf([first, ...others])}.`,
    { hint: 'Remove the stale registrations, or give the runners different names.' },
  );
}

const MOST_LISTED = 10;

function listOf(runners: readonly Runner[]): string {
  if (runners.length === 0) return 'are none';
  const listed = runners
    .slice(0, MOST_LISTED)
    .map((runner) => `"${runner.name}" (ID ${runner.id}, ${describeRunner(runner)})`);
  const more = runners.length - listed.length;
  return `are ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** e.g. `online, busy`. */
export function describeRunner({ isOnline, isBusy }: Runner): string {
  return `${isOnline ? 'online' : 'offline'}, ${isBusy ? 'busy' : 'idle'}`;
}
