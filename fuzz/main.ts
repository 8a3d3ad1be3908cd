import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { anyAnswers, anyInputs } from './properties.ts';

/** `npm run fuzz -- --cases N --seed S`: the real step against whatever it might be asked or answered. */
const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    path: { type: 'string' },
  },
});
const PROPERTIES = { answers: anyAnswers, inputs: anyInputs };
const numRuns = Number(values.cases ?? 100_000);
const seed = Number(values.seed ?? randomInt(2 ** 31));

for (const [name, property] of Object.entries(PROPERTIES)) {
  if (values.only === undefined || values.only === name) await fuzz(name, property);
}

async function fuzz(name: string, property: typeof anyAnswers): Promise<void> {
  console.log(`${name}: ${numRuns} cases from seed ${seed}`);
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const startedAt = performance.now();
  const details = await fc.check(
    property(({ outcome: { restarted, error } }) => count(`${restarted} ${error?.code ?? ''}`)),
    { numRuns, seed, includeErrorInReport: true, ...(values.path !== undefined && { path: values.path }) },
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
