import { describe, expect, test } from '@jest/globals';
import { createSlotGate } from '../../src/fleet/slot-gate.ts';
import { createSlots, type Slots } from '../../src/fleet/slots.ts';
import type { RunnerGate } from '../../src/runner/gate.ts';
import type { Occupancy } from '../../src/runner/occupancy.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { instance } from '../support/instances.ts';

interface Given {
  readonly slots?: number;
  /** What is known of the runner of the first VM; it has none if absent. */
  readonly runner?: Occupancy['kind'];
  readonly isStillIdle?: boolean;
  readonly comesLast?: boolean;
  /** What happens during the last read of the runner. */
  readonly meanwhile?: (slots: Slots) => void;
  readonly signal?: AbortSignal;
}

/** Two VMs; the first reaches its gate at once. Records its calls to the others, with their times. */
function stage({ slots: count = 2, runner, isStillIdle = true, comesLast = false, ...given }: Given = {}) {
  const { meanwhile, signal } = given;
  const time = createVirtualTime(0);
  const slots = createSlots({
    ...{ vms: 2, limits: { slots: count, mostFailures: 0 }, onTooManyFailures() {} },
  });
  const calls: string[] = [];
  const call = (name: string) => void calls.push(`${time.now()} ${name}`);
  const runnerGate: RunnerGate = {
    async untilIdle() {
      call('until idle');
    },
    async stillIdle() {
      call('still idle?');
      return isStillIdle;
    },
    async passOrWait() {
      call('open?');
      meanwhile?.(slots);
      return true;
    },
    async rehearse() {
      call('rehearse');
      return true;
    },
    occupancy: () => runner,
    runners: () => undefined,
  };
  const gate = createSlotGate({
    ...{ slots, index: 0, clock: time.clock, signal: signal ?? slots.dismissalOf(0) },
    runnerGate: runner === undefined ? undefined : runnerGate,
    comesLast: () => comesLast,
    checkDuplicate: () => call('check'),
  });
  const open = () => gate.passOrWait(instance());
  /** The second VM arrives, and queues, after a while. */
  async function follow(afterMs: number): Promise<void> {
    await time.clock.sleep(afterMs, new AbortController().signal);
    for (const event of ['arrive', 'queue'] as const) slots.apply(1, event);
  }
  return { time, slots, calls, gate, open, follow };
}

