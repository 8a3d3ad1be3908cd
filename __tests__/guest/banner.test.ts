import { describe, expect, test } from '@jest/globals';
import { excerptOf, readGreeting } from '../../src/guest/banner.ts';

const OPENSSH = 'SSH-2.0-OpenSSH_9.9';

describe('what a server says first', () => {
  test.each<[string, string, unknown]>([
    ['the banner', `${OPENSSH}\r\n`, { kind: 'banner', banner: OPENSSH }],
    ['a banner with a bare line feed', `${OPENSSH}\n`, { kind: 'banner', banner: OPENSSH }],
    ['a banner with a comment', `${OPENSSH} mac 7\r\n`, { kind: 'banner', banner: `${OPENSSH} mac 7` }],
    ['an older protocol', 'SSH-1.99-x\r\n', { kind: 'banner', banner: 'SSH-1.99-x' }],
    ['a protocol to come', 'SSH-10.0-x\r\n', { kind: 'banner', banner: 'SSH-10.0-x' }],
    [
      'lines before the banner',
      `Welcome\r\n\r\nto SSH-2.0-x\n${OPENSSH}\r\n`,
      { kind: 'banner', banner: OPENSSH },
    ],
    ['what comes after the banner', `${OPENSSH}\r\n\0\0\x05`, { kind: 'banner', banner: OPENSSH }],
    ['nothing', '', { kind: 'open' }],
    ['a banner without its end', OPENSSH, { kind: 'open' }],
    ['a line that only speaks of SSH', 'no SSH-2.0-x here\r\n', { kind: 'open' }],
    ['no protocol version', 'SSH-\r\n', { kind: 'open' }],
    ['a control character in the banner', 'SSH-2.0-x\x1b[2J\r\n', { kind: 'open' }],
    ['a carriage return in the banner', 'SSH-2.0-x\ry\n', { kind: 'open' }],
    ['another server', 'HTTP/1.1 400 Bad Request\r\n\r\n', { kind: 'open' }],
    ['no banner within 8 KiB', 'x'.repeat(8 * 1024), { kind: 'none' }],
    ['a banner that begins too late', `${'x\n'.repeat(4_096)}${OPENSSH}\r\n`, { kind: 'none' }],
    ['a banner that ends too late', `${'x\n'.repeat(4_090)}${OPENSSH}\r\n`, { kind: 'none' }],
    ['a banner just in time', `${'x\n'.repeat(4_080)}${OPENSSH}\r\n`, { kind: 'banner', banner: OPENSSH }],
  ])('%s', (_, text, greeting) => {
    expect(readGreeting(Buffer.from(text))).toEqual(greeting);
  });

  test('bytes that are no text hide nothing', () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(`${OPENSSH}\r\n`)]);
    expect(readGreeting(bytes)).toEqual({ kind: 'banner', banner: OPENSSH });
  });
});

test.each([
  ['one line', 'HTTP/1.1 400 Bad Request\r\nServer: x\r\n', 'HTTP/1.1 400 Bad Request'],
  ['what is not blank', '\r\n\n  220 mail\r\n', '220 mail'],
  ['so much of it', 'x'.repeat(100), 'x'.repeat(80)],
  ['nothing', '', ''],
])('an excerpt is %s', (_, text, excerpt) => {
  expect(excerptOf(Buffer.from(text))).toBe(excerpt);
});
