import { type Bounds, type Clock, seconds } from '../src/clock.ts';
import { type Client, createClient } from '../src/controller/client.ts';
import { type Credentials, createCredentials } from '../src/controller/credentials.ts';
import { type Envelope, readEnvelope } from '../src/controller/envelope.ts';
import type { Instance } from '../src/controller/instance.ts';
import { compareInstants, millisecondsBetween } from '../src/dates.ts';
import { ActionError, asActionError } from '../src/errors.ts';
import type { Answer, Transport } from '../src/http/transport.ts';
import type { RequestHeaders } from '../src/inputs/headers.ts';
import type { Inputs } from '../src/inputs/inputs.ts';
import { isOlder } from '../src/restart/ordering.ts';
import type { Command } from './command.ts';
import { type Probe, sshAddress } from './probe.ts';
import {
  createRecorder,
  lastInstances,
  type Recording,
  recordTo,
  type Series,
  type Setting,
  UNKNOWN_ID,
} from './recorder.ts';

// The steps of a survey:
//
// 1. The survey sends each request once: the version, the answer without credentials, the list, an instance that does not exist, one that
//    does, the nodes. If the controller does not accept the credentials, the survey ends here.
// 2. It polls the list until the time is over: reports arrive, dates change. Right after a report, a burst of requests shows whether several
//    replicas answer, and whether they already have the report.
// 3. It probes the SSH port of one VM on each node: can this machine reach the nodes?
// 4. If the user wants it, the survey restarts one VM and watches (restart-steps.ts).
//
// The transport records all requests and answers.

/** The environment of a survey. */
export interface Surroundings {
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch. */
  readonly epochNow: () => number;
  readonly random: () => number;
  /** Aborts when the survey must end and report what it knows. */
  readonly signal: AbortSignal;
  /** Opens its own connections. */
  readonly openTransport: () => Transport;
  readonly probe: Probe;
  readonly onSecret: (...secrets: readonly string[]) => void;
  /** Shows a line of progress. */
  readonly print: (line: string) => void;
}

/** A survey in progress. */
export interface SurveyRun {
  readonly command: Command;
  readonly surroundings: Surroundings;
  readonly recording: Recording;
  readonly transport: Transport;
  /** Requests whose exchanges belong to the series; over the survey's own connection, unless another one is given. */
  readonly questionsFor: (series: Series, transport?: Transport) => Questions;
}

/** Runs the survey up to the restart. Never throws: failures are part of the observations. */
export async function survey(
  command: Command,
  surroundings: Surroundings,
  restart: (run: SurveyRun) => Promise<void>,
): Promise<Recording> {
  const run = begin(command, surroundings);
  const { recording } = run;
  try {
    await askAll(run);
    await watchReports(run);
    await probeNodes(run);
    if (command.restarts) await restart(run);
  } catch (error) {
    recording.problem = surroundings.signal.aborted ? 'cancelled' : explain(error, surroundings);
  } finally {
    recording.endedAt = surroundings.clock.now();
    await run.transport.close();
  }
  return recording;
}

/** The message may contain names and addresses: only the user sees it. */
function explain(error: unknown, { print }: Surroundings) {
  const { code, message, hint = '' } = asActionError(error);
  print(`${message} ${hint}`);
  return code;
}

function begin(command: Command, surroundings: Surroundings): SurveyRun {
  const { inputs } = command;
  const { clock, epochNow, random, openTransport } = surroundings;
  const recorder = createRecorder();
  const onSecret = (...secrets: readonly string[]) => {
    surroundings.onSecret(...secrets);
    for (const secret of secrets) recorder.identifiers.add(secret);
  };
  const startedAt = clock.now();
  const credentials = createCredentials(inputs.identity, onSecret);
  const transport = openTransport();
  const questionsFor = (series: Series, other = transport) =>
    createQuestions({
      transport: recordTo(other, { recorder, clock, series }),
      credentials: series === 'no credentials' ? createCredentials({ kind: 'none' }, onSecret) : credentials,
      headers: inputs.headers,
      clock,
      random,
    });
  const recording: Recording = {
    recorder,
    setting: settingFrom(inputs),
    epochAtZeroMs: epochNow() - startedAt,
    startedAt,
    endedAt: startedAt,
    httpVersion: undefined,
    probes: [],
    restartProbes: [],
    runnerReadings: [],
    restart: undefined,
    problem: undefined,
  };
  for (const text of [inputs.controllerUrl.hostname, ...command.secrets]) recorder.identifiers.add(text);
  return { command, surroundings, recording, transport, questionsFor };
}

function settingFrom({ controllerUrl, identity, tls, proxy, headers, runner }: Inputs): Setting {
  return {
    scheme: controllerUrl.protocol === 'https:' ? 'https' : 'http',
    authentication: identity.kind,
    hasClientCertificate: tls.cert !== undefined,
    hasOwnCa: tls.ca !== undefined,
    skipsVerification: !tls.rejectUnauthorized,
    hasProxy: proxy !== undefined,
    hasPrefix: controllerUrl.pathname !== '/',
    hasHeaders: Object.keys(headers).length > 0,
    hasRunner: runner !== undefined,
  };
}

