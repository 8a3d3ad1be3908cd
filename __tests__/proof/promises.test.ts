import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { brokenPromises } from '../../proof/check.ts';
import { runOnce } from '../../proof/run.ts';

// The real step in simulated worlds. A run that breaks a promise names its seed: `npm run simulate -- --seed SEED --runs 1 --show`.

/** Seeds that once broke a promise. */
const KEPT_SEEDS = [125, 434, 589, 4909, 5084, 8630, 5_008_646, 100_011_629, 200_019_425, 200_028_626];

async function failuresAmong(seeds: Iterable<number>): Promise<string[]> {
  const failures: string[] = [];
  for (const seed of seeds) {
    const promises = brokenPromises(await runOnce(seed));
    if (promises.length > 0) failures.push(`seed ${seed}: ${promises.join('; ')}`);
  }
  return failures;
}

test('seeds that once broke a promise do so no more', async () => {
  expect(await failuresAmong(KEPT_SEEDS)).toEqual([]);
});

test('1,000 worlds that nobody has seen break none', async () => {
  const first = randomInt(2 ** 32 - 1_000);
  expect(await failuresAmong(Array.from({ length: 1_000 }, (_, index) => first + index))).toEqual([]);
}, 120_000);

test('a seed replays a run exactly', async () => {
  const [once, again] = [await runOnce(7), await runOnce(7)];
  expect(again.outcome).toEqual(once.outcome);
  // Only what an API key's handshake encrypts is another each time.
  const told = ({ timeline }: typeof once) => timeline.filter((line) => !line.includes('/tap/'));
  expect(told(again)).toEqual(told(once));
});
