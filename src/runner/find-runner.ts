import { ActionError } from '../errors.ts';
import type { RetryBounds } from '../http/retry.ts';
import { isSameName } from './name.ts';
import type { Runner, Runners } from './runners.ts';
import { describeScope, type Scope } from './scope.ts';

export interface Sought {
  readonly name: string;
  readonly scope: Scope;
}

/** The runners that bear the name; GitHub's own filter may find more, or not exist (GitHub Enterprise Server). */
export async function findByName(runners: Runners, name: string, bounds: RetryBounds): Promise<Runner[]> {
  const found = await runners.listRunners(name, bounds);
  return found.filter((runner) => isSameName(runner.name, name));
}

/**
 * The one runner of the name.
 * @throws ActionError `runner_not_found` or `ambiguous_target`, listing what is there; and what GitHub throws.
 */
export async function findRunner(
  runners: Runners,
  { name, scope }: Sought,
  bounds: RetryBounds,
): Promise<Runner> {
  const [first, ...others] = await findByName(runners, name, bounds);
  const where = describeScope(scope);
  if (first === undefined) {
    const all = await runners.listRunners(undefined, bounds);
    throw new ActionError(
      'runner_not_found',
      `No self-hosted runner "${name}" is registered in ${where}; there ${listOf(all)}.`,
      { hint: 'Check runner_name and runner_scope: a runner is listed only where it is registered.' },
    );
  }
  if (others.length === 0) return first;
  throw new ActionError(
    'ambiguous_target',
    `${others.length + 1} self-hosted runners are called "${name}" in ${where}: there ${listOf([first, ...others])}.`,
    { hint: 'Remove the stale registrations, or give the runners different names.' },
  );
}

const MOST_LISTED = 10;

function listOf(runners: readonly Runner[]): string {
  if (runners.length === 0) return 'are none';
  const listed = runners
    .slice(0, MOST_LISTED)
    .map((runner) => `"${runner.name}" (ID ${runner.id}, ${describeRunner(runner)})`);
  const more = runners.length - listed.length;
  return `are ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** e.g. `online, busy`. */
export function describeRunner({ isOnline, isBusy }: Runner): string {
  return `${isOnline ? 'online' : 'offline'}, ${isBusy ? 'busy' : 'idle'}`;
}
