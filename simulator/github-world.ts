import {
  createRunner,
  currentJob,
  type Employment,
  hasLabels,
  isOlder,
  labelsAt,
  type Misreport,
  reaches,
  type SimulatedRunner,
} from './github-runners.ts';
import {
  DEFAULT_GROUP,
  endOf,
  hostedMachine,
  type Job,
  type JobPlan,
  type Pool,
  type RunHabits,
  type RunJob,
  Runs,
} from './github-runs.ts';
import {
  createLimits,
  createRefusals,
  type Limits,
  type Refusal,
  type TokenRights,
} from './github-tokens.ts';
import { createRandom, type Random } from './random.ts';
import type { InstanceRecord, PowerEvent, World } from './world.ts';

export type { Employment, SimulatedRunner } from './github-runners.ts';
export type { Job } from './github-runs.ts';

/** How GitHub and the runners behave; times in milliseconds. */
export interface Habits extends Partial<RunHabits> {
  readonly jobsLagMs: number;
  /** From a VM's boot until its runner first talks to GitHub: macOS boots, a user logs in, the service starts. */
  readonly loginMs: number;
  /** How long GitHub shows a runner online after it was cut off ... */
  readonly staleMs: number;
  /** ... and holds its session, so that the same runner cannot open another. */
  readonly sessionMs: number;
  /** How often a runner retries that is refused because of its old session, and when it gives up. */
  readonly retryMs: number;
  readonly giveUpMs: number;
  /** How late GitHub shows a runner busy after a job began, and idle after it ended. */
  readonly busyLagMs: number;
  readonly idleLagMs: number;
  /** How long after showing it busy GitHub shows it idle during the job, and for how long. */
  readonly lapseAfterMs: number;
  readonly lapseMs: number;
  /** How long after its one job a registration is still listed. */
  readonly deregisterMs?: number;
  /** How outdated the labels are by which GitHub assigns jobs. */
  readonly labelsLagMs?: number;
  /** How outdated the labels are in every other read, at random: those that a lagging replica answers. */
  readonly labelReadsLagMs?: number;
  /** How long a runner with a deprecated version is online before it exits. */
  readonly deprecatedMs?: number;
}

export const DEFAULT_HABITS: Required<Habits> = {
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
  assignMs: 1_000,
  notPickedUpMs: 60_000,
  deregisterMs: 1_000,
  labelsLagMs: 0,
  labelReadsLagMs: 0,
  deprecatedMs: 3_000,
};

export interface GitHubWorldOptions {
  readonly world: World;
  readonly habits?: Partial<Habits>;
  /** The token with all rights; if absent, every token has them. */
  readonly token?: string;
  /** A valid token without any rights. */
  readonly deniedToken?: string;
  /** The rights of other tokens. */
  readonly tokens?: Readonly<Record<string, TokenRights>>;
  readonly refusals?: readonly Refusal[];
  /** Requests per hour and token. */
  readonly quota?: number;
  /** Points per minute and token. */
  readonly pointsPerMinute?: number;
  /** Whether tokens can read the jobs of repositories: yes if absent. */
  readonly showsJobs?: boolean;
  /** How many other runs are in progress, each with a job on a GitHub-hosted machine. */
  readonly otherRuns?: number;
  /** The lowest of their IDs. The list of runs begins with the highest. */
  readonly firstOtherRunId?: number;
  /** Whether `filter=latest` lists the latest job of each name, not only the jobs of the last attempt. */
  readonly latestListsEveryName?: boolean;
  /** Whether the list of runners can be filtered by name: yes if absent. */
  readonly filtersByName?: boolean;
  /** The most entries on a page: 100 if absent. */
  readonly mostOnPage?: number;
  /** Whether `total_count` of a list is true, if absent; or half or twice as much. */
  readonly totals?: 'too small' | 'too large';
  /** Whether pages have a `Link` header: yes if absent. */
  readonly hasLinks?: boolean;
  /** How often the pages of the list of runners shift, in milliseconds; never if absent. */
  readonly pagesShiftEveryMs?: number;
  /** The host in the `Link` header, if not the one in the request. */
  readonly linkHost?: string;
  /** Whether a new VM gets a runner once it is up, and loses it when its instance ends. */
  readonly staffsNewVms?: boolean;
  /** What those runners are like; and whether a registration keeps its ID with `--replace`. */
  readonly staff?: Omit<Employment, 'record' | 'name'>;
  readonly replaceKeepsId?: boolean;
  /** Whether a late de-registration after the one job also removes a new registration of the same name. */
  readonly deregistersByName?: boolean;
  /** The oldest runner version that GitHub accepts. */
  readonly minimumRunnerVersion?: string;
}

