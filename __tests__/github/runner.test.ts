import { expect, test } from '@jest/globals';
import { describeRunner, type Runner, readRunner } from '../../src/github/runner.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import { idle, offline, runner, wedged, wireRunner } from '../support/runners.ts';

test.each<[object, Partial<Runner>]>([
  [{}, {}],
  [{ status: 'offline' }, { isOnline: false }],
  [{ busy: true }, { isBusy: true }],
  [{ name: 'x'.repeat(1_000) }, { name: 'x'.repeat(1_000) }],
])('is read field by field: %j', (changes, expected) => {
  expect(readRunner(wireRunner({ ...changes }))).toEqual(runner(expected));
});

test.each<[Record<string, unknown>, Partial<Runner>]>([
  [
    { ephemeral: true, version: '2.329.0' },
    { ephemeral: true, version: '2.329.0' },
  ],
  [
    { ephemeral: undefined, version: undefined },
    { ephemeral: undefined, version: undefined },
  ],
  [
    { ephemeral: 'no', version: 2 },
    { ephemeral: undefined, version: undefined },
  ],
  [{ labels: undefined }, { labels: [] }],
  [
    { labels: [{ name: 'a.b' }, { name: 'x'.repeat(256), type: 'custom' }] },
    {
      labels: [
        { name: 'a.b', type: 'read-only' },
        { name: 'x'.repeat(256), type: 'custom' },
      ],
    },
  ],
])('may lack what older servers do not say: %j', (changes, expected) => {
  expect(readRunner(wireRunner(changes))).toEqual(runner(expected));
});

test.each([[7], [{ name: '' }], [{ id: 5, type: 'custom' }]])(
  'has no labels if one of them cannot be read: %j',
  (label) => {
    expect(readRunner(wireRunner({ labels: [{ name: 'macOS' }, label] })).labels).toEqual([]);
  },
);

test.each<[string, unknown, string]>([
  ['nothing', null, 'a runner that lacks id, name, status, busy'],
  ['a list', [], 'a runner that lacks id, name, status, busy'],
  ['no name', wireRunner({ name: '' }), 'a runner that lacks name'],
  ['a name that is too long to compare', wireRunner({ name: 'x'.repeat(1_001) }), 'a runner that lacks name'],
  ['an ID that is text', wireRunner({ id: '23' }), `runner "${idle.name}" that lacks id`],
  ['no status', wireRunner({ status: 7 }), `runner "${idle.name}" that lacks status`],
  ['half busy', wireRunner({ busy: 'half' }), `runner "${idle.name}" that lacks busy`],
  [
    'an unknown status',
    wireRunner({ status: 'Online' }),
    `runner "${idle.name}" whose status is "Online", neither "online" nor "offline"`,
  ],
])('cannot be read: %s', (_, data, problem) => {
  expect(() => readRunner(data)).toThrow(new UnusableAnswer(`it answered with ${problem}`));
});

test('a runner in two words', () => {
  expect([idle, offline, wedged].map(describeRunner)).toEqual([
    'online, idle',
    'offline, idle',
    'offline, busy',
  ]);
});
