// A VM comes to its gate: which boot it is in, and the first read of its runners.

import { type Clock, minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { millisecondsBetween } from '../dates.ts';
import { pollUntil } from '../poll.ts';
import { LeftAlone } from '../restart/outcome.ts';
import { notFoundError } from './gate-lines.ts';
import type { RunnersReading, VmBoot } from './occupancy.ts';
import type { Pool, VmRunners } from './vm-runners.ts';

export interface EntryOptions {
  /** How long after its boot the VM's runner may still register. */
  readonly registersWithinMs: number;
  /** How much longer GitHub may give no usable answer. */
  readonly patienceMs: number;
  /** The runners take one job per registration, unless GitHub says otherwise. */
  readonly isEphemeral?: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly pool: Pool;
  /** The last job that is known to have run on this VM's runner since the VM booted. */
  readonly lastJob?: KnownJob | undefined;
}

/** A job that a workflow run shows on a runner. It proves that `runner_name` and `runner_scope` are right. */
export interface KnownJob {
  /** If so, it also proves that a one-job runner has had its job. */
  readonly hasEnded: boolean;
}

// ---- the boot ----

export interface KnownBoot extends VmBoot {
  /** `start_date`. */
  readonly text: string | undefined;
  /** The VM has not booted since it came to the gate. */
  readonly isFirst: boolean;
}

/** Without dates, the VM counts as just booted. */
export function vmBootOf(
  { clock, registersWithinMs, lastJob }: EntryOptions,
  instance: Instance,
  before: KnownBoot | undefined,
): KnownBoot {
  const text = instance.startDate?.text;
  const uptimeMs = uptimeMsOf(instance);
  const at = clock.now() - Math.max(0, uptimeMs ?? 0);
  const isSameBoot = before === undefined || before.text === text;
  const isFirst = before === undefined || (isSameBoot && before.isFirst);
  // Without dates, the job may have been one of an earlier boot.
  const hasHadJob = isFirst && uptimeMs !== undefined && lastJob?.hasEnded === true;
  const hadJob = isSameBoot && (before?.hadJob === true || hasHadJob);
  // Records lag behind, so the earliest boot that any record shows is closest to the truth.
  const bootedAt = isSameBoot ? Math.min(at, before?.at ?? at) : at;
  return { text, at: bootedAt, registersWithinMs, hadJob, isFirst };
}

/** As of its record; undefined if that lacks a date. */
function uptimeMsOf({ startDate, reportedAt }: Instance): number | undefined {
  return startDate && reportedAt && millisecondsBetween(startDate, reportedAt);
}

/** For a sweep: the VM's runner may still be about to register. */
export function leftAloneAsFresh(
  { clock, registersWithinMs }: EntryOptions,
  boot: VmBoot,
  instance: Instance,
): LeftAlone {
  const up = minutes(clock.now() - boot.at);
  const age =
    uptimeMsOf(instance) !== undefined
      ? `for ${up} only`
      : 'for an unknown time (its record lacks start_date or timestamp)';
  const seen = `The VM has been up ${age}, and its runner may take ${minutes(registersWithinMs)} to register; restart_if leaves it alone`;
  return new LeftAlone('needless', seen);
}

// ---- the first read ----

/** A runner is missing for a moment when it registers again, or when its page shifts: the step searches for this long. */
const MISSING_MS = 6_000;
const FIND_EVERY_MS = 2_000;

/**
 * The reading that finds the runners by name. Without an answer it says nothing; then the next reading must find them.
 * @param search makes one read.
 * @throws ActionError `runner_not_found` if none is registered, unless they are one-job runners that may be gone.
 */
export async function firstReading(
  options: EntryOptions,
  runners: VmRunners,
  search: () => Promise<RunnersReading>,
): Promise<RunnersReading> {
  const { clock, signal, patienceMs } = options;
  const startedAt = clock.now();
  const found = await pollUntil(
    {
      ...{ clock, signal, deadline: () => startedAt + MISSING_MS },
      nextAt: () => clock.now() + FIND_EVERY_MS,
    },
    async () => {
      const reading = await search();
      const isUsable = reading.runners?.length !== 0 || (await mayBeGone(options));
      return isUsable ? reading : undefined;
    },
  );
  if (found !== undefined) return found;
  throw notFoundError(await runners.missing(clock.now() + patienceMs), options);
}

async function mayBeGone({
  isEphemeral,
  lastJob,
  pool,
  clock,
  signal,
  patienceMs,
}: EntryOptions): Promise<boolean> {
  if (isEphemeral !== true) return false;
  return lastJob !== undefined || pool.isScopeProved({ deadline: clock.now() + patienceMs, signal });
}
