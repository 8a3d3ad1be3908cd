import { describe, expect, test } from '@jest/globals';
import type { ActionError } from '../../src/errors.ts';
import { createGate, type RunnerGate, type WhenBusy } from '../../src/runner/gate.ts';
import { createTracker } from '../../src/runner/tracker.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { instance } from '../support/instances.ts';
import { busy, idle, runner, wedged } from '../support/runners.ts';
import { type Answer, createScriptedRunners, refusal, silence } from '../support/scripted-runners.ts';

interface Scene {
  readonly gate: RunnerGate;
  readonly clock: FakeClock;
  readonly calls: string[];
  readonly lines: string[];
  readonly warnings: string[];
  ask(): Promise<boolean | ActionError>;
}

function stage(answers: readonly Answer[], whenBusy: WhenBusy = 'wait', busyTimeoutMs = 3_600_000): Scene {
  const clock = createFakeClock();
  const runners = createScriptedRunners(answers);
  const [lines, warnings]: [string[], string[]] = [[], []];
  const log = {
    info: (line: string) => lines.push(line),
    debug: () => {},
    warning: (line: string) => warnings.push(line),
  };
  const { signal } = new AbortController();
  const scope = { kind: 'organization', org: 'octo-org' } as const;
  const trackerFor = () => createTracker({ runners, sought: { name: 'mac-7', scope }, clock, log, signal });
  const gate = createGate({ whenBusy, busyTimeoutMs, patienceMs: 60_000, clock, log, signal, trackerFor });
  const ask = () => gate.isOpen(instance()).catch((error: ActionError) => error);
  return { gate, clock, calls: runners.calls, lines, warnings, ask };
}

const times = (count: number, answer: Answer): Answer[] => Array(count).fill(answer);
const LOOK = 'get 23';

describe('a runner without a job', () => {
  test('is looked at for a minute, then once more right before the restart', async () => {
    const { ask, calls, clock, lines } = stage([[idle]]);
    expect(await ask()).toBe(false);
    expect(calls).toEqual(['list mac-7', ...times(12, []).map(() => LOOK)]);
    expect(clock.sleeps).toEqual(Array(12).fill(5_000));
    expect(await ask()).toBe(true);
    expect(calls.slice(13)).toEqual([LOOK]);
    const settling =
      'Runner "mac-7" (ID 23) is online, idle; making sure for a minute, as GitHub learns late of a new job';
    expect(lines).toEqual([
      ...[settling, settling],
      'Runner "mac-7" (ID 23) is online, idle, and was for a minute: no job runs on it',
    ]);
  });

  test('that gets one meanwhile holds the restart up', async () => {
    const { ask, clock } = stage([...times(11, [idle]), [busy], [idle]]);
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toHaveLength(11 + 1 + 12);
  });

  test('that gets one while the VM is looked at anew does so, too', async () => {
    const { ask } = stage([...times(13, [idle]), [busy], [idle]]);
    expect([await ask(), await ask(), await ask()]).toEqual([false, false, true]);
  });

  test('the minute begins anew where looking at the VM took long', async () => {
    const { ask, clock } = stage([[idle]]);
    await ask();
    await clock.sleep(21_000, new AbortController().signal);
    expect([await ask(), await ask()]).toEqual([false, true]);
  });
});

describe('a busy runner', () => {
  test('is waited for', async () => {
    const { ask, lines } = stage([...times(100, [busy]), [idle]]);
    expect(await ask()).toBe(false);
    expect(lines[0]).toBe('Runner "mac-7" (ID 23) is online, busy; waiting for its job to end');
  });

  test('is waited for until busy_timeout, where there is a last look', async () => {
    const { ask, clock } = stage([[busy]], 'wait', 12_000);
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message:
        'Runner "mac-7" (ID 23) is online, busy, and was until busy_timeout. No restart was sent. Looks: 4 busy.',
      hint: 'Let the job end (needs, concurrency), or raise busy_timeout, or let when_busy be wait.',
    });
    expect(clock.sleeps).toEqual([5_000, 5_000, 2_000]);
  });

  test('whose job ends just in time is made sure of beyond it', async () => {
    const { ask, clock } = stage([[busy], [idle]], 'wait', 5_000);
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toEqual(Array(13).fill(5_000));
  });

  test('fails the step at once, if that is wanted', async () => {
    const { ask, clock, calls } = stage([[busy]], 'fail');
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message: 'Runner "mac-7" (ID 23) is online, busy. No restart was sent.',
    });
    expect([calls, clock.sleeps]).toEqual([['list mac-7'], []]);
  });

  test('fails it as soon as its job shows', async () => {
    const { ask } = stage([...times(6, [idle]), [busy]], 'fail');
    expect(await ask()).toMatchObject({ code: 'runner_busy' });
  });

  test('is ignored with a warning, if that is wanted', async () => {
    const { ask, warnings, calls } = stage([[busy]], 'ignore');
    expect(await ask()).toBe(true);
    expect(calls).toEqual(['list mac-7']);
    expect(warnings).toEqual(['Runner "mac-7" (ID 23) is online, busy; when_busy says to ignore that.']);
  });

  test('nothing is warned of where it is not busy', async () => {
    const { ask, warnings } = stage([[idle]], 'ignore');
    expect([await ask(), warnings]).toEqual([true, []]);
  });

  test('nor is it looked up twice', async () => {
    const { ask, calls } = stage([[idle]], 'ignore');
    expect([await ask(), await ask(), calls]).toEqual([true, true, ['list mac-7']]);
  });

  test('that is offline has lost its job', async () => {
    const { ask } = stage([[wedged]], 'fail');
    expect(await ask()).toBe(false);
  });
});

