import type { Job } from './github-runs.ts';
import type { InstanceRecord } from './world.ts';

/** What happens to a runner's registration each time its VM boots. */
export type AtBoot =
  /** Nothing: the runner connects with the registration that it has. */
  | 'keep'
  /** `config.sh --replace` updates the registration of that name, and resets its labels. */
  | 'replace'
  /** `config.sh` without `--replace`, which refuses a registered name. */
  | 'register'
  /** A new name each time; the old registration stays until GitHub removes it. */
  | 'random name';

export interface Employment {
  readonly record: Pick<InstanceRecord, 'instanceId'>;
  readonly name: string;
  /** Where it is registered: `owner/repo`, an organization (`octo-org` if absent), or `enterprises/NAME`. */
  readonly scope?: string;
  /** Its custom labels. */
  readonly labels?: readonly string[];
  readonly hasDefaultLabels?: boolean;
  readonly version?: string;
  /** Takes one job per registration, and disappears from GitHub after it. */
  readonly takesOneJob?: boolean;
  /** What GitHub's `ephemeral` says: as `takesOneJob` if absent. */
  readonly isEphemeral?: boolean;
  /** If absent: `replace` for an ephemeral runner, `keep` for another. */
  readonly atBoot?: AtBoot;
  readonly startsAfterBoot?: boolean;
  /** Whether it is registered now: false for one that has had its one job. */
  readonly isRegistered?: boolean;
}

/** What GitHub shows about a runner instead of the truth, for a while. */
export interface Misreport {
  readonly online?: boolean;
  readonly busy?: boolean;
  readonly until: number;
}

/** The true state of a runner and its registration. */
export interface SimulatedRunner {
  readonly instanceId: string;
  readonly scope: string;
  readonly isEphemeral: boolean;
  readonly takesOneJob: boolean;
  readonly atBoot: AtBoot;
  readonly version: string;
  readonly hasDefaultLabels: boolean;
  /** Its configuration. Random names begin with this name. */
  readonly configured: { readonly name: string; readonly labels: readonly string[] };
  /** Whether its service starts after a boot. */
  startsAfterBoot: boolean;
  name: string;
  /** Unique among the runners of its scope. */
  id: number;
  isRegistered: boolean;
  /** Its custom labels over time; the last entry is current. */
  labels: { readonly since: number; readonly names: readonly string[] }[];
  /** Whether it takes jobs. */
  isListening: boolean;
  /** When it began to listen, after each boot. */
  readonly begins: number[];
  /** GitHub shows it online until then, and holds its session until then. */
  onlineUntil: number;
  sessionUntil: number;
  misreport: Misreport | undefined;
  readonly jobs: Job[];
  /** Counts boots and stops: each of them cancels earlier scheduled events. */
  powerChanges: number;
}

export const DEFAULT_SCOPE = 'octo-org';
export const DEFAULT_LABELS: readonly string[] = ['self-hosted', 'macOS', 'ARM64'];
export const DEFAULT_RUNNER_VERSION = '2.336.0';

/** A runner that has been listening for a long time, unless it is not registered. */
export function createRunner(
  employment: Employment,
  { id, now }: { id: number; now: number },
): SimulatedRunner {
  const { record, name, scope = DEFAULT_SCOPE, labels = [], takesOneJob = false } = employment;
  const { isEphemeral = takesOneJob, isRegistered = true, startsAfterBoot = true } = employment;
  const until = isRegistered ? Number.POSITIVE_INFINITY : now;
  return {
    instanceId: record.instanceId,
    ...{ scope, isEphemeral, takesOneJob, startsAfterBoot, name, id, isRegistered },
    atBoot: employment.atBoot ?? (isEphemeral ? 'replace' : 'keep'),
    version: employment.version ?? DEFAULT_RUNNER_VERSION,
    hasDefaultLabels: employment.hasDefaultLabels ?? true,
    configured: { name, labels },
    labels: [{ since: now, names: labels }],
    isListening: isRegistered,
    begins: [],
    ...{ onlineUntil: until, sessionUntil: until },
    misreport: undefined,
    jobs: [],
    powerChanges: 0,
  };
}

/** The custom labels at a moment. */
export function labelsAt({ labels }: SimulatedRunner, moment: number): readonly string[] {
  return (labels.findLast(({ since }) => since <= moment) ?? labels[0])?.names ?? [];
}

/** Whether it has all the labels, ignoring case as GitHub does. */
export function hasLabels(runner: SimulatedRunner, wanted: readonly string[], moment: number): boolean {
  const own = [...(runner.hasDefaultLabels ? DEFAULT_LABELS : []), ...labelsAt(runner, moment)];
  const known = new Set(own.map((label) => label.toLowerCase()));
  return wanted.every((label) => known.has(label.toLowerCase()));
}

/** The job that runs under its current registration. */
export function currentJob({ jobs, id }: SimulatedRunner, now: number): Job | undefined {
  return jobs.find((job) => job.runnerId === id && job.killedAt === undefined && job.endsAt > now);
}

/** Whether runners of a scope run jobs of a repository. */
export function reaches(scope: string, repository: string): boolean {
  return scope.startsWith('enterprises/') || scope === repository || scope === repository.split('/')[0];
}

/** Whether one version, such as 2.329.0, comes before another. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string) => text.split('.').map(Number);
  const [a, b] = [parts(version), parts(than)];
  const at = a.findIndex((part, index) => part !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
