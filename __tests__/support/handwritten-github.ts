import { createServer, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from './loopback.ts';
import { wireRunner } from './runners.ts';

// A GitHub that answers exactly what a test specifies, for behavior that the simulated GitHub does not have.

type Fields = Readonly<Record<string, unknown>>;

export interface GitHubScript {
  readonly runners?: readonly Fields[];
  /** With the status of each. */
  readonly runs?: readonly Fields[];
  /** By the ID of their run. */
  readonly jobs?: Readonly<Record<number, readonly Fields[]>>;
  /** Another answer to some requests; undefined for the usual one. */
  readonly answer?: (asked: Asked) => Partial<Said> | undefined;
  /** How long the jobs of a run take, in real milliseconds. */
  readonly jobsTakeMs?: number;
}

export interface Asked {
  /** e.g. `GET /repos/octo-org/app/actions/runs`. */
  readonly what: string;
  readonly query: URLSearchParams;
  readonly token: string;
  /** The number of earlier requests like this. */
  readonly before: number;
}

interface Said {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HandwrittenGitHub {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** How often requests like this were made. */
  count(pattern: RegExp): number;
  close(): void;
}

const PER_PAGE = 100;

export async function startGitHub(script: GitHubScript): Promise<HandwrittenGitHub> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const one = askedBy(request, asked);
    asked.push(one);
    if (one.what.endsWith('/jobs')) await sleep(script.jobsTakeMs ?? 0);
    const { status = 200, body = {}, headers = {} } = script.answer?.(one) ?? usualAnswer(one, script);
    response.writeHead(status, {
      'content-type': 'application/json',
      date: new Date().toUTCString(),
      ...headers,
    });
    response.end(JSON.stringify(body));
  });
  const { port, close } = await listen(server);
  return {
    ...{ url: `http://127.0.0.1:${port}`, asked, close },
    count: (pattern) => asked.filter(({ what, query }) => pattern.test(`${what}?${query}`)).length,
  };
}

function askedBy({ method, url = '', headers }: IncomingMessage, earlier: readonly Asked[]): Asked {
  const { pathname, searchParams: query } = new URL(url, 'http://github');
  const what = `${method} ${pathname}`;
  const before = earlier.filter((each) => each.what === what).length;
  return { what, query, token: (headers.authorization ?? '').replace(/^token /, ''), before };
}

function usualAnswer(
  { what, query }: Asked,
  { runners = [], runs = [], jobs = {} }: GitHubScript,
): Partial<Said> {
  const [, runId] = /\/actions\/runs\/(\d+)\/jobs$/.exec(what) ?? [];
  if (runId !== undefined) return pageOf('jobs', jobs[Number(runId)] ?? [], query);
  if (what.endsWith('/actions/runs'))
    return pageOf(
      'workflow_runs',
      runs.filter(({ status }) => status === query.get('status')),
      query,
    );
  const [, id] = /\/actions\/runners(?:\/(\d+))?$/.exec(what) ?? [];
  // The filter is case-sensitive, as GitHub's may be.
  const named = runners.filter(({ name }) => (query.get('name') ?? name) === name);
  if (id === undefined) return pageOf('runners', named, query);
  const body = runners.find((each) => each['id'] === Number(id));
  return body === undefined ? { status: 404, body: { message: 'Not Found' } } : { body };
}

/** The link to the next page names a host that only the server knows, as those of a GitHub Enterprise Server may. */
function pageOf(key: string, all: readonly Fields[], query: URLSearchParams): Partial<Said> {
  const page = Number(query.get('page') ?? 1);
  const next = `<https://internal.example/api/v3/${key}?page=${page + 1}>; rel="next"`;
  return {
    body: { total_count: all.length, [key]: all.slice((page - 1) * PER_PAGE, page * PER_PAGE) },
    headers: all.length > page * PER_PAGE ? { link: next } : {},
  };
}

/** The runner in the VM, except for the given values. */
export function vmRunner(changes: Fields = {}): Fields {
  const labels = [
    { id: 1, name: 'self-hosted', type: 'read-only' },
    { id: 2, name: 'macOS', type: 'read-only' },
    { id: 3, name: 'pool-a', type: 'custom' },
  ];
  return wireRunner({ name: 'macos-vm-7', labels, ...changes });
}

/** A job in progress on that runner, except for the given values. */
export function jobOf(runId: number, changes: Fields = {}): Fields {
  return {
    ...{ id: 5001, run_id: runId, run_attempt: 1, name: 'test', status: 'in_progress', conclusion: null },
    ...{ labels: ['self-hosted', 'pool-a'], runner_id: 23, runner_name: 'macos-vm-7', runner_group_id: 1 },
    ...{ runner_group_name: 'Default', started_at: '2026-11-28T10:00:00Z', completed_at: null },
    ...changes,
  };
}

/** A job that waits for a runner. */
export function queuedJob(runId: number): Fields {
  return jobOf(runId, { id: 5002, name: 'build', status: 'queued', runner_id: null, runner_name: null });
}
