import { channel } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import type { Clock, Limit } from '../src/clock.ts';
import type { Instance } from '../src/controller/instance.ts';
import { type GuestAddress, guestAddress, type OwnMachine, sshPort } from '../src/guest/address.ts';
import { type Contact, contact, createDial } from '../src/guest/contact.ts';
import { isRecord } from '../src/http/json.ts';

/** What became of one try to reach a VM's SSH server: what the action makes of it. */
export type ProbeResult = Contact['kind'];

/** Whether something accepted the connection, with any response or none. */
export function isAccepted(result: ProbeResult): boolean {
  return result !== 'refused' && result !== 'unreachable';
}

/** Connects, listens, and says nothing. Throws only the signal's reason. */
export type Probe = (address: GuestAddress, limit: Limit) => Promise<ProbeResult>;

/** @param clock bounds each try. */
export function createProbe(clock: Clock): Probe {
  const dial = createDial(() => undefined);
  return async (address, limit) => (await contact({ clock, dial, address }, limit)).kind;
}

/** The responding server is not verified here, so it may be on this machine. */
const ANY_MACHINE: OwnMachine = { addresses: [], hasController: true };

/** The port of the node that leads to the guest's SSH server; undefined if none is forwarded. */
export function sshAddress(instance: Instance): GuestAddress | undefined {
  if (sshPort(instance) === undefined) return undefined;
  const found = guestAddress(instance, ANY_MACHINE);
  return 'address' in found ? found.address : undefined;
}

/** What undici publishes about each connection that it opens: see "Diagnostics Channel" in its documentation. */
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
