import { brokenPromises } from './check.ts';
import type { Malice } from './malice.ts';
import { type RunOptions, type RunRecord, runOnce } from './run.ts';
import { differences, shrink } from './shrink.ts';

export interface Judgement {
  readonly seed: number;
  /** Undefined where the step itself never came to an end, or threw. */
  readonly run: RunRecord | undefined;
  /** In words; empty where all were kept. */
  readonly broken: readonly string[];
}

/** Runs a seed and judges it. Never throws: a step that hangs or throws is a broken promise, too. */
export async function judge(seed: number, options: RunOptions = {}): Promise<Judgement> {
  try {
    const run = await runOnce(seed, options);
    return { seed, run, broken: brokenPromises(run) };
  } catch (error) {
    return { seed, run: undefined, broken: [`it neither hangs nor throws: ${error}`] };
  }
}

/** Tells of a broken promise with the least malice that breaks it: what happened, moment by moment. */
export async function explainFailure({ seed, broken }: Judgement): Promise<string> {
  const replay = (malice: Malice) => judge(seed, { change: () => malice });
  const isSame = async (malice: Malice) => {
    const again = await replay(malice);
    return again.broken.some((promise) => broken.includes(promise));
  };
  let drawn: Malice | undefined;
  await judge(seed, {
    change: (malice) => {
      drawn = malice;
      return malice;
    },
  });
  if (drawn === undefined) return `seed ${seed}: ${broken.join('; ')}`;
  const least = await shrink(drawn, isSame);
  const timeline: string[] = [];
  const { broken: stillBroken } = await judge(seed, {
    change: () => least,
    tell: (line) => timeline.push(line),
  });
  return [
    `seed ${seed}: ${broken.join('; ')}`,
    `the least malice that breaks it (${stillBroken.join('; ')}):`,
    ...Object.entries(differences(least)).map(([path, value]) => `  ${path}: ${JSON.stringify(value)}`),
    ...timeline,
  ].join('\n');
}