// ---- each request once ----

/** The time limit for a request, including retries: in milliseconds. */
const QUESTION_MS = 20_000;

export function boundsFor({ surroundings: { clock, signal } }: SurveyRun, ms = QUESTION_MS) {
  return { deadline: clock.now() + ms, signal };
}

async function askAll(run: SurveyRun): Promise<void> {
  const { print } = run.surroundings;
  const questions = run.questionsFor('main');
  print('Reading the version, the instances and the nodes of the controller');
  await questions.status(boundsFor(run));
  await questions.list(boundsFor(run));
  await questions.unknown(boundsFor(run));
  const followed = followedId(run);
  if (followed !== undefined) await questions.one(followed, boundsFor(run));
  await questions.nodes(boundsFor(run));
  await askWithoutCredentials(run);
}

/** Without the token or the key: is the controller open to all clients, and how does it refuse? */
async function askWithoutCredentials(run: SurveyRun): Promise<void> {
  if (run.recording.setting.authentication === 'none') return;
  try {
    await run.questionsFor('no credentials').status(boundsFor(run));
  } catch (error) {
    // The purpose of this request is to be refused.
    if (!(error instanceof ActionError)) throw error;
  }
}

/** The instance that the user named, or the first running one. */
function followedId({ command, recording: { recorder } }: SurveyRun): string | undefined {
  if (command.instanceId !== undefined) return command.instanceId;
  const instances = lastInstances(recorder, 'list');
  return instances.find(({ status }) => status === 'running')?.instanceId ?? instances[0]?.instanceId;
}

// ---- reports ----

const TELL_EVERY_MS = 10_000;
/** The number of bursts; how many of them use new connections (every other one, up to that number); and the number of requests in each. */
const MOST_BURSTS = 10;
const NEW_BURSTS = 2;
const BURST_LENGTH = 12;

async function watchReports(run: SurveyRun): Promise<void> {
  const { command, surroundings } = run;
  const { clock, signal, print } = surroundings;
  const questions = run.questionsFor('main');
  const startedAt = clock.now();
  const endsAt = startedAt + command.watchMs;
  let [pace, printedAt, bursts] = [START_PACE, startedAt, 0];
  print(
    `Measuring the nodes' reports for ${seconds(command.watchMs)}; press Ctrl-C to end early, with a report`,
  );
  while (clock.now() < endsAt) {
    const polledAt = clock.now();
    await toleratingFaults(surroundings, () => questions.list(boundsFor(run)));
    pace = learnPace(pace, latest(run));
    if (pace.hasNews) await burst(run, bursts++);
    if (clock.now() - printedAt >= TELL_EVERY_MS) {
      printedAt = clock.now();
      print(progress(run, { passedMs: printedAt - startedAt, pace }));
    }
    const pauseMs = pauseAfter(pace, clock.now() - polledAt);
    await clock.sleep(Math.max(0, Math.min(pauseMs, endsAt - clock.now())), signal);
  }
}

/** A temporary fault does not end the survey. */
export async function toleratingFaults({ signal }: Surroundings, ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ActionError) || !error.isTransient) throw error;
  }
}

/** The followed instance in the last answer. */
function latest(run: SurveyRun): Instance | undefined {
  const id = followedId(run);
  return lastInstances(run.recording.recorder, 'list').find(({ instanceId }) => instanceId === id);
}

function progress(run: SurveyRun, { passedMs, pace }: { passedMs: number; pace: Pace }): string {
  const asked = run.recording.recorder.exchanges.length;
  const back = pace.hasSteppedBack ? '; some answers are stale, so several replicas answer' : '';
  return `${seconds(passedMs)} of ${seconds(run.command.watchMs)}: ${asked} requests${back}`;
}

/** Replicas differ most right after a report. The first burst uses the existing connection, the next one new connections. */
async function burst(run: SurveyRun, index: number): Promise<void> {
  const id = followedId(run);
  if (id === undefined) return;
  const isNew = index % 2 === 1 && index < 2 * NEW_BURSTS;
  if (index >= MOST_BURSTS) return;
  for (let count = 0; count < BURST_LENGTH; count++) {
    const transport = isNew ? run.surroundings.openTransport() : run.transport;
    const questions = run.questionsFor(`${isNew ? 'new' : 'kept'} ${index}`, transport);
    try {
      await toleratingFaults(run.surroundings, () => questions.one(id, boundsFor(run)));
    } finally {
      if (isNew) await transport.close();
    }
  }
}

// ---- access to the nodes ----

const PROBE_MS = 5_000;
const MOST_NODES = 20;

