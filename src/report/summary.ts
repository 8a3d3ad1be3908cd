import * as core from '@actions/core';
import { seconds } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { type ActionError, describeCause } from '../errors.ts';
import { type StepOutcome, theOnlyVm, type VmOutcome } from '../fleet/step-outcome.ts';
import { sshPort } from '../guest/address.ts';
import type { Show } from './outputs.ts';
import { titleOf } from './report.ts';
import type { Terminal } from './terminal.ts';
import { renderGantt, timelineOf } from './timeline.ts';
import { renderVms } from './vm-table.ts';

/** Appends the job summary. A failure to write it is only a warning: it does not affect the restart. */
export async function writeSummary(outcome: StepOutcome, terminal: Terminal): Promise<void> {
  try {
    await core.summary.addRaw(renderSummary(outcome, terminal.clean), true).write();
  } catch (error) {
    terminal.warning(`The job summary could not be written: ${describeCause(error)}`);
  }
}

/**
 * The job summary: a title; then for the only VM why it failed, its details, and a timeline; or a row for each of several. Everything
 * but the chart is a single block of HTML, in which Markdown has no effect; the chart contains no external text but plain names.
 * @param clean makes a text safe for logs; it is escaped for HTML here.
 */
export function renderSummary(outcome: StepOutcome, clean: Show): string {
  const show: Show = (text) => escapeHtml(clean(text));
  return [`<h3>${show(titleOf(outcome))}</h3>`, ...renderDetails(outcome, { clean, show })].join('\n');
}

function renderDetails(outcome: StepOutcome, { clean, show }: { clean: Show; show: Show }): string[] {
  const only = theOnlyVm(outcome);
  if (only !== undefined) return renderVm(only, show);
  const { vms, error } = outcome;
  if (vms.length > 0) return renderVms(outcome, { clean, toHtml: escapeHtml });
  return error === undefined ? [] : renderError(error, show);
}

/** Characters with a meaning in HTML or Markdown become character references. */
function escapeHtml(text: string): string {
  return text.replace(/[^\p{L}\p{M}\p{N} .,:;/-]|:\/\//gu, (match) =>
    [...match].map((character) => `&#${character.codePointAt(0)};`).join(''),
  );
}

// ---- the only VM ----

function renderVm(vm: VmOutcome, show: Show): string[] {
  const { error, leftAlone } = vm;
  const reason = leftAlone?.message ? [`<p>${show(leftAlone.message)}</p>`] : [];
  return [
    ...(error === undefined ? reason : renderError(error, show)),
    ...renderFacts(vm, show),
    ...renderTimeline(vm),
  ];
}

function renderError({ message, hint }: ActionError, show: Show): string[] {
  // Invalid inputs are a list, one line each.
  const lines = message.split('\n').map((line) => {
    return line.startsWith('- ') ? `<ul><li>${show(line.slice(2))}</li></ul>` : `<p>${show(line)}</p>`;
  });
  return hint === undefined ? lines : [...lines, `<p><b>What to do:</b> ${show(hint)}</p>`];
}

/** Also shows the value before the restart if it was different. */
function renderFacts({ before, last, durationMs, runner, guest }: VmOutcome, show: Show): string[] {
  if (last === undefined) return [];
  const cell = (value: string | number | undefined) =>
    value === undefined ? '' : `<code>${show(String(value))}</code>`;
  const rows = Object.entries(ROWS).map(([label, read]) => {
    const [was, is] = [before && read(before), read(last)];
    const change = was === undefined || was === is ? '' : `, previously ${cell(was)}`;
    return `<tr><td>${label}</td><td>${cell(is)}${change}</td></tr>`;
  });
  const results = {
    'verified after': durationMs && seconds(durationMs),
    runner: runner?.status,
    guest: guest?.status,
  };
  const more = Object.entries(results).flatMap(([label, value]) =>
    value === undefined ? [] : [`<tr><td>${label}</td><td>${cell(value)}</td></tr>`],
  );
  return ['<table>', ...rows, ...more, '</table>'];
}

const ROWS: Readonly<Record<string, (instance: Instance) => string | number | undefined>> = {
  instance: ({ instanceId }) => instanceId,
  'external id': ({ externalId }) => externalId,
  name: ({ name }) => name,
  'instance state': ({ state }) => state,
  'VM status': ({ status }) => status,
  'start date': ({ startDateText }) => startDateText,
  node: ({ nodeId }) => nodeId,
  'host IP': ({ hostIp }) => hostIp,
  'VM IP': ({ ip }) => ip,
  'VNC port': ({ vncPort }) => vncPort,
  'SSH port': (instance) => sshPort(instance),
};

/**
 * How long each phase took, if the step waited for a runner or a guest: a chart, which must be outside of the HTML, and a table for
 * viewers without Mermaid.
 */
function renderTimeline(vm: VmOutcome): string[] {
  const phases = (vm.runner ?? vm.guest) === undefined ? [] : timelineOf(vm);
  if (phases.length === 0) return [];
  const rows = phases.map(({ name, fromMs, toMs }) => {
    return `<tr><td>${name}</td><td>${seconds(fromMs)}</td><td>${seconds(toMs - fromMs)}</td></tr>`;
  });
  const table = ['<table>', '<tr><th></th><th>from</th><th>duration</th></tr>', ...rows, '</table>'];
  const chart = renderGantt(phases);
  return chart.length === 0 ? table : ['', ...chart, '', ...table];
}
