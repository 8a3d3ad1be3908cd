import { isIP } from 'node:net';
import * as core from '@actions/core';
import { isUuid, type PortForwarding, type Target, WELL_KNOWN } from '../controller/instance.ts';
import type { DrainState } from '../drain/drain.ts';
import { ActionError, describeCause } from '../errors.ts';
import {
  nothingKnown,
  type ResultKind,
  restartedOf,
  resultKindOf,
  type StepOutcome,
  theOnlyVm,
  type VmOutcome,
} from '../fleet/step-outcome.ts';
import { sshPort } from '../guest/address.ts';
import type { Terminal } from './terminal.ts';

/** Makes external text safe to print. */
export type Show = (text: string) => string;

/** Sets every output. @throws if the runner's file cannot be written. */
export function setOutputs(outcome: StepOutcome, terminal: Terminal): void {
  for (const [name, value] of Object.entries(outputsOf(outcome, terminal.clean))) core.setOutput(name, value);
}

/** Sets the outputs before a restart is sent. @throws ActionError if the runner's file cannot be written: nothing could be reported later. */
export function announceOutputs(outcome: StepOutcome, terminal: Terminal): void {
  try {
    setOutputs(outcome, terminal);
  } catch (cause) {
    const message = `The outputs cannot be written, so no restart was sent: ${describeCause(cause)}.`;
    const hint = 'Check the file that GITHUB_OUTPUT names, and the disk of the machine that runs the step.';
    throw new ActionError('internal_error', message, { hint, cause });
  }
}

/** What the post step finds in `STATE_drains`. @throws if the runner's file cannot be written. */
export function saveDrains(state: DrainState): void {
  core.saveState('drains', state.length === 0 ? '' : JSON.stringify(state));
}

/**
 * Every output that action.yml declares; empty if unknown. The outputs about one VM are set if the step has exactly one.
 * @param show makes external free text safe to print.
 */
export function outputsOf(outcome: StepOutcome, show: Show) {
  return {
    restarted: restartedOf(outcome.vms) as string,
    ...vmOutputs(theOnlyVm(outcome) ?? nothingKnown({ name: '', target: undefined }), show),
    ...resultsOf(outcome, show),
    error_code: outcome.error?.code ?? '',
  };
}

// ---- one VM ----

type VmOutputs = ReturnType<typeof vmOutputs>;

/** A zone ID is free text. */
const isAddress = (text: string) => isIP(text) !== 0 && !text.includes('%');

/**
 * The instance itself never becomes an output: it can contain passwords.
 * @param show makes external free text safe to print. Dates and ports were checked when they were read; and a plain ID, an
 * address or a well-known word is not a secret, even if it contains a password.
 */
function vmOutputs(outcome: VmOutcome, show: Show) {
  const { before, last, proof, durationMs, runner, guest } = outcome;
  const word = (text = '') => (WELL_KNOWN.has(text) ? text : show(text));
  const plain = (text: string, isHarmless: (text: string) => boolean) =>
    text === '' || isHarmless(text) ? text : show(text);
  return {
    // A later answer may lack it for a while, as the node's agent does not know it at once.
    start_date: (last?.startDate ?? proof?.startDate)?.text ?? '',
    previous_start_date: before?.startDate?.text ?? '',
    instance_id: plain(last?.instanceId ?? given('instance_id', outcome), isUuid),
    external_id: show(
      last?.externalId ?? before?.externalId ?? outcome.externalId ?? given('external_id', outcome),
    ),
    instance_state: word(last?.state),
    status: word(last?.status),
    node_id: show(last?.nodeId ?? ''),
    host_ip: plain(last?.hostIp ?? '', isAddress),
    ip: plain(last?.ip ?? '', isAddress),
    vnc_port: String(last?.vncPort ?? ''),
    ssh_port: String(sshPort(last) ?? ''),
    port_forwarding:
      last === undefined ? '' : JSON.stringify(last.portForwarding.map((port) => wireForm(port, show))),
    duration: durationMs === undefined ? '' : (durationMs / 1000).toFixed(1),
    runner_status: runner?.status ?? '',
    guest_status: guest?.status ?? '',
  };
}

/** The given ID, if the controller never showed it. */
function given(by: Target['by'], { target }: VmOutcome): string {
  return target?.by === by ? target.id : '';
}

