import type { InstanceRecord } from '../../simulator/world.ts';
import type { StepInputs } from './play-step.ts';
import { inputsAboutPool } from './pool-stage.ts';
import { externalIdOf, hasSeveralRunners, PASSWORD, type RunnerScenario, type Scenario } from './scenario.ts';
import { API_KEY_ID, KEY_PAIR, ROOT_TOKEN } from './setting.ts';
import { CONTROLLER_ORIGIN, GITHUB_TOKEN } from './stage.ts';

const KEY_PEM = KEY_PAIR.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** The inputs of the step, as a workflow passes them. */
export function inputsFor(scenario: Scenario, records: readonly InstanceRecord[]): StepInputs {
  const { step, runner, guest, pool } = scenario;
  const { targetBy, targets, dryRun, timeoutMs, requestTimeoutMs, pollInterval, identity } = step;
  const identities = {
    none: {},
    root_token: { root_token: ROOT_TOKEN },
    api_key: { api_key_id: API_KEY_ID, api_key: KEY_PEM },
  };
  const names = targetBy === 'external_id' ? targets : targets.map((target) => instanceIdOf(target, records));
  return {
    controller_url: CONTROLLER_ORIGIN,
    ...(pool?.usedByJob === undefined && { [targetBy]: names.join('\n') }),
    max_parallel: step.maxParallel,
    max_failures: step.maxFailures,
    vnc_password: PASSWORD,
    dry_run: String(dryRun),
    timeout: inSeconds(timeoutMs),
    request_timeout: inSeconds(requestTimeoutMs),
    poll_interval: pollInterval === 'auto' ? 'auto' : inSeconds(pollInterval),
    ...identities[identity],
    ...(runner && inputsAboutRunner(runner, hasSeveralRunners(scenario))),
    ...(runner && pool && inputsAboutPool(pool, runner.nameTemplate)),
    ...(guest && { guest_check: 'ssh', guest_timeout: inSeconds(guest.timeoutMs) }),
  };
}

/** No instance has it. */
const UNKNOWN_ID = '0d9d8a32-1c0b-4a0e-9a3d-5f1f6f7d2b11';

function instanceIdOf(externalId: string, records: readonly InstanceRecord[]): string {
  return records.find((_, index) => externalIdOf(index) === externalId)?.instanceId ?? UNKNOWN_ID;
}

function inputsAboutRunner(runner: RunnerScenario, areSeveral: boolean): StepInputs {
  const { nameTemplate, whenBusy, idleForMs, busyTimeoutMs, waitsForRunner, runnerTimeoutMs } = runner;
  return {
    runner_name: areSeveral ? `${nameTemplate}-*` : nameTemplate,
    runner_scope: 'octo-org',
    github_token: GITHUB_TOKEN,
    when_busy: whenBusy,
    idle_for: inSeconds(idleForMs),
    busy_timeout: inSeconds(busyTimeoutMs),
    wait_for_runner: String(waitsForRunner),
    runner_timeout: inSeconds(runnerTimeoutMs),
  };
}

function inSeconds(ms: number): string {
  return `${ms / 1_000}s`;
}
