import type { Clock } from '../src/clock.ts';
import { createClient } from '../src/controller/client.ts';
import { createController } from '../src/controller/controller.ts';
import { createCredentials } from '../src/controller/credentials.ts';
import type { Instance } from '../src/controller/instance.ts';
import { ActionError } from '../src/errors.ts';
import type { VmOutcome } from '../src/fleet/step-outcome.ts';
import { restartVm } from '../src/fleet/vm.ts';
import { fillPattern } from '../src/github/runner-names.ts';
import type { GuestAddress } from '../src/guest/address.ts';
import type { Dispatchers } from '../src/http/connections.ts';
import type { Inputs } from '../src/inputs/inputs.ts';
import type { Log } from '../src/log.ts';
import type { Terminal } from '../src/report/terminal.ts';
import type { Guards } from '../src/runner/guard.ts';
import type { RunnerOptions } from '../src/runner/runner-options.ts';
import { refuseOwnMachine } from '../src/runner/self-restart.ts';
import { sshAddress } from './probe.ts';
import { lastInstances, type RunnerReading, recordTo } from './recorder.ts';
import { boundsFor, type SurveyRun, toleratingFaults } from './survey-steps.ts';

// The action's own code restarts one VM. Meanwhile the survey polls the instance itself (and continues for some reports after the action has
// verified the restart), probes the VM's SSH server, and polls its GitHub runner.

const POLL_EVERY_MS = 500;
const PROBE_EVERY_MS = 1_000;
const PROBE_MS = 3_000;
const RUNNER_EVERY_MS = 5_000;
/** How long to poll for reports after the restart. */
const LINGER_MS = 20_000;
/** How long to wait for an SSH server that answered before the restart. */
const GUEST_MS = 300_000;

/** Parts that only a real survey has. */
export interface RestartMeans {
  readonly log: Log;
  /** Guards the runner as the action does; undefined without a runner. */
  readonly createGuards: () => Promise<Guards | undefined>;
  /** Reads the runner; undefined without a runner. */
  readonly readRunner: ((instance: Instance) => Promise<Omit<RunnerReading, 'at'>>) | undefined;
  /** Asks the user. */
  readonly confirm: () => Promise<boolean>;
}

export async function restartAndWatch(run: SurveyRun, means: RestartMeans): Promise<void> {
  const { command, surroundings, recording, questionsFor } = run;
  const { clock, signal, print } = surroundings;
  const id = command.instanceId ?? '';
  const questions = questionsFor('main');
  await questions.one(id, boundsFor(run));
  const before = currentInstance(run);
  if (!(command.isConfirmed || (await means.confirm()))) return print('Nothing was restarted');

  const enough = new AbortController();
  const isDone = AbortSignal.any([signal, enough.signal]);
  const every = (ms: number, work: () => Promise<void>) => repeat({ clock, signal: isDone, ms }, work);
  const watching = Promise.allSettled([
    every(POLL_EVERY_MS, () =>
      toleratingFaults({ ...surroundings, signal: isDone }, async () => {
        await questions.one(id, { deadline: clock.now() + QUESTION_MS, signal: isDone });
      }),
    ),
    every(PROBE_EVERY_MS, () => probeBothPorts(run, { before, signal: isDone })),
    every(RUNNER_EVERY_MS, () => readRunner(run, means)),
  ]);
  try {
    const outcome = await restartAsAction(run, means);
    recording.restart = { before, outcome };
    if (outcome.restarted === 'true') await linger(run);
    signal.throwIfAborted();
  } finally {
    enough.abort(new DOMException('the survey has seen enough', 'AbortError'));
    throwFirst(await watching);
  }
}

/** An error while watching is a defect, so it must not be ignored. */
function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

const QUESTION_MS = 10_000;

function currentInstance({ command, recording }: SurveyRun): Instance | undefined {
  return lastInstances(recording.recorder, 'one').find(
    ({ instanceId }) => instanceId.toLowerCase() === command.instanceId?.toLowerCase(),
  );
}

async function restartAsAction(run: SurveyRun, means: RestartMeans): Promise<VmOutcome> {
  const { command, surroundings, recording, transport } = run;
  const { inputs } = command;
  const { clock, random, signal, onSecret } = surroundings;
  const credentials = createCredentials(inputs.identity, onSecret);
  const observed = recordTo(transport, { recorder: recording.recorder, clock, series: 'main' });
  const client = createClient({ transport: observed, credentials, headers: inputs.headers, clock, random });
  const controller = createController({ client, clock, deniedHint: credentials.deniedHint });
  const guards = await means.createGuards();
  const { ownRunner, runner: watched } = inputs;
  const refuse = (instance: Instance) =>
    refuseOwnMachine(ownRunner, instance, { names: controller.namesOf(instance), watched });
  try {
    const id = command.instanceId ?? '';
    const job = { ...inputs, target: { by: 'instance_id', id } as const };
    return await restartVm(job, {
      name: id,
      clock,
      controller,
      log: means.log,
      signal,
      guard: guards?.guardFor({ log: means.log, signal }),
      refuse,
    });
  } finally {
    await guards?.close();
  }
}

