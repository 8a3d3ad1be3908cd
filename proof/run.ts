import { generateKeyPairSync } from 'node:crypto';
import { type Reaction, react, type SeenRequest } from '../simulator/face.ts';
import { createGate } from '../simulator/gate.ts';
import { createRandom, type Random } from '../simulator/random.ts';
import { createReplicas } from '../simulator/replicas.ts';
import { type Node, type Vm, World } from '../simulator/world.ts';
import type { Identity } from '../src/controller/credentials.ts';
import { ActionError } from '../src/errors.ts';
import type { Inputs } from '../src/inputs.ts';
import { run as runStep } from '../src/main.ts';
import { createRedactor } from '../src/redactor.ts';
import { outputsOf } from '../src/report.ts';
import type { Outcome } from '../src/restart/restart.ts';
import { renderSummary } from '../src/summary.ts';
import { harmless, type Terminal } from '../src/terminal.ts';
import { drawMalice, type Malice, PRELUDE_MS, type WorldEvent } from './malice.ts';
import { type Fate, SimulatedNetwork } from './network.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/** What the checker knows of one run: what the step said, and what is true. Times in milliseconds. */
export interface RunRecord {
  readonly seed: number;
  readonly malice: Malice;
  readonly outcome: Outcome;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cancelledAt: number | undefined;
  /** When the controller got a restart from the step, and whether it took it. */
  readonly restartRequests: readonly { readonly at: number; readonly isTaken: boolean }[];
  /** When the step first sent one. */
  readonly sentAt: number | undefined;
  /** When the VM booted, whoever wanted it. */
  readonly boots: readonly number[];
  readonly isUp: boolean;
  /** How far off the node's clock is. */
  readonly skewMs: number;
  /** Kinds of faults that really happened. */
  readonly faults: readonly string[];
  /** Everything that the step wrote. */
  readonly written: string;
  readonly secrets: readonly string[];
  /** What happened, in order, for people. */
  readonly timeline: readonly string[];
}

const START = Date.parse('2026-07-01T12:00:00Z');
const ROOT_TOKEN = 'root-hunter2-token';
const PASSWORD = 'vnc-hunter2';
const KEY_PAIR = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** One run of the real step in a simulated world; the same seed gives the same run. */
export async function runOnce(
  seed: number,
  change: (malice: Malice) => Malice = (malice) => malice,
): Promise<RunRecord> {
  const random = createRandom(seed);
  const malice = change(drawMalice(random, seed));
  const time = createVirtualTime(START - PRELUDE_MS);
  const stage = createStage({ malice, random, time });
  const instanceId = stage.world.records[0]?.instanceId ?? '';
  for (const event of malice.events) time.at(START + event.afterMs, () => stage.happen(event, instanceId));
  if (malice.restartedBeforeMs !== undefined) {
    time.at(START - malice.restartedBeforeMs, () => stage.change((world) => world.restart(instanceId)));
  }
  await time.run(time.clock.sleep(PRELUDE_MS, new AbortController().signal));

  const cancellation = new AbortController();
  let cancelledAt: number | undefined;
  if (malice.cancelAfterMs !== undefined) {
    time.at(START + malice.cancelAfterMs, () => {
      cancelledAt = time.now();
      cancellation.abort(new ActionError('cancelled', 'The step was cancelled (SIGINT).'));
    });
  }
  const { terminal, written } = createRecorder();
  terminal.mask(PASSWORD);
  const dispatcher = new SimulatedNetwork(stage);
  const host = { terminal, clock: time.clock, random: random.next, signal: cancellation.signal };
  const dispatchers = { reader: dispatcher, writer: dispatcher };
  const outcome = await time.run(runStep(inputsFor(malice, instanceId), { ...host, dispatchers }));
  const endedAt = time.now();
  stage.world.advanceTo(endedAt);

  const said = [JSON.stringify(outputsOf(outcome, terminal.clean)), renderSummary(outcome, terminal.clean)];
  return {
    ...{ seed, malice, outcome, startedAt: START, endedAt, cancelledAt },
    ...{
      restartRequests: stage.restartRequests,
      sentAt: stage.sentAt(),
      faults: [...stage.faults],
      timeline: stage.timeline,
    },
    boots: stage.world.boots.filter((boot) => boot.instanceId === instanceId).map(({ at }) => at),
    isUp: stage.world.records[0]?.vm?.power === 'running',
    skewMs: stage.world.nodes[0]?.clockSkewMs ?? 0,
    written: [...written, ...said].join('\n'),
    secrets: [PASSWORD, ROOT_TOKEN, ...stage.tokens],
  };
}

function inputsFor(malice: Malice, instanceId: string): Inputs {
  const identities: Readonly<Record<Malice['identity'], Identity>> = {
    none: { kind: 'none' },
    root_token: { kind: 'root_token', token: ROOT_TOKEN },
    api_key: { kind: 'api_key', id: 'ci', key: KEY_PAIR.privateKey },
  };
  const { timeoutMs, requestTimeoutMs, pollInterval } = malice;
  return {
    controllerUrl: new URL('http://controller.example:8090'),
    target: { by: 'instance_id', id: instanceId },
    ...{
      vncPassword: PASSWORD,
      usbDevice: undefined,
      timeoutMs,
      requestTimeoutMs,
      pollInterval,
      dryRun: false,
    },
    ...{ headers: {}, proxy: undefined, identity: identities[malice.identity] },
    tls: { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true },
  };
}

function createRecorder(): { terminal: Terminal; written: string[] } {
  const written: string[] = [];
  const redactor = createRedactor();
  const clean = (text: string) => harmless(redactor.redact(text));
  const write = (line: string) => {
    written.push(clean(line));
  };
  const terminal: Terminal = {
    ...{ mask: redactor.add, scrub: redactor.scrub, clean, info: write, debug: write, warning: write },
    error: (title, text) => write(`${title} ${text}`),
  };
  return { terminal, written };
}

