import { types } from 'node:util';
import { type Instance, type PortForwarding, WELL_KNOWN } from './controller/instance.ts';
import { type ActionError, causeChain } from './errors.ts';
import type { Outcome } from './restart/restart.ts';
import { setOutputs } from './runner.ts';
import type { Terminal } from './terminal.ts';

const SSH_PORT = 22;

/**
 * Every output that action.yml declares, as far as known; else empty. The instance as it came is never put out.
 * @param show makes free text from outside harmless. Dates, ports, addresses and IDs were checked when they were read; and a
 * well-known word is no secret, even if somebody's password is a part of it.
 */
export function outputsOf(outcome: Outcome, show: (text: string) => string) {
  const { restarted, before, last, durationMs, error } = outcome;
  const word = (text = '') => (WELL_KNOWN.has(text) ? text : show(text));
  return {
    restarted: restarted as string,
    start_date: last?.startDate?.text ?? '',
    previous_start_date: before?.startDate?.text ?? '',
    instance_id: last?.instanceId ?? '',
    external_id: show(last?.externalId ?? before?.externalId ?? ''),
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
    error_code: error?.code ?? '',
  };
}

/** The port of the node that leads to the guest's SSH server. */
export function sshPort(instance: Instance | undefined): number | undefined {
  return instance?.portForwarding.find(({ guestPort }) => guestPort === SSH_PORT)?.hostPort;
}

function wireForm(
  { guestPort, hostPort, protocol = '', name = '' }: PortForwarding,
  show: (text: string) => string,
) {
  return { guest_port: guestPort, host_port: hostPort, protocol: show(protocol), name: show(name) };
}

/** On failure, prints the one error annotation, stacks and causes to the debug log; then sets every output. */
export function report(outcome: Outcome, terminal: Terminal): void {
  if (outcome.error !== undefined) reportError(outcome.error, { terminal, title: titleOf(outcome) });
  setOutputs(outputsOf(outcome, terminal.clean));
}

/** What happened, in a few words. */
export function titleOf({ restarted, error }: Outcome): string {
  if (error === undefined) return restarted === 'true' ? 'VM restarted' : 'VM can be restarted (dry run)';
  return `${restarted === 'false' ? 'VM not restarted' : 'VM restart not verified'}: ${error.code}`;
}

function reportError(error: ActionError, { terminal, title }: { terminal: Terminal; title: string }): void {
  for (const link of causeChain(error)) {
    for (const line of stackOf(link).split('\n')) terminal.debug(line);
  }
  terminal.error(title, error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
}

function stackOf(thrown: unknown): string {
  return types.isNativeError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown);
}
