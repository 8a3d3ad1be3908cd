// What a step knows about each runner that it drains, and the part of it that it saves for its post step.
//
// | state      | the runner                                                | next state                                                        |
// | ---------- | --------------------------------------------------------- | ----------------------------------------------------------------- |
// | (none)     | is not drained                                            | `claiming` when a drain begins, `left out` if none may begin      |
// | `left out` | is not drained, and the log says why                      | `claiming` once the reason no longer applies                      |
// | `claiming` | waits for other drains; has no marks of this drain        | `drained` once the drain is saved, `left out` if the runner is gone, (none) if the drain fails |
// | `drained`  | has marks of the drain, or is about to get them           | `unsure` if a request fails or a read is in doubt; (over)         |
// | `unsure`   | the same, but GitHub may make a change of the drain late  | (over)                                                            |
// | (over)     | has its labels again, is gone, or is another drain's      | (none), or `claiming` if the same call drains it again            |
//
// The step saves the drains that are `drained` or `unsure`. Two kinds stay saved when they are over, so that the post step checks them again:
// those that were `unsure`, and those whose runner is gone, because GitHub may show it again.
//
// `claim` enters `claiming`, `leaveOut` enters `left out`, `begin` saves and enters `drained`, `doubt` enters `unsure`, and `end` makes a drain
// (over). A canceled step does not wait for the change of labels in progress, but that change continues. So `follow` keeps it until GitHub has
// answered, and restoring first waits for that answer (`changeOf`).

import type { Clock } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { isRecord } from '../http/json.ts';
import type { Log } from '../log.ts';
import { type Drain, isReplaceable } from './drain-labels.ts';

/** A drain whose labels must be restored, or one that is over and must be checked again. */
export interface SavedDrain extends Drain {
  /** GitHub did not find the runner when its labels were to be restored. */
  readonly isGone?: boolean | undefined;
  /** The labels that are back already. */
  readonly restored?: readonly string[] | undefined;
}

/** What a killed step leaves for its post step. It contains no secret. */
export type DrainState = readonly SavedDrain[];

/** A drain that is not over. */
export interface Held {
  readonly kind: 'drained' | 'unsure';
  readonly drain: SavedDrain;
  /** When GitHub last confirmed a change of the drain, on the clock's scale; undefined if it has confirmed none. */
  readonly changedAt: number | undefined;
}

type RunnerState = { readonly kind: 'left out' } | { readonly kind: 'claiming' } | Held;

export interface RecordsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Called before the first change of each drain, and after each drain. @throws if it cannot save. */
  readonly saveState?: ((state: DrainState) => void) | undefined;
}

/** A read this long after a change shows it: in milliseconds. GitHub's replicas lag by a second or two, during an incident by more. */
const LONGEST_LAG_MS = 60_000;

export class DrainRecords {
  readonly #options: RecordsOptions;
  /** By the runner's ID. */
  readonly #states = new Map<number, RunnerState>();
  /** The changes of labels in progress, by the runner's ID. */
  readonly #changes = new Map<number, Promise<void>>();
  /** The drains that are over, but that the post step checks again. A runner may have several. */
  readonly #toCheck: SavedDrain[] = [];

  /** @param left for the post step: the drains that the step left. GitHub may have made their last changes just now, or may make them late. */
  constructor(options: RecordsOptions, left: DrainState = []) {
    this.#options = options;
    const changedAt = options.clock.now();
    for (const drain of left) this.#states.set(drain.id, { kind: 'unsure', drain, changedAt });
  }

  held(id: number): Held | undefined {
    const state = this.#states.get(id);
    return state !== undefined && 'drain' in state ? state : undefined;
  }

