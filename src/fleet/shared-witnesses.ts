import { ActionError } from '../errors.ts';
import type { Fault, RetryBounds } from '../http/retry.ts';
import { createProgressLog } from '../log.ts';
import type { JobsSource } from '../runner/jobs.ts';
import { fitsPattern } from '../runner/runner-names.ts';
import type { Runner, Runners } from '../runner/runners.ts';
import type { Sources } from '../runner/sources.ts';
import { createRounds } from './rounds.ts';
import type { SharingOptions } from './shared-looks.ts';

/** Between two lists, at least: in milliseconds. It is how often a runner is looked at. */
const LIST_EVERY_MS = 5_000;
/** Looks that are made at about the same time come together: in milliseconds. */
const GATHER_MS = 500;
/** Who has less time than this left cannot wait for the next list: in milliseconds. */
const URGENT_MS = 3_000;
const RUNNERS_PER_PAGE = 100;

/** GitHub as the guards of many VMs may ask it at once: one list of runners, and one reading of the jobs, serve them all. */
export function shareSources({ runners, jobs }: Sources, options: SharingOptions): Sources {
  const { now } = options.clock;
  const journal = createProgressLog({ log: options.log, now, sentAt: undefined, server: 'GitHub' });
  const shared = { ...options, onFault: journal.fault, unanswered };
  function told<T>(answer: T): T {
    journal.answered();
    return answer;
  }
  const jobsRounds = createRounds({
    ...shared,
    everyMs: () => 0,
    ask: async (_, bounds) => told(await jobs.runningJobs(bounds)),
  });
  const readings: JobsSource = { runningJobs: (bounds) => jobsRounds.ask(undefined, bounds) };
  return { runners: shareRunners(runners, { ...shared, told }), jobs: readings };
}

interface ListOptions extends SharingOptions {
  readonly onFault: (fault: Fault) => void;
  readonly unanswered: (last: Fault | undefined) => ActionError;
  readonly told: <T>(answer: T) => T;
}

/**
 * Looks that others follow, and searches by name, are answered from one list. Where it has more pages than there are questions, each
 * is asked by itself; and so is whatever a list does not show: its pages shift while they are read.
 */
function shareRunners(runners: Runners, options: ListOptions): Runners {
  let pages = 1;
  const rounds = createRounds({
    ...options,
    everyMs: () => LIST_EVERY_MS,
    gatherMs: GATHER_MS,
    async ask(questions: readonly unknown[], bounds): Promise<readonly Runner[]> {
      if (questions.length <= pages) return [];
      const listed = options.told(await runners.listRunners(undefined, bounds));
      pages = Math.max(1, Math.ceil(listed.length / RUNNERS_PER_PAGE));
      return listed;
    },
  });

  async function listed(bounds: RetryBounds): Promise<readonly Runner[]> {
    const isUrgent = bounds.deadline - options.clock.now() < URGENT_MS;
    return isUrgent ? [] : rounds.ask(undefined, bounds);
  }

  return {
    getRunner: runners.getRunner,
    async glanceAt(id, bounds) {
      const runner = (await listed(bounds)).find((one) => one.id === id);
      return runner ?? runners.glanceAt(id, bounds);
    },
    async listRunners(name, bounds) {
      const all = await listed(bounds);
      const named = name === undefined ? all : all.filter((one) => fitsPattern(name, one.name));
      return named.length > 0 ? [...named] : runners.listRunners(name, bounds);
    },
  };
}

function unanswered(last: Fault | undefined): ActionError {
  const atLast = last === undefined ? '' : `; at last: ${last.reason}`;
  return new ActionError('github_api_failed', `GitHub gave no usable answer in time${atLast}.`, {
    hint: last?.hint ?? 'Look at githubstatus.com and at the debug log of this step.',
    isTransient: true,
  });
}
