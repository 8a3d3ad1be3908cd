import { afterEach, expect, jest, test } from '@jest/globals';
import type * as Clock from '../../src/clock.ts';
import type * as Json from '../../src/http/json.ts';
import type * as Redactor from '../../src/report/redactor.ts';
import type * as Terminal from '../../src/report/terminal.ts';

// Do the cases bite? Each row plants a bug; they have to find it.

const MOST_CASES = 2_000;

let planted = '';

afterEach(() => {
  jest.unstable_unmockModule(planted);
  jest.resetModules();
});

async function plant<T extends object>(path: string, change: (real: T) => Partial<T>): Promise<void> {
  const real: T = await import(path);
  planted = path;
  jest.unstable_mockModule(path, () => ({ ...real, ...change(real) }));
}

const BUGS: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
  [
    'secrets are not looked for in what the controller says',
    () =>
      plant<typeof Redactor>('../../src/report/redactor.ts', ({ createRedactor }) => ({
        createRedactor: () => ({ ...createRedactor(), redact: String, scrub: String }),
      })),
    /a secret was written/,
  ],
  [
    'a request may take as long as it likes',
    () =>
      plant<typeof Clock>('../../src/clock.ts', () => ({
        within: (_clock, { signal }, work) => work(signal),
      })),
    /waits for something that will never come/,
  ],
  [
    'what is no JSON is a surprise',
    () => plant<typeof Json>('../../src/http/json.ts', () => ({ parseJson: JSON.parse })),
    /internal_error/,
  ],
  [
    'a line is logged as it comes',
    () =>
      plant<typeof Terminal>('../../src/report/terminal.ts', ({ createTerminal }) => ({
        createTerminal() {
          const terminal = createTerminal();
          return { ...terminal, info: (line) => void process.stdout.write(`${terminal.scrub(line)}\n`) };
        },
      })),
    /a (command|control character) in the log/,
  ],
  [
    'a text is shown as it comes',
    () =>
      plant<typeof Terminal>('../../src/report/terminal.ts', ({ createTerminal }) => ({
        createTerminal() {
          const terminal = createTerminal();
          return { ...terminal, clean: terminal.scrub };
        },
      })),
    /outputs that say something else/,
  ],
];

test.each(BUGS)(
  '%s: found',
  async (_, plantBug, fault) => {
    await plantBug();
    const { default: fc } = await import('fast-check');
    const { anyAnswers } = await import('../../fuzz/properties.ts');
    const { errorInstance } = await fc.check(anyAnswers(), {
      numRuns: MOST_CASES,
      seed: 1,
      endOnFailure: true,
    });
    expect(String(errorInstance)).toMatch(fault);
  },
  120_000,
);
