import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { StepInputs } from './play-step.ts';
import {
  ADDED_LABEL,
  type DrainScenario,
  FOREIGN_RUN,
  OTHER_TOKEN,
  OWN_LABEL,
  POOL_LABEL,
  type PoolScenario,
  type PoolVm,
  USED_JOBS,
} from './pool-scenario.ts';
import type { RunnerScenario } from './scenario.ts';
import { GITHUB_TOKEN, START, type Stage, type StageSetting } from './stage.ts';

/* Carries out what pool-scenario.ts draws: the runners of a pool, what happens to them. */

type Setting = Pick<StageSetting, 'github' | 'runnersIn'>;

/** The runners of the pool, and how GitHub behaves. */
export function settingOfPool(pool: PoolScenario, runner: RunnerScenario, placeOf: PlaceOf): Setting {
  const { takesOneJob, atBoot, deregisterMs, replaceKeepsId, drain } = pool;
  const { habits, quota, showsJobs, otherRuns, startsAfterBoot, pagesShiftEveryMs } = runner;
  const paging = {
    filtersByName: false,
    mostOnPage: MOST_ON_PAGE,
    ...(pagesShiftEveryMs && { pagesShiftEveryMs }),
  };
  return {
    github: {
      ...{
        habits: { ...habits, deregisterMs, labelReadsLagMs: drain?.readsLagMs ?? 0 },
        quota,
        showsJobs,
        otherRuns,
        replaceKeepsId,
      },
      ...(pagesShiftEveryMs !== undefined && paging),
      ...(drain && accessTo(drain)),
    },
    runnersIn(record) {
      const { nameOf, index } = placeOf(record);
      const vm = pool.vms[index];
      if (vm === undefined) return [];
      const labels = [POOL_LABEL, OWN_LABEL];
      return runnersOf(vm).map((_, place) => ({
        ...{ name: nameOf(place), takesOneJob, atBoot, startsAfterBoot, labels },
        isRegistered: vm.isRegistered,
      }));
    },
  };
}

/** What the tokens can do. */
function accessTo({ refused, token }: DrainScenario): NonNullable<Setting['github']> {
  const from = START + (refused?.afterMs ?? 0);
  return {
    token: tokenOf(token),
    tokens: { [OTHER_TOKEN]: { runners: { 'octo-org': 'write' }, actions: { 'octo-org/app': 'read' } } },
    refusals: [
      ...(refused ? [{ status: 403, endpoint: 'labels' as const, from, until: from + refused.forMs }] : []),
      ...(token ? [{ status: 401, token: tokenOf(token), from: START + token.expiresAfterMs }] : []),
    ],
  };
}

function tokenOf(token: DrainScenario['token']): string {
  return token?.isInstallation ? `ghs_${GITHUB_TOKEN}` : GITHUB_TOKEN;
}

function runnersOf(vm: PoolVm): readonly Pick<PoolVm, 'diesAfterMs'>[] {
  return [vm, ...vm.moreRunners];
}

/** The page size, if the list of runners has several pages. */
const MOST_ON_PAGE = 2;

type PlaceOf = (record: Parameters<NonNullable<StageSetting['runnersIn']>>[0]) => {
  /** The names of the VM's runners. */
  readonly nameOf: (place: number) => string;
  readonly index: number;
};

/** The template of the runners' names. */
function nameTemplateIn({ atBoot, vms }: PoolScenario, template: string): string {
  const areSeveral = vms.some(({ moreRunners }) => moreRunners.length > 0);
  return atBoot === 'random name' || areSeveral ? `${template}-*` : template;
}

/** Inputs about the pool. */
export function inputsAboutPool(pool: PoolScenario, template: string): StepInputs {
  return {
    runner_name: nameTemplateIn(pool, template),
    runner_scope: pool.hasWrongScope ? 'octo-org/app' : 'octo-org',
    runner_ephemeral: String(pool.saysEphemeral),
    restart_if: pool.isSweep ? 'runner_offline' : 'always',
    drain: String(pool.drain !== undefined),
    github_token: tokenOf(pool.drain?.token),
    ...(pool.usedByJob && { used_by_job: USED_JOBS, run_id: USED_RUN_ID }),
  };
}

