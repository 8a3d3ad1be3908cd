import type { Clock } from '../../src/clock.ts';
import { type DrainState, restoreLeft } from '../../src/drain/drain.ts';
import { ActionError } from '../../src/errors.ts';
import type { StepOutcome } from '../../src/fleet/step-outcome.ts';
import { openSources } from '../../src/github/sources.ts';
import type { Dial } from '../../src/guest/contact.ts';
import type { Dispatchers } from '../../src/http/connections.ts';
import { ENDLESS_BUDGET } from '../../src/http/retry.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { run } from '../../src/main.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { createRedactor } from '../../src/report/redactor.ts';
import { reportError, stepError, titleOf } from '../../src/report/report.ts';
import { harmless, type Terminal } from '../../src/report/terminal.ts';

/*
 * The one way to play a step in tests, simulation, fuzzing and benchmarks: the real step, with inputs as a workflow passes them, on a stage
 * with virtual time (stage.ts) or on the real network with a clock that the test owns.
 */

/** Where the step is played. */
export interface StepHost {
  readonly clock: Clock;
  /** Lets virtual time pass until the step has ended; not needed with a real clock. */
  readonly time?: {
    run<T>(work: Promise<T>): Promise<T>;
    atProcess(time: number, run: () => void): void;
  };
  /** When the step begins, on the clock's scale; now by default. */
  readonly startsAt?: number;
  readonly random: () => number;
  /** Instead of the real network. */
  readonly dispatchers?: Dispatchers;
  readonly dial?: Dial;
  /** Besides the inputs, such as where GitHub is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The step gets SIGINT this many milliseconds after it began. */
  readonly cancelAfterMs?: number | undefined;
  /** The signal of a step that is never canceled, for a clock that distinguishes the step's pauses from its limits. */
  readonly signal?: AbortSignal;
}

export interface StepOptions {
  /** Changes the inputs after they are read and checked. */
  readonly change?: (inputs: Inputs) => Inputs;
  /** Called with each line as it is written. */
  readonly onLine?: (line: string) => void;
  /** Called with what the post step must restore if the step is killed. */
  readonly onDrains?: (state: DrainState) => void;
  /** Called with the outputs that are written right before a restart can leave. */
  readonly onAnnounce?: (outputs: Outputs, known: StepOutcome) => void;
  /** Instead of the default, which keeps the lines and gets the annotation. */
  readonly terminal?: Terminal;
}

/** The outputs of the step by name. */
export type Outputs = Readonly<Record<string, string>>;
/** The inputs of the step by name, as in a workflow. */
export type StepInputs = Readonly<Record<string, string>>;

/** What a step reported. */
export interface PlayedStep {
  readonly outcome: StepOutcome;
  readonly outputs: Outputs;
  /** The output `results`, parsed. */
  readonly results: readonly Outputs[];
  /** The outputs that were written right before each restart could leave. */
  readonly announced: readonly Outputs[];
  /** The log without debug lines. */
  readonly lines: readonly string[];
  /** Of these, the warnings. */
  readonly warnings: readonly string[];
  /** Everything that was written: log, annotation and outputs. */
  readonly written: readonly string[];
  readonly terminal: Terminal;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cancelledAt: number | undefined;
}

/**
 * Plays the step to its end.
 * @param inputs as in `with:`
 * @throws ActionError `invalid_input`; Error if the step waits for something that will never happen
 */
export async function playStep(
  host: StepHost,
  inputs: StepInputs,
  options: StepOptions = {},
): Promise<PlayedStep> {
  const { clock, time, random, dispatchers, dial, startsAt = clock.now() } = host;
  const recorder = createRecorder(options.onLine);
  const { terminal = recorder.terminal, change = (read: Inputs) => read } = options;
  const announced: Outputs[] = [];
  const announce = (known: StepOutcome) => {
    const outputs = outputsOf(known, terminal.clean);
    announced.push({ ...outputs });
    options.onAnnounce?.({ ...outputs }, known);
  };
  const read = change(readInputs({ ...host.environment, ...variablesFor(inputs) }, terminal.mask));
  const cancellation = cancelAt(host, startsAt);
  const work = run(read, {
    ...{ terminal, clock, random, announce, addresses: [], signal: host.signal ?? cancellation.signal },
    ...(dispatchers && { dispatchers }),
    ...(dial && { dial }),
    ...(options.onDrains && { saveDrains: options.onDrains }),
  });
  const outcome = time === undefined ? await work : await time.run(work);
  const endedAt = clock.now();
  const outputs = { ...outputsOf(outcome, terminal.clean) };
  const error = stepError(outcome, terminal.clean);
  if (error !== undefined && options.terminal === undefined)
    reportError(error, { terminal, title: titleOf(outcome) });
  return {
    ...{ outcome, outputs, announced, startedAt: startsAt, endedAt, terminal },
    results: JSON.parse(outputs['results'] ?? '[]'),
    ...{ lines: recorder.lines, warnings: recorder.warnings },
    written: [...recorder.written, ...[...announced, outputs].map((each) => JSON.stringify(each))],
    cancelledAt: cancellation.at(),
  };
}

/** Plays the post step, as the runner does after every step. @returns its warnings */
export async function playPostStep(host: StepHost, inputs: StepInputs, state: string): Promise<string[]> {
  const { clock, random, dispatchers, environment } = host;
  const warnings: string[] = [];
  const read = readInputs({ ...environment, ...variablesFor(inputs) }, () => {});
  const { runner, ownRunner, requestTimeoutMs } = read;
  if (runner === undefined) return [];
  const log = { debug() {}, info() {}, warning: (line: string) => void warnings.push(line) };
  const context = { clock, random, log };
  const { repository } = ownRunner;
  const connection = { budget: ENDLESS_BUDGET, repository, requestTimeoutMs, dispatchers };
  const sources = openSources({ ...runner, ...context, ...connection });
  const { signal } = new AbortController();
  const drain = { ...sources, runId: '', lifeMs: 0, signal, saveState: () => {} };
  await restoreLeft(state, { ...drain, ...context }).finally(() => sources.close());
  return warnings;
}

function variablesFor(inputs: StepInputs): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
  );
}

function cancelAt({ cancelAfterMs, time, clock }: StepHost, startsAt: number) {
  const controller = new AbortController();
  let at: number | undefined;
  if (cancelAfterMs !== undefined)
    time?.atProcess(startsAt + cancelAfterMs, () => {
      at = clock.now();
      controller.abort(new ActionError('cancelled', 'The step was canceled (SIGINT).'));
    });
  return { signal: controller.signal, at: () => at };
}

/** A terminal that hides secrets and escapes text like the real one, and keeps what is written. */
function createRecorder(onLine: StepOptions['onLine']) {
  const [written, lines, warnings]: string[][] = [[], [], []] as [string[], string[], string[]];
  const redactor = createRedactor();
  const clean = (text: string) => harmless(redactor.redact(text));
  const writeTo =
    (...kept: string[][]) =>
    (line: string) => {
      const cleaned = clean(line);
      for (const some of [written, ...kept]) some.push(cleaned);
      onLine?.(cleaned);
    };
  const terminal: Terminal = {
    ...{
      mask: redactor.add,
      clean,
      debug: writeTo(),
      info: writeTo(lines),
      warning: writeTo(lines, warnings),
    },
    error: (title, text) => writeTo()(`${title} ${text}`),
  };
  return { terminal, written, lines, warnings };
}
