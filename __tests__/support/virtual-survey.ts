import { type Access, createAuthentication } from '../../simulator/authentication.ts';
import { type Reaction, react, type SeenRequest } from '../../simulator/controller-api.ts';
import { GITHUB_API_PATH, reactAsGitHub } from '../../simulator/github-api.ts';
import { GitHubWorld } from '../../simulator/github-world.ts';
import { createReplicas } from '../../simulator/replicas.ts';
import { DEFAULT_WORLD, type InstanceRecord, World, type WorldOptions } from '../../simulator/world.ts';
import { ActionError } from '../../src/errors.ts';
import { createTransport } from '../../src/http/transport.ts';
import { harmless, type Terminal } from '../../src/report/terminal.ts';
import { readCommand } from '../../survey/command.ts';
import { type Facts, factsFrom } from '../../survey/facts.ts';
import type { Probe, ProbeResult } from '../../survey/probe.ts';
import type { Recording } from '../../survey/recorder.ts';
import { type Report, renderReport } from '../../survey/report.ts';
import { openRunner, restartAndWatch } from '../../survey/restart-steps.ts';
import { survey } from '../../survey/survey-steps.ts';
import { type Delivery, SimulatedNetwork } from '../simulation/network.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';

/** A survey of a simulated controller on virtual time: minutes take milliseconds, and nothing leaves this process. */
export interface SurveySetting {
  readonly world?: Partial<WorldOptions>;
  readonly replicas?: { readonly count: number; readonly lagMs: number };
  readonly access?: Access;
  /** One way: in milliseconds. */
  readonly networkMs?: number;
  /** How far this machine's clock is ahead of the controller's. */
  readonly machineAheadMs?: number;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Restarts the first VM. */
  readonly restarts?: boolean;
  /** What the user says to the restart. */
  readonly isConfirmed?: boolean;
  /** Puts a runner into each VM, and watches that of the first. */
  readonly runners?: boolean;
  /** How long a guest takes until its SSH server answers; undefined: it never does. */
  readonly guestBootMs?: number;
  /** After a restart its SSH server is never back. */
  readonly guestStaysAway?: boolean;
  /** What a forwarder does before the guest is up. */
  readonly forwarder?: ProbeResult;
  /** What becomes of an answer. */
  readonly change?: (reaction: Reaction, request: SeenRequest) => Reaction;
  /** Ctrl-C after this long. */
  readonly interruptAfterMs?: number;
  /** Told of the world before the survey begins. */
  readonly prepare?: (world: World) => void;
}

export interface EndedSurvey {
  readonly recording: Recording;
  readonly facts: Facts;
  readonly report: Report;
  readonly world: World;
  readonly record: InstanceRecord;
  /** What was shown while it went on. */
  readonly lines: readonly string[];
  /** Requests to the controller, e.g. `GET /api/v1/vm`. */
  readonly requests: readonly string[];
  /** Virtual milliseconds. */
  readonly tookMs: number;
}

const START = Date.parse('2026-07-01T12:00:00Z');
/** Before the survey the world has a past. */
const PRELUDE_MS = 60_000;
const GITHUB_TOKEN = 'ghp_hunter2hunter2';
export const CONTROLLER = 'http://controller.example:8090';
const GITHUB = 'http://github.example';

export async function playSurvey(setting: SurveySetting = {}): Promise<EndedSurvey> {
  const time = createVirtualTime(START);
  const { machineAheadMs = 0 } = setting;
  const world = new World({ ...DEFAULT_WORLD, startsAt: START, ...setting.world });
  setting.prepare?.(world);
  const [record] = world.records;
  if (record === undefined) throw new Error('the world has no VM');
  const github = new GitHubWorld({ world, token: GITHUB_TOKEN });
  if (setting.runners === true)
    github.employ({ record, name: record.externalId ?? '', isEphemeral: false, startsAfterBoot: true });
  const requests: string[] = [];
  const network = new SimulatedNetwork({
    after: (afterMs, run) => time.at(time.now() + afterMs, run),
    deliveryOf: () => delivery(setting.networkMs ?? 1),
    answer: createAnswers({ setting, world, github, now: time.now, requests }),
  });
  await time.run(time.clock.sleep(PRELUDE_MS, new AbortController().signal));

  const lines: string[] = [];
  const command = readCommand(argumentsFor(setting, record), environmentFor(setting), () => {});
  if (command === 'help') throw new Error('the command was --help');
  const dispatchers = { openReader: () => network, openWriter: () => network };
  const clock = { ...time.clock, now: () => time.now() + 5_000_000 };
  const surroundings = {
    clock,
    epochNow: () => time.now() + machineAheadMs,
    random: () => 0,
    signal: interruption(setting, time.at),
    openTransport: () =>
      createTransport({ ...command.inputs, baseUrl: command.inputs.controllerUrl, clock, dispatchers }),
    probe: createSimulatedProbe(world, { setting, now: time.now }),
    onSecret: () => {},
    tell: (line: string) => void lines.push(line),
  };
  const runner = await openRunner(command.inputs, {
    ...surroundings,
    terminal: logTo(lines),
    addresses: [],
    dispatchers,
  });
  const means = { log: logTo(lines), confirm: async () => setting.isConfirmed ?? true, ...runner };
  const beganAt = time.now();
  const recording = await time.run(survey(command, surroundings, (run) => restartAndWatch(run, means)));
  const facts = factsFrom(recording);
  const report = renderReport(facts, '2026-07-01');
  return { recording, facts, report, world, record, lines, requests, tookMs: time.now() - beganAt };
}

