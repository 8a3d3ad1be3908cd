import type { WhenBusy } from './gate.ts';
import type { Scope } from './scope.ts';

/** What the step is to know and do about the GitHub runner inside the VM. */
export interface RunnerOptions {
  /** May hold the placeholders of name.ts. */
  readonly nameTemplate: string;
  readonly scope: Scope;
  /** May read the scope's self-hosted runners. */
  readonly token: string;
  readonly whenBusy: WhenBusy;
  /** For how long the runner has to be seen without a job before the restart. */
  readonly idleForMs: number;
  readonly busyTimeoutMs: number;
  /** Whether the step ends only once the runner is back. */
  readonly waitsForRunner: boolean;
  /** From the verified restart on. */
  readonly runnerTimeoutMs: number;
  /** Of GitHub's REST API. */
  readonly apiUrl: URL;
  readonly proxy: URL | undefined;
}

/** What became of the runner after the restart. */
export interface RunnerOutcome {
  /** `online`: proved; undefined: it never came to that, or nothing is known. */
  readonly status: 'online' | 'probably_online' | 'not_back' | undefined;
  /** When it was seen to be back, in milliseconds on the clock's scale. */
  readonly backAt: number | undefined;
}
