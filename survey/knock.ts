import type { Clock, Limit } from '../src/clock.ts';
import type { GuestAddress } from '../src/guest/address.ts';
import { type Contact, contact, createDial } from '../src/guest/contact.ts';

/** What became of one try to reach a VM's SSH server: what the action makes of it. */
export type KnockResult = Contact['kind'];

/** Whether something took the connection, whatever it said. */
export function isAccepted(result: KnockResult): boolean {
  return result !== 'refused' && result !== 'unreachable';
}

/** Connects, listens, and says nothing. Throws only the signal's reason. */
export type Knock = (address: GuestAddress, limit: Limit) => Promise<KnockResult>;

/** @param clock bounds each try. */
export function createKnock(clock: Clock): Knock {
  const dial = createDial(() => undefined);
  return async (address, limit) => (await contact({ clock, dial, address }, limit)).kind;
}
