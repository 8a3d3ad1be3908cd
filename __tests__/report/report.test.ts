import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { failedStep, type StepOutcome } from '../../src/fleet/step-outcome.ts';
import { isHurried, report } from '../../src/report/report.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { restarted } from '../support/instances.ts';
import { captureStdout } from '../support/log.ts';
import { broken, cancelled, failure, fleet, member, one, SUCCESS, unfit } from '../support/outcomes.ts';

describe('report', () => {
  let log: ReturnType<typeof captureStdout>;
  beforeEach(() => {
    log = captureStdout();
    delete process.env['GITHUB_OUTPUT'];
  });

  test('sets harmless outputs, and prints no annotation on success', () => {
    report(one({ ...SUCCESS, last: restarted(10, { status: '##[error]\nx' }) }), createTerminal());
    expect(log.lines()).toContain('::set-output name=status::# #[error]\\u000ax');
    expect(log.lines().filter((line) => line.startsWith('::error'))).toEqual([]);
  });

  test('prints one annotation on failure, and the chain of causes to the debug log', () => {
    const cause = Object.assign(new Error('inner'), { stack: undefined, cause: 'root' });
    report(one(failure('What failed.', { hint: 'What to do.', cause })), createTerminal());
    expect(log.lines().filter((line) => line.startsWith('::error'))).toEqual([
      '::error title=VM not restarted%3A vm_failed::What failed.%0AWhat to do.',
    ]);
    const debug = log.lines().filter((line) => line.startsWith('::debug::'));
    expect(debug[0]).toBe('::debug::ActionError: What failed.');
    expect(debug.slice(-2)).toEqual(['::debug::inner', '::debug::root']);
  });

  test('sets the outputs before it reports the failure', () => {
    report(one(failure('What failed.')), createTerminal());
    const [first, ...others] = log.lines();
    expect(first).toBe('::set-output name=restarted::false');
    expect(others.findLastIndex((line) => line.startsWith('::set-output'))).toBeLessThan(
      others.findIndex((line) => /^::(debug|error)/.test(line)),
    );
  });

  test('reports the failure even if the outputs cannot be set', () => {
    process.env['GITHUB_OUTPUT'] = join(tmpdir(), 'missing', 'outputs');
    expect(report(one(failure('What failed.', { hint: 'What to do.' })), createTerminal())).toBe(false);
    const annotations = log.lines().filter((line) => line.startsWith('::error'));
    expect(annotations).toEqual([
      expect.stringMatching(
        /^::error title=VM not restarted%3A vm_failed%2C outputs not written::What failed\.%0AThe outputs could not be written: Missing file at path: .*%0AWhat to do\.$/,
      ),
    ]);
  });

  test('reports that the outputs cannot be set even if all succeeded', () => {
    process.env['GITHUB_OUTPUT'] = join(tmpdir(), 'missing', 'outputs');
    expect(report(one(SUCCESS), createTerminal())).toBe(false);
    expect(log.lines().filter((line) => line.startsWith('::error'))).toEqual([
      expect.stringMatching(/^::error title=VM restarted%2C outputs not written::The outputs could not be/),
    ]);
  });

  test('says whether all is well', () => {
    expect(report(one(SUCCESS), createTerminal())).toBe(true);
    expect(report(one(failure('What failed.')), createTerminal())).toBe(false);
  });

  test('can do without a hint', () => {
    report(one(failure('What failed.')), createTerminal());
    expect(log.lines()).toContain('::error title=VM not restarted%3A vm_failed::What failed.');
  });
});

describe('a report is hurried', () => {
  test.each<[boolean, string, StepOutcome]>([
    [false, 'of a fleet that went well', fleet(member(1))],
    [false, 'of one that failed early', fleet(member(1), unfit)],
    [true, 'where one VM had no time left', fleet(member(1), broken(2))],
    [true, 'where one VM was in progress when the step was cancelled', fleet(member(1), cancelled)],
    [true, 'where the only VM had no time left', fleet(broken(1))],
    [true, 'where the step was cancelled before any VM', failedStep(new ActionError('cancelled', 'Stop.'))],
  ])('%p: %s', (expected, _, outcome) => {
    expect(isHurried(outcome)).toBe(expected);
  });
});
