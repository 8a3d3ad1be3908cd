import type { Random } from '../../simulator/random.ts';
import type { DrainState } from '../../src/drain/drain.ts';
import { isForGitHub } from './github-readings.ts';
import type { SentRequest } from './network.ts';
import { playPostStep, playStep, type StepInputs } from './play-step.ts';
import type { OtherRecord } from './pool-record.ts';
import { OTHER_RUN, OTHER_TOKEN, type OtherStep } from './pool-scenario.ts';
import { externalIdOf } from './scenario.ts';
import { START, type Stage } from './stage.ts';

/* Plays another step of this action beside the one that is checked, with its post step. It may be killed, and its machine lost. */

interface OtherOptions {
  readonly stage: Stage;
  readonly other: OtherStep;
  /** Of the step that is checked. */
  readonly inputs: StepInputs;
  readonly random: Random;
  readonly latencyMs: number;
  readonly log: ((line: string) => void) | undefined;
}

/** Schedules the other step. The result comes once it and its post step have ended. */
export async function scheduleOtherStep({ stage, other, ...options }: OtherOptions): Promise<OtherRecord> {
  await happens((resolve) => stage.time.at(START + other.startsAfterMs, resolve));
  const inputs = { ...options.inputs, ...INPUTS, external_id: externalIdOf(other.vm), instance_id: '' };
  const { played, state } = await playUntilKilled({ ...options, stage, other, inputs });
  if (played === undefined && other.killed?.losesMachine) return { isLost: true, warnings: [] };
  const host = { ...stage.startProcess(options.latencyMs), random: options.random.next };
  const warnings = await playPostStep({ ...host, environment: environmentOf(stage) }, inputs, state);
  return { isLost: false, warnings: [...(played?.warnings ?? []), ...warnings] };
}

/** @returns what it reported, unless it was killed; and what it has saved for its post step */
async function playUntilKilled({ stage, other, inputs, random, latencyMs, log = () => {} }: OtherOptions) {
  let drains: DrainState = [];
  const killed = killing(stage, other);
  const { clock, dispatchers, kill } = stage.startProcess(latencyMs, killed.departs);
  const host = { clock, dispatchers, random: random.next, environment: environmentOf(stage) };
  const playing = playStep(host, inputs, {
    onDrains: (state) => {
      drains = state;
    },
    onLine: (line) => log(`             : ${line}`),
  });
  const played = await Promise.race([playing, killed.at]);
  kill();
  if (played === undefined) log('             : (killed)');
  return { played, state: JSON.stringify(drains) };
}

/** With these, its labels expire `OTHER_LIFE_MS` after it has begun to drain. */
const INPUTS: StepInputs = {
  ...{ github_token: OTHER_TOKEN, drain: 'true', runner_ephemeral: 'false', restart_if: 'always' },
  ...{ when_busy: 'wait', idle_for: '30s', busy_timeout: '5m', runner_timeout: '2m', timeout: '1m' },
  ...{ used_by_job: '', run_id: '', dry_run: 'false', runner_scope: 'octo-org', max_parallel: '1' },
};

function environmentOf({ environment }: Stage): Stage['environment'] {
  return { ...environment, GITHUB_RUN_ID: OTHER_RUN };
}

/** When it is killed. Without a kill, it is scheduled for never. */
function killing({ time }: Stage, { killed }: OtherStep) {
  let changes = 0;
  let end = () => {};
  const at = happens((resolve) => {
    end = resolve;
  });
  if (killed !== undefined && killed.afterChanges === undefined) time.at(time.now() + killed.afterMs, end);
  return {
    at,
    departs(request: SentRequest): void {
      const isChange = isForGitHub(request) && request.method !== 'GET';
      changes += isChange ? 1 : 0;
      if (isChange && killed?.afterChanges === changes) time.at(time.now() + killed.afterMs, end);
    },
  };
}

function happens(schedule: (resolve: () => void) => void): Promise<undefined> {
  return new Promise((resolve) => schedule(() => resolve(undefined)));
}
