import { LeftAlone } from '../restart/outcome.ts';
import { haveAllArrived, isOver, type Phase, type Standing, type TurnLimits, whomToBegin } from './turns.ts';

/** The places of a fleet, and who has one: wakes those that wait as soon as turns.ts says that it is their turn. VMs go by their index. */
export interface Places {
  readonly standings: readonly Standing[];
  /** The VM has come to its gate: a restart that had left was certainly not carried out. Resolves once all have come, or have ended. */
  arrive(index: number): Promise<void>;
  /** Resolves once the VM has a place, which it may have already. */
  take(index: number): Promise<void>;
  has(index: number): boolean;
  phaseOf(index: number): Phase;
  /** The VM is in use, and waits until it is not. */
  giveBack(index: number): void;
  /** The VM's restart leaves: from now on it is followed to its end, whatever becomes of the others. */
  depart(index: number): void;
  end(index: number, hasFailed: boolean): void;
  /** Aborts with {@link LeftAlone} once the VM's restart must not be begun any more. */
  dismissalOf(index: number): AbortSignal;
}

interface Seat {
  phase: Phase;
  hasFailed: boolean;
  hasDeparted: boolean;
  readonly turn: Event;
  readonly dismissal: AbortController;
}

export function createPlaces(vms: number, limits: TurnLimits): Places {
  const allArrived = createEvent();
  const turnNeverCame = new LeftAlone('not_started');
  const seats = Array.from({ length: vms }, createSeat);

  function update(): void {
    if (haveAllArrived(seats)) allArrived.happen();
    for (const seat of whomToBegin(seats, limits).map((index) => seatOf(index))) {
      seat.phase = 'under way';
      seat.turn.happen();
    }
    if (isOver(seats, limits)) dismissAll();
  }

  /** Whoever is still on the way to its gate may find out that it is not fit: then it says so. */
  function dismissAll(): void {
    for (const { phase, hasDeparted, dismissal } of seats) {
      if (phase !== 'ended' && !hasDeparted && !dismissal.signal.aborted) dismissal.abort(turnNeverCame);
    }
  }

  function seatOf(index: number): Seat {
    const seat = seats[index];
    if (seat === undefined) throw new Error(`there is no VM ${index}`);
    return seat;
  }

  function change(index: number, to: Partial<Seat>): Seat {
    const seat = Object.assign(seatOf(index), to);
    update();
    return seat;
  }

  return {
    standings: seats,
    arrive(index) {
      const isFirst = seatOf(index).phase === 'preparing';
      change(index, { hasDeparted: false, ...(isFirst && { phase: 'waiting' }) });
      return allArrived.promise;
    },
    take(index) {
      const { phase, turn } = seatOf(index);
      return phase === 'waiting'
        ? change(index, { phase: 'ready', turn: createEvent() }).turn.promise
        : turn.promise;
    },
    has: (index) => seatOf(index).phase === 'under way',
    phaseOf: (index) => seatOf(index).phase,
    giveBack: (index) => void change(index, { phase: 'waiting' }),
    depart(index) {
      seatOf(index).hasDeparted = true;
    },
    end: (index, hasFailed) => void change(index, { phase: 'ended', hasFailed }),
    dismissalOf: (index) => seatOf(index).dismissal.signal,
  };
}

function createSeat(): Seat {
  return {
    phase: 'preparing',
    hasFailed: false,
    hasDeparted: false,
    turn: createEvent(),
    dismissal: new AbortController(),
  };
}

/** Something that can be waited for, and happens once. */
interface Event {
  readonly promise: Promise<void>;
  happen(): void;
}

function createEvent(): Event {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, happen: resolve };
}
