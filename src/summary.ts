import { seconds } from './clock.ts';
import type { Instance } from './controller/instance.ts';
import { describeCause } from './errors.ts';
import { sshPort, titleOf } from './report.ts';
import type { Outcome } from './restart/restart.ts';
import { addToSummary } from './runner.ts';
import type { Terminal } from './terminal.ts';

/** Appends the job summary. The restart is no worse without one: that it cannot be written is only a warning. */
export function writeSummary(outcome: Outcome, terminal: Terminal): void {
  try {
    addToSummary(renderSummary(outcome, terminal.clean));
  } catch (error) {
    terminal.warning(`The job summary could not be written: ${describeCause(error)}`);
  }
}

type Show = (text: string | number) => string;

/**
 * The job summary: on failure the reason and what to do about it, then one table. It is a single block of HTML, in
 * which Markdown means nothing.
 * @param clean makes a text harmless for logs; harmless as HTML it is made here.
 */
export function renderSummary(outcome: Outcome, clean: (text: string) => string): string {
  const show: Show = (text) => escapeHtml(clean(String(text)));
  const lines = [
    `<h3>${show(titleOf(outcome))}</h3>`,
    ...renderError(outcome, show),
    ...renderTable(outcome, show),
  ];
  return lines.join('\n');
}

function renderError({ error }: Outcome, show: Show): string[] {
  if (error === undefined) return [];
  // Invalid inputs are a list, one line each.
  const lines = error.message.split('\n').map((line) => {
    return line.startsWith('- ') ? `<li>${show(line.slice(2))}</li>` : `<p>${show(line)}</p>`;
  });
  return error.hint === undefined ? lines : [...lines, `<p><b>What to do:</b> ${show(error.hint)}</p>`];
}

/** What was before stands only where it was something else. */
function renderTable({ before, last, durationMs }: Outcome, show: Show): string[] {
  if (last === undefined) return [];
  const cell = (value: string | number | undefined) =>
    value === undefined ? '' : `<code>${show(value)}</code>`;
  const rows = Object.entries(ROWS).map(([label, read]) => {
    const [was, is] = [before && read(before), read(last)];
    return `<tr><td>${label}</td><td>${was === is ? '' : cell(was)}</td><td>${cell(is)}</td></tr>`;
  });
  const duration =
    durationMs === undefined
      ? []
      : [`<tr><td>duration</td><td></td><td>${cell(seconds(durationMs))}</td></tr>`];
  return ['<table>', '<tr><th></th><th>before</th><th>now</th></tr>', ...rows, ...duration, '</table>'];
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

/** Whatever could mean anything to HTML or Markdown becomes a character reference, which means nothing to either. */
function escapeHtml(text: string): string {
  return text.replace(/[^\p{L}\p{M}\p{N} .,:;/-]|:\/\//gu, (match) =>
    [...match].map((character) => `&#${character.codePointAt(0)};`).join(''),
  );
}
