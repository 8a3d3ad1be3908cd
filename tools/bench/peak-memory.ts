/**
 * Preloaded into a process, it prints the most memory that the process had, in KiB, as Linux counts it: `VmHWM`. What `getrusage` calls
 * the most may be that of the process which started it. That is all there is on other systems.
 */
export const TELL_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  const status = '/proc/self/status';
  process.on('exit', () => {
    const lines = process.platform === 'linux' ? readFileSync(status, 'utf8') : '';
    console.log('peak', /^VmHWM:\\s+(\\d+)/m.exec(lines)?.[1] ?? process.resourceUsage().maxRSS);
  });`)}`;

/** The same for a process that has arguments of its own. */
export const TELLING_PEAK = { NODE_OPTIONS: `--import ${TELL_PEAK}` };

/** In what such a process printed. */
export function peakMibIn(log: string): number {
  return Number(/^peak (\d+)$/m.exec(log)?.[1]) / 1_024;
}
