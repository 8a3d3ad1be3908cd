import type { Instance } from '../src/controller/instance.ts';
import type { Door } from './knock.ts';

const SSH_PORT = 22;

/** The port of the node that leads to the guest's SSH server; undefined where none is forwarded. */
export function sshDoor({ hostIp, portForwarding }: Instance): Door | undefined {
  const forwarded = portForwarding.find(
    ({ guestPort, protocol }) => guestPort === SSH_PORT && (protocol ?? 'tcp').toLowerCase() !== 'udp',
  );
  return hostIp === undefined || forwarded === undefined
    ? undefined
    : { host: hostIp, port: forwarded.hostPort };
}
