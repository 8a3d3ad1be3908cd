import fc, { type Arbitrary } from 'fast-check';

const LARGEST = 200_000;

/** Texts with a meaning in runners, Markdown, HTML, terminals, JavaScript or parsers. */
const PAYLOADS = [
  '::set-output name=a::b',
  '\n::stop-commands::a',
  '\r::add-path::a',
  '\r\n  ::set-env name=a::b',
  '##[set-output name=a]b',
  '# ##[add-path]a',
  '##\u200b[x]',
  '%0A::set-env::',
  '%25',
  '\u2028::save-state::a',
  '\u0000',
  '\u0007',
  '\u001b[31m',
  '\u001b]8;;https://evil.example\u0007',
  '\u007f',
  '\u0085',
  '\u009b2J',
  '\ud800',
  '\udfff::',
  '\u202e',
  '\u2066',
  '\ufeff',
  '\ufffd',
  '\u0301',
  '\u{1f600}',
  'İ',
  'ﬁ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  '<script>a</script>',
  '<!--',
  '-->',
  '</table>',
  '<img src=x onerror=a>',
  '&lt;b&gt;',
  '&#60;',
  '&',
  '[a](https://evil.example)',
  '![a](//evil.example)',
  '**a**',
  '`',
  '```\n',
  '| a |',
  '\n\n# a\n',
  '~~~',
  '@octocat',
  '#1',
  'https://evil.example',
  'www.evil.example',
  'javascript:a',
  '$(id)',
  '`id`',
  '$' + '{{ a }}',
  'ghadelimiter_',
  'EOF',
  '\n',
  '\r',
  '\t',
  ' ',
  '',
  '"',
  "'",
  '\\',
  '\\n',
  '../../etc/passwd',
  '/dev/zero',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:60.999999999-23:59',
  '2024-02-30T25:00:00Z',
  '2024-10-13',
  'Started',
  'running',
  'Error',
  'Terminated',
  'Terminating',
  'deleted',
  'OK',
  'FAIL',
  'true',
  'null',
  'NaN',
  'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5',
  'C2AF6080-3AE3-4CD3-64E5-2193F31B9AA5',
  '1e999',
  '-1',
  '007',
  '65536',
];

/** Some of the payloads and of `more`, with other text between them; a few are very long. */
export function nastyText(more: readonly string[] = []): Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...PAYLOADS, ...more) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
  );
  const huge = fc
    .record({ text: piece, length: sizeUpTo(LARGEST) })
    .map(({ text, length }) => text.repeat(Math.ceil(length / Math.max(1, text.length))));
  return fc.oneof(
    { weight: 60, arbitrary: fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')) },
    { weight: 1, arbitrary: huge },
  );
}

/** Every order of magnitude is equally likely. */
function sizeUpTo(most: number): Arbitrary<number> {
  return fc
    .record({ bits: fc.integer({ min: 0, max: Math.floor(Math.log2(most)) }), part: fc.nat({ max: 1_000 }) })
    .map(({ bits, part }) => Math.floor(2 ** bits * (1 + part / 1_001)));
}

const NUMBERS = [
  '0',
  '-0',
  '22',
  '65535',
  '65536',
  '1e400',
  '-1e-400',
  '0.1',
  '9007199254740993',
  '123456789012345678901',
];

/** JSON of every shape and depth, as text. No program could build and write some of it: it is too deep, or has numbers out of range. */
export function nastyJson(texts: Arbitrary<string>): Arbitrary<string> {
  const scalar = fc.oneof(
    texts.map((text) => JSON.stringify(text)),
    fc.constantFrom(...NUMBERS, 'true', 'false', 'null', '{}', '[]', '{"__proto__":{"a":1}}', '{"then":{}}'),
    fc.double().map(String),
  );
  const { json } = fc.letrec<{ json: string }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      listOf(tie('json')),
      recordOf(tie('json')),
    ),
  }));
  const deep = fc
    .record({ depth: sizeUpTo(LARGEST), inner: scalar, kind: fc.constantFrom(['[', ']'], ['{"a":', '}']) })
    .map(
      ({ depth, inner, kind: [open = '', close = ''] }) => open.repeat(depth) + inner + close.repeat(depth),
    );
  return fc.oneof({ weight: 60, arbitrary: json }, { weight: 1, arbitrary: deep });
}

const KEYS = [
  'status',
  'message',
  'body',
  'vm',
  'vminfo',
  'instance_id',
  'data',
  'token',
  '__proto__',
  'toJSON',
];

function listOf(items: Arbitrary<string>): Arbitrary<string> {
  return fc.array(items, { maxLength: 4 }).map((list) => `[${list.join()}]`);
}

function recordOf(values: Arbitrary<string>): Arbitrary<string> {
  const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: 'binary', maxLength: 5 }));
  const fields = fc.array(fc.tuple(key, values), { maxLength: 4 });
  return fields.map((list) => `{${list.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`);
}
