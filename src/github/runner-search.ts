// Finds the runners that match a name, and explains why none does.

import { ActionError } from '../errors.ts';
import type { RetryBounds } from '../http/retry.ts';
import { nearestFirst } from '../likeness.ts';
import { describeRunner, type Runner } from './runner.ts';
import { describePattern, isExact, type NamePattern } from './runner-names.ts';
import type { Runners } from './runners.ts';
import { describeScope, type Scope } from './scope.ts';

export interface Sought {
  readonly name: NamePattern;
  readonly scope: Scope;
}

/**
 * The runners that match the name; more than one only if it has a `*`.
 * @throws ActionError `ambiguous_target`, and the errors of the GitHub client.
 */
export async function findRunners(runners: Runners, sought: Sought, bounds: RetryBounds): Promise<Runner[]> {
  const found = await runners.listRunners(sought.name, bounds);
  if (found.length > 1 && isExact(sought.name)) throw ambiguousName(sought, found);
  return found;
}

/** @param all the runners of the scope: the error lists those with similar names. */
export function runnerNotFound({ name, scope }: Sought, all: readonly Runner[]): ActionError {
  const written = describePattern(name);
  const message = `No self-hosted runner "${written}" is registered in ${describeScope(scope)}; there ${describeAll(nearestFirst(all, written))}.`;
  const elsewhere =
    scope.kind === 'repository'
      ? ' A runner of an organization or enterprise is found only if runner_scope names it.'
      : '';
  const hint = `Check runner_name and runner_scope: a runner is listed only where it is registered.${elsewhere}`;
  return new ActionError('runner_not_found', message, { hint });
}

function ambiguousName({ name, scope }: Sought, found: readonly Runner[]): ActionError {
  return new ActionError(
    'ambiguous_target',
    `${found.length} self-hosted runners are called "${describePattern(name)}" in ${describeScope(scope)}: there ${describeAll(found)}.`,
    { hint: 'Remove the stale registrations, or give the runners different names.' },
  );
}

const MOST_LISTED = 10;

function describeAll(runners: readonly Runner[]): string {
  if (runners.length === 0) return 'are none';
  const listed = runners
    .slice(0, MOST_LISTED)
    .map((runner) => `"${runner.name}" (ID ${runner.id}, ${describeRunner(runner)})`);
  const more = runners.length - listed.length;
  return `are ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
