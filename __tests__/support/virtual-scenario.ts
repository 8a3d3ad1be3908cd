import { type Interventions, serve } from '../../simulator/server.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../../simulator/world.ts';
import type { FakeClock } from './fake-clock.ts';
import { createPausingClock, type EndedInProcess, runInProcess } from './in-process.ts';
import { nameOf } from './scenario.ts';

/** The step in this process against a simulated controller with real heartbeats: both live on a clock whose pauses end at once. */
export interface VirtualSetting {
  readonly world?: Partial<WorldOptions>;
  readonly inputs?: Readonly<Record<string, string>>;
  /** `seconds` tells how many have passed since the step began; `suspend` lets so many more pass, as if the process had been stopped. */
  readonly interventions?: (seconds: () => number, suspend: (seconds: number) => void) => Interventions;
}

export interface EndedVirtually extends EndedInProcess {
  readonly world: World;
  /** Every request, e.g. `GET one`, `GET all`, `POST restart`, `GET status`. */
  readonly requests: readonly string[];
  readonly posts: number;
}

export async function playVirtually(setting: VirtualSetting = {}): Promise<EndedVirtually> {
  const pausing = createPausingClock();
  let suspendedMs = 0;
  const clock: FakeClock = { ...pausing, now: () => pausing.now() + suspendedMs };
  const suspend = (seconds: number) => {
    suspendedMs += seconds * 1_000;
  };
  const startedAt = clock.now();
  const offset = Date.now();
  const now = () => offset + clock.now();
  const world = new World({ ...DEFAULT_WORLD, startsAt: now(), ...setting.world });
  const interventions = setting.interventions?.(() => (clock.now() - startedAt) / 1_000, suspend) ?? {};
  const simulator = await serve({ world, port: 0, now, interventions });
  const inputs = {
    controller_url: simulator.url,
    instance_id: world.records[0]?.instanceId ?? '',
    timeout: '5m',
    poll_interval: '1s',
    ...setting.inputs,
  };
  try {
    const ended = await runInProcess({ clock, inputs });
    const requests = simulator.requests.map(nameOf);
    return { ...ended, world, requests, posts: requests.filter((name) => name === 'POST restart').length };
  } finally {
    await simulator.close();
  }
}
