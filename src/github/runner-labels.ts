import { ActionError } from '../errors.ts';
import type { RetryBounds } from '../http/retry.ts';
import type { GitHubClient } from './github-client.ts';
import { type Label, readLabels } from './runner.ts';
import { changingToken, describeScope, runnersPath, type Scope } from './scope.ts';

/** The labels of a runner at one moment. */
export interface LabelsReading {
  readonly labels: readonly Label[];
  /** GitHub's clock, in milliseconds since 1970. */
  readonly date: number;
}

/** Changes the labels of the runners of a scope, one at a time, so that concurrent changes to other labels are kept. */
export interface RunnerLabels {
  /** Undefined if the runner is gone. */
  read(id: number, bounds: RetryBounds): Promise<LabelsReading | undefined>;
  add(id: number, label: string, bounds: RetryBounds): Promise<void>;
  /** It is not an error if the label is already gone. */
  remove(id: number, label: string, bounds: RetryBounds): Promise<void>;
}

export function createRunnerLabels(client: GitHubClient, scope: Scope): RunnerLabels {
  const { path, parameters } = runnersPath(scope);
  const about = {
    ...{ subject: `the labels of the self-hosted runners of ${describeScope(scope)}`, input: 'runner_scope' },
    permission: changingToken(scope),
  };
  const nothing = () => undefined;
  return {
    async read(id, bounds) {
      const answer = await client.ask({
        ...{ ...bounds, ...about, route: `GET ${path}/{runner_id}`, otherAnswers: [404] },
        ...{ parameters: { ...parameters, runner_id: id }, read: readLabels },
      });
      if ('status' in answer) return undefined;
      if (answer.date === undefined)
        throw new ActionError(
          'github_api_failed',
          'GitHub answered without a Date, so no label can carry an expiry time.',
        );
      return { labels: answer.data, date: answer.date };
    },
    async add(id, label, bounds) {
      await client.ask({
        ...{ ...bounds, ...about, route: `POST ${path}/{runner_id}/labels`, read: nothing },
        parameters: { ...parameters, runner_id: id, labels: [label] },
      });
    },
    async remove(id, label, bounds) {
      await client.ask({
        ...{ ...bounds, ...about, route: `DELETE ${path}/{runner_id}/labels/{name}`, read: nothing },
        ...{ parameters: { ...parameters, runner_id: id, name: label }, otherAnswers: [404] },
      });
    },
  };
}
