import { describe, expect, test } from '@jest/globals';
import { createRedactor, encodings, maskable } from '../../src/report/redactor.ts';

describe('what of a secret may be masked', () => {
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
    ['HTML text', `<a>&"'`, `&lt;a&gt;&amp;"'`],
    ['an HTML attribute', `<a>&"'`, '&lt;a&gt;&amp;&#34;&#39;'],
    ['Latin-1 read as UTF-8', 'tok\u00e9n', Buffer.from('tok\u00e9n', 'latin1').toString()],
  ])('in %s', (_, secret, form) => {
    expect(encodings(secret)).toContain(form);
  });
});

describe('hidden', () => {
  function redactorOf(...secrets: string[]) {
    const redactor = createRedactor();
    redactor.add(...secrets);
    return redactor;
  }

  test('is nothing where there are no secrets', () => {
    expect(createRedactor().redact('left alone')).toBe('left alone');
    expect(createRedactor().scrub('left alone')).toBe('left alone');
    expect(redactorOf('').scrub('left alone')).toBe('left alone');
  });

  test('is a secret that becomes known after others were looked for', () => {
    const redactor = redactorOf('first');
    expect([redactor.redact('first second'), redactor.scrub('first second')]).toEqual([
      '*** second',
      '*** second',
    ]);
    redactor.add('second');
    expect([redactor.redact('first second'), redactor.scrub('first second')]).toEqual(['*** ***', '*** ***']);
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

  test('is a secret of less than 4 characters only in texts from outside', () => {
    expect(redactorOf('', 'abc').redact('<ABC>')).toBe('<ABC>');
    expect(redactorOf('', 'abc').scrub('<ABC>')).toBe('<***>');
  });

  test('is a secret with every character that means something in a pattern', () => {
    const secret = '\\^$.*+?()[]{}|/';
    expect(redactorOf(secret).redact(`<${secret}> left alone`)).toBe('<***> left alone');
  });
});
