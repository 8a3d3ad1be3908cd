// How programs encode a secret, and how to decode it. Independent of src, so that this finds a form that src forgets.

/** The usual forms of a secret, itself among them. */
export function formsOf(secret: string): string[] {
  const asJson = [JSON.stringify, goJson, asciiJson].map((write) => write(secret).slice(1, -1));
  const withinJson = asJson.slice(0, 2).map((json) => JSON.stringify(json).slice(1, -1));
  const forms = [
    secret,
    ...base64Of(secret),
    ...base64Of(`:${secret}`),
    ...['hex', 'HEX'].map((name) => hexOf(secret, name === 'HEX')),
    ...asJson,
    ...withinJson,
    ...KEPT.map((kept) => percentEncode(secret, kept)),
    percentEncode(secret, '~').replaceAll('%20', '+'),
    percentEncode(secret, '*').replaceAll('%20', '+'),
    ...QUOTES.map((quotes) => htmlOf(secret, quotes)),
    Buffer.from(secret, 'latin1').toString(),
  ];
  return [...new Set(forms)];
}

function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    bytes.toString('base64'),
    btoa(bytes.toString('latin1')).split('=')[0] ?? '',
    bytes.toString('base64url'),
  ];
}

function hexOf(secret: string, isUpperCase: boolean): string {
  const hex = [...Buffer.from(secret)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return isUpperCase ? hex.toUpperCase() : hex;
}

function goJson(secret: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '<': '\\u003c',
    '>': '\\u003e',
    '&': '\\u0026',
    '\u2028': '\\u2028',
    '\u2029': '\\u2029',
  };
  return [...JSON.stringify(secret)].map((character) => escapes[character] ?? character).join('');
}

function asciiJson(secret: string): string {
  const units = JSON.stringify(secret).split('');
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return units.map((unit) => (unit < '\u007f' ? unit : escaped(unit))).join('');
}

/** The characters that stay unchanged, besides letters, digits and `-._`. */
const KEPT = [
  '~',
  // encodeURIComponent and encodeURI.
  "~!'()*",
  "~!'()*;,/?:@&=+$#",
  // Go: PathEscape, the path of a URL, UserPassword.
  '~$&+=:@',
  '~$&+,/:;=@',
  '~$&+,;=',
  // Python: quote.
  '~/',
  // The password of a browser's URL.
  "~!$%&'()*+,",
];

function percentEncode(secret: string, kept: string): string {
  return [...secret]
    .map((character) => {
      if (/[\w.-]/.test(character) || kept.includes(character)) return character;
      return [...Buffer.from(character)]
        .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
        .join('');
    })
    .join('');
}

const QUOTES = [
  ['"', "'"],
  ['&#34;', '&#39;'],
  ['&quot;', "'"],
  ['&quot;', '&#39;'],
  ['&quot;', '&#x27;'],
] as const;

function htmlOf(secret: string, [double, single]: (typeof QUOTES)[number]): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': double,
    "'": single,
  };
  return [...secret].map((character) => names[character] ?? character).join('');
}

/** A text as it is, and as a reader that takes it for a URL, a form, JSON or HTML would decode it. */
export function readingsOf(text: string): string[] {
  const url = text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString(),
  );
  const json = text.replace(/\\(?:u([0-9a-f]{4})|(["\\/]))/gi, (_, code, character) => {
    return character ?? String.fromCharCode(Number.parseInt(code, 16));
  });
  const html = text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(amp|lt|gt|quot));/gi, (_, decimal, hex, name) => {
    return HTML_NAMES[name] ?? String.fromCodePoint(Number.parseInt(decimal ?? hex, decimal ? 10 : 16));
  });
  return [text, url, url.replaceAll('+', ' '), json, html];
}

const HTML_NAMES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
