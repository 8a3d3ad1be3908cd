import { ActionError } from '../errors.ts';
import { countKinds, type FleetOutcome, type MemberOutcome } from '../fleet/fleet-outcome.ts';
import { cut } from './results.ts';
import type { Show } from './vm-outputs.ts';

const MOST_LINES = 10;
const MOST_NAMES = 5;
const LONGEST_NAME = 100;
const LONGEST_MESSAGE = 300;

/**
 * The error of a fleet, which names those that failed: a line each, and one line for what happened to several alike.
 * @param clean makes a text harmless: it has to be before it is cut.
 */
export function fleetError({ vms, error }: FleetOutcome, clean: Show): ActionError | undefined {
  if (error === undefined) return undefined;
  const lines = [...alike(vms).values()].map((group) => describeGroup(group, clean));
  const more = lines.length - MOST_LINES;
  const message = [
    describeCounts(vms),
    ...lines.slice(0, MOST_LINES),
    ...(more > 0 ? [`- and ${more} more, which the output results and the job summary name`] : []),
  ];
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new ActionError(error.code, message.join('\n'), { ...hint, cause: error });
}

/** e.g. `2 of 40 VMs failed, 3 were not begun.` */
function describeCounts(vms: readonly MemberOutcome[]): string {
  const counts = countKinds(vms);
  const notBegun = counts.not_started === 0 ? '' : `, ${counts.not_started} were not begun`;
  return `${counts.failed + counts.unknown} of ${vms.length} VMs failed${notBegun}.`;
}

/** An error, and those that it happened to. */
interface Alike {
  readonly error: ActionError;
  readonly names: string[];
}

/** Those that failed, by what happened to them. */
function alike(vms: readonly MemberOutcome[]): ReadonlyMap<string, Alike> {
  const groups = new Map<string, Alike>();
  for (const { name, error } of vms) {
    if (error === undefined) continue;
    const what = `${error.code} ${error.message}`;
    const group = groups.get(what) ?? { error, names: [] };
    groups.set(what, group);
    group.names.push(name);
  }
  return groups;
}

function describeGroup({ error, names }: Alike, clean: Show): string {
  const named = names.slice(0, MOST_NAMES).map((name) => cut(clean(name), LONGEST_NAME));
  const more = names.length - named.length;
  const who = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return `- ${who}: ${error.code}: ${cut(clean(error.message), LONGEST_MESSAGE)}`;
}
