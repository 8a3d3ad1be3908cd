import { LASTING_EVENTS } from './events.ts';
import { FITTING, isHealthy } from './fitting-codes.ts';
import type { Check, RunRecord, TrueReport } from './run.ts';
import { killedJob, lostRunner, wrongClaim } from './runner-promises.ts';
import type { Scenario } from './scenario.ts';

/*
 * Each promise is a check of one run: it compares what the step said with what really happened (a RunRecord, see run.ts), and says in
 * words what is broken. Those about the GitHub runner are in runner-promises.ts, which error codes fit is in fitting-codes.ts. A new
 * fault (scenario.ts) or event (events.ts) needs a change here only if the step cannot keep a promise because of it.
 */

/** What `timeout` and a signal leave for the end: in milliseconds. */
const END_MS = 2_000;
const CANCEL_MS = 1_000;

/** The promises that a run broke, in words; empty for none. */
export function brokenPromises(run: RunRecord): string[] {
  const checks = [
    falseSuccess,
    secondRestart,
    falseFailure,
    lateEnd,
    untruth,
    wrongCode,
    missingOutput,
    leak,
    killedJob,
    wrongClaim,
    lostRunner,
  ];
  return checks.flatMap((check) => check(run) ?? []);
}

// ---- no false success ----

/** What a boot before the restart may lack in age to be told from one after it. */
const FOREIGN_BLUR_MS = 20_000;

const falseSuccess: Check = (run) => {
  if (run.outcome.restarted !== 'true') return undefined;
  const report = claimedReport(run);
  if (report === undefined) return 'false success: no report ever said what the proof says';
  if (report.bootedAt >= sentAt(run) || isIndistinguishable(report, run)) return undefined;
  return 'false success: the VM has not booted since the restart was sent';
};

/** The report that showed all three conditions at once. */
function claimedReport({ outcome: { last }, reports }: RunRecord): TrueReport | undefined {
  const milliseconds = (date: { epochNanoseconds: bigint } | undefined) =>
    date && Number(date.epochNanoseconds / 1_000_000n);
  const [startDateMs, timestampMs] = [milliseconds(last?.startDate), milliseconds(last?.reportedAt)];
  return reports.findLast((report) => {
    const isThen = timestampMs === undefined || report.timestampMs === timestampMs;
    return isHealthy(report) && isThen && report.startDateMs === startDateMs;
  });
}

/**
 * What nobody can tell. Nobody knows how old a report was when it was first seen; so a boot that the step had not asked for
 * looks like ours, unless the VM had run, when the report was made, for longer than the restart had been on its way by then.
 * And where the node's clock was set meanwhile, its dates do not say when that boot was.
 */
function isIndistinguishable(report: TrueReport, run: RunRecord): boolean {
  const isOfOthers = run.boots.some(({ at, isOurs }) => at === report.bootedAt && !isOurs);
  const hadRunMs = report.at - report.bootedAt;
  const isRecent = hadRunMs <= run.endedAt - sentAt(run) + FOREIGN_BLUR_MS;
  return isOfOthers && (isRecent || run.faults.has('clock'));
}

function sentAt({ posts }: RunRecord): number {
  return posts[0]?.departedAt ?? Number.POSITIVE_INFINITY;
}

const secondRestart: Check = ({ posts }) =>
  posts.filter(({ reply }) => reply === 'taken').length > 1
    ? 'more than one restart was carried out'
    : undefined;

// ---- no false failure ----

/** The longest pause between two tries, and what a Retry-After of the simulation asks for at most. */
const PAUSE_MS = 3_000;
const LONGEST_RETRY_AFTER_MS = 20_000;
const HEARTBEATS = 3;

/** It was all well again, and there was time enough to see it. */
const falseFailure: Check = (run) => {
  const { outcome, faults, cancelledAt } = run;
  if (outcome.error === undefined || outcome.restarted === 'true') return undefined;
  if (cancelledAt !== undefined || !run.isUp) return undefined;
  const isCarriedOut = run.boots.some(({ isOurs }) => isOurs);
  // Once a request was denied, the step is right not to ask again; and an Error that stays for long is a failure.
  if (!isCarriedOut || faults.has('denied') || wasDownForLong(run)) return undefined;
  // Where the node's clock was set, the step's own boot may not look like one.
  if (clockSettings(run) > 1 || hasDateOfOldBoot(run)) return undefined;
  const isInTime = settledAt(run) + allowanceMs(run) < deadlineOf(run);
  return isInTime ? 'false failure: all was well again in time' : undefined;
};

/** Whether the node's clock was set back so that a boot after the restart has the same date, in seconds, as one before it. */
function hasDateOfOldBoot(run: RunRecord): boolean {
  const old = run.reports.filter(({ bootedAt }) => bootedAt < sentAt(run));
  return run.reports.some(
    ({ bootedAt, startDateMs }) =>
      bootedAt >= sentAt(run) && old.some((report) => report.startDateMs === startDateMs),
  );
}

function clockSettings({ scenario: { events, faultsEndAfterMs } }: RunRecord): number {
  return events.filter(({ kind, afterMs }) => kind === 'clock' && afterMs < faultsEndAfterMs).length;
}

/** While a runner is waited for, the time for the restart stands still; then the deadline is known by when the step gave up. */
function deadlineOf({ startedAt, endedAt, scenario, outcome }: RunRecord): number {
  const hasTimedOut = scenario.runner !== undefined && outcome.error?.code === 'timed_out';
  return hasTimedOut ? endedAt - END_MS : startedAt + scenario.step.timeoutMs;
}

const LONG_MS = 30_000;

