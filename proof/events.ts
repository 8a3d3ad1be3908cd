import type { Node, Vm, World } from '../simulator/world.ts';
import type { EventKind, WorldEvent } from './scenario.ts';

/** What an event can act upon. */
export interface Scene {
  readonly instanceId: string;
  /** Changes the world, and in time each replica's picture of it. */
  readonly change: (act: (world: World) => void) => void;
  readonly endSessions: () => void;
  /** Lets the controller take no connection for so many milliseconds. */
  readonly shutDown: (forMs: number) => void;
}

interface Deed {
  readonly world: World;
  readonly node: Node;
  readonly vm: Vm | undefined;
  readonly instanceId: string;
  readonly forMs: number;
}

const LONGEST_MS = 180_000;
const ZONES = [-720, -570, -300, 0, 60, 330, 840];

/** What each event does to a world, or to a replica's picture of it. */
const DEEDS: Readonly<Record<EventKind, (deed: Deed) => void>> = {
  silence: ({ world, node, forMs }) => world.silence(node, forMs),
  busy: ({ world, node, forMs }) => world.keepBusy(node, forMs),
  clock: ({ node, forMs }) => {
    // Back or forth, by seconds or by hours.
    const factor = Math.floor(forMs) % 2 === 0 ? 1 : 100;
    node.clockSkewMs += (forMs - LONGEST_MS / 8) * factor;
  },
  'time zone': ({ node, forMs }) => {
    node.utcOffsetMinutes = ZONES[Math.floor((forMs / LONGEST_MS) * ZONES.length)] ?? 0;
  },
  'foreign restart': ({ world, instanceId }) => void world.restart(instanceId),
  doom: ({ vm }) => {
    if (vm !== undefined) vm.neverBoots = true;
  },
  unsteady: ({ vm }) => {
    if (vm !== undefined) vm.crashesAfterBoot = true;
  },
  terminate: ({ world, instanceId }) => void world.terminate(instanceId),
  replace: ({ world, instanceId }) => {
    world.terminate(instanceId);
    startNamesake(world, instanceId);
  },
  namesake: ({ world, instanceId }) => startNamesake(world, instanceId),
  crash: ({ world, instanceId }) => world.crash(instanceId, undefined),
  reboot: ({ world, instanceId, forMs }) => world.crash(instanceId, forMs / 10),
  'controller restart': () => {},
  'sessions end': () => {},
};

/** Lets an event happen to the scene. */
export function act({ instanceId, change, endSessions, shutDown }: Scene, { kind, forMs }: WorldEvent): void {
  if (kind === 'controller restart') shutDown(forMs / 6);
  if (kind === 'controller restart' || kind === 'sessions end') {
    endSessions();
    return;
  }
  change((world) => {
    const [node] = world.nodes;
    const vm = world.find(instanceId)?.vm;
    if (node !== undefined) DEEDS[kind]({ world, node, vm, instanceId, forMs });
  });
}

/** Another instance with the same external ID. */
function startNamesake(world: World, instanceId: string): void {
  const record = world.find(instanceId);
  if (record !== undefined)
    world.start({ template: record.template, count: 1, externalId: record.externalId });
}
