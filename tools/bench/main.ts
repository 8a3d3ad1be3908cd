import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../../simulator/command-line.ts';
import { seconds } from '../../src/clock.ts';
import { MOST_VMS } from '../../src/fleet/targets.ts';
import { drawCumulative, drawDelayAgainstRequests, drawFleets, drawOutOfService } from './charts.ts';
import { measureCrowds } from './crowds.ts';
import { measureDrainedPools, tableOfDrainedPools } from './drained-pool.ts';
import { tableOfFleets } from './fleet-table.ts';
import { measureFleets } from './fleets.ts';
import { measureOutOfService, tableOfOutOfService } from './out-of-service.ts';
import { measureProcess, type ProcessFigures, playInRealTime } from './process.ts';
import { type Result, simulateAll } from './simulate.ts';
import { type Summary, summarize } from './statistics.ts';

const USAGE = `Measures the figures in docs/internals/speed.md, and prints them.

Usage: npm run bench -- [options]

  --full          10,000 worlds per model instead of 1,000, and five times as many fleets
  --fleets        only fleets
  --between-jobs  only the time out of service between two jobs, and drained pools
  --crowds        only 2,000 VMs at the same time, over HTTP and over TLS
  --write         also write tools/bench/results.json and the charts
  --seed S        the first seed (default 1)`;

const { firstSeed, runs, fleetRepeats, only, writes } = readOptions(
  USAGE,
  {
    full: { type: 'boolean' },
    fleets: { type: 'boolean' },
    'between-jobs': { type: 'boolean' },
    crowds: { type: 'boolean' },
    write: { type: 'boolean' },
    seed: { type: 'string' },
  },
  (
    { full = false, fleets = false, 'between-jobs': betweenJobs = false, crowds = false, write = false },
    number,
  ) => ({
    firstSeed: number('seed', 1, { min: 0, max: 2 ** 31 }),
    runs: full ? 10_000 : 1_000,
    fleetRepeats: full ? 5 : 1,
    only: { fleets, betweenJobs, crowds },
    writes: write,
  }),
);
const REAL_TIME_SEEDS = [1, 2, 3, 4, 5];
const ROUNDS = 25;
const BETWEEN_JOBS_RUNS = 50;
const DRAINED_POOLS = 5;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const measured = { date: new Date().toISOString().slice(0, 10), node: process.version, firstSeed };

const isAll = !Object.values(only).includes(true);
if (isAll) await measureOneVm();
if (isAll || only.betweenJobs) await measureBetweenJobs();
if (isAll || only.fleets) await measureAllFleets();
if (isAll || only.crowds) await measureAllCrowds();

async function measureOneVm(): Promise<void> {
  const entryBytes = (await stat(here('../../dist/index.js'))).size;
  const distBytes = await sizeOfScripts(here('../../dist'));
  console.log('Starting, ending, memory ...');
  const ofProcess = await measureProcess(ROUNDS);
  console.log('Five restarts in real time ...');
  const inRealTime = summarize(await playInRealTime(REAL_TIME_SEEDS));
  console.log(`${runs} simulated restarts per model and policy ...`);
  const startedAt = performance.now();
  const results = await simulateAll({ firstSeed, runs });
  const tookSeconds = Math.round((performance.now() - startedAt) / 1_000);

  printResults(results);
  printRealTime(results[0], inRealTime);
  printProcess(ofProcess, { entryBytes, distBytes });
  if (!writes) return;
  const simulated = results.map(({ percentilesMs, ...result }) => result);
  const sizes = { entryBytes, distBytes };
  await keep({
    ...{ ...measured, runs, tookSeconds, ...sizes },
    ...{ process: ofProcess, realTime: inRealTime, simulated },
  });
  await keepChart('delay-and-requests', drawDelayAgainstRequests(results));
  await keepChart('cumulative-delay', drawCumulative(results));
}

async function measureBetweenJobs(): Promise<void> {
  const results = await measureOutOfService(firstSeed, BETWEEN_JOBS_RUNS);
  console.log(`\n${tableOfOutOfService(results)}\n`);
  const drained = await measureDrainedPools(firstSeed, DRAINED_POOLS);
  console.log(`${tableOfDrainedPools(drained)}\n`);
  if (!writes) return;
  await keep({ outOfService: { ...measured, results }, drainedPools: { ...measured, results: drained } });
  await keepChart('out-of-service', drawOutOfService(results));
}

