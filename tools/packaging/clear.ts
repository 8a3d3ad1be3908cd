import { rmSync } from 'node:fs';

/** Removes the folders that it is told, so that what a build leaves in them comes from that build. */
for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true });
