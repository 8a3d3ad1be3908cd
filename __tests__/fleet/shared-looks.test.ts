import { describe, expect, test } from '@jest/globals';
import type { Controller, ReadBounds } from '../../src/controller/controller.ts';
import { type Instance, type InstanceList, readList, type Target } from '../../src/controller/instance.ts';
import { createSharedLooks } from '../../src/fleet/shared-looks.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { Fault } from '../../src/http/retry.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { instance } from '../support/instances.ts';
import { HTTP_502 } from '../support/scripted-controller.ts';

const NEVER = new AbortController().signal;

interface Given {
  readonly isCrowded?: boolean;
  /** How long an answer takes, in milliseconds. */
  readonly tookMs?: number;
  /** What matches; may throw. */
  readonly matching?: (target: Target, list: number) => Instance[];
}

/** A controller that has whatever it is asked for. */
function stage({
  isCrowded = true,
  tookMs = 100,
  matching = ({ id }) => [instance({ instanceId: id })],
}: Given = {}) {
  const time = createVirtualTime(0);
  const calls: string[] = [];
  const lines: string[] = [];
  let lists = 0;
  const call = async (name: string, { signal, onFault }: ReadBounds) => {
    calls.push(`${time.now()} ${name}`);
    if (tookMs > 1_000) onFault?.(HTTP_502);
    await time.clock.sleep(tookMs, signal);
  };
  const controller: Controller = {
    async getInstance(id, bounds) {
      await call(`get ${id}`, bounds);
      return id === 'nobody' ? undefined : instance({ instanceId: id });
    },
    async findInstances() {
      throw new Error('lists are asked for whole');
    },
    async listInstances(bounds): Promise<InstanceList> {
      const number = ++lists;
      await call('list', bounds);
      return { ...readList([]), matching: (target) => matching(target, number) };
    },
    tryRestart: async () => ({ kind: 'accepted' }),
    restartRetries: () => ({ after: () => ({ kind: 'give up', isFinal: true }) }),
    getVersion: async () => '1.50.1',
  };
  const warnings: string[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    debug() {},
    warning: (line: string) => void warnings.push(line),
  };
  const shared = createSharedLooks(controller, {
    ...{ clock: time.clock, log, signal: NEVER, isCrowded: () => isCrowded },
  });
  async function look(id: string, afterMs = 0, bounds: Partial<ReadBounds> = {}) {
    await time.clock.sleep(afterMs, NEVER);
    const seen = await shared.getInstance(id, { deadline: 60_000, signal: NEVER, ...bounds }).catch(String);
    return `${time.now()} ${typeof seen === 'object' ? seen.instanceId : seen}`;
  }
  /** By an external ID: that takes a list each time. */
  async function find(id: string, bounds: Partial<ReadBounds> = {}) {
    const target: Target = { by: 'external_id', id };
    const seen = await shared
      .findInstances(target, { deadline: 60_000, signal: NEVER, ...bounds })
      .catch(String);
    return `${time.now()} ${typeof seen === 'string' ? seen : seen[0]?.instanceId}`;
  }
  return { time, calls, lines, warnings, shared, look, find };
}

describe('looks', () => {
  test('of several are answered from one list, each with its own instance', async () => {
    const { time, look, calls } = stage();
    expect(await time.run(Promise.all([look('a'), look('b'), look('c', 200), look('d', 300)]))).toEqual([
      '100 a',
      '100 b',
      '1100 c',
      '1100 d',
    ]);
    expect(calls).toEqual(['0 list', '1000 list']);
  });

  test('of one that is alone are made when it wants them, and at the one instance', async () => {
    const { time, look, calls } = stage({ isCrowded: false });
    expect(await time.run(Promise.all([look('a'), look('a', 150), look('nobody', 300)]))).toEqual([
      '100 a',
      '250 a',
      '400 undefined',
    ]);
    expect(calls).toEqual(['0 get a', '150 get a', '300 get nobody']);
  });

  test('of one that asks alone while others are watched wait for their turn', async () => {
    const { time, look, calls } = stage();
    await time.run(Promise.all([look('a'), look('b', 150)]));
    expect(calls).toEqual(['0 get a', '1000 get b']);
  });

  test('by an external ID take a list', async () => {
    const { time, shared, calls } = stage();
    const bounds = { deadline: 60_000, signal: NEVER };
    const found = await time.run(shared.findInstances({ by: 'external_id', id: 'x' }, bounds));
    expect([found.map(({ instanceId }) => instanceId), calls]).toEqual([['x'], ['0 list']]);
  });

  test('that cannot wait for the next list do not', async () => {
    const { time, look, calls } = stage({ tookMs: 900 });
    const urgent = { deadline: 2_500 };
    const later = [look('e', 100, urgent), look('f', 1_500, { deadline: 4_000 })];
    await time.run(
      Promise.all([look('a'), look('b'), look('c', 50, urgent), look('d', 50, urgent), ...later]),
    );
    expect(calls).toEqual(['0 list', '50 list', '100 get e', '1500 get f']);
  });

  test('that get no answer in time say why', async () => {
    const { time, look } = stage({ tookMs: 50_000 });
    const told: Fault[] = [];
    const onFault = (fault: Fault) => void told.push(fault);
    expect(await time.run(Promise.all([look('a', 0, { deadline: 5_000, onFault }), look('b')]))).toEqual([
      `5000 ActionError: The controller gave no usable answer in time; at last: ${HTTP_502.reason}.`,
      '50000 b',
    ]);
    expect(told).toEqual([{ ...HTTP_502, isTold: true }]);
    const silent = stage({ tookMs: 800 });
    expect(await silent.time.run(silent.look('a', 0, { deadline: 500 }))).toBe(
      '500 ActionError: The controller gave no usable answer in time.',
    );
  });
});

