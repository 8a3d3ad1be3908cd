// Many callers, one request. A call joins the batch that starts next, so each caller gets an answer that was requested after its call. Only one
// batch is in progress at a time. Each caller has its own deadline and signal; a batch continues as long as any of its callers waits.

import { type Clock, isTimeout, within } from '../clock.ts';
import type { ActionError } from '../errors.ts';
import type { Fault, RetryBounds } from '../http/retry.ts';

export interface CoalescingOptions<Question, Answer> {
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** How long to wait before the next batch, given the current calls and the time of the previous batch: in milliseconds. */
  readonly pauseMs: (questions: readonly Question[], previous: BatchTimes | undefined) => number;
  /** Sends one request that answers all these questions. */
  readonly ask: (questions: readonly Question[], bounds: RetryBounds) => Promise<Answer>;
  /** Called once for each fault, however many callers wait. */
  readonly onFault: (fault: Fault) => void;
  /** The error for a caller whose deadline comes before the answer. */
  readonly noAnswer: (last: Fault | undefined) => ActionError;
}

/** When a batch began and ended, in milliseconds on the clock's scale. */
interface BatchTimes {
  readonly beganAt: number;
  readonly endedAt: number;
}

/** The pause for batches that start `everyMs` apart; a longer batch is followed by an equally long pause. The first one starts at once. */
export function spacing(everyMs: number, previous: BatchTimes | undefined, now: number): number {
  if (previous === undefined) return 0;
  const { beganAt, endedAt } = previous;
  return Math.max(0, Math.max(beganAt + everyMs, endedAt + (endedAt - beganAt)) - now);
}

interface Asker<Question, Answer> {
  readonly question: Question;
  readonly bounds: RetryBounds;
  readonly answer: PromiseWithResolvers<Answer>;
  lastFault: Fault | undefined;
}

/** @returns a function that asks one question. It throws the error of the request, `noAnswer` at its deadline, or its signal's reason. */
export function coalesce<Question, Answer>(
  options: CoalescingOptions<Question, Answer>,
): (question: Question, bounds: RetryBounds) => Promise<Answer> {
  const batches = new Batches(options);
  return (question, bounds) => batches.ask(question, bounds);
}

class Batches<Question, Answer> {
  readonly #options: CoalescingOptions<Question, Answer>;
  /** The callers of the next batch. */
  readonly #waiting = new Set<Asker<Question, Answer>>();
  /** The callers of the batch in progress. */
  readonly #asking = new Set<Asker<Question, Answer>>();
  /** Ends the batch in progress. */
  #stop = new AbortController();
  #previous: BatchTimes | undefined;
  #isAtWork = false;

  constructor(options: CoalescingOptions<Question, Answer>) {
    this.#options = options;
  }

  async ask(question: Question, bounds: RetryBounds): Promise<Answer> {
    const { clock, noAnswer } = this.#options;
    const answer = Promise.withResolvers<Answer>();
    const asker: Asker<Question, Answer> = { question, bounds, answer, lastFault: undefined };
    try {
      return await within(clock, { ms: bounds.deadline - clock.now(), signal: bounds.signal }, () => {
        this.#waiting.add(asker);
        void this.#work();
        return answer.promise;
      });
    } catch (error) {
      throw isTimeout(error) ? noAnswer(asker.lastFault) : error;
    } finally {
      this.#leave(asker);
    }
  }

  async #work(): Promise<void> {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    const { clock, signal, pauseMs } = this.#options;
    while (this.#waiting.size > 0) {
      // After a cancellation, no request is sent: each caller's own signal ends its wait.
      await clock
        .sleep(pauseMs(questionsOf(this.#waiting), this.#previous), signal)
        .catch(() => this.#waiting.clear());
      if (this.#waiting.size > 0) await this.#askForAll();
    }
    this.#isAtWork = false;
  }

  async #askForAll(): Promise<void> {
    const { clock, signal, ask } = this.#options;
    this.#stop = new AbortController();
    for (const asker of this.#waiting) this.#asking.add(asker);
    this.#waiting.clear();
    const beganAt = clock.now();
    const bounds = {
      deadline: Math.max(...[...this.#asking].map(({ bounds: { deadline } }) => deadline)),
      signal: AbortSignal.any([signal, this.#stop.signal]),
      onFault: (fault: Fault) => this.#passOn(fault),
    };
    try {
      const answer = await ask(questionsOf(this.#asking), bounds);
      for (const asker of this.#asking) asker.answer.resolve(answer);
    } catch (error) {
      for (const asker of this.#asking) asker.answer.reject(error);
    }
    this.#asking.clear();
    this.#previous = { beganAt, endedAt: clock.now() };
  }

  /** Goes to the callers of this batch, and to those of the next one, which it delays. */
  #passOn(fault: Fault): void {
    this.#options.onFault(fault);
    for (const asker of [...this.#asking, ...this.#waiting]) {
      asker.lastFault = fault;
      asker.bounds.onFault?.({ ...fault, isLogged: true });
    }
  }

  #leave(asker: Asker<Question, Answer>): void {
    this.#waiting.delete(asker);
    if (this.#asking.delete(asker) && this.#asking.size === 0) this.#stop.abort();
  }
}

function questionsOf<Question, Answer>(askers: ReadonlySet<Asker<Question, Answer>>): Question[] {
  return [...askers].map(({ question }) => question);
}
