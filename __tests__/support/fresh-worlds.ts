import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

/** Runs so many worlds that nobody has seen, and resolves to what the simulation printed. */
export async function simulateFresh(runs: number): Promise<string> {
  const first = randomInt(2 ** 31);
  const simulate = [
    '__tests__/simulation/main.ts',
    '--runs',
    String(runs),
    '--seed',
    String(first),
    '--jobs',
    '2',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, simulate).catch((error) => error);
  return stdout;
}
