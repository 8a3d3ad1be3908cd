import { connectToGuest } from '../../simulator/guests.ts';
import type { World } from '../../simulator/world.ts';
import type { GuestAddress } from '../../src/guest/address.ts';
import type { ConnectionEvents, Dial } from '../../src/guest/contact.ts';
import { failure } from './network.ts';
import type { GuestScenario } from './scenario.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Faults of a single connection. */
export type DialFault = 'guest refused' | 'guest silent' | 'guest cut';

export const DIAL_FAULTS: readonly DialFault[] = ['guest refused', 'guest silent', 'guest cut'];

interface SimulatedGuests {
  readonly time: VirtualTime;
  readonly world: World;
  readonly guest: GuestScenario;
  /** One way, approximately: in milliseconds. */
  readonly latencyMs: number;
  readonly faultOf: () => DialFault | undefined;
  /** Called for each connection, and for each address whose greeting reached the step. */
  readonly onDial: (address: GuestAddress) => void;
  readonly onGreeting: (address: GuestAddress) => void;
}

/** Connections to the guests of a world, on virtual time: no socket. */
export function createSimulatedDial(options: SimulatedGuests): Dial {
  return (address, events) => {
    options.onDial(address);
    const call = new Call(options, { address, events });
    call.begin();
    return () => call.end();
  };
}

interface Dialed {
  readonly address: GuestAddress;
  readonly events: ConnectionEvents;
}

/** One connection. Nothing that happens after its end reaches the step. */
class Call {
  readonly #options: SimulatedGuests;
  readonly #dialed: Dialed;
  #isOver = false;

  constructor(options: SimulatedGuests, dialed: Dialed) {
    this.#options = options;
    this.#dialed = dialed;
  }

  begin(): void {
    const { guest, faultOf, latencyMs } = this.#options;
    const fault = faultOf();
    if (!guest.isReachable) return;
    this.#later(2 * latencyMs, () => this.#connect(fault));
  }

  end(): void {
    this.#isOver = true;
  }

  #connect(fault: DialFault | undefined): void {
    const reaction = this.#ask();
    if (reaction.kind === 'refused' || fault === 'guest refused') {
      this.#fail(failure('ECONNREFUSED', 'connect ECONNREFUSED'));
      return;
    }
    this.#dialed.events.connected();
    if (reaction.says === undefined || fault === 'guest silent') return;
    const { guest, time } = this.#options;
    this.#later(Math.max(0, reaction.says.at - time.now()) + guest.greetsAfterMs, () => this.#greet(fault));
  }

  /** The banner comes in two pieces, if the server still runs. */
  #greet(fault: DialFault | undefined): void {
    const reaction = this.#ask();
    if (reaction.kind === 'refused' || reaction.says === undefined || fault === 'guest cut') {
      this.#fail(failure('ECONNRESET', 'read ECONNRESET'));
      return;
    }
    const bytes = Buffer.from(reaction.says.text);
    const middle = Math.floor(bytes.length / 2);
    this.#dialed.events.received(bytes.subarray(0, middle));
    this.#later(this.#options.latencyMs, () => {
      this.#options.onGreeting(this.#dialed.address);
      this.#dialed.events.received(bytes.subarray(middle));
    });
  }

  #ask() {
    const { world, time, guest } = this.#options;
    world.advanceTo(time.now());
    return connectToGuest(world, this.#dialed.address, guest.habits);
  }

  #fail(error: Error): void {
    this.#isOver = true;
    this.#dialed.events.ended(error);
  }

  #later(ms: number, run: () => void): void {
    const { time } = this.#options;
    time.atProcess(time.now() + ms, () => {
      if (!this.#isOver) run();
    });
  }
}
