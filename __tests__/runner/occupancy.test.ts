import { describe, expect, test } from '@jest/globals';
import {
  nextOccupancy,
  type Occupancy,
  type OccupancyEvent,
  type OccupancyRules,
  UNREAD,
} from '../../src/runner/occupancy.ts';
import type { JobFinding, RunnersReading } from '../../src/runner/vm-runners.ts';
import { busy, idle, offline, reading, runner, runningJob, wedged } from '../support/runners.ts';

const RULES: OccupancyRules = { idleForMs: 60_000 };
const other = runner({ id: 24, name: 'mac-7-b' });
const job = runningJob();

type Runners = RunnersReading['runners'];

function runners(seconds: number, seen: Runners, tookSeconds = 0): OccupancyEvent {
  return { kind: 'runners', reading: reading(seconds, seen, tookSeconds) };
}

function jobs(finding: JobFinding): OccupancyEvent {
  return { kind: 'jobs', finding };
}

/** Every state on the way. */
function follow(events: readonly OccupancyEvent[], rules = RULES): Occupancy[] {
  let state = UNREAD;
  return events.map((event) => {
    state = nextOccupancy(state, event, rules);
    return state;
  });
}

/** The kinds of the states on the way; the jobs are read, and show nothing, as soon as that is needed. */
function kinds(readings: readonly RunnersReading[], rules = RULES): Occupancy['kind'][] {
  let state = UNREAD;
  return readings.map((one) => {
    state = nextOccupancy(state, { kind: 'runners', reading: one }, rules);
    if (state.kind === 'unconfirmed') state = nextOccupancy(state, jobs('none'), rules);
    return state.kind;
  });
}

/** A read every ten seconds. */
function every10s(...seen: readonly Runners[]): Occupancy['kind'][] {
  return kinds(seen.map((one, index) => reading(index * 10, one)));
}

const minute = (seen: Runners): Runners[] => Array(7).fill(seen);

/** A state of each kind: what led to it, and what it has of an idle stretch. */
const STRETCH = { since: 0, until: 10_000, leftMs: 50_000, areJobsRead: true };
const STATES: Readonly<Record<Occupancy['kind'], Occupancy>> = {
  unread: UNREAD,
  unknown: { kind: 'unknown', about: 'runners', stretch: undefined },
  busy: { kind: 'busy', job: undefined },
  unconfirmed: { kind: 'unconfirmed', stretch: { ...STRETCH, areJobsRead: false } },
  settling: { kind: 'settling', stretch: STRETCH },
  idle: { kind: 'idle', stretch: { ...STRETCH, leftMs: 0 } },
};
const NO_ANSWER = { kind: 'unknown', about: 'runners', stretch: undefined };
const BUSY = { kind: 'busy', job: undefined };
const JOB = { kind: 'busy', job };
const begun = (areJobsRead: boolean) => ({ since: 15_000, until: 15_000, leftMs: 60_000, areJobsRead });
const gone_on = (areJobsRead: boolean) => ({ since: 0, until: 15_000, leftMs: 45_000, areJobsRead });
const unread = (leftMs: number) => ({ ...STRETCH, leftMs, areJobsRead: false });
const read = (leftMs: number) => ({ ...STRETCH, leftMs });

test.each<[Occupancy['kind'], string, OccupancyEvent, unknown]>([
  ...(['unread', 'unknown', 'busy', 'unconfirmed', 'settling', 'idle'] as const).flatMap(
    (kind): [Occupancy['kind'], string, OccupancyEvent, unknown][] => [
      [kind, 'no answer about the runners', runners(15, undefined), NO_ANSWER],
      [kind, 'a runner with a job', runners(15, [busy]), BUSY],
      [kind, 'one of two runners with a job', runners(15, [other, busy]), BUSY],
      [kind, 'a job on a runner', jobs(job), JOB],
    ],
  ),
  ['unread', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: begun(false) }],
  ['unknown', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: begun(false) }],
  ['busy', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: begun(false) }],
  ['unconfirmed', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: gone_on(false) }],
  ['settling', 'no job', runners(15, [idle]), { kind: 'settling', stretch: gone_on(true) }],
  ['settling', 'no job, long enough', runners(60, [idle]), { kind: 'unconfirmed' }],
  ['settling', 'no job on either', runners(15, [idle, other]), { kind: 'settling', stretch: gone_on(true) }],
  ['settling', 'no runner', runners(15, []), { kind: 'settling', stretch: gone_on(true) }],
  ['idle', 'no job, by a late answer', runners(15, [idle], 40), { kind: 'settling' }],
  [
    'unread',
    'no answer about the jobs',
    jobs(undefined),
    { kind: 'unknown', about: 'jobs', stretch: undefined },
  ],
  [
    'busy',
    'no answer about the jobs',
    jobs(undefined),
    { kind: 'unknown', about: 'jobs', stretch: undefined },
  ],
  ['settling', 'no answer about the jobs', jobs(undefined), { about: 'jobs', stretch: unread(50_000) }],
  ['idle', 'no answer about the jobs', jobs(undefined), { about: 'jobs', stretch: unread(0) }],
  ['unread', 'no jobs', jobs('none'), UNREAD],
  ['unknown', 'no jobs', jobs('none'), NO_ANSWER],
  ['busy', 'no jobs', jobs('none'), BUSY],
  ['unconfirmed', 'no jobs', jobs('none'), { kind: 'settling', stretch: read(50_000) }],
  ['unconfirmed', 'unreadable jobs', jobs('unreadable'), { kind: 'settling', stretch: read(50_000) }],
  ['settling', 'no jobs', jobs('none'), { kind: 'settling', stretch: read(50_000) }],
  ['idle', 'no jobs', jobs('none'), { kind: 'idle', stretch: read(0) }],
])('from %s, after %s', (from, _, event, expected) => {
  expect(nextOccupancy(STATES[from], event, RULES)).toMatchObject(expected as object);
});

