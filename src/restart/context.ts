import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import type { Instance } from '../controller/instance.ts';
import type { Log } from '../log.ts';
import type { Outcome } from './outcome.ts';

/** What a gate throws where the VM is to be left as it is, and that is no failure. */
export class LeftAlone extends Error {
  override readonly name = 'LeftAlone';
  readonly why: NonNullable<Outcome['leftAlone']>;
  /** What was seen, for people; empty where there is nothing to tell. */
  readonly seen: string;

  constructor(why: NonNullable<Outcome['leftAlone']>, seen = '') {
    super(`the VM is left alone: ${why}`);
    this.why = why;
    this.seen = seen;
  }
}

/** What the restart of one VM works with. It keeps nothing of its own beside it: several can run side by side. */
export interface RestartContext {
  readonly clock: Clock;
  readonly controller: Controller;
  readonly log: Log;
  /** Aborts with the error to report, when the step is cancelled. */
  readonly signal: AbortSignal;
  /** Who has a say in when the restart is sent, if anybody. */
  readonly gate?: Gate | undefined;
  /** Throws where the instance must not be restarted, whatever it does. */
  readonly refuse?: ((instance: Instance) => void) | undefined;
  /** Told of all that is known right before the restart may leave this machine. What it throws keeps it from leaving. */
  readonly announce?: ((outcome: Outcome) => void) | undefined;
}

/** Holds the restart up while the VM is in use. What it throws means that the restart must not be sent: an error, or {@link LeftAlone}. */
export interface Gate {
  /** Whether the restart's time begins only when it may pass; else the time before counts, but for that which the gate takes. */
  readonly startsTime?: boolean;
  /**
   * Asked right before the restart is sent, as often as it takes. True: send it now. False: the way is free, but it took a
   * while; look at the instance anew, then ask again.
   */
  isOpen(instance: Instance): Promise<boolean>;
  /** For a dry run: checks what can be checked without waiting. */
  rehearse(instance: Instance): Promise<true>;
}
