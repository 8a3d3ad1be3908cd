// Shared reads of the controller and GitHub: one list serves all VMs that ask at about the same time. A VM with too little time
// left to wait for the next list makes its own request.

import type { Clock } from '../clock.ts';
import type { Controller } from '../controller/controller.ts';
import { type Instance, isTerminal, type Target } from '../controller/instance.ts';
import type { InstanceList } from '../controller/instances.ts';
import { ActionError, type ErrorCode } from '../errors.ts';
import { faultOfUnreadable } from '../github/github-faults.ts';
import { fitsPattern, isExact } from '../github/runner-names.ts';
import type { RunnerList, Runners, SharedBounds } from '../github/runners.ts';
import type { Sources } from '../github/sources.ts';
import { UnusableAnswer } from '../http/json.ts';
import type { Fault, RetryBounds } from '../http/retry.ts';
import { createProgressLog, type Log, type ProgressLog } from '../log.ts';
import { type CoalescingOptions, coalesce, spacing } from './coalescing.ts';

interface SharingOptions {
  readonly clock: Clock;
  /** For messages that concern all VMs. */
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A VM with less time left than this makes its own request: in milliseconds. */
const URGENT_MS = 3_000;

function isUrgent({ deadline }: RetryBounds, clock: Clock): boolean {
  return deadline - clock.now() < URGENT_MS;
}

// ---- the controller ----

/** The shortest time from one list to the next: in milliseconds. */
const LIST_EVERY_MS = 1_000;
/** How long to wait before reading an unreadable record again: in milliseconds. */
const READ_AGAIN_MS = 1_000;

/**
 * Shares the reads of instances. While only one VM is being restarted, its reads are made immediately, and only of that instance. All other
 * calls go to the controller unchanged.
 * @param isCrowded whether several VMs hold a slot.
 */
export function shareController(
  controller: Controller,
  { isCrowded, ...options }: SharingOptions & { readonly isCrowded: () => boolean },
): Controller {
  const { clock, log } = options;
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined });
  const list = coalesce<Target, TargetList>({
    ...{ ...options, onFault: progress.fault, noAnswer: noControllerAnswer },
    pauseMs: (targets, previous) =>
      areSame(targets) && !isCrowded() ? 0 : spacing(LIST_EVERY_MS, previous, clock.now()),
    async ask(targets, bounds) {
      const found = await requestFor(controller, targets, bounds);
      progress.answered();
      return found;
    },
  });

  async function find(target: Target, bounds: RetryBounds): Promise<Instance[]> {
    for (;;) {
      const found = await readFrom(await list(target, bounds), target);
      if (Array.isArray(found)) return found;
      bounds.onFault?.(found);
      if (bounds.deadline - clock.now() < READ_AGAIN_MS) throw noControllerAnswer(found);
      await clock.sleep(READ_AGAIN_MS, bounds.signal);
    }
  }

  return {
    ...controller,
    findInstances: (target, bounds) =>
      isUrgent(bounds, clock) ? controller.findInstances(target, bounds) : find(target, bounds),
    async getInstance(id, bounds) {
      if (isUrgent(bounds, clock)) return controller.getInstance(id, bounds);
      const [instance] = await find({ by: 'instance_id', id }, bounds);
      return instance;
    },
  };
}

/** Reads all live VMs of the controller. One list serves the guards of all VMs. */
export function shareLiveInstances(
  controller: Pick<Controller, 'listInstances'>,
  options: SharingOptions,
): (bounds: RetryBounds) => Promise<readonly Instance[]> {
  const { clock, log } = options;
  const onFault = createProgressLog({ log, now: clock.now, sentAt: undefined }).fault;
  const list = coalesce<undefined, readonly Instance[]>({
    ...{ ...options, onFault, noAnswer: noControllerAnswer },
    pauseMs: (_, previous) => spacing(LIST_EVERY_MS, previous, clock.now()),
    async ask(_, bounds) {
      const listed = await controller.listInstances(bounds);
      return listed.readable().filter((instance) => !isTerminal(instance));
    },
  });
  return (bounds) => list(undefined, bounds);
}

/** A list of instances; a single instance that was read alone counts as one. */
type TargetList = Pick<InstanceList, 'matching'>;

/** Whether all ask for the same instance. */
function areSame(targets: readonly Target[]): boolean {
  return new Set(targets.map(({ by, id }) => `${by} ${id}`)).size === 1;
}

async function requestFor(
  controller: Controller,
  targets: readonly Target[],
  bounds: RetryBounds,
): Promise<TargetList> {
  const [first] = targets;
  if (first?.by !== 'instance_id' || !areSame(targets)) return controller.listInstances(bounds);
  const instance = await controller.getInstance(first.id, bounds);
  return { matching: () => (instance === undefined ? [] : [instance]) };
}

/** An unreadable record is a fault only for the VM that it describes. */
function readFrom(list: TargetList, target: Target): Instance[] | Fault {
  try {
    return list.matching(target);
  } catch (error) {
    if (!(error instanceof UnusableAnswer)) throw error;
    const { message: reason, nature, hint = 'Check the instance in the controller.' } = error;
    return { kind: 'unusable answer', reason, hint, nature, code: 'protocol_error' };
  }
}

