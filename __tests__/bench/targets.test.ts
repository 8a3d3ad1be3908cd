import { describe, expect, test } from '@jest/globals';
import { MODELS, type Model } from '../../bench/models.ts';
import { POLICIES, type Policy } from '../../bench/policies.ts';
import { simulateRestart } from '../../bench/restart.ts';
import { type Summary, summarize } from '../../bench/statistics.ts';

// The real step in simulated worlds, on virtual time: the same seeds give the same figures on every machine.

const RUNS = 500;
const [auto, everySecond] = POLICIES;

async function figuresOf(model: Model, policy: Policy | undefined): Promise<Summary> {
  if (policy === undefined) throw new Error('no such policy');
  const figures = [];
  for (let seed = 1; seed <= RUNS; seed++) figures.push(await simulateRestart(seed, { model, policy }));
  return summarize(figures);
}

test('a steady heartbeat is met within 50 ms, and nearly always within 200 ms and the way back', async () => {
  const [steady] = MODELS;
  if (steady === undefined) throw new Error('no models');
  const { medianMs, p95Ms } = await figuresOf(steady, auto);
  expect(medianMs).toBeLessThanOrEqual(50);
  // 500 worlds are few for the rarest twentieth.
  expect(p95Ms).toBeLessThanOrEqual(220);
}, 60_000);

describe('auto is sooner than a look a second, at no more requests', () => {
  test.each(MODELS.map((model) => [model.name, model] as const))(
    '%s',
    async (_, model) => {
      const [ours, plain] = [await figuresOf(model, auto), await figuresOf(model, everySecond)];
      expect(ours.medianMs).toBeLessThan(plain.medianMs);
      expect(ours.p95Ms).toBeLessThan(plain.p95Ms);
      expect(ours.requests).toBeLessThanOrEqual(plain.requests);
    },
    60_000,
  );
});