const DAY_MS = 86_400_000;
const FIRST_ID = 23;
const FIRST_OTHER_RUN_ID = 1_001;
const QUOTA = 5_000;

/**
 * GitHub and the self-hosted runners in a world's VMs, without HTTP: sessions that outlive their runner, jobs that show
 * late, registrations that come and go. Its time is the world's.
 */
export class GitHubWorld {
  readonly world: World;
  readonly habits: Required<Habits>;
  readonly options: GitHubWorldOptions;
  /** The runners in the VMs, registered now or not. */
  readonly runners: SimulatedRunner[] = [];
  /** Registrations that no runner uses anymore. */
  readonly leftovers: SimulatedRunner[] = [];
  readonly runs: Runs;
  readonly refusals: ReturnType<typeof createRefusals>;
  readonly #limits = new Map<string, Limits>();
  readonly #nextIds = new Map<string, number>();
  readonly #random: Random;
  readonly #randomReads: Random;

  constructor(options: GitHubWorldOptions) {
    this.options = options;
    this.world = options.world;
    this.habits = { ...DEFAULT_HABITS, ...options.habits };
    this.refusals = createRefusals(options.refusals);
    this.#random = createRandom(this.world.options.seed).fork('GitHub');
    this.#randomReads = this.#random.fork('reads of labels');
    this.runs = new Runs(this.#pool());
    for (let index = 0; index < (options.otherRuns ?? 0); index++) {
      const plan = { name: 'build', forMs: Number.POSITIVE_INFINITY, on: hostedMachine(1) };
      this.runs.add({ jobs: [plan] }, (options.firstOtherRunId ?? FIRST_OTHER_RUN_ID) + index);
    }
    this.world.onPower = (event) => this.#notice(event);
  }

  /** Puts a runner into a VM. It has been listening for a long time, unless it is not registered. */
  employ(employment: Employment): SimulatedRunner {
    const { now } = this.world;
    const runner = createRunner(employment, { id: 0, now });
    runner.id = this.#newId(runner.scope);
    if (runner.atBoot === 'random name') runner.name = this.#randomName(runner);
    this.runners.push(runner);
    if (runner.isListening) this.runs.assignSoon();
    return runner;
  }

  /** All registrations, of all scopes. */
  registered(): SimulatedRunner[] {
    return [...this.runners.filter(({ isRegistered }) => isRegistered), ...this.leftovers];
  }

  /** `generate-jitconfig`: registers a name for a runner that has not been started; undefined if the name is taken. */
  registerAhead(scope: string, { name, labels }: { name: string; labels: readonly string[] }) {
    const isTaken = this.registered().some((one) => one.scope === scope && isSameName(one.name, name));
    if (isTaken) return undefined;
    const { now } = this.world;
    const record = { instanceId: '' };
    const employment = { record, name, scope, labels, takesOneJob: true, hasDefaultLabels: false };
    const runner = createRunner(employment, { id: this.#newId(scope), now });
    this.#abandon(Object.assign(runner, { isListening: false, onlineUntil: now, sessionUntil: now }));
    return runner;
  }

  /** Removes a registration, unless it has a job. */
  dismiss(runner: SimulatedRunner): 'gone' | 'busy' {
    if (this.isShownBusy(runner)) return 'busy';
    for (const list of [this.runners, this.leftovers]) {
      if (list.includes(runner)) this.#remove(list, runner);
    }
    return 'gone';
  }

  /** Starts a job on it, if it listens. @param beside other jobs of its run */
  startJob(
    runner: SimulatedRunner,
    forMs: number,
    { beside = [], ...plan }: Partial<JobPlan> & { readonly beside?: readonly JobPlan[] } = {},
  ): Job | undefined {
    const isTaken = runner.takesOneJob && currentJob(runner, this.world.now) !== undefined;
    if (!runner.isListening || isTaken) return undefined;
    return this.runs.addRunning(runner, { name: 'build', ...plan, forMs }, beside);
  }

  /** Its service ends; not during a job. It starts with the next boot, if it does so at all. */
  endService(runner: SimulatedRunner): void {
    const { now } = this.world;
    if (!this.#isIdle(runner)) return;
    Object.assign(runner, { isListening: false, onlineUntil: now, sessionUntil: now });
  }

  /** It is removed, and after a while registered under the same name, with a new ID; not during a job. @returns whether it was removed */
  registerAgain(runner: SimulatedRunner, afterMs: number): boolean {
    if (!this.#isIdle(runner)) return false;
    this.#disconnect(runner);
    this.#later(runner, afterMs, () => {
      this.#register(runner);
      this.#connect(runner, this.world.now);
    });
    return true;
  }

  /** Changes a runner's custom labels. */
  setLabels(runner: SimulatedRunner, names: readonly string[]): void {
    runner.labels.push({ since: this.world.now, names });
    if (runner.isListening) this.runs.assignSoon();
  }

  labelsOf(runner: SimulatedRunner): readonly string[] {
    return labelsAt(runner, this.world.now);
  }

  /** Its custom labels as a read shows them. */
  shownLabelsOf(runner: SimulatedRunner): readonly string[] {
    const { labelReadsLagMs: lagMs } = this.habits;
    const isOutdated = lagMs > 0 && this.#randomReads.next() < 0.5;
    return labelsAt(runner, this.world.now - (isOutdated ? lagMs : 0));
  }

  /** Makes GitHub show a wrong status for a while. */
  misreport(
    runner: SimulatedRunner,
    { forMs, ...shown }: Omit<Misreport, 'until'> & { forMs: number },
  ): void {
    runner.misreport = { ...shown, until: this.world.now + forMs };
  }

  /** Whether GitHub shows it online. */
  isShownOnline({ onlineUntil, misreport }: SimulatedRunner): boolean {
    const { now } = this.world;
    return (now < (misreport?.until ?? now) ? misreport?.online : undefined) ?? now < onlineUntil;
  }

  /** Whether GitHub shows it busy: a job that was killed counts until its session is over. */
  isShownBusy({ jobs, id, misreport }: SimulatedRunner): boolean {
    const { busyLagMs, idleLagMs, lapseAfterMs, lapseMs } = this.habits;
    const { now } = this.world;
    const shown = now < (misreport?.until ?? now) ? misreport?.busy : undefined;
    if (shown !== undefined) return shown;
    return jobs.some(({ runnerId, startedAt, endsAt, heldUntil = endsAt + idleLagMs }) => {
      const lapsesAt = startedAt + busyLagMs + lapseAfterMs;
      const isLapsed = now >= lapsesAt && now < lapsesAt + lapseMs;
      return runnerId === id && now >= startedAt + busyLagMs && now < heldUntil && !isLapsed;
    });
  }

  /** Whether GitHub lists the job as in progress; the same holds for one that was killed. */
  isListed(job: Job): boolean {
    const { jobsLagMs } = this.habits;
    const { now } = this.world;
    return now >= job.startedAt + jobsLagMs && now < endOf(job) + jobsLagMs;
  }

  /** What the token has used of its limits. */
  limitsOf(token: string): Limits {
    const known = this.#limits.get(token);
    if (known !== undefined) return known;
    const quota = this.options.tokens?.[token]?.quota ?? this.quota;
    const limits = createLimits(quota, this.world.now);
    this.#limits.set(token, limits);
    return limits;
  }

  get quota(): number {
    return this.options.quota ?? QUOTA;
  }

  /** The most that a token has used of its quota in this hour. */
  get used(): number {
    return Math.max(0, ...[...this.#limits.values()].map(({ used }) => used));
  }

  #pool(): Pool {
    const { world, habits } = this;
    return {
      world,
      habits,
      findRunner: (job) => this.#findRunner(job),
      begin: (runner, job) => this.#beginJob(runner, job),
      end: (execution) => {
        const runner = this.runners.find(({ jobs }) => jobs.includes(execution));
        if (runner !== undefined) this.#endJob(runner, execution);
      },
    };
  }

  /** Whether it waits for a job. */
  #isIdle(runner: SimulatedRunner): boolean {
    return runner.isListening && currentJob(runner, this.world.now) === undefined;
  }

  #findRunner({ plan, run }: RunJob): SimulatedRunner | undefined {
    const { now } = this.world;
    const { labels = ['self-hosted'] } = plan;
    const fitting = this.runners.filter((runner) => {
      const isThere =
        runner.isRegistered && now < runner.onlineUntil && reaches(runner.scope, run.repository);
      const isFree = currentJob(runner, now) === undefined;
      return isThere && isFree && hasLabels(runner, labels, now - this.habits.labelsLagMs);
    });
    return fitting[Math.floor(this.#random.next() * fitting.length)];
  }

  #beginJob(runner: SimulatedRunner, job: RunJob): void {
    const execution = this.runs.begin(job, { id: runner.id, name: runner.name, groupName: DEFAULT_GROUP });
    runner.jobs.push(execution);
    this.#later(runner, job.plan.forMs, () => this.#endJob(runner, execution));
  }

  /** A one-job runner exits after its job and leaves GitHub; another waits for the next. */
  #endJob(runner: SimulatedRunner, execution: Job): void {
    // It was cancelled before.
    if (execution.endsAt !== this.world.now) return;
    if (!runner.takesOneJob) {
      this.runs.assignSoon();
      return;
    }
    const { id, name } = runner;
    runner.isListening = false;
    runner.onlineUntil = this.world.now + this.habits.deregisterMs;
    runner.sessionUntil = this.world.now;
    this.world.schedule(this.habits.deregisterMs, () => {
      if (runner.id === id) runner.isRegistered = false;
      else if (this.options.deregistersByName === true && runner.name === name) this.#disconnect(runner);
      const leftover = this.leftovers.find((one) => one.id === id && one.scope === runner.scope);
      if (leftover !== undefined) this.#remove(this.leftovers, leftover);
    });
  }

  /** Its registration is gone, so it takes no jobs. */
  #disconnect(runner: SimulatedRunner): void {
    const { now } = this.world;
    Object.assign(runner, { isRegistered: false, isListening: false, onlineUntil: now, sessionUntil: now });
  }

  #notice({ kind, record, requestId }: PowerEvent): void {
    const { staffsNewVms = false } = this.options;
    const runners = this.runners.filter(({ instanceId }) => instanceId === record.instanceId);
    if (staffsNewVms && kind === 'booted' && runners.length === 0) this.#staff(record);
    for (const runner of runners) {
      runner.powerChanges++;
      if (kind === 'stopped') this.#cutOff(runner, requestId);
      if (kind === 'ended' && staffsNewVms) this.#remove(this.runners, runner);
      if (kind === 'booted' && runner.startsAfterBoot)
        this.#later(runner, this.habits.loginMs, () => this.#begin(runner));
    }
  }

