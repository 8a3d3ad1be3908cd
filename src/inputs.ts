import type { Identity } from './controller/credentials.ts';
import type { Target } from './controller/instance.ts';
import type { TlsOptions } from './controller/transport.ts';
import { ActionError } from './errors.ts';
import * as parse from './parsers.ts';
import type { RestartJob } from './restart/restart.ts';
import type { RunnerWish } from './runner/wish.ts';
import { readRunnerWish } from './runner-inputs.ts';
import { readHeaders, readIdentity, readProxy, readSecret, readTls } from './ways-in.ts';

/** The step's `with:`, and the proxy from its environment, checked and typed. */
export interface Inputs extends RestartJob {
  /** `http(s)://host[:port][/prefix]`. */
  readonly controllerUrl: URL;
  /** For one HTTP request, connecting and reading included. */
  readonly requestTimeoutMs: number;
  readonly identity: Identity;
  readonly tls: TlsOptions;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly proxy: URL | undefined;
  /** The GitHub runner inside the VM; absent where GitHub is not to be asked. */
  readonly runner?: RunnerWish | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is used where an input is absent or blank; action.yml declares the same. */
export const DEFAULTS = {
  timeout: '5m',
  request_timeout: '10s',
  poll_interval: 'auto',
  dry_run: 'false',
  job_summary: 'true',
  skip_tls_verify: 'false',
  when_busy: 'wait',
  busy_timeout: '1h',
  runner_timeout: '10m',
} as const;

const { SECOND, MINUTE, HOUR } = parse;

/**
 * Reads the inputs from the `INPUT_*` variables that the runner sets.
 * @param onSecret told of each secret, before anything is said about any input.
 * @throws ActionError `invalid_input`, with everything that is wrong.
 */
export function readInputs(
  environment: Environment,
  onSecret: (...secrets: readonly string[]) => void,
): Inputs {
  const problems: string[] = [];
  const form: Form = { read: createReader(environment, problems), problems, onSecret };
  const { read } = form;

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
    proxy: url && readProxy(form, { url, environment }),
    runner: readRunnerWish(form, environment),
  };
  if (problems.length > 0) throw invalid(problems);
  return Object.freeze(inputs);
}

/** Whether a job summary is wanted, even where other inputs are invalid. */
export function wantsJobSummary(environment: Environment): boolean {
  return createReader(environment, [])('job_summary', parse.boolean) !== false;
}

function invalid(problems: readonly string[]): ActionError {
  const title = problems.length === 1 ? 'An input is invalid' : `${problems.length} inputs are invalid`;
  const list = problems.map((problem) => `- ${problem}`).join('\n');
  return new ActionError('invalid_input', `${title}:\n${list}`, { hint: "Correct the step's `with:`." });
}

// ---- reading ----

/** The inputs as they are read, one by one. */
export interface Form {
  readonly read: Reader;
  /** What is wrong so far. */
  readonly problems: string[];
  readonly onSecret: (...secrets: readonly string[]) => void;
}

export type Reader = <T>(name: string, parser: parse.Parser<T>) => T;

function createReader(environment: Environment, problems: string[]): Reader {
  return (name, parser) => {
    const text = environment[`INPUT_${name.toUpperCase()}`] ?? '';
    const fallback: string = DEFAULTS[name as keyof typeof DEFAULTS] ?? '';
    return parse.accept(name, parser(text.trim() === '' ? fallback : text), problems);
  };
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
