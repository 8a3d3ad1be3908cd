// Reads one input at a time, or its default, and collects what is wrong with them.

import { ActionError } from '../errors.ts';
import * as parse from './parsers.ts';

/** The step's environment: the `INPUT_*` variables that the runner sets, and all others. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of an input that is absent or blank; action.yml declares the same. */
export const DEFAULTS = {
  max_vms: '2000',
  max_parallel: '1',
  max_failures: '0',
  timeout: '5m',
  request_timeout: '10s',
  poll_interval: 'auto',
  dry_run: 'false',
  job_summary: 'true',
  skip_tls_verify: 'false',
  runner_ephemeral: 'false',
  drain: 'false',
  restart_if: 'always',
  idle_for: '90s',
  busy_timeout: '1h',
  wait_for_runner: 'true',
  runner_timeout: '10m',
  guest_check: 'none',
  guest_timeout: '5m',
} as const;

/** The value of one or more inputs; undefined if they are invalid, which a problem in the form explains. */
export type Field<T> = { readonly value: T } | undefined;

/** Problems are collected, so that all of them are reported together. */
export interface Form {
  readonly environment: Environment;
  /** The problems so far, one line each. */
  readonly problems: string[];
  /** About values that are allowed, but probably unintended. */
  readonly warnings: string[];
  /** Called with each secret before any message can quote it. */
  readonly onSecret: (...secrets: readonly string[]) => void;
  /** Parses an input, or its default if it is blank. */
  read<T>(name: string, parser: parse.Parser<T>): Field<T>;
  /** Turns the result of a parser for one or more inputs into a field. */
  accept<T>(names: string, parsed: parse.Parsed<T>): Field<T>;
}

export function createForm(environment: Environment, onSecret: Form['onSecret'] = () => {}): Form {
  const problems: string[] = [];
  const warnings: string[] = [];
  function accept<T>(names: string, parsed: parse.Parsed<T>): Field<T> {
    if ('value' in parsed) return parsed;
    problems.push(`${names}: ${parsed.problem}`);
    return undefined;
  }
  function read<T>(name: string, parser: parse.Parser<T>): Field<T> {
    const text = textOf(environment, name);
    const fallback: string = DEFAULTS[name as keyof typeof DEFAULTS] ?? '';
    return accept(name, parser(text.trim() === '' ? fallback : text));
  }
  return { environment, problems, warnings, onSecret, read, accept };
}

function textOf(environment: Environment, name: string): string {
  return environment[`INPUT_${name.toUpperCase()}`] ?? '';
}

/** Whether the input is not blank, valid or not. */
export function isGiven({ environment }: Form, name: string): boolean {
  return textOf(environment, name).trim() !== '';
}

/** Reads a secret, and reports it to `onSecret`. */
export function readSecret({ read, onSecret }: Form, name: string): Field<string | undefined> {
  const secret = read(name, parse.secretText());
  if (secret?.value !== undefined) onSecret(secret.value);
  return secret;
}

/** One field from several, which is valid if all of them are. */
export function all<T extends object>(fields: { readonly [K in keyof T]: Field<T[K]> }): Field<T> {
  const entries = Object.entries<Field<unknown>>(fields).map(([name, field]) => field && [name, field.value]);
  if (entries.some((entry) => entry === undefined)) return undefined;
  // It has a value of the right type for each key of T.
  return { value: Object.fromEntries(entries.filter((entry) => entry !== undefined)) as T };
}

const WHY_EMPTY =
  'If it comes from a secret: does that secret exist for this repository and event? (Forks and Dependabot get none.)';

/** Adds a problem if the input is blank. @param why the end of "it is empty, but ...". */
export function requireInput(form: Form, name: string, why: string): void {
  if (!isGiven(form, name)) form.problems.push(`${name}: it is empty, but ${why}. ${WHY_EMPTY}`);
}

/** Adds a problem if only one of two inputs is given. */
export function requireBoth(form: Form, one: string, other: string): void {
  const [hasOne, hasOther] = [isGiven(form, one), isGiven(form, other)];
  if (hasOne) requireInput(form, other, `${one} is given: give both or neither`);
  if (hasOther) requireInput(form, one, `${other} is given: give both or neither`);
}

/** The value of the whole form. @throws ActionError `invalid_input` with all problems, if there are any. */
export function complete<T>({ problems }: Form, field: Field<T>): T {
  if (problems.length > 0 || field === undefined) throw invalid(problems);
  return field.value;
}

function invalid(problems: readonly string[]): ActionError {
  const title = problems.length === 1 ? 'An input is invalid' : `${problems.length} inputs are invalid`;
  const list = problems.map((problem) => `- ${problem}`).join('\n');
  return new ActionError('invalid_input', `${title}:\n${list}`, {
    hint: "Correct the inputs under the step's with:.",
  });
}
