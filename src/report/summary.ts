import * as core from '@actions/core';
import { seconds } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { describeCause } from '../errors.ts';
import { isFleet, type StepOutcome } from '../fleet/fleet-outcome.ts';
import type { VmOutcome } from '../fleet/one-vm.ts';
import { sshPort } from '../guest/address.ts';
import { renderFleetSummary } from './fleet-summary.ts';
import { escapeHtml } from './html.ts';
import type { Terminal } from './terminal.ts';
import { renderGantt, timelineOf } from './timeline.ts';
import { titleOf } from './title.ts';

/** Appends the job summary. The restart is no worse without one: that it cannot be written is only a warning. */
export async function writeSummary(outcome: StepOutcome, terminal: Terminal): Promise<void> {
  try {
    await core.summary.addRaw(renderSummary(outcome, terminal.clean), true).write();
  } catch (error) {
    terminal.warning(`The job summary could not be written: ${describeCause(error)}`);
  }
}

type Show = (text: string | number) => string;

/**
 * The job summary: on failure the reason and what to do about it, then a table of what is known, and a timeline. All but
 * its picture is a single block of HTML, in which Markdown means nothing; nothing from outside is in the picture.
 * @param clean makes a text harmless for logs; harmless as HTML it is made here.
 */
export function renderSummary(outcome: StepOutcome, clean: (text: string) => string): string {
  return isFleet(outcome) ? renderFleetSummary(outcome, clean) : renderVmSummary(outcome, clean);
}

function renderVmSummary(outcome: VmOutcome, clean: (text: string) => string): string {
  const show: Show = (text) => escapeHtml(clean(String(text)));
  const lines = [
    `<h3>${show(titleOf(outcome))}</h3>`,
    ...renderError(outcome, show),
    ...renderTable(outcome, show),
    ...renderTimeline(outcome),
  ];
  return lines.join('\n');
}

function renderError({ error, leftAloneFor = '' }: VmOutcome, show: Show): string[] {
  if (error === undefined) return leftAloneFor === '' ? [] : [`<p>${show(leftAloneFor)}</p>`];
  // Invalid inputs are a list, one line each.
  const lines = error.message.split('\n').map((line) => {
    return line.startsWith('- ') ? `<ul><li>${show(line.slice(2))}</li></ul>` : `<p>${show(line)}</p>`;
  });
  return error.hint === undefined ? lines : [...lines, `<p><b>What to do:</b> ${show(error.hint)}</p>`];
}

/** What was before the restart stands beside what is now, where it was something else. */
function renderTable({ before, last, durationMs, runner, guest }: VmOutcome, show: Show): string[] {
  if (last === undefined) return [];
  const cell = (value: string | number | undefined) =>
    value === undefined ? '' : `<code>${show(value)}</code>`;
  const rows = Object.entries(ROWS).map(([label, read]) => {
    const [was, is] = [before && read(before), read(last)];
    const change = was === undefined || was === is ? '' : `, before ${cell(was)}`;
    return `<tr><td>${label}</td><td>${cell(is)}${change}</td></tr>`;
  });
  const news = {
    'verified after': durationMs && seconds(durationMs),
    runner: runner?.status,
    guest: guest?.status,
  };
  const more = Object.entries(news).flatMap(([label, value]) =>
    value === undefined ? [] : [`<tr><td>${label}</td><td>${cell(value)}</td></tr>`],
  );
  return ['<table>', ...rows, ...more, '</table>'];
}

/**
 * Where there is a runner or a guest to wait for, what took how long: a chart, which has to stand outside of the HTML, and a table
 * for whoever shows no Mermaid.
 */
function renderTimeline(outcome: VmOutcome): string[] {
  const phases = (outcome.runner ?? outcome.guest) === undefined ? [] : timelineOf(outcome);
  if (phases.length === 0) return [];
  const rows = phases.map(({ name, fromMs, toMs }) => {
    return `<tr><td>${name}</td><td>${seconds(fromMs)}</td><td>${seconds(toMs - fromMs)}</td></tr>`;
  });
  const table = ['<table>', '<tr><th></th><th>from</th><th>duration</th></tr>', ...rows, '</table>'];
  const chart = renderGantt(phases);
  return chart.length === 0 ? table : ['', ...chart, '', ...table];
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
