import { labelsAt } from '../../simulator/github-runners.ts';
import type { SimulatedRunner } from '../../simulator/github-world.ts';
import { restoreLeft } from '../../src/drain/drain.ts';
import { openSources } from '../../src/github/sources.ts';
import { readInputs } from '../../src/inputs/inputs.ts';
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
  RUN_ID,
  USED_JOBS,
} from './pool-scenario.ts';
import type { RunnerScenario } from './scenario.ts';
import { GITHUB_TOKEN, START, type Stage, type StageSetting } from './stage.ts';

/* Carries out what pool-scenario.ts draws: the runners of a pool, what happens to them, and the step's post step. */

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
export function nameTemplateIn({ atBoot, vms }: PoolScenario, template: string): string {
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
const USED_RUN_ID = '7001';

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
  const { foreign, added, reset } = pool.drain ?? {};
  const other = runners[foreign?.vm ?? -1];
  if (foreign !== undefined && other !== undefined) {
    const label = foreignLabel(foreign.expiresAfterMs);
    at(-1, () => replaceLabel(POOL_LABEL, label));
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

export function foreignLabel(expiresAfterMs: number): string {
  return `${POOL_LABEL}.drained-${FOREIGN_RUN}-${Math.ceil((START + expiresAfterMs) / 1_000)}`;
}

/** The state of the pool when a restart left. */
export interface PoolMoment {
  readonly at: number;
  readonly instanceId: string;
  /** Registrations in the step's scope. */
  readonly registrations: number;
  /** Of these, those of the pool's VMs. */
  readonly runnersOfVms: number;
  /** Whether the VM had a registered runner. */
  readonly isRegistered: boolean;
  /** Whether one of the VM's runners could take a job. */
  readonly isListening: boolean;
  /** Whether all that were registered were drained. */
  readonly isDrained: boolean;
  /** When one of them last registered, which sets its labels. */
  readonly registeredAt: number;
  /** The VM's last boot. */
  readonly bootedAt: number | undefined;
}

export function momentOf(stage: Stage, instanceId: string): PoolMoment | undefined {
  const { github, world, time } = stage;
  world.advanceTo(time.now());
  const runners = github.runners.filter((one) => one.instanceId === instanceId);
  if (runners.length === 0) return undefined;
  const registered = runners.filter(({ isRegistered }) => isRegistered);
  return {
    ...{ at: time.now(), instanceId, isRegistered: registered.length > 0 },
    isListening: runners.some(({ isListening }) => isListening),
    isDrained: registered.every((runner) => isDrained(stage, runner)),
    registeredAt: Math.max(...runners.map(registeredAt)),
    registrations: github.registered().length,
    runnersOfVms: github.runners.filter((one) => one.isRegistered).length,
    bootedAt: world.boots.findLast((boot) => boot.instanceId === instanceId)?.at,
  };
}

function registeredAt({ labels, configured }: SimulatedRunner): number {
  return labels.findLast(({ names }) => names === configured.labels)?.since ?? 0;
}

/** The state of the pool at the end. */
export interface TruePool {
  readonly moments: readonly PoolMoment[];
  readonly mostDrained: number;
  /** Each runner, in the VMs' order. */
  readonly runners: readonly {
    readonly instanceId: string;
    readonly id: number;
    readonly name: string;
    readonly labels: readonly string[];
    readonly isDrained: boolean;
    /** When its VM booted, whether or not the step has that VM. */
    readonly boots: readonly number[];
    /** When each job of the run of `used_by_job` ended. */
    readonly usedUntil: readonly number[];
  }[];
  /** The labels that the step removed. */
  readonly removed: readonly LabelAt[];
  /** The labels of expired drains, of runners without any other drain, in the lists that reached the step. */
  readonly shownExpired: readonly LabelAt[];
  /** The step's own, and those of its post step. */
  readonly warnings: readonly string[];
  readonly other: OtherRecord | undefined;
}

export interface LabelAt {
  readonly at: number;
  readonly runner: SimulatedRunner;
  readonly label: string;
}

/** How the other step ended. */
export interface OtherRecord {
  /** Its machine was lost before it and its post step had ended. */
  readonly isLost: boolean;
  /** Its own, and those of its post step. */
  readonly warnings: readonly string[];
}

export interface PoolTestbed
  extends Pick<TruePool, 'mostDrained'>,
    Record<'removedLabels' | 'shownExpired', readonly LabelAt[]> {
  readonly stage: Stage;
  readonly poolMoments: readonly PoolMoment[];
}

interface DrainedRunners {
  /** The runners that were drained when the post step had ended. */
  readonly drainedRunners: readonly SimulatedRunner[];
}

export function truePool(
  { stage, poolMoments: moments, mostDrained, removedLabels: removed, shownExpired }: PoolTestbed,
  { drainedRunners, ...ended }: Pick<TruePool, 'warnings' | 'other'> & DrainedRunners,
): TruePool {
  const runners = stage.github.runners.map((runner) => {
    const { instanceId, id, name, jobs } = runner;
    const used = jobs.filter(({ runId }) => runId === Number(USED_RUN_ID));
    return {
      ...{ instanceId, id, name, labels: stage.github.labelsOf(runner) },
      // A change that GitHub carried out after that is beyond the step.
      isDrained: isDrained(stage, runner) && drainedRunners.includes(runner),
      boots: stage.world.boots.filter((boot) => boot.instanceId === instanceId).map(({ at }) => at),
      usedUntil: used.map(({ endsAt, killedAt = endsAt }) => Math.min(endsAt, killedAt)),
    };
  });
  return { ...ended, moments, mostDrained, runners, removed, shownExpired };
}

/**
 * The labels of drains that had expired when GitHub made a list of the runners, unless another drain still held the runner. If some reads
 * are outdated, only those that every read showed.
 */
export function expiredOn(
  runners: readonly SimulatedRunner[],
  { madeAt, lagMs = 0 }: { readonly madeAt: number; readonly lagMs?: number | undefined },
): Omit<LabelAt, 'at'>[] {
  // By the header `Date`, which has whole seconds.
  const date = Math.floor(madeAt / 1_000) * 1_000;
  return runners.flatMap((runner) => {
    const before = labelsAt(runner, madeAt - lagMs);
    const drains = labelsAt(runner, madeAt).filter((label) => endOfDrain(label) !== undefined);
    if (!drains.every((label) => before.includes(label))) return [];
    const areExpired = drains.every((label) => (endOfDrain(label) ?? 0) <= date);
    return areExpired ? drains.map((label) => ({ runner, label })) : [];
  });
}

/** When a drain's label expires; undefined if it is no such label. */
export function endOfDrain(label: string): number | undefined {
  const [, seconds] = /.\.drained-\d+-(\d{10})$/.exec(label) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** Whether a runner has a label of the step's drain. */
export function isDrained({ github }: Stage, runner: SimulatedRunner): boolean {
  return github.labelsOf(runner).some(isOwn);
}

/** Whether the step's drain keeps jobs away from it. */
export function lacksLabels({ github }: Stage, runner: SimulatedRunner): boolean {
  const labels = github.labelsOf(runner);
  return labels.some((label) => isOwn(label) && !labels.includes(label.replace(/\.drained-\d+-\d+$/, '')));
}

function isOwn(label: string): boolean {
  return label.includes(`.drained-${RUN_ID}-`);
}

/** Plays the post step, as the runner does after every step. @returns its warnings */
export async function playPostStep(
  host: Pick<Stage, 'clock' | 'random' | 'dispatchers' | 'environment'>,
  inputs: StepInputs,
  state: string,
): Promise<string[]> {
  const { clock, random, dispatchers } = host;
  const warnings: string[] = [];
  const variables = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const { runner, ownRunner, requestTimeoutMs } = readInputs(
    { ...host.environment, ...Object.fromEntries(variables) },
    () => {},
  );
  if (runner === undefined) return [];
  const log = { debug() {}, info() {}, warning: (line: string) => void warnings.push(line) };
  const context = { clock, random, log, dispatchers };
  const { repository } = ownRunner;
  const sources = openSources({ ...runner, repository, requestTimeoutMs, ...context });
  const { signal } = new AbortController();
  const drain = { ...sources, runId: '', lifeMs: 0, signal, saveState: () => {} };
  await restoreLeft(state, { ...drain, ...context }).finally(() => sources.close());
  return warnings;
}
