import type { Clock } from '../clock.ts';
import { NOTHING_DONE, type Outcome } from '../restart/outcome.ts';
import type { FleetOutcome, MemberOutcome } from './fleet-outcome.ts';
import type { VmOutcome } from './one-vm.ts';
import type { Member } from './targets.ts';

/** What is known of each VM of a fleet, by its index. */
export interface Roster {
  /** As of now. */
  outcome(): FleetOutcome;
  /** Tells of all that is known right before a restart may leave. What `announce` throws keeps it from leaving. */
  depart(index: number, known: Outcome): void;
  /** The restart is over; guest and runner may still be waited for. */
  restarted(index: number, known: Outcome): void;
  end(index: number, outcome: VmOutcome): void;
}

export interface RosterOptions extends Pick<FleetOutcome, 'isDryRun' | 'mostFailures'> {
  readonly members: readonly Member[];
  readonly clock: Clock;
  readonly announce?: ((outcome: FleetOutcome) => void) | undefined;
}

/** All is told anew so often at most: what is told is appended to a file, and grows with the fleet. */
const MOST_ANNOUNCEMENTS = 50;

export function createRoster({ members, clock, announce, ...plan }: RosterOptions): Roster {
  const vms: MemberOutcome[] = members.map(({ name, target }) => {
    return { ...NOTHING_DONE, name, target, endedAt: undefined };
  });
  /** Those of whom is told already that their restart may have left. */
  const covered = new Set<number>();
  const atOnce = Math.ceil(members.length / MOST_ANNOUNCEMENTS);
  let error: FleetOutcome['error'];

  /** Should the process be killed, nobody knows of these whether their restart had left: the one that leaves now, and the next ones. */
  function unsure(index: number): Set<number> {
    const later = vms.flatMap(({ endedAt }, other) => {
      return endedAt === undefined && other !== index && !covered.has(other) ? [other] : [];
    });
    return new Set([...covered, index, ...later.slice(0, atOnce - 1)]);
  }

  function announceWith(maybeSent: ReadonlySet<number>): void {
    const known = vms.map((vm, index): MemberOutcome => {
      // What is verified stays so, though its guest and runner may still be waited for.
      const isOpen = vm.endedAt === undefined && vm.restarted !== 'true';
      return isOpen && maybeSent.has(index) ? { ...vm, restarted: 'unknown' } : vm;
    });
    announce?.({ ...plan, vms: known, error });
  }

  function change(index: number, to: Partial<MemberOutcome>): void {
    const vm = vms[index];
    if (vm !== undefined) vms[index] = { ...vm, ...to };
  }

  return {
    outcome: () => ({ ...plan, vms: [...vms], error }),
    depart(index, known) {
      change(index, known);
      if (covered.has(index)) return;
      const maybeSent = unsure(index);
      announceWith(maybeSent);
      for (const one of maybeSent) covered.add(one);
    },
    restarted: change,
    end(index, outcome) {
      error ??= outcome.error;
      change(index, { ...outcome, endedAt: clock.now() });
    },
  };
}
