import { createRandom, type Random } from '../../simulator/random.ts';
import type { DrainState } from '../../src/drain/drain.ts';
import { drawFleetScenario, drawPoolScenario, drawScenario } from './draw.ts';
import { LONG_STEM } from './draw-world.ts';
import { inputsFor } from './inputs.ts';
import { scheduleOtherStep } from './other-step.ts';
import { playPostStep, playStep } from './play-step.ts';
import { isDrained } from './pool-record.ts';
import { RUN_ID } from './pool-scenario.ts';
import { type Run, recordOf, type StepRecord } from './record.ts';
import { hasSeveralRunners, PASSWORD, type Scenario } from './scenario.ts';
import { Testbed } from './testbed.ts';

/*
 * One run, from its seed to its record: draw.ts draws what goes wrong, testbed.ts and events.ts make it happen, and play-step.ts plays
 * the real step in it with inputs from inputs.ts. The record (record.ts) has what the step said and what really happened; guarantees.ts checks
 * it. New faults and events need no change here; one that is present from the start gets a line in faultsOf, so
 * that it is counted.
 */

export interface RunOptions {
  /** Whether the step is about 2 to 12 VMs. */
  readonly isFleet?: boolean;
  /** Whether the VMs, one or several, are a pool between jobs. */
  readonly isPool?: boolean;
  /** Changes the scenario after it was drawn. */
  readonly change?: (scenario: Scenario) => Scenario;
  /** Called with a line for each thing that happens, in order. */
  readonly log?: (line: string) => void;
}

/** One run of the real step in a simulated world; the same seed gives the same run. */
export async function runOnce(seed: number, options: RunOptions = {}): Promise<StepRecord> {
  const { isFleet = false, isPool = false, change = (scenario) => scenario, log } = options;
  const random = createRandom(seed);
  const draw = isPool ? drawPoolScenario : isFleet ? drawFleetScenario : drawScenario;
  const scenario = change(draw(random.fork('scenario'), seed));
  const testbed = new Testbed({ scenario, random: random.fork('testbed'), log });
  const run: Playing = { seed, scenario, testbed, random, log };
  const playingOther = scheduleOther(run);
  await testbed.letHistoryPass();
  const { played, drains } = await play(run);
  testbed.endStep();
  const postWarnings = drains.length === 0 ? [] : await playPost(run, drains);
  const { stage } = testbed;
  const drainedRunners = stage.github.runners.filter((runner) => isDrained(stage, runner));
  const other = playingOther && (await stage.time.run(playingOther));
  await letTimePass(testbed, stage.startsAt + scenario.step.timeoutMs);
  const faults = faultsOf(testbed, scenario);
  const warnings = [...played.warnings, ...postWarnings];
  return recordOf(run, played, { faults, warnings, drainedRunners, other });
}

interface Playing extends Run {
  readonly random: Random;
  readonly log: RunOptions['log'] | undefined;
}

/** @returns also what the post step must restore */
async function play({ testbed, scenario, random, log }: Playing) {
  const { stage, recorder } = testbed;
  const { ownName } = recorder;
  const environment = {
    ...stage.environment,
    ...(scenario.pool && { GITHUB_RUN_ID: RUN_ID }),
    // Runner names are the same in upper and lower case.
    ...(ownName && { RUNNER_NAME: ownName.toUpperCase() }),
  };
  const host = { ...stage, environment, random: random.fork('step').next };
  let drains: DrainState = [];
  const played = await playStep(host, inputsFor(scenario, testbed.records), {
    onAnnounce: (outputs) => recorder.announce(outputs),
    onDrains: (state) => {
      drains = state;
    },
    ...(log && { onLine: (line) => log(`             | ${line}`) }),
  });
  return { played, drains };
}

function playPost({ testbed, scenario }: Run, drains: DrainState): Promise<string[]> {
  const { stage, records } = testbed;
  return stage.time.run(playPostStep(stage, inputsFor(scenario, records), JSON.stringify(drains)));
}

/** The other step of the scenario, if there is one. */
function scheduleOther({ testbed, scenario, random, log }: Playing) {
  const { other } = scenario.pool?.drain ?? {};
  if (other === undefined) return undefined;
  const { stage, records } = testbed;
  const ended = scheduleOtherStep({
    ...{ stage, other, inputs: inputsFor(scenario, records), latencyMs: scenario.network.latencyMs },
    ...{ random: random.fork('other step'), log },
  });
  // It may fail before it is waited for.
  ended.catch(() => {});
  return ended;
}

