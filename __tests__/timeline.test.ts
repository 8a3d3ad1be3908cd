import { describe, expect, test } from '@jest/globals';
import { NOTHING_DONE } from '../src/restart/restart.ts';
import { type Phase, renderGantt, timelineOf } from '../src/timeline.ts';
import { at, instance } from './support/instances.ts';

const MOMENTS = { started: 1_000, heldUp: 2_000, cleared: 63_000, sent: 63_500, verified: 73_500 };
/** Booted four seconds before its report, three after it had stopped. */
const LAST = instance({
  stopDate: at('2024-10-13T11:10:05Z'),
  startDate: at('2024-10-13T11:10:08Z'),
  reportedAt: at('2024-10-13T11:10:12Z'),
});
const STORY = { ...NOTHING_DONE, moments: MOMENTS, last: LAST };
const namesOf = (phases: readonly Phase[]) => phases.map(({ name }) => name);

describe('the timeline', () => {
  test('of the whole story', () => {
    const phases = timelineOf({ ...STORY, runner: { status: 'online', backAt: 173_500 } });
    expect(phases.map(({ name, fromMs, toMs }) => [name, fromMs, toMs])).toEqual([
      ['wait until no job runs', 1_000, 62_000],
      ['restart sent to VM stopped', 62_500, 65_500],
      ['VM stopped to booted', 65_500, 68_500],
      ['VM booted to verified', 68_500, 72_500],
      ['VM verified to runner back', 72_500, 172_500],
    ]);
  });

  test('of a restart without a runner', () => {
    const { sent, verified, started } = MOMENTS;
    expect(namesOf(timelineOf({ ...STORY, moments: { started, sent, verified } }))).toEqual([
      'restart sent to VM stopped',
      'VM stopped to booted',
      'VM booted to verified',
    ]);
  });

  test.each([
    ['nobody knows when it stopped', { stopDate: undefined }],
    ['it stopped before the restart was sent', { stopDate: at('2024-10-13T11:00:00Z') }],
    ['it stopped after it had booted', { stopDate: at('2024-10-13T11:10:09Z') }],
  ])('where %s', (_, changes) => {
    expect(namesOf(timelineOf({ ...STORY, last: { ...LAST, ...changes } })).slice(1)).toEqual([
      'restart sent to VM booted',
      'VM booted to verified',
    ]);
  });

  test.each([
    ['nobody knows when it was read', { reportedAt: undefined }],
    ['nobody knows when it booted', { startDate: undefined }],
    ['the clock was set', { reportedAt: at('2024-10-13T12:10:12Z') }],
    ['the clock was set back', { reportedAt: at('2024-10-13T11:10:07Z') }],
  ])('where %s', (_, changes) => {
    expect(namesOf(timelineOf({ ...STORY, last: { ...LAST, ...changes } })).slice(1)).toEqual([
      'restart sent to VM verified',
    ]);
  });

  test('where nothing was seen', () => {
    expect(namesOf(timelineOf({ ...STORY, last: undefined }))).toContain('restart sent to VM verified');
  });

  test('of a restart that is not verified ends with the wait for it', () => {
    const { started, heldUp, cleared, sent } = MOMENTS;
    const moments = { started, heldUp, cleared, sent };
    expect(namesOf(timelineOf({ ...STORY, moments }))).toEqual(['wait until no job runs']);
  });

  test('of nothing is empty', () => {
    expect(timelineOf(NOTHING_DONE)).toEqual([]);
  });
});

describe('the chart', () => {
  test('has a bar for each phase', () => {
    const phases = [
      { name: 'one', fromMs: 0, toMs: 1_499.6 },
      { name: 'two', fromMs: 1_499.6, toMs: 3_725_000 },
    ];
    expect(renderGantt(phases)).toEqual([
      '```mermaid',
      'gantt',
      '    dateFormat HH:mm:ss.SSS',
      '    axisFormat %H:%M:%S',
      '    one :00:00:00.000, 00:00:01.500',
      '    two :00:00:01.500, 01:02:05.000',
      '```',
    ]);
  });

  test.each<[string, Phase[]]>([
    ['nothing', []],
    ['more than a day', [{ name: 'x', fromMs: 0, toMs: 86_400_000 }]],
  ])('is not drawn of %s', (_, phases) => {
    expect(renderGantt(phases)).toEqual([]);
  });
});
