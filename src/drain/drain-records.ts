// What a step knows about each runner that it drains, and what it saves of that for its post step.
//
// | state      | the runner                                                | next state                                                        |
// | ---------- | --------------------------------------------------------- | ----------------------------------------------------------------- |
// | (none)     | is not drained                                            | `claiming` when a drain begins, `left out` if none may begin      |
// | `left out` | is not drained, and the log says why                      | `claiming` once the reason no longer applies                      |
// | `claiming` | waits for other drains; nothing of this drain is on it    | `drained` once the drain is saved, `left out` if the runner is gone, (none) if the drain fails |
// | `drained`  | has marks of the drain, or is about to get them           | `unsure` if a request fails or a read is in doubt; (over)         |
// | `unsure`   | the same, and GitHub may still make a change of the drain | (over)                                                            |
// | (over)     | has its labels again, is gone, or is another drain's      | (none), or `claiming` if the same call drains it again            |
//
// The step saves the drains in `drained` and `unsure`. After it is over, a drain stays saved if it was `unsure`, because GitHub may make the
// change late, or if its runner is gone, because GitHub may show it again: the post step checks it.
//
// The methods make these transitions: `claim` and `leaveOut` enter the states of those names, `begin` enters `drained` and saves, `doubt`
// enters `unsure`, and `end` makes it (over). A cancellation ends the step's wait, but not the change of labels in progress. So `follow` keeps
// each change until GitHub has answered it, and restoring first waits for that answer (`changeOf`).

import type { Clock } from '../clock.ts';
import { ActionError, describeCause } from '../errors.ts';
import { isRecord } from '../http/json.ts';
import type { Log } from '../log.ts';
import { type Drain, isReplaceable } from './drain-labels.ts';

/** A drain whose labels must be restored, or that is over and must be checked again. */
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
  /** When GitHub last confirmed a change of the drain: on the clock's scale. */
  readonly changedAt: number | undefined;
}

type RunnerState = { readonly kind: 'left out' } | { readonly kind: 'claiming' } | Held;

export interface RecordsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Called before each drain's first change, and when a drain is over. @throws if it cannot save. */
  readonly saveState?: ((state: DrainState) => void) | undefined;
}

/** In milliseconds: after this time, GitHub's reads show a change. Its replicas lag by a second or two, during an incident by more. */
const LONGEST_LAG_MS = 60_000;

/** Runners are identified by their ID. */
export class DrainRecords {
  readonly #options: RecordsOptions;
  readonly #states = new Map<number, RunnerState>();
  /** The changes of labels in progress. */
  readonly #changes = new Map<number, Promise<void>>();
  /** The drains that are over, but that the post step checks again. A runner may have several. */
  readonly #toCheck: SavedDrain[] = [];

  /** @param left the drains that an ended step left. The last change of each may have been made just now, or may still be made. */
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
  countOthers(than: number): number {
    return [...this.#states].filter(([id, { kind }]) => id !== than && kind !== 'left out').length;
  }

  /** Whether a read may be from before the last change of the runner's labels. */
  mayLag(id: number): boolean {
    const { changedAt = Number.NEGATIVE_INFINITY } = this.held(id) ?? {};
    return this.#options.clock.now() - changedAt <= LONGEST_LAG_MS;
  }

  /** @returns false if the runner was left out before. */
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

  /** GitHub may carry out a request of the drain later, also after the labels are restored. */
  doubt(id: number): void {
    const held = this.held(id);
    if (held !== undefined) this.#states.set(id, { ...held, kind: 'unsure' });
  }

  /**
   * The drain is over. If GitHub confirmed no change, the post step has no reason to doubt labels that it sees.
   * @param restored the labels that are back; undefined if GitHub did not find the runner.
   */
  end({ id, name }: Drain, restored: readonly string[] | undefined): void {
    const { kind, drain, changedAt } = this.held(id) ?? {};
    if (drain === undefined) return;
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

  /** Follows a change of labels until it is over. One that failed, or was canceled, may still be made later. */
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

  #save(): void {
    const held = [...this.#states.keys()].flatMap((id) => this.held(id)?.drain ?? []);
    const gone = this.#toCheck.filter(({ isGone = false }) => isGone).reverse();
    const others = this.#toCheck.filter(({ isGone = false }) => !isGone);
    this.#options.saveState?.(shortened([...held, ...others, ...gone]));
  }
}

/** No environment variable of Windows is longer than 32,767 characters. The post step gets the state in one. */
const LONGEST_STATE = 30_000;

/** What fits into the state, the most important first: without the names of labels if it is too long, and then without the last drains. */
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

/** @param state the JSON value of a saved state. */
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
