import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { waitForGuest } from '../../src/guest/wait-for-guest.ts';
import { NOTHING_DONE, type Outcome } from '../../src/restart/outcome.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { bootedAt, restarted } from '../support/instances.ts';
import { keepLog } from '../support/log.ts';
import { createScriptedController, HTTP_502, type Shown } from '../support/scripted-controller.ts';
import {
  BANNER,
  createScriptedDial,
  fails,
  greets,
  ignores,
  isSilent,
  refuses,
  says,
  type Talk,
} from '../support/scripted-dial.ts';

const PROOF = restarted(10);
/** The clock shows 1 s, which is when the VM was verified. */
const VERIFIED: Outcome = {
  ...NOTHING_DONE,
  restarted: 'true',
  proof: PROOF,
  last: PROOF,
  moments: { verified: 1_000 },
};
const onPort = (hostPort: number, seconds = 15) =>
  restarted(seconds, { portForwarding: [{ guestPort: 22, hostPort, protocol: 'tcp', name: 'ssh' }] });
const AWAY = new ActionError('controller_unreachable', 'No usable answer came from c.example.', {
  isTransient: true,
});

interface Setting {
  readonly polls?: readonly Shown[];
  readonly timeoutMs?: number;
  readonly outcome?: Outcome;
  readonly clock?: FakeClock;
  readonly signal?: AbortSignal;
}

async function wait(
  talks: readonly Talk[],
  {
    polls = [PROOF],
    timeoutMs = 300_000,
    outcome = VERIFIED,
    clock = createFakeClock(),
    signal = NEVER,
  }: Setting = {},
) {
  const { log, lines, warnings } = keepLog();
  const controller = createScriptedController({ polls }, clock);
  const scripted = createScriptedDial(talks);
  const result = await waitForGuest(
    outcome,
    { timeoutMs, dial: scripted.dial, own: { addresses: [], hasController: false } },
    { clock, controller, log, signal },
  );
  return { ...result, lines, warnings, calls: scripted.calls, polls: controller.calls.length, clock };
}

/** The signal of a step that is not cancelled. */
const NEVER = new AbortController().signal;
/** Pauses end at once. Limits, which have their own signals, are never reached. */
const patient = (signal = NEVER) => createFakeClock((_, given) => given !== signal);

