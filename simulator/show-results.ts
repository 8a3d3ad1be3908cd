// Prints the outputs and the job summary of a step that was started by hand: node simulator/show-results.ts OUTPUTS SUMMARY

import { readFile } from 'node:fs/promises';
import { heading, parseOutputs, plainText, showOutputs } from './step.ts';

const [outputs = '', summary = ''] = process.argv.slice(2);

heading('Its outputs, empty ones omitted');
showOutputs(parseOutputs(await readFile(outputs, 'utf8')));

heading('Its job summary');
console.log(plainText(await readFile(summary, 'utf8')));
