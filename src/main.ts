import { systemClock } from './clock.ts';
import { createController } from './controller/controller.ts';
import { createTransport } from './controller/transport.ts';
import { ActionError, asActionError, describeCause } from './errors.ts';
import { type Inputs, readInputs } from './inputs.ts';
import { report, titleOf } from './report.ts';
import { NOTHING_DONE, type Outcome, restart } from './restart/restart.ts';
import { writeSummary } from './summary.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** What a cancelled step may take to report; then the process ends, whatever still holds it up. */
const EXIT_GRACE_MS = 300;

/**
 * The whole step: environment -> inputs -> restart -> outcome -> report. Never throws.
 * @param endWithin ends the process in so many milliseconds, should it not end by itself.
 */
export async function main(endWithin: (ms: number) => void): Promise<void> {
  const terminal = createTerminal();
  const interruption = listenForInterruptions();
  const { inputs, outcome } = await restartAsAsked(terminal, interruption.signal);
  const isReported = reportOrExplain(outcome, terminal);
  if (inputs?.jobSummary !== false) await writeSummary(outcome, terminal);
  interruption.stopListening();
  process.exitCode = isReported && outcome.error === undefined ? 0 : 1;
  endWithin(EXIT_GRACE_MS);
}

/** `inputs` is absent where they were invalid. */
async function restartAsAsked(
  terminal: Terminal,
  signal: AbortSignal,
): Promise<{ inputs?: Inputs; outcome: Outcome }> {
  try {
    const inputs = readInputs(process.env, terminal.mask);
    return { inputs, outcome: await run(inputs, { terminal, signal }) };
  } catch (error) {
    return { outcome: { ...NOTHING_DONE, error: asActionError(error) } };
  }
}

/** Outputs that cannot be written fail the step: whoever reads them would take them for empty. */
function reportOrExplain(outcome: Outcome, terminal: Terminal): boolean {
  try {
    report(outcome, terminal);
    return true;
  } catch (error) {
    terminal.error(`${titleOf(outcome)}, outputs not written`, describeCause(error));
    return false;
  }
}

async function run(
  inputs: Inputs,
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<Outcome> {
  const transport = createTransport({
    baseUrl: inputs.controllerUrl,
    requestTimeoutMs: inputs.requestTimeoutMs,
    clock: systemClock,
    random: Math.random,
  });
  const controller = createController({ transport, clock: systemClock, scrub: terminal.scrub });
  terminal.info(`Controller: ${inputs.controllerUrl.href}`);
  try {
    return await restart(inputs, { clock: systemClock, controller, log: terminal, signal });
  } finally {
    await transport.close();
  }
}

interface Interruption {
  /** Aborts with the error to report. */
  readonly signal: AbortSignal;
  stopListening(): void;
}

/**
 * On cancelling, the runner sends SIGINT, then SIGTERM, then kills: there is time for a truthful report. The same goes
 * for an error that nobody caught, which would end the process without a word about the restart.
 */
function listenForInterruptions(): Interruption {
  const controller = new AbortController();
  const cancel = (signal: NodeJS.Signals) => {
    controller.abort(new ActionError('cancelled', `The step was cancelled (${signal}).`));
  };
  const fail = (error: Error) => controller.abort(asActionError(error));
  process.on('SIGINT', cancel).on('SIGTERM', cancel).on('uncaughtException', fail);
  return {
    signal: controller.signal,
    stopListening: () => process.off('SIGINT', cancel).off('SIGTERM', cancel).off('uncaughtException', fail),
  };
}
