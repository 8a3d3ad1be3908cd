import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { HEIGHT_ATTRIBUTE, PAGE_WIDTH } from './page.ts';

const run = promisify(execFile);

/** It has nothing to do with the network. */
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

/** So long the page may take to draw its charts, by the page's own clock. */
const DRAWING_MS = 20_000;
const LONGEST_RUN_MS = 120_000;
/** The page holds Mermaid, and is printed with it. */
const MOST_OUTPUT_BYTES = 50_000_000;
/** Before anybody knows how high the content is. */
const FIRST_HEIGHT = 600;
/** Pixels of the picture for one of the page: sharp on a screen of high density. */
const SCALE = 2;

/**
 * Lets Chromium show a page, and writes what it looks like to a PNG file: the content alone. It looks twice, as only a page that is
 * there tells how high its content is.
 */
export async function photograph(chromium: string, page: string, file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'picture-'));
  const path = join(folder, 'page.html');
  await writeFile(path, page);
  const show = async (height: number, ...options: string[]) => {
    const profile = await mkdtemp(join(folder, 'profile-'));
    const look = [
      `--user-data-dir=${profile}`,
      `--window-size=${PAGE_WIDTH},${height}`,
      `--virtual-time-budget=${DRAWING_MS}`,
    ];
    const limits = { timeout: LONGEST_RUN_MS, maxBuffer: MOST_OUTPUT_BYTES };
    return await run(chromium, [...QUIET, ...look, ...options, pathToFileURL(path).href], limits);
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
    throw new Error('The page did not come to its end: is the chart one that Mermaid takes?');
  return Number(height);
}

/** Leaves a PNG file the 256 colours that it needs most, which nobody sees: it is a third as large then. */
export async function squeeze(pngquant: string, file: string): Promise<void> {
  await run(pngquant, ['--force', '--strip', '--speed', '1', '--output', file, '256', file]);
}
