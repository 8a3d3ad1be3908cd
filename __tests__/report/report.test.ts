import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { failedStep, type StepOutcome, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import { isHurried, report, stepError, titleOf } from '../../src/report/report.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { restarted } from '../support/instances.ts';
import { captureStdout } from '../support/log.ts';
import {
  broken,
  COUNTS,
  cancelled,
  failure,
  fleet,
  member,
  mixed,
  NOTHING,
  NOTHING_DONE,
  one,
  SUCCESS,
  same,
  unfit,
} from '../support/outcomes.ts';

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

test.each<[Partial<VmOutcome>, string]>([
  [SUCCESS, 'VM restarted'],
  [{}, 'VM can be restarted (dry run)'],
  [failure('x'), 'VM not restarted: vm_failed'],
  [{ ...failure('x'), restarted: 'unknown' }, 'VM restart not verified: vm_failed'],
  [{ ...failure('x'), restarted: 'true' }, 'VM restarted, but not its runner: vm_failed'],
  [
    { ...failure('x'), restarted: 'true', guest: { status: 'not_up', upAt: undefined } },
    'VM restarted, but not its guest: vm_failed',
  ],
  [
    { ...failure('x'), restarted: 'true', guest: { status: 'up', upAt: 1 } },
    'VM restarted, but not its runner: vm_failed',
  ],
  [{ ...failure('x'), guest: { status: undefined, upAt: undefined } }, 'VM not restarted: vm_failed'],
  [{ leftAlone: new LeftAlone('busy') }, 'VM left alone: its runner has a job'],
  [{ leftAlone: new LeftAlone('needless') }, 'VM left alone: it needs no restart'],
  [{ leftAlone: new LeftAlone('not running') }, 'VM left alone: it is not running'],
  [{ leftAlone: new LeftAlone('not started') }, 'VM not restarted: its turn never came'],
])('title %#', (changes, title) => {
  expect(titleOf(one({ ...NOTHING_DONE, ...changes }))).toBe(title);
});

describe('the title', () => {
  test.each<[string, StepOutcome]>([
    ['1 of 5 VMs failed, 1 not verified: timed_out', mixed],
    ['1 of 2 VMs not verified: timed_out', fleet(member(1), broken(2))],
    ['2 of 2 VMs restarted', fleet(member(1), member(2))],
    ['1 of 2 VMs restarted', fleet(member(1), member(2, { ...NOTHING, leftAlone: new LeftAlone('busy') }))],
    [
      '2 of 2 VMs can be restarted (dry run)',
      { ...fleet(member(1, NOTHING), member(2, NOTHING)), isDryRun: true },
    ],
    [
      '1 of 2 VMs cannot be restarted (dry run): not_running',
      { ...fleet(member(1, NOTHING), unfit), isDryRun: true },
    ],
    ['Canceled: 1 of 2 VMs restarted', fleet(member(1), cancelled)],
    ['Canceled: 0 of 2 VMs restarted', fleet(unfit, cancelled)],
  ])('%s', (title, outcome) => {
    expect(titleOf(outcome)).toBe(title);
  });
});

describe('the annotation', () => {
  test.each<[string, StepOutcome]>([
    [
      'The step was canceled: 1 of 3 VMs restarted, 1 not verified, 1 not started.',
      fleet(
        member(1),
        cancelled,
        member(3, { restarted: 'unknown', error: new ActionError('cancelled', 'Sent.', { hint: 'Look.' }) }),
      ),
    ],
    ['1 of 2 VMs cannot be restarted; 1 can.', { ...fleet(member(1, NOTHING), unfit), isDryRun: true }],
    ['1 of 2 VMs failed.', fleet(member(1), unfit)],
    ['1 of 2 VMs failed, 1 not verified.', fleet(broken(1), unfit)],
    ['2 of 2 VMs not verified.', fleet(broken(1), broken(2))],
    [
      '1 of 3 VMs failed, which is more than max_failures (0) allows, so 2 were not started. The output remaining has the IDs of all that were not restarted.',
      fleet(
        unfit,
        member(3, { ...NOTHING, leftAlone: new LeftAlone('not started') }),
        member(4, { ...NOTHING, leftAlone: new LeftAlone('not started') }),
      ),
    ],
  ])('%s', (counts, outcome) => {
    expect(stepError(outcome, same)?.message.split('\n')[0]).toBe(counts);
  });

  test('advises by the first error that has advice', () => {
    const sent = member(3, { error: new ActionError('cancelled', 'Sent.', { hint: 'Look.' }) });
    expect(stepError(fleet(cancelled, sent), same)?.hint).toBe('Look.');
    expect(stepError(fleet(cancelled, member(1)), same)?.hint).toBeUndefined();
  });

  test('of the only VM is its own', () => {
    const long = broken(1, 'x'.repeat(2_500));
    expect(stepError(fleet(long), same)).toBe(long.error);
  });

  test('does not cut what happened to the only one that failed', () => {
    const [only, long] = [broken(1, 'x'.repeat(1_500)), broken(1, 'x'.repeat(2_500))];
    expect(stepError(fleet(only, member(3)), same)?.message).toMatch(/x{1500}$/);
    expect(stepError(fleet(long, member(3)), same)?.message).toMatch(/x{1999}…$/);
    const other = broken(2, 'y'.repeat(1_500));
    expect(stepError(fleet(only, other), same)?.message).toMatch(/: x{299}…\n.*: y{299}…$/);
  });

  test('names all that failed', () => {
    const error = stepError(mixed, same);
    expect([error?.code, error?.hint]).toEqual(['timed_out', 'Look.']);
    expect(error?.message.split('\n')).toEqual([
      `${COUNTS}`,
      '- mac-2: timed_out: It took too long.',
      '- mac-5: runner_not_back: It is gone.',
    ]);
  });

  test('says what happened to all of them once', () => {
    const denied = new ActionError('authentication_failed', 'Wrong.');
    const vms = Array.from({ length: 40 }, (_, number) => member(number, { ...NOTHING, error: denied }));
    expect(stepError(fleet(...vms), same)?.message.split('\n')).toEqual([
      '40 of 40 VMs failed.',
      '- mac-0, mac-1, mac-2, mac-3, mac-4 and 35 more: authentication_failed: Wrong.',
    ]);
  });

  test('is not too long, and cuts only what is clean', () => {
    const vms = Array.from({ length: 12 }, (_, number) =>
      broken(number, `${number} ${'x'.repeat(295)}secret`),
    );
    const lines =
      stepError(fleet(...vms), (text) => text.replaceAll('secret', '***'))?.message.split('\n') ?? [];
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('- and 2 more, listed in the output results and the job summary');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(350);
    expect(lines.join()).not.toContain('s…');
  });

  test('has a line for each of ten', () => {
    const vms = Array.from({ length: 10 }, (_, number) => broken(number, `${number}`));
    expect(stepError(fleet(...vms), same)?.message.split('\n')).toHaveLength(11);
  });

  test('is none if nothing went wrong', () => {
    expect(stepError(fleet(member(1)), same)).toBeUndefined();
  });

  test('is the one error of the step', () => {
    const log = captureStdout();
    expect(report(mixed, createTerminal())).toBe(false);
    const errors = log.lines().filter((line) => line.startsWith('::error'));
    expect(errors).toEqual([
      `::error title=1 of 5 VMs failed%2C 1 not verified%3A timed_out::${COUNTS}%0A- mac-2: timed_out: It took too long.%0A- mac-5: runner_not_back: It is gone.%0ALook.`,
    ]);
    expect(report(fleet(member(1), member(2)), createTerminal())).toBe(true);
  });
});
