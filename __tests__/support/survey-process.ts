import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningSimulator, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';
import type { Facts } from '../../survey/facts.ts';
import type { Way } from './ways.ts';

/** Time passes this many times as fast for the survey and the simulator: a minute takes three seconds. */
const TIME_FACTOR = 20;
const FAST_TIME = new URL('../../simulator/fast-time.ts', import.meta.url).href;

/** `npm run survey` as a process, against a simulated controller. */
interface SurveyProcess {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly way?: Way;
  readonly world?: Partial<WorldOptions>;
  /** Restarts the first VM. */
  readonly restarts?: boolean;
  /** Called for each line of progress. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
}

interface EndedProcess {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly simulator: RunningSimulator;
  readonly world: World;
  /** Undefined if none was written. */
  readonly written: { readonly markdown: string; readonly json: string; readonly facts: Facts } | undefined;
}

export async function runSurvey({
  args = [],
  environment = {},
  way = {},
  world: options = {},
  restarts = false,
  onLine = () => {},
}: SurveyProcess): Promise<EndedProcess> {
  const startsAt = Date.now();
  const now = () => startsAt + (Date.now() - startsAt) * TIME_FACTOR;
  const world = new World({ ...DEFAULT_WORLD, startsAt, ...options });
  const { access, secure, replicas } = way;
  const simulator = await serve({
    world,
    port: 0,
    now,
    ...(access && { access }),
    ...(secure && { secure }),
    ...(replicas && { replicas }),
  });
  const folder = mkdtempSync(join(tmpdir(), 'survey-'));
  const out = join(folder, 'report');
  const target = restarts ? ['--instance-id', world.records[0]?.instanceId ?? '', '--restart'] : [];
  const inputs = Object.entries(way.inputs ?? {}).map(([name, value]) => [
    `INPUT_${name.toUpperCase()}`,
    value,
  ]);
  const child = spawn(
    process.execPath,
    [
      '--import',
      FAST_TIME,
      'survey/main.ts',
      '--controller-url',
      way.url?.(simulator.url) ?? simulator.url,
      '--out',
      out,
      ...target,
      ...args,
    ],
    {
      env: {
        PATH: process.env['PATH'],
        TIME_FACTOR: String(TIME_FACTOR),
        // With fast time, a busy machine must not look like a slow network.
        INPUT_REQUEST_TIMEOUT: '10m',
        ...Object.fromEntries(inputs),
        ...way.environment,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = await ending(child, onLine);
  await simulator.close();
  const written = readReport(out);
  rmSync(folder, { recursive: true });
  return { ...ended, simulator, world, written };
}

function ending(child: ChildProcess, onLine: NonNullable<SurveyProcess['onLine']>) {
  return new Promise<Pick<EndedProcess, 'exitCode' | 'stdout' | 'stderr'>>((resolve, reject) => {
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (text) => {
      stdout += text;
    });
    child.stderr?.on('data', (text) => {
      stderr += text;
      onLine(String(text), child);
    });
    child.once('error', reject).once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

function readReport(out: string): EndedProcess['written'] {
  if (!existsSync(`${out}.json`)) return undefined;
  const json = readFileSync(`${out}.json`, 'utf8');
  return { markdown: readFileSync(`${out}.md`, 'utf8'), json, facts: JSON.parse(json).facts };
}
