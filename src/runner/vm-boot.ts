// Which boot a VM is in when it arrives at its gate, and whether its runner may still be about to register. Pure.

import { minutes } from '../clock.ts';
import type { Instance } from '../controller/instance.ts';
import { millisecondsBetween } from '../dates.ts';
import { LeftAlone } from '../restart/outcome.ts';

/** What is known about the VM's current boot. */
export interface VmBoot {
  /** When the VM booted, on the clock's scale. */
  readonly at: number;
  /** How long a runner may take to register: in milliseconds. */
  readonly registersWithinMs: number;
  /** Whether a runner is known to have had its job since the boot. */
  readonly hadJob: boolean;
  /** `start_date`. */
  readonly text: string | undefined;
  /** Whether the VM was in this boot when it first arrived at the gate. */
  readonly isFirst: boolean;
}

/** A job that a workflow run shows on a runner. It proves that `runner_name` and `runner_scope` are right. */
export interface KnownJob {
  /** If it has ended, a one-job runner has had its job. */
  readonly hasEnded: boolean;
}

interface BootRules {
  readonly registersWithinMs: number;
  readonly lastJob?: KnownJob | undefined;
  readonly now: number;
}

/** Without dates, the VM counts as just booted. @param before what earlier records of the VM showed. */
export function vmBootOf(
  { now, registersWithinMs, lastJob }: BootRules,
  instance: Instance,
  before: VmBoot | undefined,
): VmBoot {
  const text = instance.startDate?.text;
  const uptimeMs = uptimeMsOf(instance);
  const at = now - Math.max(0, uptimeMs ?? 0);
  const isSameBoot = before === undefined || before.text === text;
  const isFirst = before === undefined || (isSameBoot && before.isFirst);
  // Without dates, the job may be from an earlier boot.
  const hasHadJob = isFirst && uptimeMs !== undefined && lastJob?.hasEnded === true;
  const hadJob = isSameBoot && (before?.hadJob === true || hasHadJob);
  // A record that is out of date shows too short an uptime, so the earliest time is closest to the truth.
  const bootedAt = isSameBoot ? Math.min(at, before?.at ?? at) : at;
  return { text, at: bootedAt, registersWithinMs, hadJob, isFirst };
}

/** How long the VM had been up when its record was made; undefined if the record lacks a date. */
function uptimeMsOf({ startDate, reportedAt }: Instance): number | undefined {
  return startDate && reportedAt && millisecondsBetween(startDate, reportedAt);
}

/** For a sweep. @throws LeftAlone if the VM's runner may still be about to register. */
export function leaveAloneIfFresh(now: number, { at, registersWithinMs }: VmBoot, instance: Instance): void {
  if (now - at >= registersWithinMs) return;
  const age =
    uptimeMsOf(instance) !== undefined
      ? `for only ${minutes(now - at)}`
      : 'for an unknown time (its record lacks start_date or timestamp)';
  const seen = `The VM has been up ${age}, and its runner may take ${minutes(registersWithinMs)} to register; restart_if leaves it alone`;
  throw new LeftAlone('needless', seen);
}
