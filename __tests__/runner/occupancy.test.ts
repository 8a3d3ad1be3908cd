import { describe, expect, test } from '@jest/globals';
import type { JobFinding } from '../../src/runner/job-finding.ts';
import {
  type IdleStretch,
  nextOccupancy,
  type Occupancy,
  type OccupancyEvent,
  type OccupancyRules,
  type RunnersReading,
  UNREAD,
} from '../../src/runner/occupancy.ts';
import { busy, idle, offline, reading, runner, runningJob, wedged } from '../support/runners.ts';

const RULES: OccupancyRules = { idleForMs: 60_000 };
const other = runner({ id: 24, name: 'mac-7-b' });
const job = runningJob();

type Runners = RunnersReading['runners'];
type Kind = Occupancy['kind'];
type Busy = Extract<Occupancy, { kind: 'busy' }>;

function runners(seconds: number, seen: Runners, tookSeconds = 0): OccupancyEvent {
  return { kind: 'runners', reading: reading(seconds, seen, tookSeconds) };
}

function jobs(kind: 'none' | 'unreadable' | 'no answer'): OccupancyEvent {
  return { kind: 'jobs', finding: { kind } };
}

function jobIs(kind: 'job' | 'unassigned'): OccupancyEvent {
  return { kind: 'jobs', finding: { kind, job } };
}

/** All states along the way. */
function follow(events: readonly OccupancyEvent[], rules = RULES): Occupancy[] {
  let state = UNREAD;
  return events.map((event) => {
    state = nextOccupancy(state, event, rules);
    return state;
  });
}

/** The kinds of the states along the way. The jobs are read as soon as that is needed. */
function kinds(
  readings: readonly RunnersReading[],
  rules = RULES,
  finding: JobFinding = { kind: 'none' },
): Kind[] {
  let state = UNREAD;
  return readings.map((one) => {
    state = nextOccupancy(state, { kind: 'runners', reading: one }, rules);
    if (state.kind === 'unconfirmed') state = nextOccupancy(state, { kind: 'jobs', finding }, rules);
    return state.kind;
  });
}

/** A read every ten seconds. */
function every10s(...seen: readonly Runners[]): Kind[] {
  return kinds(seen.map((one, index) => reading(index * 10, one)));
}

const minute = (seen: Runners): Runners[] => Array(7).fill(seen);

const STRETCH: IdleStretch = {
  ...{ since: 0, until: 10_000, leftMs: 50_000, registrations: [23, 24], reads: 2 },
  ...{ jobs: 'none', isDoubtful: false },
};
/** A state of each kind. */
const STATES: Readonly<Record<Kind, Occupancy>> = {
  unread: UNREAD,
  unknown: { kind: 'unknown', about: 'runners', stretch: undefined },
  busy: { kind: 'busy', job: 'unread' },
  online: { kind: 'online' },
  registering: { kind: 'registering' },
  unconfirmed: { kind: 'unconfirmed', stretch: { ...STRETCH, jobs: 'unread' } },
  absent: { kind: 'absent', stretch: { ...STRETCH, registrations: 'gone', leftMs: 0, reads: 1 } },
  settling: { kind: 'settling', stretch: STRETCH },
  idle: { kind: 'idle', stretch: { ...STRETCH, leftMs: 0 } },
};
const KINDS = Object.keys(STATES) as Kind[];
const NO_ANSWER = { kind: 'unknown', about: 'runners', stretch: undefined };
const busyWith = (shown: Busy['job']) => ({ kind: 'busy', job: shown });
const begun = { since: 15_000, until: 15_000, leftMs: 60_000, reads: 1, jobs: 'unread' };
const goneOn = { since: 0, until: 15_000, leftMs: 45_000, reads: 3, jobs: 'none' };
const unread = { ...STRETCH, jobs: 'unread' };

type Row = [from: Kind, what: string, event: OccupancyEvent, expected: object];

