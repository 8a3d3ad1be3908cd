import { describe, expect, test } from '@jest/globals';
import { MODELS, type Model } from '../../../tools/bench/models.ts';
import { POLICIES, type Policy } from '../../../tools/bench/policies.ts';
import { simulateRestart } from '../../../tools/bench/restart.ts';
import { type Summary, summarize } from '../../../tools/bench/statistics.ts';

// The real step in simulated worlds, on virtual time: the same seeds give the same figures on every machine.

const RUNS = 500;
const [auto, everySecond] = POLICIES;

async function figuresOf(model: Model, policy: Policy | undefined): Promise<Summary> {
  if (policy === undefined) throw new Error('no such policy');
  const figures = [];
  for (let seed = 1; seed <= RUNS; seed++) figures.push(await simulateRestart(seed, { model, policy }));
  return summarize(figures);
}

test('with a steady heartbeat, the median delay is at most 50 ms, in 95% at most 200 ms, for at most a tenth more requests', async () => {
  const [steady] = MODELS;
  if (steady === undefined) throw new Error('no models');
  const [ours, plain] = [await figuresOf(steady, auto), await figuresOf(steady, everySecond)];
  expect(ours.medianMs).toBeLessThanOrEqual(50);
  expect(ours.p95Ms).toBeLessThanOrEqual(200);
  expect(ours.requests).toBeLessThanOrEqual(1.1 * plain.requests);
}, 60_000);

// Over 10,000 worlds, it is never more than 2% later (docs/internals/speed.md). With so few worlds, chance has more influence.
const MOST_WORSE = 1.05;

describe('auto is not later than a poll every second', () => {
  test.each(MODELS.map((model) => [model.name, model] as const))(
    '%s',
    async (_, model) => {
      const [ours, plain] = [await figuresOf(model, auto), await figuresOf(model, everySecond)];
      expect(ours.medianMs).toBeLessThanOrEqual(MOST_WORSE * plain.medianMs);
      expect(ours.p95Ms).toBeLessThanOrEqual(MOST_WORSE * plain.p95Ms);
    },
    60_000,
  );
});
