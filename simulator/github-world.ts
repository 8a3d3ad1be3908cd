import type { InstanceRecord, PowerEvent, World } from './world.ts';

/** How GitHub and the runners behave; times in milliseconds. */
export interface Habits {
  /** From a VM's boot until its runner first talks to GitHub: macOS boots, a user logs in, the service starts. */
  readonly loginMs: number;
  /** For how long GitHub goes on to show a runner online that was cut off ... */
  readonly staleMs: number;
  /** ... and holds its session, so that the same runner cannot open another. */
  readonly sessionMs: number;
  /** A runner that meets its old session tries again so often, and gives up after so long. */
  readonly retryMs: number;
  readonly giveUpMs: number;
  /** How long after a job began GitHub says "busy"; and after its end "not busy". */
  readonly busyLagMs: number;
  readonly idleLagMs: number;
  /** So long after it says "busy", it says "not busy" for a while, in the midst of the job. */
  readonly lapseAfterMs: number;
  readonly lapseMs: number;
  /** How long after a job began it is listed as in progress; and after its end not any more. */
  readonly jobsLagMs: number;
}

export const DEFAULT_HABITS: Habits = {
  loginMs: 25_000,
  staleMs: 90_000,
  sessionMs: 100_000,
  retryMs: 30_000,
  giveUpMs: 240_000,
  busyLagMs: 30_000,
  idleLagMs: 2_000,
  lapseAfterMs: 0,
  lapseMs: 0,
  jobsLagMs: 2_000,
};

export interface Job {
  /** Of the run that it is the only job of. */
  readonly runId: number;
  /** As the runner was registered when it began. */
  readonly runnerId: number;
  readonly startedAt: number;
  /** When it is due to end. */
  readonly endsAt: number;
  /** When its VM was stopped under it, and the restart that did it, if one did. */
  killedAt: number | undefined;
  killedBy: string | undefined;
  /** GitHub does not learn of its end before; set where its VM was stopped under it. */
  heldUntil: number | undefined;
}

/** What is true of a runner; GitHub's picture of it lags behind. */
export interface SimulatedRunner {
  readonly instanceId: string;
  readonly name: string;
  /** Registers anew for each boot, under another ID. */
  readonly isEphemeral: boolean;
  /** What happens after a boot: its service starts, or it does not. */
  startsAfterBoot: boolean;
  id: number;
  /** Whether it takes jobs. */
  isListening: boolean;
  /** When it began to, after each boot where it did. */
  readonly begins: number[];
  /** GitHub shows it online until then, and holds its session until then. */
  onlineUntil: number;
  sessionUntil: number;
  readonly jobs: Job[];
  /** Counts boots and stops: what was planned before one does not happen after it. */
  powerChanges: number;
}

export interface Employment {
  readonly record: InstanceRecord;
  readonly name: string;
  readonly isEphemeral?: boolean;
  readonly startsAfterBoot?: boolean;
}

export interface GitHubWorldOptions {
  readonly world: World;
  readonly habits?: Partial<Habits>;
  /** The token that may read runners; any if absent. */
  readonly token?: string;
  /** A token that is known, but may not read runners, as GITHUB_TOKEN. */
  readonly deniedToken?: string;
  /** Requests an hour. */
  readonly quota?: number;
  /** Whether tokens may read the jobs of repositories: yes if absent. */
  readonly showsJobs?: boolean;
  /** Runs in progress beside those on the runners in the VMs, each with a job on a machine of GitHub's own. */
  readonly otherRuns?: number;
  /** Whether the list of runners can be filtered by name: yes if absent. */
  readonly filtersByName?: boolean;
  /** A list has no more on a page: 100 if absent. */
  readonly mostOnPage?: number;
  /** Runners register elsewhere in the list so often that its pages shift, in milliseconds; never if absent. */
  readonly pagesShiftEveryMs?: number;
  /** Whether a new VM gets a runner, once it is up, and loses it when it is ended. */
  readonly staffsNewVms?: boolean;
}

const HOUR_MS = 3_600_000;
const FIRST_ID = 23;
const FIRST_RUN_ID = 7_001;

/**
 * GitHub and the self-hosted runners in a world's VMs, without any HTTP: sessions that outlive their runner, jobs that are
 * noticed late. Its time is the world's.
 */
export class GitHubWorld {
  readonly world: World;
  readonly habits: Habits;
  readonly options: GitHubWorldOptions;
  readonly runners: SimulatedRunner[] = [];
  /** Of the quota, in the hour that ends at `resetAt`. */
  used = 0;
  resetAt: number;
  #nextId = FIRST_ID;
  #nextRunId = FIRST_RUN_ID;

  constructor(options: GitHubWorldOptions) {
    this.options = options;
    this.world = options.world;
    this.habits = { ...DEFAULT_HABITS, ...options.habits };
    this.resetAt = this.world.now + HOUR_MS;
    this.world.onPower = (event) => this.#notice(event);
  }

  /** A runner that has been listening for long. */
  employ({ record, name, isEphemeral = false, startsAfterBoot = true }: Employment): SimulatedRunner {
    const forever = Number.POSITIVE_INFINITY;
    const runner = {
      instanceId: record.instanceId,
      name,
      isEphemeral,
      startsAfterBoot,
      id: this.#nextId++,
      isListening: true,
      onlineUntil: forever,
      sessionUntil: forever,
      jobs: [],
      begins: [],
      powerChanges: 0,
    };
    this.runners.push(runner);
    return runner;
  }

