// The runners source: the self-hosted runners of one scope. A list is read page by page, while runners register, unregister, and so move
// between pages: most of what follows allows for that.

import type { Clock } from '../clock.ts';
import { UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { GitHubClient, List } from './github-client.ts';
import { type Access, faultOfUnreadable } from './github-faults.ts';
import type { Memory } from './octokit.ts';
import { type ListedRunner, type Runner, readRunner, readRunners } from './runner.ts';
import { describePattern, fitsPattern, isExact, type NamePattern } from './runner-names.ts';
import { describeScope, fittingToken, runnersPath, type Scope } from './scope.ts';

export interface SharedBounds extends RetryBounds {
  /**
   * How soon to request a list that VMs share. `now`: a restart or the end of a wait depends on it. `soon`: a VM is out of service until the
   * list shows a change. Otherwise, some seconds after the last list.
   */
  readonly pace?: 'now' | 'soon' | undefined;
}

/** Throws as {@link GitHubClient} does. */
export interface Runners {
  /** Reads one by ID; undefined if it is gone. */
  getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined>;
  /** Like `getRunner`, for polling: where VMs share their reads, one list answers for many runners. */
  pollRunner(id: number, bounds: SharedBounds): Promise<Runner | undefined>;
  /** All of them, each once. */
  listAll(bounds: SharedBounds): Promise<RunnerList>;
  /**
   * Those that fit the pattern, each once. Empty only after the whole list was read, and read twice if it has several pages: in between, a
   * runner can move from a page that is not read yet to one that is.
   * @throws UnusableAnswer if the list is known to lack runners, and one that fits may be among them.
   */
  listRunners(pattern: NamePattern, bounds: SharedBounds): Promise<Runner[]>;
  /**
   * When a list last showed the runner with a job, on the clock's scale, whichever VM the list was read for; undefined if none did. A page
   * counts even if the rest of its list got no answer.
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

interface RunnersOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Called after each list that GitHub dated. */
  readonly onList?: ((listing: Listing) => void) | undefined;
}

export function createRunners(client: GitHubClient, scope: Scope, options: RunnersOptions): Runners {
  const { path, parameters } = runnersPath(scope);
  const memory: Memory<Runner> = new Map();
  const lists = createLists(client, scope, options);

  async function getRunner(id: number, bounds: RetryBounds): Promise<Runner | undefined> {
    const answer = await client.ask({
      ...bounds,
      route: `GET ${path}/{runner_id}`,
      parameters: { ...parameters, runner_id: id },
      access: accessTo(scope),
      read: (data) => requireRunner(data, id),
      otherAnswers: [404],
      memory,
    });
    return 'data' in answer ? answer.data : undefined;
  }

  return {
    getRunner,
    pollRunner: getRunner,
    listAll: (bounds) => lists.readWhole(bounds),
    listRunners: createSearch(lists),
    shownBusyAt: lists.shownBusyAt,
  };
}

function accessTo(scope: Scope): Access {
  const subject = `the self-hosted runners of ${describeScope(scope)}`;
  return { subject, permission: fittingToken(scope), input: 'runner_scope' };
}

/** @throws UnusableAnswer if the data is not the runner with this ID. */
function requireRunner(data: unknown, id: number): Runner {
  const runner = readRunner(data);
  if (runner.id !== id) throw new UnusableAnswer('it answered with another runner');
  return runner;
}

// ---- lists ----

/** Reads lists, and remembers when a list last showed each runner with a job. */
function createLists(client: GitHubClient, scope: Scope, { clock, onList = () => {} }: RunnersOptions) {
  const { path, parameters } = runnersPath(scope);
  const access = accessTo(scope);
  const memory: Memory<readonly ListedRunner[]> = new Map();
  const shownBusyAt = new Map<number, number>();

  function check(page: readonly ListedRunner[], pattern: NamePattern | undefined): void {
    for (const item of page) if ('id' in item && item.isBusy) shownBusyAt.set(item.id, clock.now());
    const problem = pattern && problemIn(page, pattern);
    if (problem !== undefined) throw problem;
  }

  /** @param pattern a page with an unreadable runner that may fit is requested again. @param name GitHub lists only runners of this name. */
  async function readOnce(bounds: RetryBounds, pattern?: NamePattern, name?: string) {
    const list = await client.askForList({
      ...bounds,
      route: `GET ${path}`,
      parameters: name === undefined ? parameters : { ...parameters, name },
      access,
      read: readRunners,
      check: (page) => check(page, pattern),
      memory,
    });
    const read = joined(list, access.subject);
    if (list.date !== undefined) onList({ runners: read.runners, date: list.date });
    return read;
  }

  return {
    readOnce,
    /** If a runner unregisters between two pages, the list lacks another one. So a list that is too short is read once more. */
    async readWhole(bounds: RetryBounds, pattern?: NamePattern): Promise<RunnerList> {
      const list = await readOnce(bounds, pattern);
      const isFound = pattern !== undefined && isExact(pattern) && fitting(list, pattern).length > 0;
      return list.isShort && !isFound ? readOnce(bounds, pattern) : list;
    },
    shownBusyAt: (id: number) => shownBusyAt.get(id),
  };
}

/** @returns the pages as one list. `isShort`: it has fewer runners than GitHub counts. */
function joined(
  { items, pages, total, isCut }: List<ListedRunner>,
  subject: string,
): RunnerList & { readonly isShort: boolean } {
  const runners = distinct(items.filter((item) => 'id' in item));
  const known = runners.length + items.filter((item) => 'problem' in item).length;
  const isShort = !isCut && known < total;
  const reason = `its list of ${subject} has only ${known} of ${total}, and the runner may be among the rest`;
  const lacks = isCut || isShort ? new UnusableAnswer(reason, { hint: INCOMPLETE }) : undefined;
  return { runners, pages, isShort, whyIncomplete: (pattern) => lacks ?? problemIn(items, pattern) };
}

const INCOMPLETE =
  'Remove registrations that are no longer used. With more than 10,000 runners, a runner can be found only by its full name, without "*".';

/** A runner that moves to the next page appears twice: the later entry counts, but the runner is busy if either entry says so. */
function distinct(runners: readonly Runner[]): Runner[] {
  const byId = new Map<number, Runner>();
  for (const runner of runners) {
    const isBusy = runner.isBusy || byId.get(runner.id)?.isBusy === true;
    byId.set(runner.id, { ...runner, isBusy });
  }
  return [...byId.values()];
}

/** Why a runner that may fit the pattern cannot be read. One without a readable name may be any runner. */
function problemIn(items: readonly ListedRunner[], pattern: NamePattern): UnusableAnswer | undefined {
  const unreadable = items.filter((item) => 'problem' in item);
  return unreadable.find(({ name }) => name === undefined || fitsPattern(pattern, name))?.problem;
}

function fitting({ runners }: RunnerList, pattern: NamePattern): Runner[] {
  return runners.filter(({ name }) => fitsPattern(pattern, name));
}

// ---- by name ----

/** Finds runners by name: {@link Runners.listRunners}. */
function createSearch({ readOnce, readWhole }: ReturnType<typeof createLists>): Runners['listRunners'] {
  /** Whether the last whole list had several pages, between which runners can move. */
  let hasManyPages = false;

  /** Uses GitHub's name filter, which may be case-sensitive or match too much. Empty if there is no need for it: the list has one page. */
  async function withFilter(pattern: NamePattern, bounds: RetryBounds): Promise<Runner[]> {
    if (!hasManyPages || !isExact(pattern)) return [];
    return fitting(await readOnce(bounds, pattern, describePattern(pattern)), pattern);
  }

  async function inWholeList(pattern: NamePattern, bounds: RetryBounds): Promise<Runner[]> {
    const list = await readWhole(bounds, pattern);
    const [found, lacks] = [fitting(list, pattern), list.whyIncomplete(pattern)];
    hasManyPages = list.pages > 1;
    if (lacks === undefined || (isExact(pattern) && found.length > 0)) return found;
    const named = await withFilter(pattern, bounds);
    if (named.length > 0) return named;
    bounds.onFault?.(faultOfUnreadable(lacks));
    throw lacks;
  }

  return async (pattern, bounds) => {
    const named = await withFilter(pattern, bounds);
    if (named.length > 0) return named;
    const first = await inWholeList(pattern, bounds);
    return first.length === 0 && hasManyPages ? inWholeList(pattern, bounds) : first;
  };
}
