import type { Log } from '../restart/context.ts';

/**
 * The log of one VM among many: its name stands in front.
 * @param isQuiet whether what is told is a detail for the time being: hundreds of VMs are looked at before the first is restarted.
 */
export function createVmLog(log: Log, name: string, isQuiet: () => boolean = () => false): Log {
  const named = (line: string) => `${name}: ${line}`;
  return {
    info: (line) => (isQuiet() ? log.debug : log.info)(named(line)),
    debug: (line) => log.debug(named(line)),
    warning: (line) => log.warning(named(line)),
  };
}
