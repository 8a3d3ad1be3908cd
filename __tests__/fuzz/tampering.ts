import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import fc, { type Arbitrary } from 'fast-check';
import { nastyJson, nastyText } from './nasty.ts';

/** The changes to a true answer in transit. */
interface Tampering {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyTampering;
  /** An encoding of the body that the step did not request. */
  readonly encoding: Encoding | undefined;
  /** Milliseconds before it arrives; undefined if it never does. */
  readonly afterMs: number | undefined;
}

export type Encoding = 'gzip' | 'deflate' | 'br';

type BodyTampering =
  | { readonly kind: 'none' }
  /** Values of the JSON are dropped, or replaced by others. */
  | { readonly kind: 'edits'; readonly edits: readonly Edit[] }
  /** From `from` on (a share of the length), another text replaces `length` characters. */
  | { readonly kind: 'splice'; readonly from: number; readonly length: number; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

interface Edit {
  /** One of the values with this name, if there are any; undefined for any value. */
  readonly key: string | undefined;
  /** Which of them, counted in their order in the text. */
  readonly at: number;
  /** JSON, or an imitation; undefined to drop the value. */
  readonly json: string | undefined;
}

/** The next answers of one endpoint; the last one can repeat forever. */
export interface Script {
  readonly tamperings: readonly Tampering[];
  readonly lasts: boolean;
}

export const ENDPOINTS = [
  ...(['one', 'list', 'status', 'restart', 'hand', 'shake'] as const),
  ...(['runners', 'runner', 'runs', 'jobs'] as const),
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];
export type Scripts = Readonly<Record<Endpoint, Script>>;

export function endpointOf(path: string): Endpoint {
  if (/\/runners\/\d+$/.test(path)) return 'runner';
  if (/\/runners(\?|$)/.test(path)) return 'runners';
  if (/\/runs(\?|$)/.test(path)) return 'runs';
  if (/\/jobs(\?|$)/.test(path)) return 'jobs';
  const named = ENDPOINTS.find((endpoint) => path.endsWith(`/${endpoint}`));
  return named ?? (path.includes('?') ? 'one' : 'list');
}

// ---- random changes ----

/** @param echoes texts that an answer may repeat: secrets in one form or another. */
export function scripts(echoes: readonly string[]): Arbitrary<Scripts> {
  const tamperings = fc.array(tampering(nastyText(echoes)), { maxLength: 3, size: 'max' });
  const script = fc.record({ tamperings, lasts: often(true, fc.constant(false)) });
  return fc.record(
    Object.fromEntries(ENDPOINTS.map((endpoint) => [endpoint, script])) as Record<Endpoint, typeof script>,
  );
}

export const HONEST: Scripts = Object.fromEntries(
  ENDPOINTS.map((endpoint) => [endpoint, { tamperings: [], lasts: false }]),
) as unknown as Scripts;

function tampering(texts: Arbitrary<string>): Arbitrary<Tampering> {
  return fc.record({
    status: often<number | undefined>(undefined, status()),
    headers: often({}, headers(texts)),
    body: body(texts),
    encoding: often<Encoding | undefined>(undefined, fc.constantFrom('gzip', 'deflate', 'br')),
    afterMs: fc.oneof(
      { weight: 20, arbitrary: fc.constant<number | undefined>(1) },
      { weight: 2, arbitrary: fc.nat({ max: 20_000 }) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
  });
}

function often<T>(value: T, arbitrary: Arbitrary<T>): Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, { weight: 1, arbitrary });
}

function status(): Arbitrary<number> {
  const usual = fc.constantFrom(200, 201, 204, 302, 304, 400, 401, 403, 404, 407, 418, 429, 500, 503);
  return fc.oneof(usual, fc.integer({ min: 100, max: 999 }));
}

const HEADERS = [
  'location',
  'retry-after',
  'date',
  'content-type',
  'content-encoding',
  'set-cookie',
  'server',
  'link',
  'etag',
  'deprecation',
  'sunset',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
];
const DATES = ['0', '2', '3600', '1e3', 'Wed, 21 Oct 2026 07:28:00 GMT'];
const ENCODINGS = ['gzip', 'x-gzip', 'deflate', 'br', 'identity', 'br, gzip', 'zstd', 'GZIP, '];
const LOCATIONS = ['/', '//evil.example', 'https://evil.example/?token=a'];
const LINKS = [
  '/orgs/octo-org/actions/runners?page=2',
  'https://api.github.com/organizations/1/actions/runners?page=2',
  'https://evil.example/actions/runners',
  '@evil.example',
  'https://[',
  '{x}',
].map((url) => `<${url}>; rel="next"`);

function headers(texts: Arbitrary<string>): Arbitrary<Record<string, string>> {
  const values = fc.oneof(fc.constantFrom(...DATES, ...ENCODINGS, ...LOCATIONS, ...LINKS), texts);
  return fc.dictionary(fc.constantFrom(...HEADERS), values, { maxKeys: 2 });
}

function body(texts: Arbitrary<string>): Arbitrary<BodyTampering> {
  const json = nastyJson(texts);
  const whole = fc.oneof(json, texts, fc.constant('')).map((text) => Buffer.from(text));
  const bytes = fc.oneof(whole, fc.uint8Array({ maxLength: 64 }));
  const [from, length] = [fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 400 })];
  const edits = fc.array(edit(texts, json), { minLength: 1, maxLength: 5, size: 'max' });
  return fc.oneof(
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('edits' as const), edits }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('none' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('splice' as const), from, length, text: texts }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('bytes' as const), bytes }) },
  );
}

