import type { FaultNature } from './retry.ts';

interface UnusableAnswerOptions extends ErrorOptions {
  readonly nature?: FaultNature;
  readonly hint?: string;
}

/** Thrown for an unusable answer; the kind of fault decides how long the request is repeated. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
  readonly nature: FaultNature;
  /** What can be done about it, if known. */
  readonly hint: string | undefined;

  constructor(message: string, { nature = 'passing', hint, ...options }: UnusableAnswerOptions = {}) {
    super(message, options);
    this.nature = nature;
    this.hint = hint;
  }
}

/** A JSON object from an external source: its fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

const LONGEST_TEXT = 200;

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON value; undefined if the text is not JSON, or {@link isTooComplex}. */
export function parseJson(json: string): unknown {
  if (isTooComplex(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** The API nests fewer than ten levels. */
const DEEPEST_NESTING = 200;
/** A record of a VM has about 200 tokens. So this is enough for 20,000 VMs; `JSON.parse` takes less than a second for it. */
const MOST_TOKENS = 4_000_000;

/**
 * Whether `JSON.parse` could block the process for seconds, and signals with it: 32 MiB of `{},` take six seconds and more than
 * a gigabyte. Counts brackets, commas, colons and strings; the length of strings does not matter.
 */
export function isTooComplex(json: string): boolean {
  let depth = 0;
  let tokens = 0;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (STRUCTURAL[code] !== 1) continue;
    if (++tokens > MOST_TOKENS) return true;
    if (code === QUOTE) index = endOfString(json, index);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    if (depth > DEEPEST_NESTING) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET] = [0x7b, 0x5b, 0x7d, 0x5d];
/** By character code: 1 for a token's first character. */
const STRUCTURAL = new Uint8Array(0x80);
for (const code of [QUOTE, OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET, 0x2c, 0x3a])
  STRUCTURAL[code] = 1;

/** The index of the quote that ends the string; the length of the text if none does. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return json.length;
}

/**
 * A text field; undefined if it is absent, empty or not a string. A text that is too long is described, not truncated: that could
 * leave half a secret, which no mask matches.
 */
export function text(fields: Fields, key: string, longest = LONGEST_TEXT): string | undefined {
  const value = fields[key];
  if (typeof value !== 'string' || value === '') return undefined;
  return value.length > longest ? `(a text of ${value.length} characters)` : value;
}

/** Whether `text` returned this instead of a text that is too long. */
export function isDescription(value: string): boolean {
  return /^\(a text of \d+ characters\)$/.test(value);
}
