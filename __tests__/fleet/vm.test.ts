import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { restartVm } from '../../src/fleet/vm.ts';
import type { GuestCheck } from '../../src/guest/wait-for-guest.ts';
import type { Outcome } from '../../src/restart/outcome.ts';
import type { Guard } from '../../src/runner/guard.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { ID, instance, restarted } from '../support/instances.ts';
import { createScriptedController } from '../support/scripted-controller.ts';
import { createScriptedDial, greets, refuses, type Talk } from '../support/scripted-dial.ts';

/** The signal of a step that is not cancelled. */
const NEVER = new AbortController().signal;
const JOB = {
  target: { by: 'instance_id', id: ID },
  vncPassword: undefined,
  usbDevice: undefined,
  timeoutMs: 60_000,
  pollInterval: 1_000,
} as const;
const BACK = { runner: { status: 'online', backAt: 9_000 } } as const;
const NOT_BACK = { runner: { status: 'not_back', backAt: undefined } } as const;
const LOST = new ActionError('runner_not_back', 'The runner is not back.');

type AfterRestart = (
  signal: AbortSignal | undefined,
) => Promise<Partial<Awaited<ReturnType<Guard['afterRestart']>>>>;

interface Given {
  readonly talk?: Talk;
  readonly afterRestart?: AfterRestart;
  readonly dryRun?: boolean;
}

/** A restart that succeeds; then the given waits. */
async function play({ talk, afterRestart, dryRun = false }: Given) {
  const clock = createFakeClock((_, given) => given !== NEVER);
  const controller = createScriptedController({ polls: [instance(), restarted(10)] }, clock);
  const guard: Guard = {
    gate: {
      passOrWait: async () => true,
      rehearse: async () => true,
      untilIdle: async () => {},
      stillIdle: async () => true,
      runners: () => undefined,
      occupancy: () => undefined,
    },
    async afterRestart(outcome: Outcome, signal) {
      return { ...outcome, ...BACK, ...(await afterRestart?.(signal)) };
    },
  };
  const scripted = createScriptedDial(talk === undefined ? [] : [talk]);
  const guest: GuestCheck = {
    timeoutMs: 10_000,
    dial: scripted.dial,
    own: { addresses: [], hasController: false },
  };
  const log = { info() {}, debug() {}, warning() {} };
  const context = { clock, controller, log, signal: NEVER, guard: afterRestart && guard };
  const outcome = await restartVm({ ...JOB, dryRun }, { ...context, name: 'mac', ...(talk && { guest }) });
  return { outcome, dialled: scripted.calls.length };
}

describe('after the restart', () => {
  test('the step waits only for what the inputs ask for', async () => {
    const { outcome, dialled } = await play({});
    expect(outcome).toMatchObject({ restarted: 'true', error: undefined });
    expect([outcome.guest, outcome.runner, dialled]).toEqual([undefined, undefined, 0]);
  });

  test('the runner alone is waited for', async () => {
    const { outcome, dialled } = await play({ afterRestart: async () => BACK });
    expect([outcome.runner, outcome.guest, dialled]).toEqual([BACK.runner, undefined, 0]);
  });

  test('the guest alone is waited for', async () => {
    const { outcome } = await play({ talk: greets });
    expect(outcome).toMatchObject({ restarted: 'true', error: undefined, guest: { status: 'up' } });
    expect(outcome.runner).toBeUndefined();
  });

  test('both are waited for in parallel', async () => {
    let isGuestAsked = false;
    const talk: Talk = (events) => {
      isGuestAsked = true;
      greets(events);
    };
    // The runner is back only after a connection to the guest.
    const afterRestart = async () => {
      while (!isGuestAsked) await new Promise((resolve) => setImmediate(resolve));
      return BACK;
    };
    const { outcome } = await play({ talk, afterRestart });
    expect(outcome).toMatchObject({ error: undefined, guest: { status: 'up' }, ...BACK });
  });

  test('a runner that is not back is reported once the guest is up', async () => {
    const afterRestart = async () => ({ ...NOT_BACK, error: LOST });
    const { outcome } = await play({ talk: greets, afterRestart });
    expect(outcome).toMatchObject({ error: LOST, guest: { status: 'up' }, ...NOT_BACK });
  });

  test('a guest that is not up ends the wait for the runner', async () => {
    let reason: unknown;
    const afterRestart: AfterRestart = (signal) =>
      new Promise(() => {
        signal?.addEventListener('abort', () => {
          reason = signal.reason;
        });
      });
    const { outcome } = await play({ talk: refuses, afterRestart });
    expect(outcome).toMatchObject({ restarted: 'true', guest: { status: 'not_up' } });
    expect([outcome.error?.code, outcome.runner, reason]).toEqual(['guest_not_up', undefined, outcome.error]);
  });

  test('what is known about the runner by then is reported', async () => {
    const afterRestart = async () => ({ ...NOT_BACK, error: LOST });
    const { outcome } = await play({ talk: refuses, afterRestart });
    expect([outcome.error?.code, outcome.runner]).toEqual(['guest_not_up', NOT_BACK.runner]);
  });

  test('a dry run waits for no guest', async () => {
    const { outcome, dialled } = await play({ talk: greets, dryRun: true });
    expect(outcome).toMatchObject({ restarted: 'false', error: undefined, guest: { status: undefined } });
    expect(dialled).toBe(0);
  });
});
