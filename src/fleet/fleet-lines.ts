import { type FleetOutcome, kindOf, listNames, numberOfVms } from './fleet-outcome.ts';
import type { VmOutcome } from './one-vm.ts';
import type { TurnLimits } from './turns.ts';

// What the log says of a fleet, a line each. All of it is pure; progress.ts has the line that comes again and again.

export function describeFleet(vms: number, { places, mostFailures }: TurnLimits): string {
  const most = mostFailures === 0 ? 'the first failure' : `more than ${mostFailures} failures`;
  return `${numberOfVms(vms)}, at most ${places} under way at once; after ${most} no further restart is begun`;
}

export function describeDryRun(vms: number): string {
  return `Dry run: ${numberOfVms(vms)} to look at; nothing is changed`;
}

const ENDINGS: Readonly<Record<ReturnType<typeof kindOf>, string>> = {
  restarted: 'restarted',
  failed: 'failed',
  skipped: 'left alone, as its runner has a job',
  not_started: 'not restarted',
  unknown: 'failed, and may have been restarted',
};

/** How one VM ended, unless it went well. Of those whose turn never came all is told at once, at the end. */
export function describeEnd(outcome: VmOutcome): string | undefined {
  const { error, leftAlone } = outcome;
  if (error !== undefined) return `${ENDINGS[kindOf(outcome)]}: ${error.code}: ${error.message}`;
  return leftAlone === 'skipped' ? ENDINGS.skipped : undefined;
}

export function describeOver(failed: number, { mostFailures }: TurnLimits): string {
  return `${failed} failed, which is more than max_failures (${mostFailures}) allows: no further restart is begun`;
}

const MOST_NAMES = 10;

/** Undefined where each had its turn. */
export function describeNotBegun({ vms }: FleetOutcome): string | undefined {
  const names = vms.flatMap(({ leftAlone, name }) => (leftAlone === 'not_started' ? [name] : []));
  if (names.length === 0) return undefined;
  return `Not begun: ${numberOfVms(names.length)}: ${listNames(names, MOST_NAMES)}`;
}
