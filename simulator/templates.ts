import type { Random } from './random.ts';

/** A template of the registry, that VMs are made from. Dates are milliseconds since the epoch. */
export interface Template {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly createdAt: number;
  readonly pushedAt: number;
  readonly pulledAt: number;
  /** Oldest first. */
  readonly versions: readonly TemplateVersion[];
  readonly latest: TemplateVersion;
}

export interface TemplateVersion {
  readonly number: number;
  readonly tag: string;
  readonly sizeBytes: number;
}

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;
const NAMES = ['sequoia', 'sonoma-xcode'];
const TAGS = ['base', 'latest'];

/** What the registry holds: two templates with two tags each. */
export function createTemplates(chance: Random, startsAt: number): Template[] {
  return NAMES.map((name, index) => {
    const versions = TAGS.map((tag, number) => ({ number, tag, sizeBytes: (26 + 4 * number) * GIB }));
    return {
      id: chance.uuid(),
      name,
      sizeBytes: 30 * GIB,
      createdAt: startsAt - (60 + index) * DAY_MS,
      pushedAt: startsAt - (30 + index) * DAY_MS,
      pulledAt: startsAt - DAY_MS,
      versions,
      latest: versions.at(-1) ?? { number: 0, tag: 'latest', sizeBytes: 0 },
    };
  });
}
