// What the runners of all live VMs say about the runner of one VM: whether `runner_name` and `runner_scope` are right, and whether an outage is
// likely.

import type { Instance } from '../controller/instance.ts';
import { fillPattern, fitsPattern, hasValues } from '../github/runner-names.ts';
import type { RunnerList, Runners } from '../github/runners.ts';
import type { RetryBounds } from '../http/retry.ts';
import { orNothing } from './vm-runners.ts';

export interface LiveRunners {
  /**
   * Whether a runner in the scope matches `runner_name` for some live VM, which proves that name and scope are right. Only then can an absent
   * runner count as gone: in a wrong scope, every runner is absent.
   */
  isScopeProved(bounds: RetryBounds): Promise<boolean>;
  /**
   * Whether the live VMs have several registered runners, all of them offline: most likely, GitHub or the network is at fault, not the VMs.
   * Undefined if the list is missing, or if it is incomplete: a runner that it lacks may be online, or may be the second offline one.
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
    return { fitting, isComplete: () => patterns.every((pattern) => whyIncomplete(pattern) === undefined) };
  }

  return {
    isScopeProved: async (bounds) =>
      isScopeProved || (await ofLiveVms(await listNow(bounds), bounds)).fitting.length > 0,
    async isAllOffline(bounds) {
      const list = await listNow(bounds).catch(orNothing);
      if (list === undefined) return undefined;
      const { fitting, isComplete } = await ofLiveVms(list, bounds);
      if (fitting.some(({ isOnline }) => isOnline)) return false;
      return isComplete() ? fitting.length > 1 : undefined;
    },
  };
}