  /** How many other runners are drained, or about to be. A runner whose labels GitHub refused to restore is still drained. */
  countOthers(id: number): number {
    return [...this.#states].filter(([other, { kind }]) => other !== id && kind !== 'left out').length;
  }

  /** Whether a read may be from before the last change of the runner's labels. */
  mayLag(id: number): boolean {
    const { changedAt = Number.NEGATIVE_INFINITY } = this.held(id) ?? {};
    return this.#options.clock.now() - changedAt <= LONGEST_LAG_MS;
  }

  /** @returns false if the runner is left out already. */
  leaveOut(id: number): boolean {
    if (this.#states.get(id)?.kind === 'left out') return false;
    if (this.held(id) === undefined) this.#states.set(id, { kind: 'left out' });
    return true;
  }

  claim(id: number): void {
    this.#states.set(id, { kind: 'claiming' });
  }

  /** Call it before the first change. @throws ActionError `internal_error` if the state cannot be saved. */
  begin(drain: Drain): void {
    this.#states.set(drain.id, { kind: 'drained', drain, changedAt: undefined });
    try {
      this.#save();
    } catch (cause) {
      this.claim(drain.id);
      const message = `The state for the post step cannot be saved, so the runner was not drained: ${describeCause(cause)}.`;
      const hint = 'Check the file that GITHUB_STATE names, and the disk of the machine that runs the step.';
      throw new ActionError('internal_error', message, { hint, cause });
    }
  }

  /** GitHub confirmed a change of the drain. */
  confirm(id: number): void {
    const held = this.held(id);
    if (held !== undefined) this.#states.set(id, { ...held, changedAt: this.#options.clock.now() });
  }

  /** GitHub may make a change of the drain late, even after the labels are restored. */
  doubt(id: number): void {
    const held = this.held(id);
    if (held !== undefined) this.#states.set(id, { ...held, kind: 'unsure' });
  }

  /**
   * The drain is over.
   * @param restored the labels that are back; undefined if GitHub did not find the runner.
   */
  end({ id, name }: Drain, restored: readonly string[] | undefined): void {
    const { kind, drain, changedAt } = this.held(id) ?? {};
    if (drain === undefined) return;
    // If GitHub has confirmed no change, no read can lag behind one, so the post step need not doubt any label.
    const names = changedAt === undefined ? [] : drain.names;
    if (restored === undefined) this.#toCheck.push({ ...drain, isGone: true });
    else if (kind === 'unsure') this.#toCheck.push({ ...drain, names, restored });
    if (this.#changes.has(id)) this.claim(id);
    else this.#states.delete(id);
    try {
      this.#save();
    } catch (error) {
      this.#options.log.info(
        `The post step will check the labels of runner "${name}" again, because the state cannot be saved: ${describeCause(error)}`,
      );
    }
  }

  /** Keeps a change of labels until it is over. If it fails or is canceled, GitHub may still make it late. */
  follow(id: number, change: Promise<unknown>): void {
    const end = () => {
      this.#changes.delete(id);
      if (this.#states.get(id)?.kind === 'claiming') this.#states.delete(id);
    };
    const ended = change.catch(() => this.doubt(id)).then(end);
    this.#changes.set(id, ended);
  }

  /** Resolves when the change of labels in progress is over; undefined if there is none. */
  changeOf(id: number): Promise<void> | undefined {
    return this.#changes.get(id);
  }

  /** Saves the most important drains first, because the last ones may not fit. */
  #save(): void {
    const held = [...this.#states.keys()].flatMap((id) => this.held(id)?.drain ?? []);
    const gone = this.#toCheck.filter(({ isGone = false }) => isGone).reverse();
    const others = this.#toCheck.filter(({ isGone = false }) => !isGone);
    this.#options.saveState?.(shortened([...held, ...others, ...gone]));
  }
}

/** In characters. The post step gets the state in an environment variable, which can have 32,767 characters on Windows. */
const LONGEST_STATE = 30_000;

/** Leaves out the names of all labels if the state is too long, and then the last drains if it still is. */
function shortened(state: DrainState): DrainState {
  if (JSON.stringify(state).length <= LONGEST_STATE) return state;
  let length = 0;
  return state
    .map((each) => ({ ...each, names: [] }))
    .filter((each) => {
      length += JSON.stringify(each).length + 1;
      return length <= LONGEST_STATE;
    });
}

/** @param state the JSON value of a saved state. Damaged entries are ignored. */
export function stateFrom(state: unknown): DrainState {
  return (Array.isArray(state) ? state : []).flatMap((each: unknown) => {
    const { id, name, owner, names, isGone, restored } = isRecord(each) ? each : {};
    if (typeof id !== 'number' || typeof name !== 'string' || typeof owner !== 'string') return [];
    const replaced = textsIn(names).filter((label) => isReplaceable(label, owner));
    return [{ id, name, owner, names: replaced, isGone: isGone === true, restored: textsIn(restored) }];
  });
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
