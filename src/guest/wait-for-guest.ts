// Once the restart is verified, the hypervisor has started the VM, but macOS may still be booting, or hang. So the step probes the guest:
//
// 1. A read of the instance shows where its SSH server is now: forwarded ports may change with each boot.
// 2. The step connects there and waits for the server's banner. A port forwarder accepts connections before the guest does, so a
//    connection alone proves nothing.
// 3. A second read must show the same boot at the same address: otherwise the banner may be another VM's.
//
// This repeats until guest_timeout, with a last attempt at the end.

import { seconds } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { ActionError, asActionError, explainCancellation } from '../errors.ts';
import { createProgressLog, type ProgressLog } from '../log.ts';
import { type PollOptions, pollUntil } from '../poll.ts';
import type { Outcome, RestartContext } from '../restart/outcome.ts';
import type { OwnMachine } from './address.ts';
import { contact, type Dial } from './contact.ts';
import {
  type Endpoint,
  type GuestHistory,
  type GuestVerdict,
  isSameEndpoint,
  judgeGuest,
  lostWithVm,
  notUp,
  type Obstacle,
  obstacleAt,
  obstacleOf,
  startGuestHistory,
  unconfirmed,
} from './guest-verdict.ts';

/** The inputs of the guest check. */
export interface GuestOptions {
  /** `guest_timeout`, from the verified restart on. */
  readonly timeoutMs: number;
}

/** The same, with the means to connect. */
export interface GuestCheck extends GuestOptions {
  readonly dial: Dial;
  readonly own: OwnMachine;
}

/** The state of the guest after the restart. */
export interface GuestOutcome {
  /** `up`: its SSH server answered after the new boot. Undefined: not checked, or not known. */
  readonly status: 'up' | 'not_up' | undefined;
  /** When the step saw that it is up, in milliseconds on the clock's scale. */
  readonly upAt: number | undefined;
}

/** What the wait for the guest adds to an outcome. */
export interface AfterGuest {
  readonly guest: GuestOutcome;
  /** The instance as last seen; absent if it was not read again. */
  readonly last?: Instance;
  readonly error?: ActionError;
}

/** Waits for the guest after a verified restart. Never throws: a failure is part of the result. */
export async function waitForGuest(
  { proof, moments: { verified: verifiedAt } }: Outcome,
  check: GuestCheck,
  context: RestartContext,
): Promise<AfterGuest> {
  if (proof?.startDate === undefined || verifiedAt === undefined) return { guest: NO_GUEST };
  const history = startGuestHistory({ ...proof, startDate: proof.startDate }, verifiedAt, check.own);
  const progress = createProgressLog({ log: context.log, now: context.clock.now, sentAt: verifiedAt });
  const { instanceId } = proof;
  const wait: Wait = { check, context, progress, instanceId, verifiedAt, history, last: undefined };
  try {
    await untilUp(wait);
    return { guest: { status: 'up', upAt: context.clock.now() }, ...lastSeen(wait) };
  } catch (thrown) {
    const error = asActionError(thrown);
    const status = error.code === 'guest_not_up' ? 'not_up' : undefined;
    return {
      guest: { status, upAt: undefined },
      ...lastSeen(wait),
      error: explainCancellation(error, GUEST_UNKNOWN),
    };
  }
}

const GUEST_UNKNOWN = 'The VM was restarted and verified; whether its guest is up is not known.';
const NO_GUEST: GuestOutcome = { status: undefined, upAt: undefined };

/** The state of the wait; moments are milliseconds on the clock's scale. */
interface Wait {
  readonly check: GuestCheck;
  readonly context: RestartContext;
  readonly progress: ProgressLog;
  readonly instanceId: string;
  readonly verifiedAt: number;
  history: GuestHistory;
  last: Instance | undefined;
}

function lastSeen({ last }: Wait): { last?: Instance } {
  return last === undefined ? {} : { last };
}

