import { EOL } from 'node:os';
import { jest } from '@jest/globals';

/** Collects what is written to stdout while a test runs: what a runner would read. */
export function captureStdout(): { lines: () => string[] } {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  return { lines: () => text.split(EOL).filter((line) => line !== '') };
}

/** A log that keeps its lines. */
export function keepLog() {
  const [lines, details, warnings]: [string[], string[], string[]] = [[], [], []];
  const into = (kept: string[]) => (line: string) => void kept.push(line);
  return {
    lines,
    details,
    warnings,
    log: { info: into(lines), debug: into(details), warning: into(warnings) },
  };
}
