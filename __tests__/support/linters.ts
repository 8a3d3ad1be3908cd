import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** A program of another project that checks this one. */
type Linter = 'act' | 'actionlint' | 'shellcheck' | 'zizmor';

/** Where `tools/linters/install` put it. @throws Error if it is not installed. */
export function pathOf(linter: Linter): string {
  const path = resolve('.linters/bin', linter);
  if (!existsSync(path)) throw new Error(`${linter} is not installed: run tools/linters/install`);
  return path;
}

export interface Result {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a linter. @throws Error if it cannot be started, or is killed. */
export async function runLinter(
  linter: Linter,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Result> {
  const limits = { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' as const };
  return new Promise((resolve, reject) => {
    execFile(pathOf(linter), [...args], { ...limits, ...options }, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
      else reject(new Error(`${linter} was killed`, { cause: error }));
    });
  });
}