interface Repeating {
  readonly clock: SurveyRun['surroundings']['clock'];
  readonly signal: AbortSignal;
  readonly ms: number;
}

/** Runs until the signal aborts. One failure does not end it: the restart continues and has its own outcome. */
async function repeat({ clock, signal, ms }: Repeating, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      await clock.sleep(ms, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ActionError)) throw error;
      await clock.sleep(ms, signal).catch(() => {});
    }
  }
}

/** Continues until it has seen the reports after the boot, and until SSH answers, if it answered before. */
async function linger({ surroundings, recording }: SurveyRun): Promise<void> {
  const { clock, signal, print } = surroundings;
  const verifiedAt = clock.now();
  const hadSsh = recording.restartProbes.some(
    ({ result, isFormerPort }) => isFormerPort && result === 'banner',
  );
  const isBack = () =>
    recording.restartProbes.some(({ at, result }) => at > verifiedAt && result === 'banner');
  print('The restart is verified; measuring a little longer');
  while (clock.now() - verifiedAt < LINGER_MS || (hadSsh && !isBack() && clock.now() - verifiedAt < GUEST_MS))
    await clock.sleep(PROBE_EVERY_MS, signal);
}

/** Probes the port that led to the VM before, and the one that does now. */
async function probeBothPorts(
  run: SurveyRun,
  { before, signal }: { before: Instance | undefined; signal: AbortSignal },
): Promise<void> {
  const { recording, surroundings } = run;
  const { clock, probe } = surroundings;
  const now = currentInstance(run) ?? before;
  const [former, current] = [before && sshAddress(before), now && sshAddress(now)];
  const probeAt = async (
    address: GuestAddress | undefined,
    instance: Instance | undefined,
    isFormerPort: boolean,
  ) => {
    if (address === undefined || instance === undefined) return;
    const at = clock.now();
    const result = await probe(address, { ms: PROBE_MS, signal });
    recording.restartProbes.push({ at, instance, isFormerPort, result });
  };
  const isElsewhere = current?.port !== former?.port || current?.host !== former?.host;
  await Promise.all([probeAt(former, before, true), isElsewhere ? probeAt(current, now, false) : undefined]);
}

async function readRunner(run: SurveyRun, { readRunner: read }: RestartMeans): Promise<void> {
  const instance = currentInstance(run);
  if (read === undefined || instance === undefined) return;
  const at = run.surroundings.clock.now();
  run.recording.runnerReadings.push({ at, ...(await read(instance)) });
}

/** Parameters for reading the runner. */
export interface RunnerSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** IP addresses of this machine. */
  readonly addresses: readonly string[];
  /** Carry the requests instead of the network. */
  readonly dispatchers?: Dispatchers | undefined;
}

export interface OpenedRunner extends Pick<RestartMeans, 'createGuards' | 'readRunner'> {
  close(): Promise<void>;
}

const NO_RUNNER: OpenedRunner = {
  createGuards: async () => undefined,
  readRunner: undefined,
  close: async () => {},
};

const READ_MS = 10_000;

/** The action's guard, and the survey's own reads of the runner. The code for GitHub is loaded only if it is needed. */
export async function openRunner(inputs: Inputs, surroundings: RunnerSurroundings): Promise<OpenedRunner> {
  const { runner } = inputs;
  if (runner === undefined) return NO_RUNNER;
  const [{ createGuards }, reader] = await Promise.all([
    import('../src/runner/guard.ts'),
    createReader(runner, { inputs, surroundings }),
  ]);
  const { ownRunner, requestTimeoutMs, timeoutMs: patienceMs } = inputs;
  const { terminal: log, dispatchers } = surroundings;
  const options = { ...surroundings, log, runner, ownRunner, requestTimeoutMs, patienceMs, dispatchers };
  return { createGuards: async () => createGuards(options), ...reader };
}

async function createReader(
  runner: RunnerOptions,
  { inputs, surroundings }: { inputs: Inputs; surroundings: RunnerSurroundings },
): Promise<Pick<OpenedRunner, 'readRunner' | 'close'>> {
  const { openSources } = await import('../src/github/sources.ts');
  const { clock, random, signal, terminal: log, dispatchers } = surroundings;
  const { requestTimeoutMs, ownRunner } = inputs;
  const { repository } = ownRunner;
  const context = { repository, requestTimeoutMs, clock, random, log, dispatchers };
  const { runners, close } = openSources({ ...runner, ...context });
  return {
    close,
    async readRunner(instance: Instance): Promise<Omit<RunnerReading, 'at'>> {
      const bounds = { deadline: clock.now() + READ_MS, signal };
      const found = await runners.listRunners(fillPattern(runner.nameTemplate, instance), bounds);
      const [one] = found.length === 1 ? found : [];
      return {
        matches: found.length,
        id: one?.id,
        isOnline: one?.isOnline ?? false,
        isBusy: one?.isBusy ?? false,
      };
    },
  };
}
