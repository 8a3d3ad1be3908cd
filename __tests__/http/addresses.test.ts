import { describe, expect, test } from '@jest/globals';
import { includes, isAddressOrRange, isOwnHost, kindOfAddress, listOf } from '../../src/http/addresses.ts';

test.each([
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['127.255.255.255', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['169.254.255.255', 'link-local'],
  ['febf::1%en0', 'link-local'],
  ['fec0::1', 'other'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'other'],
  ['255.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['1.0.0.0', 'other'],
  ['192.168.64.2', 'other'],
  ['2001:db8::1', 'other'],
  ['localhost', 'other'],
  ['', 'other'],
])('%s is %s', (ip, kind) => {
  expect(kindOfAddress(ip)).toBe(kind);
});

test.each([
  ['http://localhost:1', true],
  ['http://a.localhost.', true],
  ['http://127.1:8090', true],
  ['http://[::1]', true],
  ['http://0.0.0.0:8090', true],
  ['http://[::]', true],
  ['http://0', true],
  ['http://localhost.example', false],
  ['http://169.254.1.1', false],
  ['http://10.0.0.1', false],
])('%s is on this machine: %p', (url, expected) => {
  expect(isOwnHost(new URL(url))).toBe(expected);
});

describe('a list', () => {
  test.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['2001:db8::/32', '2001:db8:1::9', true],
    ['2001:db8::/32', '2001:db9::9', false],
    ['2001:DB8::1', '2001:db8:0:0::1%en0', true],
    ['10.0.0.0/8', 'host.example', false],
    ['host.example', '10.0.0.1', false],
  ])('%s includes %s: %p', (range, ip, expected) => {
    expect(includes(listOf([range]), ip)).toBe(expected);
  });
});

test.each([
  ['10.0.0.0/8', true],
  ['10.0.0.0/32', true],
  ['10.0.0.0/33', false],
  ['2001:db8::/128', true],
  ['2001:db8::/129', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0', false],
  ['/8', false],
  ['', false],
])('%s is an address or a range: %p', (text, expected) => {
  expect(isAddressOrRange(text)).toBe(expected);
});