/** One attempt, connecting and reading together. */
const LONGEST_CONTACT_MS = 5_000;
/** After the first attempts, and after all others. */
const FIRST_PAUSES_MS = [1_000, 2_000];
const LATER_PAUSE_MS = 5_000;

const UNREAD = 'the instance could not be read';

async function untilUp(wait: Wait): Promise<void> {
  const { check, context, progress, verifiedAt } = wait;
  const { clock, log, signal } = context;
  const deadline = verifiedAt + check.timeoutMs;
  let obstacle: Obstacle = { kind: 'no answer', seen: UNREAD };
  let attempts = 0;
  const polling: PollOptions = {
    ...{ clock, signal, deadline: () => deadline },
    nextAt: () => clock.now() + (FIRST_PAUSES_MS[attempts++] ?? LATER_PAUSE_MS),
  };
  const banner = await pollUntil(polling, async ({ until }) => {
    const result = await attempt(wait, until);
    if (typeof result === 'string') return result;
    const { kind, seen } = result;
    progress.note(kind, `waiting for the guest: ${seen}`);
    // The guest's last behavior says more than a missing answer from the controller at the end.
    if (kind !== 'no answer' || obstacle.kind === 'no answer') obstacle = result;
    return undefined;
  });
  if (banner === undefined) throw notUp(obstacle, check.timeoutMs, progress.tally());
  log.info(`The guest is up: "${banner}", ${seconds(clock.now() - verifiedAt)} after the VM was verified`);
}

/** @returns the banner, or why there is none. @throws ActionError if the VM itself is lost, or the step is canceled. */
async function attempt(wait: Wait, until: number): Promise<string | Obstacle> {
  const { clock, signal } = wait.context;
  const endpoint = await findGuest(wait, until);
  if ('seen' in endpoint) return endpoint;
  const ms = Math.min(LONGEST_CONTACT_MS, Math.max(0, until - clock.now()));
  const heard = await contact({ clock, dial: wait.check.dial, address: endpoint.address }, { ms, signal });
  if (heard.kind !== 'banner') return obstacleAt(endpoint, heard);
  const again = await findGuest(wait, until);
  if ('seen' in again) return unconfirmed(endpoint, again.seen);
  return isSameEndpoint(endpoint, again) ? heard.banner : unconfirmed(endpoint);
}

/** After a lagging replica's answer, another replica will most likely answer the next read. In milliseconds. */
const OUTDATED_PAUSE_MS = 1_000;
const SHORTEST_READ_MS = 250;

/** Reads the instance until an answer counts. @throws ActionError if the VM itself is lost, or the step is canceled. */
async function findGuest(wait: Wait, until: number): Promise<Endpoint | Obstacle> {
  const { clock, signal } = wait.context;
  for (;;) {
    const verdict = await readGuest(wait, until);
    if (verdict.kind === 'failed') throw lostWithVm(verdict.reason);
    if (verdict.kind === 'endpoint') return verdict.endpoint;
    if (verdict.kind === 'obstacle') return verdict.obstacle;
    const leftMs = until - clock.now();
    if (leftMs < SHORTEST_READ_MS)
      return { kind: 'no answer', seen: `${UNREAD}: the answers are older than an earlier one` };
    await clock.sleep(Math.min(OUTDATED_PAUSE_MS, leftMs / 4), signal);
  }
}

async function readGuest(wait: Wait, until: number): Promise<GuestVerdict> {
  const { context, instanceId, progress } = wait;
  const { clock, controller, signal } = context;
  const askedAt = clock.now();
  let instance: Instance | undefined;
  try {
    instance = await controller.getInstance(instanceId, { deadline: until, signal, onFault: progress.fault });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ActionError)) throw error;
    return obstacleOf('no answer', `${UNREAD}: ${error.message.replace(/\.$/, '')}`);
  }
  progress.answered();
  const { verdict, history } = judgeGuest(wait.history, { askedAt, answeredAt: clock.now(), instance });
  wait.history = history;
  if (verdict.kind !== 'outdated') wait.last = instance ?? wait.last;
  return verdict;
}
