/** Below this, a room's tests notice too little. */
export const LEAST_PERCENT = 95;

/** A mistake that was planted, and what became of it, as Stryker tells it. */
export interface Mutant {
  readonly status: string;
}

export interface Score {
  readonly room: string;
  /** A test failed. */
  readonly killed: number;
  /** The tests did not end: an endless loop, most often; on a busy machine, it may have been slowness alone. */
  readonly timedOut: number;
  /** No test failed, or there is none that reaches it. */
  readonly survived: number;
  /** Killed and timed out, of all. */
  readonly percent: number;
  /** The same, if all that timed out had survived. */
  readonly percentKilled: number;
}

/** Counts what became of a room's mutants; those that cannot even run count for nothing. Pure. */
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
    return [...cells, `${percent.toFixed(1)} %`, `${percentKilled.toFixed(1)} %`].join(' | ');
  });
  const head = [
    'room | mutants | killed | timed out | survived | score | without time-outs',
    Array(7).fill('---').join(' | '),
  ];
  return [...head, ...rows].map((row) => `| ${row} |\n`).join('');
}
