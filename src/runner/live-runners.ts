// What the runners of all live VMs of the controller reveal about the runner of one of them.

import type { Instance } from '../controller/instance.ts';
import { fillPattern, fitsPattern, hasValues } from '../github/runner-names.ts';
import type { RunnerList, Runners } from '../github/runners.ts';
import type { RetryBounds } from '../http/retry.ts';
import { orNothing } from './vm-runners.ts';

export interface LiveRunners {
  /**
   * Whether name and scope are right: a runner in the scope matches `runner_name` for some live VM. Only then can an absent runner count as
   * gone; with a wrong scope, every runner would.
   */
  isScopeProved(bounds: RetryBounds): Promise<boolean>;
  /**
   * Whether every registered runner of the live VMs is offline, and there are several of them: that is more likely a fault of GitHub or the
   * network. VMs without a registered runner do not count. Undefined if the list is missing or incomplete: a runner missing from it may be
   * online, or may be the second offline one.
   */
  isAllOffline(bounds: RetryBounds): Promise<boolean | undefined>;
}

export interface LiveRunnersOptions {
  readonly nameTemplate: string;
  readonly runners: Runners;
  /** Reads all live VMs of the controller, whether the step restarts them or not. */
  readonly liveInstances: (bounds: RetryBounds) => Promise<readonly Instance[]>;
}

export function createLiveRunners({ nameTemplate, runners, liveInstances }: LiveRunnersOptions): LiveRunners {
  let isScopeProved = false;
  const listNow = (bounds: RetryBounds) => runners.listAll({ ...bounds, pace: 'now' });

  async function ofLiveVms({ runners: all, whyIncomplete }: RunnerList, bounds: RetryBounds) {
    const live = (await liveInstances(bounds)).filter((instance) => hasValues(instance, nameTemplate));
    const patterns = live.map((instance) => fillPattern(nameTemplate, instance));
    const fitting = all.filter(({ name }) => patterns.some((pattern) => fitsPattern(pattern, name)));
    isScopeProved ||= fitting.length > 0;
    return { fitting, isWhole: () => patterns.every((pattern) => whyIncomplete(pattern) === undefined) };
  }

  return {
    isScopeProved: async (bounds) =>
      isScopeProved || (await ofLiveVms(await listNow(bounds), bounds)).fitting.length > 0,
    async isAllOffline(bounds) {
      const list = await listNow(bounds).catch(orNothing);
      if (list === undefined) return undefined;
      const { fitting, isWhole } = await ofLiveVms(list, bounds);
      if (fitting.some(({ isOnline }) => isOnline)) return false;
      return isWhole() ? fitting.length > 1 : undefined;
    },
  };
}
