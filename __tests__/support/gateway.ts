import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { listen } from './loopback.ts';
import { type Ended, play } from './scenario.ts';

/** Stands before a server of this machine, and encodes each of its answers, even if the client did not ask for that. */
export interface Gateway {
  readonly url: string;
  /** Sends all further requests there. */
  leadTo(url: string): void;
  /** The headers of each request. */
  readonly received: IncomingHttpHeaders[];
  close(): void;
}

/**
 * Plays a step behind {@link startBalancer}.
 * @returns how many connections the balancer saw, too.
 */
export async function playBehindBalancer(
  stuck: Stuck,
  inputs: Readonly<Record<string, string>>,
): Promise<{ readonly ended: Ended; readonly connections: number }> {
  const balancer = await startBalancer(stuck);
  const url = (simulatorUrl: string) => {
    balancer.leadTo(simulatorUrl);
    return balancer.url;
  };
  const ended = await play({ way: { url }, inputs });
  balancer.close();
  return { ended, connections: balancer.connections() };
}

/** Answers a request. @param earlier the last answer that was read before the restart */
type Stuck = (response: ServerResponse, earlier: Buffer) => void;

/**
 * Stands before a server of this machine as a balancer that keeps each connection on one replica: once a restart has passed, the
 * replica behind the connections that were open before it does this with each request.
 */
async function startBalancer(
  stuck: Stuck,
): Promise<Omit<Gateway, 'received'> & { readonly connections: () => number }> {
  const [known, isStuck] = [new Set<Socket>(), new WeakSet<Socket>()];
  let target = '';
  let earlier = Buffer.alloc(0);
  const server = createServer((message, response) => {
    const { method, headers, socket } = message;
    known.add(socket);
    if (isStuck.has(socket)) return stuck(response, earlier);
    const onward = request(new URL(message.url ?? '', target), { method, headers }, async (answer) => {
      const body = Buffer.concat(await answer.toArray());
      if (method === 'POST') for (const old of known) isStuck.add(old);
      else if (known.size === 1) earlier = body;
      const { 'keep-alive': _, connection: __, ...others } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, others).end(body);
    });
    onward.on('error', () => response.destroy());
    message.pipe(onward);
  });
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    leadTo(url) {
      target = url;
    },
    connections: () => known.size,
    close,
  };
}

export async function startGzippingGateway(): Promise<Gateway> {
  const received: IncomingHttpHeaders[] = [];
  let target = '';
  const server = createServer((message, response) => {
    const { method, headers } = message;
    received.push(headers);
    const onward = request(new URL(message.url ?? '', target), { method, headers }, async (answer) => {
      const body = gzipSync(Buffer.concat(await answer.toArray()));
      const { 'content-length': _, 'transfer-encoding': __, ...others } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, { ...others, 'content-encoding': 'gzip' }).end(body);
    });
    onward.on('error', () => response.destroy());
    message.pipe(onward);
  });
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    leadTo(url) {
      target = url;
    },
    received,
    close,
  };
}
