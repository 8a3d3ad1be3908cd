import { describe, expect, test } from '@jest/globals';
import type { Instance } from '../../src/controller/instance.ts';
import { ActionError } from '../../src/errors.ts';
import type { RetryBounds } from '../../src/http/retry.ts';
import { type Gate, LeftAlone, type Outcome, type RestartJob } from '../../src/restart/outcome.ts';
import { restart } from '../../src/restart/restart.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { at, bootedAt, ID, instance, NEW_BOOT, OLD_BOOT, reported, restarted } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';
import {
  createScriptedController,
  HTTP_502,
  type Script,
  type ScriptedController,
  type Shown,
} from '../support/scripted-controller.ts';

const JOB: RestartJob = {
  target: { by: 'instance_id', id: ID },
  vncPassword: undefined,
  usbDevice: undefined,
  timeoutMs: 60_000,
  pollInterval: 1_000,
  dryRun: false,
};
const GET = `get ${ID}`;
const RESTART = `restart {"instanceId":"${ID}"}`;

interface Run {
  readonly outcome: Outcome;
  readonly controller: ScriptedController;
  readonly clock: FakeClock;
  readonly lines: string[];
  readonly debug: string[];
  readonly warnings: string[];
}

async function run(
  script: Script,
  changes: Partial<RestartJob> = {},
  { signal = new AbortController().signal, clock = createFakeClock() } = {},
): Promise<Run> {
  const controller = createScriptedController(script, clock);
  const { log, lines, details: debug, warnings } = keepLog();
  const outcome = await restart({ ...JOB, ...changes }, { clock, controller, log, signal });
  return { outcome, controller, clock, lines, debug, warnings };
}

const MAY_STILL =
  'The restart may still happen, up to a day later if the node is offline: check the instance before you send another.';
const unreachable = new ActionError('controller_unreachable', 'away', { isTransient: true });
const cancelled = new ActionError('cancelled', 'The step was canceled (SIGINT).');

describe('a restart that succeeds', () => {
  test('is sent once, then watched until it is proved', async () => {
    const stopped = instance({ ...reported(5), status: 'stopped' });
    const { outcome, controller, lines } = await run({
      polls: [instance(), instance(reported(1)), stopped, restarted()],
    });
    expect(controller.calls).toEqual([GET, RESTART, GET, GET, GET]);
    expect(outcome).toEqual({
      target: JOB.target,
      restarted: 'true',
      before: instance(),
      last: restarted(),
      proof: restarted(),
      durationMs: 3_000,
      moments: { started: 1_000, sent: 1_000, verified: 4_000 },
      error: undefined,
    });
    expect(lines).toEqual([
      `Before: instance_state "Started", status "running", start_date ${OLD_BOOT}`,
      `Restarting instance ${ID} on node 72650d46-8ebe-4547-bb6c-8eb76e957b0a`,
      'The controller accepted the restart',
      `+  1.0 s  waiting: start_date is ${OLD_BOOT}, not a new one`,
      `+  2.0 s  waiting: status is "stopped", not "running"; start_date is ${OLD_BOOT}, not a new one`,
      `Restarted and verified in 3.0 s: instance_state "Started", status "running", start_date ${NEW_BOOT}`,
    ]);
  });

  test('a host_ip that cannot be used is mentioned in the debug log', async () => {
    const before = instance({ hostIp: undefined, unusableHostIp: 'mac 01' });
    const { debug } = await run({ polls: [before, restarted()] });
    expect(debug).toEqual(['host_ip is ignored: mac 01 is neither an IP address nor a host name']);
  });

  test('an unchanged line goes to the debug log', async () => {
    const { lines, debug } = await run({ polls: [instance(), instance(), instance(), restarted()] });
    expect(lines.filter((line) => line.includes('waiting'))).toHaveLength(1);
    expect(debug).toEqual([`+  2.0 s  waiting: start_date is ${OLD_BOOT}, not a new one`]);
  });

  test('an unchanged line is logged again after 30 s', async () => {
    const { lines } = await run({ polls: [instance()] });
    expect(lines.filter((line) => line.includes('waiting')).map((line) => line.slice(0, 9))).toEqual(
      ['+  1.0 s', '+ 31.0 s'].map((time) => time.padEnd(9)),
    );
  });

  test('passes on the inputs, and logs them without the password', async () => {
    const { controller, lines } = await run(
      { polls: [instance({ nodeId: undefined }), restarted()] },
      { vncPassword: 'hunter2', usbDevice: 'iPhone' },
    );
    expect(controller.calls[1]).toBe(
      `restart {"instanceId":"${ID}","vncPassword":"hunter2","usbDevice":"iPhone"}`,
    );
    expect(lines[1]).toBe(
      `Restarting instance ${ID} on node unknown, setting a VNC password, attaching USB device "iPhone"`,
    );
  });

  test('keeps to a fixed poll interval', async () => {
    const { clock } = await run({ polls: [instance(), instance(), restarted()] }, { pollInterval: 7_000 });
    expect(clock.sleeps).toEqual([7_000, 7_000]);
  });

  test('is polled when reports are due, as learned from all reads, including those before the restart', async () => {
    const epoch = Date.parse('2024-10-13T12:00:00Z');
    // A report comes every seven seconds, at 0.37 s; the one at 14.37 s is of the new boot.
    const look = (_: RetryBounds, { now }: FakeClock) => {
      const reportedAtMs = Math.floor((now() - 370) / 7_000) * 7_000 + 370;
      const date = at(new Date(epoch + reportedAtMs).toISOString());
      const answeredAtMs = epoch + Math.floor(now() / 1_000) * 1_000;
      const boot = bootedAt(reportedAtMs < 14_370 ? OLD_BOOT : '2024-10-13T12:00:05Z');
      return instance({ updatedAt: date, reportedAt: date, answeredAtMs, ...boot });
    };
    const { outcome, clock } = await run({ polls: [look] }, { pollInterval: 'auto' });
    // The first read after the restart halves the range that the read before it left open.
    expect(clock.sleeps[0]).toBe(500);
    expect(outcome.moments.verified).toBeGreaterThanOrEqual(14_370);
    expect(outcome.moments.verified).toBeLessThan(14_400);
  });

  test('is found through its external ID', async () => {
    const list = [instance({ state: 'Terminated' }), instance()];
    const { outcome, controller } = await run(
      { polls: [instance(), restarted()], list },
      { target: { by: 'external_id', id: 'runner-1' } },
    );
    expect(controller.calls).toEqual(['list', GET, RESTART, GET]);
    expect(outcome.restarted).toBe('true');
  });
});

