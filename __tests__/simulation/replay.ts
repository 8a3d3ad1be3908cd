import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { brokenGuarantees } from './guarantees.ts';
import type { StepRecord } from './record.ts';
import { type RunOptions, runOnce } from './run.ts';
import type { Scenario } from './scenario.ts';
import { differences, shrink } from './shrink.ts';

export interface SeedResult {
  readonly seed: number;
  /** Undefined if the step hung or threw. */
  readonly run: StepRecord | undefined;
  /** In words; empty if all were kept. */
  readonly broken: readonly string[];
}

/** Runs a seed and checks every guarantee. Never throws: a step that hangs or throws breaks a guarantee. */
export async function checkSeed(seed: number, options: RunOptions = {}): Promise<SeedResult> {
  try {
    const run = await runOnce(seed, options);
    return { seed, run, broken: brokenGuarantees(run) };
  } catch (error) {
    return { seed, run: undefined, broken: [`it neither hangs nor throws: ${error}`] };
  }
}

/** Describes a broken guarantee by the smallest scenario that breaks it, and what happens in it, moment by moment. */
export async function describeFailure(
  { seed, broken }: SeedResult,
  { isFleet = false, isPool = false }: Pick<RunOptions, 'isFleet' | 'isPool'> = {},
): Promise<string> {
  const replay = (scenario: Scenario) => checkSeed(seed, { change: () => scenario });
  const isSame = async (scenario: Scenario) => {
    const again = await replay(scenario);
    return again.broken.some((one) => broken.includes(one));
  };
  let drawn: Scenario | undefined;
  await checkSeed(seed, {
    ...{ isFleet, isPool },
    change: (scenario) => {
      drawn = scenario;
      return scenario;
    },
  });
  if (drawn === undefined) return `seed ${seed}: ${broken.join('; ')}`;
  const smallest = await shrink(drawn, isSame);
  const timeline: string[] = [];
  const { broken: stillBroken } = await checkSeed(seed, {
    change: () => smallest,
    log: (line) => timeline.push(line),
  });
  return [
    `seed ${seed}: ${broken.join('; ')}`,
    `the smallest scenario that breaks it (${stillBroken.join('; ')}):`,
    ...Object.entries(differences(smallest)).map(([path, value]) => `  ${path}: ${JSON.stringify(value)}`),
    `for kept-worlds.json: ${JSON.stringify({ about: '...', seed, vms: smallest.vms.length, scenario: differences(smallest) })}`,
    ...timeline,
  ].join('\n');
}

/** Plays this many fresh worlds in other processes. @returns what `npm run simulate` printed */
export async function simulateFresh(runs: number, ...flags: readonly string[]): Promise<string> {
  const counts = ['--runs', String(runs), '--seed', String(randomInt(2 ** 31)), '--jobs', '2'];
  const simulate = ['__tests__/simulation/main.ts', ...counts, ...flags];
  const { stdout } = await promisify(execFile)(process.execPath, simulate).catch((error) => error);
  return stdout;
}
