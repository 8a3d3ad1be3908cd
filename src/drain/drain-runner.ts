// Drains one runner. For the first time (`tryToBegin`):
//
// 1. Wait until no other drain holds the runner. If an expired one does, restore its labels, and start over.
// 2. Choose the labels to replace, and save the drain for the post step. Nothing is changed before it is saved.
// 3. Add this drain's marks beside the labels, and read again. Of two drains that did so at the same moment, each now sees the other.
// 4. If the other drain keeps the runner, remove the marks (`giveWay`), and start over. Otherwise, remove the labels.
//
// If this step holds the runner already (`drainAgain`), there is something to do only if the runner has registered again: then it has the
// labels back, so they are replaced again; or another step has drained it since, so this one starts over. A read that lags behind may show
// an earlier drain of another step instead, so it is repeated until it can no longer be from before this drain.

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
  forRequests,
  type PatientAccess,
  replaceLabels,
  restoreLabels,
} from './label-changes.ts';
import { rivalsOf, untilDecided } from './rival-drains.ts';

/** The deadline limits the wait for other drains. Requests have their own: see forRequests. */
export interface DrainContext extends PatientAccess {
  readonly records: DrainRecords;
  /** GITHUB_RUN_ID. */
  readonly runId: string;
  /** In milliseconds: the labels expire after this long, in case neither the step nor its post step restores them. */
  readonly lifeMs: number;
  /** No drain begins later, because the token may expire before its end: on the clock's scale. */
  readonly beginsBy?: number | undefined;
}

/** How often a drain begins again because of other drains, and the pause before it does: in milliseconds. */
const MOST_TRIES = 20;
const TRY_AGAIN_MS = 5_000;

/** @returns whether the runner has to be read again: its labels were changed, or it is gone, which takes seconds to find out. */
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

// ---- the first time ----

async function begin(context: DrainContext, runner: Runner): Promise<boolean> {
  const { records, clock, signal } = context;
  records.claim(runner.id);
  let end: Try | undefined;
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    end = await tryToBegin(context, runner);
    if (end === 'gone') leaveOut(context, runner, GONE);
    if (end === 'gone' || end === 'drained') return true;
    if (tries > 1) await clock.sleep(TRY_AGAIN_MS, signal);
  }
  throw end === 'lost' ? alwaysLost(runner) : contradictory(runner);
}

/** `expired`: an expired drain held the runner, and its labels are restored now. `lost`: another drain keeps the runner. */
type Try = 'drained' | 'gone' | 'expired' | 'lost';

async function tryToBegin(context: DrainContext, runner: Runner): Promise<Try> {
  const { log, runId, lifeMs } = context;
  const { id, name } = runner;
  const seen = await untilDecided(context, { id, name });
  if (seen === undefined) return 'gone';
  const owner = ownerOf(runId, seen.date + lifeMs);
  if (expiredMarks(seen).length > 0) {
    await restoreLabels(forRequests(context), { id, due: expiredMarks });
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

/** Chooses the labels, and saves the drain. Nothing is changed yet. @throws ActionError */
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
 * Removes this drain's marks, whether GitHub shows them or not. If the other drain has ended in the meantime, it left the labels for this one
 * to restore.
 */
async function giveWay(context: DrainContext, drain: Drain): Promise<void> {
  const { id, owner, names } = drain;
  await changeEach(forRequests(context), 'remove', allMarks(drain));
  const due = { id, due: (seen: LabelsReading) => marksOf(owner, seen), restored: names };
  context.records.end(drain, await restoreLabels(forRequests(context), due));
}

// ---- again ----

/**
 * A runner that registers again (`--replace`) has its own labels again, and none of the drain's. If another step has drained it since, this
 * step waits for that drain, and begins as if for the first time.
 */
async function drainAgain(context: DrainContext, runner: Runner, drain: Drain): Promise<boolean> {
  const { records, log } = context;
  if (shownOf(drain.names, runner).length === 0 && !isTakenOver(drain, runner)) return false;
  const seen = await readWithDrain(context, drain);
  if (seen === undefined) return false;
  if (isTakenOver(drain, seen)) {
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

/** A read that lags may show only the drain before this one. It is repeated: otherwise, the step would wait for a drain that has ended. */
async function readWithDrain(context: DrainContext, drain: Drain): Promise<LabelsReading | undefined> {
  const { labels, records, clock, signal } = context;
  for (;;) {
    const { deadline } = forRequests(context);
    const seen = await labels.read(drain.id, { deadline, signal });
    if (seen === undefined || !isTakenOver(drain, seen) || !records.mayLag(drain.id)) return seen;
    await clock.sleep(TRY_AGAIN_MS, signal);
  }
}

// ---- errors ----

/** By the date of one answer, another drain's label has expired, and by that of the next one it has not. */
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

/** @param kept its custom labels. */
function withoutLabel(name: string, kept: readonly string[]): ActionError {
  const why = kept.length === 0 ? '' : ` (${kept.join(', ')}: ${UNREPLACEABLE})`;
  const message = `Runner "${name}" has no custom label that can be replaced${why}, so it cannot be drained: jobs that ask for its default labels would still reach it.`;
  const hint = 'Give the runner a custom label and let the jobs ask for it (runs-on), or leave out drain.';
  return new ActionError('invalid_input', message, { hint });
}
