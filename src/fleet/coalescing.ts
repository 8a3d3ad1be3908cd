import { type Clock, within } from '../clock.ts';
import type { ActionError } from '../errors.ts';
import type { Fault, RetryBounds } from '../http/retry.ts';

// Many callers, one request. Calls made while a batch waits to start join it, so each gets an answer that was requested after its
// call; later ones wait for the next batch. Only one batch is in progress at a time. Each caller has its own deadline and signal; a
// batch continues as long as any of its callers waits.

export interface CoalescingOptions<Question, Answer> {
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** How long to wait before the next batch, given the current calls and the time of the previous batch: in milliseconds. */
  readonly pauseMs: (questions: readonly Question[], previous: BatchTimes | undefined) => number;
  /** One request that answers all of these. */
  readonly ask: (questions: readonly Question[], bounds: RetryBounds) => Promise<Answer>;
  /** Called once for each fault, however many wait. */
  readonly onFault: (fault: Fault) => void;
  /** The error if no answer came in time. */
  readonly noAnswer: (last: Fault | undefined) => ActionError;
}

/** When something began and ended, in milliseconds on the clock's scale. */
export interface BatchTimes {
  readonly beganAt: number;
  readonly endedAt: number;
}

/** @throws ActionError the error of the request; transient if the time ran out. The signal's reason. */
export type Coalesced<Question, Answer> = (question: Question, bounds: RetryBounds) => Promise<Answer>;

/** Batches start `everyMs` apart; a longer batch is followed by an equally long pause. */
export function spacing(everyMs: number, { beganAt, endedAt }: BatchTimes, now: number): number {
  return Math.max(0, Math.max(beganAt + everyMs, endedAt + (endedAt - beganAt)) - now);
}

interface Asker<Question, Answer> {
  readonly question: Question;
  readonly bounds: RetryBounds;
  readonly answer: PromiseWithResolvers<Answer>;
  lastFault: Fault | undefined;
}

export function coalesce<Question, Answer>(
  options: CoalescingOptions<Question, Answer>,
): Coalesced<Question, Answer> {
  const { clock, signal } = options;
  const waiting = new Set<Asker<Question, Answer>>();
  const asking = new Set<Asker<Question, Answer>>();
  let stop = new AbortController();
  let previous: BatchTimes | undefined;
  let isAtWork = false;

  async function work(): Promise<void> {
    if (isAtWork) return;
    isAtWork = true;
    while (waiting.size > 0) {
      const pauseMs = options.pauseMs(questionsOf(waiting), previous);
      // On cancellation each caller's own signal aborts.
      await clock.sleep(pauseMs, signal).catch(() => waiting.clear());
      if (waiting.size > 0) await askForAll();
    }
    isAtWork = false;
  }

  async function askForAll(): Promise<void> {
    stop = new AbortController();
    for (const asker of waiting) asking.add(asker);
    waiting.clear();
    const beganAt = clock.now();
    const bounds = {
      deadline: Math.max(...[...asking].map(({ bounds: { deadline } }) => deadline)),
      signal: AbortSignal.any([signal, stop.signal]),
      onFault,
    };
    try {
      const answer = await options.ask(questionsOf(asking), bounds);
      for (const asker of asking) asker.answer.resolve(answer);
    } catch (error) {
      for (const asker of asking) asker.answer.reject(error);
    }
    asking.clear();
    previous = { beganAt, endedAt: clock.now() };
  }

  /** Those that came later have to wait for it, too. */
  function onFault(fault: Fault): void {
    options.onFault(fault);
    for (const asker of [...asking, ...waiting]) {
      asker.lastFault = fault;
      asker.bounds.onFault?.({ ...fault, isLogged: true });
    }
  }

  function leave(asker: Asker<Question, Answer>): void {
    waiting.delete(asker);
    if (asking.delete(asker) && asking.size === 0) stop.abort();
  }

  return async (question, bounds) => {
    const answer = Promise.withResolvers<Answer>();
    const asker: Asker<Question, Answer> = { question, bounds, answer, lastFault: undefined };
    try {
      return await within(clock, { ms: bounds.deadline - clock.now(), signal: bounds.signal }, () => {
        waiting.add(asker);
        void work();
        return answer.promise;
      });
    } catch (error) {
      throw isTimeout(error) ? options.noAnswer(asker.lastFault) : error;
    } finally {
      leave(asker);
    }
  };
}

function questionsOf<Question, Answer>(askers: ReadonlySet<Asker<Question, Answer>>): Question[] {
  return [...askers].map(({ question }) => question);
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
