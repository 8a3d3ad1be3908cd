import {
  type Asked,
  answer,
  charged,
  conditional,
  deniedTo,
  done,
  GITHUB_API_PATH,
  type Needs,
  notFound,
  page,
  refusedBy,
  tokenOf,
  unknownTo,
} from './github-answers.ts';
import { reactToActions } from './github-jobs-api.ts';
import { DEFAULT_LABELS, type SimulatedRunner } from './github-runners.ts';
import { DEFAULT_REPOSITORY } from './github-runs.ts';
import type { Endpoint } from './github-tokens.ts';
import type { GitHubWorld } from './github-world.ts';
import { fieldsOf, type Json, type Reaction, type SeenRequest, text } from './replies.ts';

export { GITHUB_API_PATH } from './github-answers.ts';

/** GitHub's state at `now`, in milliseconds. */
export interface GitHubState {
  readonly github: GitHubWorld;
  readonly now: number;
}

/** Scopes that exist even without runners or runs. */
const KNOWN_PLACES = [DEFAULT_REPOSITORY, 'octo-org', 'enterprises/octo-corp'];
const PLACE = /^\/(?:repos\/([^/]+\/[^/]+)|orgs\/([^/]+)|(enterprises\/[^/]+))\/actions\/(.+)$/;
/** How long a registration token lasts. */
const HOUR_MS = 3_600_000;
const API_VERSIONS = ['2022-11-28', '2026-03-10'];

/** What GitHub answers to a request below {@link GITHUB_API_PATH}. */
export function reactAsGitHub({ github, now }: GitHubState, request: SeenRequest): Reaction {
  github.world.advanceTo(now);
  const url = new URL(request.path.slice(GITHUB_API_PATH.length), 'http://github');
  const token = tokenOf(request);
  if (token === undefined) return answer({ github, token: '' }, 401, { message: 'Requires authentication' });
  const asked = { github, request, url, token };
  const [, repository, organization, enterprise, tail = ''] = PLACE.exec(url.pathname) ?? [];
  const place = repository ?? organization ?? enterprise ?? '';
  const needs = { endpoint: endpointOf(tail), place, right: rightFor(request, tail) };
  const refusal = refusedBy(asked, needs.endpoint) ?? unknownTo(asked);
  if (refusal !== undefined) return refusal;
  const version = String(request.headers['x-github-api-version'] ?? API_VERSIONS[0]);
  if (!API_VERSIONS.includes(version))
    return answer(asked, 400, { message: `${JSON.stringify(version)} is not a supported API version` });
  return reactIn(asked, needs, tail);
}

function reactIn(asked: Asked, needs: Needs, tail: string): Reaction {
  const { place, endpoint } = needs;
  if (!exists(asked.github, place)) return notFound(asked);
  const denial = deniedTo(asked, needs);
  if (denial !== undefined) return denial;
  if (endpoint === 'runs' || endpoint === 'jobs')
    return place.includes('/') ? reactToActions({ ...asked, repository: place, tail }) : notFound(asked);
  return reactToRunners(asked, { scope: place, tail: tail.replace(/^runners\/?/, '') });
}

function endpointOf(tail: string): Endpoint {
  if (/^runners\/\d+\/labels/.test(tail)) return 'labels';
  if (tail.startsWith('runners/')) return 'runner';
  if (tail.startsWith('runners')) return 'runners';
  return /(^|\/)jobs/.test(tail) ? 'jobs' : 'runs';
}

function rightFor({ method }: SeenRequest, tail: string): 'read' | 'write' {
  return method === 'GET' || method === 'HEAD' || tail === '' ? 'read' : 'write';
}

function exists({ runners, leftovers, runs }: GitHubWorld, place: string): boolean {
  const ofRunners = [...runners, ...leftovers].map(({ scope }) => scope);
  const known = [...KNOWN_PLACES, ...ofRunners, ...runs.all.map(({ repository }) => repository)];
  return known.some((one) => one.toLowerCase() === place.toLowerCase());
}

interface Target {
  readonly scope: string;
  /** The rest of the path after `actions/runners/`. */
  readonly tail: string;
}

function reactToRunners(asked: Asked, { scope, tail }: Target): Reaction {
  const { method } = asked.request;
  if (tail === '') return method === 'GET' ? list(asked, scope) : notFound(asked);
  const [, id, isAboutLabels, label] = /^(\d+)(\/labels)?(?:\/([^/]+))?$/.exec(tail) ?? [];
  if (id === undefined) return method === 'POST' ? register(asked, { scope, tail }) : notFound(asked);
  const runner = runnersIn(asked.github, scope).find((each) => each.id === Number(id));
  if (isAboutLabels === undefined && label !== undefined) return notFound(asked);
  if (isAboutLabels !== undefined) return reactToLabels(asked, runner, label && decodeURIComponent(label));
  if (method === 'GET') return conditional(asked, runner && runnerBody(asked.github, runner));
  return method === 'DELETE' ? dismiss(asked, runner) : notFound(asked);
}

function runnersIn(github: GitHubWorld, scope: string): SimulatedRunner[] {
  return github.registered().filter((runner) => runner.scope.toLowerCase() === scope.toLowerCase());
}

/** The filter `name` is exact, and case matters. */
function list(asked: Asked, scope: string): Reaction {
  const { github, url } = asked;
  const { filtersByName = true } = github.options;
  const name = filtersByName ? url.searchParams.get('name') : null;
  const found = shifted(github, runnersIn(github, scope)).filter(
    (runner) => name === null || runner.name === name,
  );
  return page(asked, { key: 'runners', all: found.map((each) => runnerBody(github, each)) });
}

