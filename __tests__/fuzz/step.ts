import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reaction } from '../../simulator/controller-api.ts';
import { asActionError } from '../../src/errors.ts';
import { failedStep, type StepOutcome } from '../../src/fleet/step-outcome.ts';
import { mayBeSeveral } from '../../src/fleet/targets.ts';
import type { Dial } from '../../src/guest/contact.ts';
import type { Environment } from '../../src/inputs/form.ts';
import type { Inputs } from '../../src/inputs/inputs.ts';
import { setOutputs } from '../../src/report/outputs.ts';
import { report } from '../../src/report/report.ts';
import { writeSummary } from '../../src/report/summary.ts';
import { createTerminal, type Terminal } from '../../src/report/terminal.ts';
import type { NetworkAnswer, SentRequest } from '../simulation/network.ts';
import { playStep } from '../simulation/play-step.ts';
import { createStage, START, type Stage, type StageSetting, WHOLE } from '../simulation/stage.ts';
import { API_KEY_ID, KEY_PAIR, resolve, SECRETS, WORLD } from './environment.ts';
import { encode, encodingHeader, endpointOf, type Scripts, tamper } from './tampering.ts';

/** One case: the step's environment, and the changes to the answers that it gets. */
export interface Case {
  readonly environment: Environment;
  readonly scripts: Scripts;
  /** The text that the guest's server sends on each connection. */
  readonly greetings: readonly string[];
}

/** What a step said and did in a case. */
export interface CaseResult {
  readonly outcome: StepOutcome;
  /** How long the inputs allow it to take; undefined if they were invalid. */
  readonly timeoutMs: number | undefined;
  /** Its duration on the virtual clock, and in real time. */
  readonly tookMs: number;
  readonly reallyTookMs: number;
  /** The log, and the files behind GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. */
  readonly log: string;
  readonly outputs: string;
  readonly summary: string;
  /** Secrets in the controller's answers. */
  readonly controllerSecrets: readonly string[];
}

/** Secrets in an instance's record that must not get into any log. */
const HIDDEN = ['vnc-hunter2-old', 'registration-hunter2-token'];

/** The real step, from its environment to everything that a runner reads, except for the network and the time. */
export async function runCase(given: Case): Promise<CaseResult> {
  const environment = resolve(given.environment);
  const tokens: string[] = [];
  const stage = createStage({
    ...settingFor(environment),
    deliveryOf: () => ({ ...WHOLE, connectMs: 0, thereMs: 0, backMs: 1, pieces: 2 }),
    alter: createTamperer(given.scripts, tokens),
    dial: ({ time }) => createTamperedDial(given.greetings, (ms, run) => time.at(time.now() + ms, run)),
  });
  const beganAt = performance.now();
  const said = await captured(async () => {
    const terminal = createTerminal();
    const { outcome, timeoutMs } = await attempt({ ...stage, environment }, terminal);
    report(outcome, terminal);
    await writeSummary(outcome, terminal);
    return { outcome, timeoutMs };
  });
  return {
    ...said,
    tookMs: stage.time.now() - START,
    reallyTookMs: performance.now() - beganAt,
    controllerSecrets: [...HIDDEN, ...tokens],
  };
}

/** The simulated worlds write the handshake as the vendor's clients need it; this is the form in the vendor's documentation. */
const OTHER_FORMS = ['url-safe', 'unpadded', 'line break', 'encoded'] as const;
/** The runner is soon offline after a restart, and then online again. */
const HABITS = { loginMs: 20_000, staleMs: 1_000, sessionMs: 1_000 };

/** A controller with one VM, and the GitHub of the runner in it. */
function settingFor({ INPUT_API_KEY: key, INPUT_RUNNER_SCOPE: scope }: Environment): StageSetting {
  const apiKey = { id: API_KEY_ID, publicKey: KEY_PAIR.publicKey };
  return {
    world: WORLD,
    ...(key && { access: { apiKey, handshakeForms: OTHER_FORMS } }),
    github: { habits: HABITS, otherRuns: 1, token: SECRETS['github_token'] ?? '' },
    runnersIn: ({ externalId = '' }) => [{ name: externalId, ...(scope && { scope }) }],
  };
}

