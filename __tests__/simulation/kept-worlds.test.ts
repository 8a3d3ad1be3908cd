import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { createRandom } from '../../simulator/random.ts';
import { drawScenario } from './draw.ts';
import { checkSeed, simulateFresh } from './replay.ts';
import { runOnce } from './run.ts';
import { faultless } from './scenario.ts';
import { differences, scenarioWith, shrink } from './shrink.ts';

// The real step in simulated worlds. If a seed fails, `npm run simulate -- --runs 1 --seed SEED` explains why.

// worlds.thorough.test.ts plays more of them.
test('100 fresh worlds break no guarantee', async () => {
  expect(await simulateFresh(100)).toContain('100 kept every guarantee, 0 did not');
}, 300_000);

interface KeptWorld {
  /** Which guarantee it once broke; a planted bug's world has none. */
  readonly about?: string;
  readonly seed: number;
  /** One if absent. */
  readonly vms?: number;
  /** What differs from a world where nothing goes wrong. */
  readonly scenario: Readonly<Record<string, unknown>>;
}

const KEPT: readonly KeptWorld[] = JSON.parse(readFileSync('__tests__/simulation/kept-worlds.json', 'utf8'));

test.each(KEPT.filter(({ about }) => about !== undefined))(
  'what once broke a guarantee breaks none: $about (seed $seed)',
  async ({ seed, vms, scenario: changes }) => {
    const scenario = scenarioWith(seed, changes, vms);
    expect(differences(scenario)).toEqual(changes);
    expect((await checkSeed(seed, { change: () => scenario })).broken).toEqual([]);
  },
);

test('worlds that caught a planted bug break no guarantee', async () => {
  const kept = KEPT.filter(({ about }) => about === undefined);
  const failures: string[] = [];
  for (const { seed, vms, scenario } of kept) {
    const { broken } = await checkSeed(seed, { change: () => scenarioWith(seed, scenario, vms) });
    failures.push(...broken.map((one) => `seed ${seed}: ${one}`));
  }
  expect(kept.length).toBeGreaterThan(60);
  expect(failures).toEqual([]);
}, 120_000);

test('a seed replays a run exactly', async () => {
  const replay = async (seed: number) => {
    const lines: string[] = [];
    const { vms } = await runOnce(seed, { log: (line) => lines.push(line) });
    // Only the encrypted part of an API key's handshake differs each time.
    return {
      outcomes: vms.map(({ outcome }) => outcome),
      lines: lines.filter((line) => !line.includes('/tap/')),
    };
  };
  expect(await replay(7)).toEqual(await replay(7));
});

test('if nothing goes wrong, the restart is proved with a single POST', async () => {
  const run = await runOnce(1, { change: ({ world }) => faultless(world.seed) });
  expect([run.outputs['restarted'], run.posts.length, [...run.faults]]).toEqual(['true', 1, []]);
});

test('a scenario shrinks to what matters', async () => {
  const drawn = drawScenario(createRandom(8), 8);
  const scenario = {
    ...drawn,
    step: { ...drawn.step, timeoutMs: 15_000 },
    network: { ...drawn.network, latencyMs: 200 },
  };
  const least = await shrink(scenario, async ({ network, step }) => {
    return network.latencyMs === scenario.network.latencyMs && step.timeoutMs === scenario.step.timeoutMs;
  });
  expect(Object.keys(differences(scenario)).length).toBeGreaterThan(5);
  expect(differences(least)).toEqual({ 'network.latencyMs': 200, 'step.timeoutMs': 15_000 });
});
