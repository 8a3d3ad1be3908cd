import type { SimulatedRunner } from './github-runners.ts';
import type { World } from './world.ts';

/** The status of a job or run that has not begun. */
export type WaitingStatus = 'requested' | 'waiting' | 'pending' | 'queued';
export type Status = WaitingStatus | 'in_progress' | 'completed';
export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

/** A run's status follows its least advanced job: the first of these that one of its jobs has. */
const LEAST_ADVANCED_FIRST: readonly Status[] = [
  'requested',
  'waiting',
  'pending',
  'queued',
  'in_progress',
  'completed',
];

/** A machine outside the simulated world: GitHub-hosted, or a runner elsewhere. */
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
  /** The labels in `runs-on`; `self-hosted` if absent. */
  readonly labels?: readonly string[];
  /** How it ends unless it is killed: `success` if absent. A skipped job never runs. */
  readonly conclusion?: Conclusion;
  /** Runs there, at once. If absent, it waits for a runner of the world. */
  readonly on?: OtherMachine;
  /** Jobs of the same run that must end first; until then GitHub does not list this one. */
  readonly needs?: readonly string[];
  /** `if: always()`: runs even if a job that it needs has failed. */
  readonly runsAlways?: boolean;
  /** What it waits for if not for a runner (an approval, another run): see {@link Runs.release}. */
  readonly waitsAs?: Exclude<WaitingStatus, 'queued'>;
  /** For how long after its start GitHub does not show its runner. */
  readonly hidesRunnerMs?: number;
  /** The runner's name as this job shows it, if not as registered. */
  readonly spelledRunner?: string;
}

/** A job on a machine. */
export interface Job {
  readonly runId: number;
  /** The runner's registration when the job began. */
  readonly runnerId: number;
  readonly runnerName: string;
  readonly groupName: string;
  readonly startedAt: number;
  /** When it ends unless it is killed or cancelled. */
  endsAt: number;
  /** When its VM was stopped, and by which restart, if any. */
  killedAt: number | undefined;
  killedBy: string | undefined;
  /** When GitHub learns of its end, if its VM was stopped. */
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
  /** When it ended, if it never began. */
  endedUnbegunAt: number | undefined;
  /** Not assigned before this moment. */
  notBefore: number;
  execution: Job | undefined;
}

export interface Run {
  readonly id: number;
  /** `owner/repo`. */
  readonly repository: string;
  readonly createdAt: number;
  /** Not listed before this moment. */
  readonly appearsAt: number;
  readonly plans: readonly JobPlan[];
  attempt: number;
  /** Of all attempts. */
  readonly jobs: RunJob[];
}

export interface RunPlan {
  readonly jobs: readonly JobPlan[];
  readonly repository?: string;
  /** How long GitHub does not list it. */
  readonly hiddenMs?: number;
}

/** The functions that runs need from GitHub's runners. */
export interface Pool {
  readonly world: World;
  readonly habits: RunHabits;
  /** A runner that GitHub considers idle and that has the job's labels. */
  findRunner(job: RunJob): SimulatedRunner | undefined;
  /** The job begins on it. */
  begin(runner: SimulatedRunner, job: RunJob): void;
  /** Its job was cancelled. */
  end(execution: Job): void;
}

export interface RunHabits {
  /** How late a job is listed as in progress after it began, and as completed after it ended. */
  readonly jobsLagMs: number;
  /** How long assigning takes, once there is a queued job and a free runner. */
  readonly assignMs: number;
  /** How long GitHub waits until a runner picks up its job, before it queues the job again. */
  readonly notPickedUpMs: number;
}

export const DEFAULT_REPOSITORY = 'octo-org/app';
export const DEFAULT_GROUP = 'Default';
const FIRST_RUN_ID = 7_001;

/** One of GitHub's own machines. */
export function hostedMachine(number: number): OtherMachine {
  return { id: 1_000_000 + number - 1, name: `GitHub Actions ${number}`, groupName: 'GitHub Actions' };
}

/** The workflow runs of all repositories, and the queue of jobs. */
export class Runs {
  readonly all: Run[] = [];
  readonly #pool: Pool;
  #nextId = FIRST_RUN_ID;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Starts a run whose jobs wait for matching runners. */
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

