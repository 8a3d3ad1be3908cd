import type { Access } from '../../simulator/authentication.ts';
import type { Reaction, SeenRequest } from '../../simulator/controller-api.ts';
import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import type { InstanceRecord, World, WorldOptions } from '../../simulator/world.ts';
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
import {
  CONTROLLER_ORIGIN,
  createStage,
  GITHUB_ORIGIN,
  GITHUB_TOKEN,
  passPrelude,
  START,
} from '../simulation/stage.ts';

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
  /** The user's answer to the question before the restart. */
  readonly isConfirmed?: boolean;
  /** Puts a runner into each VM, and watches that of the first. */
  readonly runners?: boolean;
  /** How long a guest takes until its SSH server answers; undefined: it never does. */
  readonly guestBootMs?: number;
  /** After a restart its SSH server is never back. */
  readonly guestStaysAway?: boolean;
  /** What a forwarder does before the guest is up. */
  readonly forwarder?: ProbeResult;
  /** How an answer is changed. */
  readonly change?: (reaction: Reaction, request: SeenRequest) => Reaction;
  /** Ctrl-C after this long. */
  readonly interruptAfterMs?: number;
  /** Called with the world before the survey begins. */
  readonly prepare?: (world: World) => void;
}

export interface EndedSurvey {
  readonly recording: Recording;
  readonly facts: Facts;
  readonly report: Report;
  readonly world: World;
  readonly record: InstanceRecord;
  /** The progress messages. */
  readonly lines: readonly string[];
  /** Requests to the controller, e.g. `GET /api/v1/vm`. */
  readonly requests: readonly string[];
  /** Virtual milliseconds. */
  readonly tookMs: number;
}

/** How long the world has existed before the survey: in milliseconds. */
const PRELUDE_MS = 60_000;

export async function playSurvey(setting: SurveySetting = {}): Promise<EndedSurvey> {
  const { machineAheadMs = 0, networkMs = 1, change = (reaction: Reaction) => reaction } = setting;
  const stage = createStage({
    ...{ preludeMs: PRELUDE_MS, latencyMs: networkMs },
    ...(setting.world && { world: setting.world }),
    ...(setting.replicas && { replicas: setting.replicas }),
    ...(setting.access && { access: setting.access }),
    ...(setting.runners === true && { github: {} }),
    alter: (reaction, request) =>
      request.path.startsWith(GITHUB_API_PATH) ? reaction : change(reaction, request),
    prepare: ({ world }) => setting.prepare?.(world),
  });
  const { time, world, dispatchers } = stage;
  const [record] = world.records;
  if (record === undefined) throw new Error('the world has no VM');
  await passPrelude(stage);

  const lines: string[] = [];
  const command = readCommand(argumentsFor(setting, record), environmentFor(setting), () => {});
  if (command === 'help') throw new Error('the command was --help');
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
    print: (line: string) => void lines.push(line),
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
  const requests = stage.requests.flatMap(({ request: { method, path } }) =>
    path.startsWith(GITHUB_API_PATH) ? [] : [`${method} ${path}`],
  );
  return { recording, facts, report, world, record, lines, requests, tookMs: time.now() - beganAt };
}

function argumentsFor(
  { args = [], restarts = false, runners = false }: SurveySetting,
  record: InstanceRecord,
) {
  return [
    ...['--controller-url', CONTROLLER_ORIGIN],
    ...(restarts ? ['--instance-id', record.instanceId, '--restart'] : []),
    ...(runners ? ['--runner-name', '{external_id}', '--runner-scope', 'octo-org'] : []),
    ...args,
  ];
}

function environmentFor({ environment = {}, runners = false }: SurveySetting) {
  const forRunners = {
    INPUT_GITHUB_TOKEN: GITHUB_TOKEN,
    GITHUB_API_URL: `${GITHUB_ORIGIN}${GITHUB_API_PATH}`,
  };
  return { ...(runners ? forRunners : {}), ...environment };
}

/** A probe reaches the VM that has the port at that moment. */
function createSimulatedProbe(
  world: World,
  { setting, now }: { setting: SurveySetting; now: () => number },
): Probe {
  const { guestBootMs, guestStaysAway = false, forwarder = 'refused' } = setting;
  return async ({ host, port }) => {
    world.advanceTo(now());
    const vm = world.records.find((one) => one.node?.ip === host && one.vm?.sshPort === port)?.vm;
    if (vm === undefined || vm.power === 'stopped') return 'refused';
    const isAway = guestStaysAway && vm.bootedAt >= START;
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
    at(START + interruptAfterMs, () =>
      controller.abort(new ActionError('cancelled', 'The survey was ended (SIGINT).')),
    );
  return controller.signal;
}

function logTo(lines: string[]): Terminal {
  const write = (line: string) => void lines.push(harmless(line));
  return { mask: () => {}, clean: String, info: write, debug: () => {}, warning: write, error: write };
}
