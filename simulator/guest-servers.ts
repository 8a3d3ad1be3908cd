import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { connectToGuest, type GuestHabits } from './guest-world.ts';
import type { World } from './world.ts';

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
