import { seconds } from '../clock.ts';
import {
  countKinds,
  KIND_WORDS,
  listNames,
  type ResultKind,
  resultKindOf,
  type StepOutcome,
  type VmOutcome,
} from '../fleet/step-outcome.ts';
import { cut, type Show } from './outputs.ts';
import { hintFor } from './report.ts';
import { type Phase, renderGantt } from './timeline.ts';

/** GitHub drops a summary of more than 1 MiB whole. In bytes, for the table; the rest is small. */
const LARGEST_TABLE_BYTES = 900_000;
const LONGEST_EVENT = 500;
const LONGEST_CELL_NAME = 200;

/** How external text gets into the summary. */
interface Rendering {
  /** Makes a text safe for logs, which must happen before it is truncated. */
  readonly clean: Show;
  /** Escapes a clean text for HTML. */
  readonly toHtml: Show;
}

/** Several VMs: a count of each outcome, a row for each VM with failures first, and a chart of when each was in progress. */
export function renderVms(outcome: StepOutcome, rendering: Rendering): string[] {
  const chart = renderGantt(phasesOf(outcome.vms, rendering.clean));
  return [
    ...renderCounts(outcome),
    ...renderHint(outcome, rendering),
    ...renderTable(outcome, rendering),
    ...(chart.length === 0 ? [] : ['', ...chart, '']),
  ];
}

/** From those that need attention to those that succeeded; those that were not started come last. */
const ORDER: readonly ResultKind[] = ['unknown', 'failed', 'skipped', 'restarted', 'not_started'];

/** In a dry run nothing is restarted. */
const DRY_RUN_WORDS: Readonly<Record<ResultKind, string>> = {
  ...KIND_WORDS,
  failed: 'cannot be restarted',
  not_started: 'can be restarted',
};

function wordFor(kind: ResultKind, { isDryRun }: StepOutcome): string {
  return (isDryRun ? DRY_RUN_WORDS : KIND_WORDS)[kind];
}

/** Empty if every VM was restarted: the title says so. */
function renderCounts(outcome: StepOutcome): string[] {
  const { vms } = outcome;
  const counts = countKinds(vms);
  if (counts.restarted === vms.length) return [];
  const present = ORDER.filter((kind) => counts[kind] > 0);
  return [`<p>${present.map((kind) => `${counts[kind]} ${wordFor(kind, outcome)}`).join(', ')}</p>`];
}

const MOST_WITH_HINT = 3;

function renderHint(outcome: StepOutcome, { clean, toHtml }: Rendering): string[] {
  const hint = hintFor(outcome);
  if (hint === undefined) return [];
  const names = outcome.vms.filter(({ error }) => error?.hint === hint).map(({ name }) => clean(name));
  const which = toHtml(listNames(names, MOST_WITH_HINT));
  return [`<p><b>What to do about ${which}:</b> ${toHtml(clean(hint))}</p>`];
}

/** A VM, and its number among the targets, which the chart shows. */
interface Numbered {
  readonly vm: VmOutcome;
  readonly number: number;
}

function numbered(vms: readonly VmOutcome[]): Numbered[] {
  return vms.map((vm, index) => ({ vm, number: index + 1 }));
}

function renderTable(outcome: StepOutcome, { clean, toHtml }: Rendering): string[] {
  const rank = ({ vm }: Numbered) => ORDER.indexOf(resultKindOf(vm));
  const inOrder = numbered(outcome.vms).sort((a, b) => rank(a) - rank(b));
  const columns = columnsOf(outcome, clean);
  const cells = inOrder.map((one) => columns.map(({ cell }) => cell(one)));
  // A column without content is left out.
  const isShown = columns.map((_, column) => cells.some((ofVm) => ofVm[column] !== ''));
  const rows = cells.map((ofVm) =>
    renderRow(
      ofVm.filter((_, column) => isShown[column]),
      toHtml,
    ),
  );
  const fitting = fittingRows(rows);
  const missing = rows.length - fitting.length;
  const rest = missing === 0 ? [] : [`<p>${missing} more are left out: see the output results.</p>`];
  const shown = columns.filter((_, column) => isShown[column]);
  const headings = shown.map(({ heading }) => `<th>${heading}</th>`).join('');
  return ['<table>', `<tr>${headings}</tr>`, ...fitting, '</table>', ...rest];
}

/** A name or a date is easier to read on one line: in characters. */
const LONGEST_LINE = 40;

function renderRow(cells: readonly string[], toHtml: Show): string {
  const tagFor = (cell: string) =>
    cell.length <= LONGEST_LINE && /[ -]/.test(cell) ? '<td nowrap>' : '<td>';
  return `<tr>${cells.map((cell) => `${tagFor(cell)}${toHtml(cell)}</td>`).join('')}</tr>`;
}

interface Column {
  readonly heading: string;
  readonly cell: (one: Numbered) => string;
}

function columnsOf(outcome: StepOutcome, clean: Show): Column[] {
  return [
    { heading: 'no.', cell: ({ number }) => String(number) },
    { heading: 'VM', cell: ({ vm }) => cut(clean(vm.name), LONGEST_CELL_NAME) },
    { heading: 'outcome', cell: ({ vm }) => wordFor(resultKindOf(vm), outcome) },
    {
      heading: 'last boot',
      cell: ({ vm }) => clean((vm.last?.startDate ?? vm.proof?.startDate)?.text ?? ''),
    },
    {
      heading: 'verified after',
      cell: ({ vm: { durationMs } }) => (durationMs === undefined ? '' : seconds(durationMs)),
    },
    { heading: 'runner', cell: ({ vm }) => vm.runner?.status ?? '' },
    { heading: 'guest', cell: ({ vm }) => vm.guest?.status ?? '' },
    { heading: 'what happened', cell: ({ vm }) => cut(clean(describeEvent(vm)), LONGEST_EVENT) },
  ];
}

function describeEvent({ error, leftAlone }: VmOutcome): string {
  return error === undefined ? (leftAlone?.message ?? '') : `${error.code}: ${error.message}`;
}

function fittingRows(rows: readonly string[]): string[] {
  let leftBytes = LARGEST_TABLE_BYTES;
  const end = rows.findIndex((row) => {
    leftBytes -= Buffer.byteLength(row) + 1;
    return leftBytes < 0;
  });
  return rows.slice(0, end < 0 ? rows.length : end);
}

/** A chart with more bars would be unreadable. */
const MOST_BARS = 50;

/** A name that Mermaid reads as plain text. */
const PLAIN_NAME = /^[\w.-]{1,40}$/;

/** The number comes first, so that no name is a Mermaid keyword. */
function barName({ vm, number }: Numbered, clean: Show): string {
  const name = clean(vm.name);
  return PLAIN_NAME.test(name) ? `${number} ${name}` : `VM ${number}`;
}

/** From sending the restart to the VM's end; the earliest ones. */
function phasesOf(vms: readonly VmOutcome[], clean: Show): Phase[] {
  const bars = numbered(vms).flatMap((one) => {
    const { endedAt, moments, error, leftAlone } = one.vm;
    if (moments.sent === undefined || endedAt === undefined || leftAlone !== undefined) return [];
    return [
      { name: barName(one, clean), fromMs: moments.sent, toMs: endedAt, isFailed: error !== undefined },
    ];
  });
  const first = bars.sort((a, b) => a.fromMs - b.fromMs).slice(0, MOST_BARS);
  const startedAt = Math.min(...vms.flatMap(({ moments }) => moments.started ?? []));
  return first.map((bar) => ({ ...bar, fromMs: bar.fromMs - startedAt, toMs: bar.toMs - startedAt }));
}
