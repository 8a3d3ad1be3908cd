import { describe, expect, test } from '@jest/globals';
import { createFleetGate } from '../../src/fleet/fleet-gate.ts';
import { createPlaces } from '../../src/fleet/places.ts';
import type { RunnerGate } from '../../src/runner/gate.ts';
import type { Occupancy } from '../../src/runner/occupancy.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { instance } from '../support/instances.ts';

interface Given {
  readonly places?: number;
  /** What is known of the runner of the first VM; it has none if absent. */
  readonly runner?: Occupancy['kind'];
  readonly isStillIdle?: boolean;
  /** What happens while the runner is looked at for the last time. */
  readonly meanwhile?: () => void;
  readonly signal?: AbortSignal;
}

/** Two VMs, the first of which comes to its gate at once. What it asks of others is noted, with the time. */
function stage({ places: count = 2, runner, isStillIdle = true, meanwhile, signal }: Given = {}) {
  const time = createVirtualTime(0);
  const places = createPlaces(2, { places: count, mostFailures: 0 });
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
    async isOpen() {
      call('open?');
      meanwhile?.();
      return true;
    },
    async rehearse() {
      call('rehearse');
      return true;
    },
    verdict: () => runner,
    findings: () => undefined,
  };
  const gate = createFleetGate({
    ...{ places, index: 0, clock: time.clock, signal: signal ?? places.dismissalOf(0) },
    runnerGate: runner === undefined ? undefined : runnerGate,
    claim: () => call('claim'),
  });
  const open = () => gate.isOpen(instance());
  /** The second VM comes, and is ready, after so long. */
  async function follow(afterMs: number): Promise<void> {
    await time.clock.sleep(afterMs, new AbortController().signal);
    places.arrive(1);
    void places.take(1);
  }
  return { time, places, calls, gate, open, follow };
}

describe('a VM at its gate', () => {
  test.each([
    [500, true],
    [501, false],
  ])('that had to wait for %i ms passes: %p', async (afterMs, expected) => {
    const { time, open, follow, gate } = stage();
    expect((await time.run(Promise.all([open(), follow(afterMs)])))[0]).toBe(expected);
    expect([gate.hasLetPass, await time.run(open()), gate.hasLetPass]).toEqual([expected, true, true]);
  });

  test('is claimed when it comes, and once more when all have come; its runner is looked at only then', async () => {
    const { time, open, follow, calls } = stage({ runner: 'settling' });
    await time.run(Promise.all([open(), follow(300)]));
    expect(calls).toEqual(['0 claim', '300 claim', '300 until idle', '300 open?']);
  });

  test('whose runner is idle already does not wait for that', async () => {
    const { time, open, follow, calls } = stage({ runner: 'idle' });
    await time.run(Promise.all([open(), follow(300)]));
    expect(calls).toEqual(['0 claim', '300 claim', '300 open?']);
  });

  test('that has a place does not queue for another', async () => {
    const { time, open, follow, calls } = stage({ runner: 'settling' });
    expect(await time.run(Promise.all([open(), follow(600)]))).toEqual([false, undefined]);
    calls.length = 0;
    expect(await time.run(open())).toBe(true);
    expect(calls).toEqual(['600 claim', '600 claim', '600 open?']);
  });

  test('whose runner gets a job while it waits for its turn leaves the queue', async () => {
    const { time, open, places, calls } = stage({ places: 1, runner: 'idle', isStillIdle: false });
    places.arrive(1);
    void places.take(1);
    places.arrive(0);
    expect(await time.run(open())).toBe(false);
    expect(places.phaseOf(0)).toBe('waiting');
    expect(calls).toEqual(['0 claim', '0 claim', '5000 still idle?']);
  });

  test('is claimed in a dry run, too, which waits for nothing', async () => {
    const { time, gate, calls } = stage({ runner: 'settling' });
    expect(await time.run(gate.rehearse(instance()))).toBe(true);
    expect(calls).toEqual(['0 claim', '0 rehearse']);
    expect(await stage().gate.rehearse(instance())).toBe(true);
  });
});

describe('a VM whose turn never comes', () => {
  const notStarted = expect.objectContaining({ name: 'LeftAlone', why: 'not_started' });

  test('is told so at once, where the last one to come fails', async () => {
    const { time, open, places, calls } = stage();
    const opened = open().catch((error: unknown) => error);
    places.end(1, true);
    expect(await time.run(opened)).toEqual(notStarted);
    expect(calls).toEqual(['0 claim']);
  });

  test('is told so even where that comes to pass in the last moment', async () => {
    let fail = () => {};
    const { time, open, follow, places } = stage({ runner: 'idle', meanwhile: () => fail() });
    fail = () => places.end(1, true);
    const opened = open().catch((error: unknown) => error);
    expect((await time.run(Promise.all([opened, follow(0)])))[0]).toEqual(notStarted);
  });

  test('is told so for whatever reason', async () => {
    const reason = new DOMException('The step is over.', 'AbortError');
    const { time, open } = stage({ signal: AbortSignal.abort(reason) });
    expect(await time.run(open().catch((error: unknown) => error))).toBe(reason);
  });
});