/** Whether the agent reported for so long that the VM is down. */
function wasDownForLong({ outcome, reports, endedAt }: RunRecord): boolean {
  if (outcome.error?.code !== 'vm_failed') return false;
  let downSince = Number.POSITIVE_INFINITY;
  for (const report of reports) {
    if (report.at - downSince >= LONG_MS) return true;
    downSince = isHealthy(report) ? Number.POSITIVE_INFINITY : Math.min(downSince, report.at);
  }
  return endedAt - downSince >= LONG_MS;
}

/** When the last thing went wrong, or the VM came up for the last time. */
function settledAt({ scenario, boots, startedAt }: RunRecord): number {
  const ends = scenario.events.map(({ kind, afterMs, forMs }) => {
    const lasts = LASTING_EVENTS.includes(kind);
    return afterMs < scenario.faultsEndAfterMs && lasts ? afterMs + forMs : 0;
  });
  return Math.max(startedAt + Math.max(scenario.faultsEndAfterMs, ...ends), ...boots.map(({ at }) => at));
}

/** How long it may take, once all is well, until a report is there, a replica has it, and a look sees it. */
function allowanceMs({ scenario, faults }: RunRecord): number {
  const { step, network, replicas } = scenario;
  const pollMs = step.pollInterval === 'auto' ? 0 : step.pollInterval;
  const pauseMs = faults.has('Retry-After') ? LONGEST_RETRY_AFTER_MS : PAUSE_MS;
  const roundTripMs = 6 * network.latencyMs;
  const seenMs = step.requestTimeoutMs + pauseMs + pollMs + roundTripMs;
  return (scenario.world.datelessMs ?? 0) + HEARTBEATS * heartbeatMs(scenario) + replicas.lagMs + seenMs;
}

function heartbeatMs({ world: { heartbeatMs, heartbeatJitter } }: Scenario): number {
  return heartbeatMs * (1 + heartbeatJitter);
}

// ---- it ends ----

const lateEnd: Check = ({ startedAt, endedAt, cancelledAt, lastBegunAt, outcome, scenario }) => {
  const deadline = startedAt + scenario.step.timeoutMs + runnerMs(scenario);
  if (endedAt > deadline + END_MS) return 'it ended late';
  if (scenario.runner === undefined && outcome.error?.code === 'timed_out' && lastBegunAt < deadline)
    return 'there was no last look';
  const isCancelledLate = cancelledAt !== undefined && endedAt > cancelledAt + CANCEL_MS;
  return isCancelledLate ? 'it ended late after the signal' : undefined;
};

/** It takes a minute to be sure that no job runs; and GitHub may be silent for as long as the restart may take. */
const SETTLING_MS = 60_000;

/** What a runner to look after may add. */
function runnerMs({ runner, step }: Scenario): number {
  if (runner === undefined) return 0;
  const { busyTimeoutMs, runnerTimeoutMs } = runner;
  return busyTimeoutMs + step.timeoutMs + SETTLING_MS + runnerTimeoutMs;
}

// ---- what it says is true ----

const untruth: Check = ({ outcome: { restarted, error }, posts, scenario }) => {
  const isRefused = posts.some(({ reply, isAnswered }) => reply === 'refused' && isAnswered);
  if (scenario.step.dryRun && posts.length > 0) return 'a dry run sent a restart';
  if (restarted === 'false' && posts.some(({ reply }) => reply === 'taken'))
    return '"false" though the controller took the restart';
  if (restarted === 'unknown' && posts.length === 0) return '"unknown" though nothing was ever sent';
  if (restarted === 'unknown' && isRefused) return '"unknown" though the controller refused it';
  const isFailure = restarted === 'true' && error !== undefined && scenario.runner === undefined;
  if (isFailure) return 'an error after a restart that was proved';
  const isSuccess = restarted === 'true' || scenario.step.dryRun;
  return isSuccess || error !== undefined ? undefined : 'neither success nor an error';
};

const wrongCode: Check = (run) => {
  const code = run.outcome.error?.code;
  if (code === undefined || FITTING[code](run)) return undefined;
  return `the code ${code} does not fit`;
};

const missingOutput: Check = ({ outcome, outputs, posts, answersSeen, scenario }) => {
  const { restarted, error } = outcome;
  const isKnown = answersSeen > 0 && scenario.step.targetBy === 'instance_id';
  const due = [
    ...(isKnown ? ['instance_id', 'instance_state'] : []),
    ...(posts.length > 0 ? ['previous_start_date'] : []),
    ...(restarted === 'true' ? ['start_date', 'duration', 'status'] : []),
    ...(restarted === 'true' && scenario.runner && error === undefined ? ['runner_status'] : []),
    ...(error === undefined ? [] : ['error_code']),
  ];
  const missing = ['restarted', ...due].filter((name) => !outputs[name]);
  return missing.length > 0 ? `outputs are missing: ${missing.join(', ')}` : undefined;
};

// ---- nothing leaks ----

/** The forms in which secrets usually turn up. Not taken from the step's own list, whose gaps would not be found then. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encodings = ['base64', 'base64url', 'hex'] as const;
  const unpadded = bytes.toString('base64').replace(/=+$/, '');
  return [secret, unpadded, encodeURIComponent(secret), ...encodings.map((form) => bytes.toString(form))];
}

const leak: Check = ({ secrets, written, misdirected }) => {
  if (secrets.flatMap(formsOf).some((form) => written.includes(form))) return 'a secret was written';
  if (/^\s*::|##\[/m.test(written)) return 'something written would act as a workflow command';
  return misdirected.length > 0 ? 'a request went elsewhere, or with what is for others' : undefined;
};
