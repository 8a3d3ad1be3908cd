import type { Instance } from '../src/controller/instance.ts';
import type { ErrorCode } from '../src/errors.ts';
import type { VmOutcome } from '../src/fleet/step-outcome.ts';
import type { HttpVersion } from './connections.ts';
import type { KnockResult } from './knock.ts';
import type { Notebook } from './notebook.ts';

/** A try to reach a VM's SSH server. Moments are milliseconds on the clock's scale. */
export interface KnockNote {
  readonly at: number;
  readonly instance: Instance;
  /** On a port that the VM had before its restart, or the one that it has after. */
  readonly isFormerPort: boolean;
  readonly result: KnockResult;
}

/** A look at the GitHub runner. */
export interface RunnerLook {
  readonly at: number;
  readonly matches: number;
  /** Undefined unless there is just one. */
  readonly id: number | undefined;
  readonly isOnline: boolean;
  readonly isBusy: boolean;
}

export interface RestartNotes {
  readonly before: Instance | undefined;
  readonly outcome: VmOutcome;
}

/** All that a survey brought, before anything is made of it. It holds names, addresses and IDs: only facts.ts may read it. */
export interface Observations {
  readonly notebook: Notebook;
  readonly setting: Setting;
  /** What this machine's clock says in milliseconds since the Unix epoch, less what the monotonic one says. */
  readonly epochAtZeroMs: number;
  readonly startedAt: number;
  endedAt: number;
  httpVersion: HttpVersion | undefined;
  /** Tries from the survey's own machine, one a node; and those in the course of a restart. */
  readonly knocks: KnockNote[];
  readonly restartKnocks: KnockNote[];
  readonly runnerLooks: RunnerLook[];
  restart: RestartNotes | undefined;
  /** Why it ended before its time, if it did. */
  problem: ErrorCode | undefined;
}

/** How the controller was asked, as far as a report may say it. */
export interface Setting {
  readonly scheme: 'http' | 'https';
  readonly wayIn: 'none' | 'root_token' | 'api_key';
  readonly hasClientCertificate: boolean;
  readonly hasOwnCa: boolean;
  readonly skipsVerification: boolean;
  readonly hasProxy: boolean;
  readonly hasPrefix: boolean;
  readonly hasHeaders: boolean;
  readonly hasRunner: boolean;
}
