import type { Clock } from '../clock.ts';
import { UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { GitHubClient, Memory } from './github-client.ts';
import { faultOfUnreadable } from './github-faults.ts';
import { type Listed, listedRunners, type Runner, readRunner } from './runner.ts';
import { describePattern, fitsPattern, isExact, type NamePattern } from './runner-names.ts';
import { describeScope, fittingToken, runnersPath, type Scope } from './scope.ts';

export interface SharedBounds extends RetryBounds {
  /**
   * How soon a list that VMs share is requested: at once, if a restart or the end of a wait depends on it; soon, if a VM is out of service
   * until it shows something; by default, some seconds after the list before.
   */
  readonly pace?: 'now' | 'soon' | undefined;
}

/** The runners source: the self-hosted runners of one scope. Throws as {@link GitHubClient} does. */
export interface Runners {
  /** Reads one by ID; undefined if it is gone. */
  getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined>;
  /** Like `getRunner`, for polling: where VMs share their reads, one list answers for many runners. */
  pollRunner(id: number, bounds: SharedBounds): Promise<Runner | undefined>;
  /** All of them, each once. */
  listAll(bounds: SharedBounds): Promise<RunnerList>;
  /**
   * Those that fit the pattern, each once. Empty only after the whole list was read, and read twice if it has several pages:
   * a runner can slip from a page that is still to come to one that was read already.
   * @throws UnusableAnswer if the list is known to lack runners, and one that fits may be among them.
   */
  listRunners(pattern: NamePattern, bounds: SharedBounds): Promise<Runner[]>;
  /**
   * When a list, whichever VM it was read for, last showed the runner with a job, on the clock's scale; undefined if none did. A page counts
   * even if the rest of its list got no answer.
   */
  shownBusyAt(id: number): number | undefined;
}

/** The runners on all pages. */
export interface RunnerList {
  readonly runners: readonly Runner[];
  readonly pages: number;
  /** Why the list may lack runners that fit the pattern; undefined if it has all of them. */
  readonly whyIncomplete: (pattern: NamePattern) => UnusableAnswer | undefined;
}

/** All runners of a list, or of the pages read so far. */
export interface Listing {
  readonly runners: readonly Runner[];
  /** GitHub's clock, in milliseconds since 1970. */
  readonly date: number;
}

export interface RunnersOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Called after each list that GitHub dated. */
  readonly onList?: ((listing: Listing) => void) | undefined;
}

