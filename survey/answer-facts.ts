import type { Call, Exchange, SeenAnswer, Series } from './notebook.ts';
import { median } from './sightings.ts';

/** What came of the questions of one kind; times in milliseconds. */
export interface AnswerFacts {
  readonly call: Call;
  readonly asked: number;
  readonly medianMs: number | undefined;
  readonly longestMs: number | undefined;
  readonly largestBytes: number;
  /** How often which HTTP status came, and how often there was no answer. */
  readonly statuses: Readonly<Record<string, number>>;
}

const CALLS: readonly Call[] = ['status', 'list', 'one', 'unknown', 'nodes', 'handshake', 'restart'];

/** Of each kind of question that was asked, but for a stranger's. */
export function answersOf(exchanges: readonly Exchange[]): AnswerFacts[] {
  return CALLS.flatMap((call) => {
    // A new connection takes its time: that is not the answer's.
    const asked = exchanges.filter((one) => one.call === call && one.series !== 'stranger');
    const usual = asked.filter(({ answer, series }) => answer !== undefined && !series.startsWith('new'));
    const tookMs = usual.map(({ askedAt, answeredAt }) => answeredAt - askedAt);
    if (asked.length === 0) return [];
    return {
      call,
      asked: asked.length,
      medianMs: median(tookMs),
      longestMs: tookMs.length === 0 ? undefined : Math.max(...tookMs),
      largestBytes: Math.max(...asked.map(({ answer }) => answer?.bytes ?? 0)),
      statuses: tallyOf(asked),
    };
  });
}

function tallyOf(exchanges: readonly Exchange[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const { answer } of exchanges) {
    const status = answer === undefined ? 'no answer' : `HTTP ${answer.status}`;
    tally[status] = (tally[status] ?? 0) + 1;
  }
  return tally;
}

/** How the controller says no. */
export interface Refusal {
  readonly status: number;
  readonly envelope: SeenAnswer['envelope'];
}

/** The last answer to such a question; undefined where there was none. */
export function refusalTo(
  exchanges: readonly Exchange[],
  call: Call,
  series: Series = 'looks',
): Refusal | undefined {
  const answer = lastAnswer(exchanges, call, series);
  return answer && { status: answer.status, envelope: answer.envelope };
}

export function lastAnswer(
  exchanges: readonly Exchange[],
  call: Call,
  series: Series = 'looks',
): SeenAnswer | undefined {
  return exchanges.findLast((one) => one.call === call && one.series === series && one.answer)?.answer;
}

/** Whether `?id=` is answered with the one instance, or with the whole list; undefined where it was not asked for, or refused. */
export function isIdHonoured(exchanges: readonly Exchange[]): boolean | undefined {
  const answer = lastAnswer(exchanges, 'one');
  return answer?.envelope === 'OK' ? !answer.isList : undefined;
}

/** How large the list is. */
export interface ListFacts {
  readonly instances: number;
  readonly withVms: number;
  readonly nodes: number;
  readonly bytes: number;
  readonly unreadable: number;
  /** Running VMs whose start_date is none: a restart of theirs could not be proved. */
  readonly runningWithoutDate: number;
}

export function listOf(exchanges: readonly Exchange[]): ListFacts | undefined {
  const answer = exchanges.findLast(
    ({ call, answer: one }) => call === 'list' && one?.envelope === 'OK',
  )?.answer;
  if (answer === undefined) return undefined;
  const { instances, bytes, unreadable } = answer;
  const running = instances.filter(({ status }) => status === 'running');
  return {
    instances: instances.length + unreadable,
    withVms: instances.filter(({ status }) => status !== undefined).length,
    nodes: new Set(instances.flatMap(({ nodeId }) => nodeId ?? [])).size,
    bytes,
    unreadable,
    runningWithoutDate: running.filter(({ startDate }) => startDate === undefined).length,
  };
}
