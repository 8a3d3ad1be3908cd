import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import { createRandom } from '../../simulator/random.ts';
import { ActionError } from '../../src/errors.ts';
import type { StepOutcome } from '../../src/fleet/step-outcome.ts';
import { readInputs } from '../../src/inputs/inputs.ts';
import { run as runStep } from '../../src/main.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { harmless } from '../../src/report/terminal.ts';
import { drawFleetScenario, FLEET_PRELUDE_MS, type FleetScenario } from './fleet-scenario.ts';
import { API_KEY_ID, FleetTestbed, type FleetTruth } from './fleet-testbed.ts';
import { CONTROLLER_ORIGIN, GITHUB_ORIGIN, GITHUB_TOKEN, KEY_PAIR } from './testbed.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

/*
 * One fleet, from its seed to its record: the real step with inputs as a workflow gives them, against a simulated controller and GitHub
 * behind a network that is made up. The record holds what the step said and what really happened; fleet-promises.ts checks it.
 */

/** What the step said, and what is true; times in milliseconds. */
export interface FleetRecord extends FleetTruth {
  readonly seed: number;
  readonly scenario: FleetScenario;
  readonly outcome: StepOutcome;
  readonly outputs: Readonly<Record<string, string>>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cancelledAt: number | undefined;
}

const START = Date.parse('2026-07-01T12:00:00Z');
const KEY_PEM = KEY_PAIR.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** @param disturb plants a mistake between the step and the world, for tests of the checks. */
export async function runFleet(
  seed: number,
  disturb: (scenario: FleetScenario) => FleetScenario = (scenario) => scenario,
): Promise<FleetRecord> {
  const random = createRandom(seed);
  const scenario = disturb(drawFleetScenario(random.fork('fleet scenario'), seed));
  const time = createVirtualTime(START - FLEET_PRELUDE_MS);
  const testbed = new FleetTestbed({ scenario, random: random.fork('fleet bed'), time, startsAt: START });
  await testbed.letHistoryPass();

  const { signal, cancelledAt } = cancellation(scenario, time);
  const clean = (text: string) => harmless(text);
  const terminal = { mask() {}, clean, info() {}, debug() {}, warning() {}, error() {} };
  const host = {
    ...{ terminal, clock: time.clock, random: random.fork('step').next, signal },
    announce: (known: StepOutcome) => testbed.announce(outputsOf(known, clean).results),
    dispatchers: { openReader: () => testbed.network, openWriter: () => testbed.network },
    ...(testbed.dial && { dial: testbed.dial }),
  };
  const outcome = await time.run(runStep(readInputs(environmentFor(scenario), terminal.mask), host));
  testbed.isStepOver = true;
  const endedAt = time.now();
  await time.run(time.clock.sleep(scenario.timeoutMs, new AbortController().signal));
  const said = { outcome, outputs: outputsOf(outcome, clean) };
  return {
    ...{ seed, scenario, ...said, startedAt: START, endedAt, cancelledAt: cancelledAt() },
    ...testbed.truth(),
  };
}

function cancellation({ cancelAfterMs }: FleetScenario, time: VirtualTime) {
  const controller = new AbortController();
  let cancelledAt: number | undefined;
  if (cancelAfterMs !== undefined)
    time.atProcess(START + cancelAfterMs, () => {
      cancelledAt = time.now();
      controller.abort(new ActionError('cancelled', 'The step was cancelled (SIGINT).'));
    });
  return { signal: controller.signal, cancelledAt: () => cancelledAt };
}

function environmentFor(scenario: FleetScenario): Record<string, string> {
  const { runners, guest } = scenario;
  const inputs = {
    controller_url: CONTROLLER_ORIGIN,
    external_id: scenario.targets.join('\n'),
    max_parallel: scenario.maxParallel,
    max_failures: scenario.maxFailures,
    timeout: inSeconds(scenario.timeoutMs),
    dry_run: String(scenario.dryRun),
    ...(scenario.identity === 'api_key' && { api_key_id: API_KEY_ID, api_key: KEY_PEM }),
    ...(guest && { guest_check: 'ssh', guest_timeout: inSeconds(guest.timeoutMs) }),
    ...(runners && {
      runner_name: '{external_id}',
      runner_scope: 'octo-org',
      github_token: GITHUB_TOKEN,
      when_busy: runners.whenBusy,
      idle_for: inSeconds(runners.idleForMs),
      busy_timeout: inSeconds(runners.busyTimeoutMs),
      wait_for_runner: String(runners.waitsForRunner),
    }),
  };
  const variables = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const github = {
    GITHUB_API_URL: `${GITHUB_ORIGIN}${GITHUB_API_PATH}`,
    GITHUB_REPOSITORY: 'octo-org/app',
  };
  return { ...Object.fromEntries(variables), ...github };
}

function inSeconds(ms: number): string {
  return `${ms / 1_000}s`;
}
