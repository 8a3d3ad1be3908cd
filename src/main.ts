import { networkInterfaces } from 'node:os';
import { type Clock, systemClock } from './clock.ts';
import { createClient } from './controller/client.ts';
import { type Controller, createController } from './controller/controller.ts';
import { createCredentials } from './controller/credentials.ts';
import type { Instance } from './controller/instance.ts';
import type { DrainState } from './drain/drain.ts';
import { asActionError } from './errors.ts';
import { restartFleet } from './fleet/fleet.ts';
import { shareLiveInstances, shareSources } from './fleet/shared-reads.ts';
import { failedStep, type StepOutcome } from './fleet/step-outcome.ts';
import { mayBeSeveral } from './fleet/targets.ts';
import { hasPlaceholder, hasValues } from './github/runner-names.ts';
import type { Sources } from './github/sources.ts';
import { problemOf } from './guest/address.ts';
import { createDial, type Dial } from './guest/contact.ts';
import type { GuestCheck } from './guest/wait-for-guest.ts';
import { isOwnHost } from './http/addresses.ts';
import type { Dispatchers } from './http/connections.ts';
import { createTransport } from './http/transport.ts';
import { type Inputs, readInputs, wantsJobSummary } from './inputs/inputs.ts';
import { runPostStep } from './post-step.ts';
import { avoidPipes } from './process.ts';
import { announceOutputs, saveDrains } from './report/outputs.ts';
import { isHurried, report } from './report/report.ts';
import { writeSummary } from './report/summary.ts';
import { createTerminal, type Terminal } from './report/terminal.ts';
import type { Guards } from './runner/guard.ts';
import { refuseOwnMachine } from './runner/self-restart.ts';

/** How long reporting may take; then the process ends, whatever still blocks it. In milliseconds. */
const REPORT_MS = 1_000;
/** The same if the step has used up its time, or was canceled. */
const SHORT_REPORT_MS = 400;

/**
 * The whole step: environment -> inputs -> restart -> outcome -> report. Never throws.
 * @param signal aborts with the error to report.
 * @param endWithin ends the process after this many milliseconds if it does not end by itself.
 */
export async function main(signal: AbortSignal, endWithin: (ms: number) => void): Promise<void> {
  const terminal = createTerminal();
  avoidPipes(terminal.warning);
  const { STATE_drains: left } = process.env;
  if (left) {
    const close = await runPostStep(left, { ...hostOf(terminal, signal), environment: process.env });
    endWithin(REPORT_MS);
    return close();
  }
  const outcome = await restartAsAsked(terminal, signal);
  process.exitCode = outcome.error === undefined ? 0 : 1;
  // Before anything is written: a file may be a pipe that no process reads.
  endWithin(isHurried(outcome) ? SHORT_REPORT_MS : REPORT_MS);
  if (!report(outcome, terminal)) process.exitCode = 1;
  if (wantsJobSummary(process.env)) await writeSummary(outcome, terminal);
}

async function restartAsAsked(terminal: Terminal, signal: AbortSignal): Promise<StepOutcome> {
  let inputs: Inputs | undefined;
  try {
    inputs = readInputs(process.env, terminal.mask);
    const announce = (outcome: StepOutcome) => announceOutputs(outcome, terminal);
    const host = hostOf(terminal, signal);
    return await run(inputs, { ...host, announce, saveDrains, addresses: ownAddresses() });
  } catch (error) {
    return failedStep(asActionError(error), inputs?.targets);
  }
}

function hostOf(terminal: Terminal, signal: AbortSignal) {
  return { terminal, signal, clock: systemClock, random: Math.random };
}

function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flat();
  return interfaces.filter((each) => each !== undefined).map(({ address }) => address);
}

/** What the step runs on: the real world, or a simulated one. */
export interface Host {
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Aborts with the error to report. */
  readonly signal: AbortSignal;
  /** Send the requests to the controller and to GitHub instead of the network. */
  readonly dispatchers?: Dispatchers;
  /** Connects to the guest's SSH server, instead of real sockets. */
  readonly dial?: Dial;
  /** Called with everything known right before the restart may be sent, so that it is saved even if the process is killed. */
  readonly announce?: (outcome: StepOutcome) => void;
  /** Saves what the post step must restore if the process is killed. */
  readonly saveDrains?: (state: DrainState) => void;
  /** IP addresses of this machine. */
  readonly addresses: readonly string[];
}

