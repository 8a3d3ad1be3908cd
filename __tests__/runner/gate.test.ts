import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import type { JobsSource } from '../../src/github/jobs.ts';
import { exactly, type NamePattern } from '../../src/github/runner-names.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { createGate, type RunnerGate } from '../../src/runner/gate.ts';
import { createJobReader } from '../../src/runner/job-finding.ts';
import type { LiveRunners } from '../../src/runner/live-runners.ts';
import { createRegistrations } from '../../src/runner/registrations.ts';
import type { WhenBusy } from '../../src/runner/runner-options.ts';
import type { GateOptions } from '../../src/runner/vm-at-gate.ts';
import { createVmRunners } from '../../src/runner/vm-runners.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { at, instance } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';
import { busy, idle, offline, runner, runningJob, wedged } from '../support/runners.ts';
import {
  type Answer,
  createScriptedJobs,
  createScriptedRunners,
  type JobsAnswer,
  refusal,
  refused,
  silence,
} from '../support/scripted-runners.ts';

interface Scene {
  readonly gate: RunnerGate;
  readonly clock: FakeClock;
  readonly calls: string[];
  readonly lines: string[];
  readonly details: string[];
  readonly warnings: string[];
  /** When the VM was no longer free. */
  readonly closings: number[];
  ask(): Promise<boolean | Error>;
}

interface Setting
  extends Partial<
    Pick<
      GateOptions,
      'seesAllJobs' | 'isSweep' | 'isEphemeral' | 'lastJob' | 'drain' | 'busyUntil' | 'runnerNamesOf'
    >
  > {
  readonly name?: NamePattern;
  /** By default no name is confirmed, and not all runners are offline. */
  readonly liveRunners?: Partial<LiveRunners>;
  readonly whenBusy?: WhenBusy;
  readonly busyTimeoutMs?: number;
  readonly idleForMs?: number;
  readonly patienceMs?: number;
  readonly jobs?: readonly JobsAnswer[];
  /** The jobs get no answer until the read must end. */
  readonly jobsHang?: boolean;
  readonly isBrief?: boolean;
  /** Whether the gate has a listener for a VM that is no longer free. */
  readonly hasListener?: boolean;
  /** How long a read of the runner takes after this many requests: in milliseconds. */
  readonly readTakesMs?: (calls: number) => number;
}

const MINUTE = 60_000;
const ONE_PERSISTENT = { isEphemeral: false, isSweep: false, seesAllJobs: false };
const NONE_LIVE: LiveRunners = { isScopeProved: async () => false, isAllOffline: async () => false };

function stage(
  answers: readonly Answer[],
  {
    whenBusy = 'wait',
    busyTimeoutMs = 60 * MINUTE,
    idleForMs = MINUTE,
    patienceMs = MINUTE,
    jobs = [[]],
    jobsHang = false,
    isBrief,
    hasListener = true,
    readTakesMs = () => 0,
    liveRunners = {},
    name = exactly('mac-7'),
    runnerNamesOf = () => [],
    ...rules
  }: Setting = {},
): Scene {
  const clock = createFakeClock();
  const { calls, ...scripted } = createScriptedRunners(answers);
  const runners = {
    ...scripted,
    async getRunner(...question: Parameters<typeof scripted.getRunner>) {
      const runner = await scripted.getRunner(...question);
      const ms = readTakesMs(calls.length);
      if (ms > 0) await clock.sleep(ms, new AbortController().signal);
      return runner;
    },
  };
  const closings: number[] = [];
  const { log, lines, details, warnings } = keepLog();
  const { signal } = new AbortController();
  const scope = { kind: 'organization', org: 'octo-org' } as const;
  const hanging: JobsSource = {
    async runningJobs({ deadline, signal: until }) {
      await clock.sleep(deadline - clock.now(), until);
      throw silence;
    },
  };
  const reader = createJobReader(jobsHang ? hanging : createScriptedJobs(jobs, calls), { clock, log });
  const gate = createGate({
    ...{ ...ONE_PERSISTENT, ...rules, whenBusy, busyTimeoutMs, idleForMs, patienceMs, clock, log, signal },
    runnersOf: () =>
      createVmRunners({ runners, jobs: reader, sought: { name, scope }, onNew() {}, clock, log, signal }),
    liveRunners: { ...NONE_LIVE, ...liveRunners },
    registersWithinMs: 5 * MINUTE,
    runnerNamesOf,
    isBrief,
    onWait: hasListener ? () => closings.push(clock.now()) : undefined,
  });
  const ask = () => gate.passOrWait(instance()).catch((error: Error) => error);
  return { gate, clock, calls, lines, details, warnings, closings, ask };
}

const OFF = { refused: 'GITHUB_REPOSITORY is not set', isFinal: true };
const times = (count: number, answer: Answer): Answer[] => Array(count).fill(answer);
const READ = 'get 23';

test.each([
  [10_000, 'shows the current state', [READ, 'jobs', READ], true],
  [10_001, 'shows an old state, and is read again', [READ, 'jobs', READ, READ], false],
])('a last read that took %i ms %s', async (ms, _, reads, isOpen) => {
  // List and jobs come first; a job shows at the read after the last.
  const answers = [[idle], [idle], [idle], [busy], [idle]];
  const scene = stage(answers, { idleForMs: 0, readTakesMs: (calls) => (calls === 5 ? ms : 0) });
  await scene.gate.untilIdle(instance());
  const before = scene.calls.length;
  expect(await scene.ask()).toBe(isOpen);
  expect(scene.calls.slice(before, before + reads.length)).toEqual(reads);
});

