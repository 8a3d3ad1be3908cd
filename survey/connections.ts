import { channel } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import { isRecord } from '../src/http/json.ts';

/** What undici tells of each connection that it opens: in its documentation, "Diagnostics Channel". */
const CONNECTED = channel('undici:client:connected');

/** The versions of HTTP that connections to one host were opened with. */
export interface Connections {
  readonly versions: ReadonlySet<HttpVersion>;
  stop(): void;
}

export type HttpVersion = 'HTTP/1.1' | 'HTTP/2';

/** Listens from now on. A connection to a proxy, which is another host, does not count; the tunnel through it does. */
export function watchConnections({ host }: URL): Connections {
  const versions = new Set<HttpVersion>();
  const note = (message: unknown) => {
    if (!isRecord(message) || !isRecord(message['connectParams'])) return;
    if (message['connectParams']['host'] !== host) return;
    const { alpnProtocol } = message['socket'] as Partial<TLSSocket>;
    versions.add(alpnProtocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1');
  };
  CONNECTED.subscribe(note);
  return { versions, stop: () => void CONNECTED.unsubscribe(note) };
}