test('a boot that only the list had shown before the restart is not proof', async () => {
  const undated = { reportedAt: undefined, updatedAt: undefined };
  const boot = instance({ ...undated, ...bootedAt(NEW_BOOT) });
  // The single record comes from a replica that lags behind.
  const lagging: Shown = (_, clock) => (clock.now() < 20_000 ? instance(undated) : boot);
  const { outcome, controller } = await run(
    { polls: [lagging], list: [boot] },
    { target: { by: 'external_id', id: 'runner-1' } },
  );
  expect(controller.calls).toContain(RESTART);
  expect(outcome.restarted).toBe('unknown');
});

test('a dry run checks everything and changes nothing', async () => {
  const { outcome, controller, lines } = await run(
    { polls: [instance()] },
    { dryRun: true, usbDevice: 'iPhone' },
  );
  expect(controller.calls).toEqual([GET]);
  expect(outcome).toMatchObject({
    restarted: 'false',
    before: instance(),
    last: instance(),
    error: undefined,
  });
  expect(lines.at(-1)).toMatch(
    /^Dry run: nothing was changed. Would restart instance .* attaching USB device "iPhone"$/,
  );
});

describe('a gate', () => {
  interface GatedRun {
    readonly answers: readonly (boolean | ActionError | LeftAlone)[];
    readonly changes?: Partial<RestartJob>;
    readonly script?: Script;
    readonly startsTimeout?: boolean;
  }

  /** Each call of the gate takes 40 s. */
  async function runGated({ answers, changes = {}, script, startsTimeout = false }: GatedRun) {
    const clock = createFakeClock();
    const controller = createScriptedController(script ?? { polls: [instance()] }, clock);
    const { signal } = new AbortController();
    const asked: string[] = [];
    const left = [...answers];
    async function answer(question: string): Promise<boolean> {
      asked.push(`${question} after ${controller.calls.length} requests`);
      await clock.sleep(40_000, signal);
      const given = left.shift() ?? true;
      if (typeof given !== 'boolean') throw given;
      return given;
    }
    const gate: Gate = {
      startsTimeout,
      passOrWait: () => answer('open?'),
      rehearse: async () => {
        await answer('rehearse');
        return true;
      },
    };
    const { log, lines } = keepLog();
    const outcome = await restart({ ...JOB, ...changes }, { clock, controller, log, signal, gate });
    return { outcome, asked, calls: controller.calls, tries: controller.tries, lines };
  }

  test('is asked right before the restart is sent', async () => {
    const { outcome, asked, calls } = await runGated({
      answers: [true],
      script: { polls: [instance(), restarted()] },
    });
    expect([asked, calls]).toEqual([['open? after 1 requests'], [GET, RESTART, GET]]);
    expect(outcome).toMatchObject({
      restarted: 'true',
      durationMs: 1_000,
      moments: { started: 1_000, gateAsked: 1_000, gateAnswered: 41_000, sent: 41_000, verified: 42_000 },
    });
  });

  test('that took a while has the VM read again, by its ID', async () => {
    const { outcome, asked, calls } = await runGated({
      answers: [false, false, true],
      changes: { target: { by: 'external_id', id: 'runner-1' } },
      script: { polls: [instance(), instance(), instance(), restarted()], list: [instance()] },
    });
    expect(asked).toEqual([2, 3, 4].map((count) => `open? after ${count} requests`));
    expect(calls).toEqual(['list', GET, GET, GET, RESTART, GET]);
    expect(outcome.moments).toMatchObject({ gateAsked: 1_000, gateAnswered: 121_000 });
  });

  test('has the state of the VM logged again only if it has changed', async () => {
    const otherBoot = '2024-10-13T10:59:00Z';
    const rebooted = { ...reported(1), ...bootedAt(otherBoot) };
    const { lines } = await runGated({
      answers: [false, false, true],
      script: { polls: [instance(), instance(), instance(rebooted), restarted()] },
    });
    expect(lines.filter((line) => line.startsWith('Before: '))).toEqual(
      [OLD_BOOT, otherBoot].map(
        (date) => `Before: instance_state "Started", status "running", start_date ${date}`,
      ),
    );
  });

  test('pauses the timeout of the restart', async () => {
    const { outcome } = await runGated({ answers: [false, false, true], changes: { timeoutMs: 10_000 } });
    expect(outcome.error?.message).toMatch(/^The restart was sent, but not verified after 10\.0 s\./);
  });

  test('that starts the timeout does so once, when it first opens', async () => {
    // Each read takes 5 s.
    const slow: Shown = async (_, clock) => {
      await clock.sleep(5_000, new AbortController().signal);
      return instance();
    };
    const polls = [slow, slow, slow];
    const deadlines = async (startsTimeout: boolean) => {
      const script = { polls, tries: 2 };
      const run = await runGated({ answers: [false, true, true], script, startsTimeout });
      return run.tries.map(({ deadline }) => deadline);
    };
    // It starts after 1 s, and is called three times for 40 s; two reads come before the second call.
    expect(await deadlines(false)).toEqual([141_000, 181_000]);
    expect(await deadlines(true)).toEqual([151_000, 191_000]);
  });

  test('that stays closed sends nothing', async () => {
    const error = new ActionError('runner_busy', 'It has a job.');
    const { outcome, calls } = await runGated({ answers: [false, error] });
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'runner_busy' }, before: instance() });
    expect(calls).toEqual([GET, GET]);
  });

  test('is not called again for a VM that is gone meanwhile', async () => {
    const { outcome, asked } = await runGated({
      answers: [false],
      script: { polls: [instance(), undefined] },
    });
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'instance_not_found' } });
    expect(asked).toHaveLength(1);
  });

  test('is called again before each further attempt, after the VM is read', async () => {
    const { outcome, asked, calls } = await runGated({
      answers: [true, false, true, true],
      script: { polls: [instance(), instance(), instance(), instance(), restarted()], tries: 3 },
    });
    expect(outcome).toMatchObject({ restarted: 'true', error: undefined });
    expect(asked).toEqual([1, 3, 4, 5].map((count) => `open? after ${count} requests`));
    expect(calls).toEqual([GET, RESTART, GET, GET, GET, GET]);
  });

  test.each([
    [20_000, 'true'],
    [20_001, 'false'],
  ])('counts for 20 s: a request sent after %i ms is sent: %s', async (leavesAfterMs, restartedThen) => {
    const script = { polls: [instance(), restarted()], leavesAfterMs };
    const { outcome, lines } = await runGated({ answers: [true], script });
    expect(outcome.restarted).toBe(restartedThen);
    if (restartedThen === 'true') return;
    expect(outcome.error?.message).toContain('checking again');
    expect(lines).toContain(
      'The restart was held back: too much time has passed since the last check of the runner; checking again',
    );
  });

  test('that closes between two attempts sends no restart', async () => {
    const error = new ActionError('runner_busy', 'It has a job.');
    const { outcome } = await runGated({ answers: [true, error], script: { polls: [instance()], tries: 2 } });
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'runner_busy' } });
  });

  test.each([
    ['before the first try', [new LeftAlone('busy', 'A job.')], 1, 'A job.'],
    ['between two attempts', [true, new LeftAlone('busy', 'A job.')], 2, 'A job.'],
    ['without a reason', [new LeftAlone('busy')], 1, ''],
  ])(
    'that says %s to leave the VM alone ends it without a restart or an error',
    async (_, answers, tries, message) => {
      const { outcome } = await runGated({ answers, script: { polls: [instance()], tries } });
      expect(outcome).toMatchObject({
        ...{ restarted: 'false', leftAlone: { why: 'busy', message } },
        error: undefined,
      });
    },
  );

  test('that finds that the VM needs no restart sets the outcome accordingly', async () => {
    const answers = [new LeftAlone('needless', 'It is fine.')];
    const { outcome } = await runGated({ answers });
    expect(outcome).toMatchObject({ restarted: 'false', leftAlone: { why: 'needless' } });
  });

  test('is only rehearsed in a dry run', async () => {
    const { outcome, asked, calls } = await runGated({ answers: [], changes: { dryRun: true } });
    expect([outcome.error, asked, calls]).toEqual([undefined, ['rehearse after 1 requests'], [GET]]);
  });
});