describe('a runner without a job', () => {
  test('has to be idle again after an attempt during which the process was suspended', async () => {
    const { ask, clock } = stage([[idle]], { whenBusy: 'skip' });
    expect([await ask(), await ask()]).toEqual([false, true]);
    await clock.sleep(600_000, new AbortController().signal);
    expect([await ask(), await ask()]).toEqual([false, true]);
  });

  test('is read for all of idle_for, then by its ID right before the restart', async () => {
    const { ask, calls, clock, lines, closings } = stage([[idle]]);
    expect(await ask()).toBe(false);
    expect(calls).toEqual(['list mac-7', 'jobs', ...times(12, []).map(() => READ)]);
    expect(clock.sleeps).toEqual(Array(12).fill(5_000));
    expect(await ask()).toBe(true);
    expect(calls.slice(14)).toEqual([READ, 'jobs', READ]);
    const settling =
      'Runner "mac-7" (ID 23) is online, idle; making sure, because GitHub shows a new job late';
    expect(lines).toEqual([
      `${settling} (1 min left)`,
      `${settling} (30 s left)`,
      'Runner "mac-7" (ID 23) is online, idle, and has been for 1 min: no job is running on it',
    ]);
    expect(closings).toEqual([]);
  });

  test('is read once more by its ID if idle_for is 0', async () => {
    const { ask, calls, clock, lines } = stage([[idle]], { idleForMs: 0 });
    expect([await ask(), await ask()]).toEqual([true, true]);
    expect(calls).toEqual(['list mac-7', 'jobs', READ, READ, 'jobs', READ]);
    expect(clock.sleeps).toEqual([]);
    expect(lines).toEqual(['Runner "mac-7" (ID 23) is online, idle: no job is running on it']);
  });

  test('blocks the restart if it gets one during the wait', async () => {
    const { ask, clock } = stage([...times(11, [idle]), [busy], [idle]]);
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toHaveLength(11 + 1 + 12);
  });

  test('blocks the restart if it gets one while the VM is read again', async () => {
    const { ask, closings } = stage([...times(13, [idle]), [busy], [idle]]);
    expect([await ask(), closings]).toEqual([false, []]);
    expect([await ask(), closings.length]).toEqual([false, 1]);
    expect([await ask(), closings.length]).toEqual([true, 1]);
  });

  test('blocks the restart if it gets one, also without onWait', async () => {
    const { ask } = stage([...times(13, [idle]), [busy], [idle]], { hasListener: false });
    expect([await ask(), await ask(), await ask()]).toEqual([false, false, true]);
  });

  test.each<[string, Setting, boolean]>([
    ['', {}, true],
    ['', { isBrief: false }, true],
    [', which is a detail where the log is to be brief', { isBrief: true }, false],
  ])('is reported%s', async (_, setting, isNews) => {
    const { ask, lines, details } = stage([[idle], [busy], silence, [idle]], setting);
    expect([await ask(), await ask()]).toEqual([false, true]);
    for (const part of ['making sure', 'no job is running on it']) {
      expect(lines.some((line) => line.includes(part))).toBe(isNews);
      expect([...lines, ...details]).toContainEqual(expect.stringContaining(part));
    }
    for (const part of ['waiting for its job to end', 'about the runner; asking again'])
      expect(lines).toContainEqual(expect.stringContaining(part));
  });

  test('blocks the restart if it gets one while the jobs are read', async () => {
    const { ask } = stage([...times(14, [idle]), [busy], [idle]]);
    expect([await ask(), await ask(), await ask()]).toEqual([false, false, true]);
  });

  test('has to be idle for all of idle_for again if reading the VM took long', async () => {
    const { ask, clock } = stage([[idle]]);
    await ask();
    await clock.sleep(21_000, new AbortController().signal);
    expect([await ask(), await ask()]).toEqual([false, true]);
  });
});

describe('a job in progress that the runner does not show', () => {
  const onIt = [runningJob()];
  const seen =
    'Runner "mac-7" (ID 23) is shown online, idle, but job "build" of run 17 is in progress on it; waiting for its job to end';

  test('is waited for, and read less often than the runner', async () => {
    const { ask, calls, clock, lines } = stage([[idle]], { jobs: [onIt, onIt, []] });
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toEqual([15_000, 15_000, ...Array(12).fill(5_000)]);
    expect(calls.filter((call) => call === 'jobs')).toHaveLength(3);
    expect(lines[0]).toBe(seen);
  });

  test('blocks the restart at the last moment', async () => {
    const { ask, lines } = stage([[idle]], { idleForMs: 0, jobs: [[], onIt, []] });
    expect([await ask(), await ask(), await ask()]).toEqual([true, false, true]);
    expect(lines).toContain(seen);
  });

  test('fails the step with when_busy: fail', async () => {
    const { ask } = stage([[idle]], { whenBusy: 'fail', jobs: [onIt] });
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message:
        'Runner "mac-7" (ID 23) is shown online, idle, but job "build" of run 17 is in progress on it. No restart was sent.',
    });
  });

  test('counts for a runner that is no longer registered', async () => {
    const { ask, lines } = stage([[busy], []], { jobs: [onIt, []] });
    expect(await ask()).toBe(false);
    expect(lines).toContain(
      'The runner is no longer registered, but job "build" of run 17 is in progress on it; waiting for its job to end',
    );
  });

  test('does not count if it is on another runner', async () => {
    const jobs = [[runningJob({ runnerName: 'mac-8' })]];
    expect(await stage([[idle]], { idleForMs: 0, jobs }).ask()).toBe(true);
  });

  test('is read only at the end if the runner itself is busy', async () => {
    const { ask, calls } = stage([[busy]], { busyTimeoutMs: 20_000, jobs: [onIt] });
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message: expect.stringContaining(', and job "build" of run 17 is in progress on it'),
    });
    expect(calls).toEqual(['list mac-7', ...times(4, []).map(() => READ), 'jobs']);
  });
});

describe('jobs', () => {
  test('that cannot be read leave the runner as the only source', async () => {
    const { ask } = stage([[idle]], { jobs: [refused] });
    expect([await ask(), await ask()]).toEqual([false, true]);
  });

  test('that get no answer for now are read again, and the runner stays idle', async () => {
    const { ask, clock, lines } = stage([[idle]], { jobs: [silence, silence, []] });
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toEqual(Array(12).fill(5_000));
    expect(lines).toContain('GitHub gave no usable answer about the jobs in progress; asking again');
  });

  test('that get no answer at the last moment are read again', async () => {
    const { ask, calls } = stage([[idle]], { idleForMs: 0, jobs: [[], silence, []] });
    expect([await ask(), await ask(), await ask()]).toEqual([true, false, true]);
    expect(calls.slice(3)).toEqual([READ, 'jobs', READ, 'jobs', READ, 'jobs', READ]);
  });

  test('that get no answer for too long end the wait', async () => {
    const { ask, clock } = stage([[idle]], { whenBusy: 'fail', jobs: [silence] });
    expect(await ask()).toMatchObject({ code: 'github_api_failed' });
    expect(clock.now()).toBe(1_000 + 2 * MINUTE);
  });

  test('that GitHub refuses permanently end the wait at once', async () => {
    expect(await stage([[idle]], { jobs: [refusal] }).ask()).toBe(refusal);
  });
});