/** In the same way as `main`. */
async function attempt(stage: Stage, terminal: Terminal): Promise<Pick<CaseResult, 'outcome' | 'timeoutMs'>> {
  let inputs: Inputs | undefined;
  const timeoutOf = (read: Inputs) => turns(read) * (read.timeoutMs + runnerMs(read) + guestMs(read));
  const change = (read: Inputs) => {
    inputs = read;
    return read;
  };
  try {
    const onAnnounce = (_: unknown, known: StepOutcome) => setOutputs(known, terminal);
    const { outcome } = await playStep(stage, {}, { change, terminal, onAnnounce });
    return { outcome, timeoutMs: inputs && timeoutOf(inputs) };
  } catch (error) {
    return {
      outcome: failedStep(asActionError(error), inputs?.targets),
      timeoutMs: inputs && timeoutOf(inputs),
    };
  }
}

/** Each of several VMs has its own timeout, one after another; resolving the targets takes one more. */
function turns({ targets }: Inputs): number {
  return mayBeSeveral(targets) ? targets.length + 1 : 1;
}

/** The time besides `idle_for` to be sure that no job runs: for the reads of the runner and of the jobs. */
const SETTLING_MS = 60_000;

/** How much longer a step may take because of a runner; GitHub may be unavailable for as long as a restart may take. */
function runnerMs({ runner, timeoutMs }: Inputs): number {
  if (runner === undefined) return 0;
  return runner.busyTimeoutMs + timeoutMs + runner.idleForMs + SETTLING_MS + runner.runnerTimeoutMs;
}

/** The time that the wait for a guest may add: it has its own limit. */
function guestMs({ guest }: Inputs): number {
  return guest === undefined ? 0 : guest.timeoutMs + 2_000;
}

/** Each connection is open at once, and its text comes a little later. After the last text, connections are refused. */
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

function createTamperer(scripts: Scripts, tokens: string[]) {
  const turns = new Map<string, number>();
  return (reaction: Reaction, { path }: SentRequest): NetworkAnswer => {
    const endpoint = endpointOf(path);
    const { tamperings, lasts } = scripts[endpoint];
    const turn = turns.get(endpoint) ?? 0;
    turns.set(endpoint, turn + 1);
    if (endpoint === 'shake') tokens.push(...tokensIn(reaction.body));
    const honest = { ...reaction, body: withSecrets(reaction.body) };
    const tampering = tamperings[lasts ? Math.min(turn, tamperings.length - 1) : turn];
    if (tampering === undefined) return honest;
    const { status = honest.status, body, afterMs = Number.POSITIVE_INFINITY, encoding } = tampering;
    const headers = { ...honest.headers, ...encodingHeader(encoding), ...tampering.headers };
    const bytes = encode(tamper(body, honest.body), encoding);
    return { ...honest, status, headers, bytes, lateMs: afterMs };
  };
}

/** An instance's record contains user-defined values. */
function withSecrets(body: string): string {
  const [vncPassword, token] = HIDDEN;
  const script = { return_code: 0, did_timeout: false, stdout: token, stderr: token, errors: [token] };
  return body
    .replaceAll('"vminfo":{', `"vminfo":{"vnc_connection_string":"vnc://:${vncPassword}@192.0.2.70:5900",`)
    .replaceAll('"vlan":"",', `"vlan":"","metadata":{"a":"b"},"startup_script":${JSON.stringify(script)},`)
    .replaceAll('"vlan":""}', `"vlan":"","metadata":{"a":"b"},"startup_script":${JSON.stringify(script)}}`);
}

function tokensIn(body: string): string[] {
  const [, token] = /"token":"([^"]+)"/.exec(`${body} ${Buffer.from(body, 'base64')}`) ?? [];
  return token === undefined ? [] : [token];
}

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
