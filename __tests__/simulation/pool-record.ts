import type { Reaction } from '../../simulator/controller-api.ts';
import { labelsAt } from '../../simulator/github-runners.ts';
import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { SentRequest } from './network.ts';
import { RUN_ID } from './pool-scenario.ts';
import { USED_RUN_ID } from './pool-stage.ts';
import type { Stage } from './stage.ts';

/* What really happens in a pool while a step runs, for pool-guarantees.ts: its state when a restart left, its labels, and its end. */

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

function momentOf(stage: Stage, instanceId: string): PoolMoment | undefined {
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

interface LabelAt {
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

/** How the step and its post step ended. */
export interface PoolEnd extends Pick<TruePool, 'warnings' | 'other'> {
  /** The runners that were drained when the post step had ended. */
  readonly drainedRunners: readonly SimulatedRunner[];
}

export function truePool(
  stage: Stage,
  { moments, mostDrained, removed, shownExpired }: PoolRecorder,
  { drainedRunners, ...ended }: PoolEnd,
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
function expiredOn(
  { github }: Stage,
  runners: readonly SimulatedRunner[],
  madeAt: number,
): Omit<LabelAt, 'at'>[] {
  // By the header `Date`, which has whole seconds.
  const date = Math.floor(madeAt / 1_000) * 1_000;
  return runners.flatMap((runner) => {
    const before = labelsAt(runner, madeAt - github.habits.labelReadsLagMs);
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
function lacksLabels({ github }: Stage, runner: SimulatedRunner): boolean {
  const labels = github.labelsOf(runner);
  return labels.some((label) => isOwn(label) && !labels.includes(label.replace(/\.drained-\d+-\d+$/, '')));
}

function isOwn(label: string): boolean {
  return label.includes(`.drained-${RUN_ID}-`);
}

/** Whether it is a refusal, and not a used-up rate limit. */
export function isRefusal({ status, body }: Pick<Reaction, 'status' | 'body'>): boolean {
  return (status === 401 || status === 403 || status === 404) && !body.includes('rate limit');
}

/** Records the pool while the step runs. */
export class PoolRecorder {
  /** The state of the pool each time a restart left. */
  readonly moments: PoolMoment[] = [];
  /** The largest number of runners drained at once. */
  mostDrained = 0;
  readonly removed: LabelAt[] = [];
  readonly shownExpired: LabelAt[] = [];
  /** The runners whose last change of labels GitHub refused, by ID. */
  readonly #refusedChanges = new Set<number>();
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** A restart leaves. */
  departs(instanceId: string): void {
    const moment = momentOf(this.#stage, instanceId);
    if (moment !== undefined) this.moments.push(moment);
  }

  /** GitHub has carried a request out. */
  answered(request: SentRequest, reaction: Reaction): void {
    this.#countDrained(request, reaction);
    this.#noteRemoval(request, reaction);
  }

  /** A list that GitHub made has reached the step. */
  listed(runners: readonly SimulatedRunner[], madeAt: number): void {
    const at = this.#stage.time.now();
    this.shownExpired.push(...expiredOn(this.#stage, runners, madeAt).map((one) => ({ ...one, at })));
  }

  /**
   * A runner whose labels GitHub refuses to restore keeps them after its VM's slot has gone to another. One that has all its own labels takes
   * jobs: GitHub may add a label of the drain late, after they are restored.
   */
  #countDrained({ path }: SentRequest, reaction: Reaction): void {
    const [, id] = /\/runners\/(\d+)\/labels/.exec(path) ?? [];
    if (id !== undefined && isRefusal(reaction)) this.#refusedChanges.add(Number(id));
    else if (id !== undefined) this.#refusedChanges.delete(Number(id));
    const drained = this.#stage.github.runners.filter(
      (runner) => lacksLabels(this.#stage, runner) && !this.#refusedChanges.has(runner.id),
    );
    this.mostDrained = Math.max(this.mostDrained, drained.length);
  }

  #noteRemoval({ method, path }: SentRequest, { status }: Reaction): void {
    const [, id, label] = /\/runners\/(\d+)\/labels\/([^/]+)$/.exec(path) ?? [];
    const runner = this.#stage.github.runners.find((one) => one.id === Number(id));
    if (method !== 'DELETE' || status !== 200 || label === undefined || runner === undefined) return;
    this.removed.push({ at: this.#stage.time.now(), runner, label: decodeURIComponent(label) });
  }
}