test('jobs that could not be read leave the idle stretch, which goes on once they can be', () => {
  const states = follow([
    runners(0, [idle]),
    jobs(undefined),
    runners(10, [idle]),
    jobs(undefined),
    ...[20, 40].map((at) => runners(at, [idle])),
    runners(60, [idle]),
    jobs('none'),
  ]);
  expect(states.map(({ kind }) => kind)).toEqual([
    ...['unconfirmed', 'unknown', 'unconfirmed', 'unknown'],
    ...['unconfirmed', 'unconfirmed', 'unconfirmed', 'idle'],
  ]);
});

describe('idle', () => {
  test('only after a minute without a job, if a minute is asked for', () => {
    expect(every10s(...minute([idle]))).toEqual([...Array(6).fill('settling'), 'idle']);
  });

  test.each<[number, Occupancy['kind'][]]>([
    [0, ['idle', 'idle', 'idle']],
    [10_000, ['settling', 'idle', 'idle']],
    [10_001, ['settling', 'settling', 'idle']],
  ])('as long as is asked for: %i ms', (idleForMs, expected) => {
    const readings = [0, 10, 20].map((at) => reading(at, [idle]));
    expect(kinds(readings, { idleForMs })).toEqual(expected);
  });

  test.each<[string, Runners]>([
    ['offline', [offline]],
    ['offline with a job, which it has lost', [wedged]],
    ['no longer registered', []],
    ['several', [idle, other]],
  ])('so is one that is %s', (_, seen) => {
    expect(every10s(...minute(seen)).at(-1)).toBe('idle');
  });

  test('the minute is from the first answer to the last question', () => {
    const stretch = [reading(0, [idle], 2), reading(20, [idle]), reading(40, [idle])];
    expect(kinds([...stretch, reading(60, [idle], 9)]).at(-1)).toBe('settling');
    expect(kinds([...stretch, reading(60, [idle]), reading(62, [idle])]).at(-1)).toBe('idle');
  });
});

describe('not idle', () => {
  test.each([0, 60_000])('with a job, however long is asked for: %i ms', (idleForMs) => {
    expect(kinds([reading(0, [busy])], { idleForMs })).toEqual(['busy']);
  });

  test.each([0, 60_000])('without an answer: %i ms', (idleForMs) => {
    expect(kinds([reading(0, undefined)], { idleForMs })).toEqual(['unknown']);
  });

  test('a job that shows late', () => {
    const expected = [...Array(5).fill('settling'), 'busy'];
    expect(every10s([idle], [idle], [idle], [idle], [idle], [busy])).toEqual(expected);
  });

  test('right after a job', () => {
    expect(every10s(...minute([idle]), [busy], [idle]).slice(-2)).toEqual(['busy', 'settling']);
  });

  test('after no usable answer: the minute begins again', () => {
    expect(every10s(...minute([idle]), undefined, ...minute([idle])).slice(7)).toEqual([
      'unknown',
      ...Array(6).fill('settling'),
      'idle',
    ]);
  });

  test.each([
    [60, 'settling then idle', 'idle'],
    [61, 'a gap in which a job could have come and gone', 'settling'],
  ])('at %i s, after %s', (at, _, expected) => {
    expect(kinds([...[0, 20, 40].map((one) => reading(one, [idle])), reading(at, [idle])]).at(-1)).toBe(
      expected,
    );
  });
});