describe('preconditions', () => {
  const start = 'Only a VM that is Started and running can be restarted: start it, or wait until it runs.';
  const update =
    'start_date requires Anka agent and controller 1.44.0 or later: update both. Version of the controller: "unknown".';

  test.each<[string, Script['polls'], { code: string; seen: string; hint: string }]>([
    [
      'not there',
      [undefined],
      {
        code: 'instance_not_found',
        seen: `no instance ${ID}`,
        hint: 'Check instance_id and controller_url. An instance that was terminated is gone permanently.',
      },
    ],
    [
      'stopped',
      [instance({ status: 'stopped' })],
      { code: 'not_running', seen: 'status "stopped"', hint: start },
    ],
    [
      'in another state',
      [instance({ state: 'Pulling', status: undefined })],
      { code: 'not_running', seen: 'instance_state "Pulling", status "none"', hint: start },
    ],
    [
      'without a date',
      [instance(bootedAt(undefined))],
      { code: 'cannot_verify', seen: 'start_date none', hint: update },
    ],
    [
      'with the zero date',
      [instance(bootedAt('0001-01-01T00:00:00Z'))],
      { code: 'cannot_verify', seen: 'start_date 0001-01-01T00:00:00Z', hint: update },
    ],
  ])('an instance that is %s, and stays so for some seconds', async (_, polls, { code, seen, hint }) => {
    const { outcome, controller, clock } = await run({ polls });
    expect(outcome.restarted).toBe('false');
    expect(outcome.error).toMatchObject({
      code,
      message: expect.stringContaining(seen),
      hint,
    });
    const asked = code === 'cannot_verify' ? ['version'] : [];
    expect(controller.calls).toEqual([...Array(7).fill(GET), ...asked]);
    expect(clock.sleeps).toEqual(Array(6).fill(1_000));
  });

  describe('where another client may be restarting the VM', () => {
    const stopped = instance({ status: 'stopped' });

    test('an instance that is not running is waited for longer', async () => {
      const back = instance();
      const { outcome } = await run(
        { polls: [...Array(20).fill(stopped), back, restarted()] },
        { startsWithinMs: 60_000, timeoutMs: 120_000 },
      );
      expect(outcome).toMatchObject({ restarted: 'true', before: back });
    });

    test.each([
      ['until that is over', stopped, 60],
      ['no longer than usual if it has failed', instance({ state: 'Error' }), 6],
      ['no longer than usual if it is not there', undefined, 6],
    ])('%s', async (_, shown, seconds) => {
      const { outcome, clock } = await run(
        { polls: [shown] },
        { startsWithinMs: 60_000, timeoutMs: 120_000 },
      );
      expect(outcome.error?.code).toMatch(/not_running|instance_not_found/);
      expect(clock.sleeps).toEqual(Array(seconds).fill(1_000));
    });
  });

  test('an instance that is gone permanently is not waited for', async () => {
    const { outcome } = await run({ polls: [instance({ state: 'Terminated' })] });
    expect(outcome.error).toMatchObject({
      code: 'not_running',
      hint: 'It is gone permanently: start a new one.',
    });
  });

  test.each([
    ['1.43.0-abc', '1.43.0-abc'],
    [undefined, 'unknown'],
  ])('what cannot be verified is blamed on version %s', async (version, named) => {
    const { outcome } = await run({
      polls: [instance(bootedAt(undefined))],
      ...(version === undefined ? {} : { version }),
    });
    expect(outcome.error?.hint).toContain(`Version of the controller: "${named}".`);
  });

  test('what was seen is reported even if it could not be restarted', async () => {
    const { outcome } = await run({ polls: [instance({ state: 'Error' })] });
    expect(outcome).toMatchObject({ before: undefined, last: { state: 'Error' } });
  });

  test('a flap clears up', async () => {
    const { outcome, lines } = await run({
      polls: [undefined, instance({ state: 'Error' }), instance(), restarted()],
    });
    expect(outcome.restarted).toBe('true');
    expect(lines[0]).toBe(`Reading again, this may be temporary: The controller has no instance ${ID}.`);
  });

  test('a boot that briefly has no date is not compared', async () => {
    const { outcome } = await run({ polls: [instance(bootedAt(undefined)), instance(), restarted()] });
    expect(outcome).toMatchObject({ restarted: 'true', error: undefined });
  });

  test.each<[string, Partial<Instance>]>([
    ['the report', { reportedAt: undefined }],
    ['the record', { updatedAt: undefined }],
  ])('an answer without the date of %s is no baseline, if there is a better one', async (_, changes) => {
    const { outcome, lines } = await run({ polls: [instance(changes), instance(), restarted()] });
    expect(outcome).toMatchObject({ restarted: 'true', before: instance() });
    expect(lines[0]).toBe('Reading again: the answer does not say how old it is');
  });

  test('an answer without dates is a baseline if all are', async () => {
    const undated = { reportedAt: undefined, updatedAt: undefined };
    const { outcome, clock } = await run({
      polls: [...Array(7).fill(instance(undated)), restarted(10, undated)],
    });
    expect(outcome).toMatchObject({ restarted: 'true', before: instance(undated) });
    expect(clock.sleeps).toEqual(Array(7).fill(1_000));
  });

  test('the grace ends with the timeout', async () => {
    const { outcome, controller } = await run({ polls: [undefined] }, { timeoutMs: 1_500 });
    expect(outcome.error?.code).toBe('instance_not_found');
    expect(controller.calls).toHaveLength(2);
  });

  describe('if the controller stops answering', () => {
    const silent = new ActionError('controller_unreachable', 'silent', { isTransient: true });
    const untilTheEnd = async (bounds: RetryBounds, clock: FakeClock) => {
      await clock.sleep(bounds.deadline - clock.now(), bounds.signal);
      throw silent;
    };

    test('what was seen before counts, if the time runs out before it clears up', async () => {
      const { outcome } = await run({ polls: [undefined, untilTheEnd] }, { timeoutMs: 5_000 });
      expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'instance_not_found' } });
    });

    test.each<[string, Shown[], number]>([
      ['if it could have healed', [undefined, untilTheEnd], 60_000],
      ['but not what is no trouble', [instance({ reportedAt: undefined }), untilTheEnd], 5_000],
      [
        'if it was trouble at the last answer',
        [undefined, instance({ reportedAt: undefined }), untilTheEnd],
        5_000,
      ],
      ['if there was any answer', [untilTheEnd], 5_000],
    ])('its silence counts: %s', async (_, polls, timeoutMs) => {
      const { outcome } = await run({ polls }, { timeoutMs });
      expect(outcome.error).toBe(silent);
    });

    test('a refusal counts, regardless of earlier answers', async () => {
      const refused = new ActionError('permission_denied', 'no');
      const { outcome } = await run({ polls: [undefined, refused] }, { timeoutMs: 5_000 });
      expect(outcome.error).toBe(refused);
    });
  });

  test('faults of the controller are logged', async () => {
    const faulty = (bounds: RetryBounds) => {
      bounds.onFault?.(HTTP_502);
      return instance();
    };
    const { lines } = await run({ polls: [faulty, restarted()] });
    expect(lines[0]).toBe('The controller gave no usable answer: it answered HTTP 502');
  });

  const NODE = '72650d46-8ebe-4547-bb6c-8eb76e957b0a';
  const idOf = (index: number) => `${ID.slice(0, -2)}${10 + index}`;
  const candidate = (state: string, index = 0) => `${idOf(index)} (${state}, node ${NODE})`;
  const listOf = (states: readonly string[]) =>
    states.map((state, index) => instance({ state, instanceId: idOf(index) }));

  test.each<[string, string[], string]>([
    ['no instance has', [], 'No live instance has the external_id "runner-1".'],
    [
      'only a terminated one has',
      ['Terminated'],
      `No live instance has the external_id "runner-1". Terminated ones that had it: ${candidate('Terminated')}.`,
    ],
  ])('an external ID that %s', async (_, states, message) => {
    const list = listOf(states);
    const { outcome } = await run({ polls: [], list }, { target: { by: 'external_id', id: 'runner-1' } });
    expect(outcome).toMatchObject({ restarted: 'false', last: undefined });
    expect(outcome.error).toMatchObject({
      code: 'instance_not_found',
      message,
      hint: 'Check external_id (the output action-id of anka-actions/up) and controller_url.',
    });
  });

  test.each<[string, string[], string]>([
    [
      'two usable ones have',
      ['Started', 'Started', 'Error'],
      `2 live instances have the external_id "runner-1": ${candidate('Started')}, ${candidate('Started', 1)}.`,
    ],
    [
      'two unusable ones have',
      ['Error', 'Error'],
      `2 live instances have the external_id "runner-1": ${candidate('Error')}, ${candidate('Error', 1)}.`,
    ],
    [
      'many have',
      Array(12).fill('Started'),
      `12 live instances have the external_id "runner-1": ${[...Array(10).keys()].map((index) => candidate('Started', index)).join(', ')} and 2 more.`,
    ],
  ])('an external ID that %s', async (_, states, message) => {
    const list = listOf(states);
    const { outcome } = await run({ polls: [], list }, { target: { by: 'external_id', id: 'runner-1' } });
    expect(outcome).toMatchObject({ restarted: 'false', last: undefined });
    expect(outcome.error).toMatchObject({
      code: 'ambiguous_target',
      message,
      hint: 'Name the one to restart by its instance_id.',
    });
  });

  describe('of two live instances with the same external ID', () => {
    const target = { by: 'external_id', id: 'runner-1' } as const;
    const other = instance({ instanceId: 'other' });
    const both = [other, instance()];

    test('the remaining one is used, once the other is listed as ended', async () => {
      const ended = { ...other, state: 'Terminated' };
      const { outcome } = await run(
        { polls: [instance(), restarted()], lists: [both, [instance()], [ended, instance()]] },
        { target },
      );
      expect(outcome).toMatchObject({ restarted: 'true', before: { instanceId: ID } });
    });

    test.each<[string, Instance[]]>([
      ['not listed', [instance()]],
      ['in Error', [{ ...other, state: 'Error' }, instance()]],
    ])('neither is, as long as the other is only %s', async (_, list) => {
      const { outcome, controller } = await run(
        { polls: [instance()], lists: [both, list, [], list] },
        { target },
      );
      expect(outcome.error).toMatchObject({
        code: 'ambiguous_target',
        message: `2 live instances have the external_id "runner-1": other (Started, node ${NODE}), ${ID} (Started, node ${NODE}).`,
      });
      expect(new Set(controller.calls)).toEqual(new Set(['list']));
    });

    test.each<[string, Partial<Instance>]>([
      ['in Error', { state: 'Error' }],
      ['deleted', { status: 'deleted' }],
      ['without a VM', { state: 'Pulling', status: undefined }],
    ])('the usable one is used, if the other stays %s for some seconds', async (_, changes) => {
      const list = [{ ...other, ...changes }, instance()];
      const polls = [...Array(6).fill(instance()), instance(), restarted()];
      const { outcome, lines } = await run({ polls, list }, { target });
      expect(outcome).toMatchObject({ restarted: 'true', before: { instanceId: ID } });
      expect(outcome.moments).toMatchObject({ started: 1_000, sent: 7_000 });
      expect(lines[0]).toMatch(
        /^Reading again: other \(.*\) also has the external_id, and may be unusable only briefly$/,
      );
    });

    test('one that replaced another is used', async () => {
      const failed = { ...other, state: 'Error' };
      const { outcome } = await run(
        { polls: [failed, instance(), restarted()], lists: [[failed], [instance()]] },
        { target },
      );
      expect(outcome).toMatchObject({ restarted: 'true', before: { instanceId: ID } });
    });
  });

  describe('an external ID that no instance has is explained', () => {
    const hintFor = async (id: string, externalIds: readonly string[]) => {
      const { outcome } = await run({ polls: [], externalIds }, { target: { by: 'external_id', id } });
      expect(outcome.error?.code).toBe('instance_not_found');
      return outcome.error?.hint;
    };

    test('by the closest one that there is', async () => {
      const hint = await hintFor('runner-70', ['runner-7', 'runner-71', 'vm']);
      expect(hint).toMatch(/^Did you mean "runner-7" or "runner-71"\? Upper and lower case matter\. Check/);
    });

    test('by the other input, if it looks like the ID of an instance', async () => {
      expect(await hintFor(ID.toUpperCase(), [ID])).toBe(
        'It looks like the ID of an instance: did you mean instance_id?',
      );
    });
  });

  test('a candidate without a node is listed, too', async () => {
    const list = [instance({ nodeId: undefined }), instance({ instanceId: 'other' })];
    const { outcome } = await run({ polls: [], list }, { target: { by: 'external_id', id: 'runner-1' } });
    expect(outcome.error?.message).toContain(`${ID} (Started, node unknown)`);
  });
});

