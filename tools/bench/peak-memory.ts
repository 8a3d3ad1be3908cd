/**
 * Preloaded into a process, it prints the peak memory of the process in KiB, as Linux counts it (`VmHWM`), and its CPU time in
 * microseconds. The maximum from `getrusage` may belong to the parent process, but other systems have nothing better.
 */
export const TELL_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  const status = '/proc/self/status';
  process.on('exit', () => {
    const lines = process.platform === 'linux' ? readFileSync(status, 'utf8') : '';
    console.log('peak', /^VmHWM:\\s+(\\d+)/m.exec(lines)?.[1] ?? process.resourceUsage().maxRSS);
    const { user, system } = process.cpuUsage();
    console.log('cpu', user + system);
  });`)}`;

/** The same for a process with its own arguments. */
export const TELLING_PEAK = { NODE_OPTIONS: `--import ${TELL_PEAK}` };

/** Reads the figure from the output of such a process. */
export function peakMibIn(log: string): number {
  return Number(/^peak (\d+)$/m.exec(log)?.[1]) / 1_024;
}

/** The same for the CPU time. */
export function cpuMsIn(log: string): number {
  return Number(/^cpu (\d+)$/m.exec(log)?.[1]) / 1_000;
}
