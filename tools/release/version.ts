/** A semantic version without build metadata, which would not distinguish two tags. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** What follows the hyphen, as in `1.0.0-rc.1`; empty for a final release. */
  readonly preRelease: string;
}

const NUMBER = '(0|[1-9]\\d*)';
const IDENTIFIER = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][\\da-zA-Z-]*)';
const VERSION = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?$`);

/** @returns undefined if the text is not a version. */
export function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, preRelease = ''] = match;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), preRelease };
}

/** The versions that have a tag `vX.Y.Z`; other tags are ignored. */
export function versionsOf(tags: readonly string[]): Version[] {
  return tags.flatMap((tag) => (tag.startsWith('v') ? (parseVersion(tag.slice(1)) ?? []) : []));
}

/** Negative if the first is older, positive if it is newer, 0 if they are equal. */
export function compareVersions(one: Version, other: Version): number {
  return (
    one.major - other.major ||
    one.minor - other.minor ||
    one.patch - other.patch ||
    comparePreReleases(one.preRelease, other.preRelease)
  );
}

/** A final release is newer than its pre-releases. Otherwise identifiers are compared in turn, and the longer list is newer. */
function comparePreReleases(one: string, other: string): number {
  if (one === '' || other === '') return Number(one === '') - Number(other === '');
  const [left, right] = [one.split('.'), other.split('.')];
  for (const [index, identifier] of left.entries()) {
    const counterpart = right[index];
    if (counterpart === undefined) return 1;
    const order = compareIdentifiers(identifier, counterpart);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Numbers compare by value, words by characters; a number is older than any word. */
function compareIdentifiers(one: string, other: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
  if (isNumber && isOtherNumber) return Number(one) - Number(other);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return Number(one > other) - Number(one < other);
}