describe('sending', () => {
  test('a refusal means that nothing was restarted', async () => {
    const reply = new ActionError('restart_refused', 'no');
    const { outcome, controller } = await run({ polls: [instance()], reply });
    expect(outcome).toMatchObject({ restarted: 'false', error: reply, before: instance() });
    expect(controller.calls).toEqual([GET, RESTART]);
  });

  test('a bug in the action while sending leaves it unknown', async () => {
    const { outcome } = await run({ polls: [instance()], reply: new TypeError('bug') });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'internal_error' } });
  });

  test('counts its time from when it was sent, not from attempts that never were', async () => {
    const clock = createFakeClock();
    const scripted = createScriptedController({ polls: [instance(), restarted()] });
    const tryRestart: typeof scripted.tryRestart = async (request, bounds) => {
      await clock.sleep(20_000, bounds.signal);
      return scripted.tryRestart(request, bounds);
    };
    const means = {
      clock,
      log: { info() {}, debug() {}, warning() {} },
      signal: new AbortController().signal,
    };
    const startedAt = clock.now();
    const { durationMs, moments } = await restart(JOB, {
      ...means,
      controller: { ...scripted, tryRestart },
    });
    expect(moments.sent).toBe(startedAt + 20_000);
    expect(durationMs).toBe(clock.now() - startedAt - 20_000);
  });

  test('evidence makes up for a lost answer', async () => {
    const reply = { kind: 'uncertain', reason: 'no answer came: reset' } as const;
    const { outcome, controller, lines } = await run({ polls: [instance(), instance(), restarted()], reply });
    expect(controller.calls).toEqual([GET, RESTART, GET, GET]);
    expect(outcome.restarted).toBe('true');
    expect(lines).toContain(
      'It is unclear whether the restart was accepted; looking for a new boot: no answer came: reset',
    );
  });

  test('a lost answer without evidence stays unknown', async () => {
    const reply = { kind: 'uncertain', reason: 'no answer came: reset' } as const;
    const { outcome, controller } = await run({ polls: [instance()], reply });
    expect(outcome).toMatchObject({
      restarted: 'unknown',
      durationMs: undefined,
      error: { code: 'timed_out' },
    });
    expect(outcome.error?.message).toContain(
      'It is unclear whether the controller accepted it: no answer came: reset.',
    );
    expect(outcome.error?.hint).toBe(`Most likely the restart never reached the controller. ${MAY_STILL}`);
    expect(controller.calls.filter((call) => call === RESTART)).toHaveLength(1);
  });
});

