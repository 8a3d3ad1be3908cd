import { copyFileSync } from 'node:fs';

/** Copies a file to another path, both given on the command line: `cp` for every shell. */
const [from = '', to = ''] = process.argv.slice(2);
copyFileSync(from, to);
