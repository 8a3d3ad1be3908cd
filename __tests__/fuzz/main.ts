import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { readOptions } from '../../simulator/command-line.ts';
import { theOnlyVm } from '../../src/fleet/step-outcome.ts';
import { anyAnswers, anyInputs } from './properties.ts';

const USAGE = `Runs the real step with hostile inputs and answers, and checks that it ends in time and leaks nothing.

Usage: npm run fuzz -- [options]

  --cases N     cases for each property (default 100000)
  --seed S      seed of the cases (default: random)
  --only NAME   one property: answers or inputs
  --path P      with --seed: replay the case that a failure names`;

const PROPERTIES = { answers: anyAnswers, inputs: anyInputs };
const MOST = 2 ** 31;
const TEXT = { type: 'string' } as const;
const { cases, seed, only, path } = readOptions(
  USAGE,
  { cases: TEXT, seed: TEXT, only: TEXT, path: TEXT },
  (values, number) => {
    if (values.only !== undefined && !(values.only in PROPERTIES))
      throw new Error('--only takes answers or inputs');
    return {
      cases: number('cases', 100_000, { min: 1, max: MOST }),
      seed: number('seed', randomInt(MOST), { min: 0, max: MOST }),
      only: values.only,
      path: values.path,
    };
  },
);

for (const [name, property] of Object.entries(PROPERTIES)) {
  if (only === undefined || only === name) await fuzz(name, property);
}

async function fuzz(name: string, property: typeof anyAnswers): Promise<void> {
  console.log(`${name}: ${cases} cases from seed ${seed}`);
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const startedAt = performance.now();
  const details = await fc.check(
    property(({ outcome }) => {
      const several = outcome.vms.length > 1 ? 'several VMs' : undefined;
      count(`${several ?? theOnlyVm(outcome)?.restarted ?? 'no VM'} ${outcome.error?.code ?? ''}`);
    }),
    { numRuns: cases, seed, includeErrorInReport: true, ...(path !== undefined && { path }) },
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`${seconds.toFixed(1)} s: ${Math.round(details.numRuns / seconds)} a second`);
  for (const [outcome, number] of [...outcomes].sort((a, b) => b[1] - a[1]))
    console.log(`${String(number).padStart(8)}  ${outcome}`);
  if (!details.failed) return;
  process.exitCode = 1;
  console.log(await fc.asyncDefaultReportMessage(details));
  console.log(`npm run fuzz -- --only ${name} --seed ${seed} --path ${details.counterexamplePath}`);
}
