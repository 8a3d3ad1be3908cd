import { rmSync } from 'node:fs';

/** Removes the folders named on the command line, so that everything in them comes from this build. */
for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true });
