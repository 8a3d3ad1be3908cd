/** Finds secrets in texts, plain or in one of the encodings that they usually turn up in. */
export interface Redactor {
  add(secret: string): void;
  /** Replaces every secret of at least {@link SHORTEST_MASKED} characters. */
  redact(text: string): string;
  /** Replaces even shorter ones: for texts from outside, where a word too few does no harm. */
  scrub(text: string): string;
}

/** Masking a shorter value than this would ruin the log, and give it away. In characters. */
export const SHORTEST_MASKED = 4;

const REPLACEMENT = '***';

export function createRedactor(): Redactor {
  const masked = new Set<string>();
  const all = new Set<string>();
  return {
    add(secret) {
      for (const form of encodings(secret)) all.add(form);
      for (const part of maskable(secret)) {
        for (const form of encodings(part)) masked.add(form);
      }
    },
    redact: (text) => replaceAny(text, masked),
    scrub: (text) => replaceAny(text, new Set([...all, ...masked])),
  };
}

/** What of a secret may be masked everywhere: the whole, and where it has several lines, each of these. */
export function maskable(secret: string): string[] {
  const lines = secret.split(/\r\n|\r|\n/).map((line) => line.trim());
  // The first and last line of a PEM text are no secret, and stand in other texts, too.
  const parts = [secret, secret.trim(), ...lines.filter((line) => !line.startsWith('-----'))];
  return [...new Set(parts)].filter((part) => part.length >= SHORTEST_MASKED);
}

/** A secret as it is, and in base64, base64url, hex, URL and JSON form. */
export function encodings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = bytes.toString('base64');
  return [
    secret,
    base64,
    base64.replace(/=+$/, ''),
    bytes.toString('base64url'),
    hex,
    hex.toUpperCase(),
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
  ];
}

function replaceAny(text: string, secrets: ReadonlySet<string>): string {
  // The longest first: a secret may be a part of another.
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((rest, secret) => rest.replaceAll(secret, REPLACEMENT), text);
}