describe('watching', () => {
  test('uses new connections if reports do not move for three heartbeats: another replica may have newer data', async () => {
    const { controller } = await run({ polls: [instance()] });
    expect(controller.renewals).toEqual([17_000, 33_000, 49_000]);
  });

  test('waits for three heartbeats of the length observed', async () => {
    // The baseline, and its report again until the next one comes after 20 s; none follows.
    const slow: Shown = (_, clock) => instance(clock.now() < 21_000 ? {} : reported(20));
    const { controller } = await run({ polls: [instance(), slow] }, { timeoutMs: 150_000 });
    expect(controller.renewals).toEqual([17_000, 81_000, 141_000]);
  });

  test.each([
    [5_000, []],
    [5_001, [8_001]],
  ])(
    'after a suspension between two polls, of %i ms: with new connections if it was long',
    async (ms, renewals) => {
      const clock = createFakeClock();
      const { sleep } = clock;
      // The second pause ends late.
      const suspended = {
        ...clock,
        sleep: (each: number, signal: AbortSignal) =>
          sleep(each + (clock.sleeps.length === 1 ? ms : 0), signal),
      };
      let seconds = 0;
      const moving: Shown = () => instance(reported(++seconds));
      const { controller } = await run(
        { polls: [instance(), moving] },
        { timeoutMs: 30_000 },
        { clock: suspended },
      );
      expect(controller.renewals).toEqual(renewals);
    },
  );

  test('keeps its connections if an answer was slow', async () => {
    let seconds = 0;
    const slow: Shown = async ({ signal }, clock) => {
      await clock.sleep(6_500, signal);
      seconds += 7;
      return instance(reported(seconds));
    };
    const { controller } = await run({ polls: [instance(), slow] }, { timeoutMs: 60_000 });
    expect(controller.renewals).toEqual([]);
  });

  test('keeps its connections while reports move', async () => {
    let seconds = 0;
    const moving: Shown = () => instance(reported(++seconds));
    const { controller } = await run({ polls: [instance(), moving] });
    expect(controller.renewals).toEqual([]);
  });

  test('the last poll at the deadline can still prove it', async () => {
    const { outcome, controller, clock } = await run(
      { polls: [instance(), instance(), restarted()] },
      { timeoutMs: 2_500, pollInterval: 2_000 },
    );
    expect(outcome.restarted).toBe('true');
    expect(clock.sleeps).toEqual([2_000, 500]);
    expect(controller.bounds.map(({ deadline }) => deadline)).toEqual([3_500, 3_500, 3_500, 5_000]);
  });

  test.each([
    [1_999, 'unknown'],
    [2_000, 'true'],
  ])(
    'a last poll during which the process was suspended is followed by another: of %i ms',
    async (ms, restartedThen) => {
      const asleep: Shown = async ({ signal }, clock) => {
        await clock.sleep(ms, signal);
        throw unreachable;
      };
      const { outcome } = await run(
        { polls: [instance(), instance(), asleep, restarted()] },
        { timeoutMs: 2_000, pollInterval: 1_000 },
      );
      expect(outcome.restarted).toBe(restartedThen);
    },
  );

  test('but there is no third one', async () => {
    const asleep: Shown = async ({ signal }, clock) => {
      await clock.sleep(60_000, signal);
      return instance();
    };
    const { outcome, controller } = await run(
      { polls: [instance(), asleep] },
      { timeoutMs: 1_000, pollInterval: 1_000 },
    );
    expect(outcome.error?.code).toBe('timed_out');
    expect(controller.calls).toEqual([GET, RESTART, GET, GET]);
    // The connections that the process left when it was suspended may be dead.
    expect(controller.renewals[0]).toBeGreaterThan(60_000);
  });

  test('a timeout says what was missing, seen, and how often', async () => {
    const late = (bounds: RetryBounds) => {
      bounds.onFault?.(HTTP_502);
      return instance({ ...reported(5), status: 'stopped' });
    };
    const { outcome } = await run(
      { polls: [instance(), instance(), late, instance({ ...reported(5), status: 'stopped' })] },
      { timeoutMs: 5_000 },
    );
    expect(outcome).toMatchObject({ restarted: 'unknown', durationMs: undefined });
    expect(outcome.error).toMatchObject({
      code: 'timed_out',
      hint: `The node's agent may be busy, or the timeout too short. ${MAY_STILL}`,
    });
    expect(outcome.error?.message).toBe(
      [
        'The restart was sent, but not verified after 5.0 s.',
        `Missing: status is "stopped", not "running"; start_date is ${OLD_BOOT}, not a new one.`,
        `Last seen: instance_state "Started", status "stopped", start_date ${OLD_BOOT}; before the restart: start_date ${OLD_BOOT}.`,
        'The last new report came 3.0 s before the end.',
        'Answers: 1 waiting for start_date, 1 HTTP 502, 4 waiting for status and start_date.',
      ].join(' '),
    );
  });

  test('a timeout without a new report points to the node', async () => {
    const { outcome } = await run({ polls: [instance()] }, { timeoutMs: 15_000 });
    expect(outcome.error?.message).toContain(
      'No new report has arrived since then. Answers: 15 waiting for start_date.',
    );
    expect(outcome.error?.hint).toContain('the timeout too short');
    const longer = await run({ polls: [instance()] }, { timeoutMs: 16_000 });
    expect(longer.outcome.error?.hint).toBe(
      `The node's agent reported nothing: check that the node is up. ${MAY_STILL}`,
    );
  });

  test('a timeout without any answer points to the controller', async () => {
    const { outcome, controller, clock } = await run({ polls: [instance(), unreachable] });
    expect(outcome).toMatchObject({ restarted: 'unknown', last: instance(), error: { code: 'timed_out' } });
    expect(outcome.error?.message).toContain('Missing: any usable answer.');
    expect(outcome.error?.message).toContain('Answers: none.');
    expect(outcome.error?.hint).toBe(
      `The controller gave no usable answer: check that it is up. ${MAY_STILL}`,
    );
    // The first read retries until the deadline; then there is only the last one.
    expect(controller.calls).toEqual([GET, RESTART, GET, GET]);
    expect(clock.sleeps).toEqual([1_000, 59_000]);
  });

  test('a controller that comes back for the last poll is in time', async () => {
    const { outcome } = await run({ polls: [instance(), unreachable, restarted()] });
    expect(outcome.restarted).toBe('true');
  });

  test('all requests to the controller end with the step', async () => {
    const { signal } = new AbortController();
    const { controller } = await run({ polls: [instance(), restarted()] }, {}, { signal });
    expect(controller.bounds).toHaveLength(3);
    for (const bounds of controller.bounds) expect(bounds.signal).toBe(signal);
  });

  test('a VM that failed permanently ends it', async () => {
    const { outcome } = await run({ polls: [instance(), restarted(10, { state: 'Terminated' })] });
    expect(outcome).toMatchObject({
      restarted: 'unknown',
      error: { code: 'vm_failed' },
      last: { state: 'Terminated' },
    });
    expect(outcome.error).toMatchObject({
      message: `The VM failed after the restart was sent: instance_state "Terminated", status "running", start_date ${NEW_BOOT}.`,
      hint: 'Check the instance and its node in the controller. A VM that is gone or in Error must be started again.',
    });
  });

  test('an instance that vanishes permanently ends it, and its last state is kept', async () => {
    const { outcome } = await run({ polls: [instance(), undefined] });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'vm_failed' }, last: instance() });
  });

  test('a permanent error ends it', async () => {
    const denied = new ActionError('permission_denied', 'no');
    const { outcome } = await run({ polls: [instance(), denied] });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: denied });
  });

  test('so does a bug in the action', async () => {
    const { outcome } = await run({ polls: [instance(), new TypeError('bug')] });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'internal_error' } });
  });
});

