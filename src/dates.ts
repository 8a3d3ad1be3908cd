/** A moment in time as it was written, with its position on a common scale. */
export interface Instant {
  /** As written, e.g. `2024-10-13T13:10:02.690025+02:00`. */
  readonly text: string;
  readonly epochNanoseconds: bigint;
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const EARLIEST_YEAR = 2002;

/**
 * Reads an RFC 3339 date with a fraction of up to nine digits and any offset.
 * @returns undefined if the text is not a date, and for dates before 2002: Go writes "none" as `0001-01-01T00:00:00Z`, others
 * as the epoch of Unix (1970) or of Apple (2001), and no VM booted then.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const part = (index: number) => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const [offsetHours, offsetMinutes] = [part(9), part(10)];
  const daysInMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const inRange =
    month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth && hour <= 23 && minute <= 59 && second <= 60;
  if (!inRange || offsetHours > 23 || offsetMinutes > 59) return undefined;

  const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000;
  const epochMs = Date.UTC(year, month - 1, day, hour, minute, second) - offsetMs;
  const nanoseconds = BigInt((match[7] ?? '').padEnd(9, '0'));
  // Date.UTC maps the years 0 to 99 to 1900 to 1999, so `year` itself is compared.
  if (year < EARLIEST_YEAR) return undefined;
  return { text, epochNanoseconds: BigInt(epochMs) * 1_000_000n + nanoseconds };
}

/** Negative if `a` is earlier than `b`, positive if it is later, 0 for the same instant. */
export function compareInstants(a: Instant, b: Instant): number {
  return Number(a.epochNanoseconds - b.epochNanoseconds);
}

/** Negative if `to` is earlier than `from`. */
export function millisecondsBetween(from: Instant, to: Instant): number {
  return compareInstants(to, from) / 1_000_000;
}

/** The instant `ms` milliseconds later. It keeps the text that was written. */
export function shifted({ text, epochNanoseconds }: Instant, ms: number): Instant {
  return { text, epochNanoseconds: epochNanoseconds + BigInt(Math.round(ms)) * 1_000_000n };
}