describe('a busy runner', () => {
  test('is waited for', async () => {
    const { ask, lines } = stage([...times(100, [busy]), [idle]]);
    expect(await ask()).toBe(false);
    expect(lines[0]).toBe('Runner "mac-7" (ID 23) is online, busy; waiting for its job to end');
  });

  test('is waited for until busy_timeout, with a last read at its end', async () => {
    const { ask, clock } = stage([[busy]], { busyTimeoutMs: 12_000 });
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message:
        'Runner "mac-7" (ID 23) is online, busy, and still was when busy_timeout expired; GitHub lists no job for it in the repository whose jobs are read. No restart was sent. Reads: 4 busy.',
      hint: expect.stringContaining('remove the registration'),
    });
    expect(clock.sleeps).toEqual([5_000, 5_000, 2_000]);
  });

  test('whose job ends just before busy_timeout is confirmed as idle after it', async () => {
    const { ask, clock } = stage([[busy], [idle]], { busyTimeoutMs: 5_000 });
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toEqual(Array(13).fill(5_000));
  });

  test('fails the step at once with when_busy: fail', async () => {
    const { ask, clock, calls, lines } = stage([[busy]], { whenBusy: 'fail', jobs: [silence] });
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message: 'Runner "mac-7" (ID 23) is online, busy. No restart was sent.',
      hint: 'Wait until the job has ended (with needs or concurrency), or set when_busy: wait.',
    });
    expect([calls, clock.sleeps]).toEqual([['list mac-7', 'jobs'], []]);
    expect(lines[0]).toBe('Runner "mac-7" (ID 23) is online, busy');
  });

  test('fails the step as soon as its job shows, with when_busy: fail', async () => {
    const { ask } = stage([...times(6, [idle]), [busy]], { whenBusy: 'fail' });
    expect(await ask()).toMatchObject({ code: 'runner_busy' });
  });

  test('is left alone with when_busy: skip', async () => {
    const { ask, lines, gate } = stage([[busy]], { whenBusy: 'skip' });
    expect(gate.occupancy()).toBeUndefined();
    const left = await ask();
    expect(left).toBeInstanceOf(LeftAlone);
    expect(left).toMatchObject({ why: 'busy', message: 'Runner "mac-7" (ID 23) is online, busy' });
    expect(gate.occupancy()).toBe('busy');
    expect(lines).toEqual([
      'Runner "mac-7" (ID 23) is online, busy; the VM is left alone, as when_busy says',
    ]);
  });

  test('is not left alone with when_busy: skip if it has no job', async () => {
    const { ask } = stage([[idle]], { whenBusy: 'skip' });
    expect([await ask(), await ask()]).toEqual([false, true]);
  });

  test('is ignored with when_busy: ignore, which writes a warning', async () => {
    const { ask, warnings, calls } = stage([[busy]], { whenBusy: 'ignore' });
    expect(await ask()).toBe(true);
    expect(calls).toEqual(['list mac-7']);
    expect(warnings).toEqual(['Runner "mac-7" (ID 23) is online, busy; when_busy says to ignore that.']);
  });

  test('causes no warning with when_busy: ignore if it is not busy', async () => {
    const { ask, warnings } = stage([[idle]], { whenBusy: 'ignore' });
    expect([await ask(), warnings]).toEqual([true, []]);
  });

  test('is searched for only once with when_busy: ignore', async () => {
    const { ask, calls } = stage([[idle]], { whenBusy: 'ignore' });
    expect([await ask(), await ask(), calls]).toEqual([true, true, ['list mac-7']]);
  });

  test.each<[string, Setting, object | boolean]>([
    ['may still work on it', {}, { code: 'runner_busy' }],
    ['has lost it if the jobs of the one repository that it serves show none', { seesAllJobs: true }, false],
    ['may work on it if these cannot be read', { seesAllJobs: true, jobs: [OFF] }, { code: 'runner_busy' }],
  ])('that is offline %s', async (_, setting, expected) => {
    const answer = await stage([[wedged]], { whenBusy: 'fail', ...setting }).ask();
    if (typeof expected === 'object') expect(answer).toMatchObject(expected);
    else expect(answer).toBe(expected);
  });
});

describe('a registration that ends', () => {
  test('with its job leaves no runner that could have another job', async () => {
    const { ask, calls, lines } = stage([[busy], []]);
    expect([await ask(), await ask()]).toEqual([false, true]);
    expect(calls.slice(0, 5)).toEqual(['list mac-7', READ, 'list mac-7', 'jobs', 'list mac-7']);
    expect(lines).toContain(
      'The runner is no longer registered, and has been for 1 min: no job is running on it',
    );
  });

  test('and begins again is followed, the newest of several', async () => {
    const [older, newer] = [runner({ id: 24 }), runner({ id: 25 })];
    const { ask, calls, gate } = stage([[busy], [], [older, newer], [newer]]);
    expect(await ask()).toBe(false);
    expect(calls.slice(0, 5)).toEqual(['list mac-7', READ, 'list mac-7', 'jobs', 'get 25']);
    expect(gate.runners()?.registrations.current).toEqual([newer]);
  });
});

