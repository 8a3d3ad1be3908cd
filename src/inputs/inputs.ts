import type { Identity } from '../controller/credentials.ts';
import type { Target } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import type { GuestOptions } from '../guest/options.ts';
import type { TlsOptions } from '../http/transport.ts';
import type { RestartJob } from '../restart/restart.ts';
import type { RunnerOptions } from '../runner/options.ts';
import type { OwnRunner } from '../runner/self-restart.ts';
import { type RequestHeaders, readHeaders, readIdentity, readTls } from './credentials.ts';
import { createFormReader, type Environment, type Form, readSecret } from './form.ts';
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
  const inputs: Inputs = {
    controllerUrl: url,
    target: readTarget(form),
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
  return new ActionError('invalid_input', `${title}:\n${list}`, { hint: "Correct the step's `with:`." });
}

function readTarget({ read, problems }: Form): Target {
  const before = problems.length;
  const instanceId = read('instance_id', parse.optionalUuid);
  const externalId = read('external_id', parse.optionalExternalId);
  if (problems.length === before && (instanceId === undefined) === (externalId === undefined)) {
    const seen = instanceId === undefined ? 'neither is given' : 'both are given';
    problems.push(`instance_id, external_id: ${seen}; give exactly one of them`);
  }
  return instanceId === undefined
    ? { by: 'external_id', id: externalId ?? '' }
    : { by: 'instance_id', id: instanceId };
}
