import { ActionError, asActionError } from './errors.ts';

/**
 * Turns signals into an abort with the error to report. To cancel a job, the runner sends SIGINT, then SIGTERM, then kills the
 * process: there is time for an accurate report. An uncaught error would end the process without a report on the restart, so it
 * is handled the same way. The listeners stay: a signal must not cut off the report either.
 */
export function cancelOnSignals(): AbortSignal {
  const controller = new AbortController();
  const cancel = (signal: NodeJS.Signals) => {
    controller.abort(new ActionError('cancelled', `The step was cancelled (${signal}).`));
  };
  process.on('SIGINT', cancel).on('SIGTERM', cancel);
  process.on('uncaughtException', (error) => {
    // If the report itself failed, the step must not succeed.
    process.exitCode = 1;
    controller.abort(asActionError(error));
  });
  return controller.signal;
}
