import { describe, expect, test } from '@jest/globals';
import type { ReadBounds } from '../../src/controller/client.ts';
import { ActionError } from '../../src/errors.ts';
import { type Outcome, type RestartJob, restart } from '../../src/restart/restart.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { bootedAt, ID, instance, NEW_BOOT, OLD_BOOT, reported, restarted } from '../support/instances.ts';
import {
  createScriptedController,
  type Script,
  type ScriptedController,
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
}

async function run(
  script: Script,
  changes: Partial<RestartJob> = {},
  signal = new AbortController().signal,
): Promise<Run> {
  const [clock, controller] = [createFakeClock(), createScriptedController(script)];
  const [lines, debug]: [string[], string[]] = [[], []];
  const log = { info: (line: string) => lines.push(line), debug: (line: string) => debug.push(line) };
  const outcome = await restart({ ...JOB, ...changes }, { clock, controller, log, signal });
  return { outcome, controller, clock, lines, debug };
}

const unreachable = new ActionError('controller_unreachable', 'away', { transient: true });
const cancelled = new ActionError('cancelled', 'The step was cancelled (SIGINT).');

describe('a restart that goes well', () => {
  test('is sent once, then watched until it is proved', async () => {
    const stopped = instance({ ...reported(5), status: 'stopped' });
    const { outcome, controller, lines } = await run({
      looks: [instance(), instance(reported(1)), stopped, restarted()],
    });
    expect(controller.calls).toEqual([GET, RESTART, GET, GET, GET]);
    expect(outcome).toEqual({
      restarted: 'true',
      before: instance(),
      last: restarted(),
      durationMs: 3_000,
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

  test('a line that says nothing new goes to the debug log', async () => {
    const { lines, debug } = await run({ looks: [instance(), instance(), instance(), restarted()] });
    expect(lines.filter((line) => line.includes('waiting'))).toHaveLength(1);
    expect(debug).toEqual([`+  2.0 s  waiting: start_date is ${OLD_BOOT}, not a new one`]);
  });

  test('a log that would stay silent says the same once more after 30 s', async () => {
    const { lines } = await run({ looks: [instance()] });
    expect(lines.filter((line) => line.includes('waiting')).map((line) => line.slice(0, 9))).toEqual(
      ['+  1.0 s', '+ 31.0 s'].map((time) => time.padEnd(9)),
    );
  });

  test('passes on what was asked for, and logs it without the password', async () => {
    const { controller, lines } = await run(
      { looks: [instance({ nodeId: undefined }), restarted()] },
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
    const { clock } = await run({ looks: [instance(), instance(), restarted()] }, { pollInterval: 7_000 });
    expect(clock.sleeps).toEqual([7_000, 7_000]);
  });

  test('is found through its external ID', async () => {
    const list = [instance({ state: 'Terminated' }), instance()];
    const { outcome, controller } = await run(
      { looks: [restarted()], list },
      { target: { by: 'external_id', id: 'runner-1' } },
    );
    expect(controller.calls).toEqual(['list', RESTART, GET]);
    expect(outcome.restarted).toBe('true');
  });
});

test('a dry run checks everything and changes nothing', async () => {
  const { outcome, controller, lines } = await run(
    { looks: [instance()] },
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

describe('preconditions', () => {
  test.each<[string, Script['looks'], string, string]>([
    ['not there', [undefined], 'instance_not_found', `no instance ${ID}`],
    ['stopped', [instance({ status: 'stopped' })], 'not_running', 'status "stopped"'],
    [
      'in another state',
      [instance({ state: 'Pulling', status: undefined })],
      'not_running',
      'instance_state "Pulling", status "none"',
    ],
    ['without a date', [instance(bootedAt(undefined))], 'cannot_verify', 'start_date none'],
    [
      'with the zero date',
      [instance(bootedAt('0001-01-01T00:00:00Z'))],
      'cannot_verify',
      'start_date 0001-01-01T00:00:00Z',
    ],
  ])('an instance that is %s, and stays so for some seconds', async (_, looks, code, seen) => {
    const { outcome, controller, clock } = await run({ looks });
    expect(outcome.restarted).toBe('false');
    expect(outcome.error).toMatchObject({
      code,
      message: expect.stringContaining(seen),
      hint: expect.any(String),
    });
    const asked = code === 'cannot_verify' ? ['version'] : [];
    expect(controller.calls).toEqual([...Array(7).fill(GET), ...asked]);
    expect(clock.sleeps).toEqual(Array(6).fill(1_000));
  });

  test('an instance that is gone for good cannot be waited for', async () => {
    const { outcome } = await run({ looks: [instance({ state: 'Terminated' })] });
    expect(outcome.error).toMatchObject({
      code: 'not_running',
      hint: 'It is gone for good: start a new one.',
    });
  });

  test.each([
    ['1.43.0-abc', '1.43.0-abc'],
    [undefined, 'unknown'],
  ])('what cannot be verified is blamed on version %s', async (version, named) => {
    const { outcome } = await run({
      looks: [instance(bootedAt(undefined))],
      ...(version === undefined ? {} : { version }),
    });
    expect(outcome.error?.hint).toContain(`Version of the controller: "${named}".`);
  });

  test('what was seen is reported though it was not fit to be restarted', async () => {
    const { outcome } = await run({ looks: [instance({ state: 'Error' })] });
    expect(outcome).toMatchObject({ before: undefined, last: { state: 'Error' } });
  });

  test('a flap heals', async () => {
    const { outcome, lines } = await run({
      looks: [undefined, instance({ state: 'Error' }), instance(), restarted()],
    });
    expect(outcome.restarted).toBe('true');
    expect(lines[0]).toBe(`Looking again, this may pass: The controller has no instance ${ID}.`);
  });

  test('the grace ends with the timeout', async () => {
    const { outcome, controller } = await run({ looks: [undefined] }, { timeoutMs: 1_500 });
    expect(outcome.error?.code).toBe('instance_not_found');
    expect(controller.calls).toHaveLength(2);
  });

  test('faults of the controller are logged', async () => {
    const faulty = (bounds: ReadBounds) => {
      bounds.onFault?.({ kind: 'HTTP 502', reason: 'it answered HTTP 502' });
      return instance();
    };
    const { lines } = await run({ looks: [faulty, restarted()] });
    expect(lines[0]).toBe('The controller gave no usable answer: it answered HTTP 502');
  });

  test.each<[string, string[], string, string]>([
    ['nobody has', [], 'instance_not_found', 'No live instance has the external_id "runner-1".'],
    [
      'only a terminated one has',
      ['Terminated'],
      'instance_not_found',
      `Terminated ones that had it: ${ID} (Terminated, node 72650d46-8ebe-4547-bb6c-8eb76e957b0a).`,
    ],
    [
      'two have',
      ['Started', 'Error'],
      'ambiguous_target',
      `2 live instances have the external_id "runner-1": ${ID} (Started, `,
    ],
    ['many have', Array(12).fill('Started'), 'ambiguous_target', ' and 2 more.'],
  ])('an external ID that %s', async (_, states, code, message) => {
    const list = states.map((state) => instance({ state }));
    const { outcome } = await run({ looks: [], list }, { target: { by: 'external_id', id: 'runner-1' } });
    expect(outcome).toMatchObject({ restarted: 'false', last: undefined });
    expect(outcome.error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('a candidate without a node is listed, too', async () => {
    const list = [instance({ nodeId: undefined }), instance()];
    const { outcome } = await run({ looks: [], list }, { target: { by: 'external_id', id: 'runner-1' } });
    expect(outcome.error?.message).toContain(`${ID} (Started, node unknown)`);
  });
});

describe('sending', () => {
  test('a refusal means that nothing was restarted', async () => {
    const reply = new ActionError('restart_refused', 'no');
    const { outcome, controller } = await run({ looks: [instance()], reply });
    expect(outcome).toMatchObject({ restarted: 'false', error: reply, before: instance() });
    expect(controller.calls).toEqual([GET, RESTART]);
  });

  test('a defect of the action while sending leaves it unknown', async () => {
    const { outcome } = await run({ looks: [instance()], reply: new TypeError('bug') });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'internal_error' } });
  });

  test('a lost answer is made good by evidence', async () => {
    const reply = { kind: 'uncertain', reason: 'no answer came: reset' } as const;
    const { outcome, controller, lines } = await run({ looks: [instance(), instance(), restarted()], reply });
    expect(controller.calls).toEqual([GET, RESTART, GET, GET]);
    expect(outcome.restarted).toBe('true');
    expect(lines).toContain(
      'Unclear whether the restart was taken, looking for evidence: no answer came: reset',
    );
  });

  test('a lost answer without evidence stays unknown', async () => {
    const reply = { kind: 'uncertain', reason: 'no answer came: reset' } as const;
    const { outcome, controller } = await run({ looks: [instance()], reply });
    expect(outcome).toMatchObject({
      restarted: 'unknown',
      durationMs: undefined,
      error: { code: 'timed_out' },
    });
    expect(outcome.error?.message).toContain(
      'Whether the controller took it is unclear: no answer came: reset.',
    );
    expect(outcome.error?.hint).toContain('Most likely the restart never reached the controller');
    expect(controller.calls.filter((call) => call === RESTART)).toHaveLength(1);
  });
});

describe('watching', () => {
  test('there is a last look at the deadline, which may prove it yet', async () => {
    const { outcome, controller, clock } = await run(
      { looks: [instance(), instance(), restarted()] },
      { timeoutMs: 2_500, pollInterval: 2_000 },
    );
    expect(outcome.restarted).toBe('true');
    expect(clock.sleeps).toEqual([2_000, 500]);
    expect(controller.bounds.map(({ deadline }) => deadline)).toEqual([3_500, 3_500, 5_000]);
  });

  test('a timeout says what was missing, seen, and how often', async () => {
    const late = (bounds: ReadBounds) => {
      bounds.onFault?.({ kind: 'HTTP 502', reason: 'it answered HTTP 502' });
      return instance({ ...reported(5), status: 'stopped' });
    };
    const { outcome } = await run(
      { looks: [instance(), instance(), late, instance({ ...reported(5), status: 'stopped' })] },
      { timeoutMs: 5_000 },
    );
    expect(outcome).toMatchObject({ restarted: 'unknown', durationMs: undefined });
    expect(outcome.error).toMatchObject({
      code: 'timed_out',
      hint: expect.stringContaining('agent may be busy'),
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
    const { outcome } = await run({ looks: [instance()] }, { timeoutMs: 3_000 });
    expect(outcome.error?.message).toContain('No new report came since. Answers: 3 waiting for start_date.');
    expect(outcome.error?.hint).toContain('the timeout too short');
    const longer = await run({ looks: [instance()] }, { timeoutMs: 16_000 });
    expect(longer.outcome.error?.hint).toContain('check that the node is up');
  });

  test('a timeout without any answer points to the controller', async () => {
    const { outcome, controller, clock } = await run({ looks: [instance(), unreachable] });
    expect(outcome).toMatchObject({ restarted: 'unknown', last: instance(), error: { code: 'timed_out' } });
    expect(outcome.error?.message).toContain('Missing: any usable answer.');
    expect(outcome.error?.message).toContain('Answers: none.');
    expect(outcome.error?.hint).toContain('check that it is up');
    // The first look asks until the deadline; then there is only the last one.
    expect(controller.calls).toEqual([GET, RESTART, GET, GET]);
    expect(clock.sleeps).toEqual([1_000, 59_000]);
  });

  test('a controller that comes back for the last look is in time', async () => {
    const { outcome } = await run({ looks: [instance(), unreachable, restarted()] });
    expect(outcome.restarted).toBe('true');
  });

  test('a VM that failed for good ends it', async () => {
    const { outcome } = await run({ looks: [instance(), restarted(10, { state: 'Terminated' })] });
    expect(outcome).toMatchObject({
      restarted: 'unknown',
      error: { code: 'vm_failed' },
      last: { state: 'Terminated' },
    });
    expect(outcome.error?.message).toContain('instance_state "Terminated"');
  });

  test('an instance that vanishes for good ends it, and what was last seen of it is kept', async () => {
    const { outcome } = await run({ looks: [instance(), undefined] });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'vm_failed' }, last: instance() });
  });

  test('an error that will not heal ends it', async () => {
    const denied = new ActionError('permission_denied', 'no');
    const { outcome } = await run({ looks: [instance(), denied] });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: denied });
  });

  test('so does a defect of the action', async () => {
    const { outcome } = await run({ looks: [instance(), new TypeError('bug')] });
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'internal_error' } });
  });
});

describe('cancelling', () => {
  test('before the restart was sent says so', async () => {
    const { outcome } = await run({ looks: [undefined] }, {}, AbortSignal.abort(cancelled));
    expect(outcome).toMatchObject({ restarted: 'false', error: { code: 'cancelled' } });
    expect(outcome.error?.message).toBe('The step was cancelled (SIGINT). No restart had been sent.');
  });

  test('after it was sent says so', async () => {
    const { outcome, controller } = await run({ looks: [instance()] }, {}, AbortSignal.abort(cancelled));
    expect(outcome).toMatchObject({ restarted: 'unknown', error: { code: 'cancelled' }, before: instance() });
    expect(outcome.error?.message).toContain(
      'The restart had been sent, or may have been, and is not verified',
    );
    expect(controller.calls).toEqual([GET, RESTART]);
  });
});