async function measureAllFleets(): Promise<void> {
  console.log('Fleets of up to 1,000 VMs ...');
  const results = await measureFleets(firstSeed, fleetRepeats);
  console.log(tableOfFleets(results));
  if (!writes) return;
  await keep({ fleets: { ...measured, results } });
  await keepChart('fleets', drawFleets(results));
}

async function measureAllCrowds(): Promise<void> {
  console.log(`${MOST_VMS} VMs at the same time, in real time ...`);
  const results = await measureCrowds(MOST_VMS);
  for (const { scheme, restarted, wallMs, cpuMs, peakMib } of results)
    console.log(
      `${scheme}: ${restarted} restarted in ${seconds(wallMs)}, ${seconds(cpuMs)} of CPU time, ${peakMib.toFixed(0)} MiB`,
    );
  if (writes) await keep({ crowds: { ...measured, results } });
}

/** Replaces this part of the file and keeps the others. */
async function keep(part: Readonly<Record<string, unknown>>): Promise<void> {
  const kept: Record<string, unknown> = JSON.parse(await readFile(here('results.json'), 'utf8'));
  await writeFile(here('results.json'), inRows({ ...kept, ...part }));
}

async function keepChart(name: string, svg: string): Promise<void> {
  await mkdir(here('../../docs/charts'), { recursive: true });
  await writeFile(here(`../../docs/charts/${name}.svg`), svg);
}

/** The size of all files that Node may load from there, in bytes. */
async function sizeOfScripts(folder: string): Promise<number> {
  const scripts = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const files = await Promise.all(scripts.map((name) => stat(`${folder}/${name}`)));
  return files.reduce((sum, { size }) => sum + size, 0);
}

function printResults(all: readonly Result[]): void {
  const widths = [34, 22, 11, 9, 10, 16];
  const line = (...cells: readonly string[]) =>
    console.log(cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(''));
  line('model', 'policy', 'median ms', 'p95 ms', 'requests', 'median, p95, requests of "every second"');
  for (const result of all) {
    const { model, policy, medianMs, p95Ms, requests } = result;
    const plain = all.find((other) => other.model === model && other.policy === 'every second') ?? result;
    const ratios = [medianMs / plain.medianMs, p95Ms / plain.p95Ms, requests / plain.requests].map((ratio) =>
      ratio.toFixed(2),
    );
    line(model, policy, medianMs.toFixed(0), p95Ms.toFixed(0), requests.toFixed(2), ratios.join('  '));
  }
}

function printRealTime(simulated: Result | undefined, { runs: times, medianMs, requests }: Summary): void {
  console.log(
    `\nIn real time, ${times} restarts: median ${medianMs.toFixed(0)} ms, ${requests.toFixed(1)} requests; simulated: ${simulated?.medianMs.toFixed(0)} ms, ${simulated?.requests.toFixed(1)} requests`,
  );
}

interface Sizes {
  readonly entryBytes: number;
  readonly distBytes: number;
}

function printProcess(
  { bareMs, firstByteMs, bareMib, peakMib, exitMs }: ProcessFigures,
  { entryBytes, distBytes }: Sizes,
): void {
  console.log(`First byte of the first request after ${firstByteMs.toFixed(0)} ms: ${(firstByteMs / bareMs).toFixed(2)} times node -e 0 (${bareMs.toFixed(0)} ms)
Peak memory ${peakMib.toFixed(0)} MiB: ${(peakMib / bareMib).toFixed(2)} times node -e 0 (${bareMib.toFixed(0)} MiB)
End of the process ${exitMs.toFixed(0)} ms after the verdict
Entry of the bundle: ${(entryBytes / 1e6).toFixed(2)} MB; with all that it may load: ${(distBytes / 1e6).toFixed(2)} MB`);
}

/** JSON with one row of a table per line. */
function inRows(results: object): string {
  const json = JSON.stringify(results, rounded, 2);
  return `${json.replace(/\{[^{}[\]]*\}/g, (row) => row.replace(/\s+/g, ' '))}\n`;
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
