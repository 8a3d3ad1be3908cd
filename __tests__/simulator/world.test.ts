import { describe, expect, test } from '@jest/globals';
import { instanceBody, listItem } from '../../simulator/endpoints/instance-body.ts';
import { nodeBody } from '../../simulator/endpoints/inventory.ts';
import { DEFAULT_WORLD, type StartRequest, World, type WorldOptions } from '../../simulator/world.ts';

const NOON = Date.parse('2026-07-01T12:00:00Z');

type Fields = Record<string, unknown> & { vminfo?: Record<string, unknown> };

function createWorld(options: Partial<WorldOptions> = {}): World {
  return new World({ ...DEFAULT_WORLD, startsAt: NOON, heartbeatJitter: 0, ...options });
}

function first(world: World) {
  const [record] = world.records;
  if (record === undefined) throw new Error('the world is empty');
  return record;
}

function body(world: World): Fields {
  return instanceBody(world, first(world)) as Fields;
}

/** Starts an instance of the first template. */
function begin(world: World, request: Partial<StartRequest> = {}): string {
  const started = world.start({ template: world.templates[0]?.id ?? '', count: 1, ...request });
  return started.ok ? (started.instanceIds[0] ?? '') : started.message;
}

/** What the API says about the first instance over time, each change once. */
function watch(world: World, forMs: number): string[] {
  const seen: string[] = [];
  for (let elapsed = 0; elapsed <= forMs; elapsed += 50) {
    world.advanceTo(NOON + elapsed);
    const { instance_state, vminfo } = body(world);
    const visible =
      world.find(first(world).instanceId) === undefined
        ? 'hidden'
        : `${instance_state} ${vminfo?.['status']}`;
    if (visible !== seen.at(-1)) seen.push(visible);
  }
  return seen;
}

test('the same seed and the same calls give the same world', () => {
  const story = (seed: number) => {
    const world = createWorld({ seed, heartbeatJitter: 0.2 });
    world.restart(first(world).instanceId);
    world.advanceTo(NOON + 60_000);
    return JSON.stringify(world.records.map((record) => listItem(world, record)));
  };
  expect(story(7)).toBe(story(7));
  expect(story(7)).not.toBe(story(8));
});

test('what the API says changes with a heartbeat, not with the truth', () => {
  const world = createWorld();
  const before = body(world);
  world.restart(first(world).instanceId);
  expect(world.restarts).toEqual([]);
  const { nodes } = world;
  const node = nodes.find((candidate) => candidate === first(world).node);
  let isTrue = 0;
  let isKnown = 0;
  for (let elapsed = 0; elapsed <= 12_000 && isKnown === 0; elapsed += 10) {
    world.advanceTo(NOON + elapsed);
    if (isTrue === 0 && world.restarts.length > 0) isTrue = elapsed;
    if (isTrue > 0 && body(world).vminfo?.['start_date'] !== before.vminfo?.['start_date']) isKnown = elapsed;
  }
  expect(isTrue).toBeGreaterThanOrEqual(2_000);
  expect(isTrue).toBeLessThanOrEqual(2_500);
  expect(isKnown).toBeGreaterThan(isTrue);
  expect(node?.lastReportAt).toBeGreaterThan(NOON + isTrue);
  expect(world.restarts).toEqual([first(world).instanceId]);
});

test('an agent does one task after the other', () => {
  const world = createWorld({ nodes: 1, pickUpMs: 0 });
  const [node] = world.nodes;
  if (node === undefined) throw new Error('there is no node');
  world.keepBusy(node, 60_000);
  world.restart(first(world).instanceId);
  world.restart(first(world).instanceId);
  world.advanceTo(NOON + 61_500);
  expect(world.restarts).toHaveLength(0);
  world.advanceTo(NOON + 62_500);
  expect(world.restarts).toHaveLength(1);
  world.advanceTo(NOON + 64_500);
  expect(world.restarts).toHaveLength(2);
});

describe('versions', () => {
  const slow = { stopMs: 1_000, startMs: 12_000, nodes: 1, vms: 1 };

  test.each([
    ['1.50.1', ['Started running', 'Started stopped', 'Started running']],
    ['1.48.0', ['Started running', 'Started stopped', 'Started running']],
    ['1.46.0', ['Started running', 'hidden', 'Error deleted', 'Started running']],
  ])('%s shows a restart as %j', (controllerVersion, expected) => {
    const world = createWorld({ ...slow, controllerVersion });
    world.restart(first(world).instanceId);
    expect(watch(world, 25_000)).toEqual(expected);
    expect(body(world)['message']).toBe('Unexpected VM state: "stopped"');
  });

  test('before 1.44 there is no start_date', () => {
    expect(body(createWorld({ controllerVersion: '1.43.0' })).vminfo).not.toHaveProperty('start_date');
    expect(createWorld({ controllerVersion: '0.50.0' }).quirks.knowsRestarts).toBe(false);
    expect(createWorld({ controllerVersion: '2.1.0' }).quirks).toEqual({
      knowsRestarts: true,
      writesVncPassword: false,
      ruleNameKey: 'name',
      flaps: false,
      errorMeansDeleted: false,
      schedulesAgain: true,
    });
  });

  test('must be versions', () => {
    expect(() => createWorld({ controllerVersion: 'latest' })).toThrow('"latest" is not a version');
  });
});

