import { seconds } from '../clock.ts';
import type { Identity } from '../controller/credentials.ts';
import type { Target } from '../controller/instance.ts';
import type { FleetJob } from '../fleet/fleet.ts';
import { MOST_VMS, mayBeSeveral } from '../fleet/targets.ts';
import type { UsedByJob } from '../fleet/used-by-job.ts';
import { hasPlaceholder } from '../github/runner-names.ts';
import type { GuestOptions } from '../guest/wait-for-guest.ts';
import type { TlsOptions } from '../http/connections.ts';
import type { RunnerOptions } from '../runner/runner-options.ts';
import type { OwnRunner } from '../runner/self-restart.ts';
import { readIdentity, readProxy, readTls } from './access.ts';
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
import { type RequestHeaders, readHeaders } from './headers.ts';
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
  /** The GitHub runner inside the VM; absent if the step does not use GitHub. */
  readonly runner?: RunnerOptions | undefined;
  /** Absent if the step does not wait for the guest. */
  readonly guest?: GuestOptions | undefined;
  /** About values that are allowed, but probably unintended. */
  readonly warnings: readonly string[];
}

const { SECOND, MINUTE } = parse;

/**
 * Reads the inputs from the environment that the runner sets. Each secret is masked before any message can quote it.
 * @param onSecret called with each secret.
 * @throws ActionError `invalid_input`, with all problems.
 */
export function readInputs(environment: Environment, onSecret: Form['onSecret']): Inputs {
  const form = createForm(environment, onSecret);
  const { read } = form;

  const vncPassword = readSecret(form, 'vnc_password');
  const controllerUrl = read('controller_url', parse.controllerUrl);
  const headers = readHeaders(form);
  read('job_summary', parse.boolean);
  const targets = readTargets(form);
  const usedByJob = readUsedByJob(form);
  const [maxVms, maxParallel, maxFailures] = [
    read('max_vms', parse.wholeNumber({ min: 1, max: MOST_VMS })),
    read('max_parallel', parse.amount(1)),
    read('max_failures', parse.amount(0)),
  ];
  const runner = readRunnerOptions(form);
  if (mayBeSeveral(targets) || isGiven(form, 'used_by_job')) requireOwnNames(form, runner);
  const inputs = all<Inputs>({
    controllerUrl,
    targets: { value: targets },
    usedByJob,
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
  const timeout = read('timeout', parse.timeout);
  if (timeout !== undefined && timeout.value < SHORT_TIMEOUT_MS)
    warnings.push(
      `timeout is ${seconds(timeout.value)}: that is barely enough to prove a restart, because nodes report every 5 s. Allow at least 15 s.`,
    );
  return timeout;
}

/** Whether to write a job summary: also if inputs are invalid, unless this one is clearly false. */
export function wantsJobSummary(environment: Environment): boolean {
  return createForm(environment).read('job_summary', parse.boolean)?.value !== false;
}

/** Adds a problem if several VMs would have the same runner: the guard of one VM would wait for the jobs of another. */
function requireOwnNames(form: Form, runner: Field<RunnerOptions | undefined>): void {
  const { problems } = form;
  if (isGiven(form, 'used_by_job') && !isGiven(form, 'runner_name')) {
    const why = 'it shows which VM the runner of a job is in';
    problems.push(
      `used_by_job, runner_name: give runner_name with a placeholder such as {external_id}; ${why}`,
    );
  }
  if (runner?.value === undefined || hasPlaceholder(runner.value.nameTemplate)) return;
  problems.push(
    'runner_name: several VMs cannot have the same runner; let the name contain {external_id}, {name}, {instance_id} or {uuid}',
  );
}

const TARGETS = ['instance_id', 'external_id', 'used_by_job'];

function readTargets(form: Form): Target[] {
  const { read, problems } = form;
  const instanceIds = read('instance_id', parse.uuids)?.value ?? [];
  const externalIds = read('external_id', parse.externalIds)?.value ?? [];
  const given = TARGETS.filter((name) => isGiven(form, name));
  if (given.length !== 1) {
    const seen = given.length === 0 ? 'none is given' : `${given.join(' and ')} are given`;
    problems.push(`${TARGETS.join(', ')}: ${seen}; give exactly one of them`);
  }
  return [
    ...instanceIds.map((id): Target => ({ by: 'instance_id', id })),
    ...externalIds.map((id): Target => ({ by: 'external_id', id })),
  ];
}

function readUsedByJob(form: Form): Field<UsedByJob | undefined> {
  const { environment, read } = form;
  if (!isGiven(form, 'used_by_job')) return { value: undefined };
  const { GITHUB_RUN_ID: ownRunId = '', RUNNER_NAME: runnerName } = environment;
  return all<UsedByJob>({
    patterns: read('used_by_job', parse.jobNames),
    runId: read('run_id', parse.runId(ownRunId)),
    own: { value: { runId: Number(ownRunId), runnerName } },
  });
}

/** What to wait for in the guest; undefined for nothing. */
function readGuestOptions({ read }: Form): Field<GuestOptions | undefined> {
  const check = read('guest_check', parse.oneOf('none', 'ssh'));
  const options = all<GuestOptions>({
    timeoutMs: read('guest_timeout', parse.timeout),
  });
  if (check === undefined || options === undefined) return undefined;
  return check.value === 'ssh' ? options : { value: undefined };
}
