import { seconds } from '../clock.ts';
import { type Instance, isRunning } from '../controller/instance.ts';
import { compareInstants, type Instant } from '../dates.ts';
import { ActionError } from '../errors.ts';
import type { Baseline } from '../restart/boot.ts';
import { isOlder, type Observation } from '../restart/ordering.ts';
import { describeState, type History, judge, startHistory } from '../restart/verdict.ts';
import { formatAddress, type GuestAddress, guestAddress, type OwnMachine } from './address.ts';
import type { Contact } from './contact.ts';

/** What the reads after the verified restart showed, as far as it affects the verdict on later ones. */
export interface GuestHistory {
  /** The boot that was verified: the guest of an earlier boot does not count. */
  readonly provedBoot: Instant;
  /** Its own SSH server is not the guest's. */
  readonly own: OwnMachine;
  /** The newest report, and how long the VM has looked failed. */
  readonly watched: History;
}

/** A boot, and the address at which it can be reached. */
export interface Endpoint {
  readonly startDate: Instant;
  readonly address: GuestAddress;
}

/** Why the step does not know yet that the guest is up. `kind` is for counting, `seen` for messages. */
export interface Obstacle {
  readonly kind: Exclude<Contact['kind'], 'banner'> | 'no address' | 'not running' | 'moved' | 'no answer';
  readonly seen: string;
}

export type GuestVerdict =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'obstacle'; readonly obstacle: Obstacle }
  /** The answer is older than an earlier one, so it proves nothing either way. */
  | { readonly kind: 'outdated' }
  /** The VM itself is lost. */
  | { readonly kind: 'failed'; readonly reason: string };

/** @param proof the answer that verified the restart, when the clock showed `verifiedAt`. */
export function startGuestHistory(
  proof: Instance & { startDate: Instant },
  verifiedAt: number,
  own: OwnMachine,
): GuestHistory {
  const { startDate } = proof;
  const baseline: Baseline = {
    ...{ instance: proof, answeredAt: verifiedAt },
    ...{ startDate, knownStartDates: [startDate] },
  };
  return { provedBoot: startDate, own, watched: startHistory(baseline, verifiedAt) };
}

/**
 * Decides from one read of the instance where its guest can be reached. Pure. A lagging replica's answer proves nothing here
 * either. If the VM has booted again by itself, the guest of that boot counts.
 */
export function judgeGuest(
  history: GuestHistory,
  sample: Observation,
): { verdict: GuestVerdict; history: GuestHistory } {
  const { verdict, history: watched } = judge(history.watched, sample);
  const isLost = verdict.kind === 'failed';
  const found: GuestVerdict = isLost
    ? { kind: 'failed', reason: verdict.reason }
    : findEndpoint(history, sample);
  return { verdict: found, history: { ...history, watched } };
}

function findEndpoint(history: GuestHistory, { instance }: Observation): GuestVerdict {
  if (instance === undefined) return obstacleOf('not running', 'the controller does not list the instance');
  return isOlder(instance, history.watched.newest) ? { kind: 'outdated' } : endpointOf(history, instance);
}

function endpointOf({ provedBoot, own }: GuestHistory, instance: Instance): GuestVerdict {
  const { startDate } = instance;
  if (!isRunning(instance) || startDate === undefined || compareInstants(startDate, provedBoot) < 0)
    return obstacleOf('not running', `the VM is not back: ${describeState(instance)}`);
  const found = guestAddress(instance, own);
  if ('why' in found) return obstacleOf('no address', found.why);
  return { kind: 'endpoint', endpoint: { startDate, address: found.address } };
}

/** The verdict on a read that found no route to the guest. */
export function obstacleOf(
  kind: Obstacle['kind'],
  seen: string,
): { readonly kind: 'obstacle'; readonly obstacle: Obstacle } {
  return { kind: 'obstacle', obstacle: { kind, seen } };
}

