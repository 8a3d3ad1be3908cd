import type { SimulatedRunner } from './github-runners.ts';
import type { World } from './world.ts';

/** What GitHub calls a job, or a run, that has not begun. */
export type WaitingStatus = 'requested' | 'waiting' | 'pending' | 'queued';
export type Status = WaitingStatus | 'in_progress' | 'completed';
export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

/** Whichever comes first here is what a run is called, if one of its jobs is: a run follows its least advanced job. */
const LEAST_ADVANCED_FIRST: readonly Status[] = [
  'requested',
  'waiting',
  'pending',
  'queued',
  'in_progress',
  'completed',
];

/** A machine that jobs name and that no VM of the world has: one of GitHub's own, or a runner elsewhere. */
export interface OtherMachine {
  readonly id: number;
  readonly name: string;
  readonly groupName: string;
}

/** A job as a workflow describes it; times in milliseconds. */
export interface JobPlan {
  /** As GitHub shows it: `test (15)`, `caller / job`, or with an unexpanded `${{ matrix.os }}` if it is skipped. */
  readonly name: string;
  readonly forMs: number;
  /** What `runs-on` asks for; `self-hosted` if absent. */
  readonly labels?: readonly string[];
  /** How it ends unless it is killed: `success` if absent. A skipped job never runs. */
  readonly conclusion?: Conclusion;
  /** Runs there and begins at once. If absent, a runner of the world has to be free for it. */
  readonly on?: OtherMachine;
  /** Jobs of the same run that have to end first; until then GitHub does not list this one. */
  readonly needs?: readonly string[];
  /** `if: always()`: runs even if a job that it needs has failed. */
  readonly runsAlways?: boolean;
  /** What it waits for if not for a runner (an approval, another run): see {@link Runs.release}. */
  readonly waitsAs?: Exclude<WaitingStatus, 'queued'>;
  /** For how long after it began GitHub does not say on which runner. */
  readonly hidesRunnerMs?: number;
  /** How GitHub spells the runner's name in this job, if not as it was registered. */
  readonly spelledRunner?: string;
}

/** A job on a machine. */
export interface Job {
  readonly runId: number;
  /** As the runner was registered when the job began. */
  readonly runnerId: number;
  readonly runnerName: string;
  readonly groupName: string;
  readonly startedAt: number;
  /** When it is due to end. */
  endsAt: number;
  /** When its VM was stopped under it, and the restart that did it, if one did. */
  killedAt: number | undefined;
  killedBy: string | undefined;
  /** GitHub does not learn of its end before; set where its VM was stopped under it. */
  heldUntil: number | undefined;
}

/** A job as a run lists it. */
export interface RunJob {
  readonly id: number;
  readonly run: Run;
  readonly attempt: number;
  readonly plan: JobPlan;
  readonly queuedAt: number;
  waitsAs: WaitingStatus;
  conclusion: Conclusion;
  /** When it ended without having begun. */
  endedUnbegunAt: number | undefined;
  /** Not given to a runner before. */
  notBefore: number;
  execution: Job | undefined;
}

export interface Run {
  readonly id: number;
  /** `owner/repo`. */
  readonly repository: string;
  readonly createdAt: number;
  /** GitHub does not list it before. */
  readonly appearsAt: number;
  readonly plans: readonly JobPlan[];
  attempt: number;
  /** Of all attempts. */
  readonly jobs: RunJob[];
}

export interface RunPlan {
  readonly jobs: readonly JobPlan[];
  readonly repository?: string;
  /** For how long GitHub does not list it. */
  readonly hiddenMs?: number;
}

/** What runs need of GitHub's runners. */
export interface Pool {
  readonly world: World;
  readonly habits: RunHabits;
  /** A runner that GitHub takes for idle and fit for the job. */
  findRunner(job: RunJob): SimulatedRunner | undefined;
  /** The job begins on it. */
  begin(runner: SimulatedRunner, job: RunJob): void;
  /** Its job was cancelled. */
  end(execution: Job): void;
}

export interface RunHabits {
  /** How long after a job began it is listed as in progress; and after its end not any more. */
  readonly jobsLagMs: number;
  /** How long a queued job, or a runner that became free, takes to get its counterpart. */
  readonly assignMs: number;
  /** How long GitHub waits for a runner to pick up a job that was meant for it. */
  readonly notPickedUpMs: number;
}

