import * as parse from './parsers.ts';

/** The `INPUT_*` variables that the runner sets, and others. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is used where an input is absent or blank; action.yml declares the same. */
export const DEFAULTS = {
  max_parallel: '1',
  max_failures: '0',
  timeout: '5m',
  request_timeout: '10s',
  poll_interval: 'auto',
  dry_run: 'false',
  job_summary: 'true',
  skip_tls_verify: 'false',
  when_busy: 'wait',
  idle_for: '90s',
  busy_timeout: '1h',
  wait_for_runner: 'true',
  runner_timeout: '10m',
  guest_check: 'none',
  guest_timeout: '5m',
} as const;

/** What reads inputs, one by one. */
export interface FormReader {
  readonly environment: Environment;
  /** What is wrong so far, one line each. */
  readonly problems: string[];
  /** Parses an input, or its default where it is blank. */
  read<T>(name: string, parser: parse.Parser<T>): T;
  /** The value. What is wrong goes on the list of problems instead; then the inputs as a whole are thrown away. */
  accept<T>(name: string, parsed: parse.Parsed<T>): T;
}

export interface Form extends FormReader {
  /** Told of each secret, before anything is said about it. */
  readonly onSecret: (...secrets: readonly string[]) => void;
}

export function createFormReader(environment: Environment): FormReader {
  const problems: string[] = [];
  function accept<T>(name: string, parsed: parse.Parsed<T>): T {
    if ('value' in parsed) return parsed.value;
    problems.push(`${name}: ${parsed.problem}`);
    return undefined as never;
  }
  function read<T>(name: string, parser: parse.Parser<T>): T {
    const text = environment[`INPUT_${name.toUpperCase()}`] ?? '';
    const fallback: string = DEFAULTS[name as keyof typeof DEFAULTS] ?? '';
    return accept(name, parser(text.trim() === '' ? fallback : text));
  }
  return { environment, problems, read, accept };
}

/** Whether something was given, be it right or wrong. */
export function isGiven({ read }: Form, name: string): boolean {
  return read(name, parse.optionalText) !== undefined;
}

/** A secret, which is told of before anything is said about it. */
export function readSecret({ read, onSecret }: Form, name: string): string | undefined {
  const secret = read(name, parse.secretText());
  if (secret !== undefined) onSecret(secret);
  return secret;
}
