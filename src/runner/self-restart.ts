// Refuses to restart the machine that the step runs on.

import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import {
  describePattern,
  fitsPattern,
  isExact,
  isSameName,
  type NamePattern,
} from '../github/runner-names.ts';
import { mayServe, type Scope } from '../github/scope.ts';
import type { Log } from '../log.ts';

/** The runner that runs the step, according to the step's environment. */
export interface OwnRunner {
  /** Undefined for a GitHub-hosted runner, which cannot be in a VM of the controller. */
  readonly runnerName: string | undefined;
  /** `owner/repo` of the workflow. */
  readonly repository: string;
}

/**
 * Checks the step's own runner against the name and scope of the runners in the VM.
 * @throws ActionError `self_restart`
 */
export function refuseSelfRestart(
  ownRunner: OwnRunner,
  { name, scope }: { name: NamePattern; scope: Scope },
): void {
  const { runnerName, repository } = ownRunner;
  if (runnerName === undefined || !fitsPattern(name, runnerName) || !mayServe(scope, repository)) return;
  throw isExact(name) ? selfRestart(runnerName) : mayBeSelfRestart(runnerName, name);
}

/**
 * Checks the step's own runner against the names of the VM, also without `runner_name`: `anka-actions/up` names the runner after the instance's
 * external ID, other tools after its name. If the VM is renamed, the runner keeps its name, so former names count, too.
 * @throws ActionError `self_restart`
 */
export function refuseOwnMachine(
  { runnerName }: OwnRunner,
  { externalId, name, formerNames = [] }: Instance,
): void {
  if (runnerName === undefined) return;
  for (const own of [externalId, name, ...formerNames]) {
    if (own !== undefined && isSameName(own, runnerName)) throw selfRestart(runnerName);
  }
}

function selfRestart(runnerName: string): ActionError {
  return new ActionError(
    'self_restart',
    `The step runs on runner "${runnerName}", which is in the VM to restart.`,
    { hint: `${WOULD_KILL}: run the step on another machine (runs-on).` },
  );
}

function mayBeSelfRestart(runnerName: string, name: NamePattern): ActionError {
  const written = describePattern(name);
  return new ActionError(
    'self_restart',
    `The step runs on runner "${runnerName}", which runner_name ("${written}") matches, so it may be in the VM to restart.`,
    {
      hint: `${WOULD_KILL}. If the step runs on another machine, let runner_name match only runners in the VM, for example with {external_id}; otherwise run it on another machine (runs-on).`,
    },
  );
}

const WOULD_KILL = 'The restart would kill the job that waits for it';

/**
 * Only warns, because the same address does not prove that it is the same machine: every node gives its VMs the same private addresses.
 * @param addresses those of the machine that runs the step.
 */
export function warnOfSharedAddress(
  { ip }: Instance,
  { addresses, log }: { addresses: readonly string[]; log: Log },
): void {
  if (ip === undefined || !addresses.includes(ip)) return;
  log.warning(
    `The VM to restart and the machine that runs this step have the same address, ${ip}. If they are the same machine, the restart kills this step.`,
  );
}