describe('cancelling', () => {
  test('before the restart was sent says so', async () => {
    const { outcome } = await run({ polls: [undefined] }, {}, { signal: AbortSignal.abort(cancelled) });
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'cancelled' } });
    expect(outcome.error).toMatchObject({
      message: 'The step was canceled (SIGINT). No restart had been sent.',
      hint: undefined,
      cause: cancelled,
    });
  });

  test('after it was sent says so', async () => {
    const { outcome, controller } = await run(
      { polls: [instance()] },
      {},
      { signal: AbortSignal.abort(cancelled) },
    );
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'cancelled' }, before: instance() });
    expect(outcome.error).toMatchObject({
      message: expect.stringContaining('The restart had been sent, or may have been, and is not verified'),
      hint: 'Check the instance before you send another: if the node is offline, it may happen up to a day later.',
      cause: cancelled,
    });
    expect(controller.calls).toEqual([GET, RESTART]);
  });
});

describe('between two attempts of the restart', () => {
  test('the baseline is taken again: a restart by another client in the meantime is not proof', async () => {
    const others = instance({ ...reported(5), ...bootedAt(NEW_BOOT) });
    const { outcome } = await run({ polls: [instance(), others, others], tries: 2 }, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ restarted: 'unknown', before: others, error: { code: 'timed_out' } });
  });

  test('a lagging replica does not bring back an older baseline, nor pass off an earlier boot as a new one', async () => {
    const before = instance({ ...reported(5), ...bootedAt(NEW_BOOT) });
    const undated = instance({
      ...bootedAt(NEW_BOOT),
      reportedAt: undefined,
      ...{ updatedAt: reported(9).updatedAt },
    });
    const polls = [before, instance(), undated];
    const { outcome } = await run({ polls, tries: 2 }, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ restarted: 'unknown', before, error: { code: 'timed_out' } });
  });

  test('every boot that was seen before is known, even of a VM that was not ready', async () => {
    const between = instance({ ...reported(2), ...bootedAt('2024-10-13T11:10:00Z'), state: 'Error' });
    const again = instance({ ...reported(9), ...bootedAt('2024-10-13T11:10:00Z') });
    const { outcome } = await run({ polls: [between, instance(reported(3)), again] }, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'timed_out' } });
  });

  test('the deadline stays', async () => {
    const { controller } = await run({ polls: [instance(), instance(), restarted()], tries: 2 });
    expect(controller.tries.map(({ deadline }) => deadline)).toEqual([61_000, 61_000]);
  });

  test('a new boot shows that one was carried out, regardless of the answer: no other is sent', async () => {
    const refused = new ActionError('controller_unreachable', 'HTTP 429 to the end.');
    const polls = [instance(), restarted(), restarted(11)];
    const { outcome, controller, lines } = await run({
      polls,
      tries: 2,
      leavesEachTime: true,
      reply: refused,
    });
    expect(outcome).toMatchObject({ restarted: 'true', before: restarted(), error: undefined });
    expect(controller.calls).toEqual([GET, RESTART, GET, GET]);
    expect(lines.at(-1)).toContain('Restarted and verified');
  });

  test('a new boot without proof, after an answer that it was not accepted, leaves it unknown', async () => {
    const refused = new ActionError('controller_unreachable', 'HTTP 429 to the end.');
    const polls = [instance(), restarted(), restarted(11, { status: 'stopped' })];
    const script = { polls, tries: 2, leavesEachTime: true, reply: refused };
    const { outcome } = await run(script, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({
      restarted: 'unknown',
      error: {
        code: 'timed_out',
        message: expect.stringContaining(
          'It is unclear whether the controller accepted it: the answer said that nothing had been done, but the VM has booted since.',
        ),
      },
    });
  });

  test('a boot whose date contradicts its report may be ours: no other restart is sent', async () => {
    const odd = instance({ ...reported(5), ...bootedAt('2025-10-13T11:10:12Z') });
    const script = { polls: [instance(), odd, odd], tries: 2, leavesEachTime: true };
    const { outcome, controller } = await run(script, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'timed_out' } });
    expect(controller.tries).toHaveLength(1);
  });

  test('an earlier boot that a lagging replica did not show proves nothing: the restart is sent again', async () => {
    const lagging = async (_: RetryBounds, { sleep }: FakeClock) => {
      await sleep(30_000, new AbortController().signal);
      return instance();
    };
    const longBefore = instance({ ...reported(5), ...bootedAt('2024-10-13T11:09:00Z') });
    const script = { polls: [lagging, longBefore, restarted()], tries: 2, leavesEachTime: true };
    const { outcome, controller } = await run(script);
    expect(controller.tries).toHaveLength(2);
    expect(outcome).toMatchObject({ restarted: 'true', before: longBefore });
  });

  test("a new boot between two attempts that never left is another client's", async () => {
    const polls = [instance(), restarted(), restarted(11)];
    const { controller } = await run({ polls, tries: 2 }, { timeoutMs: 20_000 });
    expect(controller.tries).toHaveLength(2);
  });

  test('a step that is cancelled says that one was sent', async () => {
    const { outcome } = await run({ polls: [instance(), cancelled], tries: 2, leavesEachTime: true });
    expect(outcome).toMatchObject({
      restarted: 'false',
      error: {
        message: 'The step was canceled (SIGINT). The restart had been sent, but was not accepted.',
      },
    });
  });

  test('faults are logged', async () => {
    const { lines } = await run({ polls: [instance(), instance(), restarted()], tries: 2 });
    expect(lines).toContain('The controller gave no usable answer: it answered HTTP 502');
  });
});

