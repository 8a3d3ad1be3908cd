import { createClient } from '../src/controller/client.ts';
import { createController } from '../src/controller/controller.ts';
import { createCredentials } from '../src/controller/credentials.ts';
import type { Instance } from '../src/controller/instance.ts';
import { ActionError } from '../src/errors.ts';
import type { VmOutcome } from '../src/fleet/step-outcome.ts';
import { restartVm } from '../src/fleet/vm.ts';
import type { GuestAddress } from '../src/guest/address.ts';
import type { Log } from '../src/log.ts';
import type { Guards } from '../src/runner/guard.ts';
import { refuseOwnMachine } from '../src/runner/self-restart.ts';
import { boundsFor, type Course, toleratingFaults } from './course.ts';
import { sshDoor } from './doors.ts';
import { lastInstances, observe } from './notebook.ts';
import type { RunnerLook } from './observations.ts';

// One VM is restarted by the very code of the action. Beside it, the survey looks at the instance on its own, which it goes on with
// for some reports after the restart is verified; knocks at the VM's SSH server; and looks at its GitHub runner.

const LOOK_EVERY_MS = 500;
const KNOCK_EVERY_MS = 1_000;
const KNOCK_MS = 3_000;
const RUNNER_EVERY_MS = 5_000;
/** For so long after the restart the reports are looked at. */
const LINGER_MS = 20_000;
/** For so long an SSH server is waited for that answered before the restart. */
const GUEST_MS = 300_000;

/** What only a real survey has. */
export interface RestartMeans {
  readonly log: Log;
  /** Looks after the runner as the action does; undefined where there is none to look after. */
  readonly createGuards: () => Promise<Guards | undefined>;
  /** Looks at the runner; undefined where there is none. */
  readonly lookAtRunner: ((instance: Instance) => Promise<Omit<RunnerLook, 'at'>>) | undefined;
  /** Asks the user. */
  readonly confirm: () => Promise<boolean>;
}

export async function restartAndWatch(course: Course, means: RestartMeans): Promise<void> {
  const { command, surroundings, observations, questionsFor } = course;
  const { clock, signal, tell } = surroundings;
  const id = command.instanceId ?? '';
  const questions = questionsFor('looks');
  await questions.one(id, boundsFor(course));
  const before = currentInstance(course);
  if (!(command.isConfirmed || (await means.confirm()))) return tell('Nothing was restarted');

  const enough = new AbortController();
  const isDone = AbortSignal.any([signal, enough.signal]);
  const every = (ms: number, work: () => Promise<void>) => repeat({ clock, signal: isDone, ms }, work);
  const watching = Promise.allSettled([
    every(LOOK_EVERY_MS, () =>
      toleratingFaults({ ...surroundings, signal: isDone }, async () => {
        await questions.one(id, { deadline: clock.now() + QUESTION_MS, signal: isDone });
      }),
    ),
    every(KNOCK_EVERY_MS, () => knockAtBoth(course, { before, signal: isDone })),
    every(RUNNER_EVERY_MS, () => lookAtRunner(course, means)),
  ]);
  try {
    const outcome = await restartAsTheActionDoes(course, means);
    observations.restart = { before, outcome };
    if (outcome.restarted === 'true') await linger(course);
    signal.throwIfAborted();
  } finally {
    enough.abort(new DOMException('enough was seen', 'AbortError'));
    throwFirst(await watching);
  }
}

/** What went wrong in the watching is a defect, which must not be lost. */
function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

const QUESTION_MS = 10_000;

function currentInstance({ command, observations }: Course): Instance | undefined {
  return lastInstances(observations.notebook, 'one').find(
    ({ instanceId }) => instanceId.toLowerCase() === command.instanceId?.toLowerCase(),
  );
}

async function restartAsTheActionDoes(course: Course, means: RestartMeans): Promise<VmOutcome> {
  const { command, surroundings, observations, transport } = course;
  const { inputs } = command;
  const { clock, random, signal, onSecret } = surroundings;
  const credentials = createCredentials(inputs.identity, onSecret);
  const observed = observe(transport, { notebook: observations.notebook, clock, series: 'looks' });
  const client = createClient({ transport: observed, credentials, headers: inputs.headers, clock, random });
  const controller = createController({ client, clock, deniedHint: credentials.deniedHint });
  const guards = await means.createGuards();
  const refuse = (instance: Instance) => refuseOwnMachine(inputs.ownRunner, instance);
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
  readonly clock: Course['surroundings']['clock'];
  readonly signal: AbortSignal;
  readonly ms: number;
}

/** Until the signal aborts. What goes wrong once does not end it: the restart goes on, and has an outcome of its own. */
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

/** Goes on until the reports after the boot were seen; and until SSH answers, if it did before. */
async function linger({ surroundings, observations }: Course): Promise<void> {
  const { clock, signal, tell } = surroundings;
  const verifiedAt = clock.now();
  const hadSsh = observations.restartKnocks.some(
    ({ result, isFormerPort }) => isFormerPort && result === 'banner',
  );
  const isBack = () =>
    observations.restartKnocks.some(({ at, result }) => at > verifiedAt && result === 'banner');
  tell('The restart is verified; watching on for a while');
  while (clock.now() - verifiedAt < LINGER_MS || (hadSsh && !isBack() && clock.now() - verifiedAt < GUEST_MS))
    await clock.sleep(KNOCK_EVERY_MS, signal);
}

/** At the port that led to the VM before, and at the one that does now. */
async function knockAtBoth(
  course: Course,
  { before, signal }: { before: Instance | undefined; signal: AbortSignal },
): Promise<void> {
  const { observations, surroundings } = course;
  const { clock, knock } = surroundings;
  const now = currentInstance(course) ?? before;
  const [former, current] = [before && sshDoor(before), now && sshDoor(now)];
  const knockAt = async (
    door: GuestAddress | undefined,
    instance: Instance | undefined,
    isFormerPort: boolean,
  ) => {
    if (door === undefined || instance === undefined) return;
    const at = clock.now();
    const result = await knock(door, { ms: KNOCK_MS, signal });
    observations.restartKnocks.push({ at, instance, isFormerPort, result });
  };
  const isElsewhere = current?.port !== former?.port || current?.host !== former?.host;
  await Promise.all([knockAt(former, before, true), isElsewhere ? knockAt(current, now, false) : undefined]);
}

async function lookAtRunner(course: Course, { lookAtRunner: look }: RestartMeans): Promise<void> {
  const instance = currentInstance(course);
  if (look === undefined || instance === undefined) return;
  const at = course.surroundings.clock.now();
  course.observations.runnerLooks.push({ at, ...(await look(instance)) });
}