export function createRunners(
  client: GitHubClient,
  scope: Scope,
  { clock, onList = () => {} }: RunnersOptions,
): Runners {
  const place = { subject: `the self-hosted runners of ${describeScope(scope)}`, input: 'runner_scope' };
  const about = { ...place, permission: fittingToken(scope) };
  const { path, parameters } = runnersPath(scope);
  const ofOne: Memory<Runner> = new Map();
  const ofPages: Memory<readonly Listed[]> = new Map();
  const shownBusyAt = new Map<number, number>();
  /** Whether the last whole list had several pages, between which runners can move. */
  let hasManyPages = false;

  async function getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined> {
    const route = `GET ${path}/{runner_id}`;
    const answer = await client.ask({
      ...{ ...bounds, ...about, route, parameters: { ...parameters, runner_id: id } },
      ...{ read: (data) => requireRunner(data, id), otherAnswers: [404], memory: ofOne },
    });
    return 'data' in answer ? answer.data : undefined;
  }

  async function listRunners(pattern: NamePattern, bounds: RetryBounds): Promise<Runner[]> {
    const named = await listByName(pattern, bounds);
    if (named.length > 0) return named;
    const first = await listWhole(pattern, bounds);
    return first.length === 0 && hasManyPages ? listWhole(pattern, bounds) : first;
  }

  /** Uses GitHub's name filter, which may be case-sensitive or match too much. Not needed if the list has one page. */
  async function listByName(pattern: NamePattern, bounds: RetryBounds): Promise<Runner[]> {
    if (!hasManyPages || !isExact(pattern)) return [];
    return [...(await readPages(pattern, bounds, describePattern(pattern))).runners];
  }

  async function listWhole(pattern: NamePattern, bounds: RetryBounds): Promise<Runner[]> {
    const { runners, pages, whyIncomplete } = await readAll(pattern, bounds);
    const lacks = whyIncomplete(pattern);
    hasManyPages = pages > 1;
    if (lacks === undefined || (isExact(pattern) && runners.length > 0)) return [...runners];
    const named = await listByName(pattern, bounds);
    if (named.length > 0) return named;
    bounds.onFault?.(faultOfUnreadable(lacks));
    throw lacks;
  }

  /** A runner that unregisters between two pages makes a list too short; the next list seldom is. */
  async function readAll(pattern: NamePattern | undefined, bounds: RetryBounds): Promise<RunnerList> {
    const { isShort, ...list } = await readPages(pattern, bounds);
    const isFound = pattern !== undefined && isExact(pattern) && list.runners.length > 0;
    return isShort && !isFound ? readPages(pattern, bounds) : list;
  }

  /** @throws ActionError as the client does, also if a runner that may fit the pattern stays unreadable. */
  async function readPages(
    pattern: NamePattern | undefined,
    bounds: RetryBounds,
    name?: string,
  ): Promise<RunnerList & { readonly isShort: boolean }> {
    const list = await client.askForList({
      ...{ ...bounds, ...about, route: `GET ${path}`, memory: ofPages, read: listedRunners },
      parameters: name === undefined ? parameters : { ...parameters, name },
      check(page) {
        for (const { runner } of page) if (runner?.isBusy) shownBusyAt.set(runner.id, clock.now());
        for (const item of page) requireReadable(item, pattern);
      },
    });
    const { items, pages, total = 0, isCut, date } = list;
    const listed = distinct(items.flatMap(({ runner }) => runner ?? []));
    if (date !== undefined) onList({ runners: listed, date });
    const fitting = listed.filter(({ name: its }) => pattern === undefined || fitsPattern(pattern, its));
    const unreadable = items.filter(({ problem }) => problem !== undefined);
    const known = listed.length + unreadable.length;
    const reason = `its list of ${place.subject} has only ${known} of ${total}, and the runner may be among the rest`;
    const lacks = isCut || known < total ? new UnusableAnswer(reason, { hint: INCOMPLETE }) : undefined;
    const whyIncomplete = (wanted: NamePattern) =>
      lacks ?? unreadable.find((item) => mayFit(item, wanted))?.problem;
    return { runners: fitting, pages, whyIncomplete, isShort: !isCut && known < total };
  }

  const listAll = (bounds: RetryBounds) => readAll(undefined, bounds);
  return {
    ...{ getRunner, pollRunner: getRunner, listAll, listRunners },
    shownBusyAt: (id) => shownBusyAt.get(id),
  };
}

/** A runner that moves to the next page appears twice: the later entry counts, but the runner is busy if either entry says so. */
function distinct(runners: readonly Runner[]): Runner[] {
  const byId = new Map<number, Runner>();
  for (const runner of runners) {
    const isBusy = runner.isBusy || byId.get(runner.id)?.isBusy === true;
    byId.set(runner.id, { ...runner, isBusy });
  }
  return [...byId.values()];
}

const INCOMPLETE =
  'Remove registrations that are no longer used. With more than 10,000 runners, a runner can be found only by its full name, without "*".';

/** @throws UnusableAnswer if the data is not the runner with this ID. */
function requireRunner(data: unknown, id: number): Runner {
  const runner = readRunner(data);
  if (runner.id !== id) throw new UnusableAnswer('it answered with another runner');
  return runner;
}

/** @throws UnusableAnswer */
function requireReadable({ name, problem }: Listed, pattern: NamePattern | undefined): void {
  if (problem !== undefined && pattern !== undefined && mayFit({ name }, pattern)) throw problem;
}

/** A runner whose name is unknown could be the requested one. */
function mayFit({ name }: Pick<Listed, 'name'>, pattern: NamePattern): boolean {
  return name === undefined || fitsPattern(pattern, name);
}
