import type { Instance } from '../src/controller/instance.ts';
import { type GuestAddress, guestAddress, sshPort } from '../src/guest/address.ts';

/** The port of the node that leads to the guest's SSH server; undefined where none is forwarded. */
export function sshDoor(instance: Instance): GuestAddress | undefined {
  return sshPort(instance) === undefined ? undefined : guestAddress(instance);
}
