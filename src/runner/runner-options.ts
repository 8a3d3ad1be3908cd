// What the inputs say about the GitHub runners in the VMs, and the rules of a gate that follow from that.

import type { Scope } from '../github/scope.ts';

/** What to do about a runner that has a job: wait until it ends, fail, leave the VM alone, or restart it all the same. */
export type WhenBusy = 'wait' | 'fail' | 'skip' | 'ignore';

export interface RunnerOptions {
  /** `runner_name`, which can contain placeholders: see runner-names.ts. */
  readonly nameTemplate: string;
  readonly scope: Scope;
  /** Can read the scope's self-hosted runners; with `drains`, it can also change them. */
  readonly token: string;
  /** Reads the jobs of the workflow's own repository. If undefined or blank, `token` is used. */
  readonly jobsToken?: string | undefined;
  readonly whenBusy: WhenBusy;
  /** How long the runners must show no job before the restart. */
  readonly idleForMs: number;
  /** How long `wait` waits for the job to end. */
  readonly busyTimeoutMs: number;
  /** The runners take one job per registration, unless GitHub says otherwise. */
  readonly isEphemeral: boolean;
  /** The step restarts only VMs without an online runner. */
  readonly isSweep: boolean;
  /** The step keeps new jobs away from the runners while it waits and restarts. */
  readonly drains?: { readonly runId: string } | undefined;
  /** Whether the step ends only once the runners are back. */
  readonly waitsForRunner: boolean;
  /** How long the step waits for the runners to be back, from the verified restart on. */
  readonly runnerTimeoutMs: number;
  /** Of GitHub's REST API. */
  readonly apiUrl: URL;
  readonly proxy: URL | undefined;
}

/** When a gate lets the restart pass, and how long it waits for that. */
export interface GateRules
  extends Pick<RunnerOptions, 'whenBusy' | 'idleForMs' | 'busyTimeoutMs' | 'isEphemeral' | 'isSweep'> {
  /** The jobs source covers all jobs that these runners can have. */
  readonly seesAllJobs: boolean;
  /** How long after its boot the VM's runner may still register. */
  readonly registersWithinMs: number;
  /** The input `timeout`: how long GitHub may give no usable answer, on top of the waits for a busy runner and for `idle_for`. */
  readonly patienceMs: number;
  /** The latest time to wait for a busy VM, on the clock's scale. */
  readonly busyUntil?: number | undefined;
}
