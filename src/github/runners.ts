import type { Clock } from '../clock.ts';
import { ActionError } from '../errors.ts';
import { type Fields, isRecord, text, UnusableAnswer } from '../http/json.ts';
import type { RetryBounds } from '../http/retry.ts';
import { nearestFirst } from '../likeness.ts';
import { type GitHubClient, type Memory, PER_PAGE } from './github-client.ts';
import { faultOfUnreadable } from './github-faults.ts';
import { describePattern, fitsPattern, isExact, type NamePattern, runnerNameIn } from './runner-names.ts';
import { changingToken, describeScope, fittingToken, type Scope } from './scope.ts';

export interface Label {
  readonly name: string;
  /** `read-only`: the runner application set it, e.g. `self-hosted`. */
  readonly type: 'custom' | 'read-only';
}

/** A self-hosted runner as GitHub reports it: the fields that this action uses, each checked. */
export interface Runner {
  /** Unique only for the owner of the runner. */
  readonly id: number;
  readonly name: string;
  /** Stale after a power cut: GitHub takes minutes to notice. */
  readonly isOnline: boolean;
  /** It has a job; GitHub may show it more than a minute after the job began, and may show the runner as idle again for a while. */
  readonly isBusy: boolean;
  readonly labels: readonly Label[];
  /** It takes one job per registration. Undefined if GitHub does not say (GitHub Enterprise Server before 3.15). */
  readonly ephemeral: boolean | undefined;
  /** The version of the runner application, e.g. `2.336.0`; undefined if GitHub does not say. */
  readonly version: string | undefined;
}

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

/** Octokit has no methods for enterprises, so all requests use paths. */
export function runnersPath(scope: Scope): { path: string; parameters: Readonly<Record<string, string>> } {
  switch (scope.kind) {
    case 'repository': {
      const { owner, repo } = scope;
      return { path: '/repos/{owner}/{repo}/actions/runners', parameters: { owner, repo } };
    }
    case 'organization':
      return { path: '/orgs/{org}/actions/runners', parameters: { org: scope.org } };
    case 'enterprise': {
      const { enterprise } = scope;
      return { path: '/enterprises/{enterprise}/actions/runners', parameters: { enterprise } };
    }
  }
}

// ---- answers ----

/** @throws UnusableAnswer if the data is not the runner with this ID. */
function requireRunner(data: unknown, id: number): Runner {
  const runner = readRunner(data);
  if (runner.id !== id) throw new UnusableAnswer('it answered with another runner');
  return runner;
}

/** A member of a list. An unreadable entry matters only if it may be the requested runner. */
interface Listed {
  readonly name: string | undefined;
  /** Undefined for an unreadable entry. */
  readonly runner: Runner | undefined;
  readonly problem: UnusableAnswer | undefined;
}

/** @throws UnusableAnswer if there is no list. */
function listedRunners(data: unknown): Listed[] {
  const items: unknown = isRecord(data) ? data['runners'] : undefined;
  if (!Array.isArray(items)) throw new UnusableAnswer('it answered without a list of runners');
  if (items.length > PER_PAGE) throw new UnusableAnswer('it answered with more runners than were asked for');
  return items.map((item: unknown) => {
    const fields = isRecord(item) ? item : {};
    const runner = runnerFrom(fields);
    const problem = runner === undefined ? unreadable(fields) : undefined;
    return { name: runnerNameIn(fields, 'name'), runner, problem };
  });
}

/** @throws UnusableAnswer */
function requireReadable({ name, problem }: Listed, pattern: NamePattern | undefined): void {
  if (problem !== undefined && pattern !== undefined && mayFit({ name }, pattern)) throw problem;
}

/** A runner whose name is unknown could be the requested one. */
function mayFit({ name }: Pick<Listed, 'name'>, pattern: NamePattern): boolean {
  return name === undefined || fitsPattern(pattern, name);
}

/** Says which runner it is, as far as that is known, and which field is wrong. */
function unreadable(fields: Fields): UnusableAnswer {
  const [name, status] = [runnerNameIn(fields, 'name'), text(fields, 'status')];
  const checks = [
    ['id', typeof fields['id'] === 'number'],
    ['name', name !== undefined],
    ['status', status !== undefined],
    ['busy', typeof fields['busy'] === 'boolean'],
  ] as const;
  const missing = checks.filter(([, isThere]) => !isThere).map(([field]) => field);
  const problem =
    missing.length > 0
      ? `that lacks ${missing.join(', ')}`
      : `whose status is "${status}", neither "online" nor "offline"`;
  return new UnusableAnswer(
    `it answered with ${name === undefined ? 'a runner' : `runner "${name}"`} ${problem}`,
  );
}

