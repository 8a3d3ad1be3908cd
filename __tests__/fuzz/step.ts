import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeenRequest } from '../../simulator/controller-api.ts';
import { asActionError } from '../../src/errors.ts';
import { failedStep, type StepOutcome } from '../../src/fleet/step-outcome.ts';
import { mayBeSeveral } from '../../src/fleet/targets.ts';
import type { Dial } from '../../src/guest/contact.ts';
import type { Environment } from '../../src/inputs/form.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { type Host, run } from '../../src/main.ts';
import { setOutputs } from '../../src/report/outputs.ts';
import { report } from '../../src/report/report.ts';
import { writeSummary } from '../../src/report/summary.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { createVirtualTime } from '../simulation/virtual-time.ts';
import { KEY_PAIR, resolve } from './environment.ts';
import { createHonestController, HIDDEN } from './honest-controller.ts';
import { TamperedNetwork } from './network.ts';
import { encode, encodingHeader, endpointOf, type Scripts, tamper } from './tampering.ts';

/** One case: what the step is given, and what becomes of the answers that it gets. */
export interface Case {
  readonly environment: Environment;
  readonly scripts: Scripts;
  /** What the guest's server says on each connection. */
  readonly greetings: readonly string[];
}

/** What a step said and did in a case. */
export interface CaseResult {
  readonly outcome: StepOutcome;
  /** How long the inputs allow it to take; undefined where they were invalid. */
  readonly timeoutMs: number | undefined;
  /** What it took on the virtual clock, and in real time. */
  readonly tookMs: number;
  readonly reallyTookMs: number;
  /** The log, and the files behind GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. */
  readonly log: string;
  readonly outputs: string;
  readonly summary: string;
  /** Secrets in the controller's answers. */
  readonly controllerSecrets: readonly string[];
}

const START = Date.parse('2026-07-01T12:00:00Z');

/** The real step, from its environment to what a runner reads, but for the network and the time. */
export async function runCase(given: Case): Promise<CaseResult> {
  const environment = resolve(given.environment);
  const time = createVirtualTime(START);
  const controller = createHonestController(environment['INPUT_API_KEY'] ? KEY_PAIR.publicKey : undefined);
  const answer = createTamperer(given.scripts, (request) => controller.answer(request, time.now()));
  const after = (afterMs: number, run: () => void) => time.at(time.now() + afterMs, run);
  const network = new TamperedNetwork({ after, answer });
  const dispatchers = { openReader: () => network, openWriter: () => network };
  const beganAt = performance.now();
  const said = await captured(async () => {
    const terminal = createTerminal();
    const signal = new AbortController().signal;
    const announce = (outcome: StepOutcome) => setOutputs(outcome, terminal);
    const dial = createTamperedDial(given.greetings, after);
    const host = { terminal, clock: time.clock, random: () => 0.5, signal, dispatchers, announce, dial };
    const { outcome, timeoutMs } = await time.run(attempt(environment, host));
    report(outcome, terminal);
    await writeSummary(outcome, terminal);
    return { outcome, timeoutMs };
  });
  return {
    ...said,
    tookMs: time.now() - START,
    reallyTookMs: performance.now() - beganAt,
    controllerSecrets: [...HIDDEN, ...controller.tokens],
  };
}

/** As `main` does it. */
async function attempt(
  environment: Environment,
  host: Host,
): Promise<Pick<CaseResult, 'outcome' | 'timeoutMs'>> {
  let timeoutMs: number | undefined;
  let inputs: Inputs | undefined;
  try {
    inputs = readInputs(environment, host.terminal.mask);
    timeoutMs = turns(inputs) * (inputs.timeoutMs + runnerMs(inputs) + guestMs(inputs));
    return { outcome: await run(inputs, host), timeoutMs };
  } catch (error) {
    return { outcome: failedStep(asActionError(error), inputs?.targets), timeoutMs };
  }
}

/** Each of several VMs has its own time, one after the other; resolving the targets takes one more. */
function turns({ targets }: Inputs): number {
  return mayBeSeveral(targets) ? targets.length + 1 : 1;
}

/** What it takes to be sure that no job runs, beside `idle_for`: the looks themselves, and the jobs. */
const SETTLING_MS = 60_000;

/** What a runner to look after may add; GitHub may be silent for as long as a restart may take. */
function runnerMs({ runner, timeoutMs }: Inputs): number {
  if (runner === undefined) return 0;
  return runner.busyTimeoutMs + timeoutMs + runner.idleForMs + SETTLING_MS + runner.runnerTimeoutMs;
}

/** What a guest to wait for may add: its wait has an end of its own. */
function guestMs({ guest }: Inputs): number {
  return guest === undefined ? 0 : guest.timeoutMs + 2_000;
}

/** Each connection stands at once; what is said on it comes a little later. Once all is said, nobody takes connections. */
function createTamperedDial(
  greetings: readonly string[],
  after: (ms: number, run: () => void) => void,
): Dial {
  let turn = 0;
  return (_, { connected, received, ended }) => {
    const greeting = greetings[turn++];
    after(1, () => {
      if (greeting === undefined) return ended(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
      connected();
      received(Buffer.from(greeting));
    });
    return () => {};
  };
}

function createTamperer(
  scripts: Scripts,
  honest: (request: SeenRequest) => ReturnType<ReturnType<typeof createHonestController>['answer']>,
) {
  const turns = new Map<string, number>();
  return (request: SeenRequest) => {
    const endpoint = endpointOf(request.path);
    const { tamperings, lasts } = scripts[endpoint];
    const turn = turns.get(endpoint) ?? 0;
    turns.set(endpoint, turn + 1);
    const answer = honest(request);
    const tampering = tamperings[lasts ? Math.min(turn, tamperings.length - 1) : turn];
    if (tampering === undefined)
      return { ...answer, headers: JSON_TYPE, bytes: Buffer.from(answer.body), afterMs: 1 };
    const { status = answer.status, body, afterMs, encoding } = tampering;
    const headers = { ...JSON_TYPE, ...encodingHeader(encoding), ...tampering.headers };
    return { status, headers, afterMs, bytes: encode(tamper(body, answer), encoding) };
  };
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

// ---- what a runner reads ----

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const FILES = { GITHUB_OUTPUT: join(folder, 'outputs'), GITHUB_STEP_SUMMARY: join(folder, 'summary.md') };

async function captured<T>(work: () => Promise<T>) {
  const chunks: string[] = [];
  const { write } = process.stdout;
  for (const file of Object.values(FILES)) writeFileSync(file, '');
  Object.assign(process.env, FILES);
  process.stdout.write = (chunk: string | Uint8Array) => chunks.push(String(chunk)) > 0;
  try {
    const result = await work();
    const [outputs, summary] = Object.values(FILES).map((file) => readFileSync(file, 'utf8'));
    return { ...result, log: chunks.join(''), outputs: outputs ?? '', summary: summary ?? '' };
  } finally {
    process.stdout.write = write;
  }
}
