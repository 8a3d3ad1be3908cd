import { GITHUB_API_PATH } from '../../simulator/github-api.ts';
import type { Identity } from '../../src/controller/credentials.ts';
import type { Inputs } from '../../src/inputs/inputs.ts';
import type { RunnerOptions } from '../../src/runner/guard.ts';
import { PASSWORD, type Scenario } from './scenario.ts';
import {
  CONTROLLER_ORIGIN,
  GITHUB_ORIGIN,
  GITHUB_TOKEN,
  KEY_PAIR,
  ROOT_TOKEN,
  type Testbed,
} from './testbed.ts';

/** What the step is asked to do, as if a workflow had asked for it. */
export function inputsFor(scenario: Scenario, { instanceId, world }: Testbed): Inputs {
  const { step } = scenario;
  const { targetBy, dryRun, timeoutMs, requestTimeoutMs, pollInterval } = step;
  const identities: Readonly<Record<typeof step.identity, Identity>> = {
    none: { kind: 'none' },
    root_token: { kind: 'root_token', token: ROOT_TOKEN },
    api_key: { kind: 'api_key', id: 'ci', key: KEY_PAIR.privateKey },
  };
  const ids = { instance_id: instanceId, external_id: world.records[0]?.externalId ?? '' };
  return {
    controllerUrl: new URL(CONTROLLER_ORIGIN),
    targets: [{ by: targetBy, id: ids[targetBy] }],
    maxParallel: { count: 1 },
    maxFailures: { count: 0 },
    vncPassword: PASSWORD,
    usbDevice: undefined,
    dryRun,
    timeoutMs,
    requestTimeoutMs,
    pollInterval,
    headers: {},
    warnings: [],
    proxy: undefined,
    identity: identities[step.identity],
    runner: runnerOptionsFor(scenario),
    guest: scenario.guest && { timeoutMs: scenario.guest.timeoutMs },
    ownRunner: { runnerName: undefined, repository: 'octo-org/app' },
    tls: { ca: undefined, cert: undefined, key: undefined, rejectUnauthorized: true },
  };
}

function runnerOptionsFor({ runner }: Scenario): RunnerOptions | undefined {
  if (runner === undefined) return undefined;
  const { nameTemplate, whenBusy, idleForMs, busyTimeoutMs, waitsForRunner, runnerTimeoutMs } = runner;
  return {
    nameTemplate,
    scope: { kind: 'organization', org: 'octo-org' },
    token: GITHUB_TOKEN,
    whenBusy,
    idleForMs,
    busyTimeoutMs,
    waitsForRunner,
    runnerTimeoutMs,
    apiUrl: new URL(`${GITHUB_ORIGIN}${GITHUB_API_PATH}`),
    proxy: undefined,
  };
}