describe('a registration that ends', () => {
  test('with its job leaves nobody who could have another', async () => {
    const { ask, calls, lines } = stage([[busy], []]);
    expect([await ask(), await ask()]).toEqual([false, true]);
    expect(calls.slice(0, 4)).toEqual(['list mac-7', LOOK, 'list mac-7', 'list mac-7']);
    expect(lines).toContain('The runner is registered no more, and was for a minute: no job runs on it');
  });

  test('and begins anew is followed, the newest of several', async () => {
    const [older, newer] = [runner({ id: 24 }), runner({ id: 25 })];
    const { ask, calls, gate } = stage([[busy], [], [older, newer], [newer]]);
    expect(await ask()).toBe(false);
    expect(calls.slice(0, 4)).toEqual(['list mac-7', LOOK, 'list mac-7', 'get 25']);
    expect(gate.findings()?.last.runner).toEqual(newer);
  });
});

describe('GitHub', () => {
  test('that gives no answer for a while starts the minute anew', async () => {
    const { ask, clock } = stage([...times(11, [idle]), silence, [idle]]);
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toHaveLength(11 + 1 + 12);
  });

  test.each<[WhenBusy, number]>([
    ['wait', 80_000],
    ['fail', 60_000],
  ])('that gives none for too long ends it: %s', async (whenBusy, tookMs) => {
    const { ask, clock, lines, gate } = stage([[idle], silence], whenBusy, 20_000);
    const message =
      /^GitHub does not say whether a job runs on the runner, so no restart was sent\. Looks: 1 settling, \d+ unknown\.$/;
    expect(await ask()).toMatchObject({
      code: 'github_api_failed',
      message: expect.stringMatching(message),
      hint: 'Look at githubstatus.com and at the debug log of this step.',
    });
    expect(lines).toContain('GitHub gave no usable answer about the runner; looking again');
    expect(gate.findings()?.last.runner).toEqual(idle);
    expect(clock.now()).toBe(1_000 + tookMs);
  });

  test.each<[WhenBusy, number]>([
    ['wait', 71_000],
    ['fail', 61_000],
  ])('gets a minute to find the runner, and a look ends with all patience: %s', async (whenBusy, until) => {
    const clock = createFakeClock();
    const deadlines: number[] = [];
    const seen = async (deadline: number) => {
      deadlines.push(deadline);
      await clock.sleep(50_000, signal);
      return { askedAt: clock.now(), answeredAt: clock.now(), runner: deadlines.length > 3 ? busy : idle };
    };
    const { signal } = new AbortController();
    const log = { info() {}, debug() {}, warning() {} };
    const gate = createGate({
      ...{ whenBusy, busyTimeoutMs: 20_000, patienceMs: 60_000, clock, log, signal },
      trackerFor: () => ({ find: seen, look: seen }),
    });
    await gate.isOpen(instance()).catch(() => {});
    // The first look begins at 56 s; where a job is waited for, patience ends only at 81 s.
    expect(deadlines.slice(0, 2)).toEqual([61_000, until]);
  });

  test('that gives none just when the job ends does not matter', async () => {
    const { ask } = stage([[busy], [busy], silence, silence, [idle]], 'wait', 10_000);
    expect(await ask()).toBe(false);
  });

  test.each([
    ['at first', [refusal]],
    ['later', [[idle], refusal]],
  ])('that says no %s ends it at once', async (_, answers) => {
    expect(await stage(answers).ask()).toBe(refusal);
  });
});

describe('a dry run', () => {
  test('says how it is, and waits for nothing', async () => {
    const { gate, calls, clock, lines } = stage([[busy]]);
    expect(await gate.rehearse(instance())).toBe(true);
    expect([calls, clock.sleeps]).toEqual([['list mac-7'], []]);
    expect(lines).toEqual(['Dry run: Runner "mac-7" (ID 23) is online, busy']);
  });
});