function noControllerAnswer(last: Fault | undefined): ActionError {
  const hint = 'Check that the controller is up, and how long it takes to list its instances.';
  return noAnswer('The controller', last, { code: last?.code ?? 'controller_unreachable', hint });
}

// ---- GitHub ----

/** The shortest time between two lists of runners: in milliseconds. */
const RUNNERS_EVERY_MS = 5_000;
/** How long a list of runners waits for other VMs to join: in milliseconds. */
const GATHER_MS = 500;
/** The same for a list with the pace `soon`. */
const GATHER_SOON_MS = 100;

/** One list of runners, and one read of the jobs, serve the guards of all VMs. */
export function shareSources({ runners, jobs }: Sources, options: SharingOptions): Sources {
  const { clock, log } = options;
  const progress = createProgressLog({ log, now: clock.now, sentAt: undefined, server: 'GitHub' });
  // Other reads follow, so the time left for this one does not matter.
  const onFault = (fault: Fault) => progress.fault({ ...fault, leftMs: undefined });
  const shared = { ...options, progress, onFault, noAnswer: noGitHubAnswer };
  const runningJobs = coalesce<undefined, Awaited<ReturnType<Sources['jobs']['runningJobs']>>>({
    ...shared,
    pauseMs: () => 0,
    async ask(_, bounds) {
      const running = await jobs.runningJobs(bounds);
      progress.answered();
      return running;
    },
  });
  return {
    runners: shareRunners(runners, shared),
    jobs: { ...jobs, runningJobs: (bounds) => runningJobs(undefined, bounds) },
  };
}

/** How all VMs of a step read GitHub. */
interface SharedGitHub extends Omit<CoalescingOptions<never, never>, 'pauseMs' | 'ask'> {
  readonly progress: ProgressLog;
}

/**
 * One list answers repeated reads and searches by name. A runner that the list lacks is requested separately, because the pages of a list can
 * shift while they are read. An incomplete list may lack one of several runners in a VM, so it answers no search for a pattern.
 */
function shareRunners(runners: Runners, shared: SharedGitHub): Runners {
  const listFor = shareList(runners, shared);
  const listed = async (bounds: SharedBounds) =>
    isUrgent(bounds, shared.clock) ? NO_LIST : await listFor(bounds);
  return {
    ...runners,
    async pollRunner(id, bounds) {
      const runner = (await listed(bounds)).runners.find((one) => one.id === id);
      return runner ?? runners.pollRunner(id, bounds);
    },
    async listAll(bounds) {
      const all = await listed(bounds);
      return all.runners.length > 0 ? all : runners.listAll(bounds);
    },
    async listRunners(name, bounds) {
      const all = await listed(bounds);
      const lacks = isExact(name) ? undefined : all.whyIncomplete(name);
      if (lacks !== undefined) {
        bounds.onFault?.(faultOfUnreadable(lacks));
        throw lacks;
      }
      const named = all.runners.filter((one) => fitsPattern(name, one.name));
      // If there is only one page, no runner can have moved to another one.
      const isComplete = all.pages === 1 && all.whyIncomplete(name) === undefined;
      return named.length > 0 || isComplete ? named : runners.listRunners(name, bounds);
    },
  };
}

/** The list for reads at the usual pace, and one for faster reads. NO_LIST if a request for each runner costs no more than the pages of a list. */
function shareList(runners: Runners, shared: SharedGitHub): (bounds: SharedBounds) => Promise<RunnerList> {
  const { clock, progress } = shared;
  let pages = 1;
  let wasListed = false;
  async function ask(questions: readonly unknown[], bounds: RetryBounds): Promise<RunnerList> {
    if (questions.length <= pages) return NO_LIST;
    const list = await runners.listAll(bounds);
    progress.answered();
    pages = list.pages;
    return list;
  }

  const usual = coalesce<undefined, RunnerList>({
    ...shared,
    pauseMs: (_, previous) =>
      Math.max(GATHER_MS, wasListed ? spacing(RUNNERS_EVERY_MS, previous, clock.now()) : 0),
    ask(questions, bounds) {
      wasListed = questions.length > pages;
      return ask(questions, bounds);
    },
  });
  /** Worth sharing, because the waits of several VMs often end together. */
  const fast = coalesce<number, RunnerList>({
    ...shared,
    pauseMs: (gathersMs) => Math.min(...gathersMs),
    ask,
  });
  return (bounds) => {
    if (bounds.pace === undefined) return usual(undefined, bounds);
    return fast(bounds.pace === 'now' ? 0 : GATHER_SOON_MS, bounds);
  };
}

const NO_LIST: RunnerList = { runners: [], pages: 0, whyIncomplete: () => undefined };

function noGitHubAnswer(last: Fault | undefined): ActionError {
  const hint = 'Check githubstatus.com and the debug log of this step.';
  return noAnswer('GitHub', last, { code: 'github_api_failed', hint });
}

function noAnswer(
  server: string,
  last: Fault | undefined,
  { code, hint }: { readonly code: ErrorCode; readonly hint: string },
): ActionError {
  const lastAttempt = last === undefined ? '' : `; last attempt: ${last.reason}`;
  const message = `${server} gave no usable answer in time${lastAttempt}.`;
  return new ActionError(code, message, { hint: last?.hint ?? hint, isTransient: true });
}