describe('too late to be proved', () => {
  const TOO_LATE = {
    code: 'timed_out',
    message: 'No restart was sent: too little of the timeout was left to prove it.',
    hint: 'See the log for the cause of the delay; then run the step again, or raise timeout.',
  };
  /** The controller shows the instance after so many milliseconds. */
  const late = (ms: number) => async (_: RetryBounds, clock: FakeClock) => {
    await clock.sleep(ms, new AbortController().signal);
    return instance();
  };

  test.each([
    [60_000, 50_000, 'true'],
    [60_000, 50_001, 'false'],
    [10_000, 8_000, 'true'],
    [10_000, 8_001, 'false'],
  ])('of %i ms, %i are gone: restarted %s', async (timeoutMs, goneMs, expected) => {
    const { outcome, controller } = await run({ polls: [late(goneMs), restarted()] }, { timeoutMs });
    expect(outcome.restarted).toBe(expected);
    if (expected === 'true') return;
    expect(outcome.error).toMatchObject(TOO_LATE);
    expect(controller.calls).toEqual([GET]);
  });

  test('it is not sent, even if the delay came only at the end', async () => {
    const { outcome, controller } = await run({
      polls: [instance(), restarted()],
      leavesAfterMs: 50_001,
    });
    expect(outcome).toMatchObject({ restarted: 'false', error: TOO_LATE, moments: { started: 1_000 } });
    expect(controller.calls).toEqual([GET, RESTART]);
    expect(outcome.moments.sent).toBeUndefined();
  });

  test('it is not sent again after one that was not accepted', async () => {
    const polls = [instance(), late(50_001), restarted()];
    const { outcome } = await run({ polls, tries: 2, leavesEachTime: true });
    expect(outcome).toMatchObject({
      restarted: 'false',
      error: {
        code: 'timed_out',
        message:
          'The restart was sent but not accepted, and too little of the timeout was left to send it again.',
      },
    });
  });

  test('another attempt is not even started', async () => {
    const polls = [instance(), late(50_001), restarted()];
    const { outcome, controller } = await run({ polls, tries: 2 });
    expect(outcome).toMatchObject({ restarted: 'false', error: TOO_LATE });
    expect(controller.tries).toHaveLength(1);
  });
});

test('what is known is announced before the restart may be sent; if that throws, it is not sent', async () => {
  const announced: Outcome[] = [];
  const controller = createScriptedController({ polls: [instance(), restarted()] });
  const context = {
    clock: createFakeClock(),
    controller,
    log: { info() {}, debug() {}, warning() {} },
    signal: new AbortController().signal,
  };
  await restart(JOB, { ...context, announce: (outcome) => announced.push(outcome) });
  expect(announced).toEqual([
    expect.objectContaining({
      restarted: 'unknown',
      target: JOB.target,
      before: instance(),
      last: instance(),
    }),
  ]);
  const announce = () => {
    throw new Error('disk full');
  };
  const outcome = await restart(JOB, { ...context, announce });
  expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'internal_error' } });
});

test('an instance that must not be restarted is refused before anything is sent', async () => {
  const controller = createScriptedController({ polls: [instance()] });
  const refuse = () => {
    throw new ActionError('self_restart', 'It is this machine.');
  };
  const log = { info() {}, debug() {}, warning() {} };
  const { signal } = new AbortController();
  const outcome = await restart(JOB, { clock: createFakeClock(), controller, log, signal, refuse });
  expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'self_restart' } });
  expect(controller.calls).toEqual([GET]);
});

