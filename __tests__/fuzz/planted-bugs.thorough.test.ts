import { expect, test } from '@jest/globals';
import type * as Clock from '../../src/clock.ts';
import type * as Json from '../../src/http/json.ts';
import type * as Headers from '../../src/inputs/headers.ts';
import type * as Main from '../../src/main.ts';
import type * as Redactor from '../../src/report/redactor.ts';
import { createRedactor } from '../../src/report/redactor.ts';
import type * as Terminal from '../../src/report/terminal.ts';
import { plant } from '../support/plant.ts';

// Do the cases find bugs? Each row plants one.

const MOST_CASES = 2_000;

/** A terminal, and a function that hides secrets as the terminal does, but lets commands and control characters through. */
function withRedact(real: Terminal.Terminal) {
  const redactor = createRedactor();
  const mask = (...secrets: readonly string[]) => {
    redactor.add(...secrets);
    real.mask(...secrets);
  };
  return { terminal: { ...real, mask }, redact: redactor.redact };
}

const BUGS: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
  [
    'secrets in texts are not hidden',
    () =>
      plant<typeof Redactor>('../../src/report/redactor.ts', ({ createRedactor }) => ({
        createRedactor: () => ({ ...createRedactor(), redact: String }),
      })),
    /a secret was written/,
  ],
  [
    'encoded secrets are not hidden',
    () =>
      plant<typeof Redactor>('../../src/report/redactor.ts', () => ({
        createRedactor() {
          const secrets: string[] = [];
          const redact = (text: string) => secrets.reduce((rest, each) => rest.replaceAll(each, '***'), text);
          return { add: (...more) => void secrets.push(...more.filter((each) => each !== '')), redact };
        },
      })),
    /a secret was written/,
  ],
  [
    'parts of a header value do not count as secrets',
    () =>
      plant<typeof Headers>('../../src/inputs/headers.ts', ({ readHeaders }) => ({
        readHeaders: (form) => readHeaders({ ...form, onSecret: (whole = '') => form.onSecret(whole) }),
      })),
    /a secret was written/,
  ],
  [
    'the outputs do not announce a restart',
    () =>
      plant<typeof Main>('../../src/main.ts', ({ run }) => ({
        run: (inputs, { announce: _, ...host }) => run(inputs, host),
      })),
    /a restart that was not announced/,
  ],
  [
    'requests have no time limit',
    () =>
      plant<typeof Clock>('../../src/clock.ts', () => ({
        within: (_clock, { signal }, work) => work(signal),
      })),
    /waits for something that will never happen/,
  ],
  [
    'an answer that is not JSON throws',
    () => plant<typeof Json>('../../src/http/json.ts', () => ({ parseJson: JSON.parse })),
    /internal_error/,
  ],
  [
    'a line is logged unchanged',
    () =>
      plant<typeof Terminal>('../../src/report/terminal.ts', ({ createTerminal }) => ({
        createTerminal() {
          const { terminal, redact } = withRedact(createTerminal());
          return { ...terminal, info: (line) => void process.stdout.write(`${redact(line)}\n`) };
        },
      })),
    /a (command|control character) in the log/,
  ],
  [
    'a text is shown unchanged',
    () =>
      plant<typeof Terminal>('../../src/report/terminal.ts', ({ createTerminal }) => ({
        createTerminal() {
          const { terminal, redact } = withRedact(createTerminal());
          return { ...terminal, clean: redact };
        },
      })),
    /outputs that say something else/,
  ],
];

test.each(BUGS)(
  'finds that %s',
  async (_, plantBug, fault) => {
    await plantBug();
    const { default: fc } = await import('fast-check');
    const { anyAnswers } = await import('./properties.ts');
    const { errorInstance } = await fc.check(anyAnswers(), {
      numRuns: MOST_CASES,
      seed: 1,
      endOnFailure: true,
    });
    expect(String(errorInstance)).toMatch(fault);
  },
  120_000,
);