describe('GitHub', () => {
  test('that gives no answer for a while makes idle_for start over', async () => {
    const { ask, clock } = stage([...times(11, [idle]), silence, [idle]]);
    expect(await ask()).toBe(false);
    expect(clock.sleeps).toHaveLength(11 + 1 + 12);
  });

  test.each<[WhenBusy, number, number]>([
    ['fail', 0, 60_000],
    ['fail', 30_000, 90_000],
    ['wait', 0, 80_000],
  ])(
    'that hangs about the jobs ends it in time: %s, idle_for %i ms',
    async (whenBusy, idleForMs, limitMs) => {
      const { ask, clock } = stage([[idle]], { whenBusy, idleForMs, busyTimeoutMs: 20_000, jobsHang: true });
      expect(await ask()).toMatchObject({ code: 'github_api_failed' });
      expect(clock.now() - 1_000).toBeLessThanOrEqual(limitMs + 1_500);
    },
  );

  test.each<[WhenBusy, number]>([
    ['wait', 140_000],
    ['fail', 120_000],
  ])('that gives no answer for too long ends the wait: %s', async (whenBusy, tookMs) => {
    const { ask, clock, lines, gate } = stage([[idle], silence], { whenBusy, busyTimeoutMs: 20_000 });
    const message =
      /^GitHub does not say whether a job runs on the runner, so no restart was sent\. The last error: it answered HTTP 502\. Reads: 1 settling, \d+ unknown\.$/;
    expect(await ask()).toMatchObject({
      code: 'github_api_failed',
      message: expect.stringMatching(message),
      hint: 'Check githubstatus.com.',
    });
    expect(lines).toContain('GitHub gave no usable answer about the runner; asking again');
    expect(gate.runners()?.registrations.current).toEqual([idle]);
    expect(clock.now()).toBe(1_000 + tookMs);
  });

  test.each<WhenBusy>(['wait', 'fail'])(
    'gets a minute to find the runner, and 15 s to end an idle stretch: when_busy is %s',
    async (whenBusy) => {
      const clock = createFakeClock();
      const deadlines: number[] = [];
      const seen = async (deadline: number) => {
        deadlines.push(deadline);
        await clock.sleep(50_000, signal);
        const runners = [deadlines.length > 3 ? busy : idle];
        return { askedAt: clock.now(), answeredAt: clock.now(), runners, gone: [] };
      };
      const { signal } = new AbortController();
      const log = { info() {}, debug() {}, warning() {} };
      const gate = createGate({
        ...{
          ...ONE_PERSISTENT,
          whenBusy,
          busyTimeoutMs: 20_000,
          idleForMs: 5_000,
          patienceMs: 55_000,
          clock,
          log,
          signal,
        },
        registersWithinMs: 0,
        runnerNamesOf: () => [],
        liveRunners: NONE_LIVE,
        runnersOf: () => ({
          ...{
            sought: { name: exactly('mac-7'), scope: { kind: 'organization', org: 'octo-org' } },
            registrations: createRegistrations(() => {}),
          },
          ...{ find: seen, read: seen, readShared: seen, lastFault: () => undefined },
          readJobs: async () => ({ kind: 'none' }),
          missing: async () => refusal,
        }),
      });
      await gate.passOrWait(instance()).catch(() => {});
      // The second read begins at 56 s.
      expect(deadlines.slice(0, 2)).toEqual([56_000, 71_000]);
    },
  );

  test('that gives no answer just when the job ends does not matter', async () => {
    const { ask } = stage([[busy], [busy], silence, silence, [idle]], { busyTimeoutMs: 10_000 });
    expect(await ask()).toBe(false);
  });

  test.each([
    ['at first', [refusal]],
    ['later', [[idle], refusal]],
  ])('that refuses %s ends the wait at once', async (_, answers) => {
    expect(await stage(answers).ask()).toBe(refusal);
  });
});

test.each<WhenBusy>(['fail', 'skip'])(
  'a GitHub that is silent time and again is no job: when_busy is %s',
  async (whenBusy) => {
    const patchy = Array.from({ length: 20 }, () => [...times(8, [idle]), silence]).flat();
    const { ask } = stage([[idle], ...patchy], { whenBusy });
    expect(await ask()).toMatchObject({ code: 'github_api_failed' });
  },
);

describe('a runner that registers again and again', () => {
  test.each<WhenBusy>(['fail', 'skip'])('is given up in the end, with when_busy: %s', async (whenBusy) => {
    let id = 100;
    const { ask, clock } = stage(
      [
        [idle],
        ...Array.from({ length: 200 }, (_, index) =>
          index % 8 === 7 ? [runner({ id: ++id })] : [runner({ id })],
        ),
      ],
      { whenBusy },
    );
    expect(await ask()).toMatchObject({
      code: 'runner_busy',
      message: expect.stringContaining('is online, idle, but registered again and again'),
    });
    expect(clock.now()).toBeLessThan(8 * MINUTE);
  });

  test('is not blamed if the time passed because GitHub was silent', async () => {
    const { ask } = stage([[idle], ...times(23, silence), [idle]], { whenBusy: 'skip' });
    expect([await ask(), await ask()]).toEqual([false, true]);
  });

  test('leaves a silent GitHub as much time as before', async () => {
    const again = [runner({ id: 24 })];
    const answers = [...times(20, [idle]), ...times(8, again), ...times(9, silence), again];
    const { ask } = stage([[idle], silence, ...times(21, silence), ...answers], { whenBusy: 'fail' });
    expect([await ask(), await ask()]).toEqual([false, true]);
  });
});

describe('a job that GitHub gives no runner', () => {
  const unassigned = runningJob({ runnerId: undefined, runnerName: undefined });

  test('is waited for as if GitHub were silent, as long as its labels fit', async () => {
    const { ask, lines } = stage([[idle]], { jobs: [[unassigned], [unassigned], []] });
    expect([await ask(), await ask()]).toEqual([false, true]);
    expect(lines[0]).toBe(
      'Job "build" of run 17 is in progress and may be on this runner: GitHub does not say on which one it runs; asking again',
    );
  });

  test('is reported at the end', async () => {
    const { ask, clock } = stage([[idle]], { whenBusy: 'fail', jobs: [[unassigned]] });
    expect(await ask()).toMatchObject({
      code: 'github_api_failed',
      message: expect.stringContaining('Job "build" of run 17 is in progress'),
    });
    expect(clock.now()).toBe(1_000 + 2 * MINUTE);
  });
});

