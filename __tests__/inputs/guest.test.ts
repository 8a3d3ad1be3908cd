import { expect, test } from '@jest/globals';
import { createFormReader } from '../../src/inputs/form.ts';
import { readGuestOptions } from '../../src/inputs/guest.ts';

function read(check: string, timeout = '') {
  const environment = { INPUT_GUEST_CHECK: check, INPUT_GUEST_TIMEOUT: timeout };
  const form = { ...createFormReader(environment), onSecret: () => {} };
  return { options: readGuestOptions(form), problems: form.problems };
}

test.each([
  ['', '', undefined],
  ['none', '90s', undefined],
  ['ssh', '', { timeoutMs: 300_000 }],
  ['ssh', '90s', { timeoutMs: 90_000 }],
  ['ssh', '24h', { timeoutMs: 86_400_000 }],
])('guest_check "%s" for "%s"', (check, timeout, options) => {
  expect(read(check, timeout)).toEqual({ options, problems: [] });
});

test.each([
  ['vnc', '', /^guest_check: /],
  ['sshd', '', /^guest_check: /],
  ['ssh', '0.5s', /^guest_timeout: /],
  ['ssh', '25h', /^guest_timeout: /],
  ['none', 'soon', /^guest_timeout: /],
])('guest_check "%s" for "%s" is refused', (check, timeout, problem) => {
  expect(read(check, timeout).problems).toEqual([expect.stringMatching(problem)]);
});
