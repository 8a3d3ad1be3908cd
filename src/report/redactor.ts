// How secrets are hidden. Which texts are secret is decided where they are read: in inputs/, and for sessions in credentials.ts.

/** Finds secrets in texts, plain or in a common encoding. */
export interface Redactor {
  add(...secrets: readonly string[]): void;
  /** Replaces every secret of at least {@link SHORTEST_MASKED} characters. */
  redact(text: string): string;
}

/** Masking a shorter value would ruin the log, and reveal the value. In characters. */
const SHORTEST_MASKED = 4;

const REPLACEMENT = '***';

export function createRedactor(): Redactor {
  const added = new Set<string>();
  const long = new Set<string>();
  const [forms, inAnyForm] = [new Map<string, Search>(), new Map<string, Search>()];

  function add(secret: string): void {
    added.add(secret);
    for (const form of encodings(secret)) {
      if (form.length > LONGEST_IN_PATTERN) long.add(form);
      else forms.set(form, forms.get(form) ?? searchFor(form));
    }
    if (secret.length <= LONGEST_IN_PATTERN) inAnyForm.set(secret, searchForAnyEncoding(secret));
  }

  return {
    add(...secrets) {
      for (const secret of secrets.flatMap(maskable)) if (!added.has(secret)) add(secret);
    },
    redact(text) {
      const rest = longestFirst(long).reduce((left, form) => left.replaceAll(form, REPLACEMENT), text);
      const left = replaceFound(rest, forms.values());
      // The other patterns find nothing new in a text without escapes.
      return ESCAPE.test(left) ? replaceFound(left, inAnyForm.values()) : left;
    },
  };
}

/** The parts of a secret to mask everywhere: the whole, and each line if it has several. */
export function maskable(secret: string): string[] {
  const lines = secret.split(/\r\n|\r|\n/).map((line) => line.trim());
  // The first and last line of a PEM text are not secret, and occur in other texts, too.
  const parts = [secret, secret.trim(), ...lines.filter((line) => !line.startsWith('-----'))];
  return [...new Set(parts)].filter((part) => part.length >= SHORTEST_MASKED);
}

/**
 * A secret as it is, and as Go, JavaScript, Python and browsers encode it in base64, hex, JSON, URLs and HTML; and as the password
 * in HTTP Basic authentication without a user.
 */
export function encodings(secret: string): string[] {
  return [
    secret,
    ...inBase64(Buffer.from(secret)),
    ...inBase64(Buffer.from(`:${secret}`)),
    ...inHex(secret),
    ...inJson(secret),
    ...inUrl(secret.toWellFormed()),
    ...inHtml(secret),
    // A header is sent as Latin-1; read as UTF-8, it becomes this.
    Buffer.from(secret, 'latin1').toString(),
  ];
}

function inBase64(bytes: Buffer): string[] {
  const base64 = bytes.toString('base64');
  return [base64, base64.replace(/=+$/, ''), bytes.toString('base64url')];
}

function inHex(secret: string): string[] {
  const hex = Buffer.from(secret).toString('hex');
  return [hex, hex.toUpperCase()];
}

/** Plain; as Go, PHP, and encoders that escape slashes or quotes write it; ASCII only; and the first two nested in a JSON string. */
function inJson(secret: string): string[] {
  const plain = insideQuotes(secret);
  const go = plain.replace(/[&<>\u2028\u2029]/g, unicodeEscape);
  const php = plain.replaceAll('/', '\\/');
  const slashes = plain.replaceAll('/', unicodeEscape);
  const quotes = plain.replaceAll("'", "\\'");
  const ascii = plain.replace(/[^\x20-\x7e]/g, unicodeEscape);
  return [plain, go, php, slashes, quotes, ascii, insideQuotes(plain), insideQuotes(go)];
}

