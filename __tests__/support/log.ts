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