describe('the guest is up', () => {
  test('once its server has answered, and a read has confirmed that it is its own', async () => {
    const { guest, error, lines, calls, polls, last } = await wait([greets], { clock: patient() });
    expect([guest, error, last]).toEqual([{ status: 'up', upAt: 1_000 }, undefined, PROOF]);
    expect([calls, polls]).toEqual([['192.0.2.70:10001'], 2]);
    expect(lines).toEqual([`The guest is up: "${BANNER}", 0.0 s after the VM was verified`]);
  });

  test('after attempts with growing pauses, each with its own read', async () => {
    const { guest, clock, lines, polls } = await wait([isSilent, refuses, refuses, refuses, greets]);
    expect(guest.status).toBe('up');
    // The first attempt takes all of its five seconds.
    expect(clock.sleeps).toEqual(expect.arrayContaining([5_000, 1_000, 2_000]));
    expect(polls).toBe(6);
    expect(lines.slice(0, 2)).toEqual([
      '+  5.0 s  waiting for the guest: no SSH banner came at 192.0.2.70:10001 (connected, but nothing was sent)',
      expect.stringMatching(/waiting for the guest: the connection was refused at 192\.0\.2\.70:10001/),
    ]);
  });

  test('at a port that it has only now', async () => {
    const polls = [PROOF, onPort(10_002), onPort(10_002)];
    const { guest, calls, last } = await wait([refuses, greets], { polls, clock: patient() });
    expect([guest.status, calls]).toEqual(['up', ['192.0.2.70:10001', '192.0.2.70:10002']]);
    expect(last).toEqual(onPort(10_002));
  });

  test('after another boot of its own', async () => {
    const again = restarted(45, bootedAt('2024-10-13T11:10:40Z'));
    const { guest, last } = await wait([greets], { polls: [PROOF, again], clock: patient() });
    expect([guest.status, last]).toEqual(['up', again]);
  });

  test('though a replica that lags behind answers in between', async () => {
    const polls = [restarted(20), restarted(15), restarted(15), restarted(20)];
    const { guest, calls, polls: asked, clock } = await wait([greets], { polls, clock: patient() });
    expect([guest.status, calls.length, asked]).toEqual(['up', 1, 4]);
    expect(clock.sleeps).toEqual([1_000, 1_000]);
  });

  test('though a replica lags behind: reads come closer together toward the deadline', async () => {
    const catchesUp: Shown = (_, { now }) => (now() < 2_600 ? restarted(15) : restarted(20));
    const polls = [restarted(20), catchesUp];
    const { guest } = await wait([greets], { polls, timeoutMs: 2_000, clock: patient() });
    expect(guest).toEqual({ status: 'up', upAt: expect.closeTo(2_644, 0) });
  });

  test.each([
    [250, 1_062.5],
    [249, 1_249],
  ])('though a replica lags behind when %i ms are left, which is seen at %d', async (timeoutMs, upAt) => {
    const polls = [restarted(20), restarted(15), restarted(20)];
    const { guest } = await wait([greets], { polls, timeoutMs, clock: patient() });
    expect(guest).toEqual({ status: 'up', upAt });
  });

  test('and there is no warning if the controller was unavailable twice, but only briefly', async () => {
    const isAwayForAWhile: Shown = async ({ onFault, signal }, { sleep }) => {
      onFault?.(HTTP_502);
      await sleep(20_000, signal);
      onFault?.(HTTP_502);
      return PROOF;
    };
    const { guest, warnings } = await wait([greets], { polls: [isAwayForAWhile], clock: patient() });
    expect([guest, warnings]).toEqual([{ status: 'up', upAt: 41_000 }, []]);
  });

  test('though the controller is away for a while', async () => {
    const { guest, lines } = await wait([greets], { polls: [AWAY, PROOF], clock: patient() });
    expect(guest.status).toBe('up');
    expect(lines[0]).toContain(
      'waiting for the guest: the instance could not be read: No usable answer came from c.example',
    );
  });
});

describe("another VM's server does not count", () => {
  test.each<[string, readonly Shown[]]>([
    ['where the port is another after the banner', [PROOF, onPort(10_002)]],
    ['where the VM has booted once more', [PROOF, restarted(45, bootedAt('2024-10-13T11:10:40Z')), AWAY]],
    ['where the VM has stopped', [PROOF, restarted(15, { status: 'stopped' })]],
    ['where the controller gives no answer', [PROOF, AWAY]],
  ])('%s', async (_, polls) => {
    const { guest, error } = await wait([greets, refuses], { polls, timeoutMs: 3_000, clock: patient() });
    expect([guest.status, error?.code]).toEqual(['not_up', 'guest_not_up']);
  });

  test('and the error says so', async () => {
    const polls = [PROOF, onPort(10_002), PROOF, onPort(10_002, 20)];
    const { lines } = await wait([greets, refuses], { polls, timeoutMs: 1_000, clock: patient() });
    expect(lines[0]).toContain("it may be another VM's: the VM has booted or moved since");
  });
});

