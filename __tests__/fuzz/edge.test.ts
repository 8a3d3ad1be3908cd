import { randomInt } from 'node:crypto';
import { test } from '@jest/globals';
import fc from 'fast-check';
import { anyAnswers, anyInputs } from './properties.ts';

// 100 fresh cases; edge.thorough.test.ts plays 1,000. A failure prints its seed and path: `npm run fuzz -- --seed SEED --path PATH`.

const options = () => ({ numRuns: 50, seed: randomInt(2 ** 31), includeErrorInReport: true });

test('with any answers from the controller, the step ends in time, leaks no secret, and writes no command', async () => {
  await fc.assert(anyAnswers(), options());
}, 120_000);

test('the same with any inputs', async () => {
  await fc.assert(anyInputs(), options());
}, 120_000);
