import { describe, expect, test } from '@jest/globals';
import { createProgressLog, createVmLog, type FailedAttempt, type ProgressLogOptions } from '../src/log.ts';
import { keepLog } from './support/log.ts';

test('each line starts with the name; while quiet, info goes to the debug log', () => {
  const lines: string[] = [];
  const write = (kind: string) => (line: string) => void lines.push(`${kind} ${line}`);
  const log = { info: write('info'), debug: write('debug'), warning: write('warning') };
  let isQuiet = false;
  const own = createVmLog(log, 'mac-7', () => isQuiet);
  for (const quiet of [false, true]) {
    isQuiet = quiet;
    for (const tell of [own.info, own.debug, own.warning]) tell('x');
  }
  createVmLog(log, 'mac-8').info('y');
  expect(lines).toEqual([
    'info mac-7: x',
    'debug mac-7: x',
    'warning mac-7: x',
    'debug mac-7: x',
    'debug mac-7: x',
    'warning mac-7: x',
    'info mac-8: y',
  ]);
});

/** The log of a wait; the time is what the test says. */
function stage(options: Partial<ProgressLogOptions> = {}) {
  const { log, lines, details, warnings } = keepLog();
  let now = 100_000;
  const progress = createProgressLog({ log, now: () => now, sentAt: undefined, ...options });
  const pass = (ms: number) => {
    now += ms;
  };
  return { progress, pass, lines, details, warnings };
}

const DOWN: FailedAttempt = { kind: 'HTTP 502', reason: 'it answered HTTP 502', hint: 'Look at it.' };

describe('the log of a wait', () => {
  test('has a line when it changes, and every 30 seconds; the debug log has the others', () => {
    const { progress, pass, lines, details } = stage();
    for (const [text, afterMs] of [
      ['off', 0],
      ['off', 29_999],
      ['off', 1],
      ['on', 0],
      ['off', 0],
    ] as const) {
      pass(afterMs);
      progress.note('state', text);
    }
    expect([lines, details]).toEqual([['off', 'off', 'on', 'off'], ['off']]);
  });

  test('has the time since the restart was sent', () => {
    const { progress, pass, lines } = stage({ sentAt: 100_000 });
    pass(5_100);
    progress.note('state', 'off');
    pass(120_000);
    progress.fault(DOWN);
    expect(lines).toEqual([
      '+  5.1 s  off',
      '+125.1 s  The controller gave no usable answer: it answered HTTP 502',
    ]);
  });

  test('ignores the end of a line, and can leave details to the debug log', () => {
    const { progress, lines, details } = stage();
    progress.note('state', 'off', { rest: ', 9 s left' });
    progress.note('state', 'off', { rest: ', 8 s left' });
    progress.note('state', 'starting', { isDetail: true });
    expect([lines, details]).toEqual([['off, 9 s left'], ['off, 8 s left', 'starting']]);
  });

  test('counts each kind of line', () => {
    const { progress, lines } = stage();
    expect(progress.tally()).toBe('none');
    progress.note('waiting', 'off');
    progress.note('waiting', 'off');
    progress.fault({ ...DOWN, isLogged: true });
    progress.answered();
    expect([progress.tally(), lines]).toEqual(['2 waiting, 1 HTTP 502', ['off']]);
  });

  test('names the server, and what the request was about', () => {
    const { progress, pass, lines, warnings } = stage({ server: 'GitHub', about: 'runner mac-7' });
    progress.fault(DOWN);
    pass(30_000);
    progress.fault(DOWN);
    expect(lines[0]).toBe('GitHub gave no usable answer about runner mac-7: it answered HTTP 502');
    expect(warnings).toEqual([
      'GitHub has given no usable answer about runner mac-7 for 30.0 s: it answered HTTP 502. Still retrying. Look at it.',
    ]);
  });
});

describe('a server that gives no usable answer', () => {
  test('is a warning after 30 seconds, once', () => {
    const { progress, pass, warnings } = stage();
    for (const afterMs of [0, 29_999]) {
      pass(afterMs);
      progress.fault({ ...DOWN, leftMs: 90_000 });
    }
    expect(warnings).toEqual([]);
    for (const afterMs of [1, 60_000]) {
      pass(afterMs);
      progress.fault({ ...DOWN, leftMs: 90_000 });
    }
    expect(warnings).toEqual([
      'The controller has given no usable answer for 30.0 s: it answered HTTP 502. Still retrying, gives up in 1 min 30 s. Look at it.',
    ]);
  });

  test('is no warning if that was the last attempt: an error follows', () => {
    const { progress, pass, warnings } = stage();
    progress.fault(DOWN);
    pass(60_000);
    progress.fault({ ...DOWN, leftMs: 0 });
    expect(warnings).toEqual([]);
  });

  test.each(['answered', 'note'] as const)(
    'is no warning if there is an answer now and then: %s',
    (answer) => {
      const { progress, pass, warnings } = stage();
      for (let round = 0; round < 4; round++) {
        progress.fault(DOWN);
        pass(20_000);
        if (answer === 'note') progress.note('state', 'off');
        else progress.answered();
      }
      expect(warnings).toEqual([]);
    },
  );

  test('is no warning if its failed attempts are logged elsewhere', () => {
    const { progress, pass, lines, warnings } = stage();
    for (let round = 0; round < 4; round++) {
      progress.fault({ ...DOWN, isLogged: true });
      pass(20_000);
    }
    expect([lines, warnings]).toEqual([[], []]);
  });
});
