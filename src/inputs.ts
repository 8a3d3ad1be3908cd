import { LONGEST_EXTERNAL_ID } from './controller/instance.ts';
import { ActionError } from './errors.ts';
import type { Target } from './restart/baseline.ts';
import type { RestartJob } from './restart/restart.ts';

/** The step's `with:`, checked and typed. */
export interface Inputs extends RestartJob {
  /** `http(s)://host[:port][/prefix]`. */
  readonly controllerUrl: URL;
  /** For one HTTP request, connecting and reading included. */
  readonly requestTimeoutMs: number;
  readonly jobSummary: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is used where an input is absent or blank; action.yml declares the same. */
export const DEFAULTS = {
  timeout: '5m',
  request_timeout: '10s',
  poll_interval: 'auto',
  dry_run: 'false',
  job_summary: 'true',
} as const;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Reads the inputs from the `INPUT_*` variables that the runner sets.
 * @param onSecret told of each secret, before anything is said about any input.
 * @throws ActionError `invalid_input`, with everything that is wrong.
 */
export function readInputs(environment: Environment, onSecret: (secret: string) => void): Inputs {
  const problems: string[] = [];
  const read = createReader(environment, problems);

  const vncPassword = read('vnc_password', secretText);
  if (vncPassword !== undefined) onSecret(vncPassword);
  const inputs: Inputs = {
    controllerUrl: read('controller_url', controllerUrl),
    target: readTarget(read, problems),
    vncPassword,
    usbDevice: read('usb_device', optionalText),
    timeoutMs: read('timeout', duration({ min: SECOND, max: 24 * HOUR })),
    requestTimeoutMs: read('request_timeout', duration({ min: SECOND / 10, max: 10 * MINUTE })),
    pollInterval: read('poll_interval', pollInterval),
    dryRun: read('dry_run', boolean),
    jobSummary: read('job_summary', boolean),
  };
  if (problems.length > 0) throw invalid(problems);
  return Object.freeze(inputs);
}

function invalid(problems: readonly string[]): ActionError {
  const title = problems.length === 1 ? 'An input is invalid' : `${problems.length} inputs are invalid`;
  const list = problems.map((problem) => `- ${problem}`).join('\n');
  return new ActionError('invalid_input', `${title}:\n${list}`, { hint: "Correct the step's `with:`." });
}

// ---- reading ----

/** What a parser makes of a text: a value, or what is wrong with the text. */
type Parsed<T> = { readonly value: T } | { readonly problem: string };
type Parser<T> = (text: string) => Parsed<T>;
type Reader = <T>(name: string, parse: Parser<T>) => T;

function createReader(environment: Environment, problems: string[]): Reader {
  return (name, parse) => {
    const text = environment[`INPUT_${name.toUpperCase()}`] ?? '';
    const fallback: string = DEFAULTS[name as keyof typeof DEFAULTS] ?? '';
    const parsed = parse(text.trim() === '' ? fallback : text);
    if ('value' in parsed) return parsed.value;
    problems.push(`${name}: ${parsed.problem}`);
    // Nobody gets to see it: a problem means that there will be no inputs at all.
    return undefined as never;
  };
}

function readTarget(read: Reader, problems: string[]): Target {
  const instanceId = read('instance_id', optionalUuid);
  const externalId = read('external_id', optionalExternalId);
  const problemsOfTheirOwn = problems.some((problem) => /^(instance|external)_id:/.test(problem));
  if (!problemsOfTheirOwn && (instanceId === undefined) === (externalId === undefined)) {
    const seen = instanceId === undefined ? 'neither is given' : 'both are given';
    problems.push(`instance_id, external_id: ${seen}; give exactly one of them`);
  }
  return instanceId === undefined
    ? { by: 'external_id', id: externalId ?? '' }
    : { by: 'instance_id', id: instanceId };
}

// ---- parsers ----

const optionalText: Parser<string | undefined> = (text) => ({ value: text.trim() || undefined });

/** White space may belong to a secret; the line break that a YAML block adds at its end does not. */
const secretText: Parser<string | undefined> = (text) => ({
  value: text.replace(/[\r\n]+$/, '') || undefined,
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const optionalUuid: Parser<string | undefined> = (text) => {
  const value = text.trim().toLowerCase();
  if (value === '' || UUID.test(value)) return { value: value || undefined };
  return { problem: `${shown(text)} is no UUID such as c2af6080-3ae3-4cd3-64e5-2193f31b9aa5` };
};

const optionalExternalId: Parser<string | undefined> = (text) => {
  const value = text.trim();
  if (value.length <= LONGEST_EXTERNAL_ID) return { value: value || undefined };
  return { problem: `${shown(value)} is longer than ${LONGEST_EXTERNAL_ID} characters` };
};

/** The booleans of YAML. */
const BOOLEANS = new Map([
  ...['true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['false', 'False', 'FALSE'].map((text) => [text, false] as const),
]);

const boolean: Parser<boolean> = (text) => {
  const value = BOOLEANS.get(text.trim());
  return value === undefined ? { problem: `${shown(text)} is neither true nor false` } : { value };
};

const pollInterval: Parser<number | 'auto'> = (text) => {
  if (text.trim() === 'auto') return { value: 'auto' };
  const parsed = duration({ min: SECOND / 5, max: 10 * MINUTE })(text);
  return 'value' in parsed ? parsed : { problem: `${parsed.problem}; or auto` };
};

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?) ?([smh]?)$/;

function duration({ min, max }: { min: number; max: number }): Parser<number> {
  return (text) => {
    const [, number = '', unit] = DURATION.exec(text.trim()) ?? [];
    const unitMs = unit === 'h' ? HOUR : unit === 'm' ? MINUTE : SECOND;
    const value = Number(number) * unitMs;
    if (number !== '' && value >= min && value <= max) return { value };
    const range = `from ${min / SECOND}s to ${max >= HOUR ? `${max / HOUR}h` : `${max / MINUTE}m`}`;
    return {
      problem: `${shown(text)} is no time ${range}; write a number of seconds, or one with s, m or h, such as 90s`,
    };
  };
}

const controllerUrl: Parser<URL> = (text) => {
  const value = text.trim();
  const form = 'http(s)://host[:port][/prefix], such as https://controller.example.com:8090';
  if (value === '') return { problem: `it is required; give ${form}` };
  const seen = shown(withoutSecrets(value));
  const url = /^https?:\/\/[^/\s][^\s]*$/i.test(value) ? URL.parse(value) : null;
  if (url === null) return { problem: `${seen} is no address of the form ${form}` };
  if (url.username !== '' || url.password !== '')
    return { problem: `${seen} carries credentials; leave them out` };
  if (/[?#]/.test(value)) return { problem: `${seen} has a query or a fragment; leave it out` };
  return { value: url };
};

/** A mistaken URL may hold a password before an `@`, or a token in its query. */
function withoutSecrets(url: string): string {
  return url.replace(/^(\w+:\/\/)?.*@/s, '$1***@').replace(/[?#].*$/s, '?...');
}

const LONGEST_SHOWN = 200;

function shown(text: string): string {
  return text.length > LONGEST_SHOWN ? `a text of ${text.length} characters` : JSON.stringify(text.trim());
}