// ---- the world and the way to it ----

interface Cast {
  readonly malice: Malice;
  readonly random: Random;
  readonly time: VirtualTime;
}

const STATUSES = [408, 429, 500, 502, 503, 504];
/** 429 says that nothing was done: after the deed it would be a lie that nobody could see through. */
const LATE_STATUSES = STATUSES.filter((status) => status !== 429);

interface Deed {
  readonly world: World;
  readonly node: Node;
  readonly vm: Vm | undefined;
  readonly instanceId: string;
  readonly forMs: number;
}

/** What each event does to a world, or to a replica's picture of it. */
const DEEDS: Readonly<Record<WorldEvent['kind'], (deed: Deed) => void>> = {
  silence: ({ world, node, forMs }) => world.silence(node, forMs),
  busy: ({ world, node, forMs }) => world.keepBusy(node, forMs),
  clock: ({ node, forMs }) => {
    // From a quarter of an hour back to more than an hour forth.
    node.clockSkewMs += (forMs - 10_000) * 100;
  },
  'foreign restart': ({ world, instanceId }) => void world.restart(instanceId),
  doom: ({ vm }) => {
    if (vm !== undefined) vm.isDoomed = true;
  },
  terminate: ({ world, instanceId }) => void world.terminate(instanceId),
};

function createStage({ malice, random, time }: Cast) {
  const world = new World({ ...malice.world, startsAt: START - PRELUDE_MS });
  const replicas = createReplicas({ world, ...malice.replicas });
  const access = {
    none: {},
    root_token: { rootToken: ROOT_TOKEN },
    api_key: { apiKey: { id: 'ci', publicKey: KEY_PAIR.publicKey }, sessionTtlMs: malice.sessionTtlMs },
  };
  const gate = createGate(access[malice.identity]);
  const restartRequests: { at: number; isTaken: boolean }[] = [];
  const [faults, timeline, tokens]: [Set<string>, string[], string[]] = [new Set(), [], []];
  let sentAt: number | undefined;
  const isRestart = ({ method, path }: SeenRequest) => method === 'POST' && path.endsWith('/restart');
  const note = (text: string) => timeline.push(`+${((time.now() - START) / 1_000).toFixed(3)} s  ${text}`);
  const strikes = (kind: string, rate: number) => {
    const isStruck = time.now() < START + malice.healsAfterMs && random.next() < rate;
    if (isStruck) faults.add(kind);
    return isStruck;
  };

  function fateOf(request: SeenRequest): Fate {
    const { network } = malice;
    if (isRestart(request)) sentAt ??= time.now();
    const latency = () => network.latencyMs * (0.5 + random.next());
    const slowness = strikes('slow', network.slow) ? random.next() ** 3 * malice.timeoutMs : 0;
    const isRefused = strikes('refused', network.refused);
    const neverConnects = isRefused || strikes('hangs connecting', network.hangsConnecting);
    const fate: Fate = {
      isRefused,
      connectMs: neverConnects ? undefined : latency(),
      thereMs: strikes('lost there', network.lostThere) ? undefined : latency() + slowness,
      backMs: strikes('lost back', network.lostBack) ? undefined : latency(),
      resetMs: random.next() < 0.5 ? random.next() * 2_000 : undefined,
      arriving: strikes('cut', network.cut) ? random.next() : 1,
    };
    note(`${request.method} ${request.path} leaves: ${JSON.stringify(fate)}`);
    return fate;
  }

  function answer(request: SeenRequest): Reaction {
    const storm = (statuses: readonly number[]): Reaction => {
      const status = statuses[Math.floor(random.next() * statuses.length)] ?? 502;
      const headers: Record<string, string> = random.next() < 0.2 ? { 'retry-after': '2' } : {};
      return { status, headers, body: '<html>' };
    };
    if (strikes('storm', malice.network.storm)) return storm(STATUSES);
    const now = time.now();
    const authorization = request.headers['authorization'] as string | undefined;
    const denied = gate.check({ ...request, authorization, now });
    if (denied !== undefined) collectToken(denied.body);
    const reaction = denied === undefined ? react({ replicas, now }, request) : { headers: {}, ...denied };
    if (isRestart(request)) restartRequests.push({ at: now, isTaken: reaction.body.includes('"OK"') });
    note(`${request.method} ${request.path} arrives: ${reaction.status} ${reaction.body.slice(0, 2_000)}`);
    return strikes('late storm', malice.network.lateStorm) ? storm(LATE_STATUSES) : reaction;
  }

  function collectToken(body: string): void {
    const [, token] = /"token":"([^"]+)"/.exec(Buffer.from(body, 'base64').toString()) ?? [];
    if (token !== undefined) tokens.push(token);
  }

  const change = (act: (world: World) => void) => replicas.change(time.now(), act);

  function happen({ kind, forMs }: WorldEvent, instanceId: string): void {
    if (time.now() >= START + malice.healsAfterMs) return;
    faults.add(kind);
    note(`${kind} for ${Math.round(forMs)} ms`);
    change((one) => {
      const [node] = one.nodes;
      const vm = one.records[0]?.vm;
      if (node !== undefined) DEEDS[kind]({ world: one, node, vm, instanceId, forMs });
    });
  }

  const at = (afterMs: number, act: () => void) => time.at(time.now() + afterMs, act);
  return {
    world,
    at,
    fateOf,
    answer,
    happen,
    change,
    restartRequests,
    sentAt: () => sentAt,
    faults,
    timeline,
    tokens,
  };
}
