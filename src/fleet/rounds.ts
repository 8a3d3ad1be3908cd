import { type Clock, within } from '../clock.ts';
import type { ActionError } from '../errors.ts';
import type { Fault, RetryBounds } from '../http/retry.ts';

// Many ask, one question is asked:
//
// 1. Who asks joins those that wait. A round begins with all that wait by then, so each gets an answer that was asked for after it
//    asked itself. Who comes later waits for the next round.
// 2. Rounds begin some time apart. One that took long is followed by as long a pause.
// 3. Each asker has a deadline and a signal of its own. A round goes on for as long as anybody waits for it.

export interface RoundsOptions<Question, Answer> {
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** From the beginning of a round to that of the next, given what is asked now: in milliseconds. */
  readonly everyMs: (questions: readonly Question[]) => number;
  /** How long a round waits for others to join it: in milliseconds, 0 if absent. */
  readonly gatherMs?: number;
  /** Whether a round begins even while another one is under way. */
  readonly overlaps?: boolean;
  /** One question that serves all of these. */
  readonly ask: (questions: readonly Question[], bounds: RetryBounds) => Promise<Answer>;
  /** Told of each fault once, however many wait. */
  readonly onFault: (fault: Fault) => void;
  /** What it means that no answer came in time. */
  readonly unanswered: (last: Fault | undefined) => ActionError;
}

/** Gathers questions that one answer serves. */
export interface Rounds<Question, Answer> {
  /** @throws ActionError what the question came to; transient where the time was over. The signal's reason. */
  ask(question: Question, bounds: RetryBounds): Promise<Answer>;
}

interface Asker<Question, Answer> {
  readonly question: Question;
  readonly bounds: RetryBounds;
  readonly answer: PromiseWithResolvers<Answer>;
  lastFault: Fault | undefined;
}

/** Those who wait for one answer, and what breaks it off once the last of them has gone. */
interface Round<Question, Answer> {
  readonly askers: Set<Asker<Question, Answer>>;
  readonly stop: AbortController;
}

/** Moments are milliseconds on the clock's scale. */
interface LastRound {
  readonly beganAt: number;
  readonly endedAt: number;
}

export function createRounds<Question, Answer>(
  options: RoundsOptions<Question, Answer>,
): Rounds<Question, Answer> {
  const { clock, signal, everyMs, gatherMs = 0, overlaps = false } = options;
  const waiting = new Set<Asker<Question, Answer>>();
  const underWay = new Set<Round<Question, Answer>>();
  let last: LastRound | undefined;
  let isAtWork = false;

  async function work(): Promise<void> {
    if (isAtWork) return;
    isAtWork = true;
    while (waiting.size > 0) {
      // Those who ask in the same moment ask together. Where this is cancelled, each asker has a signal that says so.
      await clock.sleep(pauseMs(), signal).catch(() => waiting.clear());
      const ended = playRound();
      if (!overlaps) await ended;
    }
    isAtWork = false;
  }

  function pauseMs(): number {
    if (last === undefined) return gatherMs;
    const { beganAt, endedAt } = last;
    const every = everyMs(questionsOf(waiting));
    const asLong = every === 0 ? 0 : endedAt - beganAt;
    return Math.max(gatherMs, Math.max(beganAt + every, endedAt + asLong) - clock.now());
  }

  async function playRound(): Promise<void> {
    const round = { askers: new Set(waiting), stop: new AbortController() };
    waiting.clear();
    if (round.askers.size === 0) return;
    const beganAt = clock.now();
    underWay.add(round);
    try {
      const answer = await options.ask(questionsOf(round.askers), {
        deadline: latestDeadline(round),
        signal: AbortSignal.any([signal, round.stop.signal]),
        onFault(fault) {
          options.onFault(fault);
          // It is what those have to wait for, too, who came later.
          for (const asker of [...round.askers, ...waiting]) tell(asker, fault);
        },
      });
      for (const asker of round.askers) asker.answer.resolve(answer);
    } catch (error) {
      for (const asker of round.askers) asker.answer.reject(error);
    }
    underWay.delete(round);
    last = { beganAt, endedAt: clock.now() };
  }

  function leave(asker: Asker<Question, Answer>): void {
    waiting.delete(asker);
    for (const { askers, stop } of underWay) {
      if (askers.delete(asker) && askers.size === 0) stop.abort();
    }
  }

  return {
    async ask(question, bounds) {
      const answer = Promise.withResolvers<Answer>();
      const asker: Asker<Question, Answer> = { question, bounds, answer, lastFault: undefined };
      const limit = { ms: bounds.deadline - clock.now(), signal: bounds.signal };
      try {
        return await within(clock, limit, () => {
          waiting.add(asker);
          void work();
          return answer.promise;
        });
      } catch (error) {
        throw isTimeout(error) ? options.unanswered(asker.lastFault) : error;
      } finally {
        leave(asker);
      }
    },
  };
}

function questionsOf<Question, Answer>(askers: ReadonlySet<Asker<Question, Answer>>): Question[] {
  return [...askers].map(({ question }) => question);
}

function latestDeadline<Question, Answer>({ askers }: Round<Question, Answer>): number {
  return Math.max(...[...askers].map(({ bounds }) => bounds.deadline));
}

function tell<Question, Answer>(asker: Asker<Question, Answer>, fault: Fault): void {
  asker.lastFault = fault;
  asker.bounds.onFault?.({ ...fault, isTold: true });
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