/** Whether a read after the banner shows that it was this VM's: the same boot at the same address. */
export function isSameEndpoint(endpoint: Endpoint, { startDate, address }: Endpoint): boolean {
  const isSameBoot = compareInstants(startDate, endpoint.startDate) === 0;
  return isSameBoot && formatAddress(address) === formatAddress(endpoint.address);
}

const CONTACT_WORDS: Readonly<Record<Exclude<Contact['kind'], 'banner'>, string>> = {
  refused: 'the connection was refused',
  unreachable: 'it cannot be reached',
  silent: 'no SSH banner came',
  closed: 'the connection was closed before an SSH banner came',
  penalized: 'the SSH server refuses this machine for a while',
  foreign: 'it is not an SSH server',
};

/** The obstacle that an attempt without a banner met. */
export function obstacleAt({ address }: Endpoint, contact: Exclude<Contact, { kind: 'banner' }>): Obstacle {
  const { kind, detail } = contact;
  return { kind, seen: `${CONTACT_WORDS[kind]} at ${formatAddress(address)} (${detail})` };
}

/** There was a banner, but possibly from another VM. @param why what the read after it showed, if known. */
export function unconfirmed({ address }: Endpoint, why = 'the VM has booted or moved since'): Obstacle {
  const seen = `an SSH server answered at ${formatAddress(address)}, but it may be another VM's: ${why}`;
  return { kind: 'moved', seen };
}

// ---- errors ----

/** The VM itself failed while the step waited for its guest. */
export function lostWithVm(reason: string): ActionError {
  const message = `The VM was restarted and verified, but it failed before its guest was seen to be up: ${reason}.`;
  const hint =
    'Check the instance and its node in the controller. A VM that is gone or in Error must be started again.';
  return new ActionError('guest_not_up', message, { hint });
}

/** `guest_timeout` was reached. @param obstacle the last one. @param tally of the attempts. */
export function notUp({ kind, seen }: Obstacle, timeoutMs: number, tally: string): ActionError {
  const message = `The VM was restarted and verified, but its guest was not seen to be up within ${seconds(timeoutMs)}: ${seen}. Attempts: ${tally}.`;
  return new ActionError('guest_not_up', message, { hint: HINTS[kind] });
}

const REACH_NODES =
  'The machine that runs the step must reach the nodes themselves, not only the controller: check the network, VPN and firewalls between them';

const HINTS: Readonly<Record<Obstacle['kind'], string>> = {
  refused: `Check that Remote Login (SSH) is on in the VM's template, and that the port is forwarded. ${REACH_NODES}.`,
  unreachable: `${REACH_NODES}. Without a forwarded port it must reach the VM's own address. On macOS 15 or later, also allow the runner access to the local network (System Settings, Privacy & Security, Local Network).`,
  silent:
    "The node's forwarder accepts connections, but the guest does not answer: macOS hangs, waits for its disk to be unlocked (FileVault), or needs longer than guest_timeout; or macOS on the node asks whether the forwarder may use the local network. Check the screen of the VM (VNC) and of the node.",
  penalized:
    "The guest's SSH server is up, but refuses this machine after connections without a login, or because of too many (OpenSSH's PerSourcePenalties and MaxStartups). Exempt this machine in the VM's template, with PerSourcePenaltyExemptList in sshd_config.",
  closed:
    "The node's forwarder found no server in the guest: check that Remote Login (SSH) is on in the VM's template, and check the VM's screen through VNC.",
  foreign: "Something other than an SSH server answers there: check what the VM's port 22 is forwarded to.",
  'no address': `Forward a port to the guest's port 22 in the VM's template; without one, the VM's own address is used. ${REACH_NODES}.`,
  'not running': 'Check the instance and its node in the controller: the VM did not stay up.',
  moved:
    'Check the instance in the controller: it was restarted in the meantime, or its ports keep changing.',
  'no answer':
    'Check that the controller and all of its replicas are up, and that this machine can reach it.',
};
