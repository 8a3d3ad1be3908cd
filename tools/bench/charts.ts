import type { FleetResult } from './fleets.ts';
import type { OutOfServiceRow } from './out-of-service.ts';
import type { Result } from './simulate.ts';

// Small charts as SVG. Colors and text follow the reader's light or dark mode; each policy has its own mark or dashes as well.

const STYLE = `
  svg { --ink: #1f2328; --grid: #d1d9e0; --a: #0969da; --b: #bc4c00; --c: #8250df; --d: #59636e }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #f0f6fc; --grid: #3d444d; --a: #4493f8; --b: #f0883e; --c: #ab7df8; --d: #9198a1 }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink) }
  .title { font-weight: 600; font-size: 15px }
  .grid { stroke: var(--grid) }
  .end { text-anchor: end } .middle { text-anchor: middle }
`;
const COLORS = ['var(--a)', 'var(--b)', 'var(--c)', 'var(--d)'];
/** The limit in gray; the time above it in color. */
const BAR_COLORS = ['var(--d)', 'var(--a)', 'var(--b)'];
const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 70, right: 725, top: 50, bottom: 340 };

interface Axis {
  readonly label: string;
  readonly ticks: readonly number[];
  /** Converts a value to a position in pixels. */
  readonly place: (value: number) => number;
}

/** Each model's median delay against its requests, one kind of mark per policy: further down and left is better. */
export function drawDelayAgainstRequests(results: readonly Result[]): string {
  const x = logarithmic('requests in all', [2, 5, 10, 25], [PLOT.left, PLOT.right]);
  const y = logarithmic('median delay (ms)', [10, 100, 1_000, 10_000], [PLOT.bottom, PLOT.top]);
  const policies = namesOf(results);
  const marks = results.map(({ policy, model, requests, medianMs }) => {
    const title = `${policy}, ${model}: ${medianMs.toFixed(0)} ms, ${requests.toFixed(1)} requests`;
    return drawMark(policies.indexOf(policy), {
      x: x.place(requests),
      y: y.place(Math.max(10, medianMs)),
      title,
    });
  });
  return frame('Delay and requests, one mark for each row of the table', [
    drawAxes(x, y),
    ...marks,
    drawLegend(policies),
  ]);
}

/** How many restarts of the first model each policy knows after how long: further left is better. */
export function drawCumulative(results: readonly Result[]): string {
  const first = results.filter(({ model }) => model === results[0]?.model);
  const x = logarithmic('delay (ms)', [10, 100, 1_000, 10_000, 20_000], [PLOT.left, PLOT.right]);
  const y = linear('restarts known (%)', [0, 25, 50, 75, 100], [PLOT.bottom, PLOT.top]);
  const lines = first.map(({ percentilesMs }, index) => {
    const points = percentilesMs.map((ms, percent) => {
      return `${Math.min(PLOT.right, x.place(Math.max(10, ms))).toFixed(1)},${y.place(percent).toFixed(1)}`;
    });
    return drawLine(index, points.join(' '));
  });
  const title = `How soon a restart is known (${results[0]?.model ?? ''})`;
  return frame(title, [drawAxes(x, y), ...lines, drawLineLegend(namesOf(first))]);
}

/** From start to end by the number of VMs, beside the best possible: closer to that is better. */
export function drawFleets(fleets: readonly FleetResult[]): string {
  const x = logarithmic('VMs', [1, 10, 100, 1_000], [PLOT.left, PLOT.right]);
  const y = logarithmic('from start to end (s)', [2, 5, 10, 20, 50, 100], [PLOT.bottom, PLOT.top]);
  const lines = ['100%', '10%'].flatMap((maxParallel) => {
    // A single VM belongs to both lines.
    const some = fleets.filter((fleet) => fleet.vms === 1 || fleet.maxParallel === maxParallel);
    return [some.map(({ vms, wallMs }) => [vms, wallMs]), some.map(({ vms, bestMs }) => [vms, bestMs])];
  });
  const drawn = lines.map((points, index) => {
    const places = points.map(
      ([vms = 0, ms = 0]) => `${x.place(vms).toFixed(1)},${y.place(ms / 1_000).toFixed(1)}`,
    );
    return drawLine(index, places.join(' '));
  });
  const names = ['all at once', 'the best possible', '10 % at a time', 'the best possible'];
  return frame('How long a fleet takes', [drawAxes(x, y), ...drawn, drawLineLegend(names)]);
}

/** How long a VM is out of service, one bar per kind of runner: shorter is better. */
export function drawOutOfService(rows: readonly OutOfServiceRow[]): string {
  const x = linear(
    'seconds since the job ended (median)',
    [0, 50, 100, 150, 200, 250],
    [PLOT.left, PLOT.right],
  );
  const rowHeight = (PLOT.bottom - PLOT.top) / rows.length;
  const bars = rows.map((row, index) => {
    const top = PLOT.top + index * rowHeight;
    return drawBar(row, x, { top: top + 8, height: rowHeight - 46 });
  });
  const noRows: Axis = { label: '', ticks: [], place: () => PLOT.top };
  const names = ['stop, start, boot, register', 'until a job can start', 'until the step knows'];
  return frame('How long a VM is out of service between two jobs', [
    drawAxes(x, noRows),
    ...bars,
    drawBarLegend(names),
  ]);
}