/**
 * The step itself: from checked inputs to the outcome.
 * @throws ActionError `self_restart`, before any request is made.
 */
export async function run(inputs: Inputs, host: Host): Promise<StepOutcome> {
  const { terminal: log, clock, signal, announce } = host;
  const { controller, close } = connect(inputs, host);
  try {
    const guards = await createGuardsIfAsked(inputs, host, controller);
    for (const warning of inputs.warnings) log.warning(warning);
    const { ownRunner, runner: watched } = inputs;
    const refuse = (instance: Instance) =>
      refuseOwnMachine(ownRunner, instance, { names: controller.namesOf(instance), watched });
    const context = {
      clock,
      controller,
      log,
      signal,
      guards,
      guest: guestCheckOf(inputs, host),
      refuse,
      announce,
    };
    return await restartFleet(inputs, context).finally(() => guards?.close());
  } finally {
    await close();
  }
}

/** The code that talks to GitHub is loaded only if there is a runner to guard. */
async function createGuardsIfAsked(
  { runner, ownRunner, requestTimeoutMs, timeoutMs: patienceMs, dryRun: isDryRun, ...vms }: Inputs,
  { terminal: log, clock, random, signal, dispatchers, addresses, saveDrains }: Host,
  controller: Controller,
): Promise<Guards | undefined> {
  if (runner === undefined) return undefined;
  // On load, @actions/github reads the workflow's event, which is not needed here: it fails if the file is damaged, and
  // writes to the log if it is missing.
  delete process.env['GITHUB_EVENT_PATH'];
  const { createGuards } = await import(/* webpackChunkName: "guard" */ './runner/guard.ts');
  const context = { clock, random, log, signal, dispatchers };
  const share = (sources: Sources) => shareSources(sources, context);
  // A single VM does not wait for others to join its requests.
  const sharing = mayBeSeveral(vms.targets) || vms.usedByJob !== undefined ? { share } : {};
  const liveInstances = shareLiveInstances(controller, context);
  const own = { runner, ownRunner, requestTimeoutMs, patienceMs, addresses, isDryRun };
  const { namesOf } = controller;
  return createGuards({ ...own, ...context, ...sharing, liveInstances, namesOf, saveDrains });
}

function guestCheckOf({ guest, controllerUrl }: Inputs, { addresses, dial }: Host): GuestCheck | undefined {
  if (guest === undefined) return undefined;
  const own = { addresses, hasController: isOwnHost(controllerUrl) };
  return { ...guest, own, dial: dial ?? createDial((ip) => problemOf(ip, { role: 'node', own })) };
}

/** Whether the step's own runner, or the runner in a VM, may have a name that only the controller knows. */
function needsNames({ ownRunner, runner }: Inputs): boolean {
  return ownRunner.runnerName !== undefined || (runner !== undefined && hasPlaceholder(runner.nameTemplate));
}

function connect(inputs: Inputs, { terminal, clock, random, dispatchers }: Host) {
  const { controllerUrl: baseUrl, proxy, tls, requestTimeoutMs, headers, runner } = inputs;
  const transport = createTransport({ baseUrl, proxy, tls, requestTimeoutMs, clock, dispatchers });
  const credentials = createCredentials(inputs.identity, terminal.mask, headers);
  const client = createClient({ transport, credentials, headers, clock, random });
  const { deniedHint } = credentials;
  terminal.info(
    `Controller: ${baseUrl.href}${proxy === undefined ? '' : ` through the proxy ${proxy.host}`}`,
  );
  const controller = createController({
    ...{ client, clock, deniedHint, url: baseUrl },
    needsNames: needsNames(inputs),
    lacksName: (instance) => runner !== undefined && !hasValues(instance, runner.nameTemplate),
  });
  return { controller, close: transport.close };
}