describe('a jobs source that GitHub refuses', () => {
  const short = { whenBusy: 'fail', idleForMs: 10_000, patienceMs: 15_000 } as const;

  test('is given up after 30 s, even if timeout is shorter', async () => {
    const { ask, clock, warnings } = stage([[idle]], { ...short, jobs: [refused] });
    const startedAt = clock.now();
    expect([await ask(), await ask()]).toEqual([false, true]);
    expect([clock.now() - startedAt, warnings.length]).toEqual([30_000, 1]);
  });

  test('is never given up if GitHub answers a part of each read, and ends the wait', async () => {
    const { ask, clock } = stage([[idle]], { ...short, jobs: [{ ...refused, isPartial: true }] });
    const startedAt = clock.now();
    expect(await ask()).toMatchObject({ code: 'github_api_failed' });
    expect(clock.now() - startedAt).toBe(25_000);
  });

  test('is not waited for once it gives no answer at all', async () => {
    const { ask, clock } = stage([[idle]], { ...short, jobs: [...Array(6).fill(refused), silence] });
    const startedAt = clock.now();
    expect(await ask()).toMatchObject({ code: 'github_api_failed' });
    expect(clock.now() - startedAt).toBe(30_000);
  });

  test('is read again, and a job that it then shows counts', async () => {
    const { ask } = stage([[idle]], { whenBusy: 'fail', jobs: [refused, refused, [runningJob()]] });
    expect(await ask()).toMatchObject({ code: 'runner_busy' });
  });

  test('is given up after half a minute, and is read again before the restart', async () => {
    const { ask, calls, warnings } = stage([[idle]], { jobs: [refused] });
    expect([await ask(), await ask()]).toEqual([false, true]);
    expect([warnings.length, calls.slice(-3)]).toEqual([1, [READ, 'jobs', READ]]);
  });
});

describe('several runners in one VM', () => {
  const name = { parts: ['mac-7-', ''] };
  const a = runner({ id: 30, name: 'mac-7-a' });
  const b = runner({ id: 31, name: 'mac-7-b' });
  const bBusy = runner({ id: 31, name: 'mac-7-b', isBusy: true });

  test('are busy if one of them is', async () => {
    const { ask, lines } = stage(
      [
        [a, bBusy],
        [a, b],
      ],
      { name },
    );
    expect(await ask()).toBe(false);
    expect(lines[0]).toBe(
      'Runner "mac-7-a" (ID 30) is online, idle, runner "mac-7-b" (ID 31) is online, busy; waiting for its job to end',
    );
  });

  test('include one that registers at the last moment', async () => {
    const { ask } = stage([[a], [a], [a, bBusy], [a, b]], { name, idleForMs: 0, whenBusy: 'fail' });
    expect([await ask(), await ask()]).toEqual([true, expect.objectContaining({ code: 'runner_busy' })]);
  });
});

describe('a runner that is not registered', () => {
  test('is searched for for a few seconds, and then not found', async () => {
    const { ask, clock, calls } = stage([[]]);
    expect(await ask()).toMatchObject({
      code: 'runner_not_found',
      hint: expect.stringContaining('set runner_ephemeral: true'),
    });
    expect([clock.now(), calls]).toEqual([7_000, [...Array(4).fill('list mac-7'), 'list']]);
  });

  test.each<[string, Setting]>([
    ['a persistent one', { idleForMs: 0 }],
    ['a one-job runner whose scope nothing proves', { isEphemeral: true }],
  ])('is not found either if the first reads got no usable answer: %s', async (_, setting) => {
    const { ask } = stage([new UnusableAnswer('only 2 of 3'), silence, []], setting);
    expect(await ask()).toMatchObject({ code: 'runner_not_found' });
  });

  test('may be there again a moment later', async () => {
    const { ask } = stage([[], [], [idle]], { idleForMs: 0 });
    expect(await ask()).toBe(true);
  });
});

