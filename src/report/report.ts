// Reports the outcome: the outputs, then one error annotation that says what happened, for all VMs together.

import { types } from 'node:util';
import { ActionError, causeChain, describeCause } from '../errors.ts';
import {
  countKinds,
  listNames,
  numberOfVms,
  type StepOutcome,
  theOnlyVm,
  type VmOutcome,
  wasCancelled,
} from '../fleet/step-outcome.ts';
import type { LeftAlone } from '../restart/outcome.ts';
import { cut, type Show, setOutputs } from './outputs.ts';
import type { Terminal } from './terminal.ts';

/**
 * Sets every output; then prints the one error annotation, if there is an error. Outputs that cannot be written are also an
 * error: later steps would treat them as empty.
 * @returns whether it succeeded.
 */
export function report(outcome: StepOutcome, terminal: Terminal): boolean {
  // Outputs come first: printing blocks if nothing reads the log.
  const problem = problemWithOutputs(outcome, terminal);
  const error = stepError(outcome, terminal.clean);
  const title = titleOf(outcome);
  if (problem !== undefined) {
    const message = `The outputs could not be written: ${describeCause(problem)}.`;
    const both = error === undefined ? message : `${error.message}\n${message}`;
    const hint = error?.hint === undefined ? {} : { hint: error.hint };
    const unwritten = new ActionError('internal_error', both, { cause: problem, ...hint });
    reportError(unwritten, { terminal, title: `${title}, outputs not written` });
  } else if (error !== undefined) {
    reportError(error, { terminal, title });
  }
  return problem === undefined && error === undefined;
}

/** Whether there is no time for a long report: the step has used up its time, or was canceled. */
export function isHurried({ vms, error }: StepOutcome): boolean {
  const errors = [error, ...vms.map((vm) => vm.error)];
  return errors.some((each) => each?.code === 'cancelled' || each?.code === 'timed_out');
}

function problemWithOutputs(outcome: StepOutcome, terminal: Terminal): unknown {
  try {
    setOutputs(outcome, terminal);
    return undefined;
  } catch (problem) {
    return problem;
  }
}

/** Stacks and causes to the debug log, and the one error annotation. */
export function reportError(
  error: ActionError,
  { terminal, title }: { terminal: Terminal; title: string },
): void {
  for (const link of causeChain(error)) {
    for (const line of stackOf(link).split('\n')) terminal.debug(line);
  }
  terminal.error(title, error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
}

function stackOf(thrown: unknown): string {
  return types.isNativeError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown);
}

// ---- what happened, in words ----

/** What happened, in a few words. */
export function titleOf(outcome: StepOutcome): string {
  const { vms, error } = outcome;
  if (vms.length === 0) return error === undefined ? 'No VM to restart' : `${FAILURES.false}: ${error.code}`;
  const only = theOnlyVm(outcome);
  return only === undefined ? titleOfSeveral(outcome) : titleOfOne(only);
}

function titleOfOne({ restarted, error, leftAlone, guest }: VmOutcome): string {
  if (error !== undefined) {
    const isGuests = restarted === 'true' && guest !== undefined && guest.status !== 'up';
    return `${isGuests ? 'VM restarted, but not its guest' : FAILURES[restarted]}: ${error.code}`;
  }
  if (leftAlone !== undefined) return `VM ${LEFT_ALONE[leftAlone.why]}`;
  return restarted === 'true' ? 'VM restarted' : 'VM can be restarted (dry run)';
}

const FAILURES: Readonly<Record<VmOutcome['restarted'], string>> = {
  true: 'VM restarted, but not its runner',
  false: 'VM not restarted',
  unknown: 'VM restart not verified',
};

const LEFT_ALONE: Readonly<Record<LeftAlone['why'], string>> = {
  busy: 'left alone: its runner has a job',
  needless: 'left alone: it needs no restart',
  'not running': 'left alone: it is not running',
  'not started': 'not restarted: its turn never came',
};

