/** Thrown for an answer that cannot be used; it may be a passing fault, so the question is asked again. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
}

/** A JSON object from outside: nothing is known of its fields. */
export type Fields = Readonly<Record<string, unknown>>;

const LONGEST_TEXT = 200;

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Below this no text takes long to parse: in characters. */
const SURELY_QUICK = 1024 * 1024;
/** Instances have a comma, colon or bracket every dozen characters. A text that is denser takes too long to parse. */
const FEWEST_CHARACTERS_A_TOKEN = 6;

/** The JSON value; undefined for what is none, and for a large text so dense that only malice would have made it. */
export function parseJson(json: string): unknown {
  if (json.length > SURELY_QUICK && countTokens(json) * FEWEST_CHARACTERS_A_TOKEN > json.length)
    return undefined;
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

function countTokens(json: string): number {
  let tokens = 0;
  for (let index = 0; index < json.length; index++) {
    const character = json[index];
    if (character === ',' || character === ':' || character === '{' || character === '[') tokens++;
  }
  return tokens;
}