/** The runners in the order of the list. If pages shift, each runner comes first in turn. */
function shifted({ options, world }: GitHubWorld, runners: SimulatedRunner[]): readonly SimulatedRunner[] {
  const { pagesShiftEveryMs } = options;
  if (pagesShiftEveryMs === undefined) return runners;
  const by = Math.floor(world.now / pagesShiftEveryMs) % Math.max(1, runners.length);
  return [...runners.slice(by), ...runners.slice(0, by)];
}

/** Registration tokens and just-in-time configurations. */
function register(asked: Asked, { scope, tail }: Target): Reaction {
  const { github, request } = asked;
  const exhausted = charged(asked);
  if (exhausted !== undefined) return exhausted;
  if (tail === 'registration-token' || tail === 'remove-token') {
    const expires_at = new Date(github.world.now + HOUR_MS).toISOString();
    return answer(asked, 201, { token: 'SIMULATEDREGISTRATIONTOKEN', expires_at });
  }
  if (tail !== 'generate-jitconfig') return notFound(asked);
  const fields = fieldsOf(request.body);
  const name = text(fields['name']);
  const labels = labelsIn(fields);
  if (name === '' || labels === undefined) return invalid(asked, 'name and labels are required');
  const runner = github.registerAhead(scope, { name, labels });
  if (runner === undefined)
    return answer(asked, 409, { message: `Already exists - A runner with the name ${name} already exists.` });
  const encoded_jit_config = Buffer.from(JSON.stringify({ name, scope })).toString('base64');
  return answer(asked, 201, { runner: runnerBody(github, runner), encoded_jit_config });
}

function dismiss(asked: Asked, runner: SimulatedRunner | undefined): Reaction {
  const exhausted = charged(asked);
  if (exhausted !== undefined) return exhausted;
  if (runner === undefined) return notFound(asked);
  const isBusy = asked.github.dismiss(runner) === 'busy';
  return isBusy ? invalid(asked, `Runner ${runner.id} is currently running a job`) : done(asked);
}

/** Lists, adds, replaces and removes custom labels; default labels stay. */
function reactToLabels(asked: Asked, runner: SimulatedRunner | undefined, label: string | undefined) {
  const { github, request } = asked;
  if (runner === undefined) return conditional(asked, undefined);
  if (request.method === 'GET' && label === undefined)
    return conditional(asked, labelsBody(runner, github.shownLabelsOf(runner)));
  const exhausted = charged(asked);
  if (exhausted !== undefined) return exhausted;
  const changed = changedLabels(asked, { own: github.labelsOf(runner), label });
  if (!Array.isArray(changed)) return changed;
  github.setLabels(runner, changed);
  return answer(asked, 200, labelsBody(runner, changed));
}

interface LabelChange {
  readonly own: readonly string[];
  /** The label in the path. */
  readonly label: string | undefined;
}

function changedLabels(asked: Asked, { own, label }: LabelChange): string[] | Reaction {
  const { method, body } = asked.request;
  const isDefault = (name: string) => DEFAULT_LABELS.some((one) => isSame(one, name));
  if (method === 'DELETE' && label === undefined) return [];
  if (method === 'DELETE' && label !== undefined) {
    if (isDefault(label)) return invalid(asked, `The label ${label} is read-only`);
    const left = own.filter((one) => !isSame(one, label));
    return left.length === own.length ? notFound(asked) : left;
  }
  if (label !== undefined || (method !== 'POST' && method !== 'PUT')) return notFound(asked);
  const given = labelsIn(fieldsOf(body));
  if (given === undefined) return invalid(asked, 'labels has to be a list of 1 to 100 labels');
  const all = [...(method === 'POST' ? own : []), ...given].filter((name) => !isDefault(name));
  return all.filter((name, index) => all.findIndex((one) => isSame(one, name)) === index);
}

const MOST_LABELS = 100;
const LONGEST_LABEL = 256;

function labelsIn(fields: Readonly<Record<string, unknown>>): string[] | undefined {
  const { labels } = fields;
  if (!Array.isArray(labels) || labels.length > MOST_LABELS) return undefined;
  const names = labels.map(text);
  return names.every((name) => name !== '' && name.length <= LONGEST_LABEL) ? names : undefined;
}

function invalid(asked: Asked, message: string): Reaction {
  return answer(asked, 422, { message });
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function labelsBody(runner: SimulatedRunner, custom: readonly string[]) {
  const labels = labelBodies(runner, custom);
  return { total_count: labels.length, labels };
}

function labelBodies(runner: SimulatedRunner, custom: readonly string[]) {
  const body = (type: string) => (name: string, index: number) => ({
    id: index + (type === 'custom' ? 101 : 5),
    ...{ name, type },
  });
  const defaults = runner.hasDefaultLabels ? DEFAULT_LABELS : [];
  return [...defaults.map(body('read-only')), ...custom.map(body('custom'))];
}

function runnerBody(github: GitHubWorld, runner: SimulatedRunner): Json {
  return {
    id: runner.id,
    name: runner.name,
    os: 'macos',
    runner_group_id: 1,
    status: github.isShownOnline(runner) ? 'online' : 'offline',
    busy: github.isShownBusy(runner),
    ephemeral: runner.isEphemeral,
    version: runner.version,
    labels: labelBodies(runner, github.shownLabelsOf(runner)),
  };
}
