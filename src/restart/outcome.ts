// The input of one VM's restart, and its possible outcomes.

import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import type { Instance, Target } from '../controller/instance.ts';
import type { ActionError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PollInterval } from './schedule.ts';

export interface RestartJob {
  readonly target: Target;
  readonly vncPassword: string | undefined;
  readonly usbDevice: string | undefined;
  /** From the first request to the verified restart, excluding the time that a gate takes. */
  readonly timeoutMs: number;
  readonly pollInterval: PollInterval;
  /** Before the restart, how long a VM that is not running may need until it runs: in milliseconds; a few seconds if undefined. */
  readonly startsWithinMs?: number | undefined;
  /** Check everything, change nothing. */
  readonly dryRun: boolean;
}

/** What the restart of one VM needs. It keeps no state elsewhere, so several can run in parallel. */
export interface RestartContext {
  readonly clock: Clock;
  readonly controller: Controller;
  readonly log: Log;
  /** Aborts with the error to report, when the step is canceled. */
  readonly signal: AbortSignal;
  /** Decides when the restart may be sent; undefined: at once. */
  readonly gate?: Gate | undefined;
  /** Throws if the instance must never be restarted. */
  readonly refuse?: ((instance: Instance) => void) | undefined;
  /** Called with everything known right before the restart may be sent. If it throws, nothing is sent. */
  readonly announce?: ((outcome: Outcome) => void) | undefined;
}

/** Blocks the restart while the VM is in use. If it throws (an error, or {@link LeftAlone}), the step must not send a restart. */
export interface Gate {
  /** Whether `timeout` starts only when the gate first opens; otherwise, earlier time counts, too, excluding the gate's own. */
  readonly startsTimeout?: boolean;
  /**
   * Called right before the restart is sent, until it returns true. True: send it now. False: the VM is free, but the wait took a while, so
   * read the instance again and then call the gate again.
   */
  passOrWait(instance: Instance): Promise<boolean>;
  /** For a dry run: checks everything that needs no waiting. */
  rehearse(instance: Instance): Promise<true>;
}

/** Why a VM is left as it is, which is not a failure. A gate throws it; then it is a part of the outcome. */
export class LeftAlone extends Error {
  override readonly name = 'LeftAlone';
  /** Its runner has a job; it needs no restart, not even by a later step; it is not running; or it never got a slot. */
  readonly why: 'busy' | 'needless' | 'not running' | 'not started';

  /** @param seen what led to it, for messages; may be empty. */
  constructor(why: LeftAlone['why'], seen = '') {
    super(seen);
    this.why = why;
  }
}

/** How the restart of one VM ended, with everything known about it. */
export interface Outcome {
  /** The target; undefined if even that is unknown. */
  readonly target: Target | undefined;
  /** `false`: none was sent, or the controller refused it; `unknown`: sent, or may have been, but not verified. */
  readonly restarted: 'true' | 'false' | 'unknown';
  /** The instance before the restart; undefined if it did not get that far. */
  readonly before: Instance | undefined;
  /** The instance as last seen. */
  readonly last: Instance | undefined;
  /** The instance in the answer that proved the restart; absent if none did. */
  readonly proof?: Instance | undefined;
  /** From sending the restart to verifying it. */
  readonly durationMs: number | undefined;
  readonly moments: Moments;
  readonly error: ActionError | undefined;
  readonly leftAlone?: LeftAlone;
}

/**
 * The times of events, in milliseconds on the clock's scale: the first poll, the first call of the gate and its last answer, the sending of
 * the restart, and its proof. Absent events did not happen.
 */
export type Moments = Readonly<
  Partial<Record<'started' | 'gateAsked' | 'gateAnswered' | 'sent' | 'verified', number>>
>;

/** What is known before the first request. */
export const NOTHING_DONE: Outcome = {
  target: undefined,
  restarted: 'false',
  before: undefined,
  last: undefined,
  durationMs: undefined,
  moments: {},
  error: undefined,
};
