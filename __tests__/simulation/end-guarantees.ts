import type { Check } from './guarantees.ts';
import { guestMs } from './guest-guarantees.ts';
import { deadlineOf, END_MS, isRejected, limitOf, sendBy, wakingAt } from './limits.ts';
import type { VmRecord } from './record.ts';
import { jobsPlannedIn } from './scenario.ts';

/* Guarantees about time: the step ends, sends no restart too late, and announces it before. */

/** How long the step may take to end after a signal: in milliseconds. */
const CANCEL_MS = 1_000;
/** The same with a drain, because the step restores labels first. */
const CANCEL_DRAIN_MS = 6_000;

export const lateEnd: Check = (run) => {
  const { startedAt, endedAt, cancelledAt, scenario, outcome, posts, isAlone } = run;
  // In a fleet, a VM that was never started waits for the others, and one that was started may wait again.
  const { gateAnswered = startedAt } = outcome.moments;
  const beganAt = isAlone ? startedAt : Math.max(posts.at(-1)?.departedAt ?? endedAt, gateAnswered);
  const deadline = beganAt + scenario.step.timeoutMs + runnerMs(run);
  if (endedAt > limitOf(run, limitOf(run, deadline) + guestMs(run)) + END_MS) return 'it ended late';
  const cancelMs = scenario.pool?.drain === undefined ? CANCEL_MS : CANCEL_DRAIN_MS;
  if (cancelledAt === undefined) return undefined;
  // If the process was suspended meanwhile, it has the same time once it wakes.
  const latest = cancelledAt + cancelMs;
  const wokenAt = limitOf(run, latest);
  return endedAt > (wokenAt > latest ? wokenAt + cancelMs : latest)
    ? 'it ended late after the signal'
    : undefined;
};

/** If no boot was seen after a restart, the step polls once more at the deadline, or when it wakes. */
export const noLastPoll: Check = (run) => {
  const { outcome, lastBegunAt, posts, scenario } = run;
  const post = posts.at(-1);
  if (scenario.runner !== undefined || outcome.restarted !== 'unknown' || post === undefined)
    return undefined;
  // A process that keeps stalling may do so before the last read that several VMs share has left.
  if (scenario.slowLoop !== undefined && !run.isAlone) return undefined;
  const isDue = outcome.error?.code === 'timed_out' || isRejected(post);
  if (!isDue || outcome.error?.code === 'vm_failed' || outcome.error?.code === 'cancelled') return undefined;
  const deadline = deadlineOf(run);
  // A poll that begins at the deadline has its full time if the step sleeps for less than that.
  const wakesAt = wakingAt(run, deadline) ?? deadline;
  const dueAt = wakesAt > deadline + END_MS ? wakesAt : deadline;
  return lastBegunAt < dueAt ? 'there was no last poll' : undefined;
};

/** No restart is sent too late to be verified. */
export const lateRestart: Check = (run) => {
  const { moments } = run.outcome;
  const { gateAsked = 0, gateAnswered = gateAsked } = moments;
  const latest =
    sendBy(run) + (run.isAlone ? gateAnswered - gateAsked : Math.max(0, gateAnswered - run.startedAt));
  return run.posts.some(({ departedAt }) => departedAt > latest) ? 'a restart was sent too late' : undefined;
};

/** Before a restart is sent, the outputs say `unknown`, in case the process is killed. */
export const silence: Check = ({ posts }) =>
  posts.every(({ announced }) => announced === 'unknown')
    ? undefined
    : 'a restart left before the outputs said so';

/** The time besides `idle_for` to be sure that no job runs: for the reads of the runner and of the jobs. */
const SETTLING_MS = 60_000;
const LONGEST_GAP_MS = 20_000;

/**
 * How much longer a step may take because of a runner. `idle_for` starts again after each job, each time that GitHub stops showing a
 * running job, with each new registration, and after each long gap between reads. And GitHub may be unavailable for as long as the
 * restart may take.
 */
function runnerMs({ scenario: { runner, step, vms } }: VmRecord): number {
  if (runner === undefined) return 0;
  const { busyTimeoutMs, runnerTimeoutMs, idleForMs } = runner;
  const jobs = vms.flatMap(jobsPlannedIn);
  const registrations = vms.flatMap(({ moreRunners }) => moreRunners);
  const settlings = 3 + 3 * jobs.length + registrations.length + step.timeoutMs / LONGEST_GAP_MS;
  return busyTimeoutMs + step.timeoutMs + settlings * (idleForMs + SETTLING_MS) + runnerTimeoutMs;
}
