import { seconds } from '../clock.ts';
import { ActionError } from '../errors.ts';
import type { Obstacle } from './guest-verdict.ts';

/** The VM itself failed while its guest was waited for. */
export function lostWithVm(reason: string): ActionError {
  const message = `The VM was restarted and verified, but it failed before its guest was seen to be up: ${reason}.`;
  const hint =
    'Look at the instance and its node in the controller. A VM that is gone or in Error has to be started anew.';
  return new ActionError('guest_not_up', message, { hint });
}

export interface Attempts {
  readonly timeoutMs: number;
  /** What they came to, each kind with its count. */
  readonly tally: string;
}

/** The time is over. @param obstacle what was last in the way. */
export function notUp({ kind, seen }: Obstacle, { timeoutMs, tally }: Attempts): ActionError {
  const message = `The VM was restarted and verified, but its guest was not seen to be up within ${seconds(timeoutMs)}: ${seen}. Attempts: ${tally}.`;
  return new ActionError('guest_not_up', message, { hint: HINTS[kind] });
}

const REACH_NODES =
  'The machine that runs the step has to reach the nodes themselves, not only the controller: check the network, VPN and firewalls between them';

const HINTS: Readonly<Record<Obstacle['kind'], string>> = {
  refused: `Check that Remote Login (SSH) is on in the VM's template, and that the port is forwarded. ${REACH_NODES}.`,
  unreachable: `${REACH_NODES}. Without a forwarded port it has to reach the VM's own address.`,
  silent:
    "The node's forwarder takes connections, but the guest gives no answer: macOS hangs, or needs longer than guest_timeout. Look at the VM's screen through VNC.",
  closed:
    "The node's forwarder found nobody: check that Remote Login (SSH) is on in the VM's template, and look at the VM's screen through VNC.",
  foreign: "Something else than an SSH server answers there: check what the VM's port 22 is forwarded to.",
  'no address': `Forward a port to the guest's port 22 in the VM's template; without one, the VM's own address is used. ${REACH_NODES}.`,
  'not running': 'Look at the instance and its node in the controller: the VM did not stay up.',
  moved: 'Look at the instance in the controller: it was restarted meanwhile, or its ports keep changing.',
  'no answer':
    'Check that the controller is up, that all of its replicas are, and that this machine can reach it.',
};