/** Lets time pass until all requests have arrived and the deadline has passed: then each VM's fate is known. */
async function letTimePass(testbed: Testbed, deadline: number): Promise<void> {
  const { time, world } = testbed.stage;
  const isPostOnItsWay = testbed.recorder.posts.some(({ arrivedAt }) => arrivedAt === undefined);
  const until = Math.max(deadline, isPostOnItsWay ? testbed.network.arrivesAt + 1 : 0);
  await time.run(time.clock.sleep(Math.max(0, until - time.now()), new AbortController().signal));
  world.advanceTo(time.now());
}

/** The kinds of faults that happened: of requests, events and the world, and those present from the start. */
function faultsOf({ faults, world }: Testbed, { world: options, ...scenario }: Scenario): Set<string> {
  const { count, lagMs } = scenario.replicas;
  const standing: readonly [string, boolean][] = [
    ['lagging replica', count > 1 && lagMs > 0],
    ['clock off', options.clockSkewMs !== 0],
    ['step that begins within a second', scenario.startsAfterMs > 0],
    ['answers dated by a wrong clock', scenario.dateErrorsMs.length > 0],
    ['answers dated by several clocks', scenario.dateErrorsMs.length > 1],
    ['local dates', options.writesLocalDates === true],
    ['new ports after a restart', options.reassignsPorts === true],
    ['handshake in another form', scenario.handshakeForms.length > 0 && scenario.step.identity === 'api_key'],
    ['dateless boot', options.datelessMs !== 0],
    ['restart just before', scenario.vms.some(({ restartedBeforeMs }) => restartedBeforeMs !== undefined)],
    ['VM that does not restart', scenario.vms.some(({ trouble }) => trouble !== undefined)],
    ['message left over', scenario.leavesMessage],
    ['step in the VM', scenario.runsInVm !== undefined],
    ['uneven records', options.oneLacks !== undefined],
    ['runner', scenario.runner !== undefined],
    ['several runners in a VM', hasSeveralRunners(scenario)],
    ['service that does not start', scenario.runner?.startsAfterBoot === false],
    ['jobs that cannot be read', scenario.runner?.showsJobs === false],
    ['long list', scenario.runner?.longList !== undefined],
    ['list that lies about its length', scenario.runner?.longList?.totals !== undefined],
    ['pages that shift', scenario.runner?.pagesShiftEveryMs !== undefined],
    ['guest', scenario.guest !== undefined],
    ['guest with a fault', scenario.guest?.habits.fault !== undefined],
    ['nodes out of reach', scenario.guest?.isReachable === false],
    ['no port for SSH', options.forwardsSsh === false],
    ['quota used up', scenario.runner?.quota === 50],
    ['name with a secret', options.nameStem?.includes(PASSWORD) === true],
    ['long name', options.nameStem === LONG_STEM],
    ...poolTraits(scenario.pool),
    ['cancelled', scenario.cancelAfterMs !== undefined],
    ['dry run', scenario.step.dryRun],
  ];
  return new Set([...faults, ...world.mishaps, ...standing.flatMap(([kind, isSo]) => (isSo ? [kind] : []))]);
}

function poolTraits(pool: Scenario['pool']): [string, boolean][] {
  if (pool === undefined) return [];
  return [
    ['one-job runners', pool.takesOneJob],
    ['runner_ephemeral that is wrong', pool.takesOneJob !== pool.saysEphemeral && pool.drain === undefined],
    ['wrong scope', pool.hasWrongScope],
    ['sweep', pool.isSweep],
    ['used_by_job', pool.usedByJob !== undefined],
    ['drain', pool.drain !== undefined],
    ['labels refused', pool.drain?.refused !== undefined],
    ['foreign drain', pool.drain?.foreign !== undefined],
    ['labels reset', pool.drain?.reset !== undefined],
    ['outdated reads of labels', pool.drain?.readsLagMs !== undefined],
    ['another step with a drain', pool.drain?.other !== undefined],
    ['another step that is killed', pool.drain?.other?.killed !== undefined],
    ['lost machine of another step', pool.drain?.other?.killed?.losesMachine === true],
    ['token that expires', pool.drain?.token?.isInstallation === false],
    ['installation token', pool.drain?.token?.isInstallation === true],
    ['all shown offline', pool.outage !== undefined],
  ];
}