function insideQuotes(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The characters that each URL encoder leaves as they are, besides letters, digits and `-._~`. */
const KEPT_IN_URLS = [
  // Go's url.QueryEscape, and Python's quote with nothing safe.
  '',
  // JavaScript's encodeURIComponent, and its encodeURI.
  "!'()*",
  "!'()*#$&+,/:;=?@",
  // Go's url.PathEscape, the path of its url.URL, and its url.UserPassword.
  '$&+:=@',
  '$&+,/:;=@',
  '$&+,;=',
  // Python's quote.
  '/',
  // The password of a browser's URL.
  "!$&'()*+,%",
];

function inUrl(secret: string): string[] {
  const strict = encodeURIComponent(secret).replace(/[!'()*]/g, percentEscape);
  const form = strict.replaceAll('%20', '+');
  // Browsers and Java leave the asterisk in a form, and not the tilde.
  const browserForm = form.replaceAll('%2A', '*').replaceAll('~', '%7E');
  return [...KEPT_IN_URLS.map((kept) => unescaped(strict, kept)), form, browserForm];
}

function unescaped(percentEscaped: string, kept: string): string {
  return percentEscaped.replace(/%[2-7][\dA-F]/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return kept.includes(character) ? character : escaped;
  });
}

/** Text; and attributes, whose quotes have several names. */
function inHtml(secret: string): string[] {
  const text = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const [numbered, named] = [text.replaceAll('"', '&#34;'), text.replaceAll('"', '&quot;')];
  return [
    text,
    named,
    numbered.replaceAll("'", '&#39;'),
    named.replaceAll("'", '&#39;'),
    named.replaceAll("'", '&#x27;'),
    named.replaceAll("'", '&apos;'),
    named.replaceAll("'", '&#x27;').replaceAll('/', '&#x2F;'),
    named.replaceAll("'", '&#39;').replaceAll('/', '&#x2F;'),
  ];
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function percentEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** A pattern for longer secrets would be too large; and a text this long is unlikely to be repeated in another case. */
const LONGEST_IN_PATTERN = 500;

/** A pattern that is built only for a text that may match: a pattern for all secrets would take long to build. */
interface Search {
  /** Every text that matches contains this, in any case. Here in upper case. */
  readonly clue: string;
  readonly length: number;
  readonly pattern: () => string;
}

function searchFor(form: string): Search {
  return { clue: form.toUpperCase(), length: form.length, pattern: () => escapePattern(form) };
}

function searchForAnyEncoding(secret: string): Search {
  const [clue = ''] = longestFirst(secret.match(/[a-z\d]+/gi) ?? []);
  return { clue: clue.toUpperCase(), length: secret.length, pattern: () => inAnyEncoding(secret) };
}

/** The longest first: a secret may be a part of another. */
function longestFirst<T extends { readonly length: number }>(all: Iterable<T>): T[] {
  return [...all].sort((a, b) => b.length - a.length);
}

/** Replaces in any case: hosts come back in lower case, and hex digits and percent signs in either. */
function replaceFound(text: string, searches: Iterable<Search>): string {
  const upper = text.toUpperCase();
  const found = [...searches].filter(({ clue }) => upper.includes(clue));
  if (found.length === 0) return text;
  const alternatives = longestFirst(found).map((search) => search.pattern());
  return text.replace(new RegExp(alternatives.join('|'), 'gi'), REPLACEMENT);
}

/** What every way of escaping a character begins with. */
const ESCAPE = /[\\%&]/;

/** A pattern for a secret in which each character may be escaped: encoders differ in which ones they escape. */
function inAnyEncoding(secret: string): string {
  return [...secret]
    .map((character) => (/[a-z\d]/i.test(character) ? character : escapes(character)))
    .join('');
}

/** More than one backslash where JSON is nested in JSON. The limit keeps the pattern fast on texts of only backslashes. */
const BACKSLASHES = '\\\\{1,8}';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
  '/': 'sol',
};

function escapes(character: string): string {
  const code = Number(character.codePointAt(0));
  const units = character.split('').map((unit) => `${BACKSLASHES}u${hex(unit.charCodeAt(0), 4)}`);
  const bytes = [...Buffer.from(character.toWellFormed())].map((byte) => `%(?:25)?${hex(byte, 2)}`);
  const entity = [`#0{0,4}${code}`, `#x0{0,4}${hex(code, 1)}`, ENTITIES[character]].filter(Boolean).join('|');
  const itself = character === '\\' ? BACKSLASHES : `(?:${BACKSLASHES})?${escapePattern(character)}`;
  const byCode = `${BACKSLASHES}x${hex(code, 2)}`;
  return `(?:${[itself, units.join(''), byCode, bytes.join(''), `&(?:amp;)?(?:${entity});`].join('|')})`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
