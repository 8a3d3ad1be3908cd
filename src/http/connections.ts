import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from 'undici';

/** How the connection is secured; PEM throughout. */
export interface TlsOptions {
  /** Trusted in addition to what Node trusts by default. */
  readonly ca: string | undefined;
  /** The client's certificate and its key: both or neither. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly rejectUnauthorized: boolean;
}

/** Creates dispatchers, which send requests. A dispatcher starts without connections; its `destroy` closes them. */
export interface Dispatchers {
  /** For reads: keeps and reuses its connections. */
  openReader(): Dispatcher;
  /** For writes: opens one connection per request, and keeps none. */
  openWriter(): Dispatcher;
}

export interface ConnectionOptions {
  readonly baseUrl: URL;
  readonly proxy: URL | undefined;
  readonly tls: TlsOptions;
  /** For one HTTP request, connecting and reading included. */
  readonly requestTimeoutMs: number;
}

/** GitHub refuses a client with more than 100 requests in progress. Further requests wait for a free connection. */
const MOST_CONNECTIONS = 50;

/**
 * Dispatchers over the network. They speak HTTP/1.1 only: an HTTP/2 client may repeat a refused request on its own, and all reads
 * would share one session, which may die silently, or wait for one handshake that hangs.
 */
export function createDispatchers({ proxy, ...options }: ConnectionOptions): Dispatchers {
  const { requestTls, proxyTls } = connectOptions({ proxy, ...options });
  function open(pipelining: number): Dispatcher {
    const common = { pipelining, allowH2: false, connections: MOST_CONNECTIONS };
    if (proxy === undefined) return new Agent({ ...common, connect: requestTls });
    return new ProxyAgent({ ...common, uri: proxy.href, requestTls, proxyTls });
  }
  return {
    openReader: () => open(1),
    // A kept-alive connection may be closing when it is used again. Then it is unknown whether the request was carried out.
    openWriter: () => open(0),
  };
}

function connectOptions({ baseUrl, proxy, tls, requestTimeoutMs }: ConnectionOptions) {
  const { ca, cert, key, rejectUnauthorized } = tls;
  const common = {
    timeout: requestTimeoutMs,
    rejectUnauthorized,
    allowH2: false,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressTimeoutMs(requestTimeoutMs),
  } satisfies buildConnector.BuildOptions;
  const isSecure = baseUrl.protocol === 'https:';
  // The client certificate is for the controller: it is not shown to a proxy.
  const request = isSecure ? { secureContext: secureContext({ ca, cert, key }) } : {};
  const toProxy = proxy?.protocol === 'https:' ? { secureContext: secureContext({ ca }) } : {};
  return { requestTls: { ...common, ...request }, proxyTls: { ...common, ...toProxy } };
}

/** One context for all connections: reading about 150 CA certificates takes 20 ms of CPU. */
function secureContext({ ca, cert, key }: Partial<TlsOptions>): SecureContext {
  return createSecureContext({
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    cert,
    key,
  });
}

/** Enough for a slow network: in milliseconds. */
const LONGEST_ADDRESS_TIMEOUT_MS = 1_000;

/**
 * How long one of several addresses of a host may take to connect before the next one is tried, in milliseconds. Node's default of
 * 250 ms would be too short for a working address on a slow network. A quarter of the request's time leaves enough for the others.
 */
export function addressTimeoutMs(requestTimeoutMs: number): number {
  return Math.min(LONGEST_ADDRESS_TIMEOUT_MS, Math.ceil(requestTimeoutMs / 4));
}

/** The connections that reads share. */
interface Reader {
  /** Performs one read. If it fails, the connections are replaced: later reads use new ones. */
  use<T>(read: (dispatcher: Dispatcher) => Promise<T>): Promise<T>;
  /** Replaces connections that a read has used. */
  renew(): void;
  /** Ends all connections, in use or not. */
  destroy(): Promise<void>;
}

interface Connections {
  readonly dispatcher: Dispatcher;
  isUsed: boolean;
  /** Reads in progress. */
  reads: number;
}

export function createReader(open: () => Dispatcher): Reader {
  const begin = (): Connections => ({ dispatcher: open(), isUsed: false, reads: 0 });
  let current = begin();
  /** Those that were replaced, but still have reads in progress. */
  const ending = new Set<Connections>();

  function giveUp(connections: Connections): void {
    if (connections !== current) return;
    ending.add(connections);
    endIfIdle(connections);
    current = begin();
  }

  function endIfIdle(connections: Connections): void {
    if (connections.reads > 0 || !ending.delete(connections)) return;
    void connections.dispatcher.destroy();
  }

  async function use<T>(read: (dispatcher: Dispatcher) => Promise<T>): Promise<T> {
    const connections = current;
    connections.isUsed = true;
    connections.reads++;
    try {
      return await read(connections.dispatcher);
    } catch (error) {
      giveUp(connections);
      throw error;
    } finally {
      connections.reads--;
      endIfIdle(connections);
    }
  }

  function renew(): void {
    if (current.isUsed) giveUp(current);
  }

  async function destroy(): Promise<void> {
    await Promise.all([current, ...ending].map(({ dispatcher }) => dispatcher.destroy()));
  }

  return { use, renew, destroy };
}
