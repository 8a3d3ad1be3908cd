import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { InstanceRecord } from './model.ts';
import type { World } from './world.ts';

/** How the guests in a world's VMs, and the way to them, behave; times in milliseconds. */
export interface GuestHabits {
  /** From a boot to the guest's SSH server answering. */
  readonly bootMs: number;
  /** What keeps guests from coming up again after a boot that somebody asked for, if anything. */
  readonly fault?: GuestFault | undefined;
  /** What a forwarder does with a connection before the guest takes any. */
  readonly forwarder: 'accepts' | 'refuses';
}

/**
 * `never`: the guest hangs as it boots. `silent`: the forwarder takes connections, and the guest never hears of them. `foreign`:
 * something else than an SSH server answers.
 */
export const GUEST_FAULTS = ['never', 'silent', 'foreign'] as const;

export type GuestFault = (typeof GUEST_FAULTS)[number];

/** What becomes of a connection to an address. */
export type GuestReaction =
  | { readonly kind: 'refused' }
  /** Taken; what is said, if anything ever is, once the world's time has come to `at`. */
  | { readonly kind: 'accepted'; readonly says: { readonly text: string; readonly at: number } | undefined };

const BANNER = 'SSH-2.0-OpenSSH_9.9\r\n';
const NO_BANNER = 'HTTP/1.1 400 Bad Request\r\n\r\n';
const GUEST_PORT = 22;

/** When the guest of a VM that runs is up, since its last boot; undefined where it will not be. Its faults begin with its first restart. */
export function guestUpAt({ vm }: InstanceRecord, { bootMs, fault }: GuestHabits): number | undefined {
  if (vm?.power !== 'running' || (fault !== undefined && vm.stoppedAt !== undefined)) return undefined;
  return vm.bootedAt + bootMs;
}

/** What a machine that reaches both nodes and VMs meets there, as the world is now. Pure. */
export function connectToGuest(
  world: World,
  { host, port }: { readonly host: string; readonly port: number },
  habits: GuestHabits,
): GuestReaction {
  const isDirect = ({ vm }: InstanceRecord) => vm?.ip === host && port === GUEST_PORT;
  const isForwarded = ({ vm, node }: InstanceRecord) => node?.ip === host && vm?.sshPort === port;
  // A VM that is stopped holds no port: by now it may be another VM's.
  const record = world.records.find(
    (one) => one.vm?.power === 'running' && (isDirect(one) || isForwarded(one)),
  );
  if (record?.vm === undefined) return { kind: 'refused' };
  const [upAt, hasFault] = [guestUpAt(record, habits), record.vm.stoppedAt !== undefined];
  if (hasFault && habits.fault === 'foreign')
    return { kind: 'accepted', says: { text: NO_BANNER, at: world.now } };
  const isUp = upAt !== undefined && upAt <= world.now;
  if (!isUp && habits.forwarder === 'refuses' && habits.fault !== 'silent') return { kind: 'refused' };
  return { kind: 'accepted', says: upAt === undefined ? undefined : { text: BANNER, at: upAt } };
}

/** Ports of this machine that lead to the guests of a world's VMs, as those of a node would. */
export interface GuestServers {
  /** To be given out by the world: see {@link World}. */
  readonly ports: readonly number[];
  /** From now on connections are answered as the world has it. */
  open(options: ServedGuests): void;
  close(): Promise<void>;
}

export interface ServedGuests {
  readonly world: World;
  /** What the world takes for now, in milliseconds since the Unix epoch; and how fast its time passes. */
  readonly now: () => number;
  readonly timeFactor?: number;
  readonly habits: GuestHabits;
}

const HOST = '127.0.0.1';

/** Takes so many free ports. */
export async function takeGuestPorts(count: number): Promise<GuestServers> {
  const sockets = new Set<Socket>();
  let served: ServedGuests | undefined;
  const answer = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    const port = socket.localPort ?? 0;
    if (served === undefined) socket.destroy();
    else greet(socket, { port, ...served });
  };
  const servers = await Promise.all(Array.from({ length: count }, () => listen(createServer(answer))));
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    open(options) {
      served = options;
    },
    async close() {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** A port that nobody listens on cannot be had while it is kept: a connection to it is cut off instead. */
function greet(
  socket: Socket,
  { port, world, now, timeFactor = 1, habits }: ServedGuests & { readonly port: number },
): void {
  world.advanceTo(now());
  const reaction = connectToGuest(world, { host: HOST, port }, habits);
  if (reaction.kind === 'refused') {
    socket.resetAndDestroy();
    return;
  }
  const { says } = reaction;
  if (says === undefined) return;
  const timer = setTimeout(() => socket.write(says.text), Math.max(0, says.at - world.now) / timeFactor);
  socket.once('close', () => clearTimeout(timer));
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, HOST, () => resolve(server));
  });
}
