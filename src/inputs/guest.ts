import type { GuestOptions } from '../guest/wait-for-guest.ts';
import type { Form } from './form.ts';
import * as parse from './parsers.ts';

const { SECOND, HOUR } = parse;

/** What is to be waited for in the guest; undefined where nothing is. */
export function readGuestOptions({ read }: Form): GuestOptions | undefined {
  const check = read('guest_check', parse.oneOf('none', 'ssh'));
  const timeoutMs = read('guest_timeout', parse.duration({ min: SECOND, max: 24 * HOUR }));
  return check === 'ssh' ? { timeoutMs } : undefined;
}
