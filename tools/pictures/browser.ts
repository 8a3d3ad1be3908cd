import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { HEIGHT_ATTRIBUTE, PAGE_WIDTH } from './page.ts';

const run = promisify(execFile);

/** Keeps Chromium off the network. */
const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
];

/** How long the page may take to draw its charts, by its own clock. */
const DRAWING_MS = 20_000;
const LONGEST_RUN_MS = 120_000;
/** The page contains Mermaid, and `--dump-dom` prints all of it. */
const MOST_OUTPUT_BYTES = 50_000_000;
/** Until the height of the content is known. */
const FIRST_HEIGHT = 600;
/** Image pixels per page pixel, so that the picture is sharp on a high-density screen. */
const SCALE = 2;

/** Renders a page in Chromium and saves its content as a PNG file. It renders twice, because only a rendered page knows its height. */
export async function photograph(chromium: string, page: string, file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'picture-'));
  const path = join(folder, 'page.html');
  await writeFile(path, page);
  const show = async (height: number, ...options: string[]) => {
    const profile = await mkdtemp(join(folder, 'profile-'));
    const view = [
      `--user-data-dir=${profile}`,
      `--window-size=${PAGE_WIDTH},${height}`,
      `--virtual-time-budget=${DRAWING_MS}`,
    ];
    const limits = { timeout: LONGEST_RUN_MS, maxBuffer: MOST_OUTPUT_BYTES };
    return await run(chromium, [...QUIET, ...view, ...options, pathToFileURL(path).href], limits);
  };
  try {
    const { stdout } = await show(FIRST_HEIGHT, '--dump-dom');
    await show(heightIn(stdout), ...pictureIn(file));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function pictureIn(file: string): string[] {
  const transparent = '00000000';
  return [
    `--screenshot=${file}`,
    `--force-device-scale-factor=${SCALE}`,
    `--default-background-color=${transparent}`,
  ];
}

function heightIn(dom: string): number {
  const [, height] = new RegExp(`${HEIGHT_ATTRIBUTE}="(\\d+)"`).exec(dom) ?? [];
  if (height === undefined)
    throw new Error('The page was not rendered completely: does Mermaid accept the chart?');
  return Number(height);
}

/** Reduces a PNG file to 256 colors: no visible difference, and a third of the size. */
export async function squeeze(pngquant: string, file: string): Promise<void> {
  await run(pngquant, ['--force', '--strip', '--speed', '1', '--output', file, '256', file]);
}
