// Drains one runner. A new drain (`tryToBegin`) takes four steps:
//
// 1. Wait until no other drain holds the runner. If it still has marks of expired drains, restore those labels, and start over.
// 2. Choose the labels to replace, and save the drain before any change, so that the post step can undo whatever follows.
// 3. Add this drain's marks beside the labels, and read again. If two drains do this at the same moment, each now sees the other's marks.
// 4. If the other drain keeps the runner, remove the marks (`giveWay`), and start over. Otherwise, remove the labels.
//
// If this step has already drained the runner (`drainAgain`), there is work only if the runner has registered again since. That gives it
// its labels back, so they are replaced again. If another step has drained it in the meantime, this step starts over.

import { ActionError } from '../errors.ts';
import type { Runner } from '../github/runner.ts';
import type { LabelsReading } from '../github/runner-labels.ts';
import {
  type Drain,
  expiredMarks,
  isReplaceable,
  isTakenOver,
  MOST_DRAINED,
  marksOf,
  ownerOf,
  shownOf,
} from './drain-labels.ts';
import type { DrainRecords } from './drain-records.ts';
import {
  allMarks,
  changeEach,
  type DrainAccess,
  forRequests,
  replaceLabels,
  restoreLabels,
} from './label-changes.ts';
import { rivalsOf, untilDecided } from './rival-drains.ts';

export interface DrainContext extends DrainAccess {
  readonly records: DrainRecords;
  /** GITHUB_RUN_ID. */
  readonly runId: string;
  /** The marks expire after this many milliseconds, in case neither the step nor its post step restores the labels. */
  readonly lifeMs: number;
  /** No drain begins after this time on the clock's scale: the token might expire before the labels are restored. */
  readonly beginsBy?: number | undefined;
}

/** How many times a drain may start over because of other drains. */
const MOST_TRIES = 20;
/** The pause before a drain starts over, except for the first time, and before a repeated read: in milliseconds. */
const TRY_AGAIN_MS = 5_000;

/** @returns as `Drains.drain` does. */
export async function drainRunner(context: DrainContext, runner: Runner): Promise<boolean> {
  const held = context.records.held(runner.id);
  if (held !== undefined) return drainAgain(context, runner, held.drain);
  const reason = reasonAgainst(context, runner);
  if (reason === undefined) return begin(context, runner);
  leaveOut(context, runner, reason);
  return false;
}

function reasonAgainst(
  { records, clock, beginsBy = Number.POSITIVE_INFINITY }: DrainContext,
  { id, ephemeral }: Runner,
): string | undefined {
  if (ephemeral) return 'it takes one job only';
  if (records.countOthers(id) >= MOST_DRAINED)
    return `${MOST_DRAINED} others are drained already, which is the limit`;
  if (clock.now() > beginsBy) return 'the token might expire before its labels are restored';
  return undefined;
}

function leaveOut({ records, log }: DrainContext, { id, name }: Runner, reason: string): void {
  if (records.leaveOut(id)) log.info(`Runner "${name}" is not drained: ${reason}`);
}

const GONE = 'it is no longer registered';

// ---- a new drain ----

async function begin(context: DrainContext, runner: Runner): Promise<boolean> {
  const { records, clock, signal } = context;
  records.claim(runner.id);
  let end: TryResult | undefined;
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    end = await tryToBegin(context, runner);
    if (end === 'gone') leaveOut(context, runner, GONE);
    if (end === 'gone' || end === 'drained') return true;
    if (tries > 1) await clock.sleep(TRY_AGAIN_MS, signal);
  }
  throw end === 'lost' ? alwaysLost(runner) : contradictory(runner);
}

/** `expired`: the runner had marks of expired drains, and those labels are restored now. `lost`: another drain keeps the runner. */
type TryResult = 'drained' | 'gone' | 'expired' | 'lost';

async function tryToBegin(context: DrainContext, runner: Runner): Promise<TryResult> {
  const { log, runId, lifeMs } = context;
  const { id, name } = runner;
  const seen = await untilDecided(context, { id, name });
  if (seen === undefined) return 'gone';
  const owner = ownerOf(runId, seen.date + lifeMs);
  if (expiredMarks(seen).length > 0) {
    await restoreLabels(forRequests(context), { id, name, due: expiredMarks });
    return 'expired';
  }
  const drain = prepare(context, { id, name, owner }, seen);
  await changeEach(forRequests(context), 'add', allMarks(drain));
  const decided = await untilDecided(context, drain);
  if (decided === undefined) return 'gone';
  if (rivalsOf(owner, decided).length > 0) {
    await giveWay(context, drain);
    return 'lost';
  }
  if (!(await replaceLabels(forRequests(context), drain, decided))) return 'gone';
  log.info(
    `Runner "${name}" is drained (labels removed: ${drain.names.join(', ')}). Jobs that ask for none of these labels still reach it`,
  );
  return 'drained';
}

