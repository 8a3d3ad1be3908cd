import { readFileSync, writeFileSync } from 'node:fs';
import { bundledPackages, licenseTexts } from './licenses.ts';

/** The last step of `npm run build`: writes the licenses of everything in the bundle. */
const stats = JSON.parse(readFileSync('lib/stats.json', 'utf8'));
writeFileSync('dist/licenses.txt', licenseTexts(bundledPackages(stats)));
