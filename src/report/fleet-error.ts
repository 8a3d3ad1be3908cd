import { ActionError } from '../errors.ts';
import {
  countKinds,
  type FleetOutcome,
  listNames,
  type MemberOutcome,
  numberOfVms,
  wasCancelled,
} from '../fleet/fleet-outcome.ts';
import { cut } from './results.ts';
import type { Show } from './vm-outputs.ts';

const MOST_LINES = 10;
const MOST_NAMES = 5;
const LONGEST_NAME = 100;
/** In characters: of one among several, and of the only one. */
const LONGEST_MESSAGE = 300;
const LONGEST_ONLY_MESSAGE = 2_000;

/**
 * The error of a fleet, which names those that failed: a line each, and one line for what happened to several alike.
 * @param clean makes a text harmless: it has to be before it is cut.
 */
export function fleetError(outcome: FleetOutcome, clean: Show): ActionError | undefined {
  const { vms, error } = outcome;
  if (error === undefined) return undefined;
  const groups = [...alike(vms).values()];
  const longest = groups.length === 1 ? LONGEST_ONLY_MESSAGE : LONGEST_MESSAGE;
  const lines = groups.map((group) => describeGroup(group, (text) => cut(clean(text), longest), clean));
  const more = lines.length - MOST_LINES;
  const message = [
    describeCounts(outcome),
    ...lines.slice(0, MOST_LINES),
    ...(more > 0 ? [`- and ${more} more, which the output results and the job summary name`] : []),
  ];
  const hint = hintOf(outcome);
  return new ActionError(error.code, message.join('\n'), {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

/** What to do about what failed first, or else about the first of which there is something to say. */
export function hintOf({ vms, error }: FleetOutcome): string | undefined {
  return error?.hint ?? vms.find((vm) => vm.error?.hint !== undefined)?.error?.hint;
}

/** e.g. `2 of 40 VMs failed.` */
function describeCounts(outcome: FleetOutcome): string {
  const { vms, isDryRun, mostFailures } = outcome;
  const { restarted, unknown, failed, not_started: notStarted } = countKinds(vms);
  const of = `of ${numberOfVms(vms.length)}`;
  if (wasCancelled(outcome))
    return `The step was cancelled: ${restarted} ${of} restarted, ${unknown} not verified, ${notStarted} not begun.`;
  if (isDryRun) return `${failed} ${of} cannot be restarted; ${notStarted} can.`;
  if (notStarted === 0) return `${failed + unknown} ${of} failed.`;
  return `${failed + unknown} ${of} failed, which is more than max_failures (${mostFailures}) allows, so ${notStarted === 1 ? '1 was' : `${notStarted} were`} not begun. The output remaining has the IDs of all that were not restarted.`;
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

/** @param show makes a message harmless, and cuts it. */
function describeGroup({ error, names }: Alike, show: Show, clean: Show): string {
  const shown = names.map((name) => cut(clean(name), LONGEST_NAME));
  return `- ${listNames(shown, MOST_NAMES)}: ${error.code}: ${show(error.message)}`;
}
