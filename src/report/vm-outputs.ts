import { type PortForwarding, type Target, WELL_KNOWN } from '../controller/instance.ts';
import type { VmOutcome } from '../fleet/one-vm.ts';
import { sshPort } from '../guest/address.ts';

/** Makes a text from outside harmless. */
export type Show = (text: string) => string;

export type VmOutputs = ReturnType<typeof vmOutputs>;

/**
 * The outputs about one VM, as far as known; else empty. The instance as it came is never put out.
 * @param show makes free text from outside harmless. Dates, ports, addresses and IDs were checked when they were read; and a
 * well-known word is no secret, even if somebody's password is a part of it.
 */
export function vmOutputs(outcome: VmOutcome, show: Show) {
  const { restarted, before, last, proof, durationMs, runner, guest } = outcome;
  const word = (text = '') => (WELL_KNOWN.has(text) ? text : show(text));
  return {
    restarted: restarted as string,
    // A later answer may lack it for a while, as the node's agent does not know it at once.
    start_date: (last?.startDate ?? proof?.startDate)?.text ?? '',
    previous_start_date: before?.startDate?.text ?? '',
    instance_id: last?.instanceId ?? given('instance_id', outcome),
    external_id: show(last?.externalId ?? before?.externalId ?? given('external_id', outcome)),
    instance_state: word(last?.state),
    status: word(last?.status),
    node_id: show(last?.nodeId ?? ''),
    host_ip: last?.hostIp ?? '',
    ip: last?.ip ?? '',
    vnc_port: String(last?.vncPort ?? ''),
    ssh_port: String(sshPort(last) ?? ''),
    port_forwarding:
      last === undefined ? '' : JSON.stringify(last.portForwarding.map((port) => wireForm(port, show))),
    duration: durationMs === undefined ? '' : (durationMs / 1000).toFixed(1),
    runner_status: runner?.status ?? '',
    guest_status: guest?.status ?? '',
  };
}

/** What was asked for, where the controller never showed it. */
function given(by: Target['by'], { target }: VmOutcome): string {
  return target?.by === by ? target.id : '';
}

function wireForm({ guestPort, hostPort, protocol = '', name = '' }: PortForwarding, show: Show) {
  return { guest_port: guestPort, host_port: hostPort, protocol: show(protocol), name: show(name) };
}