describe('instances', () => {
  test('start step by step', () => {
    const world = createWorld({ vms: 0 });
    const id = begin(world, { externalId: 'new', name: 'vm' });
    expect(body(world)).toMatchObject({
      instance_id: id,
      instance_state: 'Scheduling',
      external_id: 'new',
      name: 'vm',
    });
    expect(body(world)).not.toHaveProperty('vminfo');
    expect(world.restart(id)).toEqual({ ok: false, message: 'instance is in state Scheduling' });
    world.advanceTo(NOON + 1_000);
    expect(body(world)).toMatchObject({ instance_state: 'Pulling' });
    world.advanceTo(NOON + 10_000);
    expect(body(world)).toMatchObject({
      instance_state: 'Started',
      vminfo: { status: 'running', vnc_port: 5901 },
    });
  });

  test('end step by step, even while they start or restart', () => {
    const world = createWorld({ vms: 1 });
    const young = begin(world);
    const { instanceId } = first(world);
    world.restart(instanceId);
    for (const id of [young, instanceId]) expect(world.terminate(id)).toEqual({ ok: true });
    expect(body(world)).toMatchObject({ instance_state: 'Terminating' });
    world.advanceTo(NOON + 20_000);
    const states = world.records.map((record) => instanceBody(world, record)) as Fields[];
    expect(states.map(({ instance_state }) => instance_state)).toEqual(['Terminated', 'Terminated']);
    expect(states[0]).not.toHaveProperty('vminfo');
    expect(world.restart(instanceId)).toMatchObject({ ok: false });
  });

  test.each(['restart', 'terminate'] as const)('that are not there: cannot %s', (action) => {
    expect(createWorld()[action]('missing')).toEqual({ ok: false, message: 'instance not found' });
  });
});

test('dates have the styles of a controller and its nodes', () => {
  const world = createWorld({ nodes: 2 });
  world.advanceTo(NOON + 10_000);
  const bodies = world.records.map((record) => instanceBody(world, record)) as Fields[];
  expect(bodies[0]?.['ts']).toMatch(/^2026-07-01T14:00:\d\d\.\d{4,9}\+02:00$/);
  const offsets = bodies.map(({ vminfo }) => /(Z|\+\d\d:\d\d)$/.exec(String(vminfo?.['timestamp']))?.[0]);
  expect(offsets.sort()).toEqual(['+02:00', 'Z', 'Z']);
  expect(bodies[0]?.vminfo).toMatchObject({
    stop_date: '0001-01-01T00:00:00Z',
    start_date: expect.stringMatching(/:\d\dZ$/),
  });
});

test('a node says when its agent last reported', () => {
  const world = createWorld({ nodes: 1 });
  const [node] = world.nodes;
  world.advanceTo(NOON + 60_000);
  expect(node && nodeBody(world, node)).toMatchObject({
    state: 'Active',
    last_updated: expect.stringMatching(/^2026-07-01T14:00:5.*\+02:00$/),
  });
});

describe('faults of a world', () => {
  const reportsOf = (world: World) => {
    const reports: number[] = [];
    world.onReport = (record) => {
      if (record === first(world)) reports.push(world.now - NOON);
    };
    return reports;
  };

  test('reports get lost, or arrive twice, until it is steady', () => {
    const [losing, doubling] = [{ lostReports: 1 }, { doubledReports: 1 }].map((flaw) => {
      const world = createWorld({ ...flaw, steadyFrom: NOON + 20_000 });
      const reports = reportsOf(world);
      world.advanceTo(NOON + 40_000);
      return { reports, mishaps: [...world.mishaps] };
    });
    expect(losing?.reports).toHaveLength(4);
    expect(losing?.reports[0]).toBeGreaterThan(20_000);
    expect(doubling?.reports).toHaveLength(12);
    expect([losing?.mishaps, doubling?.mishaps]).toEqual([['report lost'], ['report doubled']]);
  });

  test('a VM crashes, permanently or for a while', () => {
    const story = (backAfterMs: number | undefined) => {
      const world = createWorld();
      world.crash(first(world).instanceId, backAfterMs);
      world.advanceTo(NOON + 10_000);
      return [first(world).vm?.power, world.boots.map(({ requestId }) => requestId), world.restarts];
    };
    expect(story(undefined)).toEqual(['stopped', [], []]);
    expect(story(3_000)).toEqual(['running', [undefined], []]);
  });

  test('a boot does not last: the VM boots again by itself', () => {
    const world = createWorld();
    const { instanceId, vm } = first(world);
    if (vm !== undefined) vm.crashesAfterBoot = true;
    world.restart(instanceId);
    world.advanceTo(NOON + 20_000);
    expect(world.boots.map(({ requestId }) => requestId !== undefined)).toEqual([true, false]);
    expect(world.restarts).toEqual([instanceId]);
  });

  test('the date of a boot is not known at once', () => {
    const world = createWorld({ datelessMs: 6_000 });
    const dates = new Set<unknown>();
    world.restart(first(world).instanceId);
    for (let elapsed = 0; elapsed < 20_000; elapsed += 500) {
      world.advanceTo(NOON + elapsed);
      const { vminfo } = body(world);
      if (vminfo?.['status'] === 'running') dates.add(vminfo['start_date']);
    }
    expect([...dates].map((date) => String(date).slice(0, 4))).toEqual(['2026', '0001', '2026']);
  });

  test.each([
    [-570, /-09:30$/],
    [0, /Z$/],
    [330, /\+05:30$/],
  ])('dates are written in the time zone of the node, %d minutes off', (minutes, ending) => {
    const world = createWorld({ writesLocalDates: true, nodes: 1 });
    const before = Date.parse(String(body(world).vminfo?.['start_date']));
    for (const node of world.nodes) node.utcOffsetMinutes = minutes;
    world.advanceTo(NOON + 10_000);
    const text = String(body(world).vminfo?.['start_date']);
    expect(text).toMatch(ending);
    expect(Date.parse(text)).toBe(before);
  });
});
