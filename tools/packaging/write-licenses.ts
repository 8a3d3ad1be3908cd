import { readFileSync, writeFileSync } from 'node:fs';
import { bundledPackages, licenseTexts } from './licenses.ts';

/** The last step of `npm run build`: puts the licences of all that was bundled beside the bundle. */
const stats = JSON.parse(readFileSync('lib/stats.json', 'utf8'));
writeFileSync('dist/licenses.txt', licenseTexts(bundledPackages(stats)));
