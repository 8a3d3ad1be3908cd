import type { Random } from '../../simulator/random.ts';
import type { RequestFault } from './request-faults.ts';
import type { Scenario } from './scenario.ts';
import { START, type Stage } from './stage.ts';

/** What the parts of a testbed share. */
export interface Common {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly chances: Chances;
  /** Writes a line about what happens now. */
  readonly log: (text: () => string) => void;
}

/** Decides by chance which faults happen until they end, and keeps the kinds that did. */
export class Chances {
  /** Kinds of faults that really happened. */
  readonly faults = new Set<string>();
  /** When faults end. */
  readonly endAt: number;
  readonly #rates: Scenario['network']['rates'];
  readonly #random: Random;
  readonly #now: () => number;
  readonly #known = new Map<string, Random>();

  constructor(
    { scenario, random }: { readonly scenario: Scenario; readonly random: Random },
    now: () => number,
  ) {
    this.endAt = START + scenario.faultsEndAfterMs;
    this.#rates = scenario.network.rates;
    this.#random = random;
    this.#now = now;
  }

  /** Whether faults have ended. */
  get areOver(): boolean {
    return this.#now() >= this.endAt;
  }

  /** Each kind of fault has its own random source, so that leaving one out changes no other. */
  next(kind: string): number {
    const known = this.#known.get(kind);
    if (known !== undefined) return known.next();
    const chance = this.#random.fork(kind);
    this.#known.set(kind, chance);
    return chance.next();
  }

  /** Whether a fault happens to the request that is being handled. */
  happens(fault: RequestFault): boolean {
    const rate = this.#rates[fault];
    const isSo = rate > 0 && !this.areOver && this.next(fault) < rate;
    if (isSo) this.faults.add(fault);
    return isSo;
  }
}
