import type { Clock } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import type { Gate, Log } from '../restart/context.ts';
import { createJournal, type Journal } from '../restart/journal.ts';
import { type BusyVerdict, type IdleStretch, judgeBusy } from './busy-verdict.ts';
import { describeRunner } from './find-runner.ts';
import type { RunnerSnapshot } from './snapshot.ts';
import { LOOK_EVERY_MS, lookUntil, type Tracker } from './tracker.ts';

/** What to do about a runner that has a job. */
export type WhenBusy = 'wait' | 'fail' | 'ignore';

export interface GateOptions {
  readonly whenBusy: WhenBusy;
  /** How long `wait` waits for the job to end. */
  readonly busyTimeoutMs: number;
  /** How much longer GitHub may give no usable answer. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Log & { warning(line: string): void };
  readonly signal: AbortSignal;
  /** Which runner it is can be told only once the instance is known. @throws ActionError */
  readonly trackerFor: (instance: Instance) => Tracker;
}

/** Lets the restart pass only while no job runs on the runner. */
export interface RunnerGate extends Gate {
  /** The runner and the last look at it; undefined where it never came to that. */
  findings(): Findings | undefined;
}

export interface Findings {
  readonly tracker: Tracker;
  readonly last: RunnerSnapshot;
}

interface Watch extends Findings {
  last: RunnerSnapshot;
  idleStretch: IdleStretch | undefined;
  /** When a busy runner is waited for no more; and when a silent GitHub is not. On the clock's scale. */
  readonly busyUntil: number;
  readonly silentUntil: number;
  readonly journal: Journal;
}

export function createGate(options: GateOptions): RunnerGate {
  const { whenBusy, log } = options;
  let watch: Watch | undefined;
  return {
    async isOpen(instance) {
      const isFirst = watch === undefined;
      watch ??= await begin(options, instance);
      if (whenBusy === 'ignore') {
        if (isBusy(watch.last)) log.warning(`${describe(watch.last)}; when_busy says to ignore that.`);
        return true;
      }
      const verdict = isFirst ? noteSnapshot(watch, watch.last) : await lookAgain(options, watch);
      if (verdict === 'idle') return true;
      await waitUntilIdle(options, watch, verdict);
      return false;
    },
    async rehearse(instance) {
      watch = await begin(options, instance);
      log.info(`Dry run: ${describe(watch.last)}`);
      return true;
    },
    findings: () => watch,
  };
}

async function begin(options: GateOptions, instance: Instance): Promise<Watch> {
  const { whenBusy, busyTimeoutMs, patienceMs, clock, log } = options;
  const busyUntil = clock.now() + (whenBusy === 'wait' ? busyTimeoutMs : 0);
  const tracker = options.trackerFor(instance);
  const last = await tracker.find(clock.now() + patienceMs);
  const journal = createJournal({ log, now: clock.now, sentAt: undefined });
  return { tracker, last, idleStretch: undefined, busyUntil, silentUntil: busyUntil + patienceMs, journal };
}

function noteSnapshot(watch: Watch, snapshot: RunnerSnapshot): BusyVerdict {
  const { verdict, idleStretch } = judgeBusy(watch.idleStretch, snapshot);
  watch.idleStretch = idleStretch;
  if (snapshot.runner !== undefined) watch.last = snapshot;
  watch.journal.note(verdict, `${describe(snapshot)}${WHAT_NOW[verdict]}`);
  return verdict;
}

const WHAT_NOW: Readonly<Record<BusyVerdict, string>> = {
  idle: ', and was for a minute: no job runs on it',
  settling: '; making sure for a minute, as GitHub learns late of a new job',
  busy: '; waiting for its job to end',
  unknown: '; looking again',
};

async function lookAgain({ clock }: GateOptions, watch: Watch): Promise<BusyVerdict> {
  return noteSnapshot(watch, await watch.tracker.look(lookUntil(clock.now(), watch.silentUntil)));
}

/** Until when each state of things is put up with. That no job is seen is made sure of in any case: it takes a minute. */
const PATIENCE_ENDS_AT: Readonly<Record<Exclude<BusyVerdict, 'idle'>, (watch: Watch) => number>> = {
  busy: ({ busyUntil }) => busyUntil,
  unknown: ({ silentUntil }) => silentUntil,
  settling: () => Number.POSITIVE_INFINITY,
};

async function waitUntilIdle(options: GateOptions, watch: Watch, first: BusyVerdict): Promise<void> {
  const { clock, signal } = options;
  for (let verdict = first; verdict !== 'idle'; verdict = await lookAgain(options, watch)) {
    const leftMs = PATIENCE_ENDS_AT[verdict](watch) - clock.now();
    if (leftMs <= 0) throw verdict === 'busy' ? stillBusy(options, watch) : notKnown(watch);
    await clock.sleep(Math.min(LOOK_EVERY_MS, leftMs), signal);
  }
}

function isBusy({ runner }: RunnerSnapshot): boolean {
  return runner !== undefined && runner !== 'gone' && runner.isBusy;
}

/** e.g. `Runner "mac-7" (ID 12) is online, busy`. */
function describe({ runner }: RunnerSnapshot): string {
  if (runner === undefined) return 'GitHub gave no usable answer about the runner';
  if (runner === 'gone') return 'The runner is registered no more';
  return `Runner "${runner.name}" (ID ${runner.id}) is ${describeRunner(runner)}`;
}

function stillBusy({ whenBusy }: GateOptions, { last, journal }: Watch): ActionError {
  const waited = whenBusy === 'fail' ? '' : ', and was until busy_timeout';
  const seen = whenBusy === 'fail' ? '' : ` Looks: ${journal.tally()}.`;
  return new ActionError('runner_busy', `${describe(last)}${waited}. No restart was sent.${seen}`, {
    hint: 'Let the job end (needs, concurrency), or raise busy_timeout, or let when_busy be wait.',
  });
}

function notKnown({ journal }: Watch): ActionError {
  const message = `GitHub does not say whether a job runs on the runner, so no restart was sent. Looks: ${journal.tally()}.`;
  return new ActionError('github_api_failed', message, {
    hint: 'Look at githubstatus.com and at the debug log of this step.',
  });
}
