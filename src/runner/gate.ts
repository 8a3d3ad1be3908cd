// Two sources say whether a job runs on the runner: the runner itself, as GitHub shows it, and the jobs in progress. The runner is
// looked at every few seconds until it has shown no job for as long as is asked for. The jobs cost many requests, so they are
// read when the runner first seems idle, and once more right before the restart. The very last look is at the runner, by its ID.

import { type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createProgressLog, type ProgressLog } from '../log.ts';
import { type Gate, LeftAlone } from '../restart/outcome.ts';
import {
  type BusyVerdict,
  type IdleStretch,
  type JobFinding,
  judgeBusy,
  judgeWithJobs,
} from './busy-verdict.ts';
import type { Job } from './jobs.ts';
import { describeRunner } from './runners.ts';
import type { RunnerSnapshot } from './snapshot.ts';
import { LOOK_EVERY_MS, lookUntil, type Tracker } from './tracker.ts';

/** What to do about a runner that has a job. */
export type WhenBusy = 'wait' | 'fail' | 'skip' | 'ignore';

export interface GateOptions {
  readonly whenBusy: WhenBusy;
  /** For how long the runner has to be seen without a job. */
  readonly idleForMs: number;
  /** How long `wait` waits for the job to end. */
  readonly busyTimeoutMs: number;
  /** How much longer GitHub may give no usable answer. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Which runner it is can be told only once the instance is known. @throws ActionError */
  readonly trackerFor: (instance: Instance) => Tracker;
  /** Whether an idle runner is a detail: where there are many, what matters is who has a job. */
  readonly isBrief?: boolean | undefined;
  /** Told when the way was free before, and is no more: the gate begins to wait again. */
  readonly onWait?: (() => void) | undefined;
}

/** Lets the restart pass only while no job runs on the runner. */
export interface RunnerGate extends Gate {
  /**
   * For a VM whose turn has not come: waits until its runner was seen without a job for long enough, by looks that others share. Who
   * has its turn asks `isOpen` then, whose looks are at this runner alone.
   * @throws ActionError, LeftAlone as `isOpen` does.
   */
  untilIdle(instance: Instance): Promise<void>;
  /**
   * For a VM whose way is free, but whose turn has not come: a look at the runner every few seconds keeps what is known from growing
   * old. False once it shows a job.
   * @throws ActionError where GitHub says no for good.
   */
  stillIdle(): Promise<boolean>;
  /** The runner and the last look at it; undefined where it never came to that. */
  findings(): Findings | undefined;
  /** What the last look that was judged came to; undefined before the first. */
  verdict(): BusyVerdict | undefined;
}

export interface Findings {
  readonly tracker: Tracker;
  readonly last: RunnerSnapshot;
}

interface Watch extends Findings {
  last: RunnerSnapshot;
  idleStretch: IdleStretch | undefined;
  /** For how much longer no job must be seen: in milliseconds. */
  leftMs: number;
  /** How often the jobs were read. */
  readings: number;
  /** When the idle stretch began that the jobs bear out, on the clock's scale. */
  borneOutSince: number | undefined;
  /** The job that they showed, if it is what makes the runner busy. */
  job: Job | undefined;
  verdict: BusyVerdict | undefined;
  /** When a busy runner is waited for no more; and when a silent GitHub is not. On the clock's scale. */
  busyUntil: number;
  silentUntil: number;
  readonly journal: ProgressLog;
}

export function createGate(options: GateOptions): RunnerGate {
  const { whenBusy, log } = options;
  let watch: Watch | undefined;
  return {
    async isOpen(instance) {
      const isFirst = watch === undefined;
      watch ??= await begin(options, instance);
      if (whenBusy === 'ignore') {
        if (isBusy(watch.last)) log.warning(`${describe(watch)}; when_busy says to ignore that.`);
        return true;
      }
      const verdict = await lookBeforeRestart(options, watch, isFirst);
      if (verdict === 'idle') return true;
      if (!isFirst) options.onWait?.();
      await waitUntilIdle(options, watch, verdict);
      return false;
    },
    async untilIdle(instance) {
      watch ??= await begin(options, instance);
      if (whenBusy === 'ignore') return;
      const verdict = await judgeLook(options, watch, watch.last);
      if (verdict !== 'idle') await waitUntilIdle(options, watch, verdict);
    },
    async rehearse(instance) {
      watch = await begin(options, instance);
      const finding = whenBusy === 'ignore' ? 'none' : await findJob(options, watch);
      log.info(`Dry run: ${describe(watch)}${finding === undefined ? `; ${NO_JOBS_KNOWN}` : ''}`);
      return true;
    },
    stillIdle: async () => watch === undefined || keepIdle(options, watch),
    findings: () => watch,
    verdict: () => watch?.verdict,
  };
}

