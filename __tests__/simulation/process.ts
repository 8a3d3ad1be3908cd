import type { Clock } from '../../src/clock.ts';
import type { Dispatchers } from '../../src/http/connections.ts';
import { createSimulatedNetwork, type NetworkOptions } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A process beside that of the step. */
export interface SimulatedProcess {
  readonly clock: Clock;
  readonly dispatchers: Dispatchers;
  /** SIGKILL: nothing happens in it from then on. Requests that are on their way still arrive. */
  kill(): void;
}

interface ProcessOptions extends Pick<NetworkOptions, 'deliveryOf' | 'departs' | 'answer'> {
  readonly time: VirtualTime;
}

export function startProcess({ time, ...network }: ProcessOptions): SimulatedProcess {
  let isKilled = false;
  const never = new Promise<never>(() => {});
  return {
    clock: {
      now: time.now,
      async sleep(ms, signal) {
        await time.clock.sleep(ms, signal);
        if (isKilled) await never;
      },
    },
    dispatchers: createSimulatedNetwork({
      ...network,
      now: time.now,
      after: (afterMs, run) => time.at(time.now() + afterMs, run),
      afterAtProcess: (afterMs, run) =>
        time.at(time.now() + afterMs, () => {
          if (!isKilled) run();
        }),
    }),
    kill() {
      isKilled = true;
    },
  };
}