  /** Its startup script registers a runner with the VM's name. */
  #staff(record: InstanceRecord): void {
    const { vm, externalId, name, instanceId } = record;
    this.world.schedule(this.habits.loginMs, () => {
      if (vm === undefined || record.vm !== vm) return;
      this.employ({ ...this.options.staff, record, name: externalId ?? name ?? instanceId });
    });
  }

  #remove(list: SimulatedRunner[], runner: SimulatedRunner): void {
    list.splice(list.indexOf(runner), 1);
    // Cancels its scheduled events.
    runner.powerChanges++;
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
      if (job.endsAt > now && job.killedAt === undefined) this.runs.kill(job, { heldUntil, by: requestId });
    }
  }

  /** After a boot, the runner registers if its configuration says so, and connects. */
  #begin(runner: SimulatedRunner): void {
    const { atBoot, isRegistered } = runner;
    // Its configuration is gone with its registration; or the name is taken.
    if (atBoot === 'keep' ? !isRegistered : atBoot === 'register' && isRegistered) return;
    if (atBoot !== 'keep') this.#register(runner);
    this.#connect(runner, this.world.now);
  }

  #register(runner: SimulatedRunner): void {
    const { now } = this.world;
    const { atBoot, isRegistered, configured } = runner;
    if (atBoot === 'random name') {
      if (isRegistered) this.#abandon({ ...runner, jobs: [...runner.jobs], begins: [] });
      runner.name = this.#randomName(runner);
    }
    const keepsId = isRegistered && atBoot === 'replace' && this.options.replaceKeepsId === true;
    if (!keepsId) runner.id = this.#newId(runner.scope);
    runner.isRegistered = true;
    runner.sessionUntil = now;
    // A new registration has no older labels.
    if (!keepsId) runner.labels = [];
    runner.labels.push({ since: now, names: configured.labels });
  }

  /** A registration without a runner; GitHub removes it after a day. */
  #abandon(leftover: SimulatedRunner): void {
    this.leftovers.push(leftover);
    this.world.schedule(DAY_MS, () => {
      if (this.leftovers.includes(leftover)) this.#remove(this.leftovers, leftover);
    });
  }

  #connect(runner: SimulatedRunner, firstTryAt: number): void {
    const { now } = this.world;
    const { retryMs, giveUpMs, deprecatedMs } = this.habits;
    const { minimumRunnerVersion: minimum } = this.options;
    if (now < runner.sessionUntil) {
      if (now - firstTryAt < giveUpMs) this.#later(runner, retryMs, () => this.#connect(runner, firstTryAt));
    } else if (minimum !== undefined && isOlder(runner.version, minimum)) {
      runner.onlineUntil = now + deprecatedMs;
    } else {
      runner.isListening = true;
      runner.begins.push(now);
      [runner.onlineUntil, runner.sessionUntil] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      this.runs.assignSoon();
    }
  }

  #newId(scope: string): number {
    const id = this.#nextIds.get(scope) ?? FIRST_ID;
    this.#nextIds.set(scope, id + 1);
    return id;
  }

  #randomName({ configured }: SimulatedRunner): string {
    return `${configured.name}-${this.#random.uuid().slice(0, 8)}`;
  }

  #later(runner: SimulatedRunner, inMs: number, run: () => void): void {
    const { powerChanges } = runner;
    this.world.schedule(inMs, () => {
      if (runner.powerChanges === powerChanges) run();
    });
  }
}

function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