/** @throws UnusableAnswer if it cannot be read. */
export function readRunner(data: unknown): Runner {
  const fields = isRecord(data) ? data : {};
  const runner = runnerFrom(fields);
  if (runner === undefined) throw unreadable(fields);
  return runner;
}

function runnerFrom(fields: Fields): Runner | undefined {
  const { id, busy } = fields;
  const [name, status] = [runnerNameIn(fields, 'name'), text(fields, 'status')];
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
  readonly name: NamePattern;
  readonly scope: Scope;
}

/**
 * The runners that match the name; more than one only if it has a `*`.
 * @throws ActionError `ambiguous_target`, and the errors of the GitHub client.
 */
export async function findRunners(runners: Runners, sought: Sought, bounds: RetryBounds): Promise<Runner[]> {
  const found = await runners.listRunners(sought.name, bounds);
  if (found.length > 1 && isExact(sought.name)) throw ambiguousName(sought, found);
  return found;
}

/** @param all the runners of the scope. */
export function runnerNotFound({ name, scope }: Sought, all: readonly Runner[]): ActionError {
  const written = describePattern(name);
  const message = `No self-hosted runner "${written}" is registered in ${describeScope(scope)}; there ${describeAll(nearestFirst(all, written))}.`;
  const elsewhere =
    scope.kind === 'repository'
      ? ' A runner of an organization or enterprise is found only if runner_scope names it.'
      : '';
  const hint = `Check runner_name and runner_scope: a runner is listed only where it is registered.${elsewhere}`;
  return new ActionError('runner_not_found', message, { hint });
}

function ambiguousName({ name, scope }: Sought, found: readonly Runner[]): ActionError {
  return new ActionError(
    'ambiguous_target',
    `${found.length} self-hosted runners are called "${describePattern(name)}" in ${describeScope(scope)}: there ${describeAll(found)}.`,
    { hint: 'Remove the stale registrations, or give the runners different names.' },
  );
}

const MOST_LISTED = 10;

function describeAll(runners: readonly Runner[]): string {
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

// ---- labels ----

/** The labels of a runner at one moment. */
export interface LabelsReading {
  readonly labels: readonly Label[];
  /** GitHub's clock, in milliseconds since 1970. */
  readonly date: number;
}

/** Changes the labels of the runners of a scope, one at a time, so that concurrent changes to other labels are kept. */
export interface RunnerLabels {
  /** Undefined if the runner is gone. */
  read(id: number, bounds: RetryBounds): Promise<LabelsReading | undefined>;
  add(id: number, label: string, bounds: RetryBounds): Promise<void>;
  /** It is not an error if the label is already gone. */
  remove(id: number, label: string, bounds: RetryBounds): Promise<void>;
}

/**
 * All labels of the runner: the step would not restore a missing one.
 * @throws UnusableAnswer if one of them cannot be read.
 */
function readLabels(data: unknown): readonly Label[] {
  const labels: unknown = isRecord(data) ? data['labels'] : undefined;
  const isWhole = Array.isArray(labels) && labels.every(isLabel);
  if (!isWhole) throw new UnusableAnswer('it answered with a runner whose labels cannot be read');
  return readRunner(data).labels;
}

function isLabel(label: unknown): boolean {
  if (!isRecord(label) || text(label, 'name', LONGEST_LABEL) === undefined) return false;
  return label['type'] === 'custom' || label['type'] === 'read-only';
}

export function createRunnerLabels(client: GitHubClient, scope: Scope): RunnerLabels {
  const { path, parameters } = runnersPath(scope);
  const about = {
    ...{ subject: `the labels of the self-hosted runners of ${describeScope(scope)}`, input: 'runner_scope' },
    permission: changingToken(scope),
  };
  const nothing = () => undefined;
  return {
    async read(id, bounds) {
      const answer = await client.ask({
        ...{ ...bounds, ...about, route: `GET ${path}/{runner_id}`, otherAnswers: [404] },
        ...{ parameters: { ...parameters, runner_id: id }, read: readLabels },
      });
      if ('status' in answer) return undefined;
      if (answer.date === undefined)
        throw new ActionError(
          'github_api_failed',
          'GitHub answered without a Date, so no label can carry an expiry time.',
        );
      return { labels: answer.data, date: answer.date };
    },
    async add(id, label, bounds) {
      await client.ask({
        ...{ ...bounds, ...about, route: `POST ${path}/{runner_id}/labels`, read: nothing },
        parameters: { ...parameters, runner_id: id, labels: [label] },
      });
    },
    async remove(id, label, bounds) {
      await client.ask({
        ...{ ...bounds, ...about, route: `DELETE ${path}/{runner_id}/labels/{name}`, read: nothing },
        ...{ parameters: { ...parameters, runner_id: id, name: label }, otherAnswers: [404] },
      });
    },
  };
}
