// Reads and changes a runner's labels.

import { ActionError } from '../errors.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { GitHubClient } from './github-client.ts';
import { type Label, readLabels } from './runner.ts';
import { changingToken, describeScope, runnersPath, type Scope } from './scope.ts';

export interface LabelsReading {
  readonly labels: readonly Label[];
  /** GitHub's clock when it answered, in milliseconds since 1970. */
  readonly date: number;
}

/** Changes labels one at a time, so that concurrent changes to other labels are kept. */
export interface RunnerLabels {
  /** Undefined if the runner is gone. */
  read(id: number, bounds: RetryBounds): Promise<LabelsReading | undefined>;
  add(id: number, label: string, bounds: RetryBounds): Promise<void>;
  /** It is not an error if the label is already gone. */
  remove(id: number, label: string, bounds: RetryBounds): Promise<void>;
}

export function createRunnerLabels(client: GitHubClient, scope: Scope): RunnerLabels {
  const { path, parameters } = runnersPath(scope);
  const subject = `the labels of the self-hosted runners of ${describeScope(scope)}`;
  const access = { subject, permission: changingToken(scope), input: 'runner_scope' };
  const change = { access, read: () => undefined };
  return {
    async read(id, bounds) {
      const answer = await client.ask({
        ...bounds,
        route: `GET ${path}/{runner_id}`,
        parameters: { ...parameters, runner_id: id },
        access,
        read: readLabels,
        otherAnswers: [404],
      });
      if ('status' in answer) return undefined;
      if (answer.date === undefined) throw new ActionError('github_api_failed', NO_DATE);
      return { labels: answer.data, date: answer.date };
    },
    async add(id, label, bounds) {
      const route = `POST ${path}/{runner_id}/labels`;
      await client.ask({
        ...{ ...bounds, ...change, route },
        parameters: { ...parameters, runner_id: id, labels: [label] },
      });
    },
    async remove(id, label, bounds) {
      const route = `DELETE ${path}/{runner_id}/labels/{name}`;
      await client.ask({
        ...{ ...bounds, ...change, route, otherAnswers: [404] },
        parameters: { ...parameters, runner_id: id, name: label },
      });
    },
  };
}

const NO_DATE = 'GitHub answered without a Date, so no label can carry an expiry time.';
