/** The lowest score that passes. */
export const LEAST_PERCENT = 95;

/** A mistake, and what happened to it, as Stryker reports it. */
export interface Mutant {
  readonly status: string;
}

export interface Score {
  readonly room: string;
  /** A test failed. */
  readonly killed: number;
  /** The tests did not end: mostly endless loops; on a busy machine, some may only be slow. */
  readonly timedOut: number;
  /** No test failed, or no test reaches it. */
  readonly survived: number;
  /** The share of killed and timed-out mutants. */
  readonly percent: number;
  /** The same, as if all timed-out mutants had survived. */
  readonly percentKilled: number;
}

/** Counts a room's mutants by what happened to them, without those that cannot run. */
export function scoreOf(room: string, mutants: readonly Mutant[]): Score {
  const count = (...statuses: readonly string[]) =>
    mutants.filter(({ status }) => statuses.includes(status)).length;
  const [killed, timedOut, survived] = [count('Killed'), count('Timeout'), count('Survived', 'NoCoverage')];
  const all = killed + timedOut + survived;
  const share = (part: number) => (all === 0 ? 100 : (100 * part) / all);
  return {
    ...{ room, killed, timedOut, survived },
    ...{ percent: share(killed + timedOut), percentKilled: share(killed) },
  };
}

/** A table in Markdown. */
export function describeScores(scores: readonly Score[]): string {
  const rows = scores.map(({ room, killed, timedOut, survived, percent, percentKilled }) => {
    const cells = [room, killed + timedOut + survived, killed, timedOut, survived];
    return [...cells, `${percent.toFixed(1)}%`, `${percentKilled.toFixed(1)}%`].join(' | ');
  });
  const head = [
    'room | mutants | killed | timed out | survived | score | without timeouts',
    Array(7).fill('---').join(' | '),
  ];
  return [...head, ...rows].map((row) => `| ${row} |\n`).join('');
}
