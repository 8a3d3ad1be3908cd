// The input `headers`: its syntax, the headers that it must not set, and the secrets in its values. controller/client.ts sends the headers.

import { parseJson } from '../http/json.ts';
import type { Field, Form } from './form.ts';
import type { Parser } from './parsers.ts';

/** Names in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>;

/** Each value is a secret, and so is each part of it that may be one. All are masked before a problem is reported. */
export function readHeaders({ read, onSecret }: Form): Field<RequestHeaders> {
  const text = read('headers', headerText);
  if (text === undefined) return undefined;
  const values = text.value.split(/[\r\n]+/).map((line) => line.replace(/^[^:]*:/, '').trim());
  onSecret(...values.flatMap(secretParts));
  return read('headers', headerLines);
}

// ---- syntax ----

const HEADER_LINE = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const LONGEST_HEADERS = 16_000;
const MOST_HEADERS = 100;
/** These belong to the connection or to the body, which the action controls. */
const REFUSED_HEADERS = new Set([
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'http2-settings',
  'proxy-authorization',
  'proxy-connection',
]);

/** Limited to a size that can be processed quickly. */
const headerText: Parser<string> = (text) => {
  const lines = text.split('\n').length;
  if (text.length <= LONGEST_HEADERS && lines <= MOST_HEADERS) return { value: text };
  return {
    problem: `${text.length} characters in ${lines} lines; at most ${LONGEST_HEADERS} in ${MOST_HEADERS} are allowed`,
  };
};

/** `Name: value` lines; names in lower case. Values are secrets: no problem quotes them. */
const headerLines: Parser<RequestHeaders> = (text) => {
  const headers = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === '') continue;
    const [, name = '', value = ''] = HEADER_LINE.exec(line.trim()) ?? [];
    const problem = headerProblem(headers, name, value);
    if (problem === undefined) headers.set(name.toLowerCase(), value);
    else problems.push(`line ${index + 1}${problem}`);
  }
  return problems.length > 0 ? { problem: problems.join('; ') } : { value: Object.fromEntries(headers) };
};

function headerProblem(others: ReadonlyMap<string, string>, name: string, value: string): string | undefined {
  if (value === '') return ' is not of the form "Name: value"';
  const key = name.toLowerCase();
  if (REFUSED_HEADERS.has(key)) return `: ${name} belongs to the connection and cannot be set`;
  return others.has(key) ? `: ${name} is given twice` : undefined;
}

// ---- secrets ----

/** A shorter part is a word like `Bearer` rather than a secret. In characters. */
const SHORTEST_PART = 8;

/** A header's value, and the parts of it that may be secret: `Bearer TOKEN`, `Basic BASE64(user:password)`, `a=1; session="X"`. */
function secretParts(value: string): string[] {
  const parts = value.split(/[\s;,]+|(?<=\w)=(?!=|$)/).filter((part) => part.length >= SHORTEST_PART);
  const [, password = ''] = /^[^:\s]*:(.+)$/.exec(value) ?? [];
  const all = [value, ...parts, ...quotedTexts(value), password.trim(), basicPassword(value)];
  return all.filter((secret) => !NO_SECRETS.has(secret));
}

/** Masking these would ruin outputs. */
const NO_SECRETS = new Set(['', 'true', 'false', 'null']);

/** Texts in quotes, as written and unescaped, without names of JSON fields, which are words like `token`. */
function quotedTexts(value: string): string[] {
  return [...value.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)(?:\s*:)?/gs)]
    .map(([quoted]) => quoted)
    .filter((quoted) => !/"\s*:$/.test(quoted))
    .map((quoted) => quoted.replace(/^"|"$/g, ''))
    .flatMap((text) => (text.includes('\\') ? [text, unquoted(text)] : [text]));
}

/** Without the escapes of JSON or, if it is not JSON, of HTTP's quoted strings. */
function unquoted(text: string): string {
  return String(parseJson(`"${text}"`) ?? text.replace(/\\(.?)/gs, '$1'));
}

/** The password in `Basic BASE64(user:password)`, if it is of that form. */
function basicPassword(value: string): string {
  const [, basic = ''] = /^Basic +(\S+)$/i.exec(value) ?? [];
  const [, password = ''] = /^[^:]*:(.+)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? [];
  return password;
}
