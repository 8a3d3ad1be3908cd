import type { Check } from './run.ts';

/** A look at the runner may take so long. */
const LONGEST_LOOK_MS = 15_000;

/** No job is killed that GitHub could have shown: its picture is late, but no later than `busyLagMs`. */
export const killedJob: Check = ({ runner, posts, tries, scenario }) => {
  const post = posts.find(({ reply }) => reply === 'taken') ?? posts[0];
  if (runner === undefined || scenario.runner === undefined || post === undefined) return undefined;
  if (scenario.runner.whenBusy === 'ignore') return undefined;
  const { busyLagMs } = scenario.runner.habits;
  const readings = runner.readings.filter((at) => at <= post.departedAt);
  const triedAt = tries.findLast((at) => at <= post.departedAt) ?? post.departedAt;
  // A damaged answer may still have told whether it has a job.
  const [first = Number.NEGATIVE_INFINITY, last = first] = [runner.looks[0], readings.at(-1)];
  if (readings.length < 2) return 'a restart without looking at the runner twice';
  const wasKnowable = runner.jobs.some(({ startedAt, isKilledByUs }) => {
    const isShownAt = startedAt + busyLagMs;
    return isKilledByUs && (startedAt < first || isShownAt <= last || isShownAt + LONGEST_LOOK_MS <= triedAt);
  });
  return wasKnowable ? 'a job was killed' : undefined;
};

/** The runner is looked at before every try of the restart request, whether it left or not. */
export const blindTry: Check = ({ runner, tries, scenario }) => {
  if (runner === undefined || scenario.runner?.whenBusy === 'ignore') return undefined;
  const isBlind = tries.some((at, index) => {
    const since = tries[index - 1] ?? Number.NEGATIVE_INFINITY;
    return !runner.looks.some((look) => look > since && look <= at);
  });
  return isBlind ? 'a try of the restart without looking at the runner again' : undefined;
};

/** For so long a look may count, and so long its answer may take to arrive: in milliseconds. */
const LOOK_COUNTS_MS = 21_000;

/** The restart leaves soon after the runner was looked at, even if the process was suspended in between. */
export const staleLook: Check = ({ runner, posts, scenario }) => {
  if (runner === undefined || scenario.runner?.whenBusy === 'ignore') return undefined;
  const isStale = posts.some(({ departedAt }) => {
    const lookedAt = runner.looks.findLast((look) => look <= departedAt) ?? Number.NEGATIVE_INFINITY;
    return departedAt - lookedAt > LOOK_COUNTS_MS;
  });
  return isStale ? 'a restart left long after the last look at the runner' : undefined;
};

/** `online` is claimed only of a runner that has taken up its work since the boot that was proved. */
export const wrongClaim: Check = ({ outcome, runner, boots, posts }) => {
  const { status } = outcome.runner ?? {};
  if (runner === undefined || (status !== 'online' && status !== 'probably_online')) return undefined;
  const sentAt = posts[0]?.departedAt ?? Number.POSITIVE_INFINITY;
  const isBack = runner.begins.some((at) => at >= sentAt);
  // Each further boot gives GitHub a newer session to remember for minutes.
  const isTold = status === 'online' || boots.filter(({ at }) => at >= sentAt).length === 1;
  return isBack || !isTold ? undefined : `"${status}" of a runner that takes no job`;
};

/** How long GitHub may remember a runner's old session, and so not show that it is back; and how long the step may need to see it. */
const REMEMBERED_MS = 360_000;
const SEEN_WITHIN_MS = 60_000;

/** A runner that came back in time is not given up. */
export const lostRunner: Check = ({ outcome, runner, scenario, endedAt, startedAt }) => {
  if (runner === undefined || scenario.runner === undefined) return undefined;
  if (outcome.error?.code !== 'runner_not_back' || !runner.isListening) return undefined;
  const isPatient = scenario.runner.runnerTimeoutMs > REMEMBERED_MS + SEEN_WITHIN_MS;
  const backAt = runner.begins.at(-1) ?? endedAt;
  const settledAt = Math.max(backAt, startedAt + scenario.faultsEndAfterMs);
  const isInTime = settledAt < endedAt - SEEN_WITHIN_MS;
  return isPatient && isInTime ? 'a runner that had come back was given up' : undefined;
};