function titleOfSeveral(outcome: StepOutcome): string {
  const { vms, error, isDryRun } = outcome;
  const { restarted, failed, not_started: notStarted } = countKinds(vms);
  const of = `of ${numberOfVms(vms.length)}`;
  if (wasCancelled(outcome)) return `Canceled: ${restarted} ${of} restarted`;
  if (isDryRun && error !== undefined) return `${failed} ${of} cannot be restarted (dry run): ${error.code}`;
  if (isDryRun) return `${notStarted} ${of} can be restarted (dry run)`;
  if (error !== undefined) return `${describeFailures(vms)}: ${error.code}`;
  return `${restarted} ${of} restarted`;
}

/** e.g. `2 of 40 VMs failed, 1 not verified`. */
function describeFailures(vms: readonly VmOutcome[]): string {
  const { failed, unknown } = countKinds(vms);
  const of = `of ${numberOfVms(vms.length)}`;
  if (unknown === 0) return `${failed} ${of} failed`;
  return failed === 0 ? `${unknown} ${of} not verified` : `${failed} ${of} failed, ${unknown} not verified`;
}

const MOST_LINES = 10;
const MOST_NAMES = 5;
const LONGEST_NAME = 100;
/** In characters: of one message among several, and of the only one. */
const LONGEST_OF_SEVERAL = 300;
const LONGEST_ONLY_MESSAGE = 2_000;

/**
 * The error of the only VM, or one that names all VMs that failed, with one line for those that failed in the same way.
 * @param clean makes a text safe to print, which must happen before it is truncated.
 */
export function stepError(outcome: StepOutcome, clean: Show): ActionError | undefined {
  const { vms, error } = outcome;
  if (error === undefined || vms.length < 2) return error;
  const groups = [...groupsOf(vms).values()];
  const longest = groups.length === 1 ? LONGEST_ONLY_MESSAGE : LONGEST_OF_SEVERAL;
  const lines = groups.map((group) => describeGroup(group, (text) => cut(clean(text), longest), clean));
  const more = lines.length - MOST_LINES;
  const message = [
    describeCounts(outcome),
    ...lines.slice(0, MOST_LINES),
    ...(more > 0 ? [`- and ${more} more, listed in the output results and the job summary`] : []),
  ];
  const hint = hintFor(outcome);
  return new ActionError(error.code, message.join('\n'), {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

/** What to do about the first failure; if it has no hint, about the first one that has. */
export function hintFor({ vms, error }: StepOutcome): string | undefined {
  return error?.hint ?? vms.find((vm) => vm.error?.hint !== undefined)?.error?.hint;
}

/** e.g. `2 of 40 VMs failed.` */
function describeCounts(outcome: StepOutcome): string {
  const { vms, isDryRun, mostFailures } = outcome;
  const { restarted, unknown, failed, not_started: notStarted } = countKinds(vms);
  const of = `of ${numberOfVms(vms.length)}`;
  if (wasCancelled(outcome))
    return `The step was canceled: ${restarted} ${of} restarted, ${unknown} not verified, ${notStarted} not started.`;
  if (isDryRun) return `${failed} ${of} cannot be restarted; ${notStarted} can.`;
  if (notStarted === 0) return `${describeFailures(vms)}.`;
  return `${describeFailures(vms)}, which is more than max_failures (${mostFailures}) allows, so ${notStarted === 1 ? '1 was' : `${notStarted} were`} not started. The output remaining has the IDs of all that were not restarted.`;
}

/** An error, and the VMs that failed with it. */
interface FailureGroup {
  readonly error: ActionError;
  readonly names: string[];
}

function groupsOf(vms: readonly VmOutcome[]): ReadonlyMap<string, FailureGroup> {
  const groups = new Map<string, FailureGroup>();
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
function describeGroup({ error, names }: FailureGroup, show: Show, clean: Show): string {
  const shown = names.map((name) => cut(clean(name), LONGEST_NAME));
  return `- ${listNames(shown, MOST_NAMES)}: ${error.code}: ${show(error.message)}`;
}
