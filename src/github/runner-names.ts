// The name of the runner in a VM, from `runner_name`: placeholders stand for values of the instance, `*` for any text.

import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';
import { type Fields, isDescription, text } from '../http/json.ts';

/** The literal parts of a runner's name, with any text between two of them. A single part is the whole name. */
export interface NamePattern {
  readonly parts: readonly string[];
}

const PLACEHOLDERS: Readonly<Record<string, (instance: Instance) => string | undefined>> = {
  '{external_id}': ({ externalId }) => externalId,
  '{name}': ({ name }) => name,
  '{instance_id}': ({ instanceId }) => instanceId,
  '{uuid}': ({ uuid }) => uuid,
};
const BRACES = /\{[^{}]*\}/g;
const BRACES_OR_ONE = /\{[^{}]*\}?|\}/g;
const ANY_TEXT = '*';

/** The first text in braces, closed or not, that is not a placeholder; undefined if all are. */
export function unknownPlaceholder(template: string): string | undefined {
  return template.match(BRACES_OR_ONE)?.find((word) => PLACEHOLDERS[word] === undefined);
}

/** In characters. GitHub's own limit is 64. */
const LONGEST_NAME = 1_000;

/** A runner's name in an answer of GitHub; undefined if it is missing, or too long to be compared. */
export function runnerNameIn(fields: Fields, key: string): string | undefined {
  const name = text(fields, key, LONGEST_NAME);
  return name === undefined || isDescription(name) ? undefined : name;
}

export function hasPlaceholder(template: string): boolean {
  return template.search(BRACES) >= 0;
}

/**
 * Fills in the placeholders from the instance. A `*` in a value does not stand for any text.
 * @throws ActionError as {@link fillName} does.
 */
export function fillPattern(template: string, instance: Instance): NamePattern {
  return { parts: template.split(ANY_TEXT).map((part) => fillName(part, instance)) };
}

/** The pattern, if it is the same for every instance. */
export function fixedPattern(template: string): NamePattern | undefined {
  return hasPlaceholder(template) ? undefined : { parts: template.split(ANY_TEXT) };
}

/** Whether the instance has a value for each placeholder. */
export function hasValues(instance: Instance, template: string): boolean {
  const words: readonly string[] = template.match(BRACES) ?? [];
  return words.every((word) => PLACEHOLDERS[word]?.(instance) !== undefined);
}

/** Whether a runner of this name may be in the VM. A VM that lacks a value for a placeholder has no runner. */
export function mayBeIn(instance: Instance, template: string, runnerName: string): boolean {
  return hasValues(instance, template) && fitsPattern(fillPattern(template, instance), runnerName);
}

/** @throws ActionError `runner_not_found` if the instance lacks a value, or the reason why its names could not be read. */
export function fillName(template: string, instance: Instance): string {
  const name = template.replace(BRACES, (word) => {
    const value = PLACEHOLDERS[word]?.(instance);
    if (value !== undefined) return value;
    if (instance.unreadNames !== undefined) throw instance.unreadNames;
    throw new ActionError(
      'runner_not_found',
      `runner_name contains ${word}, but instance ${instance.instanceId} has none.`,
      { hint: 'Use a placeholder that the instance has a value for, or write the name of the runner.' },
    );
  });
  // A lone surrogate cannot be sent.
  return name.toWellFormed();
}

/** The pattern that only this name fits. */
export function exactly(name: string): NamePattern {
  return { parts: [name] };
}

/** The pattern that every name fits that contains this text. */
export function around(text: string): NamePattern {
  return { parts: ['', text, ''] };
}

/** Whether only one name fits. */
export function isExact({ parts }: NamePattern): boolean {
  return parts.length === 1;
}

/** For messages. */
export function describePattern({ parts }: NamePattern): string {
  return parts.join(ANY_TEXT);
}

export function fitsPattern({ parts }: NamePattern, name: string): boolean {
  return fitsText(parts.map(keyOfName), keyOfName(name));
}

/** Whether a text consists of these parts with any text, even none, between them. In linear time, because the text may come from a server. */
export function fitsText(parts: readonly string[], text: string): boolean {
  let from = 0;
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const at = isLast ? text.length - part.length : text.indexOf(part, from);
    const isThere = at >= from && text.startsWith(part, at);
    if (!isThere || (index === 0 && at > 0)) return false;
    from = at + part.length;
  }
  return true;
}

export function isSameName(one: string, other: string): boolean {
  return keyOfName(one) === keyOfName(other);
}

/** The same for two names of one runner: case does not matter, and macOS tools may write an accented letter as two characters. */
export function keyOfName(name: string): string {
  return name.toLowerCase().normalize('NFC');
}
