import { afterEach, expect, jest, test } from '@jest/globals';
import type * as Clock from '../../src/clock.ts';
import type * as Transport from '../../src/controller/transport.ts';
import type * as Age from '../../src/restart/age.ts';
import type * as Verdict from '../../src/restart/verdict.ts';

// Does the proof bite? Each row plants a plausible bug; the simulation has to find it.

const MOST_RUNS = 3_000;

let planted: string[] = [];

afterEach(() => {
  for (const path of planted) jest.unstable_unmockModule(path);
  planted = [];
  jest.resetModules();
});

type Plant = () => Promise<void>;

async function plant<T extends object>(path: string, change: (real: T) => Partial<T>): Promise<void> {
  const real: T = await import(path);
  planted.push(path);
  jest.unstable_mockModule(path, () => ({ ...real, ...change(real) }));
}

const AGE = '../../src/restart/age.ts';
const BUGS: readonly (readonly [string, Plant, string])[] = [
  [
    'an older answer is accepted',
    () => plant<typeof Age>(AGE, () => ({ isOlder: () => false })),
    'false success',
  ],
  [
    'a restart that may have left is sent again',
    () =>
      plant<typeof Transport>('../../src/controller/transport.ts', ({ createTransport }) => ({
        createTransport(options) {
          const transport = createTransport(options);
          const exchange: Transport.Transport['exchange'] = async (request, bounds) => {
            const result = await transport.exchange(request, bounds);
            return 'noAnswer' in result ? { noAnswer: { ...result.noAnswer, left: false } } : result;
          };
          return { ...transport, exchange };
        },
      })),
    'more than one restart',
  ],
  [
    'requests may take as long as they like',
    () =>
      plant<typeof Clock>('../../src/clock.ts', () => ({
        within: (_clock, { signal }, work) => work(signal),
      })),
    'never come',
  ],
  [
    'a passing Error counts as failure at once',
    () =>
      plant<typeof Verdict>('../../src/restart/verdict.ts', ({ judge }) => ({
        judge(history, sample) {
          const judged = judge(history, sample);
          const isError = sample.instance?.state === 'Error';
          return isError ? { ...judged, verdict: { kind: 'failed', reason: 'Error' } } : judged;
        },
      })),
    'false failure',
  ],
];

test.each(BUGS)(
  '%s: found',
  async (_, plantBug, found) => {
    await plantBug();
    const { runOnce } = await import('../../proof/run.ts');
    const { brokenPromises } = await import('../../proof/check.ts');
    const promises = new Set<string>();
    for (let seed = 1; seed <= MOST_RUNS && promises.size === 0; seed++) {
      const broken = await runOnce(seed).then(brokenPromises, (error) => [String(error)]);
      for (const promise of broken) promises.add(promise);
    }
    expect([...promises].join()).toContain(found);
  },
  120_000,
);
