import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant } from '../dates.ts';
import { isOlder } from '../restart/ordering.ts';
import {
  type Baseline,
  describeState,
  type History,
  judge,
  type Sample,
  startHistory,
} from '../restart/verdict.ts';
import { formatAddress, guestAddress } from './address.ts';
import type { Contact } from './contact.ts';
import type { GuestAddress } from './dial.ts';

/** What the looks after the verified restart showed, as far as later ones are judged by it. */
export interface GuestHistory {
  /** The boot that was verified: the guest of an earlier one does not count. */
  readonly provedBoot: Instant;
  /** The newest report, and for how long the VM has looked failed. */
  readonly watched: History;
}

/** Where a boot can be reached, and the boot itself. */
export interface Endpoint {
  readonly startDate: Instant;
  readonly address: GuestAddress;
}

/** Why the guest is not known to be up yet. `kind` is for counting; the rest for people. */
export interface Obstacle {
  readonly kind: Exclude<Contact['kind'], 'banner'> | 'no address' | 'not running' | 'moved' | 'no answer';
  readonly seen: string;
}

export type LookVerdict =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'obstacle'; readonly obstacle: Obstacle }
  /** The answer is older than one before, so it proves nothing, be it for or against. */
  | { readonly kind: 'outdated' }
  /** The VM itself is lost. */
  | { readonly kind: 'failed'; readonly reason: string };

/** @param proof the answer that verified the restart, when the clock showed `verifiedAt`. */
export function startGuestHistory(
  proof: Instance & { startDate: Instant },
  verifiedAt: number,
): GuestHistory {
  const { startDate } = proof;
  const baseline: Baseline = { instance: proof, startDate, knownStartDates: [startDate] };
  return { provedBoot: startDate, watched: startHistory(baseline, verifiedAt) };
}

/**
 * Decides from one look where the guest is to be found, if anywhere. Pure. Answers of replicas that lag behind prove nothing here
 * either; and the VM may have booted once more by itself: then the guest of that boot is the one to wait for.
 */
export function judgeLook(
  history: GuestHistory,
  sample: Sample,
): { verdict: LookVerdict; history: GuestHistory } {
  const { verdict, history: watched } = judge(history.watched, sample);
  const isLost = verdict.kind === 'failed';
  const found: LookVerdict = isLost
    ? { kind: 'failed', reason: verdict.reason }
    : findEndpoint(history, sample);
  return { verdict: found, history: { ...history, watched } };
}

function findEndpoint(history: GuestHistory, { instance }: Sample): LookVerdict {
  if (instance === undefined) return obstacleOf('not running', 'the controller does not list the instance');
  return isOlder(instance, history.watched.newest) ? { kind: 'outdated' } : endpointOf(history, instance);
}

function endpointOf({ provedBoot }: GuestHistory, instance: Instance): LookVerdict {
  const { state, status, startDate, hostIp, ip } = instance;
  const isUp = state === 'Started' && status === 'running' && startDate !== undefined;
  if (!isUp || compareInstants(startDate, provedBoot) < 0)
    return obstacleOf('not running', `the VM is not back: ${describeState(instance)}`);
  const address = guestAddress(instance);
  if (address !== undefined) return { kind: 'endpoint', endpoint: { startDate, address } };
  const node = hostIp === undefined ? 'the node has no known address' : 'no port forwards to its port 22';
  return obstacleOf('no address', `${node}${ip === undefined ? ', and the VM has no known address' : ''}`);
}

/** For a look that found no way to the guest. */
export function obstacleOf(
  kind: Obstacle['kind'],
  seen: string,
): { readonly kind: 'obstacle'; readonly obstacle: Obstacle } {
  return { kind: 'obstacle', obstacle: { kind, seen } };
}

/** Whether a look after the banner shows that it was this VM's: the same boot at the same place. */
export function isSameEndpoint(endpoint: Endpoint, { startDate, address }: Endpoint): boolean {
  const isSameBoot = compareInstants(startDate, endpoint.startDate) === 0;
  return isSameBoot && formatAddress(address) === formatAddress(endpoint.address);
}

const WORDS: Readonly<Record<Exclude<Contact['kind'], 'banner'>, string>> = {
  refused: 'the connection was refused',
  unreachable: 'it cannot be reached',
  silent: 'nothing came',
  closed: 'the connection was closed before a word came',
  foreign: 'what came is no SSH banner',
};

/** What an attempt without a banner came to. */
export function obstacleAt({ address }: Endpoint, contact: Exclude<Contact, { kind: 'banner' }>): Obstacle {
  const { kind, detail } = contact;
  return { kind, seen: `${WORDS[kind]} at ${formatAddress(address)} (${detail})` };
}

/** A banner came, but not for certain from this VM. @param why what a look after it showed instead, if that is known. */
export function unconfirmed({ address }: Endpoint, why = 'the VM has booted or moved meanwhile'): Obstacle {
  const seen = `an SSH server answered at ${formatAddress(address)}, but it may be another VM's: ${why}`;
  return { kind: 'moved', seen };
}