describe('a runner that takes one job per registration', () => {
  const oneJob = runner({ ephemeral: true });
  const LONG_UP = { startDate: at('2024-10-13T10:51:34Z'), reportedAt: at('2024-10-13T11:10:02Z') };
  const JUST_UP = { startDate: at('2024-10-13T11:10:00Z'), reportedAt: at('2024-10-13T11:10:02Z') };
  const believed = { isEphemeral: true, liveRunners: { isScopeProved: async () => true } };
  const vms = (scene: Scene, ...changes: Partial<Instance>[]) =>
    changes.reduce<Promise<(boolean | Error)[]>>(async (answers, each) => {
      const known = await answers;
      return [...known, await scene.gate.passOrWait(instance(each)).catch((error: Error) => error)];
    }, Promise.resolve([]));

  test('has had its job once its registration is gone: two reads, and no idle_for', async () => {
    const scene = stage([[runner({ ephemeral: true, isBusy: true })], []]);
    expect(await vms(scene, JUST_UP, JUST_UP)).toEqual([false, true]);
    expect(scene.clock.sleeps).toEqual([5_000, 1_000]);
    expect(scene.lines).toContain('The runner is no longer registered: no job is running on it');
    expect(scene.calls.slice(-4)).toEqual(['list mac-7', 'list mac-7', 'jobs', 'list mac-7']);
  });

  test.each<[string, Setting, Partial<Instance>, boolean[]]>([
    ['had its job, as the run shows', { isEphemeral: true, lastJob: { hasEnded: true } }, JUST_UP, [true]],
    [
      'whether its job was one of this boot is not known',
      { isEphemeral: true, lastJob: { hasEnded: true } },
      { reportedAt: undefined },
      [false, true],
    ],
    ['had its time to register', believed, LONG_UP, [true]],
    ['may register yet, and is waited for', believed, JUST_UP, [false, true]],
    [
      'may register yet, while its job of the run is not over',
      { isEphemeral: true, lastJob: { hasEnded: false } },
      JUST_UP,
      [false, true],
    ],
    ['booted at an unknown time', believed, { startDate: undefined }, [false, true]],
    ['reported at an unknown time', believed, { reportedAt: undefined }, [false, true]],
  ])('is absent, and %s', async (_, setting, changes, expected) => {
    const scene = stage([[]], setting);
    expect(await vms(scene, ...expected.map(() => changes))).toEqual(expected);
    expect(scene.clock.now() > 5 * MINUTE).toBe(expected.length > 1);
  });

  test('is absent after a long wait, and one silence after that does not end the step', async () => {
    const short = { whenBusy: 'fail', idleForMs: 10_000, patienceMs: 15_000 } as const;
    const scene = stage([[]], { ...believed, ...short, jobs: [[], silence, []] });
    expect(await vms(scene, JUST_UP, JUST_UP, JUST_UP)).toEqual([false, false, true]);
  });

  test('is absent, but GitHub shows a job on it', async () => {
    const scene = stage([[]], { ...believed, jobs: [[runningJob()]], whenBusy: 'fail' });
    expect(await vms(scene, LONG_UP)).toMatchObject([{ code: 'runner_busy' }]);
  });

  test('is absent from one read only', async () => {
    const scene = stage([[], [oneJob]], believed);
    expect(await vms(scene, LONG_UP)).toEqual([false]);
    expect(scene.clock.sleeps).toEqual([...Array(10).fill(2_000), ...Array(8).fill(5_000)]);
  });

  test.each<[string, Setting]>([
    ['no runner confirms the name', { isEphemeral: true }],
    ['no source says that it takes one job', { liveRunners: { isScopeProved: async () => true } }],
  ])('is not found if %s', async (_, setting) => {
    const scene = stage([[]], setting);
    expect(await vms(scene, LONG_UP)).toMatchObject([{ code: 'runner_not_found' }]);
    expect(scene.clock.now()).toBe(7_000);
  });

  test('had its job in an earlier boot', async () => {
    const scene = stage([[]], { isEphemeral: true, lastJob: { hasEnded: true } });
    expect(await vms(scene, LONG_UP, JUST_UP)).toEqual([true, false]);
    expect(scene.clock.now()).toBeGreaterThan(4 * MINUTE);
  });

  test('is not waited for forever if the VM boots again and again', async () => {
    const boots = Array.from({ length: 9 }, (_, index) => ({
      ...JUST_UP,
      startDate: at(`2024-10-13T11:1${index}:00Z`),
      reportedAt: at(`2024-10-13T11:1${index}:02Z`),
    }));
    const scene = stage([[]], believed);
    const answers = await vms(scene, ...boots);
    expect(answers.slice(0, 4)).toEqual([
      false,
      false,
      false,
      expect.objectContaining({ code: 'runner_not_found' }),
    ]);
    expect(scene.clock.now()).toBeLessThan(17 * MINUTE);
  });

  test.each<[string, readonly Answer[], boolean]>([
    ['its job took long', [...times(250, [{ ...oneJob, isBusy: true }]), []], false],
    ['its VM waited long for a slot', [[oneJob], []], true],
  ])('is waited for after a boot even though %s', async (_, answers, waitsForSlot) => {
    const scene = stage(answers, { ...believed, idleForMs: 0 });
    await scene.gate.untilIdle(instance(LONG_UP)).catch(() => {});
    if (waitsForSlot) await scene.clock.sleep(20 * MINUTE, new AbortController().signal);
    if (waitsForSlot) await scene.gate.stillIdle();
    expect(scene.clock.now()).toBeGreaterThan(15 * MINUTE);
    const [answer] = await vms(scene, JUST_UP);
    expect(answer).not.toBeInstanceOf(Error);
  });

  test('was seen in an earlier boot', async () => {
    const scene = stage([[oneJob], [oneJob], []], { idleForMs: 0 });
    expect(await vms(scene, LONG_UP, JUST_UP)).toEqual([true, false]);
    const seen = stage([[oneJob], [oneJob], []], { idleForMs: 0 });
    expect(await vms(seen, LONG_UP, LONG_UP)).toEqual([true, true]);
  });

  test('is reported in a dry run', async () => {
    const { gate, lines } = stage([[]], believed);
    expect(await gate.rehearse(instance(JUST_UP))).toBe(true);
    expect(lines.at(-1)).toBe('Dry run: No runner is registered');
  });
});

describe('a sweep', () => {
  const UP = { startDate: at('2024-10-13T11:05:02Z'), reportedAt: at('2024-10-13T11:10:02Z') };
  const FRESH = { ...UP, startDate: at('2024-10-13T11:05:03Z') };
  const sweep = { isSweep: true, whenBusy: 'skip', idleForMs: 10_000 } as const;
  const ask = (scene: Scene, vm: Partial<Instance> = UP) =>
    scene.gate.passOrWait(instance(vm)).catch((error: unknown) => error);

  test.each<[string, Answer, Partial<Instance>, string]>([
    [
      'whose runner is online',
      [idle],
      UP,
      'Runner "mac-7" (ID 23) is online, idle; restart_if leaves it alone',
    ],
    ['even with a job', [busy], UP, 'Runner "mac-7" (ID 23) is online, busy; restart_if leaves it alone'],
    [
      'that has not been up for long',
      [offline],
      FRESH,
      'The VM has been up for only 4 min 59 s, and its runner may take 5 min to register; restart_if leaves it alone',
    ],
    [
      'whose uptime is unknown',
      [offline],
      { ...UP, reportedAt: undefined },
      'The VM has been up for an unknown time (its record lacks start_date or timestamp), and its runner may take 5 min to register; restart_if leaves it alone',
    ],
  ])('leaves a VM alone %s', async (_, answer, vm, seen) => {
    const left = await ask(stage([answer], sweep), vm);
    expect(left).toBeInstanceOf(LeftAlone);
    expect(left).toMatchObject({ why: 'needless', message: seen });
  });

  test('restarts a VM whose runner stays offline', async () => {
    const scene = stage([[offline]], sweep);
    expect([await ask(scene), await ask(scene)]).toEqual([false, true]);
    expect(scene.clock.sleeps).toEqual([5_000, 5_000]);
  });

  test('asks GitHub nothing about a VM that has not been up for long', async () => {
    const scene = stage([[offline]], sweep);
    await ask(scene, FRESH);
    expect(scene.calls).toEqual([]);
  });

  test.each<[string, Answer[], object]>([
    ['comes back while it waits', [[offline], [idle]], { why: 'needless' }],
    ['comes back in the last moment', [...times(4, [offline]), [idle]], { why: 'needless' }],
    ['is offline with a job', [[wedged]], { why: 'busy' }],
  ])('leaves a VM alone whose runner %s', async (_, answers, expected) => {
    const scene = stage(answers, sweep);
    const answersGiven = [await ask(scene), await ask(scene)];
    expect(answersGiven.find((each) => each instanceof LeftAlone)).toMatchObject(expected);
  });

  test('leaves a VM alone whose runner comes back while it waits for a slot', async () => {
    const scene = stage([[offline], [offline], [offline], [idle]], sweep);
    await scene.gate.untilIdle(instance(UP));
    await expect(scene.gate.stillIdle()).rejects.toMatchObject({ why: 'needless' });
  });

  test('restarts a VM whose offline runner has a job that when_busy ignores', async () => {
    const scene = stage([[wedged]], { ...sweep, whenBusy: 'ignore' });
    expect([await ask(scene), await ask(scene), scene.calls.includes('jobs')]).toEqual([false, true, true]);
  });

  test('does not trust a GitHub that shows all runners offline', async () => {
    const scene = stage([[offline]], {
      ...sweep,
      idleForMs: 0,
      liveRunners: { isAllOffline: async () => true },
    });
    expect(await ask(scene)).toMatchObject({
      code: 'github_api_failed',
      message: expect.stringContaining('all live VMs offline'),
    });
  });

  test('waits until a complete list shows whether all are offline, and gives up if none comes', async () => {
    const answers = [undefined, undefined, false];
    const liveRunners = { isAllOffline: async () => answers.shift() };
    const patient = stage([[offline]], { ...sweep, idleForMs: 0, liveRunners });
    expect([await ask(patient), await ask(patient), await ask(patient)]).toEqual([false, false, true]);
    const scene = stage([[offline]], {
      ...sweep,
      idleForMs: 0,
      liveRunners: { isAllOffline: async () => undefined },
    });
    let last: unknown = false;
    while (last === false) last = await ask(scene);
    expect(last).toMatchObject({ code: 'github_api_failed' });
  });

  test('does not trust it about a VM without a runner, either', async () => {
    const liveRunners = { isAllOffline: async () => true, isScopeProved: async () => true };
    const scene = stage([[]], { ...sweep, isEphemeral: true, liveRunners });
    expect(await ask(scene)).toMatchObject({ code: 'github_api_failed' });
  });

  test('says in a dry run what it would leave alone', async () => {
    const { gate } = stage([[idle]], sweep);
    await expect(gate.rehearse(instance(UP))).rejects.toMatchObject({ why: 'needless' });
  });
});

