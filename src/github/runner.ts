import { type Fields, isRecord, text, UnusableAnswer } from '../http/json.ts';
import { itemsIn } from './github-client.ts';
import { runnerNameIn } from './runner-names.ts';

export interface Label {
  readonly name: string;
  /** `read-only`: the runner application set it, e.g. `self-hosted`. */
  readonly type: 'custom' | 'read-only';
}

/** A self-hosted runner as GitHub reports it: the fields that this action uses, each checked. */
export interface Runner {
  /** Unique only within the repository, organization or enterprise where the runner is registered. */
  readonly id: number;
  readonly name: string;
  /** Out of date after a restart, which cuts the VM off: GitHub takes minutes to notice. */
  readonly isOnline: boolean;
  /** Whether it has a job. GitHub may show that more than a minute late, and may then show the runner as idle again for a while. */
  readonly isBusy: boolean;
  readonly labels: readonly Label[];
  /** Whether it takes one job per registration. Undefined if GitHub does not say (GitHub Enterprise Server before 3.15). */
  readonly ephemeral: boolean | undefined;
  /** The version of the runner application, e.g. `2.336.0`; undefined if GitHub does not say. */
  readonly version: string | undefined;
}

/** An entry of a list. One that cannot be read matters only if it may be the requested runner. */
export type ListedRunner = Runner | { readonly name: string | undefined; readonly problem: UnusableAnswer };

/** e.g. `online, busy`. */
export function describeRunner({ isOnline, isBusy }: Runner): string {
  return `${isOnline ? 'online' : 'offline'}, ${isBusy ? 'busy' : 'idle'}`;
}

/** @throws UnusableAnswer if it cannot be read. */
export function readRunner(data: unknown): Runner {
  const runner = runnerFrom(data);
  if ('problem' in runner) throw runner.problem;
  return runner;
}

/** Reads one page of a list. @throws UnusableAnswer if there is no list. */
export function readRunners(data: unknown): ListedRunner[] {
  return itemsIn(data, 'runners').map(runnerFrom);
}

function runnerFrom(data: unknown): ListedRunner {
  const fields = isRecord(data) ? data : {};
  const { id, busy, ephemeral } = fields;
  const [name, status] = [runnerNameIn(fields, 'name'), text(fields, 'status')];
  // An unknown status is not "offline": a runner that was seen offline is part of the proof that it came back.
  const isKnown = status === 'online' || status === 'offline';
  if (typeof id !== 'number' || typeof busy !== 'boolean' || name === undefined || !isKnown)
    return { name, problem: problemOf(fields) };
  return {
    id,
    name,
    isOnline: status === 'online',
    isBusy: busy,
    labels: labelsFrom(fields),
    ephemeral: typeof ephemeral === 'boolean' ? ephemeral : undefined,
    version: text(fields, 'version'),
  };
}

/** Names the runner if its name can be read, and the fields that are wrong. */
function problemOf(fields: Fields): UnusableAnswer {
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

// ---- labels ----

const LONGEST_LABEL = 256;

/** All labels; none if one of them cannot be read, because a part of them would seem to rule out jobs that the runner may have. */
function labelsFrom({ labels }: Fields): Label[] {
  const given: unknown[] = Array.isArray(labels) ? labels : [];
  const readable = given.flatMap((label): Label[] => {
    const name = isRecord(label) ? text(label, 'name', LONGEST_LABEL) : undefined;
    if (!isRecord(label) || name === undefined) return [];
    return [{ name, type: label['type'] === 'custom' ? 'custom' : 'read-only' }];
  });
  return readable.length === given.length ? readable : [];
}

/**
 * Reads a runner's labels, for `drain`.
 * @throws UnusableAnswer if any of them cannot be read, because the step would neither drain nor restore it.
 */
export function readLabels(data: unknown): readonly Label[] {
  const labels: unknown = isRecord(data) ? data['labels'] : undefined;
  const isComplete = Array.isArray(labels) && labels.every(isLabel);
  if (!isComplete) throw new UnusableAnswer('it answered with a runner whose labels cannot be read');
  return readRunner(data).labels;
}

function isLabel(label: unknown): boolean {
  if (!isRecord(label) || text(label, 'name', LONGEST_LABEL) === undefined) return false;
  return label['type'] === 'custom' || label['type'] === 'read-only';
}