describe('a VM at the gate', () => {
  test.each([
    [500, true],
    [501, false],
  ])('that had to wait for %i ms passes: %p', async (afterMs, expected) => {
    const { time, open, follow, gate } = stage();
    expect((await time.run(Promise.all([open(), follow(afterMs)])))[0]).toBe(expected);
    expect([gate.hasLetPass, await time.run(open()), gate.hasLetPass]).toEqual([expected, true, true]);
  });

  test('is checked when it arrives, and again when all have arrived; its runner is read only then', async () => {
    const { time, open, follow, calls } = stage({ runner: 'settling' });
    await time.run(Promise.all([open(), follow(300)]));
    expect(calls).toEqual(['0 check', '300 check', '300 until idle', '300 open?']);
  });

  test('that comes last lets queued VMs go first', async () => {
    const { time, open, follow, slots } = stage({ slots: 1, comesLast: true });
    const end = async () => {
      await time.clock.sleep(300, new AbortController().signal);
      expect(slots.states).toEqual(['deferred', 'holding']);
      slots.apply(1, 'end');
    };
    const arrive = async () => {
      slots.apply(0, 'arrive');
      await follow(0);
    };
    expect((await time.run(Promise.all([arrive().then(open), end()])))[0]).toBe(true);
    expect(slots.states).toEqual(['holding', 'ended']);
  });

  test('whose runner is idle already does not wait for it', async () => {
    const { time, open, follow, calls } = stage({ runner: 'idle' });
    await time.run(Promise.all([open(), follow(300)]));
    expect(calls).toEqual(['0 check', '300 check', '300 open?']);
  });

  test('that holds a slot does not queue for another', async () => {
    const { time, open, follow, calls } = stage({ runner: 'settling' });
    expect(await time.run(Promise.all([open(), follow(600)]))).toEqual([false, undefined]);
    calls.length = 0;
    expect(await time.run(open())).toBe(true);
    expect(calls).toEqual(['600 check', '600 check', '600 open?']);
  });

  test('whose runner stays idle is read every five seconds while it is queued', async () => {
    const { time, open, slots, calls } = stage({ slots: 1, runner: 'idle' });
    for (const event of ['arrive', 'queue'] as const) slots.apply(1, event);
    const release = async () => {
      await time.clock.sleep(12_000, new AbortController().signal);
      slots.apply(1, 'end');
    };
    slots.apply(0, 'arrive');
    expect(await time.run(Promise.all([open(), release()]))).toEqual([false, undefined]);
    expect(calls).toEqual(['0 check', '0 check', '5000 still idle?', '10000 still idle?']);
    expect(slots.states).toEqual(['holding', 'ended']);
  });

  test('whose runner gets a job while it is queued leaves the queue', async () => {
    const { time, open, slots, calls } = stage({ slots: 1, runner: 'idle', isStillIdle: false });
    for (const event of ['arrive', 'queue'] as const) slots.apply(1, event);
    slots.apply(0, 'arrive');
    expect(await time.run(open())).toBe(false);
    expect(slots.states[0]).toBe('waiting');
    expect(calls).toEqual(['0 check', '0 check', '5000 still idle?']);
  });

  test('without a runner waits only for its slot', async () => {
    const { time, open, slots } = stage({ slots: 1 });
    for (const event of ['arrive', 'queue'] as const) slots.apply(1, event);
    let wakeUps = 0;
    const { sleep } = time.clock;
    Object.assign(time.clock, {
      sleep: (ms: number, signal: AbortSignal) => {
        wakeUps++;
        return sleep(ms, signal);
      },
    });
    slots.apply(0, 'arrive');
    const opened = open();
    slots.apply(1, 'end');
    expect([await time.run(opened), wakeUps]).toEqual([true, 0]);
  });

  test('is also checked in a dry run, which waits for nothing', async () => {
    const { time, gate, calls } = stage({ runner: 'settling' });
    expect(await time.run(gate.rehearse(instance()))).toBe(true);
    expect(calls).toEqual(['0 check', '0 rehearse']);
    expect(await stage().gate.rehearse(instance())).toBe(true);
  });
});

describe('a VM that is dismissed', () => {
  const notStarted = expect.objectContaining({ name: 'LeftAlone', why: 'not started' });

  test('ends its wait for the others at once', async () => {
    const { time, open, slots, calls } = stage();
    const opened = open().catch((error: unknown) => error);
    slots.apply(1, 'fail');
    expect(await time.run(opened)).toEqual(notStarted);
    expect(calls).toEqual(['0 check']);
  });

  test.each([
    ['no runner', undefined],
    ['an idle runner', 'idle'],
  ] as const)('ends its wait for a slot at once: with %s', async (_, runner) => {
    const cancel = new AbortController();
    const { time, open, slots, calls } = stage({
      slots: 1,
      signal: cancel.signal,
      ...(runner && { runner }),
    });
    for (const event of ['arrive', 'queue'] as const) slots.apply(1, event);
    const opened = open().catch((error: unknown) => error);
    const reason = new DOMException('The step is over.', 'AbortError');
    const stop = async () => {
      await time.clock.sleep(1_000, new AbortController().signal);
      cancel.abort(reason);
    };
    slots.apply(0, 'arrive');
    expect(await time.run(Promise.all([opened, stop()]))).toEqual([reason, undefined]);
    expect([time.now(), calls]).toEqual([1_000, ['0 check', '0 check']]);
  });

  test('does not pass, even if it is dismissed at the last moment', async () => {
    const { time, open, follow } = stage({ runner: 'idle', meanwhile: (slots) => slots.apply(1, 'fail') });
    const opened = open().catch((error: unknown) => error);
    expect((await time.run(Promise.all([opened, follow(0)])))[0]).toEqual(notStarted);
  });

  test('ends with the reason of the signal', async () => {
    const reason = new DOMException('The step is over.', 'AbortError');
    const { time, open } = stage({ signal: AbortSignal.abort(reason) });
    expect(await time.run(open().catch((error: unknown) => error))).toBe(reason);
  });
});
