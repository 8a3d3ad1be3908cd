import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** A program that somebody else wrote, and that judges what this project wrote. */
export type Judge = 'act' | 'actionlint' | 'shellcheck' | 'zizmor';

/** Where `tools/linters/install` put it. @throws Error where it did not. */
export function pathOf(judge: Judge): string {
  const path = resolve('.linters/bin', judge);
  if (!existsSync(path)) throw new Error(`${judge} is not there: run tools/linters/install`);
  return path;
}

export interface Sentence {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a judge to its end. @throws Error where it cannot be started, or is ended from outside. */
export async function ask(
  judge: Judge,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Sentence> {
  const limits = { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' as const };
  return new Promise((resolve, reject) => {
    execFile(pathOf(judge), [...args], { ...limits, ...options }, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
      else reject(new Error(`${judge} did not end by itself`, { cause: error }));
    });
  });
}
