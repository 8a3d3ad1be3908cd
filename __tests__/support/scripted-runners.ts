import { ActionError } from '../../src/errors.ts';
import type { Job } from '../../src/github/job.ts';
import type { JobsSource, Refusal } from '../../src/github/jobs.ts';
import type { Runner } from '../../src/github/runner.ts';
import { describePattern, fitsPattern } from '../../src/github/runner-names.ts';
import type { RunnerList, Runners } from '../../src/github/runners.ts';
import type { Fault, RetryBounds } from '../../src/http/retry.ts';

/** What one question gets: runners, or an error. */
export type Answer = readonly Runner[] | Error;

interface ScriptedRunners extends Runners {
  /** What was asked, in order: `get 23`, `list mac-7`, `list`. */
  readonly calls: string[];
}

export const silence = new ActionError('github_api_failed', 'GitHub gave no usable answer.', {
  isTransient: true,
});
export const refusal = new ActionError('github_api_failed', 'github_token cannot read runners.');

const NO_ANSWER: Fault = {
  kind: 'no answer of GitHub',
  reason: 'it answered HTTP 502',
  hint: 'Check githubstatus.com.',
  nature: 'passing',
};

/** Answers in order, to any request; the last answer repeats. A runner that is not among them is gone. */
export function createScriptedRunners(answers: readonly Answer[]): ScriptedRunners {
  const calls: string[] = [];
  let next = 0;
  function answer(call: string, { onFault }: RetryBounds): readonly Runner[] {
    calls.push(call);
    const given = answers[Math.min(next++, answers.length - 1)] ?? [];
    if (given === silence) onFault?.(NO_ANSWER);
    if (given instanceof Error) throw given;
    return given;
  }
  const getRunner: Runners['getRunner'] = async (id, bounds) => {
    return answer(`get ${id}`, bounds).find((runner) => runner.id === id);
  };
  return {
    calls,
    shownBusyAt: () => undefined,
    getRunner,
    pollRunner: getRunner,
    listAll: async (bounds) => wholeList(answer('list', bounds)),
    listRunners: async (pattern, bounds) => {
      const found = answer(`list ${describePattern(pattern)}`, bounds);
      return found.filter((each) => fitsPattern(pattern, each.name));
    },
  };
}

/** A list of one page that lacks none. */
export function wholeList(runners: readonly Runner[]): RunnerList {
  return { runners, pages: 1, whyIncomplete: () => undefined };
}

/** What one question for the jobs gets. */
export type JobsAnswer = readonly Job[] | Refusal | Error;

export const refused: Refusal = { refused: 'github_token: HTTP 403', isFinal: false };

interface ScriptedJobs extends JobsSource {
  /** How often they were requested. */
  count(): number;
}

/** Answers in order; the last answer repeats. */
export function createScriptedJobs(answers: readonly JobsAnswer[], calls: string[] = []): ScriptedJobs {
  let next = 0;
  return {
    count: () => next,
    async runningJobs({ onFault }) {
      calls.push('jobs');
      const given = answers[Math.min(next++, answers.length - 1)] ?? [];
      if (given === silence) onFault?.(NO_ANSWER);
      if (given instanceof Error) throw given;
      return given;
    },
  };
}
