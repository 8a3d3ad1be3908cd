import { type Clock, seconds } from '../src/clock.ts';
import { createCredentials } from '../src/controller/credentials.ts';
import type { Instance } from '../src/controller/instance.ts';
import { ActionError, asActionError } from '../src/errors.ts';
import type { Transport } from '../src/http/transport.ts';
import type { Inputs } from '../src/inputs/inputs.ts';
import type { Command } from './command.ts';
import { sshDoor } from './doors.ts';
import type { Knock } from './knock.ts';
import { createNotebook, lastInstances, observe, type Series } from './notebook.ts';
import type { Observations, Setting } from './observations.ts';
import { learnPace, type Pace, pauseAfter, START_PACE } from './pace.ts';
import { createQuestions, type Questions } from './questions.ts';

// The course of a survey:
//
// 1. Each question is asked once: the version, what a stranger is told, the list, an instance that does not exist, one that does, the
//    nodes. Where the controller does not let the survey in, it ends here.
// 2. The list is looked at until the time is over: reports come in, dates go by. When a report has just come, a burst of questions
//    shows whether several replicas answer, and whether they know of it.
// 3. One VM on each node is knocked at: can this machine reach the nodes?
// 4. If it is asked to, the survey restarts one VM and watches (restart-course.ts).
//
// What was seen goes into the notebook by itself, as all requests go through a transport that notes them.

/** The world that a survey is made in. */
export interface Surroundings {
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch. */
  readonly epochNow: () => number;
  readonly random: () => number;
  /** Aborts when the survey is to end with what is known. */
  readonly signal: AbortSignal;
  /** Opens connections of its own. */
  readonly openTransport: () => Transport;
  readonly knock: Knock;
  readonly onSecret: (...secrets: readonly string[]) => void;
  /** Shows a line of progress. */
  readonly tell: (line: string) => void;
}

/** A survey under way. */
export interface Course {
  readonly command: Command;
  readonly surroundings: Surroundings;
  readonly observations: Observations;
  readonly transport: Transport;
  /** Questions whose exchanges belong to the series; over the survey's own connection, unless another is given. */
  readonly questionsFor: (series: Series, transport?: Transport) => Questions;
}

/** Makes the survey, up to the restart. Never throws: what went wrong is part of what was observed. */
export async function survey(
  command: Command,
  surroundings: Surroundings,
  restart: (course: Course) => Promise<void>,
): Promise<Observations> {
  const course = begin(command, surroundings);
  const { observations } = course;
  try {
    await askAll(course);
    await watchReports(course);
    await knockAtNodes(course);
    if (command.restarts) await restart(course);
  } catch (error) {
    observations.problem = surroundings.signal.aborted ? 'cancelled' : explain(error, surroundings);
  } finally {
    observations.endedAt = surroundings.clock.now();
    await course.transport.close();
  }
  return observations;
}

/** The message may hold names and addresses: it is shown to the user, and goes nowhere else. */
function explain(error: unknown, { tell }: Surroundings) {
  const { code, message, hint = '' } = asActionError(error);
  tell(`${message} ${hint}`);
  return code;
}

function begin(command: Command, surroundings: Surroundings): Course {
  const { inputs } = command;
  const { clock, epochNow, random, openTransport } = surroundings;
  const notebook = createNotebook();
  const onSecret = (...secrets: readonly string[]) => {
    surroundings.onSecret(...secrets);
    for (const secret of secrets) notebook.identifiers.add(secret);
  };
  const startedAt = clock.now();
  const credentials = createCredentials(inputs.identity, onSecret);
  const transport = openTransport();
  const questionsFor = (series: Series, other = transport) =>
    createQuestions({
      transport: observe(other, { notebook, clock, series }),
      credentials: series === 'stranger' ? createCredentials({ kind: 'none' }, onSecret) : credentials,
      headers: inputs.headers,
      clock,
      random,
    });
  const observations: Observations = {
    notebook,
    setting: settingFrom(inputs),
    epochAtZeroMs: epochNow() - startedAt,
    startedAt,
    endedAt: startedAt,
    httpVersion: undefined,
    knocks: [],
    restartKnocks: [],
    runnerLooks: [],
    restart: undefined,
    problem: undefined,
  };
  for (const text of [inputs.controllerUrl.hostname, ...command.secrets]) notebook.identifiers.add(text);
  return { command, surroundings, observations, transport, questionsFor };
}

function settingFrom({ controllerUrl, identity, tls, proxy, headers, runner }: Inputs): Setting {
  return {
    scheme: controllerUrl.protocol === 'https:' ? 'https' : 'http',
    wayIn: identity.kind,
    hasClientCertificate: tls.cert !== undefined,
    hasOwnCa: tls.ca !== undefined,
    skipsVerification: !tls.rejectUnauthorized,
    hasProxy: proxy !== undefined,
    hasPrefix: controllerUrl.pathname !== '/',
    hasHeaders: Object.keys(headers).length > 0,
    hasRunner: runner !== undefined,
  };
}

// ---- each question once ----

/** What a question may take in all, tries included: in milliseconds. */
const QUESTION_MS = 20_000;