describe('a restart that was rejected, perhaps after it was carried out', () => {
  const error = new ActionError('permission_denied', 'It is denied.', { hint: 'Ask for it.' });
  const reply = { kind: 'rejected', error } as const;

  test('is proved if it was carried out', async () => {
    const { outcome, lines } = await run({ polls: [instance(), instance(), restarted()], reply });
    expect(outcome).toMatchObject({ restarted: 'true', error: undefined });
    expect(lines).toContain(
      'The restart was rejected, possibly after the controller had accepted it; looking for a new boot: It is denied.',
    );
  });

  /** Reports come at these times in seconds, whenever they are read. */
  const reporting =
    (...reports: number[]) =>
    (_: RetryBounds, { now }: FakeClock) =>
      instance(reported(reports.filter((at) => at * 1_000 + 1_000 <= now()).at(-1) ?? 0));

  test.each([
    ['5 s', [5, 10, 15, 20], 15],
    ['2 s count for 5 s', [2, 4, 6, 8, 10, 12, 14, 16], 15],
    ['20 s', [20, 40, 60, 80], 60],
    ['none for as long as there is time', [], 90],
    ['none after the first', [5], 90],
  ])('fails as such after three heartbeats: %s', async (_, reports, seconds) => {
    const { outcome, clock } = await run({ polls: [reporting(...reports)], reply }, { timeoutMs: 90_000 });
    expect(outcome).toMatchObject({
      restarted: 'unknown',
      error: {
        code: 'permission_denied',
        message: `It is denied. No new boot showed within ${seconds}.0 s.`,
        hint: `Ask for it. ${MAY_STILL}`,
      },
    });
    expect(clock.now()).toBe(1_000 + seconds * 1_000);
  });

  test('is not given up for lack of answers before its time is over', async () => {
    const silent = async (bounds: RetryBounds, clock: FakeClock) => {
      await clock.sleep(bounds.deadline - clock.now(), bounds.signal);
      throw unreachable;
    };
    const polls = [instance(), silent, silent, restarted()];
    const { outcome } = await run({ polls, reply }, { timeoutMs: 90_000 });
    expect(outcome).toMatchObject({ restarted: 'true', moments: { verified: 46_000 } });
  });

  test('counts no time between reports that do not say when they were made', async () => {
    const undated = (seconds: number) => instance({ ...reported(seconds), reportedAt: undefined });
    const polls = [undated(0), undated(5), undated(10)];
    const { outcome } = await run({ polls, reply }, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'permission_denied' } });
  });

  test('fails sooner if there is less time, and without its own hint', async () => {
    const bare = { kind: 'rejected', error: new ActionError('protocol_error', 'No.') } as const;
    const { outcome, clock } = await run({ polls: [instance()], reply: bare }, { timeoutMs: 12_000 });
    expect(outcome.error).toMatchObject({
      message: 'No. No new boot showed within 12.0 s.',
      hint: MAY_STILL,
    });
    expect(clock.now()).toBe(13_000);
  });
});

test('a process that was suspended past the deadline polls once more, with enough time', async () => {
  const suspended = async (_: RetryBounds, clock: FakeClock) => {
    await clock.sleep(3_600_000, new AbortController().signal);
    throw unreachable;
  };
  const { outcome, controller } = await run({ polls: [instance(), suspended, restarted()] });
  expect(outcome.restarted).toBe('true');
  expect(controller.bounds.at(-1)?.deadline).toBe(1_000 + 1_000 + 3_600_000 + 1_500);
});

describe('faults that last', () => {
  const faulty =
    (times: number) =>
    async ({ onFault }: RetryBounds, clock: FakeClock) => {
      for (let time = 0; time < times; time++) {
        onFault?.(HTTP_502);
        await clock.sleep(10_000, new AbortController().signal);
      }
      return instance();
    };

  test('cause one warning, after 30 s', async () => {
    const { warnings } = await run({ polls: [faulty(5), restarted()] }, { timeoutMs: 120_000 });
    expect(warnings).toEqual([
      'The controller has given no usable answer for 30.0 s: it answered HTTP 502. Still retrying. Look at it.',
    ]);
  });

  test('say how much longer they are retried, if that is known', async () => {
    const timed = async ({ onFault, deadline }: RetryBounds, clock: FakeClock) => {
      for (let time = 0; time < 5; time++) {
        onFault?.({ ...HTTP_502, leftMs: deadline - clock.now() });
        await clock.sleep(10_000, new AbortController().signal);
      }
      return instance();
    };
    const { warnings } = await run({ polls: [timed, restarted()] }, { timeoutMs: 300_000 });
    expect(warnings).toEqual([
      'The controller has given no usable answer for 30.0 s: it answered HTTP 502. Still retrying, gives up in 4 min 30 s. Look at it.',
    ]);
  });

  test('that are already logged are only counted', async () => {
    const reported = ({ onFault }: RetryBounds) => {
      onFault?.({ ...HTTP_502, isLogged: true });
      return instance();
    };
    const { outcome, lines } = await run({ polls: [instance(), reported] }, { timeoutMs: 2_000 });
    expect(lines.filter((line) => line.includes('HTTP 502'))).toEqual([]);
    expect(outcome.error?.message).toContain('Answers: 2 HTTP 502, 2 waiting for start_date.');
  });

  test('cause no warning sooner', async () => {
    const { warnings } = await run({ polls: [faulty(3), restarted()] }, { timeoutMs: 120_000 });
    expect(warnings).toEqual([]);
  });

  test('cause no warning if there is a usable answer in between', async () => {
    const stopped = instance({ ...reported(5), status: 'stopped' });
    const waiting = () => stopped;
    const polls = [instance(), faulty(2), waiting, faulty(2), restarted()];
    const { warnings } = await run({ polls }, { timeoutMs: 120_000 });
    expect(warnings).toEqual([]);
  });
});

test('if a replica lags behind the list, the list is the baseline', async () => {
  const listed = instance({ ...reported(5) });
  const { outcome } = await run(
    { polls: [instance(), restarted(10)], list: [listed] },
    { target: { by: 'external_id', id: 'runner-1' } },
  );
  expect(outcome).toMatchObject({ restarted: 'true', before: listed });
});

test('an instance that is listed but cannot be read is not restarted', async () => {
  const { outcome, controller } = await run(
    { polls: [undefined], list: [instance()] },
    { target: { by: 'external_id', id: 'runner-1' } },
  );
  expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'instance_not_found' } });
  expect(controller.calls).not.toContain(RESTART);
});
