import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { InstanceRecord } from './model.ts';
import type { World } from './world.ts';

/** How the guests in the VMs and the port forwarding behave; times in milliseconds. */
export interface GuestHabits {
  /** How long after a boot the guest's SSH server answers. */
  readonly bootMs: number;
  /** What goes wrong with guests after a restart, if anything. */
  readonly fault?: GuestFault | undefined;
  /** What a forwarder does with connections before the guest is up. */
  readonly forwarder: 'accepts' | 'refuses';
}

/**
 * `never`: the guest hangs while it boots. `silent`: the forwarder accepts connections that never reach the guest. `foreign`: something
 * answers that is not an SSH server. `penalized`: OpenSSH refuses the client for a while, after connections without a login.
 */
export const GUEST_FAULTS = ['never', 'silent', 'foreign', 'penalized'] as const;

export type GuestFault = (typeof GUEST_FAULTS)[number];

/** What happens to a connection. */
export type GuestReaction =
  | { readonly kind: 'refused' }
  /** `says`: the guest sends this at that moment of the world's time, if ever. A guest that is not up then closes the connection. */
  | { readonly kind: 'accepted'; readonly says: { readonly text: string; readonly at: number } | undefined };

const BANNER = 'SSH-2.0-OpenSSH_9.9\r\n';
/** The answers instead of a banner. */
const NO_BANNER: Partial<Record<GuestFault, string>> = {
  foreign: 'HTTP/1.1 400 Bad Request\r\n\r\n',
  penalized: 'Not allowed at this time\r\n',
};
const GUEST_PORT = 22;

/** When the guest is up after the last boot; undefined if it never is. Faults begin with the VM's first restart. */
export function guestUpAt({ vm }: InstanceRecord, { bootMs, fault }: GuestHabits): number | undefined {
  if (vm?.power !== 'running' || (fault !== undefined && vm.stoppedAt !== undefined)) return undefined;
  return vm.bootedAt + bootMs;
}

/** What a machine that can reach both nodes and VMs sees now. Pure. */
export function connectToGuest(
  world: World,
  { host, port }: { readonly host: string; readonly port: number },
  habits: GuestHabits,
): GuestReaction {
  const isDirect = ({ vm }: InstanceRecord) => vm?.ip === host && port === GUEST_PORT;
  const isForwarded = ({ vm, node }: InstanceRecord) => node?.ip === host && vm?.sshPort === port;
  // A stopped VM has no port: another VM may have it by now.
  const record = world.records.find(
    (one) => one.vm?.power === 'running' && (isDirect(one) || isForwarded(one)),
  );
  if (record?.vm === undefined) return { kind: 'refused' };
  const upAt = guestUpAt(record, habits);
  const refusal = habits.fault && record.vm.stoppedAt !== undefined ? NO_BANNER[habits.fault] : undefined;
  if (refusal !== undefined) return { kind: 'accepted', says: { text: refusal, at: world.now } };
  const isUp = upAt !== undefined && upAt <= world.now;
  if (!isUp && habits.forwarder === 'refuses' && habits.fault !== 'silent') return { kind: 'refused' };
  return { kind: 'accepted', says: upAt === undefined ? undefined : { text: BANNER, at: upAt } };
}

/** Ports of this machine that forward to the guests of a world's VMs, as a node's ports do. */
export interface GuestServers {
  /** For the world to assign: see {@link World}. */
  readonly ports: readonly number[];
  /** From now on, answers connections as the world's guests would. */
  open(options: ServedGuests): void;
  close(): Promise<void>;
}

export interface ServedGuests {
  readonly world: World;
  /** The world's time, in milliseconds since the Unix epoch, and how fast it passes. */
  readonly now: () => number;
  readonly timeFactor?: number;
  readonly habits: GuestHabits;
}

const HOST = '127.0.0.1';

/** Reserves this many free ports. */
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

/** A reserved port cannot refuse connections, so it resets them instead. */
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
  const speak = () => (says.text === BANNER ? socket.write(says.text) : socket.end(says.text));
  const timer = setTimeout(speak, Math.max(0, says.at - world.now) / timeFactor);
  socket.once('close', () => clearTimeout(timer));
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, HOST, () => resolve(server));
  });
}
