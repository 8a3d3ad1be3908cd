import type { Instance } from '../controller/instance.ts';
import { type Instant, millisecondsBetween } from '../dates.ts';
import type { VmOutcome } from '../fleet/step-outcome.ts';

/** A phase of the step, in milliseconds since its first read. */
export interface Phase {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether it ended in an error. */
  readonly isFailed?: boolean;
}

type Story = Pick<VmOutcome, 'moments' | 'proof' | 'runner' | 'guest'>;

/** The phases, as far as they happened. Empty if the step did not wait for anything. Pure. */
export function timelineOf({ moments, proof, runner, guest }: Story): Phase[] {
  const { started = 0, gateAsked, gateAnswered, sent, verified } = moments;
  const restarted = sent === undefined || verified === undefined ? [] : bootPhases({ sent, verified, proof });
  const phases = [
    phase('wait until no job runs', gateAsked, gateAnswered),
    ...restarted,
    phase('VM verified → guest up', verified, guest?.upAt),
    phase('VM verified → runner back', verified, runner?.backAt),
  ];
  return phases.flatMap((known) =>
    known === undefined ? [] : [{ ...known, fromMs: known.fromMs - started, toMs: known.toMs - started }],
  );
}

function phase(name: string, from: number | undefined, to: number | undefined): Phase | undefined {
  return from === undefined || to === undefined ? undefined : { name, fromMs: from, toMs: to };
}

interface Restart {
  readonly sent: number;
  readonly verified: number;
  readonly proof: Instance | undefined;
}

/**
 * Stop and boot, by the node's dates: the report in the proof shows how long before it they were. That report may be a few seconds old, so both
 * may have been a little earlier than shown. Implausible dates are left out.
 */
function bootPhases({ sent, verified, proof }: Restart): (Phase | undefined)[] {
  const bootedAt = verified - knownBetween(proof?.startDate, proof?.reportedAt);
  const stoppedAt = bootedAt - knownBetween(proof?.stopDate, proof?.startDate);
  if (!(bootedAt >= sent && bootedAt <= verified))
    return [phase('restart sent → VM verified', sent, verified)];
  const verify = phase('VM booted → verified', bootedAt, verified);
  if (!(stoppedAt >= sent && stoppedAt <= bootedAt))
    return [phase('restart sent → VM booted', sent, bootedAt), verify];
  return [
    phase('restart sent → VM stopped', sent, stoppedAt),
    phase('VM stopped → booted', stoppedAt, bootedAt),
    verify,
  ];
}

/** NaN if either is unknown: then every comparison with it is false. */
function knownBetween(from: Instant | undefined, to: Instant | undefined): number {
  return from === undefined || to === undefined ? Number.NaN : millisecondsBetween(from, to);
}

const DAY_MS = 86_400_000;

/**
 * The phases as a Mermaid gantt chart; empty if there are none, or if they take longer than a day. Names must be plain: they are not escaped.
 */
export function renderGantt(phases: readonly Phase[]): string[] {
  const endsAtMs = Math.max(0, ...phases.map(({ toMs }) => toMs));
  if (phases.length === 0 || endsAtMs >= DAY_MS) return [];
  const bars = phases.map(
    ({ name, fromMs, toMs, isFailed = false }) =>
      `    ${name} :${isFailed ? 'crit, ' : ''}${timeOfDay(fromMs)}, ${timeOfDay(toMs)}`,
  );
  return ['```mermaid', 'gantt', '    dateFormat HH:mm:ss.SSS', '    axisFormat %H:%M:%S', ...bars, '```'];
}

/** Formats the time as a time of day, which Mermaid shows the same in every time zone. */
function timeOfDay(ms: number): string {
  return new Date(Math.max(0, Math.round(ms))).toISOString().slice(11, 23);
}