  /** Takes a runner away for good, as long as it has no job. */
  dismiss(id: number): 'gone' | 'busy' | 'unknown' {
    const index = this.runners.findIndex((runner) => runner.id === id);
    const runner = this.runners[index];
    if (runner === undefined) return 'unknown';
    if (this.isShownBusy(runner)) return 'busy';
    this.#remove(index);
    return 'gone';
  }

  /** Gives it a job, if it takes any. */
  startJob(runner: SimulatedRunner, forMs: number): Job | undefined {
    if (!runner.isListening) return undefined;
    const { now } = this.world;
    const end = { endsAt: now + forMs, killedAt: undefined, killedBy: undefined, heldUntil: undefined };
    const job = { runId: this.#nextRunId++, runnerId: runner.id, startedAt: now, ...end };
    runner.jobs.push(job);
    return job;
  }

  /** Whether GitHub shows it online. */
  isShownOnline({ onlineUntil }: SimulatedRunner): boolean {
    return this.world.now < onlineUntil;
  }

  /** Whether GitHub shows it busy: a job that was killed counts until its session is over. */
  isShownBusy({ jobs }: SimulatedRunner): boolean {
    const { busyLagMs, idleLagMs, lapseAfterMs, lapseMs } = this.habits;
    const { now } = this.world;
    return jobs.some(({ startedAt, endsAt, heldUntil = endsAt + idleLagMs }) => {
      const lapsesAt = startedAt + busyLagMs + lapseAfterMs;
      const isLapsed = now >= lapsesAt && now < lapsesAt + lapseMs;
      return now >= startedAt + busyLagMs && now < heldUntil && !isLapsed;
    });
  }

  /** Whether GitHub lists the job as in progress; the same holds for one that was killed. */
  isListed({ startedAt, endsAt, heldUntil = endsAt }: Job): boolean {
    const { jobsLagMs } = this.habits;
    const { now } = this.world;
    return now >= startedAt + jobsLagMs && now < heldUntil + jobsLagMs;
  }

  /** Counts a request against the quota; false where it is used up. */
  charge(): boolean {
    if (this.world.now >= this.resetAt) [this.used, this.resetAt] = [0, this.world.now + HOUR_MS];
    if (this.used >= this.quota) return false;
    this.used++;
    return true;
  }

  get quota(): number {
    return this.options.quota ?? 5_000;
  }

  #notice({ kind, record, requestId }: PowerEvent): void {
    const { staffsNewVms = false } = this.options;
    const runners = this.runners.filter(({ instanceId }) => instanceId === record.instanceId);
    if (staffsNewVms && kind === 'booted' && runners.length === 0) this.#staff(record);
    for (const runner of runners) {
      runner.powerChanges++;
      if (kind === 'stopped') this.#cutOff(runner, requestId);
      if (kind === 'ended' && staffsNewVms) this.#remove(this.runners.indexOf(runner));
      if (kind === 'booted' && runner.startsAfterBoot)
        this.#later(runner, this.habits.loginMs, () => this.#begin(runner));
    }
  }

  /** Its startup script registers a runner, by the name that the VM was given. */
  #staff(record: InstanceRecord): void {
    const { vm, externalId, name, instanceId } = record;
    this.world.schedule(this.habits.loginMs, () => {
      if (vm === undefined || record.vm !== vm) return;
      this.employ({ record, name: externalId ?? name ?? instanceId });
    });
  }

  #remove(index: number): void {
    const [runner] = this.runners.splice(index, 1);
    // What was planned for it does not happen any more.
    if (runner !== undefined) runner.powerChanges++;
  }

  #cutOff(runner: SimulatedRunner, requestId: string | undefined): void {
    const { now } = this.world;
    if (runner.isListening) {
      runner.isListening = false;
      runner.onlineUntil = now + this.habits.staleMs;
      runner.sessionUntil = now + this.habits.sessionMs;
    }
    const heldUntil = runner.sessionUntil;
    for (const job of runner.jobs) {
      if (job.endsAt > now && job.killedAt === undefined)
        Object.assign(job, { killedAt: now, killedBy: requestId, heldUntil });
    }
  }

  #begin(runner: SimulatedRunner): void {
    if (runner.isEphemeral) {
      runner.id = this.#nextId++;
      runner.sessionUntil = this.world.now;
    }
    this.#connect(runner, this.world.now);
  }

  #connect(runner: SimulatedRunner, firstTryAt: number): void {
    const { now } = this.world;
    const { retryMs, giveUpMs } = this.habits;
    if (now >= runner.sessionUntil) {
      runner.isListening = true;
      runner.begins.push(now);
      [runner.onlineUntil, runner.sessionUntil] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    } else if (now - firstTryAt < giveUpMs) {
      this.#later(runner, retryMs, () => this.#connect(runner, firstTryAt));
    }
  }

  #later(runner: SimulatedRunner, inMs: number, run: () => void): void {
    const { powerChanges } = runner;
    this.world.schedule(inMs, () => {
      if (runner.powerChanges === powerChanges) run();
    });
  }
}
