import { beforeEach, describe, expect, test } from '@jest/globals';
import { createTerminal, harmless, type Terminal } from '../../src/report/terminal.ts';
import { captureStdout } from '../support/log.ts';

describe('harmless', () => {
  test.each([
    ['plain text, ünïcödé 🚀 and fe80::1 stay', 'plain text, ünïcödé 🚀 and fe80::1 stay'],
    ['::error::x', ': :error::x'],
    [' \t ::add-mask::x', ' \\u0009 ::add-mask::x'],
    ['\u00a0\u3000::set-output name=a::b', '\u00a0\u3000: :set-output name=a::b'],
    ['text ##[error]x', 'text # #[error]x'],
    ['###[group]', '## #[group]'],
    ['a\n::error::b', 'a\\u000a::error::b'],
    ['a\r::error::b', 'a\\u000d::error::b'],
    ['\u001b[31mred\u0007', '\\u001b[31mred\\u0007'],
    ['\u0085::x::', '\\u0085::x::'],
    ['a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\ud800', '\\ud800'],
    ['text ::error::x', 'text ::error::x'],
    ['##[a]##[b]', '# #[a]# #[b]'],
  ])('%j', (text, expected) => {
    expect(harmless(text)).toBe(expected);
  });
});

describe('terminal', () => {
  let terminal: Terminal;
  let log: ReturnType<typeof captureStdout>;

  beforeEach(() => {
    terminal = createTerminal();
    log = captureStdout();
  });

  test('each kind of line is one line without workflow commands', () => {
    terminal.info('##[error]a\n::b::');
    terminal.debug('::c::');
    terminal.warning('d\n##[e]');
    terminal.error('title ::f::\n', 'first ##[g]\n::second::');
    expect(log.lines()).toEqual([
      '# #[error]a\\u000a::b::',
      '::debug::: :c::',
      '::warning::d\\u000a# #[e]',
      '::error title=title %3A%3Af%3A%3A\\u000a::first # #[g]%0A: :second::',
    ]);
  });

  test('a secret is made known to the runner in the usual encodings, and hidden here too', () => {
    terminal.mask('p@ss "wörd"?>');
    expect(log.lines().every((line) => line.startsWith('::add-mask::'))).toBe(true);
    const bytes = Buffer.from('p@ss "wörd"?>');
    const forms = [
      'p@ss "wörd"?>',
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      encodeURIComponent('p@ss "wörd"?>'),
      encodeURI('p@ss "wörd"?>'),
      'p@ss%20%22w%C3%B6rd%22%3F%3E',
      'p@ss \\"w\\u00f6rd\\"?>',
      Buffer.from(':p@ss "wörd"?>').toString('base64'),
      'p@ss \\"wörd\\"?>',
      'p@ss \\"wörd\\"?\\u003e',
      'p@ss \\\\\\"wörd\\\\\\"?>',
      'p%40ss+%22w%C3%B6rd%22%3F%3E',
      'p@ss "wörd"?&gt;',
      'p@ss &#34;wörd&#34;?&gt;',
    ];
    for (const form of forms) {
      expect(log.lines()).toContain(`::add-mask::${form.replaceAll('%', '%25')}`);
      expect(terminal.clean(`<${form}>`)).toBe('<***>');
    }
  });

  test('each form of a secret is masked once', () => {
    terminal.mask('hunter2', 'hunter2');
    expect(new Set(log.lines()).size).toBe(log.lines().length);
    expect(log.lines()).toContain('::add-mask::hunter2');
  });

  test('a secret over several lines is hidden in texts of several lines', () => {
    terminal.mask('first\nsecond');
    terminal.error('title', 'before first\nsecond after');
    expect(log.lines().at(-1)).toBe('::error title=title::before *** after');
  });

  test('a secret is hidden in either case', () => {
    terminal.mask("SecretHost99's");
    expect(terminal.clean("secrethost99's p%27 SECRETHOST99%27S secrethost99&#39;s")).toBe(
      '*** p%27 *** ***',
    );
  });

  test('a secret that went through a header as Latin-1 is hidden, too', () => {
    terminal.mask('gw-tokén-ABC');
    expect(terminal.clean(`<${Buffer.from('gw-tokén-ABC', 'latin1').toString()}>`)).toBe('<***>');
  });

  test('an empty secret is none', () => {
    terminal.mask('');
    expect(log.lines()).toEqual([]);
    expect(terminal.clean('left alone')).toBe('left alone');
  });

  test('a very long secret is hidden as it is', () => {
    const long = 'hunter2-'.repeat(2_000);
    terminal.mask(long);
    expect(terminal.clean(`<${long}>`)).toBe('<***>');
  });

  test('each line of a secret is one, but not the first and last of a PEM text', () => {
    terminal.mask('-----BEGIN X-----\r\nMIGHAgEA\r\n  abc\r\n-----END X-----');
    expect(terminal.clean('-----BEGIN X----- MIGHAgEA abc')).toBe('-----BEGIN X----- *** abc');
    expect(terminal.clean('nothing of it')).toBe('nothing of it');
  });

  test('that loses its reader continues', () => {
    process.stdout.removeAllListeners('error');
    createTerminal();
    createTerminal();
    expect(process.stdout.listenerCount('error')).toBe(1);
    expect(() => process.stdout.emit('error', new Error('EPIPE'))).not.toThrow();
  });

  test('a secret of less than 4 characters is not masked', () => {
    terminal.mask('abc');
    expect(log.lines()).toEqual([]);
    expect(terminal.clean('bad password abc')).toBe('bad password abc');
  });

  test('a secret that is part of another does not leave the rest of it behind', () => {
    terminal.mask('hunter');
    terminal.mask('hunter2-and-more');
    expect(terminal.clean('hunter2-and-more hunter')).toBe('*** ***');
  });
});
