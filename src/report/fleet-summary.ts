import { seconds } from '../clock.ts';
import {
  countKinds,
  type FleetOutcome,
  kindOf,
  listNames,
  type MemberOutcome,
  type ResultKind,
} from '../fleet/fleet-outcome.ts';
import { hintOf } from './fleet-error.ts';
import { escapeHtml } from './html.ts';
import { cut } from './results.ts';
import { type Phase, renderGantt } from './timeline.ts';
import { titleOf } from './title.ts';
import type { Show } from './vm-outputs.ts';

/** GitHub drops a summary of more than 1 MiB whole. In bytes, for the table; the rest is small. */
const LARGEST_TABLE_BYTES = 900_000;
const LONGEST_MESSAGE = 500;
const LONGEST_NAME = 200;

/**
 * The job summary of a fleet: counts, a row for each VM with failures first, and a picture of who was under way when. All but
 * the picture is a single block of HTML; from outside the picture has plain names alone.
 * @param clean makes a text harmless for logs; harmless as HTML it is made here.
 */
export function renderFleetSummary(outcome: FleetOutcome, clean: Show): string {
  const lines = [
    `<h3>${escapeHtml(titleOf(outcome))}</h3>`,
    `<p>${describeCounts(outcome)}</p>`,
    ...renderHint(outcome, clean),
    ...renderTable(outcome, clean),
  ];
  const chart = renderGantt(phasesOf(outcome.vms, clean));
  return [...lines, ...(chart.length === 0 ? [] : ['', ...chart, ''])].join('\n');
}

/** From what somebody has to look at to what went well; last come those of which there is nothing to tell. */
const ORDER: readonly ResultKind[] = ['unknown', 'failed', 'skipped', 'restarted', 'not_started'];

const WORDS: Readonly<Record<ResultKind, string>> = {
  unknown: 'not verified',
  failed: 'failed',
  not_started: 'not started',
  skipped: 'skipped',
  restarted: 'restarted',
};

/** In a dry run nothing was to be restarted. */
const DRY_RUN_WORDS: Readonly<Record<ResultKind, string>> = {
  ...WORDS,
  failed: 'cannot be restarted',
  not_started: 'can be restarted',
};

function wordFor(kind: ResultKind, { isDryRun }: FleetOutcome): string {
  return (isDryRun ? DRY_RUN_WORDS : WORDS)[kind];
}

function describeCounts(outcome: FleetOutcome): string {
  const counts = countKinds(outcome.vms);
  const present = ORDER.filter((kind) => counts[kind] > 0);
  return present.map((kind) => `${counts[kind]} ${wordFor(kind, outcome)}`).join(', ');
}

const MOST_NAMES = 3;

function renderHint(outcome: FleetOutcome, clean: Show): string[] {
  const hint = hintOf(outcome);
  if (hint === undefined) return [];
  const names = outcome.vms.filter(({ error }) => error?.hint === hint).map(({ name }) => clean(name));
  const who = escapeHtml(listNames(names, MOST_NAMES));
  return [`<p><b>What to do about ${who}:</b> ${escapeHtml(clean(hint))}</p>`];
}

/** A VM, and its place among the targets, by which the picture names it. */
interface Numbered {
  readonly vm: MemberOutcome;
  readonly number: number;
}

function numbered(vms: readonly MemberOutcome[]): Numbered[] {
  return vms.map((vm, index) => ({ vm, number: index + 1 }));
}

function renderTable(outcome: FleetOutcome, clean: Show): string[] {
  const rank = ({ vm }: Numbered) => ORDER.indexOf(kindOf(vm));
  const inOrder = numbered(outcome.vms).sort((a, b) => rank(a) - rank(b));
  const columns = columnsOf(outcome, clean);
  const cells = inOrder.map((one) => columns.map(({ cell }) => cell(one)));
  // What is known of none takes up no room.
  const isShown = columns.map((_, column) => cells.some((ofVm) => ofVm[column] !== ''));
  const rows = cells.map((ofVm) => renderRow(ofVm.filter((_, column) => isShown[column])));
  const fitting = fittingRows(rows);
  const missing = rows.length - fitting.length;
  const rest = missing === 0 ? [] : [`<p>${missing} more are left out: see the output results.</p>`];
  const shown = columns.filter((_, column) => isShown[column]);
  const headings = shown.map(({ heading }) => `<th>${heading}</th>`).join('');
  return ['<table>', `<tr>${headings}</tr>`, ...fitting, '</table>', ...rest];
}

/** A name or a date is read more easily in one line: in characters. */
const LONGEST_LINE = 40;

function renderRow(cells: readonly string[]): string {
  const tagFor = (cell: string) =>
    cell.length <= LONGEST_LINE && /[ -]/.test(cell) ? '<td nowrap>' : '<td>';
  return `<tr>${cells.map((cell) => `${tagFor(cell)}${escapeHtml(cell)}</td>`).join('')}</tr>`;
}

interface Column {
  readonly heading: string;
  readonly cell: (one: Numbered) => string;
}

function columnsOf(outcome: FleetOutcome, clean: Show): Column[] {
  return [
    { heading: 'no.', cell: ({ number }) => String(number) },
    { heading: 'VM', cell: ({ vm }) => cut(clean(vm.name), LONGEST_NAME) },
    { heading: 'outcome', cell: ({ vm }) => wordFor(kindOf(vm), outcome) },
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
    { heading: 'what happened', cell: ({ vm }) => cut(clean(describeEvent(vm)), LONGEST_MESSAGE) },
  ];
}

function describeEvent({ error, leftAloneFor = '' }: MemberOutcome): string {
  return error === undefined ? leftAloneFor : `${error.code}: ${error.message}`;
}

function fittingRows(rows: readonly string[]): string[] {
  let leftBytes = LARGEST_TABLE_BYTES;
  const end = rows.findIndex((row) => {
    leftBytes -= Buffer.byteLength(row) + 1;
    return leftBytes < 0;
  });
  return rows.slice(0, end < 0 ? rows.length : end);
}

/** A picture of more bars could not be read. */
const MOST_BARS = 50;

/** What Mermaid takes for a name and nothing else. */
const PLAIN_NAME = /^[\w.-]{1,40}$/;

/** The number comes first: no name can then be a word of Mermaid's own. */
function barName({ vm, number }: Numbered, clean: Show): string {
  const name = clean(vm.name);
  return PLAIN_NAME.test(name) ? `${number} ${name}` : `VM ${number}`;
}

/** From sending the restart to the end of all that belonged to it; those that began first. */
function phasesOf(vms: readonly MemberOutcome[], clean: Show): Phase[] {
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