test('faults are not warned of where an answer comes now and then', async () => {
  const { time, look, warnings } = stage({ tookMs: 2_000 });
  await time.run(Promise.all([look('a'), look('b', 20_000), look('c', 40_000)]));
  expect(warnings).toEqual([]);
});

describe('a record that cannot be read', () => {
  const broken = (lasts: number) => (target: Target, list: number) => {
    if (target.id === 'broken' && list <= lasts)
      throw new UnusableAnswer('the instance has no instance_state');
    return [instance({ instanceId: target.id })];
  };

  test('is asked for again, and is nobody else’s trouble', async () => {
    const { time, look, find, lines } = stage({ matching: broken(2) });
    const told: Fault[] = [];
    const onFault = (fault: Fault) => void told.push(fault);
    const ended = await time.run(Promise.all([find('broken', { onFault }), look('a')]));
    expect(ended).toEqual(['3200 broken', '1100 a']);
    expect(told).toEqual(
      Array(2).fill({
        kind: 'unusable answer',
        reason: 'the instance has no instance_state',
        hint: 'Look the instance up in the controller.',
        nature: 'passing',
        code: 'protocol_error',
      }),
    );
    expect(lines).toEqual([]);
  });

  test('ends in time', async () => {
    const { time, find } = stage({ matching: broken(99) });
    expect(await time.run(find('broken', { deadline: 8_000 }))).toBe(
      '7800 ActionError: The controller gave no usable answer in time; at last: the instance has no instance_state.',
    );
  });

  test('for another reason is a defect', async () => {
    const { time, look } = stage({
      matching() {
        throw new TypeError('of null');
      },
    });
    expect((await time.run(Promise.all([look('a'), look('b')])))[0]).toBe('100 TypeError: of null');
  });
});

test.each<[string, Given, number, object]>([
  [
    'nothing came at all',
    { tookMs: 800 },
    500,
    {
      code: 'controller_unreachable',
      hint: 'Look whether the controller is up, and how long it takes to list its instances.',
    },
  ],
  [
    'what came could not be read',
    {
      matching() {
        throw new UnusableAnswer('it has no instance_state');
      },
    },
    3_000,
    { code: 'protocol_error', hint: 'Look the instance up in the controller.' },
  ],
])(
  'no answer in time may come with more time, and says what to look at: %s',
  async (_, given, deadline, error) => {
    const { time, shared } = stage(given);
    const target: Target = { by: 'external_id', id: 'x' };
    const asking = shared
      .findInstances(target, { deadline, signal: NEVER })
      .catch((thrown: unknown) => thrown);
    expect(await time.run(asking)).toMatchObject({ ...error, isTransient: true });
  },
);

test('what changes something passes through', async () => {
  const { shared } = stage();
  const request = { instanceId: 'a', vncPassword: undefined, usbDevice: undefined };
  const bounds = { deadline: 1_000, signal: NEVER };
  const once = { ...bounds, onDeparture: () => undefined, isAfter401: false };
  expect(await shared.tryRestart(request, once)).toEqual({ kind: 'accepted' });
  expect(shared.restartRetries().after(HTTP_502, 0)).toEqual({ kind: 'give up', isFinal: true });
  expect(await shared.getVersion(bounds)).toBe('1.50.1');
});
