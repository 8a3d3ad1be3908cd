import type { ReadBounds } from '../controller/controller.ts';
import type { Instance } from '../controller/instance.ts';
import type { RetryBounds } from '../http/retry.ts';
import { mayBeIn } from './runner-names.ts';
import type { Runner, Runners } from './runners.ts';

/** Reads the VMs that are live on the controller, whether the step restarts them or not. */
export type LiveInstances = (bounds: ReadBounds) => Promise<readonly Instance[]>;

/** What the runners of all live VMs reveal about one of them. */
export interface Pool {
  /**
   * Whether name and scope are right: a runner in the scope fits `runner_name` for some live VM. Only then is an absent runner
   * believed to be gone; with a wrong scope, every runner would be.
   */
  isBorneOut(bounds: RetryBounds): Promise<boolean>;
  /** Whether GitHub shows the runners of all live VMs offline, and there are several: that is more likely a fault of GitHub or the network. */
  isAllOffline(bounds: RetryBounds): Promise<boolean>;
}

export interface PoolOptions {
  readonly nameTemplate: string;
  readonly runners: Runners;
  readonly liveInstances: LiveInstances;
}

export function createPool({ nameTemplate, runners, liveInstances }: PoolOptions): Pool {
  let isBorneOut = false;

  async function ofLiveVms(bounds: RetryBounds): Promise<Runner[]> {
    const all = await runners.listRunners(undefined, bounds);
    if (all.length === 0) return [];
    const live = await liveInstances(bounds);
    const fitting = all.filter(({ name }) => live.some((instance) => mayBeIn(instance, nameTemplate, name)));
    isBorneOut ||= fitting.length > 0;
    return fitting;
  }

  return {
    isBorneOut: async (bounds) => isBorneOut || (await ofLiveVms(bounds)).length > 0,
    async isAllOffline(bounds) {
      const fitting = await ofLiveVms(bounds);
      return fitting.length > 1 && fitting.every(({ isOnline }) => !isOnline);
    },
  };
}
