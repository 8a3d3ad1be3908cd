import { FITTING } from './fitting-codes.ts';
import type { GitHubLook } from './github-looks.ts';
import type { Check } from './guarantees.ts';
import type { TrueRunner, VmRecord } from './run.ts';

/*
 * What is promised of the runner. A job that no witness showed yet is killed now and then: nobody can know of it. So what is checked
 * is what the step was shown: for each restart that left, the answers of both witnesses that had reached it by then.
 */

/** The runner that is looked at before the restart, and the restarts that left; undefined where there is no such promise. */
function guarded({ runner, posts, tries, scenario }: VmRecord) {
  if (runner === undefined || scenario.runner === undefined || scenario.runner.whenBusy === 'ignore')
    return undefined;
  return { runner, departures: posts.map(({ departedAt }) => departedAt), tries, ...scenario.runner };
}

/** No restart leaves that kills a job which either witness showed at the last look, or the first in all the time of `idle_for`. */
export const killedJob: Check = (run) => {
  const { runner, departures, idleForMs } = guarded(run) ?? {};
  if (runner === undefined || departures === undefined || idleForMs === undefined) return undefined;
  const isShown = departures.some((departedAt) => {
    return showedRunnerBusy(runner, { departedAt, idleForMs }) || showedJob(runner, departedAt);
  });
  return isShown ? 'a restart left though a witness showed a job' : undefined;
};

interface Departure {
  readonly departedAt: number;
  readonly idleForMs: number;
}

function showedRunnerBusy(runner: TrueRunner, { departedAt, idleForMs }: Departure): boolean {
  const looks = looksAt(runner, 'runner', departedAt);
  const last = looks.at(-1)?.at ?? departedAt;
  return looks.some(({ madeAt, showsJob }, index) => {
    return showsJob && (madeAt >= last - idleForMs || index === looks.length - 1);
  });
}

/** Whether a run of the last list shows a job of the runner, unless a later look at the run's jobs showed that it was over. */
function showedJob(runner: TrueRunner, departedAt: number): boolean {
  const lists = new Map(looksAt(runner, 'runs', departedAt).map((look) => [look.list, look]));
  const jobs = looksAt(runner, 'jobs', departedAt);
  return [...lists.values()].some(({ runIds, at: listedAt }) =>
    runIds.some((runId) => {
      return !jobs.some((look) => look.at >= listedAt && look.runIds.includes(runId) && !look.showsJob);
    }),
  );
}

/** What had reached the step by then, but for a no. */
function looksAt({ looks }: TrueRunner, about: GitHubLook['about'], until: number): GitHubLook[] {
  return looks.filter((look) => look.about === about && look.at <= until && !look.isNo);
}

/** Before a restart leaves, the runner was seen for as long as `idle_for` says, and twice at least. */
export const hasty: Check = (run) => {
  const { runner, departures, idleForMs } = guarded(run) ?? {};
  if (runner === undefined || departures === undefined || idleForMs === undefined) return undefined;
  const isHasty = departures.some((departedAt) => {
    const looks = looksAt(runner, 'runner', departedAt);
    const [first, last] = [looks[0], looks.at(-1)];
    return first === undefined || last === undefined || looks.length < 2 || last.at - first.at < idleForMs;
  });
  return isHasty ? 'a restart without looking at the runner for long enough' : undefined;
};

/** Both witnesses are asked before every try of the restart request, whether it left or not. */
export const blindTry: Check = (run) => {
  const { runner, tries } = guarded(run) ?? {};
  if (runner === undefined || tries === undefined) return undefined;
  const isAsked = (looks: readonly GitHubLook[]) =>
    tries.every((until, index) => {
      const since = tries[index - 1] ?? Number.NEGATIVE_INFINITY;
      return looks.some(({ at }) => at > since && at <= until);
    });
  const ofRunner = runner.looks.filter(({ about, isNo }) => about === 'runner' && !isNo);
  if (!isAsked(ofRunner)) return 'a try of the restart without looking at the runner again';
  // What is refused is asked for again, too.
  return isAsked(runner.looks.filter(({ about }) => about === 'runs'))
    ? undefined
    : 'a try of the restart without looking at the jobs again';
};

/** For so long a look may count, and so long its answer may take to arrive: in milliseconds. */
const LOOK_COUNTS_MS = 21_000;

/** The restart leaves soon after the runner was looked at, even if the process was suspended in between. */
export const staleLook: Check = ({ runner, posts, scenario }) => {
  if (runner === undefined || scenario.runner?.whenBusy === 'ignore') return undefined;
  const isStale = posts.some(({ departedAt }) => {
    const lookedAt = looksAt(runner, 'runner', departedAt).at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    return departedAt - lookedAt > LOOK_COUNTS_MS;
  });
  return isStale ? 'a restart left long after the last look at the runner' : undefined;
};

/**
 * A VM is left alone only because of a job, and where that is wanted; or because it does not run, and only a pattern fits it. Then
 * nothing is sent, or nothing was carried out.
 */
export const idleSkip: Check = (run) => {
  const { outcome, runner, scenario } = run;
  if (outcome.leftAlone !== 'skipped') return undefined;
  const isShown = run.faults.has('wrong word of GitHub') || (runner !== undefined && runner.jobs.length > 0);
  const hasJob = scenario.runner?.whenBusy === 'skip' && isShown;
  const isDown = run.fitsOnlyPattern && FITTING.not_running(run);
  return (hasJob || isDown) && outcome.restarted === 'false'
    ? undefined
    : 'a VM was left alone without a reason';
};

/** A VM that only a pattern fits is left alone if it does not run. */
export const failedForPattern: Check = ({ outcome: { error, restarted }, fitsOnlyPattern, tries }) =>
  error?.code === 'not_running' && fitsOnlyPattern && restarted === 'false' && tries.length === 0
    ? 'a VM that only a pattern fits failed because it does not run'
    : undefined;

/** Nothing is said of a runner that nobody waited for. */
export const idleClaim: Check = ({ outputs, scenario }) =>
  scenario.runner?.waitsForRunner === false && outputs['runner_status'] !== ''
    ? 'runner_status though nobody waited for the runner'
    : undefined;

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
  if (outcome.error?.code !== 'runner_not_back' || !runner.isListening || runner.isQuotaUsedUp)
    return undefined;
  const isPatient = scenario.runner.runnerTimeoutMs > REMEMBERED_MS + SEEN_WITHIN_MS;
  const backAt = runner.begins.at(-1) ?? endedAt;
  const settledAt = Math.max(backAt, startedAt + scenario.faultsEndAfterMs);
  const isInTime = settledAt < endedAt - SEEN_WITHIN_MS;
  return isPatient && isInTime ? 'a runner that had come back was given up' : undefined;
};
