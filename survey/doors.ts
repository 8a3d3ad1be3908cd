import type { Instance } from '../src/controller/instance.ts';
import { type GuestAddress, guestAddress, type OwnMachine, sshPort } from '../src/guest/address.ts';

/** What answers is not judged here, so it may be this machine's own. */
const ANY_MACHINE: OwnMachine = { addresses: [], hasController: true };

/** The port of the node that leads to the guest's SSH server; undefined where none is forwarded. */
export function sshDoor(instance: Instance): GuestAddress | undefined {
  if (sshPort(instance) === undefined) return undefined;
  const found = guestAddress(instance, ANY_MACHINE);
  return 'address' in found ? found.address : undefined;
}
