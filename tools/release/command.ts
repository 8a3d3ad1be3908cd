import { spawnSync } from 'node:child_process';

/** A program on this machine. */
export interface Command {
  /** @returns its output. @throws Error with its error output if it fails. */
  run(args: readonly string[]): string;
  /** For a question whose answer can be no. @returns undefined if the program fails. */
  tryToRun(args: readonly string[]): string | undefined;
}

export function commandOf(program: string): Command {
  const attempt = (args: readonly string[]) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
    if (error !== undefined) throw new Error(`${program} cannot be run`, { cause: error });
    return { isDone: status === 0, stdout: stdout.trim(), stderr };
  };
  return {
    run(args) {
      const { isDone, stdout, stderr } = attempt(args);
      if (!isDone) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
      return stdout;
    },
    tryToRun(args) {
      const { isDone, stdout } = attempt(args);
      return isDone ? stdout : undefined;
    },
  };
}