export function boundsFor({ surroundings: { clock, signal } }: Course, ms = QUESTION_MS) {
  return { deadline: clock.now() + ms, signal };
}

async function askAll(course: Course): Promise<void> {
  const { tell } = course.surroundings;
  const questions = course.questionsFor('looks');
  tell('Asking the controller for its version, its instances and its nodes');
  await questions.status(boundsFor(course));
  await questions.list(boundsFor(course));
  await questions.unknown(boundsFor(course));
  const followed = followedId(course);
  if (followed !== undefined) await questions.one(followed, boundsFor(course));
  await questions.nodes(boundsFor(course));
  await askAsStranger(course);
}

/** Without the token or the key: is the controller open to everybody, and how does it say no? */
async function askAsStranger(course: Course): Promise<void> {
  if (course.observations.setting.wayIn === 'none') return;
  try {
    await course.questionsFor('stranger').status(boundsFor(course));
  } catch (error) {
    // To be refused is what the question is for.
    if (!(error instanceof ActionError)) throw error;
  }
}

/** The instance that was named, or the first that runs. */
function followedId({ command, observations: { notebook } }: Course): string | undefined {
  if (command.instanceId !== undefined) return command.instanceId;
  const instances = lastInstances(notebook, 'list');
  return instances.find(({ status }) => status === 'running')?.instanceId ?? instances[0]?.instanceId;
}

// ---- reports ----

const TELL_EVERY_MS = 10_000;
/** So many bursts, of which every other is over new connections until there were so many; and so many questions in each. */
const MOST_BURSTS = 10;
const NEW_BURSTS = 2;
const BURST_LENGTH = 12;

async function watchReports(course: Course): Promise<void> {
  const { command, surroundings } = course;
  const { clock, signal, tell } = surroundings;
  const questions = course.questionsFor('looks');
  const startedAt = clock.now();
  const endsAt = startedAt + command.watchMs;
  let [pace, toldAt, bursts] = [START_PACE, startedAt, 0];
  tell(
    `Watching the nodes' reports for ${seconds(command.watchMs)}; Ctrl-C ends it with what is known so far`,
  );
  while (clock.now() < endsAt) {
    const lookedAt = clock.now();
    await toleratingFaults(surroundings, () => questions.list(boundsFor(course)));
    pace = learnPace(pace, latest(course));
    if (pace.hasNews) await burst(course, bursts++);
    if (clock.now() - toldAt >= TELL_EVERY_MS) {
      toldAt = clock.now();
      tell(progress(course, { passedMs: toldAt - startedAt, pace }));
    }
    const pauseMs = pauseAfter(pace, clock.now() - lookedAt);
    await clock.sleep(Math.max(0, Math.min(pauseMs, endsAt - clock.now())), signal);
  }
}

/** What may pass by does not end the survey. */
export async function toleratingFaults({ signal }: Surroundings, ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ActionError) || !error.isTransient) throw error;
  }
}

/** The followed instance as the last look showed it. */
function latest(course: Course): Instance | undefined {
  const id = followedId(course);
  return lastInstances(course.observations.notebook, 'list').find(({ instanceId }) => instanceId === id);
}

function progress(course: Course, { passedMs, pace }: { passedMs: number; pace: Pace }): string {
  const looks = course.observations.notebook.exchanges.length;
  const back = pace.hasSteppedBack ? '; answers step back, so several replicas answer' : '';
  return `${seconds(passedMs)} of ${seconds(course.command.watchMs)}: ${looks} questions${back}`;
}

/** Right after a report has come, replicas differ most. First over the connection that is there, then over new ones. */
async function burst(course: Course, index: number): Promise<void> {
  const id = followedId(course);
  if (id === undefined) return;
  const isNew = index % 2 === 1 && index < 2 * NEW_BURSTS;
  if (index >= MOST_BURSTS) return;
  for (let count = 0; count < BURST_LENGTH; count++) {
    const transport = isNew ? course.surroundings.openTransport() : course.transport;
    const questions = course.questionsFor(`${isNew ? 'new' : 'kept'} ${index}`, transport);
    try {
      await toleratingFaults(course.surroundings, () => questions.one(id, boundsFor(course)));
    } finally {
      if (isNew) await transport.close();
    }
  }
}

// ---- the way to the nodes ----

const KNOCK_MS = 5_000;
const MOST_NODES = 20;

/** At one VM on each node. */
async function knockAtNodes(course: Course): Promise<void> {
  const { observations, surroundings } = course;
  const { clock, signal, knock, tell } = surroundings;
  const running = lastInstances(observations.notebook, 'list').filter(
    (instance) => instance.status === 'running' && sshDoor(instance) !== undefined,
  );
  const perNode = [...new Map(running.map((instance) => [instance.nodeId, instance])).values()];
  if (perNode.length > 0) tell('Knocking at one VM on each node');
  const tries = perNode.slice(0, MOST_NODES).map(async (instance) => {
    const door = sshDoor(instance);
    if (door === undefined) return;
    const at = clock.now();
    const result = await knock(door, { ms: KNOCK_MS, signal });
    observations.knocks.push({ at, instance, isFormerPort: false, result });
  });
  await Promise.all(tries);
}
