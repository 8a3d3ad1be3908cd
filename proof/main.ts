import { parseArgs } from 'node:util';
import { brokenPromises } from './check.ts';
import { runOnce } from './run.ts';

/** `npm run simulate -- --runs N --seed S`: the real step in simulated worlds, judged by its promises. */
const { values } = parseArgs({
  options: { runs: { type: 'string' }, seed: { type: 'string' }, show: { type: 'boolean' } },
});
const runs = Number(values.runs ?? 1_000);
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));

const outcomes = new Map<string, number>();
const faults = new Map<string, number>();
const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
let broken = 0;
const startedAt = performance.now();
for (let index = 0; index < runs; index++) {
  const run = await runOnce((first + index) >>> 0);
  count(outcomes, `${run.outcome.restarted} ${run.outcome.error?.code ?? ''}`.trim());
  for (const fault of run.faults) count(faults, fault);
  const promises = brokenPromises(run);
  if (values.show) console.log([...run.timeline, '', run.written].join('\n'));
  if (promises.length === 0) continue;
  broken++;
  console.log(`seed ${run.seed}: ${promises.join('; ')}`);
}
const seconds = (performance.now() - startedAt) / 1_000;
console.log(
  `\n${runs} runs from seed ${first} in ${seconds.toFixed(1)} s: ${Math.round(runs / seconds)} a second`,
);
for (const [title, counts] of [
  ['outcomes', outcomes],
  ['faults that happened, by runs', faults],
] as const) {
  console.log(`\n${title}`);
  for (const [key, number] of [...counts].sort((a, b) => b[1] - a[1]))
    console.log(`${String(number).padStart(8)}  ${key}`);
}
console.log(`\n${runs - broken} kept every promise, ${broken} did not`);
process.exitCode = broken === 0 ? 0 : 1;
