import type { Instance } from '../controller/instance.ts';
import { ActionError } from '../errors.ts';

/** What a runner's name may be made of, and where it comes from. */
const PLACEHOLDERS: Readonly<Record<string, (instance: Instance) => string | undefined>> = {
  '{external_id}': ({ externalId }) => externalId,
  '{name}': ({ name }) => name,
  '{instance_id}': ({ instanceId }) => instanceId,
};
const BRACES = /\{[^{}]*\}/g;

/** The first thing in braces that is no placeholder; undefined where all are. */
export function unknownPlaceholder(template: string): string | undefined {
  return template.match(BRACES)?.find((word) => PLACEHOLDERS[word] === undefined);
}

/** Whether the name depends on the instance. */
export function hasPlaceholder(template: string): boolean {
  return template.search(BRACES) >= 0;
}

/**
 * Fills the placeholders in from the instance.
 * @throws ActionError `runner_not_found` where the instance lacks what the name is made of.
 */
export function fillName(template: string, instance: Instance): string {
  const name = template.replace(BRACES, (word) => {
    const value = PLACEHOLDERS[word]?.(instance);
    if (value !== undefined) return value;
    throw new ActionError(
      'runner_not_found',
      `runner_name holds ${word}, but instance ${instance.instanceId} has none.`,
      { hint: 'Use a placeholder that the instance has a value for, or write the name of the runner.' },
    );
  });
  // Half a character would make no address to ask at.
  return name.toWellFormed();
}

/** Names of runners are the same in upper and lower case. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