  /** Starts a run whose first job already runs on the runner. */
  addRunning(runner: SimulatedRunner, plan: JobPlan, beside: readonly JobPlan[] = []): Job | undefined {
    const jobs: JobPlan[] = [{ ...plan, waitsAs: 'pending' }, ...beside];
    const run = this.add({ jobs, hiddenMs: this.#pool.habits.jobsLagMs });
    const [job] = run.jobs;
    if (job === undefined) return undefined;
    job.waitsAs = 'queued';
    this.#pool.begin(runner, job);
    return job.execution;
  }

  /** Ends the job's wait for an approval or another run: it joins the queue. */
  release(job: RunJob): void {
    job.waitsAs = 'queued';
    this.#later(this.#pool.habits.assignMs, () => this.assign());
  }

  /** Cancels all jobs of the run that have not ended. */
  cancel(run: Run): void {
    const { now } = this.#pool.world;
    for (const job of run.jobs.filter((one) => this.statusOf(one) !== 'completed')) {
      job.conclusion = 'cancelled';
      if (job.execution === undefined) job.endedUnbegunAt = now;
      else if (job.execution.killedAt === undefined) this.#endNow(job, job.execution);
    }
  }

  /** Reruns the jobs that did not succeed, and the jobs that need them. */
  rerunFailed(run: Run): void {
    const latest = run.plans.flatMap(({ name }) => this.#latest(run, name) ?? []);
    const failed = latest.filter(({ conclusion }) => conclusion !== 'success').map(({ plan }) => plan.name);
    run.attempt++;
    this.#createJobs(run, (plan) => failed.includes(plan.name));
  }

  /** Assigns queued jobs to free runners, the oldest first. */
  assign(): void {
    const { world, habits } = this.#pool;
    for (const job of this.#queue()) {
      const runner = this.#pool.findRunner(job);
      if (runner?.isListening) this.#pool.begin(runner, job);
      else if (runner !== undefined) {
        // GitHub considers a dead runner idle.
        job.notBefore = world.now + habits.notPickedUpMs;
        this.#later(habits.notPickedUpMs, () => this.assign());
      }
    }
  }

  /** Must be called when a runner becomes free. */
  assignSoon(): void {
    if (this.#queue(Number.POSITIVE_INFINITY).length > 0)
      this.#later(this.#pool.habits.assignMs, () => this.assign());
  }

  /** Begins the job on a machine. */
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

  /** Ends a job whose VM was stopped; GitHub learns of it later. */
  kill(execution: Job, { heldUntil, by }: { heldUntil: number; by: string | undefined }): void {
    const { now } = this.#pool.world;
    Object.assign(execution, { killedAt: now, killedBy: by, heldUntil });
    const job = this.all.flatMap(({ jobs }) => jobs).find((one) => one.execution === execution);
    if (job === undefined) return;
    job.conclusion = 'failure';
    if (Number.isFinite(heldUntil)) this.#later(heldUntil - now, () => this.#settle(job.run));
  }

  /** What GitHub shows about the job now. */
  statusOf(job: RunJob): Status {
    const { now } = this.#pool.world;
    const { execution, endedUnbegunAt, waitsAs } = job;
    const { jobsLagMs } = this.#pool.habits;
    if (endedUnbegunAt !== undefined) return 'completed';
    if (execution === undefined || now < execution.startedAt + jobsLagMs) return waitsAs;
    return now < endOf(execution) + jobsLagMs ? 'in_progress' : 'completed';
  }

  /** What GitHub shows about the run now. A run with jobs that have not begun is `in_progress`. */
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

  /** Creates the jobs of this attempt whose needs have ended. @param isWanted which jobs belong to the attempt */
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

  /** Creates jobs that waited for one that may have ended now. */
  #settle(run: Run): void {
    this.#createJobs(run, () => false);
  }

  #later(inMs: number, run: () => void): void {
    this.#pool.world.schedule(inMs, run);
  }
}

/** When GitHub learns that it ended. */
export function endOf({ endsAt, heldUntil = endsAt }: Job): number {
  return heldUntil;
}
