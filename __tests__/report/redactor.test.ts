import { describe, expect, test } from '@jest/globals';
import { createRedactor, encodings, maskable } from '../../src/report/redactor.ts';

describe('which parts of a secret are masked', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['abc', []],
    ['abcd', ['abcd']],
    [' abcd ', [' abcd ', 'abcd']],
    ['first\nsecond', ['first\nsecond', 'first', 'second']],
    [' first \r\n second ', [' first \r\n second ', 'first \r\n second', 'first', 'second']],
    ['first\rsecond\rabc', ['first\rsecond\rabc', 'first', 'second']],
    ['-----BEGIN X-----\nMIGH\n-----END X-----', ['-----BEGIN X-----\nMIGH\n-----END X-----', 'MIGH']],
    ['first\nsecond-----', ['first\nsecond-----', 'first', 'second-----']],
  ])('%j: %j', (secret, expected) => {
    expect(maskable(secret)).toEqual(expected);
  });
});

describe('a secret is known', () => {
  test.each<[string, string, string]>([
    ['base64', '>>>>', 'Pj4+Pg=='],
    ['base64 without padding', '>>>>', 'Pj4+Pg'],
    ['base64url', '>>>>', 'Pj4-Pg'],
    ['hex', 'a>b', '613e62'],
    ['upper-case hex', 'a>b', '613E62'],
    ['JSON', 'a"b', 'a\\"b'],
    ['JSON within JSON', 'a"b', 'a\\\\\\"b'],
    ["Go's JSON", '<a>&\u2028\u2029', '\\u003ca\\u003e\\u0026\\u2028\\u2029'],
    ['a URL', "it's (a) *b*!", "it's%20(a)%20*b*!"],
    ['a URL, strictly', "it's (a) *b*!", 'it%27s%20%28a%29%20%2Ab%2A%21'],
    ['a form', "it's (a) *b*!", 'it%27s+%28a%29+%2Ab%2A%21'],
    ['base64 as a password without a user', 'hunter2', 'Omh1bnRlcjI='],
    ['base64 as a password without a user, without padding', 'hunter2', 'Omh1bnRlcjI'],
    ['base64url as a password without a user', '??>', 'Oj8_Pg'],
    ['JSON of ASCII alone', 'ö"\u007f🚀', '\\u00f6\\"\\u007f\\ud83d\\ude80'],
    ["Go's JSON within JSON", '<"', '\\\\u003c\\\\\\"'],
    ['a URL, half a character', 'a\ud800', 'a%EF%BF%BD'],
    ['HTML text', `<a>&"'`, `&lt;a&gt;&amp;"'`],
    ['an HTML attribute', `<a>&"'/`, '&lt;a&gt;&amp;&#34;&#39;/'],
    ['an HTML attribute, with quotes by name', `<a>&"'/`, '&lt;a&gt;&amp;&quot;&#39;/'],
    ["an HTML attribute of Python's", `<a>&"'/`, '&lt;a&gt;&amp;&quot;&#x27;/'],
    ["PHP's JSON", '/a/"b', '\\/a\\/\\"b'],
    ['JSON with slashes as code points', '/a/b', '\\u002fa\\u002fb'],
    ['JavaScript, in single quotes', "it's", "it\\'s"],
    ['XML', `<a>&"'`, '&lt;a&gt;&amp;&quot;&apos;'],
    ["HTML of OWASP's rules", `<a>&"'/`, '&lt;a&gt;&amp;&quot;&#x27;&#x2F;'],
    ['the same, with a decimal apostrophe', `<a>&"'/`, '&lt;a&gt;&amp;&quot;&#39;&#x2F;'],
    ['Latin-1 read as UTF-8', 'tok\u00e9n', Buffer.from('tok\u00e9n', 'latin1').toString()],
  ])('in %s', (_, secret, form) => {
    expect(encodings(secret)).toContain(form);
  });
});