export const DEFAULT_REPOSITORY = 'octo-org/app';
export const DEFAULT_GROUP = 'Default';
const FIRST_RUN_ID = 7_001;

/** One of GitHub's own machines. */
export function hostedMachine(number: number): OtherMachine {
  return { id: 1_000_000 + number - 1, name: `GitHub Actions ${number}`, groupName: 'GitHub Actions' };
}

/** The workflow runs of all repositories, and the queue of jobs that wait for a runner. */
export class Runs {
  readonly all: Run[] = [];
  readonly #pool: Pool;
  #nextId = FIRST_RUN_ID;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Begins a run. Its jobs wait for runners that fit. */
  add({ jobs, repository = DEFAULT_REPOSITORY, hiddenMs = 0 }: RunPlan, id = this.#nextId++): Run {
    const { now } = this.#pool.world;
    const run = {
      id,
      repository,
      createdAt: now,
      appearsAt: now + hiddenMs,
      plans: jobs,
      attempt: 1,
      jobs: [],
    };
    this.all.push(run);
    this.#createJobs(run);
    return run;
  }

  /** A run whose only job is on the runner already; the job sources show it late. */
  addRunning(runner: SimulatedRunner, plan: JobPlan): Job | undefined {
    const run = this.add({ jobs: [{ ...plan, waitsAs: 'pending' }], hiddenMs: this.#pool.habits.jobsLagMs });
    const [job] = run.jobs;
    if (job === undefined) return undefined;
    job.waitsAs = 'queued';
    this.#pool.begin(runner, job);
    return job.execution;
  }

  /** What it waited for has come: it takes part in the queue. */
  release(job: RunJob): void {
    job.waitsAs = 'queued';
    this.#later(this.#pool.habits.assignMs, () => this.assign());
  }

  /** Ends all jobs of the run; one that no runner had picked up never gets one. */
  cancel(run: Run): void {
    const { now } = this.#pool.world;
    for (const job of run.jobs.filter((one) => this.statusOf(one) !== 'completed')) {
      job.conclusion = 'cancelled';
      if (job.execution === undefined) job.endedUnbegunAt = now;
      else if (job.execution.killedAt === undefined) this.#endNow(job, job.execution);
    }
  }

  /** Another attempt of the jobs that did not succeed, and of those that need them. */
  rerunFailed(run: Run): void {
    const latest = run.plans.flatMap(({ name }) => this.#latest(run, name) ?? []);
    const failed = latest.filter(({ conclusion }) => conclusion !== 'success').map(({ plan }) => plan.name);
    run.attempt++;
    this.#createJobs(run, (plan) => failed.includes(plan.name));
  }

  /** Gives each job in the queue, the oldest first, a runner that is free for it. */
  assign(): void {
    const { world, habits } = this.#pool;
    for (const job of this.#queue()) {
      const runner = this.#pool.findRunner(job);
      if (runner?.isListening) this.#pool.begin(runner, job);
      else if (runner !== undefined) {
        // GitHub took a dead runner for idle.
        job.notBefore = world.now + habits.notPickedUpMs;
        this.#later(habits.notPickedUpMs, () => this.assign());
      }
    }
  }

  /** To be called when a runner has become free. */
  assignSoon(): void {
    if (this.#queue(Number.POSITIVE_INFINITY).length > 0)
      this.#later(this.#pool.habits.assignMs, () => this.assign());
  }

  /** The job has begun on a machine. */
  begin(job: RunJob, machine: OtherMachine): Job {
    const { now } = this.#pool.world;
    const execution: Job = {
      runId: job.run.id,
      runnerId: machine.id,
      runnerName: machine.name,
      groupName: machine.groupName,
      startedAt: now,
      endsAt: now + job.plan.forMs,
      ...{ killedAt: undefined, killedBy: undefined, heldUntil: undefined },
    };
    job.execution = execution;
    if (job.run.plans.length > 1) this.#later(job.plan.forMs, () => this.#settle(job.run));
    return execution;
  }

  /** The job's VM was stopped under it; GitHub learns of it later. */
  kill(execution: Job, { heldUntil, by }: { heldUntil: number; by: string | undefined }): void {
    const { now } = this.#pool.world;
    Object.assign(execution, { killedAt: now, killedBy: by, heldUntil });
    const job = this.all.flatMap(({ jobs }) => jobs).find((one) => one.execution === execution);
    if (job === undefined) return;
    job.conclusion = 'failure';
    if (Number.isFinite(heldUntil)) this.#later(heldUntil - now, () => this.#settle(job.run));
  }

  /** What GitHub shows of the job now. */
  statusOf(job: RunJob): Status {
    const { now } = this.#pool.world;
    const { execution, endedUnbegunAt, waitsAs } = job;
    const { jobsLagMs } = this.#pool.habits;
    if (endedUnbegunAt !== undefined) return 'completed';
    if (execution === undefined || now < execution.startedAt + jobsLagMs) return waitsAs;
    return now < endOf(execution) + jobsLagMs ? 'in_progress' : 'completed';
  }

  /** What GitHub shows of the run now: as its least advanced job, and `in_progress` where jobs are still to come. */
  runStatusOf(run: Run): Status {
    const latest = run.jobs.filter(({ attempt }) => attempt === run.attempt);
    const statuses = new Set(latest.map((job) => this.statusOf(job)));
    if (run.plans.some(({ name }) => this.#latest(run, name) === undefined)) statuses.add('in_progress');
    return LEAST_ADVANCED_FIRST.find((status) => statuses.has(status)) ?? 'completed';
  }

  #queue(now = this.#pool.world.now): RunJob[] {
    return this.all
      .flatMap(({ jobs }) => jobs)
      .filter((job) => {
        const waits = job.waitsAs === 'queued' && job.endedUnbegunAt === undefined;
        return waits && job.execution === undefined && job.notBefore <= now;
      });
  }

  #latest(run: Run, name: string): RunJob | undefined {
    return run.jobs.findLast(({ plan }) => plan.name === name);
  }

  /** Creates the jobs of this attempt that nothing holds back any more. @param isWanted of this attempt: those that it may create */
  #createJobs(run: Run, isWanted: (plan: JobPlan) => boolean = () => true): void {
    for (const plan of run.plans) {
      const needed = (plan.needs ?? []).map((name) => this.#latest(run, name));
      const hasCome = this.#latest(run, plan.name);
      const isRerun = needed.some((one) => one?.attempt === run.attempt) || isWanted(plan);
      if (hasCome !== undefined && (hasCome.attempt === run.attempt || !isRerun)) continue;
      if (needed.some((one) => one === undefined || !this.#isOver(one))) continue;
      const hasFailed = needed.some((one) => one?.conclusion !== 'success');
      this.#create(run, plan, hasFailed && plan.runsAlways !== true);
    }
  }

  #create(run: Run, plan: JobPlan, isHeldBack: boolean): void {
    const { now } = this.#pool.world;
    const isSkipped = isHeldBack || plan.conclusion === 'skipped';
    const job: RunJob = {
      id: run.id * 100 + run.jobs.length + 1,
      attempt: run.attempt,
      ...{ run, plan, queuedAt: now, notBefore: now },
      waitsAs: plan.waitsAs ?? 'queued',
      conclusion: isSkipped ? 'skipped' : (plan.conclusion ?? 'success'),
      endedUnbegunAt: isSkipped ? now : undefined,
      execution: undefined,
    };
    run.jobs.push(job);
    if (isSkipped) this.#createJobs(run, () => false);
    else if (plan.on !== undefined) this.begin(job, plan.on);
    else if (job.waitsAs === 'queued') this.#later(this.#pool.habits.assignMs, () => this.assign());
  }

  #isOver({ execution, endedUnbegunAt }: RunJob): boolean {
    return (
      endedUnbegunAt !== undefined || (execution !== undefined && endOf(execution) <= this.#pool.world.now)
    );
  }

  #endNow(job: RunJob, execution: Job): void {
    execution.endsAt = this.#pool.world.now;
    this.#pool.end(execution);
    this.#settle(job.run);
  }

  /** A job of the run may have ended: those that waited for it come. */
  #settle(run: Run): void {
    this.#createJobs(run, () => false);
  }

  #later(inMs: number, run: () => void): void {
    this.#pool.world.schedule(inMs, run);
  }
}

/** When GitHub can know that it ended. */
export function endOf({ endsAt, heldUntil = endsAt }: Job): number {
  return heldUntil;
}
