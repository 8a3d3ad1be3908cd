import type { InstanceRecord } from './model.ts';
import type { World } from './world.ts';

/** How the guests in a world's VMs, and the way to them, behave; times in milliseconds. */
export interface GuestHabits {
  /** From a boot to the guest's SSH server answering. */
  readonly bootMs: number;
  /** What keeps guests from coming up again after a boot that somebody asked for, if anything. */
  readonly fault?: GuestFault | undefined;
  /** What a forwarder does with a connection before the guest takes any. */
  readonly forwarder: 'accepts' | 'refuses';
}

/**
 * `never`: the guest hangs as it boots. `silent`: the forwarder takes connections, and the guest never hears of them. `foreign`:
 * something else than an SSH server answers.
 */
export const GUEST_FAULTS = ['never', 'silent', 'foreign'] as const;

export type GuestFault = (typeof GUEST_FAULTS)[number];

/** What becomes of a connection to an address. */
export type GuestReaction =
  | { readonly kind: 'refused' }
  /** Taken; what is said, if anything ever is, once the world's time has come to `at`. */
  | { readonly kind: 'accepted'; readonly says: { readonly text: string; readonly at: number } | undefined };

const BANNER = 'SSH-2.0-OpenSSH_9.9\r\n';
const NO_BANNER = 'HTTP/1.1 400 Bad Request\r\n\r\n';
const GUEST_PORT = 22;

/** When the guest of a VM that runs is up, since its last boot; undefined where it will not be. Its faults begin with its first restart. */
export function guestUpAt({ vm }: InstanceRecord, { bootMs, fault }: GuestHabits): number | undefined {
  if (vm?.power !== 'running' || (fault !== undefined && vm.stoppedAt !== undefined)) return undefined;
  return vm.bootedAt + bootMs;
}

/** What a machine that reaches both nodes and VMs meets there, as the world is now. Pure. */
export function connectToGuest(
  world: World,
  { host, port }: { readonly host: string; readonly port: number },
  habits: GuestHabits,
): GuestReaction {
  const isDirect = ({ vm }: InstanceRecord) => vm?.ip === host && port === GUEST_PORT;
  const isForwarded = ({ vm, node }: InstanceRecord) => node?.ip === host && vm?.sshPort === port;
  // A VM that is stopped holds no port: by now it may be another VM's.
  const record = world.records.find(
    (one) => one.vm?.power === 'running' && (isDirect(one) || isForwarded(one)),
  );
  if (record?.vm === undefined) return { kind: 'refused' };
  const [upAt, hasFault] = [guestUpAt(record, habits), record.vm.stoppedAt !== undefined];
  if (hasFault && habits.fault === 'foreign')
    return { kind: 'accepted', says: { text: NO_BANNER, at: world.now } };
  const isUp = upAt !== undefined && upAt <= world.now;
  if (!isUp && habits.forwarder === 'refuses' && habits.fault !== 'silent') return { kind: 'refused' };
  return { kind: 'accepted', says: upAt === undefined ? undefined : { text: BANNER, at: upAt } };
}