function argumentsFor(
  { args = [], restarts = false, runners = false }: SurveySetting,
  record: InstanceRecord,
) {
  return [
    ...['--controller-url', CONTROLLER],
    ...(restarts ? ['--instance-id', record.instanceId, '--restart'] : []),
    ...(runners ? ['--runner-name', '{external_id}', '--runner-scope', 'octo-org'] : []),
    ...args,
  ];
}

function environmentFor({ environment = {}, runners = false }: SurveySetting) {
  const forRunners = { INPUT_GITHUB_TOKEN: GITHUB_TOKEN, GITHUB_API_URL: `${GITHUB}${GITHUB_API_PATH}` };
  return { ...(runners ? forRunners : {}), ...environment };
}

function delivery(networkMs: number): Delivery {
  const whole = { isRefused: false, resetMs: undefined, arriving: 1, pieces: 1, pauseMs: 0 };
  return { ...whole, connectMs: 0, thereMs: networkMs, backMs: networkMs };
}

interface Answering {
  readonly setting: SurveySetting;
  readonly world: World;
  readonly github: GitHubWorld;
  readonly now: () => number;
  readonly requests: string[];
}

function createAnswers({ setting, world, github, now, requests }: Answering) {
  const replicas = createReplicas({ world, count: 1, lagMs: 0, ...setting.replicas });
  const authentication = createAuthentication(setting.access ?? {});
  const { change = (reaction: Reaction) => reaction } = setting;
  return (request: SeenRequest): Reaction => {
    if (request.path.startsWith(GITHUB_API_PATH)) return reactAsGitHub({ github, now: now() }, request);
    requests.push(`${request.method} ${request.path}`);
    const authorization = request.headers['authorization'];
    const refusal = authentication.check({ ...request, authorization, now: now() });
    const reaction = refusal ?? react({ replicas, now: now() }, request);
    const date = new Date(now()).toUTCString();
    return change({ ...reaction, headers: { ...reaction.headers, date } }, request);
  };
}

/** Whoever probes meets the VM that has the port at that moment. */
function createSimulatedProbe(
  world: World,
  { setting, now }: { setting: SurveySetting; now: () => number },
): Probe {
  const { guestBootMs, guestStaysAway = false, forwarder = 'refused' } = setting;
  return async ({ host, port }) => {
    world.advanceTo(now());
    const vm = world.records.find((one) => one.node?.ip === host && one.vm?.sshPort === port)?.vm;
    if (vm === undefined || vm.power === 'stopped') return 'refused';
    const isAway = guestStaysAway && vm.bootedAt > START;
    const isUp = guestBootMs !== undefined && !isAway && now() >= vm.bootedAt + guestBootMs;
    return isUp ? 'banner' : forwarder;
  };
}

function interruption(
  { interruptAfterMs }: SurveySetting,
  at: (time: number, run: () => void) => void,
): AbortSignal {
  const controller = new AbortController();
  if (interruptAfterMs !== undefined)
    at(START + PRELUDE_MS + interruptAfterMs, () =>
      controller.abort(new ActionError('cancelled', 'The survey was ended (SIGINT).')),
    );
  return controller.signal;
}

function logTo(lines: string[]): Terminal {
  const write = (line: string) => void lines.push(harmless(line));
  return { mask: () => {}, clean: String, info: write, debug: () => {}, warning: write, error: write };
}