describe('a dry run', () => {
  test.each<[string, Answer, Setting, string]>([
    ['busy', [busy], {}, 'online, busy'],
    ['idle', [idle], {}, 'online, idle'],
    [
      'idle, but for a job in progress',
      [idle],
      { jobs: [[runningJob()]] },
      'shown online, idle, but job "build" of run 17 is in progress on it',
    ],
    [
      'idle, as far as is known',
      [idle],
      { jobs: [silence] },
      'online, idle; GitHub gave no usable answer about the jobs in progress',
    ],
    [
      'idle, as far as the token shows',
      [idle],
      { jobs: [refused] },
      'online, idle; GitHub refuses to list the jobs in progress: github_token: HTTP 403',
    ],
  ])('logs the state, and waits for nothing: %s', async (_, answer, setting, text) => {
    const { gate, calls, clock, lines } = stage([answer], setting);
    expect(await gate.rehearse(instance())).toBe(true);
    expect([calls, clock.sleeps]).toEqual([['list mac-7', 'jobs'], []]);
    expect(lines.at(-1)).toBe(`Dry run: Runner "mac-7" (ID 23) is ${text}`);
  });

  test('does not read jobs that would be ignored', async () => {
    const { gate, calls } = stage([[busy]], { whenBusy: 'ignore' });
    expect([await gate.rehearse(instance()), calls]).toEqual([true, ['list mac-7']]);
  });
});

test('a VM whose names change while the step waits is not restarted: it may have another runner', async () => {
  const names = [[], ['mac-7'], ['mac-8', 'mac-7']];
  const { ask } = stage([[idle]], { whenBusy: 'skip', runnerNamesOf: () => names.shift() ?? [] });
  expect([await ask(), await ask()]).toEqual([false, true]);
  expect(await ask()).toMatchObject({
    code: 'runner_not_found',
    message:
      'The VM\'s names changed during the step: runner_name meant "mac-7" and now means "mac-8". No restart was sent.',
  });
});

test('nor is a VM that an earlier answer showed under another name: GitHub is not asked', async () => {
  const { ask, calls } = stage([[idle]], { runnerNamesOf: () => ['mac-7', 'mac-7', 'mac-6'] });
  expect(await ask()).toMatchObject({
    code: 'runner_not_found',
    message: expect.stringContaining('runner_name meant "mac-6" and now means "mac-7".'),
  });
  expect(calls).toEqual([]);
});

describe('a VM that waits for a slot', () => {
  const FOREVER = new AbortController().signal;

  async function waitIdle(scene: Scene, reads: number): Promise<boolean[]> {
    const idle: boolean[] = [];
    for (let read = 0; read < reads; read++) {
      await scene.clock.sleep(10_000, FOREVER);
      idle.push(await scene.gate.stillIdle());
    }
    return idle;
  }

  test('waits until it was idle for long enough, with reads that VMs share', async () => {
    const scene = stage([[busy], ...times(30, [idle])]);
    await scene.gate.untilIdle(instance());
    expect([scene.gate.occupancy(), scene.calls[0], new Set(scene.calls.slice(1))]).toEqual([
      'idle',
      'list mac-7',
      new Set(['jobs', READ]),
    ]);
    const before = scene.calls.length;
    await scene.gate.untilIdle(instance());
    expect(scene.calls.length).toBe(before);
  });

  test('does not wait if jobs are ignored', async () => {
    const scene = stage([[busy]], { whenBusy: 'ignore' });
    await scene.gate.untilIdle(instance());
    expect([scene.calls, scene.clock.sleeps]).toEqual([['list mac-7'], []]);
  });

  test('is left alone, or fails, as soon as a job shows', async () => {
    const { gate } = stage([[busy]], { whenBusy: 'skip' });
    await expect(gate.untilIdle(instance())).rejects.toMatchObject({ why: 'busy' });
  });

  test('stays idle with an occasional read of the runner alone', async () => {
    const scene = stage([[idle]]);
    expect(await scene.gate.stillIdle()).toBe(true);
    await scene.ask();
    const before = scene.calls.length;
    expect(await waitIdle(scene, 20)).toEqual(Array(20).fill(true));
    expect(new Set(scene.calls.slice(before))).toEqual(new Set([READ]));
    expect([await scene.ask(), scene.closings]).toEqual([true, []]);
  });

  test('is no longer idle once a job shows, and then has the full time to wait for its end', async () => {
    const scene = stage([...times(13, [idle]), ...times(300, [idle]), ...times(50, [busy]), [idle]], {
      busyTimeoutMs: 10 * MINUTE,
    });
    await scene.ask();
    expect((await waitIdle(scene, 301)).at(-1)).toBe(false);
    expect([await scene.ask(), scene.closings.length]).toEqual([false, 1]);
    expect(await scene.ask()).toBe(true);
  });

  test('gives GitHub no more time in its slot if it was silent in the queue', async () => {
    const scene = stage([...times(13, [idle]), silence], { whenBusy: 'fail' });
    await scene.ask();
    expect(await waitIdle(scene, 20)).toEqual(Array(20).fill(true));
    const askedAt = scene.clock.now();
    expect([await scene.ask(), scene.clock.now()]).toEqual([
      expect.objectContaining({ code: 'github_api_failed' }),
      askedAt,
    ]);
  });

  test('stays queued while GitHub is silent, and waits again in its slot', async () => {
    const scene = stage([...times(13, [idle]), silence, [idle]]);
    await scene.ask();
    expect(await waitIdle(scene, 1)).toEqual([true]);
    expect([await scene.ask(), await scene.ask()]).toEqual([false, true]);
  });
});