/** Probes one VM on each node. */
async function probeNodes(run: SurveyRun): Promise<void> {
  const { recording, surroundings } = run;
  const { clock, signal, probe, print } = surroundings;
  const running = lastInstances(recording.recorder, 'list').filter(
    (instance) => instance.status === 'running' && sshAddress(instance) !== undefined,
  );
  const perNode = [...new Map(running.map((instance) => [instance.nodeId, instance])).values()];
  if (perNode.length > 0) print('Probing the SSH port of one VM on each node');
  const tries = perNode.slice(0, MOST_NODES).map(async (instance) => {
    const address = sshAddress(instance);
    if (address === undefined) return;
    const at = clock.now();
    const result = await probe(address, { ms: PROBE_MS, signal });
    recording.probes.push({ at, instance, isFormerPort: false, result });
  });
  await Promise.all(tries);
}

/** The survey's own requests: only reads, sent in the same way as by the action. The recorder keeps the answers. */
export interface Questions {
  /** @throws ActionError if the controller does not accept the credentials, or gives no usable answer before the deadline. */
  status(bounds: Bounds): Promise<Envelope>;
  list(bounds: Bounds): Promise<Envelope>;
  /** The controller may refuse the others: that is a fact, too. They throw only if there is no answer before the deadline. */
  one(instanceId: string, bounds: Bounds): Promise<Answer>;
  unknown(bounds: Bounds): Promise<Answer>;
  nodes(bounds: Bounds): Promise<Answer>;
}

export interface QuestionOptions {
  readonly transport: Transport;
  readonly credentials: Credentials;
  readonly headers: RequestHeaders;
  readonly clock: Clock;
  readonly random: () => number;
}

const STATUS_PATH = '/api/v1/status';
const VM_PATH = '/api/v1/vm';
const NODE_PATH = '/api/v1/node';
const MAX_BYTES = 32 * 1024 * 1024;

export function createQuestions({
  transport,
  credentials,
  headers,
  clock,
  random,
}: QuestionOptions): Questions {
  const client = createClient({ transport, credentials, headers, clock, random });
  const { deniedHint } = credentials;
  const envelope = async (path: string, bounds: Bounds) =>
    readEnvelope({ name: `GET ${path}`, url: path, deniedHint }, await ask(client, path, bounds));
  return {
    status: (bounds) => envelope(STATUS_PATH, bounds),
    list: (bounds) => envelope(VM_PATH, bounds),
    one: (instanceId, bounds) => ask(client, `${VM_PATH}?id=${encodeURIComponent(instanceId)}`, bounds),
    unknown: (bounds) => ask(client, `${VM_PATH}?id=${UNKNOWN_ID}`, bounds),
    nodes: (bounds) => ask(client, NODE_PATH, bounds),
  };
}

function ask(client: Client, path: string, bounds: Bounds): Promise<Answer> {
  return client.read({ path, maxBytes: MAX_BYTES, decode: (answer) => answer }, bounds);
}

/** What decides how often to poll. */
export interface Pace {
  /** The newest answer about the followed instance. */
  readonly newest: Instance | undefined;
  /** Whether the last answer had a newer report than all answers before it. */
  readonly hasNews: boolean;
  /** Whether any answer was older than one before it. */
  readonly hasSteppedBack: boolean;
  /** The shortest time between two reports: in milliseconds. */
  readonly shortestGapMs: number;
}

export const START_PACE: Pace = {
  newest: undefined,
  hasNews: false,
  hasSteppedBack: false,
  shortestGapMs: Number.POSITIVE_INFINITY,
};

const PAUSE_MS = 500;
/** Poll often enough to measure how far replicas lag, and to see frequent reports. */
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A pause is this many times as long as the answer took, so that the survey does not overload a slow controller. */
const PAUSE_FACTOR = 3;
/** A shorter time is not a heartbeat: something else changed the record. */
const SHORTEST_GAP_MS = 100;

/** The state after one more answer. Pure. */
export function learnPace(before: Pace, instance: Instance | undefined): Pace {
  const { newest, hasSteppedBack, shortestGapMs } = before;
  if (instance === undefined) return { ...before, hasNews: false };
  if (newest !== undefined && isOlder(instance, newest))
    return { ...before, hasNews: false, hasSteppedBack: true };
  const gapMs = gapBetween(newest, instance);
  const isGap = gapMs !== undefined && gapMs >= SHORTEST_GAP_MS;
  return {
    newest: instance,
    hasNews: gapMs !== undefined && gapMs > 0,
    hasSteppedBack,
    shortestGapMs: isGap ? Math.min(shortestGapMs, gapMs) : shortestGapMs,
  };
}

function gapBetween(before: Instance | undefined, after: Instance): number | undefined {
  const [from, to] = [before?.reportedAt ?? before?.updatedAt, after.reportedAt ?? after.updatedAt];
  if (from === undefined || to === undefined || compareInstants(from, to) > 0) return undefined;
  return millisecondsBetween(from, to);
}

/** In milliseconds: how long to wait for the next poll, after one that took this long. */
export function pauseAfter({ hasSteppedBack, shortestGapMs }: Pace, tookMs: number): number {
  const wantedMs = hasSteppedBack ? SHORTEST_PAUSE_MS : Math.min(PAUSE_MS, shortestGapMs / 4);
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, wantedMs, PAUSE_FACTOR * tookMs));
}
