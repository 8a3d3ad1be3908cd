import type { Instance, Target } from '../controller/instance.ts';
import type { ActionError } from '../errors.ts';

/** How the restart of one VM ended, with all that is known of it. */
export interface Outcome {
  /** What was to be restarted; undefined where even that is not known. */
  readonly target: Target | undefined;
  /** `false`: none was sent, or the controller refused it; `unknown`: sent, or may have been, but not verified. */
  readonly restarted: 'true' | 'false' | 'unknown';
  /** The instance before the restart; undefined where it never came to that. */
  readonly before: Instance | undefined;
  /** The instance as last seen. */
  readonly last: Instance | undefined;
  /** The instance as the answer showed it that proved the restart; absent where none did. */
  readonly proof?: Instance | undefined;
  /** From sending the restart to verifying it. */
  readonly durationMs: number | undefined;
  readonly moments: Moments;
  readonly error: ActionError | undefined;
  /** Why it was left as it is, which is no failure: it was in use, or its turn never came. Absent where neither is so. */
  readonly leftAlone?: 'skipped' | 'not_started';
  /** What was seen of it that it was left alone for, for people; empty where there is nothing to tell. */
  readonly leftAloneFor?: string;
}

/**
 * When what came to pass, in milliseconds on the clock's scale: the first look, the first question to the gate and its last
 * word, the restart's sending, and its proof. What is absent did not come to pass.
 */
export type Moments = Readonly<
  Partial<Record<'started' | 'heldUp' | 'cleared' | 'sent' | 'verified', number>>
>;

/** What is known before anything was asked. */
export const NOTHING_DONE: Outcome = {
  target: undefined,
  restarted: 'false',
  before: undefined,
  last: undefined,
  durationMs: undefined,
  moments: {},
  error: undefined,
};
