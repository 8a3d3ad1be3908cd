import type { StepRecord } from './record.ts';

/** Counts over many runs: plain data, which threads can send to each other. */
export interface Tally {
  runs: number;
  /** By outcome: `restarted` and the error code. */
  readonly outcomes: Map<string, number>;
  /** Runs in which a fault really happened, by its kind. */
  readonly faults: Map<string, number>;
  /** The same for two faults in one run, by `one + other`. */
  readonly pairs: Map<string, number>;
}

export function startTally(): Tally {
  return { runs: 0, outcomes: new Map(), faults: new Map(), pairs: new Map() };
}

/** Counts a run, and the outcome of each of its VMs. */
export function count(tally: Tally, { vms, scenario, faults }: StepRecord): void {
  tally.runs++;
  for (const { outcome } of vms) {
    const said = scenario.step.dryRun ? 'dry run' : (outcome.leftAlone?.why ?? outcome.restarted);
    add(tally.outcomes, `${said} ${outcome.error?.code ?? ''}`.trim(), 1);
  }
  const kinds = [...faults].sort();
  for (const [index, kind] of kinds.entries()) {
    add(tally.faults, kind, 1);
    for (const other of kinds.slice(index + 1)) add(tally.pairs, `${kind} + ${other}`, 1);
  }
}

/** Adds the numbers of the second to the first. */
export function merge(tally: Tally, other: Tally): void {
  tally.runs += other.runs;
  for (const part of ['outcomes', 'faults', 'pairs'] as const) {
    for (const [key, number] of other[part]) add(tally[part], key, number);
  }
}

/** The tally as text, one line each. */
export function describe(
  { outcomes, faults, pairs }: Tally,
  { listsPairs }: { listsPairs: boolean },
): string[] {
  const kinds = [...faults.keys()].sort();
  const possible = kinds.flatMap((kind, index) =>
    kinds.slice(index + 1).map((other) => `${kind} + ${other}`),
  );
  const missing = possible.filter((pair) => !pairs.has(pair));
  return [
    '',
    'outcomes',
    ...inOrder(outcomes),
    '',
    'faults that really happened, by runs',
    ...inOrder(faults),
    '',
    `pairs of faults in one run: ${pairs.size} of ${possible.length}`,
    ...(listsPairs && missing.length > 0 ? [`never together: ${missing.join(', ')}`] : []),
  ];
}

function inOrder(numbers: ReadonlyMap<string, number>): string[] {
  const sorted = [...numbers].sort(([, a], [, b]) => b - a);
  return sorted.map(([key, number]) => `${String(number).padStart(9)}  ${key}`);
}

function add(numbers: Map<string, number>, key: string, number: number): void {
  numbers.set(key, (numbers.get(key) ?? 0) + number);
}
