import { beforeEach, describe, expect, test } from '@jest/globals';
import { DrainRecords, type DrainState, stateFrom } from '../../src/drain/drain-records.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';

const DRAIN = { id: 23, name: 'mac-7', owner: '9001-1764421200', names: ['macos'] };

let clock: FakeClock;
let saved: DrainState;
let logged: string[];
let records: DrainRecords;

function open(left?: DrainState): DrainRecords {
  const log = { info: (line: string) => void logged.push(line), warning() {}, debug() {} };
  const saveState = (state: DrainState) => {
    saved = state;
  };
  return new DrainRecords({ clock, log, saveState }, left);
}

beforeEach(() => {
  [saved, logged] = [[], []];
  clock = createFakeClock();
  records = open();
});

const pass = (ms: number) => clock.sleep(ms, new AbortController().signal);
/** The state as the table of the module names it, from what its users see. */
const stateOf = (id = 23) => records.held(id)?.kind ?? (records.countOthers(0) > 0 ? 'claiming' : 'none');

describe('the states of a runner', () => {
  test('from a claim to the end of a drain', () => {
    records.claim(23);
    expect([stateOf(), saved]).toEqual(['claiming', []]);
    records.begin(DRAIN);
    expect([stateOf(), saved]).toEqual(['drained', [DRAIN]]);
    records.end(DRAIN, ['macos']);
    expect([stateOf(), saved]).toEqual(['none', []]);
  });

  test('a claim ends with its call if no drain began', async () => {
    const failed = Promise.withResolvers<void>();
    records.claim(23);
    records.follow(23, failed.promise);
    expect(stateOf()).toBe('claiming');
    failed.reject(new Error('GitHub is away.'));
    await records.changeOf(23);
    expect([stateOf(), records.changeOf(23)]).toEqual(['none', undefined]);
  });

  test('a drain that gives way to another one during its call is a claim again', async () => {
    const change = Promise.withResolvers<void>();
    records.claim(23);
    records.follow(23, change.promise);
    records.begin(DRAIN);
    records.end(DRAIN, ['macos']);
    expect([stateOf(), saved]).toEqual(['claiming', []]);
    records.begin(DRAIN);
    change.resolve();
    await records.changeOf(23);
    expect([stateOf(), saved]).toEqual(['drained', [DRAIN]]);
  });

  test('a drain whose change fails is unsure', async () => {
    records.begin(DRAIN);
    records.follow(23, Promise.reject(new Error('GitHub is away.')));
    await records.changeOf(23);
    expect(stateOf()).toBe('unsure');
  });

  test('a runner is left out once, and is not counted; draining it later ends that', () => {
    expect([records.leaveOut(23), records.leaveOut(23), stateOf()]).toEqual([true, false, 'none']);
    records.claim(23);
    expect([records.leaveOut(23), stateOf()]).toEqual([true, 'none']);
    records.begin(DRAIN);
    expect([records.leaveOut(23), stateOf()]).toEqual([true, 'drained']);
  });

  test('a runner without a drain can neither change nor end one', () => {
    records.confirm(23);
    records.doubt(23);
    records.end(DRAIN, undefined);
    expect([stateOf(), saved, records.mayLag(23)]).toEqual(['none', [], false]);
  });

  test('the count includes all other runners that are drained, or about to be', () => {
    records.begin(DRAIN);
    records.claim(24);
    records.leaveOut(25);
    expect([23, 24, 25, 26].map((id) => records.countOthers(id))).toEqual([1, 1, 2, 2]);
  });
});

describe('a drain that is over stays saved', () => {
  test('if GitHub may still make a change; its labels are in doubt only if GitHub confirmed one', () => {
    const restored = ['macos'];
    records.begin(DRAIN);
    records.doubt(23);
    records.end(DRAIN, restored);
    expect(saved).toEqual([{ ...DRAIN, names: [], restored }]);
    records.begin(DRAIN);
    records.confirm(23);
    records.doubt(23);
    records.end(DRAIN, restored);
    expect(saved).toEqual([
      { ...DRAIN, names: [], restored },
      { ...DRAIN, restored },
    ]);
  });

  test('if its runner is gone: after all other drains, the latest one first', () => {
    for (const id of [1, 2]) {
      records.begin({ ...DRAIN, id });
      records.end({ ...DRAIN, id }, undefined);
    }
    records.begin(DRAIN);
    expect(saved.map(({ id, isGone }) => [id, isGone])).toEqual([
      [23, undefined],
      [2, true],
      [1, true],
    ]);
  });
});

describe('a read may lag', () => {
  test('for a minute after each change that GitHub confirmed', async () => {
    records.begin(DRAIN);
    expect(records.mayLag(23)).toBe(false);
    records.confirm(23);
    await pass(60_000);
    expect(records.mayLag(23)).toBe(true);
    await pass(1);
    expect(records.mayLag(23)).toBe(false);
    records.confirm(23);
    expect(records.mayLag(23)).toBe(true);
  });

  test('in the post step, because the step may have changed labels just before', () => {
    records = open([DRAIN]);
    expect([stateOf(), records.mayLag(23)]).toEqual(['unsure', true]);
  });
});

test('a saved state is read back', () => {
  const state = [{ ...DRAIN, isGone: true, restored: ['vm'] }];
  expect(stateFrom(JSON.parse(JSON.stringify(state)))).toEqual(state);
});

test.each<[string, unknown]>([
  ['no list', { 0: DRAIN }],
  ['no drain', [null, 'macos', []]],
  ['without a runner', [{ ...DRAIN, id: '23' }]],
  ['without a name', [{ ...DRAIN, name: undefined }]],
  ['without an owner', [{ ...DRAIN, owner: 9001 }]],
])('a damaged state is no drain: %s', (_, state) => {
  expect(stateFrom(state)).toEqual([]);
});

test('a damaged list of labels is read back without what no drain can replace', () => {
  const [drain] = stateFrom([{ ...DRAIN, names: ['macos', '..', 7], restored: 'vm' }]);
  expect([drain?.names, drain?.restored]).toEqual([['macos'], []]);
});

describe("the saved state fits into the post step's environment variable", () => {
  /** The IDs of those that are saved. Each drain takes the same space. */
  function savedOf(count: number, names: readonly string[]): readonly number[] {
    const drains = Array.from({ length: count }, (_, index) => ({ ...DRAIN, id: 1_001 + index, names }));
    records = open(drains);
    records.begin({ ...DRAIN, id: 1_001, names });
    expect(JSON.stringify(saved).length).toBeLessThanOrEqual(30_000);
    return saved.map(({ id }) => id);
  }

  test('with the names of labels if there is room for them', () => {
    expect(savedOf(20, ['x'.repeat(200)])).toHaveLength(20);
    expect(saved[0]?.names).toEqual(['x'.repeat(200)]);
  });

  test('without the names of labels if there is none', () => {
    expect(savedOf(100, ['x'.repeat(300)])).toHaveLength(100);
    expect(saved.flatMap(({ names }) => names)).toEqual([]);
  });

  test('without the last drains if it is still too long', () => {
    const ids = savedOf(600, []);
    const each = JSON.stringify({ ...DRAIN, id: 1_001, names: [] }).length + 1;
    expect(ids).toEqual(Array.from({ length: Math.floor(30_000 / each) }, (_, index) => 1_001 + index));
  });
});
