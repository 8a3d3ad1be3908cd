import { generateKeyPairSync } from 'node:crypto';
import type { Access } from '../../simulator/authentication.ts';
import type { SimulatedRunner } from '../../simulator/github-world.ts';
import type { InstanceRecord, WorldOptions } from '../../simulator/world.ts';
import { settingOfPool } from './pool-stage.ts';
import type { Names } from './recorder.ts';
import { externalIdOf, type Refusal, type RunnerScenario, runnerNameOf, type Scenario } from './scenario.ts';
import { START, type StageSetting } from './stage.ts';

/* What a scenario sets on the stage before the step begins: VMs, runners, lists and credentials. inputs.ts has the step's side of it. */

export const ROOT_TOKEN = 'root-hunter2-token';
export const API_KEY_ID = 'ci';

/** The shortest with room for the handshake's padding: a longer key would take most of a run's time. */
export const KEY_PAIR = generateKeyPairSync('rsa', { modulusLength: 1024 });

export function accessFor({ step, sessionTtlMs, handshakeForms }: Scenario): Access {
  const access = {
    none: {},
    root_token: { rootToken: ROOT_TOKEN },
    api_key: { apiKey: { id: API_KEY_ID, publicKey: KEY_PAIR.publicKey }, sessionTtlMs, handshakeForms },
  };
  return access[step.identity];
}

export function troubledIn({ vms }: Scenario): Pick<WorldOptions, 'stuckVms' | 'brokenVms'> {
  const idsOf = (trouble: string) =>
    vms.flatMap((vm, index) => (vm.trouble === trouble ? [externalIdOf(index)] : []));
  return { stuckVms: idsOf('stuck'), brokenVms: idsOf('broken') };
}

/** Runners besides those in the VMs, so that the list has several pages. */
const OTHER_RUNNERS = 5;

const OTHER = 'other-';

const MOST_ON_PAGE = 2;

export function isOther({ name }: SimulatedRunner): boolean {
  return name.startsWith(OTHER);
}

export function gitHubFor(
  scenario: Scenario,
  runner: RunnerScenario,
): Pick<StageSetting, 'github' | 'runnersIn'> {
  const { vms, pool } = scenario;
  if (pool !== undefined)
    return settingOfPool(pool, runner, (record) => ({
      nameOf: (place) => runnerNameOf(scenario, ownNameIn(scenario, record), place),
      index: indexOf(record),
    }));
  const { habits, quota, showsJobs, longList, isEphemeral, startsAfterBoot } = runner;
  const { otherRunners, ...lists } = listsFor(runner);
  const others = Array.from({ length: otherRunners }, (_, index) => ({
    name: `${OTHER}${index + 1}`,
    startsAfterBoot: false,
  }));
  return {
    github: {
      ...{ habits, quota, showsJobs },
      ...lists,
      ...(runner.refusal && { refusals: [refusalOf(runner.refusal)] }),
    },
    runnersIn(record) {
      const index = indexOf(record);
      const vm = vms[index];
      if (vm === undefined) return [];
      const own = [{ startsAfterBoot }, ...vm.moreRunners].map((one, place) => ({
        name: runnerNameOf(scenario, ownNameIn(scenario, record), place),
        ...{ isEphemeral, startsAfterBoot: one.startsAfterBoot },
      }));
      if (index > 0) return own;
      return longList === undefined ? [...own, ...others] : [...others, ...own];
    },
  };

  function indexOf({ externalId }: InstanceRecord): number {
    return vms.findIndex((_, index) => externalIdOf(index) === externalId);
  }
}

/** How long GitHub's lists are, and how their pages announce the next one. A long list begins with the entries of others. */
function listsFor({ longList, otherRuns, pagesShiftEveryMs }: RunnerScenario) {
  const shifting = pagesShiftEveryMs !== undefined && { filtersByName: false, pagesShiftEveryMs };
  if (longList === undefined) {
    const paging = shifting && { ...shifting, mostOnPage: MOST_ON_PAGE };
    return { otherRunners: shifting ? OTHER_RUNNERS : 0, otherRuns, ...paging };
  }
  const { of, totals, hasLinks } = longList;
  return {
    otherRunners: of === 'runners' ? MORE_THAN_A_PAGE : 0,
    otherRuns: of === 'runs' ? MORE_THAN_A_PAGE : otherRuns,
    ...{ firstOtherRunId: NEWER_RUN_ID, hasLinks, ...(totals && { totals }), ...shifting },
  };
}

/** GitHub has up to 100 entries on a page. */
const MORE_THAN_A_PAGE = 105;

/** Higher than those of the runs that begin in the world. */
const NEWER_RUN_ID = 9_001;

/** What the names of the VM's runners begin with. */
export function ownNameIn({ runner }: Scenario, { name, externalId }: Names): string {
  return (runner?.nameTemplate === '{name}' ? name : externalId) ?? '';
}

function refusalOf({ endpoint, status, afterMs, forMs }: Refusal) {
  return { endpoint, status, from: START + afterMs, until: START + afterMs + forMs };
}