test.each<Row>([
  ...KINDS.flatMap((kind): Row[] => [
    [kind, 'no answer about the runners', runners(15, undefined), NO_ANSWER],
    [kind, 'a runner with a job', runners(15, [busy]), busyWith('unread')],
    [kind, 'one of two runners with a job', runners(15, [other, busy]), busyWith('unread')],
    [kind, 'an offline runner with a job', runners(15, [wedged]), busyWith('unread')],
    [kind, 'a job on a runner', jobIs('job'), busyWith(job)],
  ]),
  [
    'unread',
    'no job',
    runners(15, [idle]),
    { kind: 'unconfirmed', stretch: { ...begun, registrations: [23] } },
  ],
  ['unknown', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: begun }],
  ['busy', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: begun }],
  ['absent', 'no job', runners(15, [idle]), { kind: 'unconfirmed', stretch: begun }],
  [
    'unconfirmed',
    'no job',
    runners(15, [idle]),
    { kind: 'unconfirmed', stretch: { ...goneOn, jobs: 'unread' } },
  ],
  ['settling', 'no job', runners(15, [idle]), { kind: 'settling', stretch: goneOn }],
  ['settling', 'no job after a gap', runners(31, [idle]), { kind: 'unconfirmed' }],
  ['settling', 'no job on either', runners(15, [idle, other]), { kind: 'settling', stretch: goneOn }],
  [
    'settling',
    'a new registration',
    runners(15, [idle, runner({ id: 25 })]),
    { kind: 'unconfirmed', stretch: begun },
  ],
  [
    'settling',
    'no runner that takes more than one job',
    runners(15, []),
    { kind: 'settling', stretch: goneOn },
  ],
  ['unread', 'no answer about the jobs', jobs('no answer'), { about: 'jobs', stretch: undefined }],
  ['settling', 'no answer about the jobs', jobs('no answer'), { about: 'jobs', stretch: unread }],
  [
    'idle',
    'no answer about the jobs',
    jobs('no answer'),
    { about: 'jobs', stretch: { ...unread, leftMs: 0 } },
  ],
  ['settling', 'a job that may be on a runner', jobIs('unassigned'), { about: 'jobs', job, stretch: unread }],
  ['busy', 'no answer about the jobs', jobs('no answer'), busyWith('unread')],
  ['busy', 'a job that may be on a runner', jobIs('unassigned'), busyWith('unread')],
  ['busy', 'no jobs', jobs('none'), busyWith('none')],
  ['busy', 'unreadable jobs', jobs('unreadable'), busyWith('unreadable')],
  ['unread', 'no jobs', jobs('none'), UNREAD],
  ['unknown', 'no jobs', jobs('none'), NO_ANSWER],
  ['unconfirmed', 'no jobs', jobs('none'), { kind: 'settling', stretch: STRETCH }],
  [
    'unconfirmed',
    'unreadable jobs',
    jobs('unreadable'),
    { kind: 'settling', stretch: { ...STRETCH, jobs: 'unreadable' } },
  ],
  ['settling', 'no jobs', jobs('none'), { kind: 'settling', stretch: STRETCH }],
  ['absent', 'no jobs', jobs('none'), { kind: 'absent' }],
  ['idle', 'no jobs', jobs('none'), { kind: 'idle' }],
])('from %s, after %s', (from, _, event, expected) => {
  expect(nextOccupancy(STATES[from], event, RULES)).toMatchObject(expected);
});

test('jobs that could not be read keep the idle stretch, which continues once they can be read', () => {
  const states = follow([
    runners(0, [idle]),
    jobs('no answer'),
    runners(10, [idle]),
    jobs('no answer'),
    ...[20, 40, 60].map((at) => runners(at, [idle])),
    jobs('none'),
  ]);
  expect(states.map(({ kind }) => kind)).toEqual([
    ...['unconfirmed', 'unknown', 'unconfirmed', 'unknown'],
    ...['unconfirmed', 'unconfirmed', 'unconfirmed', 'idle'],
  ]);
});

describe('idle', () => {
  test('only after a minute without a job, if idle_for is a minute', () => {
    expect(every10s(...minute([idle]))).toEqual([...Array(6).fill('settling'), 'idle']);
  });

  test.each<[number, Kind[]]>([
    [0, ['idle', 'idle', 'idle']],
    [10_000, ['settling', 'idle', 'idle']],
    [10_001, ['settling', 'settling', 'idle']],
  ])('after idle_for: %i ms', (idleForMs, expected) => {
    const readings = [0, 10, 20].map((at) => reading(at, [idle]));
    expect(kinds(readings, { idleForMs })).toEqual(expected);
  });

  test.each<[string, Runners]>([
    ['offline', [offline]],
    ['no longer registered', []],
    ['one of several', [idle, other]],
  ])('even if the runner is %s', (_, seen) => {
    expect(every10s(...minute(seen)).at(-1)).toBe('idle');
  });

  test('from the answer to the first read until the request of the last one', () => {
    const stretch = [reading(0, [idle], 2), reading(20, [idle]), reading(40, [idle])];
    expect(kinds([...stretch, reading(60, [idle], 9)]).at(-1)).toBe('settling');
    expect(kinds([...stretch, reading(60, [idle]), reading(62, [idle])]).at(-1)).toBe('idle');
  });

  test('a job is ignored with when_busy: ignore, and no jobs are read', () => {
    const rules: OccupancyRules = { idleForMs: 0, whenBusy: 'ignore' };
    expect(follow([runners(0, [busy])], rules)).toMatchObject([{ kind: 'idle' }]);
  });
});