/** Fields that the step shows, and others that it reads. */
const SHOWN = [
  'message',
  'name',
  'external_id',
  'instance_state',
  'node_id',
  'status',
  'start_date',
  'protocol',
];
const READ = [
  'status',
  'body',
  'vm',
  'vminfo',
  'instance_id',
  'ts',
  'timestamp',
  'host_ip',
  'ip',
  'vnc_port',
  'port_forwarding',
  'guest_port',
  'host_port',
  'version',
  'data',
  'token',
  'userName',
  'sessionId',
];

function edit(texts: Arbitrary<string>, json: Arbitrary<string>): Arbitrary<Edit> {
  return fc.record({
    key: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<string | undefined>(...SHOWN) },
      { weight: 2, arbitrary: fc.constantFrom(...READ) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
    at: fc.noBias(fc.nat({ max: 999 })),
    json: fc.oneof(
      { weight: 4, arbitrary: texts.map((text) => JSON.stringify(text)) },
      { weight: 3, arbitrary: json },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
  });
}

// ---- tampering with an answer ----

/** The bytes of the body, tampered with. */
export function tamper(tampering: BodyTampering, honest: string): Uint8Array {
  switch (tampering.kind) {
    case 'none':
      return Buffer.from(honest);
    case 'bytes':
      return tampering.bytes;
    case 'splice': {
      const from = Math.floor(tampering.from * honest.length);
      return Buffer.from(honest.slice(0, from) + tampering.text + honest.slice(from + tampering.length));
    }
    case 'edits': {
      // An answer of the handshake is JSON in base64.
      const decoded = Buffer.from(honest, 'base64').toString();
      const isEncoded = decoded.startsWith('{"');
      const edited = Buffer.from(applyEdits(isEncoded ? decoded : honest, tampering.edits));
      return isEncoded ? Buffer.from(edited.toString('base64')) : edited;
    }
  }
}

const ENCODERS: Readonly<Record<Encoding, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};

export function encode(bytes: Uint8Array, encoding: Encoding | undefined): Uint8Array {
  return encoding === undefined ? bytes : ENCODERS[encoding](bytes);
}

export function encodingHeader(encoding: Encoding | undefined): Record<string, string> {
  return encoding === undefined ? {} : { 'content-encoding': encoding };
}

type Fields = Record<string, unknown>;

/** Edits the text, because the insertions need not be valid JSON. */
function applyEdits(json: string, edits: readonly Edit[]): string {
  const root: Fields = { '': parse(json) };
  const replacements: string[] = [];
  for (const { key: wanted, at, json: replacement } of edits) {
    const all = placesIn(root);
    const named = all.filter(([, key]) => key === wanted);
    const places = named.length > 0 ? named : all;
    const [holder, key] = places[at % places.length] ?? [root, ''];
    if (replacement === undefined && !Array.isArray(holder)) delete holder[key];
    else holder[key] = `\u0001${replacements.push(replacement ?? 'null') - 1}`;
  }
  const text = JSON.stringify(root['']) ?? '';
  return text.replace(/"\\u0001(\d+)"/g, (_, index) => replacements[Number(index)] ?? '');
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** Every value in it, by its container. */
function placesIn(holder: Fields): [Fields, string][] {
  return Object.entries(holder).flatMap(([key, value]) => {
    const inner = typeof value === 'object' && value !== null ? placesIn(value as Fields) : [];
    return [[holder, key] as [Fields, string], ...inner];
  });
}
