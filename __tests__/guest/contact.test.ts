import { describe, expect, test } from '@jest/globals';
import { type Contact, contact } from '../../src/guest/contact.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import {
  BANNER,
  createScriptedDial,
  fails,
  greets,
  ignores,
  isSilent,
  refuses,
  says,
  type Talk,
} from '../support/scripted-dial.ts';

const address = { host: '192.0.2.70', port: 10_001 };

/** @param isOver whether the time allowed passes before anything more comes. */
async function attempt(talk: Talk, { isOver = false, signal = new AbortController().signal } = {}) {
  const clock = createFakeClock(() => !isOver);
  const scripted = createScriptedDial([talk]);
  const result = await contact({ clock, dial: scripted.dial, address }, { ms: 5_000, signal });
  return { result, letGo: scripted.letGo, slept: clock.sleeps };
}

describe('an attempt to reach the guest', () => {
  test.each<[string, Talk, Contact]>([
    ['a banner', greets, { kind: 'banner', banner: BANNER }],
    ['a banner in pieces', says('SSH-2.0-Open', 'SSH_9.9\r', '\n'), { kind: 'banner', banner: BANNER }],
    ['a refused connection', refuses, { kind: 'refused', detail: 'connect ECONNREFUSED' }],
    ['no way there', fails('EHOSTUNREACH'), { kind: 'unreachable', detail: 'connect EHOSTUNREACH' }],
    [
      'a connection that ends before it stands, without a reason',
      ({ ended }) => ended(undefined),
      { kind: 'unreachable', detail: 'it was ended there' },
    ],
    [
      'a connection that is closed without a word',
      ({ connected, ended }) => {
        connected();
        ended(undefined);
      },
      { kind: 'closed', detail: 'it was ended there' },
    ],
    [
      'a connection that is reset without a word',
      ({ connected, ended }) => {
        connected();
        ended(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
      },
      { kind: 'closed', detail: 'read ECONNRESET' },
    ],
    [
      'another server that closes',
      (events) => {
        says('HTTP/1.1 400 Bad Request\r\n')(events);
        events.ended(undefined);
      },
      { kind: 'foreign', detail: 'it began with "HTTP/1.1 400 Bad Request"' },
    ],
    [
      'a server that never ends',
      says('x'.repeat(5_000), 'x'.repeat(5_000)),
      { kind: 'foreign', detail: `it began with "${'x'.repeat(80)}"` },
    ],
  ])('comes to %s', async (_, talk, expected) => {
    expect(await attempt(talk)).toEqual({ result: expected, letGo: 1, slept: [] });
  });

  test.each<[string, Talk, Contact]>([
    ['nobody answered at all', ignores, { kind: 'unreachable', detail: 'the connection timed out' }],
    [
      'a connection that stands is no guest that is up',
      isSilent,
      { kind: 'silent', detail: 'the connection stood, but not a word came' },
    ],
    ['half a banner is none', says('SSH-2.0-Op'), { kind: 'foreign', detail: 'it began with "SSH-2.0-Op"' }],
  ])('takes five seconds at most: %s', async (_, talk, expected) => {
    expect(await attempt(talk, { isOver: true })).toEqual({ result: expected, letGo: 1, slept: [5_000] });
  });

  test.each([
    ['an error', new Error('cancelled')],
    ['what it is by default', new DOMException('This operation was aborted', 'AbortError')],
  ])('ends with the signal, whose reason is %s', async (_, reason) => {
    const cancelled = new AbortController();
    const talk: Talk = ({ connected }) => {
      connected();
      queueMicrotask(() => cancelled.abort(reason));
    };
    const clock = createFakeClock(() => true);
    const scripted = createScriptedDial([talk]);
    const limit = { ms: 5_000, signal: cancelled.signal };
    await expect(contact({ clock, dial: scripted.dial, address }, limit)).rejects.toBe(reason);
    expect(scripted.letGo).toBe(1);
  });

  test('hides no defect', async () => {
    const defect = new TypeError('a defect');
    const broken: Talk = () => {
      throw defect;
    };
    await expect(attempt(broken)).rejects.toBe(defect);
  });
});