/**
 * Chooses the labels to replace, and saves the drain. Changes nothing on GitHub.
 * @throws ActionError `invalid_input` if no label can be replaced, `internal_error` if the drain cannot be saved.
 */
function prepare(context: DrainContext, { id, name, owner }: Omit<Drain, 'names'>, seen: LabelsReading) {
  const custom = seen.labels.filter(({ type }) => type === 'custom').map((label) => label.name);
  const names = custom.filter((label) => isReplaceable(label, owner));
  const kept = custom.filter((label) => !isReplaceable(label, owner));
  if (names.length === 0) throw withoutLabel(name, kept);
  if (kept.length > 0)
    context.log.info(
      `Runner "${name}" keeps the labels ${kept.join(', ')}, which cannot be replaced: ${UNREPLACEABLE}`,
    );
  const drain: Drain = { id, name, owner, names };
  context.records.begin(drain);
  return drain;
}

/**
 * Removes this drain's marks, even those that GitHub does not show yet. Then restores labels: if the other drain has ended in the meantime, it
 * left the labels for this one to restore.
 */
async function giveWay(context: DrainContext, drain: Drain): Promise<void> {
  const { id, name, owner, names } = drain;
  await changeEach(forRequests(context), 'remove', allMarks(drain));
  const due = { id, name, due: (seen: LabelsReading) => marksOf(owner, seen), restored: names };
  context.records.end(drain, await restoreLabels(forRequests(context), due));
}

// ---- a runner that this step has already drained ----

/** A runner that registers again (`--replace`) can keep its ID, but it has its own labels again, and no marks. */
async function drainAgain(context: DrainContext, runner: Runner, drain: Drain): Promise<boolean> {
  const { records, log } = context;
  if (shownOf(drain.names, runner).length === 0 && !isTakenOver(drain, runner)) return false;
  const seen = await readPastLag(context, drain);
  if (seen === undefined) return false;
  if (isTakenOver(drain, seen)) {
    // The post step checks a drain that ends in doubt: its marks may yet appear.
    records.doubt(drain.id);
    records.end(drain, []);
    return drainRunner(context, runner);
  }
  const names = shownOf(drain.names, seen);
  if (names.length === 0) return false;
  if (await replaceLabels(forRequests(context), { ...drain, names }, seen))
    log.info(`Runner "${drain.name}" had the labels ${names.join(', ')} again, so they were removed again`);
  else leaveOut(context, runner, GONE);
  return true;
}

/** A read that lags behind may show an earlier drain instead of this one. It is repeated, or the step would wait for a drain that is over. */
async function readPastLag(context: DrainContext, drain: Drain): Promise<LabelsReading | undefined> {
  const { labels, records, clock, signal } = context;
  for (;;) {
    const { deadline } = forRequests(context);
    const seen = await labels.read(drain.id, { deadline, signal });
    if (seen === undefined || !isTakenOver(drain, seen) || !records.mayLag(drain.id)) return seen;
    await clock.sleep(TRY_AGAIN_MS, signal);
  }
}

// ---- errors ----

/** The date of one answer says that another drain has expired, that of the next answer says that it has not. */
function contradictory({ name }: Runner): ActionError {
  const message = `GitHub's answers contradict each other about the drains of runner "${name}". No restart was sent.`;
  return new ActionError('github_api_failed', message, { hint: 'Check the clocks of the GitHub servers.' });
}

function alwaysLost({ name }: Runner): ActionError {
  const message = `Other runs drained runner "${name}" first, ${MOST_TRIES} times in a row. No restart was sent.`;
  const hint = 'Let only one run at a time drain it (concurrency).';
  return new ActionError('runner_busy', message, { hint });
}

const UNREPLACEABLE = 'they are too long, or only dots';

/** @param kept its custom labels, none of which can be replaced. */
function withoutLabel(name: string, kept: readonly string[]): ActionError {
  const why = kept.length === 0 ? '' : ` (${kept.join(', ')}: ${UNREPLACEABLE})`;
  const message = `Runner "${name}" has no custom label that can be replaced${why}, so it cannot be drained: jobs that ask for its default labels would still reach it.`;
  const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
  return new ActionError('invalid_input', message, { hint });
}
