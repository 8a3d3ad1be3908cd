import type { Instance } from '../controller/instance.ts';
import type { GuestAddress } from './dial.ts';

const SSH_PORT = 22;

/** The port of the node that leads to the guest's SSH server. */
export function sshPort(instance: Instance | undefined): number | undefined {
  return instance?.portForwarding.find(
    ({ guestPort, protocol }) => guestPort === SSH_PORT && protocol?.toLowerCase() !== 'udp',
  )?.hostPort;
}

/** Where the guest's SSH server is: at the node's forwarded port, else at the VM's own address; undefined where neither is known. */
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