describe('not idle', () => {
  test.each([0, 60_000])('with a job, with any idle_for: %i ms', (idleForMs) => {
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

  test('after no usable answer: idle_for begins again', () => {
    expect(every10s(...minute([idle]), undefined, ...minute([idle])).slice(7)).toEqual([
      'unknown',
      ...Array(6).fill('settling'),
      'idle',
    ]);
  });

  test.each([
    [60, 'a read every 20 s', 'idle'],
    [61, 'a gap in which a job could have come and gone', 'settling'],
  ])('at %i s, after %s', (at, _, expected) => {
    expect(kinds([...[0, 20, 40].map((one) => reading(one, [idle])), reading(at, [idle])]).at(-1)).toBe(
      expected,
    );
  });

  test.each<[string, Runner[]]>([
    ['another registration of the same name', [runner({ id: 25 })]],
    ['one more runner', [idle, other]],
  ])('with %s: idle_for begins again', (_, later) => {
    expect(
      every10s([idle], ...Array(5).fill([idle]), later, ...Array(5).fill(later), later).slice(5),
    ).toEqual([...Array(7).fill('settling'), 'idle'].slice(0, 8));
  });
});

type Runner = typeof idle;

test.each<[string, OccupancyRules, boolean, Runner[], Kind[]]>([
  ['a persistent runner', { idleForMs: 0 }, false, [], ['settling', 'settling', 'settling', 'idle']],
  ['one of several', { idleForMs: 0 }, false, [other], ['settling', 'settling', 'settling', 'idle']],
  ['a persistent runner, for longer', { idleForMs: 40_000 }, false, [], Array(4).fill('settling')],
  [
    'a persistent runner whose jobs are ignored',
    { idleForMs: 0, whenBusy: 'ignore' as const },
    false,
    [],
    Array(4).fill('idle'),
  ],
  ['a one-job runner of several', { idleForMs: 0 }, true, [other], Array(4).fill('idle')],
])(
  '%s that disappears with its job may be shown again within 30 s',
  (_, rules, ephemeral, left, expected) => {
    const gone = [runner({ isBusy: true, ephemeral })];
    const readings = [0, 10, 20, 30].map((seconds) => ({ ...reading(seconds, left), gone }));
    expect(kinds(readings, rules)).toEqual(expected);
  },
);

describe('an offline runner that shows a job', () => {
  const rules = { idleForMs: 10_000, seesAllJobs: true };
  const readings = [0, 10, 20].map((at) => reading(at, [wedged]));

  test.each<[string, OccupancyRules, JobFinding, Kind[]]>([
    [
      'has lost it, if all of its jobs could be read and show none',
      rules,
      { kind: 'none' },
      ['settling', 'idle', 'idle'],
    ],
    [
      'has it, if not all of its jobs can be seen',
      { idleForMs: 10_000 },
      { kind: 'none' },
      ['busy', 'busy', 'busy'],
    ],
    ['has it, if the jobs cannot be read', rules, { kind: 'unreadable' }, ['busy', 'busy', 'busy']],
    ['has it, if the jobs show it', rules, { kind: 'job', job }, ['busy', 'busy', 'busy']],
    ['may have it, if GitHub says nothing', rules, { kind: 'no answer' }, ['unknown', 'unknown', 'unknown']],
    [
      'may have it, if a job in progress has no runner, whatever its labels',
      rules,
      { kind: 'none', unplaced: job },
      ['unknown', 'unknown', 'unknown'],
    ],
  ])('%s', (_, given, finding, expected) => {
    expect(kinds(readings, given, finding)).toEqual(expected);
  });

  test('a job without a runner does not count for an idle runner that lacks its labels', () => {
    const finding: JobFinding = { kind: 'none', unplaced: job };
    expect(kinds([reading(0, [idle]), reading(10, [idle])], rules, finding)).toEqual(['settling', 'idle']);
  });

  test('is busy at once if the jobs were unreadable before', () => {
    const states = follow([runners(0, [offline]), jobs('unreadable'), runners(5, [wedged])], rules);
    expect(states.at(-1)).toEqual(busyWith('unread'));
  });

  test('is doubtful only while it shows the job', () => {
    const states = follow(
      [runners(0, [wedged]), jobs('none'), runners(5, [offline]), jobs('unreadable')],
      rules,
    );
    expect(states.map(({ kind }) => kind)).toEqual(['unconfirmed', 'settling', 'settling', 'settling']);
  });
});

describe('a runner that takes one job per registration', () => {
  const BOOT = { at: 0, registersWithinMs: 300_000, hadJob: false };
  const asked = (boot: Partial<typeof BOOT> = {}): OccupancyRules => {
    return { idleForMs: 60_000, isEphemeral: true, boot: { ...BOOT, ...boot } };
  };
  const gone = (seconds: number, ...before: readonly Runner[]): RunnersReading => {
    return { ...reading(seconds, []), gone: before };
  };
  const oneJob = runner({ ephemeral: true });
  const oneJobOffline = runner({ ephemeral: true, isOnline: false });
  const unsaid = runner({ ephemeral: undefined });

  test.each<[string, OccupancyRules, RunnersReading[], Kind[]]>([
    ['was seen, and is gone: two reads', asked(), [gone(1, oneJob), gone(2, oneJob)], ['absent', 'idle']],
    ['was seen with its job', asked(), [gone(1, { ...oneJob, isBusy: true })], ['absent']],
    ['was seen, if GitHub does not say what it is', asked(), [gone(1, unsaid)], ['absent']],
    ['is one by what GitHub says alone', { ...asked(), isEphemeral: false }, [gone(1, oneJob)], ['absent']],
    [
      'was only seen offline: that may be of an earlier boot',
      asked(),
      [gone(1, oneJobOffline)],
      ['registering'],
    ],
    [
      'was never seen, right after the boot',
      asked(),
      [gone(299), gone(299.9)],
      ['registering', 'registering'],
    ],
    ['was never seen, long after the boot', asked(), [gone(300), gone(301)], ['absent', 'idle']],
    ['had its job in this boot', asked({ hadJob: true }), [gone(1), gone(2)], ['absent', 'idle']],
    [
      'may register until long after the boot',
      asked(),
      [gone(298), gone(303), gone(308)],
      ['registering', 'absent', 'idle'],
    ],
    ['is back after all', asked({ hadJob: true }), [gone(1), reading(2, [oneJob])], ['absent', 'settling']],
    [
      'is gone after it was idle',
      asked(),
      [reading(1, [oneJob]), gone(6, oneJob), gone(7, oneJob)],
      ['settling', 'absent', 'idle'],
    ],
    [
      'is gone, but two reads are far apart',
      asked(),
      [gone(1, oneJob), gone(40, oneJob)],
      ['absent', 'absent'],
    ],
    [
      'takes more than one job, as GitHub says',
      asked(),
      [gone(1, idle), gone(2, idle)],
      ['settling', 'settling'],
    ],
    ['is gone, and one beside it that takes more', asked(), [gone(1, oneJob, other)], ['settling']],
    ['has no boot that is known', { idleForMs: 0, isEphemeral: true }, [gone(1e9)], ['registering']],
  ])('%s', (_, rules, readings, expected) => {
    expect(kinds(readings, rules)).toEqual(expected);
  });

  test('is not gone while the jobs show one on it', () => {
    expect(kinds([gone(1, oneJob), gone(2, oneJob)], asked(), { kind: 'job', job })).toEqual([
      'busy',
      'busy',
    ]);
  });
});

describe('a sweep', () => {
  const sweep: OccupancyRules = { idleForMs: 10_000, isSweep: true };

  test.each<[string, Runners[], Kind[]]>([
    ['leaves an online runner alone', [[idle]], ['online']],
    ['even one with a job', [[busy]], ['online']],
    ['and one of several', [[offline, other]], ['online']],
    ['restarts one that stays offline', [[offline], [offline]], ['settling', 'idle']],
    ['but not one that comes back', [[offline], [idle]], ['settling', 'online']],
    ['nor one that is offline with a job', [[wedged]], ['busy']],
  ])('%s', (_, seen, expected) => {
    expect(
      kinds(
        seen.map((one, index) => reading(index * 10, one)),
        sweep,
      ),
    ).toEqual(expected);
  });
});
