// Turns the text of an input into a value, or says what is wrong with it.

import { LONGEST_EXTERNAL_ID } from '../controller/instance.ts';
import type { Amount } from '../fleet/slots.ts';
import { MOST_VMS } from '../fleet/targets.ts';
import { unknownPlaceholder } from '../github/runner-names.ts';
import { parseScope, type Scope } from '../github/scope.ts';

/** A value, or what is wrong with the text, in words that reveal no secret. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };
export type Parser<T> = (text: string) => Parsed<T>;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export const optionalText: Parser<string | undefined> = (text) => ({ value: text.trim() || undefined });

const LONGEST_SECRET = 1_000;
/** A shorter secret would occur in other texts, too, so it could not be masked. In characters. */
const SHORTEST_SECRET = 4;

/**
 * Keeps white space, which may belong to a secret, except line breaks at the end, which a YAML block adds.
 * @param what the secret is, for messages.
 * @param shortest in characters.
 */
export function secretText(what = 'a secret', shortest = SHORTEST_SECRET): Parser<string | undefined> {
  return (text) => {
    let end = text.length;
    while (/[\r\n]/.test(text.charAt(end - 1))) end--;
    if (end > LONGEST_SECRET) return { problem: `${end} characters; at most ${LONGEST_SECRET} are allowed` };
    if (end > 0 && end < shortest)
      return {
        problem: `${end} characters; ${what} has at least ${shortest}${shortest === SHORTEST_SECRET ? ', or it could not be masked' : ''}`,
      };
    return { value: text.slice(0, end) || undefined };
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** UUIDs, one per line, each once. */
export const uuids: Parser<readonly string[]> = (text) => {
  const lines = linesOf(text.toLowerCase());
  if (lines.length > MOST_VMS) return tooMany(lines);
  const wrong = lines.find((line) => !UUID.test(line));
  if (wrong === undefined) return { value: lines };
  return { problem: `${shown(wrong)} is not a UUID such as c2af6080-3ae3-4cd3-64e5-2193f31b9aa5` };
};

/** External IDs, one per line, each once; `*` in one matches any text. */
export const externalIds: Parser<readonly string[]> = (text) => {
  const lines = linesOf(text);
  if (lines.length > MOST_VMS) return tooMany(lines);
  const wrong = lines.find((line) => line.length > LONGEST_EXTERNAL_ID);
  if (wrong === undefined) return { value: lines };
  return { problem: `${shown(wrong)} is longer than ${LONGEST_EXTERNAL_ID} characters` };
};

/** Names of jobs, one per line, each once; `*` in one matches any text. */
export const jobNames: Parser<readonly string[]> = (text) => {
  const lines = linesOf(text);
  const wrong = lines.find((line) => line.length > LONGEST_JOB_NAME);
  if (wrong === undefined && lines.length <= MOST_JOB_NAMES) return { value: lines };
  if (wrong !== undefined)
    return { problem: `${shown(wrong)} is longer than ${LONGEST_JOB_NAME} characters` };
  return { problem: `${lines.length} lines; at most ${MOST_JOB_NAMES} are allowed` };
};

const LONGEST_JOB_NAME = 1_000;
const MOST_JOB_NAMES = 200;

/** The ID of a workflow run. @param own the ID of the step's own run, for a blank text. */
export function runId(own: string): Parser<number> {
  return (text) => {
    const given = text.trim() || own;
    const value = Number(given);
    if (/^\d+$/.test(given) && Number.isSafeInteger(value) && value > 0) return { value };
    if (given === '') return { problem: 'it is blank, and GITHUB_RUN_ID is not set: give it' };
    return { problem: `${shown(given)} is not the ID of a workflow run` };
  };
}

function tooMany({ length }: readonly string[]): { readonly problem: string } {
  return { problem: `${length} lines; at most ${MOST_VMS} are allowed in one step` };
}

/** The lines that are not blank, without white space around them, each once. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))];
}

export function wholeNumber({ min, max }: { min: number; max: number }): Parser<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return { value };
    return { problem: `${shown(text)} must be a whole number from ${min} to ${max}` };
  };
}

const AMOUNT = /^(\d{1,5})( ?%)?$/;

/** A number of VMs of at least `least`, or a share of them such as `25%`. */
export function amount(least: number): Parser<Amount> {
  return (text) => {
    const [, digits = '', percent] = AMOUNT.exec(text.trim()) ?? [];
    const value = Number(digits);
    const isShare = percent !== undefined;
    if (digits !== '' && value >= least && (!isShare || value <= 100))
      return { value: isShare ? { share: value / 100 } : { count: value } };
    return { problem: `${shown(text)} must be a number from ${least}, or a share of all such as 25%` };
  };
}

/** The booleans of YAML. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

export const boolean: Parser<boolean> = (text) => {
  const value = BOOLEANS.get(text.trim());
  return value === undefined ? { problem: `${shown(text)} is neither true nor false` } : { value };
};

export const pollInterval: Parser<number | 'auto'> = (text) => {
  if (text.trim() === 'auto') return { value: 'auto' };
  const parsed = duration({ min: SECOND / 5, max: 10 * MINUTE })(text);
  return 'value' in parsed ? parsed : { problem: `${parsed.problem}; or auto` };
};

/** One of these words, exactly. */
export function oneOf<T extends string>(...words: readonly T[]): Parser<T> {
  return (text) => {
    const value = words.find((word) => word === text.trim());
    if (value !== undefined) return { value };
    return { problem: `${shown(text)} is not one of ${words.join(', ')}` };
  };
}

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?) ?([smh]?)$/;

/** A time in seconds, or with a unit. The value is in milliseconds. */
export function duration({ min, max }: { min: number; max: number }): Parser<number> {
  return (text) => {
    const [, number = '', unit = ''] = DURATION.exec(text.trim()) ?? [];
    if (number === '')
      return {
        problem: `${shown(text)} is not a time; write seconds, or a number with s, m or h, such as 90s`,
      };
    const value = Number(number) * unitMs(unit);
    if (value >= min && value <= max) return { value };
    const inMinutes = Number(number) * MINUTE;
    const isMeant =
      unit === '' && !number.includes('.') && value < min && inMinutes >= min && inMinutes <= max;
    const guess = isMeant ? `; did you mean ${number}m?` : '';
    return { problem: `${shown(text)} is not between ${formatLimit(min)} and ${formatLimit(max)}${guess}` };
  };
}

/** How long a wait may take. In less than two heartbeats of a node nothing can be proved: the user probably meant minutes. */
export const timeout = duration({ min: 10 * SECOND, max: 24 * HOUR });

function unitMs(unit: string): number {
  return unit === 'h' ? HOUR : unit === 'm' ? MINUTE : SECOND;
}

function formatLimit(ms: number): string {
  if (ms >= HOUR) return `${ms / HOUR}h`;
  return ms >= MINUTE ? `${ms / MINUTE}m` : `${ms / SECOND}s`;
}

const LONGEST_URL = 2_000;

const LONGEST_RUNNER_NAME = 1_000;

/** A runner's name, which may contain placeholders; or nothing. */
export const runnerName: Parser<string> = (text) => {
  const value = text.trim();
  const unknown = unknownPlaceholder(value);
  if (value.length > LONGEST_RUNNER_NAME)
    return { problem: `${shown(value)} is longer than ${LONGEST_RUNNER_NAME} characters` };
  if (unknown === undefined) return { value };
  return {
    problem: `${shown(unknown)} is not a placeholder; use {external_id}, {name}, {instance_id} or {uuid}`,
  };
};

export const optionalScope: Parser<Scope | undefined> = (text) => {
  const value = text.trim();
  const scope = parseScope(value);
  if (value === '' || scope !== undefined) return { value: scope };
  return { problem: `${shown(value)} is neither owner/repo, an organization's name, nor enterprises/NAME` };
};

export const controllerUrl: Parser<URL> = (text) => {
  const value = text.trim();
  const form = 'http(s)://host[:port][/prefix], such as https://controller.example.com:8090';
  if (value === '') return { problem: `it is required; give ${form}` };
  if (value.length > LONGEST_URL)
    return { problem: `${shown(value)} is longer than ${LONGEST_URL} characters` };
  const seen = shown(withoutSecrets(value));
  const url = /^https?:\/\/[^/\s][^\s]*$/i.test(value) ? URL.parse(value) : null;
  if (url === null) return { problem: `${seen} is not of the form ${form}` };
  if (url.username !== '' || url.password !== '')
    return { problem: `${seen} carries credentials; leave them out` };
  if (/[?#]/.test(value))
    return { problem: `${seen} has a query or a fragment, as in a browser; give only the base address` };
  return { value: url };
};

/** Hides what may be a password, before an `@`, or a token, in the query. */
function withoutSecrets(url: string): string {
  return url.replace(/^(\w+:\/\/)?.*@/s, '$1***@').replace(/[?#].*$/s, '?...');
}

const LONGEST_SHOWN = 200;

function shown(text: string): string {
  return text.length > LONGEST_SHOWN ? `a text of ${text.length} characters` : JSON.stringify(text.trim());
}
