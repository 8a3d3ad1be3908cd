import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../../simulator/command-line.ts';
import { photograph, squeeze } from './browser.ts';
import { renderPage } from './page.ts';
import { findProgram } from './programs.ts';
import { play, SCENES } from './scenes.ts';

const USAGE = `Makes the pictures in docs/pictures: the bundled action runs against the simulator, and its job summary is laid out as on
GitHub, rendered in a browser, and saved. Needs Chromium and pngquant.

Usage: npm run pictures`;

readOptions(USAGE, {}, () => undefined);
const [chromium, pngquant] = [
  findProgram('chromium', 'chromium-browser', 'google-chrome'),
  findProgram('pngquant'),
];
const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
await mkdir(folder, { recursive: true });

for (const [name, scene] of Object.entries(SCENES)) {
  const summary = await play(scene);
  for (const theme of ['light', 'dark'] as const) {
    const file = `${folder}${name}-${theme}.png`;
    await photograph(chromium, renderPage(summary, theme), file);
    await squeeze(pngquant, file);
    console.log(`${name}-${theme}.png, ${Math.round((await stat(file)).size / 1_000)} kB`);
  }
}