test('a long drain that changed nothing is followed by another read', async () => {
  let drains = 0;
  const drain = async () => {
    drains++;
    if (drains === 2) await scene.clock.sleep(MINUTE, new AbortController().signal);
    return false;
  };
  const scene: Scene = stage([[idle], [idle], [busy]], { idleForMs: 0, whenBusy: 'fail', drain });
  expect(await scene.ask()).toMatchObject({ code: 'runner_busy' });
  expect(drains).toBe(2);
});

test('a drain that waited for another one is followed by another read of the VM', async () => {
  let drains = 0;
  const drain = async () => {
    if (++drains === 1) await scene.clock.sleep(MINUTE, new AbortController().signal);
    return drains === 1;
  };
  const scene: Scene = stage([[idle]], { idleForMs: 0, drain });
  expect([await scene.ask(), await scene.ask()]).toEqual([false, true]);
});

describe('a drain', () => {
  /** @param changes how many times the drain changes labels. */
  function drained(answers: readonly Answer[], setting: Setting = {}, changes = 1) {
    const asked: (readonly [number[], number])[] = [];
    const drain: NonNullable<GateOptions['drain']> = async (found, { deadline }) => {
      asked.push([found.map(({ id }) => id), deadline]);
      return asked.length <= changes;
    };
    return { ...stage(answers, { ...setting, drain }), asked };
  }

  test('begins once a VM that waited for a slot holds it, and covers runners that register in between', async () => {
    const next = runner({ id: 24 });
    const answers = [[idle], [idle], [], [next], [next]];
    const { gate, ask, asked } = drained(answers, { idleForMs: 0 });
    await gate.untilIdle(instance());
    expect(asked).toEqual([]);
    await ask();
    await ask();
    expect(JSON.stringify(asked)).toMatch(/23.*24/);
  });

  test('happens before the wait, and the reads from before it are repeated', async () => {
    const { ask, asked, calls, clock } = drained([[idle]], { idleForMs: 0 });
    const startedAt = clock.now();
    expect(await ask()).toBe(true);
    const end = startedAt + 60 * MINUTE;
    expect(asked).toEqual([
      [[23], end],
      [[23], end],
    ]);
    expect(calls).toEqual(['list mac-7', READ, 'jobs', READ]);
  });

  test('that changes labels right before the restart is followed by one more read', async () => {
    const { ask, calls } = drained([[idle]], { idleForMs: 0 }, 2);
    expect(await ask()).toBe(true);
    expect(calls).toEqual(['list mac-7', READ, 'jobs', READ, READ]);
  });

  test('that is followed by a read that shows a job does not let the restart pass', async () => {
    const { ask, asked } = drained(
      [[idle], [idle], [idle], [busy], [busy]],
      { idleForMs: 0, busyTimeoutMs: 0 },
      2,
    );
    expect(await ask()).toMatchObject({ code: 'runner_busy' });
    expect(asked).toHaveLength(2);
  });

  test('is repeated with each read of the wait, except the last', async () => {
    const { ask, asked, clock } = drained([[busy]], { busyTimeoutMs: 12_000 });
    const startedAt = clock.now();
    expect(await ask()).toMatchObject({ code: 'runner_busy' });
    expect(clock.now() - startedAt).toBe(12_000);
    expect(asked).toHaveLength(3);
  });

  test('does not begin while a VM waits without a slot', async () => {
    const { gate, asked } = drained([[busy]]);
    await gate.untilIdle(instance());
    expect(asked).toEqual([]);
  });

  test.each<WhenBusy>(['fail', 'skip'])(
    'spares a busy runner that is not waited for: when_busy is %s',
    async (whenBusy) => {
      const { ask, asked } = drained([[busy]], { whenBusy });
      expect(await ask()).toBeInstanceOf(Error);
      expect(asked).toEqual([]);
    },
  );

  test('has time to wait for another drain even if the gate does not wait', async () => {
    const { ask, asked, clock } = drained([[idle]], { whenBusy: 'fail', idleForMs: 0 });
    const startedAt = clock.now();
    await ask();
    expect(asked).toEqual(Array(2).fill([[23], startedAt + 30_000]));
  });

  test('lets a busy VM wait in its slot, after a few seconds in which idle VMs go first', async () => {
    const { gate, clock } = drained([[busy]]);
    const startedAt = clock.now();
    await gate.untilIdle(instance());
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(5_000);
    expect(clock.now() - startedAt).toBeLessThan(10_000);
    expect([await gate.stillIdle(), gate.occupancy()]).toEqual([true, 'busy']);
  });

  test('lets a VM without a job wait in its slot for all of idle_for', async () => {
    const { gate, clock } = drained([[idle]]);
    const startedAt = clock.now();
    await gate.untilIdle(instance());
    expect([clock.now() - startedAt < 5_000, gate.occupancy()]).toEqual([true, 'settling']);
  });

  test('waits no longer than the token is valid', async () => {
    const { gate, ask, clock } = drained([[busy]], { busyUntil: 90_000 });
    expect(await ask()).toMatchObject({ code: 'runner_busy' });
    expect([clock.now(), gate.occupancy()]).toEqual([90_000, 'busy']);
  });
});
