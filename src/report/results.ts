import {
  isFleet,
  kindOf,
  type MemberOutcome,
  type ResultKind,
  type StepOutcome,
} from '../fleet/fleet-outcome.ts';
import type { VmOutcome } from '../fleet/one-vm.ts';
import { type Show, type VmOutputs, vmOutputs } from './vm-outputs.ts';

/** The outputs about every target, be it one or a thousand. */
export interface Results {
  /** A JSON array with an object for every target. */
  readonly results: string;
  /** The instance IDs of those that were not restarted, one a line. */
  readonly remaining: string;
  /** A JSON array for `strategy.matrix.include`. */
  readonly matrix: string;
}

/**
 * GitHub takes 1 MB of a job's outputs, which it counts as UTF-16. In characters, for all three; the others hardly count, but have
 * to fit in, too.
 */
const LONGEST_IN_ALL = 450_000;

/**
 * GitHub drops an output that holds anything that is masked, so nothing may: not even what is shown elsewhere because it was checked.
 * An ID in which something is masked is of no use, and left out.
 */
export function resultsOf(outcome: StepOutcome, show: Show): Results {
  const vms = membersOf(outcome).map((vm) => describe(vm, show));
  const usable = vms.filter(({ id }) => id !== '' && show(id) === id);
  const remaining = usable
    .filter(({ vm }) => vm.restarted !== 'true')
    .map(({ id }) => id)
    .join('\n');
  const matrix = JSON.stringify(matrixOf(usable.filter(({ kind }) => isFit(kind))));
  return { results: fitting(vms, LONGEST_IN_ALL - remaining.length - matrix.length), remaining, matrix };
}

/** None where nobody knows what was to be restarted. */
function membersOf(outcome: StepOutcome): readonly VmOutcome[] {
  if (isFleet(outcome)) return outcome.vms;
  return outcome.target === undefined ? [] : [outcome];
}

/** Nothing stands against its restart, which was not begun. */
function isFit(kind: ResultKind): boolean {
  return kind === 'not_started' || kind === 'skipped';
}

function isMember(vm: VmOutcome): vm is MemberOutcome {
  return 'name' in vm;
}

interface Described {
  readonly vm: VmOutcome;
  readonly kind: ResultKind;
  readonly id: string;
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly message: string;
}

function describe(vm: VmOutcome, show: Show): Described {
  const outputs = vmOutputs(vm, show);
  const { instance_id: id, external_id: externalId } = outputs;
  const given = isMember(vm) ? show(vm.name) : externalId;
  const message = show(vm.error?.message ?? vm.leftAloneFor ?? '');
  return {
    vm,
    kind: kindOf(vm),
    id,
    name: given === '' ? id : given,
    outputs: cleaned(outputs, show),
    message,
  };
}

/** Free of what is masked, even where it was checked. */
function cleaned(outputs: VmOutputs, show: Show): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, show(value)]));
}

// ---- results ----

/** What an object of the results holds. */
interface Shape {
  /** In characters. */
  readonly longestMessage: number;
  readonly without: readonly string[];
}

const FIELDS = [
  'instance_id',
  'external_id',
  'outcome',
  'error_code',
  'message',
  'start_date',
  'previous_start_date',
  'duration',
  'runner_status',
  'guest_status',
  'node_id',
  'host_ip',
  'ssh_port',
];

const PLACE = ['node_id', 'host_ip', 'ssh_port'];
const TIMES = ['start_date', 'previous_start_date', 'duration'];
const REST = ['external_id', 'message', 'runner_status', 'guest_status'];

/** From all that there is to what is needed. */
const SHAPES: readonly Shape[] = [
  { longestMessage: 1_000, without: [] },
  { longestMessage: 300, without: [] },
  { longestMessage: 80, without: [] },
  { longestMessage: 80, without: PLACE },
  { longestMessage: 80, without: [...PLACE, ...TIMES] },
  { longestMessage: 0, without: [...PLACE, ...TIMES, ...REST] },
];

/** The fullest results that are not longer; the shortest if none are. */
function fitting(vms: readonly Described[], longest: number): string {
  let results = '';
  for (const shape of SHAPES) {
    results = JSON.stringify(vms.map((vm) => resultOf(vm, shape)));
    if (results.length <= longest) break;
  }
  return results;
}

function resultOf({ vm, kind, outputs, message }: Described, { longestMessage, without }: Shape) {
  const all: Readonly<Record<string, string>> = {
    ...outputs,
    outcome: kind,
    error_code: vm.error?.code ?? '',
    message: cut(message, longestMessage),
  };
  const names = FIELDS.filter((name) => !without.includes(name));
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

/** To be cut, a text has to be clean already: half a secret is found by nobody. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, Math.max(0, longest - 1)).toWellFormed()}…`;
}

// ---- matrix ----

interface MatrixEntry {
  readonly name: string;
  /** One ID, or several, one a line. */
  readonly instance_id: string;
}

/** GitHub generates so many jobs from a matrix. */
const MOST_ENTRIES = 256;
const LONGEST_NAME = 80;

/** Each entry has about as many VMs as any other. */
function matrixOf(vms: readonly Described[]): MatrixEntry[] {
  const entries = Math.min(MOST_ENTRIES, vms.length);
  const entryOf = (index: number) => Math.floor((index * entries) / vms.length);
  const endOf = (entry: number) => Math.ceil(((entry + 1) * vms.length) / entries);
  const taken = new Set<string>();
  return vms.flatMap((first, index) => {
    if (entryOf(index) === entryOf(index - 1)) return [];
    const ids = vms.slice(index, endOf(entryOf(index))).map(({ id }) => id);
    const name = ownName(`${cut(first.name, LONGEST_NAME)}${andMore(ids.length - 1)}`, first.id, taken);
    taken.add(name);
    return [{ name, instance_id: ids.join('\n') }];
  });
}

function andMore(count: number): string {
  return count === 0 ? '' : ` and ${count} more`;
}

function ownName(name: string, id: string, taken: ReadonlySet<string>): string {
  return taken.has(name) ? `${name} (${id})` : name;
}
