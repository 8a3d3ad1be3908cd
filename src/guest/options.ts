import type { Dial } from './dial.ts';

/** What the step is to find out about the guest's operating system. */
export interface GuestOptions {
  /** From the verified restart on. */
  readonly timeoutMs: number;
}

/** The same with what carries it out. */
export interface GuestCheck extends GuestOptions {
  readonly dial: Dial;
}

/** What became of the guest after the restart. */
export interface GuestOutcome {
  /** `up`: its SSH server answered after the new boot; undefined: it never came to that, or nothing is known. */
  readonly status: 'up' | 'not_up' | undefined;
  /** When it was seen to be up, in milliseconds on the clock's scale. */
  readonly upAt: number | undefined;
}