async function begin(options: GateOptions, instance: Instance): Promise<Watch> {
  const { patienceMs, clock, log } = options;
  const limits = limitsFrom(clock.now(), options);
  const tracker = options.trackerFor(instance);
  const last = await tracker.find(clock.now() + patienceMs);
  const journal = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const nothingKnown = {
    idleStretch: undefined,
    leftMs: options.idleForMs,
    borneOutSince: undefined,
    job: undefined,
    verdict: undefined,
  };
  return { tracker, last, ...nothingKnown, readings: 0, ...limits, journal };
}

/** To see no job for long enough takes its time in any case: that is no silence. */
function limitsFrom(now: number, { whenBusy, idleForMs, busyTimeoutMs, patienceMs }: GateOptions) {
  const busyUntil = now + (whenBusy === 'wait' ? busyTimeoutMs : 0);
  return { busyUntil, silentUntil: busyUntil + idleForMs + patienceMs };
}

// ---- looks ----

/** Both sources, and the runner once more by its ID: the jobs may take seconds to read. */
async function lookBeforeRestart(options: GateOptions, watch: Watch, isFirst: boolean): Promise<BusyVerdict> {
  const { readings } = watch;
  const first = isFirst ? await judgeLook(options, watch, watch.last) : await lookAgain(options, watch);
  if (first !== 'idle') return first;
  const second = watch.readings > readings ? first : await judgeJobs(options, watch, first);
  if (second === 'idle') return lookAtLast(options, watch);
  tell(options, watch, second);
  return second;
}

/** An answer that took longer tells too little of now: the process may have been suspended meanwhile. In milliseconds. */
const LONGEST_LAST_LOOK_MS = 10_000;

async function lookAtLast(options: GateOptions, watch: Watch): Promise<BusyVerdict> {
  const { clock } = options;
  const askedAt = clock.now();
  const verdict = await lookAgain(options, watch);
  return clock.now() - askedAt <= LONGEST_LAST_LOOK_MS ? verdict : lookAgain(options, watch);
}

async function lookAgain(options: GateOptions, watch: Watch): Promise<BusyVerdict> {
  return judgeLook(options, watch, await watch.tracker.look(endOfLook(options, watch)));
}

async function glanceAgain(options: GateOptions, watch: Watch): Promise<BusyVerdict> {
  return judgeLook(options, watch, await watch.tracker.glance(endOfLook(options, watch)));
}

function endOfLook({ clock }: GateOptions, { silentUntil }: Watch): number {
  return lookUntil(clock.now(), silentUntil);
}

async function judgeLook(options: GateOptions, watch: Watch, snapshot: RunnerSnapshot): Promise<BusyVerdict> {
  const seen = judgeSnapshot(options, watch, snapshot);
  const { idleStretch, borneOutSince } = watch;
  const isBorneOut = idleStretch === undefined || idleStretch.since === borneOutSince;
  const verdict = isBorneOut ? seen : await judgeJobs(options, watch, seen);
  tell(options, watch, verdict);
  return verdict;
}

function judgeSnapshot({ idleForMs }: GateOptions, watch: Watch, snapshot: RunnerSnapshot): BusyVerdict {
  const { verdict, idleStretch, leftMs } = judgeBusy({ idleStretch: watch.idleStretch, idleForMs }, snapshot);
  watch.idleStretch = idleStretch;
  watch.leftMs = leftMs;
  watch.job = undefined;
  if (snapshot.runner !== undefined) watch.last = snapshot;
  return verdict;
}

async function judgeJobs(options: GateOptions, watch: Watch, seen: BusyVerdict): Promise<BusyVerdict> {
  const finding = await findJob(options, watch);
  const verdict = judgeWithJobs(seen, finding);
  // A job ends the idle stretch; where nothing is known yet, the jobs have to be read again.
  if (verdict === 'busy') watch.idleStretch = undefined;
  watch.borneOutSince = finding === undefined ? undefined : watch.idleStretch?.since;
  return verdict;
}

async function findJob(options: GateOptions, watch: Watch): Promise<JobFinding> {
  const finding = await watch.tracker.findJob(endOfLook(options, watch));
  watch.readings++;
  watch.job = typeof finding === 'object' ? finding : undefined;
  return finding;
}

