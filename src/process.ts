import { statSync } from 'node:fs';
import { ActionError, asActionError } from './errors.ts';

/**
 * Turns signals into an abort with the error to report. To cancel a job, the runner sends SIGINT, then SIGTERM, then kills the
 * process: there is time for an accurate report. An uncaught error would end the process without a report on the restart, so it
 * is handled the same way. The listeners stay: a signal must not cut off the report either.
 */
export function cancelOnSignals(): AbortSignal {
  const controller = new AbortController();
  const cancel = (signal: NodeJS.Signals) => {
    controller.abort(new ActionError('cancelled', `The step was canceled (${signal}).`));
  };
  process.on('SIGINT', cancel).on('SIGTERM', cancel);
  process.on('uncaughtException', (error) => {
    // If the report itself failed, the step must not succeed.
    process.exitCode = 1;
    controller.abort(asActionError(error));
  });
  return controller.signal;
}

/**
 * Ends the process after `ms` milliseconds if it does not end by itself. A DNS lookup can delay the exit: it cannot be canceled,
 * and even `process.exit` waits for it. So the process is replaced by one that exits immediately with the same code. `execve` is
 * experimental in Node 24; if it is missing or fails, the process waits for the lookup.
 */
export function endProcessWithin(ms: number): void {
  setTimeout(() => {
    const code = process.exitCode ?? 0;
    const program = [process.execPath, '-e', `process.exit(${code})`];
    try {
      if (process.platform !== 'win32')
        process.execve?.(process.execPath, program, environmentOfNode(process.env));
    } catch {
      // process.exit below waits for the lookup.
    }
    process.exit();
  }, ms).unref();
}

/** Some machines need these to find Node's libraries. NODE_OPTIONS is left out: its preloads would run again. */
const LIBRARY_PATHS = ['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'DYLD_FALLBACK_LIBRARY_PATH'];

function environmentOfNode(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => LIBRARY_PATHS.includes(name)));
}

/** Opening a pipe that no process reads would block forever. So what belongs there is printed, as with older runners. */
export function avoidPipes(warn: (line: string) => void): void {
  for (const [name, content] of [
    ['GITHUB_OUTPUT', 'the outputs are'],
    ['GITHUB_STATE', 'the state is'],
  ] as const) {
    const { [name]: path = '' } = process.env;
    if (!isPipe(path)) continue;
    delete process.env[name];
    warn(`${name} names a pipe, not a file: ${content} printed instead.`);
  }
}

/** A path that cannot be read is not a pipe; if outputs cannot be written there, that is reported later. */
function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false;
  }
}
