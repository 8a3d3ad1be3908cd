import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type ServerOptions, serve } from '../../simulator/server.ts';
import { type StepOptions, type StepResult, startStep } from '../../simulator/step.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { peakMibIn, TELL_PEAK, TELLING_PEAK } from './peak-memory.ts';
import type { Figures } from './restart.ts';
import { median } from './statistics.ts';

/** The bundle as a process, compared with `node -e 0` in the same minute: milliseconds and MiB. */
export interface ProcessFigures {
  readonly bareMs: number;
  /** From `exec` to the first byte of the first request. */
  readonly firstByteMs: number;
  readonly bareMib: number;
  /** The peak memory of a whole restart. */
  readonly peakMib: number;
  /** From the answer that proves the restart to the end of the process. */
  readonly exitMs: number;
}

const ACTION = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = `${ACTION}/dist/index.js`;

/** Bare Node and the bundle take turns, so that a busy machine slows both. */
export async function measureProcess(rounds: number): Promise<ProcessFigures> {
  const silentPort = await openPort();
  const [bareMs, firstByteMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    bareMs.push(await timeBare());
    firstByteMs.push(await silentPort.timeFirstByte());
  }
  silentPort.close();
  const [bareMib, ends]: [number[], End[]] = [[], []];
  for (let round = 0; round < Math.ceil(rounds / 5); round++) {
    bareMib.push(await peakOfBare());
    ends.push(await restartQuickly());
  }
  return {
    bareMs: median(bareMs),
    firstByteMs: median(firstByteMs),
    bareMib: median(bareMib),
    peakMib: median(ends.map(({ peakMib }) => peakMib)),
    exitMs: median(ends.map(({ exitMs }) => exitMs)),
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', () => resolve());
  });
}

async function timeBare(): Promise<number> {
  const startedAt = performance.now();
  await ended(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }));
  return performance.now() - startedAt;
}

/** A port that records when the first byte arrives, and never answers. */
async function openPort(): Promise<{ timeFirstByte(): Promise<number>; close(): void }> {
  let onByte = () => {};
  const server = createServer((socket) => {
    socket.once('data', () => onByte()).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const env = {
    INPUT_CONTROLLER_URL: `http://127.0.0.1:${port}`,
    INPUT_INSTANCE_ID: 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5',
  };
  async function timeFirstByte(): Promise<number> {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [ENTRY], { stdio: 'ignore', env });
    const ms = await new Promise<number>((resolve, reject) => {
      onByte = () => resolve(performance.now() - startedAt);
      child.once('exit', () => reject(new Error('the step ended without a request')));
    });
    child.removeAllListeners('exit').kill('SIGKILL');
    return ms;
  }
  return { timeFirstByte, close: () => server.close() };
}

// ---- memory and end ----

interface End {
  readonly peakMib: number;
  readonly exitMs: number;
}

async function peakOfBare(): Promise<number> {
  const child = spawn(process.execPath, ['--import', TELL_PEAK, '-e', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await ended(child);
  return peakMibIn(text);
}

/** Short heartbeats, and matching times: in milliseconds. */
export const QUICK = { heartbeatMs: 150, stopMs: 40, startMs: 40, pickUpMs: 20 };

/** The peak memory of the bundle in that world, in MiB. */
export async function peakOf(world: World, inputs: Readonly<Record<string, string>>): Promise<number> {
  const { log, exitCode } = await runStep(world, { inputs, environment: TELLING_PEAK });
  if (exitCode !== 0) throw new Error(`the step failed: ${log}`);
  return peakMibIn(log);
}

/** A restart with short heartbeats, and how it ends. */
async function restartQuickly(): Promise<End> {
  const world = new World({ ...DEFAULT_WORLD, startsAt: Date.now(), seed: 1, ...QUICK });
  const { log, knownAt, endedAt } = await runStep(world, {
    inputs: theFirstOf(world),
    environment: TELLING_PEAK,
  });
  return { peakMib: peakMibIn(log), exitMs: endedAt - knownAt };
}

interface ProcessResult {
  readonly startedAt: number;
  readonly log: string;
  readonly outputs: StepResult['outputs'];
  readonly exitCode: number | null;
  /** When the line with "verified" appeared, and when the process had ended: milliseconds since the Unix epoch. */
  readonly knownAt: number;
  readonly endedAt: number;
  readonly requests: number;
  /** When a report first showed the VM's current state. */
  readonly visibleSince: number;
}

/** The inputs of the step, except the controller's address; and the controller's certificate. */
interface Given extends Pick<StepOptions, 'inputs' | 'environment'> {
  readonly secure?: ServerOptions['secure'];
}

/** The bundle as a process against a simulator; the figures about a VM are about the first. */
export async function runStep(world: World, given: Given): Promise<ProcessResult> {
  const { inputs, environment = {}, secure } = given;
  const simulator = await serve({ world, port: 0, now, ...(secure && { secure }) });
  let knownAt = Number.NaN;
  const startedAt = now();
  const step = await startStep({
    action: ACTION,
    inputs: { controller_url: simulator.url, ...inputs },
    environment,
    onLine: (line) => {
      if (line.startsWith('Restarted and verified')) knownAt = now();
    },
  });
  await ended(step.process);
  const endedAt = now();
  const { log, exitCode, outputs } = await step.finished;
  await simulator.close();
  return {
    ...{ startedAt, outputs },
    log,
    exitCode,
    knownAt,
    endedAt,
    requests: simulator.requests.length,
    visibleSince: world.records[0]?.report?.since ?? Number.NaN,
  };
}

function theFirstOf({ records: [first] }: World): Record<string, string> {
  return { instance_id: first?.instanceId ?? '' };
}

/** Finer than `Date.now()`, on the same scale. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

// ---- in real time ----

/** Restarts in real time, one after another, with the bundle as a process, in the same worlds as the simulated ones. */
export async function playInRealTime(seeds: readonly number[]): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (const seed of seeds) {
    const startsAt = now() - AGE_MS;
    const world = new World({ ...DEFAULT_WORLD, seed, startsAt, vms: 2, nodes: 1, heartbeatJitter: 0 });
    const { knownAt, visibleSince, requests } = await runStep(world, { inputs: theFirstOf(world) });
    figures.push({ delayMs: knownAt - visibleSince, requests });
  }
  return figures;
}

/** How old the world is when the step begins. */
export const AGE_MS = 60_000;
