import { channel } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import type { Clock, Limit } from '../src/clock.ts';
import type { Instance } from '../src/controller/instance.ts';
import { type GuestAddress, guestAddress, type OwnMachine, sshPort } from '../src/guest/address.ts';
import { type Contact, contact, createDial } from '../src/guest/contact.ts';
import { isRecord } from '../src/http/json.ts';

/** The result of one attempt to reach a VM's SSH server, as the action judges it. */
export type ProbeResult = Contact['kind'];

/** Whether something accepted the connection, with any response or none. */
export function isAccepted(result: ProbeResult): boolean {
  return result !== 'refused' && result !== 'unreachable';
}

/** Connects, listens, and sends nothing. Throws only the signal's reason. */
export type Probe = (address: GuestAddress, limit: Limit) => Promise<ProbeResult>;

/** @param clock limits each attempt. */
export function createProbe(clock: Clock): Probe {
  const dial = createDial(() => undefined);
  return async (address, limit) => (await contact({ clock, dial, address }, limit)).kind;
}

/** Nothing verifies the server here, so it may run on this machine. */
const ANY_MACHINE: OwnMachine = { addresses: [], hasController: true };

/** The node's port that forwards to the guest's SSH server; undefined if there is none. */
export function sshAddress(instance: Instance): GuestAddress | undefined {
  if (sshPort(instance) === undefined) return undefined;
  const found = guestAddress(instance, ANY_MACHINE);
  return 'address' in found ? found.address : undefined;
}

/** The event that undici publishes for each connection that it opens: see "Diagnostics Channel" in its documentation. */
const CONNECTED = channel('undici:client:connected');

/** The HTTP versions of the connections to one host. */
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
