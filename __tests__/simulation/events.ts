import type { InstanceRecord, Node, Vm, World } from '../../simulator/world.ts';

/*
 * Events in the world. Faults of single requests are in request-faults.ts. To add an event, add a line to WORLD_EVENTS or
 * CONTROLLER_EVENTS. draw.ts draws which events happen and when, and happenings.ts applies them. If an event can cause an error code, add
 * its name to that code in fitting-codes.ts.
 */

export interface WorldEvent {
  readonly kind: EventKind;
  /** The index of the VM that it happens to, with its node; the first if absent. */
  readonly vm?: number;
  readonly afterMs: number;
  readonly forMs: number;
}

/** What an event acts on. */
interface EventContext {
  readonly instanceId: string;
  /** Changes the world, and after its lag each replica's copy. */
  readonly changeWorld: (change: (world: World) => void) => void;
  readonly endSessions: () => void;
  /** The controller refuses connections for this many milliseconds. */
  readonly shutDown: (forMs: number) => void;
}

/** The world, or a replica's copy, and what an event can change in it. */
interface WorldContext {
  readonly world: World;
  readonly node: Node;
  readonly vm: Vm | undefined;
  readonly instanceId: string;
  readonly forMs: number;
}

const LONGEST_MS = 180_000;
const ZONES = [-720, -570, -300, 0, 60, 330, 840];

/** What happens to a node, an agent or a VM. */
const WORLD_EVENTS = {
  silence: ({ world, node, forMs }) => world.silence(node, forMs),
  busy: ({ world, node, forMs }) => world.keepBusy(node, forMs),
  clock: ({ node, forMs }) => {
    // Back or forward, by seconds or by hours.
    const factor = Math.floor(forMs) % 2 === 0 ? 1 : 100;
    node.clockSkewMs += (forMs - LONGEST_MS / 8) * factor;
  },
  'time zone': ({ node, forMs }) => {
    node.utcOffsetMinutes = ZONES[Math.floor((forMs / LONGEST_MS) * ZONES.length)] ?? 0;
  },
  'foreign restart': ({ world, instanceId }) => void world.restart(instanceId),
  'never boots': ({ vm }) => {
    if (vm !== undefined) vm.neverBoots = true;
  },
  'crashes after boot': ({ vm }) => {
    if (vm !== undefined) vm.crashesAfterBoot = true;
  },
  terminate: ({ world, instanceId }) => void world.terminate(instanceId),
  replace: ({ world, instanceId }) => {
    world.terminate(instanceId);
    startNamesake(world, instanceId);
  },
  namesake: ({ world, instanceId }) => startNamesake(world, instanceId),
  rename: ({ world, instanceId, forMs }) => void world.update(instanceId, newNamesOf(instanceId, forMs)),
  crash: ({ world, instanceId }) => world.crash(instanceId, undefined),
  reboot: ({ world, instanceId, forMs }) => world.crash(instanceId, forMs / 10),
} satisfies Record<string, (context: WorldContext) => void>;

/** What happens to the controller itself. */
const CONTROLLER_EVENTS = {
  'controller restart': ({ shutDown, endSessions }, forMs) => {
    shutDown(forMs / 6);
    endSessions();
  },
  'sessions end': ({ endSessions }) => endSessions(),
} satisfies Record<string, (context: EventContext, forMs: number) => void>;

type EventKind = keyof typeof WORLD_EVENTS | keyof typeof CONTROLLER_EVENTS;

export const EVENT_KINDS = [
  ...Object.keys(WORLD_EVENTS),
  ...Object.keys(CONTROLLER_EVENTS),
] as readonly EventKind[];

/** Events with a duration: until they end, the step cannot see that the VM is up. */
export const LASTING_EVENTS: readonly EventKind[] = ['silence', 'controller restart'];

export function applyEvent(context: EventContext, { kind, forMs }: WorldEvent): void {
  if (kind in CONTROLLER_EVENTS) {
    CONTROLLER_EVENTS[kind as keyof typeof CONTROLLER_EVENTS](context, forMs);
    return;
  }
  const { instanceId, changeWorld } = context;
  changeWorld((world) => {
    const { vm, node = world.nodes[0] } = world.find(instanceId) ?? {};
    if (node === undefined) return;
    WORLD_EVENTS[kind as keyof typeof WORLD_EVENTS]({ world, node, vm, instanceId, forMs });
  });
}

/** One new name, or both. No other VM has them: after an exchange, no client could know which of the two a target means. */
function newNamesOf(instanceId: string, forMs: number): Partial<Pick<InstanceRecord, 'name' | 'externalId'>> {
  const name = newNameOf(instanceId);
  return [{ name }, { externalId: name }, { name, externalId: name }][Math.floor(forMs) % 3] ?? {};
}

export function newNameOf(instanceId: string): string {
  return `renamed-${instanceId}`;
}

/** Another instance with the same external ID and name. */
function startNamesake(world: World, instanceId: string): void {
  const record = world.find(instanceId);
  if (record !== undefined)
    world.start({
      template: record.template.id,
      count: 1,
      externalId: record.externalId,
      name: record.name,
    });
}
