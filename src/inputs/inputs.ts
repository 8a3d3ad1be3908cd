import type { Identity } from '../controller/credentials.ts';
import type { Target } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { hasWildcard } from '../fleet/targets.ts';
import type { GuestOptions } from '../guest/wait-for-guest.ts';
import type { TlsOptions } from '../http/transport.ts';
import type { RestartJob } from '../restart/restart.ts';
import type { RunnerOptions } from '../runner/guard.ts';
import { hasPlaceholder } from '../runner/runner-names.ts';
import type { OwnRunner } from '../runner/self-restart.ts';
import { type RequestHeaders, readHeaders, readIdentity, readTls } from './credentials.ts';
import { createFormReader, type Environment, type Form, isGiven, readSecret } from './form.ts';
import { readGuestOptions } from './guest.ts';
import * as parse from './parsers.ts';
import { readProxy } from './proxy.ts';
import { readOwnRunner, readRunnerOptions } from './runner.ts';

/** The step's `with:`, and the proxy from its environment, checked and typed. */
export interface Inputs extends RestartJob {
  /** `http(s)://host[:port][/prefix]`. */
  readonly controllerUrl: URL;
  /** For one HTTP request, connecting and reading included. */
  readonly requestTimeoutMs: number;
  readonly identity: Identity;
  readonly tls: TlsOptions;
  readonly headers: RequestHeaders;
  readonly proxy: URL | undefined;
  /** The runner that the step itself runs on. */
  readonly ownRunner: OwnRunner;
  /** The GitHub runner inside the VM; absent where GitHub is not to be asked. */
  readonly runner?: RunnerOptions | undefined;
  /** Several VMs, or what may be several; absent where `target` is the only one. */
  readonly fleet?: Fleet | undefined;
  /** Absent where the guest is not to be waited for. */
  readonly guest?: GuestOptions | undefined;
}

const { SECOND, MINUTE, HOUR } = parse;

/**
 * Reads the inputs from the environment that the runner sets. Secrets come first: they are masked before anything is
 * said about any input.
 * @param onSecret told of each secret.
 * @throws ActionError `invalid_input`, with everything that is wrong.
 */
export function readInputs(environment: Environment, onSecret: Form['onSecret']): Inputs {
  const form = { ...createFormReader(environment), onSecret };
  const { read, problems } = form;

  const vncPassword = readSecret(form, 'vnc_password');
  const url = read('controller_url', parse.controllerUrl);
  const headers = readHeaders(form);
  read('job_summary', parse.boolean);
  const targets = readTargets(form);
  const [target = NO_TARGET] = targets;
  const inputs: Inputs = {
    controllerUrl: url,
    target,
    fleet: readFleet(form, targets),
    vncPassword,
    usbDevice: read('usb_device', parse.optionalText),
    timeoutMs: read('timeout', parse.duration({ min: SECOND, max: 24 * HOUR })),
    requestTimeoutMs: read('request_timeout', parse.duration({ min: SECOND / 10, max: 10 * MINUTE })),
    pollInterval: read('poll_interval', parse.pollInterval),
    dryRun: read('dry_run', parse.boolean),
    headers,
    identity: readIdentity(form, headers),
    tls: readTls(form),
    proxy: url && readProxy(form, url),
    ownRunner: readOwnRunner(environment),
    runner: readRunnerOptions(form),
    guest: readGuestOptions(form),
  };
  refuseSharedRunner(inputs, problems);
  if (problems.length > 0) throw invalid(problems);
  return Object.freeze(inputs);
}

/** Whether a job summary is wanted, even where inputs are invalid: anything but a plain no. */
export function wantsJobSummary(environment: Environment): boolean {
  return createFormReader(environment).read('job_summary', parse.boolean) !== false;
}

function invalid(problems: readonly string[]): ActionError {
  const title = problems.length === 1 ? 'An input is invalid' : `${problems.length} inputs are invalid`;
  const list = problems.map((problem) => `- ${problem}`).join('\n');
  return new ActionError('invalid_input', `${title}:\n${list}`, {
    hint: "Correct the step's inputs, which stand below its with:.",
  });
}

/** The guard of one VM would wait for the jobs of another. */
function refuseSharedRunner({ fleet, runner }: Inputs, problems: string[]): void {
  if (fleet === undefined || runner === undefined) return;
  // A name that is wrong is on the list already.
  if (runner.nameTemplate === '' || hasPlaceholder(runner.nameTemplate)) return;
  problems.push(
    'runner_name: several VMs cannot have the same runner; let the name hold {external_id}, {name} or {instance_id}',
  );
}

const NO_TARGET: Target = { by: 'external_id', id: '' };

function readTargets(form: Form): Target[] {
  const { read, problems } = form;
  const instanceIds = read('instance_id', parse.uuids) ?? [];
  const externalIds = read('external_id', parse.externalIds) ?? [];
  const hasInstanceIds = isGiven(form, 'instance_id');
  if (hasInstanceIds === isGiven(form, 'external_id')) {
    const seen = hasInstanceIds ? 'both are given' : 'neither is given';
    problems.push(`instance_id, external_id: ${seen}; give exactly one of them`);
  }
  return [
    ...instanceIds.map((id): Target => ({ by: 'instance_id', id })),
    ...externalIds.map((id): Target => ({ by: 'external_id', id })),
  ];
}

function readFleet({ read }: Form, targets: readonly Target[]): Fleet | undefined {
  const maxParallel = read('max_parallel', parse.amount(1));
  const maxFailures = read('max_failures', parse.amount(0));
  const isOneVm = targets.length < 2 && !targets.some(hasWildcard);
  return isOneVm ? undefined : { targets, maxParallel, maxFailures };
}