function wireForm({ guestPort, hostPort, protocol = '', name = '' }: PortForwarding, show: Show) {
  return { guest_port: guestPort, host_port: hostPort, protocol: show(protocol), name: show(name) };
}

// ---- all VMs: results, remaining, matrix ----

interface Results {
  /** A JSON array with an object for every target. */
  readonly results: string;
  /** The IDs of instances that were not restarted but may need it, one per line. */
  readonly remaining: string;
  /** A JSON array for `strategy.matrix.include`. */
  readonly matrix: string;
}

/** GitHub accepts 1 MB of outputs per job, counted as UTF-16. In characters, for all three; that leaves room for the others. */
const LONGEST_IN_ALL = 450_000;

/**
 * GitHub drops an output that contains anything masked, so these contain nothing masked: not even checked values that are shown elsewhere. An
 * ID with a masked part is useless, so it is omitted.
 */
function resultsOf(outcome: StepOutcome, show: Show): Results {
  const vms = outcome.vms.map((vm) => describeVm(vm, show));
  const usable = vms.filter(({ id }) => id !== '' && show(id) === id);
  const due = usable.filter(({ vm }) => vm.restarted !== 'true' && mayBeNamed(vm));
  const remaining = due.map(({ id }) => id).join('\n');
  const matrix = JSON.stringify(matrixOf(due.filter(({ kind }) => canBeStarted(kind))));
  return { results: fitting(vms, LONGEST_IN_ALL - remaining.length - matrix.length), remaining, matrix };
}

/** Whether the next run can name the VM by its ID: one that needs no restart would get one, and one that is not running would fail the step. */
function mayBeNamed({ leftAlone }: VmOutcome): boolean {
  return leftAlone?.why !== 'needless' && leftAlone?.why !== 'not running';
}

/** Whether a job of the matrix can restart it: it has not failed, and no restart was started. */
function canBeStarted(kind: ResultKind): boolean {
  return kind === 'not_started' || kind === 'skipped';
}

interface Described {
  readonly vm: VmOutcome;
  readonly kind: ResultKind;
  readonly id: string;
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly message: string;
}

function describeVm(vm: VmOutcome, show: Show): Described {
  const outputs = vmOutputs(vm, show);
  const { instance_id: id, external_id: externalId } = outputs;
  const message = show((vm.error ?? vm.leftAlone)?.message ?? '');
  return {
    vm,
    kind: resultKindOf(vm),
    id,
    name: externalId || show(vm.name) || id,
    outputs: cleaned(outputs, show),
    message,
  };
}

/** Without anything masked, even where it was checked. */
function cleaned(outputs: VmOutputs, show: Show): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, show(value)]));
}

/** What an object of the results contains. */
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

/** From the most detailed to the least. */
const SHAPES: readonly Shape[] = [
  { longestMessage: 1_000, without: [] },
  { longestMessage: 300, without: [] },
  { longestMessage: 80, without: [] },
  { longestMessage: 80, without: PLACE },
  { longestMessage: 80, without: [...PLACE, ...TIMES] },
  { longestMessage: 0, without: [...PLACE, ...TIMES, ...REST] },
];

/** The results with as much detail as fits into this length; if nothing does, with the least. */
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

/** A text must be clean before it is truncated: half a secret is not recognized. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, Math.max(0, longest - 1)).toWellFormed()}…`;
}

interface MatrixEntry {
  readonly name: string;
  /** One ID, or several, one per line. */
  readonly instance_id: string;
}

/** The most jobs that GitHub generates from a matrix. */
const MOST_ENTRIES = 256;
const LONGEST_ENTRY_NAME = 80;

/** All entries have about the same number of VMs. */
function matrixOf(vms: readonly Described[]): MatrixEntry[] {
  const entries = Math.min(MOST_ENTRIES, vms.length);
  const entryOf = (index: number) => Math.floor((index * entries) / vms.length);
  const endOf = (entry: number) => Math.ceil(((entry + 1) * vms.length) / entries);
  const taken = new Set<string>();
  return vms.flatMap((first, index) => {
    if (entryOf(index) === entryOf(index - 1)) return [];
    const ids = vms.slice(index, endOf(entryOf(index))).map(({ id }) => id);
    const name = ownName(`${cut(first.name, LONGEST_ENTRY_NAME)}${andMore(ids.length - 1)}`, first.id, taken);
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