interface Bar {
  readonly top: number;
  readonly height: number;
}

/** A bar in three parts: the limit, the time until the next job can start, and the time until the step knows it. */
function drawBar({ setup, limit, usable, known }: OutOfServiceRow, x: Axis, { top, height }: Bar): string {
  const ends = [0, limit.medianMs, usable.medianMs, known.medianMs].map((ms) => x.place(ms / 1_000));
  const parts = ends.slice(1).map((end, index) => {
    const start = ends[index] ?? end;
    return `<rect x="${start.toFixed(1)}" y="${(top + 22).toFixed(1)}" width="${(end - start).toFixed(1)}" height="${height.toFixed(1)}" style="fill:${BAR_COLORS[index]}"/>`;
  });
  const total = `${(known.medianMs / 1_000).toFixed(0)} s`;
  const end = (ends.at(-1) ?? PLOT.left) + 8;
  return `<text x="${PLOT.left + 6}" y="${(top + 14).toFixed(1)}">${setup.replaceAll('`', '')}</text>${parts.join('')}<text x="${end.toFixed(1)}" y="${(top + 27 + height / 2).toFixed(1)}">${total}</text>`;
}

function drawBarLegend(names: readonly string[]): string {
  return names
    .map((name, index) => {
      const x = PLOT.left + index * 220;
      return `<rect x="${x}" y="${HEIGHT - 24}" width="12" height="12" style="fill:${BAR_COLORS[index]}"/><text x="${x + 20}" y="${HEIGHT - 13}">${name}</text>`;
    })
    .join('\n');
}

function namesOf(results: readonly Result[]): string[] {
  return [...new Set(results.map(({ policy }) => policy))];
}

function linear(label: string, ticks: readonly number[], [from, to]: readonly [number, number]): Axis {
  const [first, last] = [Math.min(...ticks), Math.max(...ticks)];
  return { label, ticks, place: (value) => from + ((value - first) / (last - first)) * (to - from) };
}

function logarithmic(label: string, ticks: readonly number[], range: readonly [number, number]): Axis {
  const { place } = linear(label, ticks.map(Math.log10), range);
  return { label, ticks, place: (value) => place(Math.log10(value)) };
}

function drawAxes(x: Axis, y: Axis): string {
  const columns = x.ticks.map((tick) => {
    const at = x.place(tick);
    return `<path class="grid" d="M${at} ${PLOT.top}V${PLOT.bottom}"/><text class="middle" x="${at}" y="${PLOT.bottom + 20}">${tick.toLocaleString('en')}</text>`;
  });
  const rows = y.ticks.map((tick) => {
    const at = y.place(tick);
    return `<path class="grid" d="M${PLOT.left} ${at}H${PLOT.right}"/><text class="end" x="${PLOT.left - 8}" y="${at + 4}">${tick.toLocaleString('en')}</text>`;
  });
  const labels = `<text class="middle" x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 42}">${x.label}</text><text x="${PLOT.left}" y="${PLOT.top - 10}" class="end">${y.label}</text>`;
  return [...columns, ...rows, labels.replace(' class="end"', '')].join('\n');
}

interface Mark {
  readonly x: number;
  readonly y: number;
  readonly title: string;
}

/** A disc, a square, a triangle, a cross. */
function drawMark(kind: number, { x, y, title }: Mark): string {
  const shapes = [
    '<circle r="6"/>',
    '<rect x="-5" y="-5" width="10" height="10"/>',
    '<path d="M0-7 7 6H-7Z"/>',
    '<path d="M-5-5 5 5M5-5-5 5" stroke="currentColor" stroke-width="3"/>',
  ];
  const place = `translate(${x.toFixed(1)} ${y.toFixed(1)})`;
  return `<g transform="${place}" style="fill:${COLORS[kind]};color:${COLORS[kind]}" fill-opacity="0.85"><title>${title}</title>${shapes[kind]}</g>`;
}

function drawLegend(names: readonly string[]): string {
  return names
    .map((name, index) => {
      const x = PLOT.left + index * 170;
      return `${drawMark(index, { x: x + 6, y: HEIGHT - 18, title: name })}<text x="${x + 20}" y="${HEIGHT - 13}">${name}</text>`;
    })
    .join('\n');
}

/** Each line has its own dashes. */
function drawLine(kind: number, points: string): string {
  const dash = kind === 0 ? '' : ` stroke-dasharray="${2 * kind + 1} 3"`;
  return `<polyline points="${points}" fill="none" style="stroke:${COLORS[kind]}" stroke-width="2.5"${dash}/>`;
}

function drawLineLegend(names: readonly string[]): string {
  return names
    .map((name, index) => {
      const x = PLOT.left + index * 170;
      const line = drawLine(index, `${x},${HEIGHT - 18} ${x + 26},${HEIGHT - 18}`);
      return `${line}<text x="${x + 32}" y="${HEIGHT - 13}">${name}</text>`;
    })
    .join('\n');
}

function frame(title: string, content: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>${STYLE}</style>
<text class="title" x="${PLOT.left}" y="20">${title}</text>
${content.join('\n')}
</svg>
`;
}
