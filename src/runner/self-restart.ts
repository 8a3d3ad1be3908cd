// Refuses to restart the machine that the step runs on.

import { type Instance, type InstanceNames, isUuid } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import {
  around,
  describePattern,
  fillPattern,
  fitsPattern,
  fixedPattern,
  hasValues,
  isExact,
  isSameName,
  type NamePattern,
} from '../github/runner-names.ts';
import { mayServe, type Scope } from '../github/scope.ts';
import type { Log } from '../log.ts';
import type { RunnerOptions } from './runner-options.ts';

/** The runner that runs the step, according to the step's environment. */
export interface OwnRunner {
  /** Undefined for a GitHub-hosted runner, which cannot be in a VM of the controller. */
  readonly runnerName: string | undefined;
  /** `owner/repo` of the workflow. */
  readonly repository: string;
}

/** Which runners are in the VMs, if the step watches them. */
type Watched = Pick<RunnerOptions, 'nameTemplate' | 'scope'>;

/**
 * Checks the step's own runner against `runner_name` before any request: possible only if the name has no placeholders.
 * @throws ActionError `self_restart`
 */
export function refuseFixedName(ownRunner: OwnRunner, { nameTemplate, scope }: Watched): void {
  const pattern = fixedPattern(nameTemplate);
  if (pattern !== undefined && mayBeOwn(ownRunner, { pattern, scope }))
    throw selfRestart(ownRunner, { pattern });
}

export interface OwnMachineOptions {
  /** The names of the VM in every answer so far. If it is renamed, its runner keeps the old name. */
  readonly names: readonly InstanceNames[];
  readonly watched?: Watched | undefined;
}

/**
 * Checks the step's own runner against the VM: its names, its IDs, and `runner_name` if there is one.
 * @throws ActionError `self_restart`
 */
export function refuseOwnMachine(
  ownRunner: OwnRunner,
  instance: Instance,
  { names, watched }: OwnMachineOptions,
): void {
  const sign = signOf(ownRunner, instance, watched);
  if (sign !== undefined) throw selfRestart(ownRunner, sign);
  for (const former of names) {
    const oldSign = signOf(ownRunner, { ...instance, ...former }, watched);
    if (oldSign !== undefined) throw mayHaveBeenRenamed(ownRunner, oldSign);
  }
}

/** What shows that the step's own runner is in the VM: a name or an ID of the VM, or what `runner_name` is for this VM. */
type Sign = { readonly name: string } | { readonly pattern: NamePattern };

/**
 * `anka-actions/up` names the runner after the instance's external ID, other tools after its name, or after an ID and, for example, the time.
 * An ID that is a UUID cannot be part of another runner's name by chance.
 */
function signOf(ownRunner: OwnRunner, instance: Instance, watched: Watched | undefined): Sign | undefined {
  const { runnerName } = ownRunner;
  if (runnerName === undefined) return undefined;
  const { externalId, name, instanceId, uuid } = instance;
  const own =
    [externalId, name].find((each) => each !== undefined && isSameName(each, runnerName)) ??
    [instanceId, uuid].find((id) => id !== undefined && isUuid(id) && fitsPattern(around(id), runnerName));
  if (own !== undefined) return { name: own };
  if (watched === undefined || !hasValues(instance, watched.nameTemplate)) return undefined;
  const pattern = fillPattern(watched.nameTemplate, instance);
  return mayBeOwn(ownRunner, { ...watched, pattern }) ? { pattern } : undefined;
}

interface Runners {
  readonly pattern: NamePattern;
  readonly scope: Scope;
}

/** Whether the step's own runner may be one of these. */
function mayBeOwn({ runnerName, repository }: OwnRunner, { pattern, scope }: Runners): boolean {
  return runnerName !== undefined && fitsPattern(pattern, runnerName) && mayServe(scope, repository);
}

const WOULD_KILL = 'The restart would kill the job that waits for it';

function selfRestart({ runnerName }: OwnRunner, sign: Sign): ActionError {
  if ('name' in sign || isExact(sign.pattern))
    return new ActionError(
      'self_restart',
      `The step runs on runner "${runnerName}", which is in the VM to restart.`,
      { hint: `${WOULD_KILL}: run the step on another machine (runs-on).` },
    );
  return new ActionError(
    'self_restart',
    `The step runs on runner "${runnerName}", which runner_name ("${describePattern(sign.pattern)}") matches, so it may be in the VM to restart.`,
    {
      hint: `${WOULD_KILL}. If the step runs on another machine, let runner_name match only runners in the VM, for example with {external_id}; otherwise run it on another machine (runs-on).`,
    },
  );
}

/** The other answer may have been outdated or wrong. */
function mayHaveBeenRenamed({ runnerName }: OwnRunner, sign: Sign): ActionError {
  const shown =
    'name' in sign
      ? `another answer of the controller showed the VM as "${sign.name}"`
      : `with the names of the VM in another answer of the controller, runner_name is "${describePattern(sign.pattern)}"`;
  return new ActionError(
    'self_restart',
    `The step runs on runner "${runnerName}", which may be in the VM to restart: ${shown}.`,
    {
      hint: `${WOULD_KILL}. If the step runs on another machine, run it again; otherwise run it on another machine (runs-on).`,
    },
  );
}

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
