import { seconds } from '../src/clock.ts';
import type { Refusal } from './answers.ts';
import type { ClockOffset } from './timing.ts';

// The wording of facts, in reports and elsewhere: always the same words.

/** Stands for an unknown value. */
export const UNKNOWN = 'not seen';

export function yesOrNo(value: boolean | undefined): string {
  if (value === undefined) return UNKNOWN;
  return value ? 'yes' : 'no';
}

/** Milliseconds, e.g. `35 ms` or `5.1 s`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN;
  return Math.abs(ms) < 1_000 ? `${Math.round(ms)} ms` : seconds(ms);
}

/** A share, e.g. `12 %`. */
export function share(value: number | undefined): string {
  return value === undefined ? UNKNOWN : `${Math.round(value * 100)} %`;
}

export function bytes(count: number): string {
  return count < 1_024 ? `${count} B` : `${(count / 1_024).toFixed(1)} KiB`;
}

/** e.g. `1.2 s ahead, give or take 40 ms`. */
export function offset(clock: ClockOffset | undefined): string {
  if (clock === undefined) return UNKNOWN;
  const { aheadMs, giveOrTakeMs } = clock;
  return `${duration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead'}, give or take ${duration(giveOrTakeMs)}`;
}

/** e.g. `HTTP 200, FAIL`. */
export function refusal(answer: Refusal | undefined): string {
  if (answer === undefined) return UNKNOWN;
  return `HTTP ${answer.status}, ${answer.envelope === 'none' ? 'no envelope' : answer.envelope}`;
}
