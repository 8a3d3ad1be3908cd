import type { Instance } from '../controller/instance.ts';
import { includes, kindOfAddress, listOf } from '../http/addresses.ts';

/** Where the guest's SSH server is: an IP address or a host name, and a TCP port. */
export interface GuestAddress {
  readonly host: string;
  readonly port: number;
}

/** The machine that runs the step. It may also run an SSH server, which must not be mistaken for the guest's. */
export interface OwnMachine {
  /** Its IP addresses. */
  readonly addresses: readonly string[];
  /** The controller is on this machine, so its nodes may be, too: the simulator. */
  readonly hasController: boolean;
}

const SSH_PORT = 22;

/** The node's port that forwards to the guest's SSH server. */
export function sshPort(instance: Instance | undefined): number | undefined {
  return instance?.portForwarding.find(
    ({ guestPort, protocol }) => guestPort === SSH_PORT && protocol?.toLowerCase() !== 'udp',
  )?.hostPort;
}

/** The node's forwarded port, or the VM's own address if no port is forwarded. @returns the address to dial, or why there is none. */
export function guestAddress(
  instance: Instance,
  own: OwnMachine,
): { readonly address: GuestAddress } | { readonly why: string } {
  const port = sshPort(instance);
  const role = port === undefined ? 'VM' : 'node';
  const host = port === undefined ? instance.ip : instance.hostIp;
  const problem = host === undefined ? 'has no known address' : problemOf(host, { role, own });
  if (host !== undefined && problem === undefined) return { address: { host, port: port ?? SSH_PORT } };
  const unforwarded = port === undefined ? 'no port forwards to its port 22, and ' : '';
  return { why: `${unforwarded}the ${role} ${problem}` };
}

/** Kinds of addresses at which another machine cannot reach a VM. */
const NO_VM = ['unspecified', 'loopback', 'link-local', 'multicast'];

/**
 * Why an address must not be dialed, in words that follow the noun: the step could reach its own SSH server. Undefined if it may
 * be dialed; also for a host name, which is checked once it is resolved.
 */
export function problemOf(
  host: string,
  { role, own }: { readonly role: 'node' | 'VM'; readonly own: OwnMachine },
): string | undefined {
  const kind = kindOfAddress(host);
  const isLocalNode = role === 'node' && kind === 'loopback' && own.hasController;
  if (isLocalNode) return undefined;
  const refused = role === 'VM' ? NO_VM : ['unspecified', 'loopback'];
  if (refused.includes(kind)) return `has the address ${host}, which is ${kind}`;
  const isOwn = includes(listOf(own.addresses), host);
  return isOwn ? `has the address ${host}, which is this machine's own` : undefined;
}

/** E.g. `192.0.2.70:10001`, or `[2001:db8::7]:10001`. */
export function formatAddress({ host, port }: GuestAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