describe('the guest is not up', () => {
  test.each<[string, Talk, RegExp, RegExp]>([
    [
      'where it refuses',
      refuses,
      /the connection was refused at 192\.0\.2\.70:10001/,
      /Remote Login.*reach the nodes/,
    ],
    ['where it is silent', isSilent, /no SSH banner came at/, /macOS hangs.*FileVault.*the local network/],
    [
      'where it has a penalty for this machine',
      says('Not allowed at this time\r\n'),
      /refuses this machine for a while at .*\(it began with "Not allowed at this time"\)/,
      /PerSourcePenaltyExemptList/,
    ],
    ['where no server answers', ignores, /it cannot be reached at .*timed out/, /reach the nodes themselves/],
    [
      'where no way leads there',
      fails('ENETUNREACH'),
      /it cannot be reached/,
      /reach the nodes.*Local Network/,
    ],
    [
      'where another server is',
      says('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /it is not an SSH server at .*\(it began with "HTTP\/1\.1 400 Bad Request"\)/,
      /Something other than an SSH server/,
    ],
    [
      'where the connection is closed',
      ({ connected, ended }) => {
        connected();
        ended(undefined);
      },
      /closed before an SSH banner came/,
      /forwarder found no server/,
    ],
  ])('%s', async (_, talk, message, hint) => {
    const { guest, error } = await wait([talk], { timeoutMs: 30_000 });
    expect(guest).toEqual({ status: 'not_up', upAt: undefined });
    expect(error).toMatchObject({
      code: 'guest_not_up',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(error?.message).toMatch(
      /^The VM was restarted and verified, but its guest was not seen to be up within 30\.0 s: /,
    );
    expect(error?.message).toMatch(/Attempts: \d+ [\w ]+\.$/);
  });

  test('after a last attempt at the deadline', async () => {
    const { clock, calls } = await wait([refuses], { timeoutMs: 9_000, clock: patient() });
    // At 0, 1 and 3 s, at 8 s, and at the deadline.
    expect([clock.now(), calls.length]).toEqual([10_000, 5]);
  });

  test.each([
    [8_500, 5],
    [8_499, 4],
  ])(
    'with no attempt that would be cut off by the deadline: within %i ms there are %i',
    async (timeoutMs, attempts) => {
      const { clock, calls } = await wait([refuses], { timeoutMs, clock: patient() });
      expect([clock.now(), calls.length]).toEqual([1_000 + timeoutMs, attempts]);
    },
  );

  test('after a last attempt of 1.5 s, even if the process was suspended over the deadline', async () => {
    const late = createFakeClock();
    await late.sleep(600_000, new AbortController().signal);
    const { clock, calls } = await wait([isSilent], { timeoutMs: 30_000, clock: late });
    expect([clock.now(), calls.length]).toEqual([601_000 + 1_500, 1]);
  });

  test('if answers are outdated to the end', async () => {
    const polls = [restarted(20), restarted(15)];
    const { error, clock, last } = await wait([greets], { polls, timeoutMs: 10_000, clock: patient() });
    expect(error?.message).toMatch(
      /the answers are older than an earlier one\. Attempts: 1 moved, 1 no answer\.$/,
    );
    expect(last).toEqual(restarted(20));
    expect(clock.now()).toBeLessThanOrEqual(11_000 + 2_000);
  });

  test('as it was seen, even if the controller is unreachable in the end', async () => {
    const { error } = await wait([refuses], { polls: [PROOF, AWAY], timeoutMs: 5_000, clock: patient() });
    expect(error?.message).toMatch(/the connection was refused .* Attempts: 1 refused, 3 no answer\.$/);
    const { error: blind } = await wait([refuses], { polls: [AWAY], timeoutMs: 5_000 });
    expect(blind?.message).toContain(
      'the instance could not be read: No usable answer came from c.example. Attempts',
    );
  });

  test('as it was seen last', async () => {
    const { error } = await wait([refuses, isSilent], { timeoutMs: 5_000 });
    expect(error?.message).toContain('no SSH banner came at 192.0.2.70:10001');
  });

  test.each<[string, readonly Shown[], RegExp]>([
    ['the VM stopped', [restarted(15, { status: 'stopped' })], /did not stay up/],
    [
      'its ports keep changing',
      [10_001, 10_002, 10_003, 10_004].map((port) => onPort(port)),
      /its ports keep changing/,
    ],
    ['the controller gives no answer', [AWAY], /the controller and all of its replicas are up/],
    ['the VM is lost', [restarted(15, { state: 'Terminated' })], /must be started again/],
  ])('and what can be done about it, where %s', async (_, polls, hint) => {
    const { error } = await wait([greets], { polls, timeoutMs: 1_000, clock: patient() });
    expect(error).toMatchObject({ code: 'guest_not_up', hint: expect.stringMatching(hint) });
  });

  test('if it has neither port nor address', async () => {
    const polls = [restarted(15, { portForwarding: [], ip: undefined })];
    const { error, calls } = await wait([greets], { polls, timeoutMs: 5_000 });
    expect([error?.message, calls]).toEqual([expect.stringContaining('no port forwards to its port 22'), []]);
    expect(error?.hint).toMatch(/Forward a port .* reach the nodes themselves/);
  });

  test('if the VM fails meanwhile: that is reported sooner', async () => {
    const polls = [restarted(15, { state: 'Terminated' }), restarted(20, { state: 'Terminated' })];
    const { guest, error, clock, last } = await wait([greets], { polls });
    expect([guest.status, error?.code]).toEqual(['not_up', 'guest_not_up']);
    expect(error?.message).toContain(
      'it failed before its guest was seen to be up: instance_state "Terminated"',
    );
    expect(clock.now()).toBeLessThan(10_000);
    expect(last?.state).toBe('Terminated');
  });

  test('if the VM is gone', async () => {
    const result = await wait([greets], { polls: [undefined], timeoutMs: 5_000 });
    expect(result.error?.message).toContain('the controller does not list the instance');
    // It must not replace what was seen before.
    expect(result).not.toHaveProperty('last');
  });
});

test.each<[string, Outcome]>([
  ['no restart was proved', { ...NOTHING_DONE, restarted: 'unknown' }],
  ['at an unknown time', { ...VERIFIED, moments: {} }],
  ['of an unknown boot', { ...VERIFIED, proof: restarted(10, bootedAt(undefined)) }],
])('no request is made if %s', async (_, outcome) => {
  const { guest, calls, polls } = await wait([greets], { outcome });
  expect([guest, calls, polls]).toEqual([{ status: undefined, upAt: undefined }, [], 0]);
});

describe('the wait ends', () => {
  const cancelled = () => {
    const controller = new AbortController();
    const abort = () => controller.abort(new ActionError('cancelled', 'The step was canceled (SIGINT).'));
    return { signal: controller.signal, abort };
  };
  const LEFT =
    'The step was canceled (SIGINT). The VM was restarted and verified; whether its guest is up is not known.';

  test('as soon as the step is cancelled, while it listens', async () => {
    const { signal, abort } = cancelled();
    const talk: Talk = ({ connected }) => {
      connected();
      queueMicrotask(abort);
    };
    const { guest, error } = await wait([talk], { signal, clock: patient(signal) });
    expect([guest.status, error?.code, error?.message]).toEqual([undefined, 'cancelled', LEFT]);
    expect(error?.cause).toBe(signal.reason);
  });

  test.each([
    ['polls', 300_000],
    ['polls for the last time', 0],
  ])('as soon as the step is cancelled, while it %s', async (_, timeoutMs) => {
    const { signal, abort } = cancelled();
    const look: Shown = () => {
      abort();
      throw new ActionError('controller_unreachable', 'No usable answer came.');
    };
    const { error } = await wait([greets], { signal, polls: [look], timeoutMs });
    expect([error?.code, error?.message]).toEqual(['cancelled', LEFT]);
  });

  test('with a bug, which is reported as such', async () => {
    const { guest, error } = await wait([greets], { polls: [new TypeError('a defect')] });
    expect([guest.status, error?.code]).toEqual([undefined, 'internal_error']);
  });
});
