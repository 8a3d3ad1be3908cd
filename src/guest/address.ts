import type { Instance } from '../controller/instance.ts';

/** Where the guest's SSH server is: an IP address and a TCP port. */
export interface GuestAddress {
  readonly host: string;
  readonly port: number;
}

const SSH_PORT = 22;

/** The node's port that forwards to the guest's SSH server. */
export function sshPort(instance: Instance | undefined): number | undefined {
  return instance?.portForwarding.find(
    ({ guestPort, protocol }) => guestPort === SSH_PORT && protocol?.toLowerCase() !== 'udp',
  )?.hostPort;
}

/** The node's forwarded port, or the VM's own address where no port is forwarded; undefined if neither is known. */
export function guestAddress(instance: Instance): GuestAddress | undefined {
  const { hostIp, ip } = instance;
  const port = sshPort(instance);
  if (port !== undefined) return hostIp === undefined ? undefined : { host: hostIp, port };
  return ip === undefined ? undefined : { host: ip, port: SSH_PORT };
}

/** For people, e.g. `192.0.2.70:10001`, or `[2001:db8::7]:10001`. */
export function formatAddress({ host, port }: GuestAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