describe('knows the URL form of every printable character, and more', () => {
  const ASCII = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index));
  const letters = (text: string) =>
    text.replace('A-Z', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ').replace('a-z', 'abcdefghijklmnopqrstuvwxyz');

  // The output of the named programs.
  test.each([
    [
      "Go's url.PathEscape",
      '%20%21%22%23$%25&%27%28%29%2A+%2C-.%2F0123456789:%3B%3C=%3E%3F@A-Z%5B%5C%5D%5E_%60a-z%7B%7C%7D~',
    ],
    [
      "Go's url.UserPassword",
      '%20%21%22%23$%25&%27%28%29%2A+,-.%2F0123456789%3A;%3C=%3E%3F%40A-Z%5B%5C%5D%5E_%60a-z%7B%7C%7D~',
    ],
    [
      "Go's url.QueryEscape",
      '+%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40A-Z%5B%5C%5D%5E_%60a-z%7B%7C%7D~',
    ],
    [
      "Go's url.URL, in its path",
      '%20%21%22%23$%25&%27%28%29%2A+,-./0123456789:;%3C=%3E%3F@A-Z%5B%5C%5D%5E_%60a-z%7B%7C%7D~',
    ],
    [
      "Python's quote with nothing safe",
      '%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40A-Z%5B%5C%5D%5E_%60a-z%7B%7C%7D~',
    ],
    [
      "Python's quote",
      '%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-./0123456789%3A%3B%3C%3D%3E%3F%40A-Z%5B%5C%5D%5E_%60a-z%7B%7C%7D~',
    ],
  ])('of %s', (_, form) => {
    expect(encodings(ASCII)).toContain(letters(form));
  });

  test.each<[string, (secret: string) => string]>([
    ['encodeURI', encodeURI],
    ['encodeURIComponent', encodeURIComponent],
    ['URLSearchParams', (secret) => new URLSearchParams({ '': secret }).toString().slice(1)],
    ['the password of a URL', (secret) => Object.assign(new URL('http://x'), { password: secret }).password],
  ])("of JavaScript's %s", (_, encode) => {
    for (const secret of [ASCII, 'tokén 東京 🚀 \u2028/;,?%41'])
      expect(encodings(secret)).toContain(encode(secret));
  });

  test.each([
    ['url.PathEscape', 'tok%C3%A9n%20%E6%9D%B1%E4%BA%AC%20%F0%9F%9A%80%20%2F%3B%2C%3F'],
    ['url.UserPassword', 'tok%C3%A9n%20%E6%9D%B1%E4%BA%AC%20%F0%9F%9A%80%20%2F;,%3F'],
  ])("of Go's %s, beyond ASCII", (_, form) => {
    expect(encodings('tokén 東京 🚀 /;,?')).toContain(form);
  });
});

describe('hidden', () => {
  function redactorOf(...secrets: string[]) {
    const redactor = createRedactor();
    redactor.add(...secrets);
    return redactor;
  }

  test('is nothing if there are no secrets', () => {
    expect(createRedactor().redact('left alone')).toBe('left alone');
    expect(redactorOf('').redact('left alone')).toBe('left alone');
  });

  test('includes a secret that becomes known after a search for others', () => {
    const redactor = redactorOf('first');
    expect(redactor.redact('first second')).toBe('*** second');
    redactor.add('second');
    expect(redactor.redact('first second')).toBe('*** ***');
  });

  test('is a whole secret in another case, even if a part of it is a secret, too', () => {
    expect(redactorOf('hunter', 'hunter-AND-more').redact('hunter-and-more')).toBe('***');
  });

  test.each([
    ['a secret of 500 characters', 500],
    ['a secret of 4 characters', 4],
  ])('is %s in any case', (_, length) => {
    const secret = 'x'.repeat(length);
    expect(redactorOf(secret).redact(`<${secret}> <${secret.toUpperCase()}>`)).toBe('<***> <***>');
  });

  test('is a secret that is too long for a pattern, as it is', () => {
    const secret = 'x'.repeat(100_000);
    expect(redactorOf(secret).redact(`<${secret}> left alone`)).toBe('<***> left alone');
    expect(redactorOf(secret, 'hunter2').redact(`<${secret}> HUNTER2`)).toBe('<***> ***');
  });

  test.each([
    ['a slash that PHP escapes', String.raw`p\/a'ss"w0rd<é🚀`],
    ['upper-case escapes of JSON', String.raw`p\u002Fa\u0027ss\u0022w0rd\u003C\u00E9\uD83D\uDE80`],
    ['JSON in JSON in JSON', String.raw`p\\\/a'ss\\\\\\\"w0rd<\\u00e9🚀`],
    ['escapes of JavaScript', String.raw`p\x2fa\x27ss\x22w0rd\x3c\xe9🚀`],
    ['numbers of XML', 'p&#x2F;a&#39;ss&#034;w0rd&#x3c;&#233;&#128640;'],
    ['names of XML', 'p&sol;a&apos;ss&quot;w0rd&lt;&#xE9;🚀'],
    ['HTML in HTML', 'p/a&amp;#39;ss&amp;quot;w0rd&amp;lt;é🚀'],
    ['a URL that escapes some', 'p/a%27ss"w0rd%3C%C3%A9%F0%9F%9A%80'],
    ['a URL in a URL', 'p%252Fa%2527ss%2522w0rd%253C%25C3%25A9🚀'],
  ])('is a secret with %s', (_, form) => {
    const redactor = redactorOf(`p/a'ss"w0rd<é🚀`);
    expect(redactor.redact(`<${form}> left alone`)).toBe('<***> left alone');
  });

  test('is a secret with a backslash, as it is and escaped', () => {
    const redactor = redactorOf('a\\b c');
    expect(redactor.redact(String.raw`a\b c, a\\b c, a\u005cb c, a%5Cb%20c`)).toBe('***, ***, ***, ***');
  });

  test('is nothing in a long text of backslashes, quickly', () => {
    const text = '\\'.repeat(200_000);
    expect(redactorOf('/////x').redact(text) === text).toBe(true);
  });

  test('is not a secret of less than 4 characters: any text that contains it would be ruined', () => {
    expect(redactorOf('', 'abc').redact('<ABC>')).toBe('<ABC>');
  });

  test('is a secret with every character that means something in a pattern', () => {
    const secret = '\\^$.*+?()[]{}|/';
    expect(redactorOf(secret).redact(`<${secret}> left alone`)).toBe('<***> left alone');
  });
});
