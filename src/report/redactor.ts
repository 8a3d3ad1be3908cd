/** Finds secrets in texts, plain or in one of the encodings that they usually turn up in. */
export interface Redactor {
  add(...secrets: readonly string[]): void;
  /** Replaces every secret of at least {@link SHORTEST_MASKED} characters. */
  redact(text: string): string;
}

/** Masking a shorter value than this would ruin the log, and give it away. In characters. */
export const SHORTEST_MASKED = 4;

const REPLACEMENT = '***';

export function createRedactor(): Redactor {
  const forms = new Set<string>();
  // Made when it is first needed: several secrets are mostly told of in a row.
  let replacer: Replacer | undefined;
  return {
    add(...secrets) {
      for (const form of secrets.flatMap(maskable).flatMap(encodings)) forms.add(form);
      replacer = undefined;
    },
    redact(text) {
      replacer ??= createReplacer(forms);
      return replacer(text);
    },
  };
}

/** What of a secret may be masked everywhere: the whole, and where it has several lines, each of these. */
export function maskable(secret: string): string[] {
  const lines = secret.split(/\r\n|\r|\n/).map((line) => line.trim());
  // The first and last line of a PEM text are no secret, and stand in other texts, too.
  const parts = [secret, secret.trim(), ...lines.filter((line) => !line.startsWith('-----'))];
  return [...new Set(parts)].filter((part) => part.length >= SHORTEST_MASKED);
}

/**
 * A secret as it is, and in base64, base64url, hex, and what Go, JavaScript, Python and browsers make of it in JSON, URL, HTML; and
 * as the password of a URL or of HTTP's Basic that has no user.
 */
export function encodings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64');
  const hex = bytes.toString('hex');
  const json = JSON.stringify(secret).slice(1, -1);
  const wellFormed = secret.toWellFormed();
  const url = encodeURIComponent(wellFormed);
  const percentEscaped = url.replace(/[!'()*]/g, percentEscape);
  const basic = Buffer.from(`:${secret}`).toString('base64');
  return [
    secret,
    base64,
    base64.replace(/=+$/, ''),
    bytes.toString('base64url'),
    basic,
    basic.replace(/=+$/, ''),
    hex,
    hex.toUpperCase(),
    json,
    JSON.stringify(json).slice(1, -1),
    json.replace(/[&<>\u2028\u2029]/g, unicodeEscape),
    json.replace(/[^\x20-\x7e]/g, unicodeEscape),
    url,
    percentEscaped,
    percentEscaped.replaceAll('%20', '+'),
    encodeURI(wellFormed),
    unescaped(percentEscaped, GO_PATH),
    unescaped(percentEscaped, GO_USERINFO),
    secret.replace(/[&<>]/g, htmlEscape),
    secret.replace(/[&<>"']/g, htmlEscape),
    // A header travels as Latin-1; who reads it as UTF-8 sees this.
    Buffer.from(secret, 'latin1').toString(),
  ];
}

/** What Go leaves as it is in a path (`url.PathEscape`) and in user and password (`url.UserPassword`). */
const GO_PATH = '$&+:=@';
const GO_USERINFO = '$&+,;=';

function unescaped(percentEscaped: string, characters: string): string {
  return [...characters].reduce((text, character) => {
    return text.replaceAll(percentEscape(character), character);
  }, percentEscaped);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function percentEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function htmlEscape(character: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;' };
  return names[character] ?? '&#39;';
}

/** A pattern of longer secrets would grow too large; so long a text is hardly repeated in another case, too. */
const LONGEST_IN_PATTERN = 500;

type Replacer = (text: string) => string;

/** Replaces in any case: hosts come back in lower case, and hex digits and percent signs in either. */
function createReplacer(secrets: ReadonlySet<string>): Replacer {
  // The longest first: a secret may be a part of another.
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  const long = longestFirst.filter((secret) => secret.length > LONGEST_IN_PATTERN);
  const short = longestFirst.filter((secret) => secret.length <= LONGEST_IN_PATTERN);
  if (longestFirst.length === 0) return (text) => text;
  const pattern = new RegExp(short.map(escapePattern).join('|'), 'gi');
  return (text) => {
    const rest = long.reduce((left, secret) => left.replaceAll(secret, REPLACEMENT), text);
    return short.length === 0 ? rest : rest.replace(pattern, REPLACEMENT);
  };
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