/** The first run that begins in a simulated world. */
export const USED_RUN_ID = '7001';

/** Schedules everything that will happen in the pool. */
export function schedulePool(stage: Stage, pool: PoolScenario): void {
  const { time, github, world } = stage;
  const runners = [...github.runners];
  const at = (afterMs: number, run: () => void) =>
    time.at(START + afterMs, () => {
      world.advanceTo(time.now());
      run();
    });
  // The first run gets this ID.
  if (pool.usedByJob !== undefined) scheduleUsedRun(stage, pool.usedByJob, at);
  const earliestMs = pool.usedByJob?.afterMs ?? Number.NEGATIVE_INFINITY;
  for (const { afterMs, forMs } of pool.queue)
    at(Math.max(afterMs, earliestMs + 1), () => {
      github.runs.add({ jobs: [{ name: 'build', labels: ['self-hosted', POOL_LABEL], forMs }] });
    });
  // In the VMs' order.
  for (const [index, { diesAfterMs }] of pool.vms.flatMap(runnersOf).entries()) {
    const runner = runners[index];
    if (diesAfterMs !== undefined && runner !== undefined) at(diesAfterMs, () => github.endService(runner));
  }
  const { outage } = pool;
  if (outage !== undefined)
    at(outage.afterMs, () => {
      for (const runner of runners) github.misreport(runner, { online: false, forMs: outage.forMs });
    });
  scheduleLabels(stage, { pool, runners, at });
}

type At = (afterMs: number, run: () => void) => void;

function scheduleUsedRun({ github }: Stage, used: NonNullable<PoolScenario['usedByJob']>, at: At): void {
  const { afterMs, jobs, cancelledAfterMs, rerunAfterMs } = used;
  at(afterMs, () => {
    const run = github.runs.add({ jobs });
    if (cancelledAfterMs !== undefined) at(cancelledAfterMs, () => github.runs.cancel(run));
    if (rerunAfterMs !== undefined)
      at(rerunAfterMs, () => {
        if (github.runs.runStatusOf(run) === 'completed') github.runs.rerunFailed(run);
      });
  });
}

interface Labelling {
  readonly pool: PoolScenario;
  readonly runners: readonly SimulatedRunner[];
  readonly at: At;
}

function scheduleLabels({ github }: Stage, { pool, runners, at }: Labelling): void {
  const { foreign, added, reset, readsLagMs = 0 } = pool.drain ?? {};
  const other = runners[foreign?.vm ?? -1];
  if (foreign !== undefined && other !== undefined) {
    const label = foreignLabel(foreign.expiresAfterMs);
    // Its labels last for an hour at least, so no outdated read is from before one that has expired.
    at(-1 - readsLagMs, () => replaceLabel(POOL_LABEL, label));
    if (foreign.endsAfterMs !== undefined) at(foreign.endsAfterMs, () => replaceLabel(label, POOL_LABEL));
  }
  const one = runners[added?.vm ?? -1];
  if (added !== undefined && one !== undefined)
    at(added.afterMs, () => github.setLabels(one, [...github.labelsOf(one), ADDED_LABEL]));

  const again = runners[reset?.vm ?? -1];
  if (reset !== undefined && again !== undefined)
    at(reset.afterMs, () => github.setLabels(again, again.configured.labels));

  function replaceLabel(before: string, after: string): void {
    if (other === undefined) return;
    const names = github.labelsOf(other);
    if (names.includes(before)) github.setLabels(other, [...names.filter((name) => name !== before), after]);
  }
}

function foreignLabel(expiresAfterMs: number): string {
  return `${POOL_LABEL}.drained-${FOREIGN_RUN}-${Math.ceil((START + expiresAfterMs) / 1_000)}`;
}
