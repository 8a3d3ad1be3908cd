import { describe, expect, test } from '@jest/globals';
import { type Phase, renderGantt, timelineOf } from '../../src/report/timeline.ts';
import { NOTHING_DONE } from '../../src/restart/outcome.ts';
import { at, instance } from '../support/instances.ts';

const MOMENTS = { started: 1_000, gateAsked: 2_000, gateAnswered: 63_000, sent: 63_500, verified: 73_500 };
/** Booted four seconds before its report, three after it had stopped. */
const LAST = instance({
  stopDate: at('2024-10-13T11:10:05Z'),
  startDate: at('2024-10-13T11:10:08Z'),
  reportedAt: at('2024-10-13T11:10:12Z'),
});
const STORY = { ...NOTHING_DONE, moments: MOMENTS, proof: LAST };
const namesOf = (phases: readonly Phase[]) => phases.map(({ name }) => name);

describe('the timeline', () => {
  test('of the whole story', () => {
    const phases = timelineOf({ ...STORY, runner: { status: 'online', backAt: 173_500 } });
    expect(phases.map(({ name, fromMs, toMs }) => [name, fromMs, toMs])).toEqual([
      ['wait until no job runs', 1_000, 62_000],
      ['restart sent → VM stopped', 62_500, 65_500],
      ['VM stopped → booted', 65_500, 68_500],
      ['VM booted → verified', 68_500, 72_500],
      ['VM verified → runner back', 72_500, 172_500],
    ]);
  });

  test('with a guest that was waited for', () => {
    const guest = { status: 'up', upAt: 93_500 } as const;
    expect(timelineOf({ ...STORY, guest }).at(-1)).toEqual({
      name: 'VM verified → guest up',
      fromMs: 72_500,
      toMs: 92_500,
    });
  });

  test('of a restart without a runner', () => {
    const { sent, verified, started } = MOMENTS;
    expect(namesOf(timelineOf({ ...STORY, moments: { started, sent, verified } }))).toEqual([
      'restart sent → VM stopped',
      'VM stopped → booted',
      'VM booted → verified',
    ]);
  });

  test.each([
    ['no stop date', { stopDate: undefined }],
    ['it stopped before the restart was sent', { stopDate: at('2024-10-13T11:00:00Z') }],
    ['it stopped after it had booted', { stopDate: at('2024-10-13T11:10:09Z') }],
  ])('where %s', (_, changes) => {
    expect(namesOf(timelineOf({ ...STORY, proof: { ...LAST, ...changes } })).slice(1)).toEqual([
      'restart sent → VM booted',
      'VM booted → verified',
    ]);
  });

  test.each([
    ['no date of the report', { reportedAt: undefined }],
    ['no start date', { startDate: undefined }],
    ['the clock was set', { reportedAt: at('2024-10-13T12:10:12Z') }],
    ['the clock was set back', { reportedAt: at('2024-10-13T11:10:07Z') }],
  ])('where %s', (_, changes) => {
    expect(namesOf(timelineOf({ ...STORY, proof: { ...LAST, ...changes } })).slice(1)).toEqual([
      'restart sent → VM verified',
    ]);
  });

  test.each([
    ['as soon as the restart was sent', '2024-10-13T11:10:02Z', '2024-10-13T11:10:02Z', [0, 0, 10_000]],
    ['just when it was seen', '2024-10-13T11:10:02Z', '2024-10-13T11:10:12Z', [0, 10_000, 0]],
    ['just when it had stopped', '2024-10-13T11:10:07Z', '2024-10-13T11:10:07Z', [5_000, 0, 5_000]],
  ])('of a VM that booted %s', (_, stopDate, startDate, tookMs) => {
    const proof = { ...LAST, stopDate: at(stopDate), startDate: at(startDate) };
    const phases = timelineOf({ ...STORY, proof }).slice(1);
    expect(phases.map(({ fromMs, toMs }) => toMs - fromMs)).toEqual(tookMs);
  });

  test('counts fractions of a second', () => {
    const proof = { ...LAST, stopDate: undefined, startDate: at('2024-10-13T11:10:11.5Z') };
    const [, , verify] = timelineOf({ ...STORY, proof });
    expect(verify).toEqual({ name: 'VM booted → verified', fromMs: 72_000, toMs: 72_500 });
  });

  test('begins when the first moment is none', () => {
    const { sent, verified } = MOMENTS;
    expect(timelineOf({ ...STORY, moments: { sent, verified }, proof: undefined })).toEqual([
      { name: 'restart sent → VM verified', fromMs: 63_500, toMs: 73_500 },
    ]);
  });

  test('if nothing was seen', () => {
    expect(namesOf(timelineOf({ ...STORY, proof: undefined }))).toContain('restart sent → VM verified');
  });

  test('of a restart that is not verified ends with the wait for it', () => {
    const { started, gateAsked, gateAnswered, sent } = MOMENTS;
    const moments = { started, gateAsked, gateAnswered, sent };
    expect(namesOf(timelineOf({ ...STORY, moments }))).toEqual(['wait until no job runs']);
  });

  test('of nothing is empty, and so is that of a phase whose beginning was not seen', () => {
    expect(timelineOf(NOTHING_DONE)).toEqual([]);
    const runner = { status: 'online', backAt: 173_500 } as const;
    expect(timelineOf({ ...NOTHING_DONE, moments: { gateAnswered: 63_000 }, runner })).toEqual([]);
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

  test('begins at midnight, and ends before the next', () => {
    const [, , , , bar] = renderGantt([{ name: 'day', fromMs: -5, toMs: 86_399_999 }]);
    expect(bar).toBe('    day :00:00:00.000, 23:59:59.999');
  });

  test.each<[string, Phase[]]>([
    ['nothing', []],
    ['more than a day', [{ name: 'x', fromMs: 0, toMs: 86_400_000 }]],
  ])('is not drawn of %s', (_, phases) => {
    expect(renderGantt(phases)).toEqual([]);
  });
});
