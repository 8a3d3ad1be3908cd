import { react } from '../simulator/controller-api.ts';
import { DEFAULT_HABITS } from '../simulator/github-world.ts';
import { quirksOf } from '../simulator/model.ts';
import { createReplicas } from '../simulator/replicas.ts';
import { denied, fail } from '../simulator/replies.ts';
import { DEFAULT_WORLD, World, type WorldOptions } from '../simulator/world.ts';
import { parseEnvelope } from '../src/controller/envelope.ts';
import type { Instance } from '../src/controller/instance.ts';
import { readList } from '../src/controller/instances.ts';
import { isRecord } from '../src/http/json.ts';
import type { Call } from './recorder.ts';
import { type JsonKind, mergeInto, type Shape, shapeOf } from './shape.ts';

// The simulator's assumptions. The code computes these values instead of copying them, so the comparison follows changes of the simulator.

const STARTS_AT = Date.parse('2026-07-01T12:00:00Z');
/** In milliseconds: long enough for new instances to run, and for a restart to appear. */
const STORY_MS = 30_000;
const STEP_MS = 250;
/** The oldest version with the restart call, one in between, and the simulator's default; in UTC and in another time zone. */
const WORLDS = [
  { controllerVersion: '1.44.0' },
  { controllerVersion: '1.48.0', utcOffsetMinutes: 0 },
  { controllerVersion: DEFAULT_WORLD.controllerVersion },
];
const PATHS: Partial<Record<Call, string>> = {
  status: '/api/v1/status',
  list: '/api/v1/vm',
  nodes: '/api/v1/node',
};

/** The answers of a simulated controller during a restart, when it starts a VM with a script, and when it ends a VM. */
function answersOf(options: Partial<WorldOptions>): { call: Call; body: unknown }[] {
  const world = new World({ ...DEFAULT_WORLD, ...options, startsAt: STARTS_AT });
  const replicas = createReplicas({ world, count: 1, lagMs: 0 });
  const [first, second] = world.records;
  const id = first?.instanceId ?? '';
  const ask = (call: Call, path: string, now: number) => {
    const { body: text, status } = react({ replicas, now }, { method: 'GET', path, headers: {}, body: '' });
    const envelope = parseEnvelope({ text, status, headers: {}, ...NOTHING_ELSE });
    return { call, body: envelope?.status === 'OK' ? envelope.body : undefined };
  };
  const answers: { call: Call; body: unknown }[] = [];
  world.restart(id);
  world.start({ template: world.templates[0]?.id ?? '', count: 1, startupScript: SCRIPT });
  world.terminate(second?.instanceId ?? '');
  for (let now = STARTS_AT; now < STARTS_AT + STORY_MS; now += STEP_MS) {
    for (const [call, path] of Object.entries(PATHS)) answers.push(ask(call as Call, path, now));
    answers.push(ask('one', `/api/v1/vm?id=${id}`, now));
  }
  return answers;
}

const NOTHING_ELSE = { location: undefined, retryAfterMs: undefined, proxy: undefined };
const SCRIPT = { text: 'exit 0', isMonitored: true, timeoutMs: 1_000, keepsVm: true };

const stories = WORLDS.flatMap(answersOf);

function simulatedShape(wanted: Call): Shape {
  const shape = new Map<string, Set<JsonKind>>();
  for (const { call, body } of stories) {
    if (call === wanted && body !== undefined)
      mergeInto(
        shape,
        shapeOf(body, () => true),
      );
  }
  return shape;
}

/** The shape of each answer that the simulator gives. */
export const SIMULATED_SHAPES: Partial<Record<Call, Shape>> = {
  status: simulatedShape('status'),
  list: simulatedShape('list'),
  one: simulatedShape('one'),
  nodes: simulatedShape('nodes'),
};

/** Places with known contents: the survey does not descend into any other place. */
export const KNOWN_PLACES: Partial<Record<Call, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries(SIMULATED_SHAPES).map(([call, shape]) => [call, parentsIn(shape)]),
);

function parentsIn(shape: Shape): Set<string> {
  const places = [...shape].filter(([, kinds]) => kinds.has('object') || kinds.has('list'));
  return new Set(places.map(([place]) => place));
}

/** The simulator's defaults. */
export const SIMULATED = {
  ...DEFAULT_WORLD,
  failStatus: fail('').status,
  deniedStatus: denied().status,
  replicas: 1,
  runnerStaleMs: DEFAULT_HABITS.staleMs,
  quirksOf,
} as const;

/** The simulator's instances in these scenarios, as the action reads them. */
export function simulatedInstances(): Instance[] {
  return stories.flatMap(({ call, body }) => {
    if (call !== 'list' || !Array.isArray(body)) return [];
    return body.flatMap((item: unknown) => {
      const id = isRecord(item) ? String(item['instance_id']) : '';
      return readList([item]).matching({ by: 'instance_id', id });
    });
  });
}
