import { seconds } from '../clock.ts';
import type { Identity } from '../controller/credentials.ts';
import type { Target } from '../controller/instance.ts';
import type { FleetJob } from '../fleet/fleet.ts';
import { MOST_VMS, mayBeSeveral } from '../fleet/targets.ts';
import type { GuestOptions } from '../guest/wait-for-guest.ts';
import type { TlsOptions } from '../http/connections.ts';
import type { RunnerOptions } from '../runner/guard.ts';
import { hasPlaceholder } from '../runner/runner-names.ts';
import type { OwnRunner } from '../runner/self-restart.ts';
import { type RequestHeaders, readHeaders, readIdentity, readProxy, readTls } from './access.ts';
import {
  all,
  complete,
  createForm,
  type Environment,
  type Field,
  type Form,
  isGiven,
  readSecret,
} from './form.ts';
import * as parse from './parsers.ts';
import { readOwnRunner, readRunnerOptions } from './runner.ts';

/** The step's `with:`, and the proxy from its environment, checked and typed. */
export interface Inputs extends FleetJob {
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
  /** Absent where the guest is not to be waited for. */
  readonly guest?: GuestOptions | undefined;
  /** About what is allowed, but hardly meant. */
  readonly warnings: readonly string[];
}

const { SECOND, MINUTE, HOUR } = parse;

/**
 * Reads the inputs from the environment that the runner sets. Secrets come first: they are masked before anything is
 * said about any input.
 * @param onSecret told of each secret.
 * @throws ActionError `invalid_input`, with everything that is wrong.
 */
export function readInputs(environment: Environment, onSecret: Form['onSecret']): Inputs {
  const form = createForm(environment, onSecret);
  const { read } = form;

  const vncPassword = readSecret(form, 'vnc_password');
  const controllerUrl = read('controller_url', parse.controllerUrl);
  const headers = readHeaders(form);
  read('job_summary', parse.boolean);
  const targets = readTargets(form);
  const [maxVms, maxParallel, maxFailures] = [
    read('max_vms', parse.wholeNumber({ min: 1, max: MOST_VMS })),
    read('max_parallel', parse.amount(1)),
    read('max_failures', parse.amount(0)),
  ];
  const runner = readRunnerOptions(form);
  refuseSharedRunner(form, targets, runner?.value);
  const inputs = all<Inputs>({
    controllerUrl,
    targets: { value: targets },
    maxVms,
    maxParallel,
    maxFailures,
    vncPassword,
    usbDevice: read('usb_device', parse.optionalText),
    timeoutMs: readTimeout(form),
    requestTimeoutMs: read('request_timeout', parse.duration({ min: SECOND / 10, max: 10 * MINUTE })),
    pollInterval: read('poll_interval', parse.pollInterval),
    dryRun: read('dry_run', parse.boolean),
    headers,
    identity: readIdentity(form, headers?.value),
    tls: readTls(form),
    proxy: controllerUrl && readProxy(form, controllerUrl.value),
    ownRunner: { value: readOwnRunner(environment) },
    warnings: { value: form.warnings },
    runner,
    guest: readGuestOptions(form),
  });
  return Object.freeze(complete(form, inputs));
}

/** Three heartbeats of a node's agent: in milliseconds. */
const SHORT_TIMEOUT_MS = 15_000;

function readTimeout({ read, warnings }: Form): Field<number> {
  const timeout = read('timeout', parse.duration({ min: SECOND, max: 24 * HOUR }));
  if (timeout !== undefined && timeout.value < SHORT_TIMEOUT_MS)
    warnings.push(
      `timeout is ${seconds(timeout.value)}: that is hardly enough to prove a restart, as nodes report every 5 s. Give it 15 s at least.`,
    );
  return timeout;
}

/** Whether a job summary is wanted, even if inputs are invalid: unless the input is a plain no. */
export function wantsJobSummary(environment: Environment): boolean {
  return createForm(environment).read('job_summary', parse.boolean)?.value !== false;
}

/** The guard of one VM would wait for the jobs of another. */
function refuseSharedRunner(
  { problems }: Form,
  targets: readonly Target[],
  runner: RunnerOptions | undefined,
): void {
  if (!mayBeSeveral(targets) || runner === undefined) return;
  if (hasPlaceholder(runner.nameTemplate)) return;
  problems.push(
    'runner_name: several VMs cannot have the same runner; let the name hold {external_id}, {name} or {instance_id}',
  );
}

function readTargets(form: Form): Target[] {
  const { read, problems } = form;
  const instanceIds = read('instance_id', parse.uuids)?.value ?? [];
  const externalIds = read('external_id', parse.externalIds)?.value ?? [];
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

/** What to wait for in the guest; undefined for nothing. */
function readGuestOptions({ read }: Form): Field<GuestOptions | undefined> {
  const check = read('guest_check', parse.oneOf('none', 'ssh'));
  const options = all<GuestOptions>({
    timeoutMs: read('guest_timeout', parse.duration({ min: SECOND, max: 24 * HOUR })),
  });
  if (check === undefined || options === undefined) return undefined;
  return check.value === 'ssh' ? options : { value: undefined };
}
