import type { FaultNature } from './retry-budget.ts';

interface UnusableAnswerOptions extends ErrorOptions {
  readonly nature?: FaultNature;
  readonly hint?: string;
}

/** Thrown for an answer that cannot be used; the question is asked again, for as long as its nature allows. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
  readonly nature: FaultNature;
  /** What can be done about it, where that is known. */
  readonly hint: string | undefined;

  constructor(message: string, { nature = 'passing', hint, ...options }: UnusableAnswerOptions = {}) {
    super(message, options);
    this.nature = nature;
    this.hint = hint;
  }
}

/** A JSON object from outside: nothing is known of its fields. */
export type Fields = Readonly<Record<string, unknown>>;

const LONGEST_TEXT = 200;

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The JSON value; undefined for what is none. How long this takes is bounded by the limits on size that `transport.ts` keeps: the
 * worst texts of 32 MiB that were found take some seconds.
 */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * A text field; undefined where it is absent, empty or no text. One that is too long is described, not cut: a cut could
 * leave half a secret behind, which no mask matches.
 */
export function text(fields: Fields, key: string, longest = LONGEST_TEXT): string | undefined {
  const value = fields[key];
  if (typeof value !== 'string' || value === '') return undefined;
  return value.length > longest ? `(a text of ${value.length} characters)` : value;
}