/** What an idle runner takes to wait for its turn is not time that its next job is waited for. */
async function keepIdle(options: GateOptions, watch: Watch): Promise<boolean> {
  const verdict = judgeSnapshot(options, watch, await watch.tracker.glance(endOfLook(options, watch)));
  watch.verdict = verdict;
  if (verdict === 'busy') return false;
  if (verdict !== 'unknown') Object.assign(watch, limitsFrom(options.clock.now(), options));
  return true;
}

// ---- the wait ----

/** Time between two looks at a job that the runner itself does not show: in milliseconds. They cost many requests. */
const READ_JOBS_EVERY_MS = 15_000;

/** Until when each state of things is put up with. That no job is seen is made sure of in any case. */
const PATIENCE_ENDS_AT: Readonly<Record<Exclude<BusyVerdict, 'idle'>, (watch: Watch) => number>> = {
  busy: ({ busyUntil }) => busyUntil,
  unknown: ({ silentUntil }) => silentUntil,
  settling: () => Number.POSITIVE_INFINITY,
};

async function waitUntilIdle(options: GateOptions, watch: Watch, first: BusyVerdict): Promise<void> {
  const { clock, signal } = options;
  for (let verdict = first; verdict !== 'idle'; verdict = await glanceAgain(options, watch)) {
    const leftMs = PATIENCE_ENDS_AT[verdict](watch) - clock.now();
    if (leftMs <= 0) throw verdict === 'busy' ? stillBusy(options, watch) : notKnown(watch);
    const pauseMs = watch.job === undefined ? LOOK_EVERY_MS : READ_JOBS_EVERY_MS;
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
}

// ---- what is told ----

function tell(options: GateOptions, watch: Watch, verdict: BusyVerdict): void {
  watch.verdict = verdict;
  const rest = verdict === 'settling' ? ` (${minutes(watch.leftMs)} left)` : '';
  const isDetail = options.isBrief === true && (verdict === 'settling' || verdict === 'idle');
  watch.journal.note(verdict, LINES[verdict](watch, options), { rest, isDetail });
}

/** What is seen, and what comes next. */
const LINES: Readonly<Record<BusyVerdict, (watch: Watch, options: GateOptions) => string>> = {
  idle: (watch, { idleForMs }) => {
    const time = idleForMs === 0 ? '' : `, and was for ${minutes(idleForMs)}`;
    return `${describe(watch)}${time}: no job runs on it`;
  },
  settling: (watch) => `${describe(watch)}; making sure, as GitHub learns late of a new job`,
  busy: (watch, { whenBusy }) => `${describe(watch)}${BUSY_NOW[whenBusy]}`,
  unknown: ({ idleStretch }) =>
    `${idleStretch === undefined ? NO_RUNNER_KNOWN : NO_JOBS_KNOWN}; looking again`,
};

const NO_RUNNER_KNOWN = 'GitHub gave no usable answer about the runner';
const NO_JOBS_KNOWN = 'GitHub gave no usable answer about the jobs in progress';

const BUSY_NOW: Readonly<Record<WhenBusy, string>> = {
  wait: '; waiting for its job to end',
  fail: '',
  skip: '; the VM is left alone, as when_busy says',
  ignore: '',
};

function isBusy({ runner }: RunnerSnapshot): boolean {
  return typeof runner === 'object' && runner.isBusy;
}

/** e.g. `Runner "mac-7" (ID 12) is online, busy`, as it was last seen. */
function describe({ last: { runner }, job }: Watch): string {
  const working = job === undefined ? '' : `, but job "${job.name}" of run ${job.runId} is in progress on it`;
  if (typeof runner !== 'object') return `The runner is registered no more${working}`;
  const shown = job === undefined ? 'is' : 'is shown';
  return `Runner "${runner.name}" (ID ${runner.id}) ${shown} ${describeRunner(runner)}${working}`;
}

function stillBusy({ whenBusy }: GateOptions, watch: Watch): Error {
  if (whenBusy === 'skip') return new LeftAlone('skipped', describe(watch));
  const { journal } = watch;
  const [waited, looks] =
    whenBusy === 'fail' ? ['', ''] : [', and was until busy_timeout', ` Looks: ${journal.tally()}.`];
  return new ActionError('runner_busy', `${describe(watch)}${waited}. No restart was sent.${looks}`, {
    hint: 'Let the job end (needs, concurrency), or raise busy_timeout, or let when_busy be wait.',
  });
}

function notKnown({ journal }: Watch): ActionError {
  const message = `GitHub does not say whether a job runs on the runner, so no restart was sent. Looks: ${journal.tally()}.`;
  return new ActionError('github_api_failed', message, {
    hint: 'Look at githubstatus.com and at the debug log of this step.',
  });
}
