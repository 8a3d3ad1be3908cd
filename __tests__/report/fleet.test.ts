import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { failedStep, type StepOutcome, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import { stepError, titleOf } from '../../src/report/conclusion.ts';
import { cut, outputsOf } from '../../src/report/outputs.ts';
import { isHurried, report } from '../../src/report/report.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { instance, restarted } from '../support/instances.ts';
import { captureStdout } from '../support/log.ts';

const same = (text: string) => text;

function id(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** The VM of a number, restarted but for what is given. */
function member(number: number, changes: Partial<VmOutcome> = {}): VmOutcome {
  const names = { instanceId: id(number), externalId: `mac-${number}` };
  return {
    name: `mac-${number}`,
    target: { by: 'instance_id', id: id(number) },
    restarted: 'true',
    before: instance(names),
    last: restarted(10, names),
    durationMs: 7_349,
    moments: { started: 0, sent: number * 1_000, verified: number * 1_000 + 7_349 },
    error: undefined,
    endedAt: number * 1_000 + 8_000,
    ...changes,
  };
}

const NOTHING = {
  restarted: 'false',
  before: undefined,
  last: undefined,
  durationMs: undefined,
  moments: {},
} as const;

function broken(number: number, message = 'It took too long.'): VmOutcome {
  return member(number, {
    restarted: 'unknown',
    error: new ActionError('timed_out', message, { hint: 'Look.' }),
  });
}

function fleet(...vms: VmOutcome[]): StepOutcome {
  const error = vms.find((vm) => vm.error !== undefined)?.error;
  return { vms, error, isDryRun: false, mostFailures: 0 };
}

const mixed = fleet(
  member(1),
  broken(2),
  member(3, { ...NOTHING, leftAlone: 'skipped', leftAloneFor: 'Runner "mac-3" is busy' }),
  member(4, { ...NOTHING, leftAlone: 'not_started' }),
  member(5, { error: new ActionError('runner_not_back', 'It is gone.') }),
);

const unfit = member(2, { ...NOTHING, error: new ActionError('not_running', 'No.') });
const cancelled = member(2, { ...NOTHING, error: new ActionError('cancelled', 'The step was cancelled.') });
const COUNTS =
  '2 of 5 VMs failed, which is more than max_failures (0) allows, so 1 was not started. The output remaining has the IDs of all that were not restarted.';

describe('outputs', () => {
  test('of a fleet: nothing about one VM, all about each', () => {
    const { results, remaining, matrix, ...others } = outputsOf(mixed, same);
    const filled = Object.entries(others).filter(([, value]) => value !== '');
    expect(Object.fromEntries(filled)).toEqual({ restarted: 'unknown', error_code: 'timed_out' });
    const objects: Record<string, string>[] = JSON.parse(results);
    expect(objects.map(({ outcome }) => outcome)).toEqual([
      'restarted',
      'unknown',
      'skipped',
      'not_started',
      'failed',
    ]);
    expect(objects.map(({ message }) => message)).toEqual([
      '',
      'It took too long.',
      'Runner "mac-3" is busy',
      '',
      'It is gone.',
    ]);
    expect(objects[1]).toEqual({
      instance_id: id(2),
      external_id: 'mac-2',
      outcome: 'unknown',
      error_code: 'timed_out',
      message: 'It took too long.',
      start_date: '2024-10-13T11:10:12Z',
      previous_start_date: '2024-10-13T10:51:34Z',
      duration: '7.3',
      runner_status: '',
      guest_status: '',
      node_id: '72650d46-8ebe-4547-bb6c-8eb76e957b0a',
      host_ip: '192.0.2.70',
      ssh_port: '10001',
    });
    expect(remaining.split('\n')).toEqual([id(2), id(3), id(4)]);
    expect(JSON.parse(matrix)).toEqual([
      { name: 'mac-3', instance_id: id(3) },
      { name: 'mac-4', instance_id: id(4) },
    ]);
  });

  test('of one VM have them, too', () => {
    const { results, remaining, matrix } = outputsOf(fleet(member(1, { ...NOTHING, name: '' })), same);
    expect(JSON.parse(results)).toEqual([
      expect.objectContaining({ instance_id: id(1), outcome: 'not_started' }),
    ]);
    expect([remaining, matrix]).toEqual([id(1), JSON.stringify([{ name: id(1), instance_id: id(1) }])]);
  });

  test('leave out of remaining and matrix what needs no restart', () => {
    const skipped = { ...NOTHING, leftAlone: 'skipped' } as const;
    const outcome = fleet(
      member(1, { ...skipped, skippedAs: 'needless' }),
      member(2, { ...skipped, skippedAs: 'not running' }),
    );
    expect(outputsOf(outcome, same)).toMatchObject({
      remaining: id(2),
      matrix: JSON.stringify([{ name: 'mac-2', instance_id: id(2) }]),
    });
  });

  test('leave out what has no ID, and what was never meant', () => {
    const unresolved = member(1, {
      ...NOTHING,
      target: { by: 'external_id', id: 'mac-*' },
      error: new ActionError('instance_not_found', 'None.'),
    });
    expect(outputsOf(fleet(unresolved), same)).toMatchObject({ remaining: '', matrix: '[]' });
    const nothing = failedStep(new ActionError('invalid_input', 'No.'));
    expect(outputsOf(nothing, same)).toMatchObject({ results: '[]', remaining: '', matrix: '[]' });
  });

  test('hold nothing that is masked', () => {
    const terminal = createTerminal();
    captureStdout();
    terminal.mask('000000000001', 'mac-2', '2024-10-13');
    const outputs = outputsOf(
      fleet(member(1, NOTHING), member(2, { ...NOTHING, before: instance({ externalId: 'mac-2' }) })),
      terminal.clean,
    );
    const { results, remaining, matrix } = outputs;
    for (const text of [results, remaining, matrix])
      expect(text).not.toMatch(/000000000001|mac-2|2024-10-13/);
    expect(remaining).toBe(id(2));
    expect(JSON.parse(matrix)).toEqual([{ name: '***', instance_id: id(2) }]);
    expect(() => JSON.parse(results)).not.toThrow();
  });

  test.each([
    [100, 300, 13],
    [700, 80, 13],
    [1_000, 0, 0],
    [2_500, 0, 3],
  ])('of %d VMs stay below what GitHub takes', (count, _, fields) => {
    const vms = Array.from({ length: count }, (__, number) =>
      broken(number, `${number} ${'x'.repeat(5_000)}`),
    );
    const { results, remaining, matrix } = outputsOf(fleet(...vms), same);
    expect(results.length + remaining.length + matrix.length).toBeLessThan(460_000);
    const objects: Record<string, string>[] = JSON.parse(results);
    expect(objects).toHaveLength(count);
    expect(objects.every((one) => one['error_code'] === 'timed_out' && one['instance_id'] !== '')).toBe(true);
    if (fields > 0) expect(Object.keys(objects[0] ?? {})).toHaveLength(fields);
  });

  test.each([
    ['all', 900, []],
    ['all but the place', 1_100, ['node_id', 'host_ip', 'ssh_port']],
    [
      'all but place and times',
      1_300,
      ['node_id', 'host_ip', 'ssh_port', 'start_date', 'previous_start_date', 'duration'],
    ],
  ])('of many VMs tell %s', (_, count, without) => {
    const vms = Array.from({ length: count }, (__, number) => broken(number, 'x'.repeat(80)));
    const [first] = JSON.parse(outputsOf(fleet(...vms), same).results);
    const [whole] = JSON.parse(outputsOf(fleet(broken(0, 'x'.repeat(80))), same).results);
    expect(first).toEqual(
      Object.fromEntries(Object.entries(whole).filter(([name]) => !without.includes(name))),
    );
  });

  test('that are many count what else is put out', () => {
    const vms = Array.from({ length: 1_500 }, (_, number) => member(number, NOTHING));
    const { results, remaining, matrix } = outputsOf(fleet(...vms), same);
    expect(results.length + remaining.length + matrix.length).toBeLessThanOrEqual(450_000);
  });

  test('a message is cut only where there is no room', () => {
    const { results } = outputsOf(fleet(broken(1, 'x'.repeat(900))), same);
    expect(JSON.parse(results)[0].message).toHaveLength(900);
  });
});

describe('a matrix', () => {
  const waiting = (count: number, name = (number: number) => `mac-${number}`) =>
    Array.from({ length: count }, (_, number) => member(number, { ...NOTHING, name: name(number) }));
  const matrixOf = (...vms: VmOutcome[]): { name: string; instance_id: string }[] =>
    JSON.parse(outputsOf(fleet(...vms), same).matrix);

  test('has an entry for each of 256 VMs', () => {
    const entries = matrixOf(...waiting(256));
    expect(entries.map(({ instance_id }) => instance_id)).toEqual(
      waiting(256).map((_, number) => id(number)),
    );
  });

  test('spreads more of them evenly', () => {
    const entries = matrixOf(...waiting(1_000));
    const sizes = entries.map(({ instance_id }) => instance_id.split('\n').length);
    expect([entries.length, Math.min(...sizes), Math.max(...sizes)]).toEqual([256, 3, 4]);
    expect(entries.flatMap(({ instance_id }) => instance_id.split('\n'))).toEqual(
      waiting(1_000).map((_, number) => id(number)),
    );
    expect(entries[0]?.name).toBe('mac-0 and 3 more');
  });

  test('has names that are short, and no two the same', () => {
    const entries = matrixOf(...waiting(3, (number) => (number === 2 ? 'y'.repeat(200) : 'x')));
    expect(entries.map(({ name }) => name)).toEqual(['x', `x (${id(1)})`, `${'y'.repeat(79)}…`]);
  });
});

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['a😀b', 3, 'a\ufffd…'],
  ['abc', 0, '…'],
])('"%s" is cut to %d', (text, longest, expected) => {
  expect(cut(text, longest)).toBe(expected);
});

describe('the title', () => {
  test.each<[string, StepOutcome]>([
    ['2 of 5 VMs failed: timed_out', mixed],
    ['2 of 2 VMs restarted', fleet(member(1), member(2))],
    ['1 of 2 VMs restarted', fleet(member(1), member(2, { ...NOTHING, leftAlone: 'skipped' }))],
    [
      '2 of 2 VMs can be restarted (dry run)',
      { ...fleet(member(1, NOTHING), member(2, NOTHING)), isDryRun: true },
    ],
    [
      '1 of 2 VMs cannot be restarted (dry run): not_running',
      { ...fleet(member(1, NOTHING), unfit), isDryRun: true },
    ],
    ['Cancelled: 1 of 2 VMs restarted', fleet(member(1), cancelled)],
    ['Cancelled: 0 of 2 VMs restarted', fleet(unfit, cancelled)],
  ])('%s', (title, outcome) => {
    expect(titleOf(outcome)).toBe(title);
  });
});

describe('the annotation', () => {
  test.each<[string, StepOutcome]>([
    [
      'The step was cancelled: 1 of 3 VMs restarted, 1 not verified, 1 not started.',
      fleet(
        member(1),
        cancelled,
        member(3, { restarted: 'unknown', error: new ActionError('cancelled', 'Sent.', { hint: 'Look.' }) }),
      ),
    ],
    ['1 of 2 VMs cannot be restarted; 1 can.', { ...fleet(member(1, NOTHING), unfit), isDryRun: true }],
    ['1 of 2 VMs failed.', fleet(member(1), unfit)],
    ['2 of 2 VMs failed.', fleet(broken(1), unfit)],
    [
      '1 of 3 VMs failed, which is more than max_failures (0) allows, so 2 were not started. The output remaining has the IDs of all that were not restarted.',
      fleet(
        unfit,
        member(3, { ...NOTHING, leftAlone: 'not_started' }),
        member(4, { ...NOTHING, leftAlone: 'not_started' }),
      ),
    ],
  ])('%s', (counts, outcome) => {
    expect(stepError(outcome, same)?.message.split('\n')[0]).toBe(counts);
  });

  test('advises by the first error that has advice', () => {
    const sent = member(3, { error: new ActionError('cancelled', 'Sent.', { hint: 'Look.' }) });
    expect(stepError(fleet(cancelled, sent), same)?.hint).toBe('Look.');
    expect(stepError(fleet(cancelled, member(1)), same)?.hint).toBeUndefined();
  });

  test('of the only VM is its own', () => {
    const long = broken(1, 'x'.repeat(2_500));
    expect(stepError(fleet(long), same)).toBe(long.error);
  });

  test('does not cut what happened to the only one that failed', () => {
    const [only, long] = [broken(1, 'x'.repeat(1_500)), broken(1, 'x'.repeat(2_500))];
    expect(stepError(fleet(only, member(3)), same)?.message).toMatch(/x{1500}$/);
    expect(stepError(fleet(long, member(3)), same)?.message).toMatch(/x{1999}…$/);
    const other = broken(2, 'y'.repeat(1_500));
    expect(stepError(fleet(only, other), same)?.message).toMatch(/: x{299}…\n.*: y{299}…$/);
  });

  test('names all that failed', () => {
    const error = stepError(mixed, same);
    expect([error?.code, error?.hint]).toEqual(['timed_out', 'Look.']);
    expect(error?.message.split('\n')).toEqual([
      `${COUNTS}`,
      '- mac-2: timed_out: It took too long.',
      '- mac-5: runner_not_back: It is gone.',
    ]);
  });

  test('says what happened to all of them once', () => {
    const denied = new ActionError('authentication_failed', 'Wrong.');
    const vms = Array.from({ length: 40 }, (_, number) => member(number, { ...NOTHING, error: denied }));
    expect(stepError(fleet(...vms), same)?.message.split('\n')).toEqual([
      '40 of 40 VMs failed.',
      '- mac-0, mac-1, mac-2, mac-3, mac-4 and 35 more: authentication_failed: Wrong.',
    ]);
  });

  test('is not too long, and cuts only what is clean', () => {
    const vms = Array.from({ length: 12 }, (_, number) =>
      broken(number, `${number} ${'x'.repeat(295)}secret`),
    );
    const lines =
      stepError(fleet(...vms), (text) => text.replaceAll('secret', '***'))?.message.split('\n') ?? [];
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('- and 2 more, which the output results and the job summary name');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(350);
    expect(lines.join()).not.toContain('s…');
  });

  test('has a line for each of ten', () => {
    const vms = Array.from({ length: 10 }, (_, number) => broken(number, `${number}`));
    expect(stepError(fleet(...vms), same)?.message.split('\n')).toHaveLength(11);
  });

  test('is none where nothing went wrong', () => {
    expect(stepError(fleet(member(1)), same)).toBeUndefined();
  });

  test('is the one error of the step', () => {
    const log = captureStdout();
    expect(report(mixed, createTerminal())).toBe(false);
    const errors = log.lines().filter((line) => line.startsWith('::error'));
    expect(errors).toEqual([
      `::error title=2 of 5 VMs failed%3A timed_out::${COUNTS}%0A- mac-2: timed_out: It took too long.%0A- mac-5: runner_not_back: It is gone.%0ALook.`,
    ]);
    expect(report(fleet(member(1), member(2)), createTerminal())).toBe(true);
  });
});

describe('a report is hurried', () => {
  test.each<[boolean, string, StepOutcome]>([
    [false, 'of a fleet that went well', fleet(member(1))],
    [false, 'of one that failed early', fleet(member(1), unfit)],
    [true, 'where one VM had no time left', fleet(member(1), broken(2))],
    [true, 'where one VM was in progress when the step was cancelled', fleet(member(1), cancelled)],
    [true, 'where the only VM had no time left', fleet(broken(1))],
    [true, 'where the step was cancelled before any VM', failedStep(new ActionError('cancelled', 'Stop.'))],
  ])('%p: %s', (expected, _, outcome) => {
    expect(isHurried(outcome)).toBe(expected);
  });
});

describe('the summary', () => {
  const rows = (summary: string) =>
    [...summary.matchAll(/<tr><td>(\d+)<\/td>/g)].map(([, number]) => Number(number));

  test('has the counts, failures first, and a picture', () => {
    const summary = renderSummary(mixed, same);
    expect(summary).toContain('<h3>2 of 5 VMs failed: timed&#95;out</h3>');
    expect(summary).toContain('<p>1 not verified, 1 failed, 1 skipped, 1 restarted, 1 not started</p>');
    expect(summary).toContain('<p><b>What to do about mac-2:</b> Look.</p>');
    expect(rows(summary)).toEqual([2, 5, 3, 1, 4]);
    expect(summary).toContain('<td nowrap>Runner &#34;mac-3&#34; is busy</td>');
    const [, chart = ''] = /\n\n```mermaid\n(.*)\n```\n$/s.exec(summary) ?? [];
    expect(chart.split('\n').slice(3)).toEqual([
      '    1 mac-1 :00:00:01.000, 00:00:09.000',
      '    2 mac-2 :crit, 00:00:02.000, 00:00:10.000',
      '    5 mac-5 :crit, 00:00:05.000, 00:00:13.000',
    ]);
  });

  test('is one block of HTML, and a picture whose time begins with the step', () => {
    const moments = (sent: number) => ({ started: 500, sent, verified: sent + 7_349 });
    const vms = [
      member(1, {
        moments: moments(1_000),
        runner: { status: 'online', backAt: 1 },
        guest: { status: 'up', upAt: 1 },
      }),
      { ...broken(2), moments: { ...moments(2_000), started: 700 } },
    ];
    const boot = '<td nowrap>2024-10-13T11:10:12Z</td><td nowrap>7.3 s</td>';
    expect(renderSummary(fleet(...vms), same).split('\n')).toEqual([
      '<h3>1 of 2 VMs failed: timed&#95;out</h3>',
      '<p>1 not verified, 1 restarted</p>',
      '<p><b>What to do about mac-2:</b> Look.</p>',
      '<table>',
      '<tr><th>no.</th><th>VM</th><th>outcome</th><th>last boot</th><th>verified after</th><th>runner</th><th>guest</th><th>what happened</th></tr>',
      `<tr><td>2</td><td nowrap>mac-2</td><td nowrap>not verified</td>${boot}<td></td><td></td><td nowrap>timed&#95;out: It took too long.</td></tr>`,
      `<tr><td>1</td><td nowrap>mac-1</td><td>restarted</td>${boot}<td>online</td><td>up</td><td></td></tr>`,
      '</table>',
      '',
      '```mermaid',
      'gantt',
      '    dateFormat HH:mm:ss.SSS',
      '    axisFormat %H:%M:%S',
      '    1 mac-1 :00:00:00.500, 00:00:08.500',
      '    2 mac-2 :crit, 00:00:01.500, 00:00:09.500',
      '```',
      '',
    ]);
    const unknown = [1, 2].map((number) => member(number, { ...NOTHING, last: undefined }));
    expect(renderSummary(fleet(...unknown), same).split('\n')).toEqual([
      '<h3>0 of 2 VMs restarted</h3>',
      '<p>2 not started</p>',
      '<table>',
      '<tr><th>no.</th><th>VM</th><th>outcome</th></tr>',
      '<tr><td>1</td><td nowrap>mac-1</td><td nowrap>not started</td></tr>',
      '<tr><td>2</td><td nowrap>mac-2</td><td nowrap>not started</td></tr>',
      '</table>',
    ]);
  });

  test('breaks no short name and no date', () => {
    const [short, long] = ['a-'.padEnd(40, 'b'), 'a-'.padEnd(41, 'b')];
    const vms = [short, long].map((name, index) => ({ ...member(index), name }));
    const summary = renderSummary(fleet(...vms), same);
    expect(summary).toContain(
      `<td nowrap>${short}</td><td>restarted</td><td nowrap>2024-10-13T11:10:12Z</td>`,
    );
    expect(summary).toContain(`<td>${long}</td>`);
  });

  test('has no bar for a VM whose restart was held back as it was about to leave', () => {
    const held = member(1, { ...NOTHING, moments: { started: 0, sent: 1_000 }, leftAlone: 'not_started' });
    expect(renderSummary(fleet(held, held), same)).not.toContain('mermaid');
  });

  test('has no column for what is known of none', () => {
    const headings = (outcome: StepOutcome) =>
      [...renderSummary(outcome, same).matchAll(/<th>(.*?)<\/th>/g)].map(([, heading]) => heading);
    expect(headings(fleet(member(1), member(2)))).toEqual([
      'no.',
      'VM',
      'outcome',
      'last boot',
      'verified after',
    ]);
    const notStarted = member(1, { ...NOTHING, leftAlone: 'not_started' });
    expect(headings(fleet(notStarted, notStarted))).toEqual(['no.', 'VM', 'outcome']);
    expect(headings(mixed)).toEqual(['no.', 'VM', 'outcome', 'last boot', 'verified after', 'what happened']);
  });

  test('of a fleet in which nothing was sent has no picture', () => {
    const summary = renderSummary(fleet(member(1, NOTHING), member(2, NOTHING)), same);
    expect(summary).not.toContain('mermaid');
    expect(summary).not.toContain('What to do');
  });

  test('shows what is known of runner and guest, and of who is under way', () => {
    const vm = member(1, {
      runner: { status: 'online', backAt: 1 },
      guest: { status: 'up', upAt: 1 },
      endedAt: undefined,
    });
    const summary = renderSummary(fleet(vm, vm), same);
    expect(summary).toContain('<td>online</td><td>up</td>');
    expect(summary).not.toContain('mermaid');
  });

  test('has no more bars than can be read', () => {
    const vms = Array.from({ length: 60 }, (_, number) => member(59 - number));
    const summary = renderSummary(fleet(...vms), same);
    expect(summary.match(/^ {4}\d+ mac-/gm)).toHaveLength(50);
    expect(summary).toContain('    60 mac-0 :00:00:00.000');
  });

  test.each([
    ['mac_1.example-2', '1 mac_1.example-2'],
    ['mac 1', 'VM 1'],
    ['mac:1', 'VM 1'],
    ['a'.repeat(40), `1 ${'a'.repeat(40)}`],
    ['a'.repeat(41), 'VM 1'],
    ['secret', 'VM 1'],
    ['', 'VM 1'],
  ])('its picture has the name "%s" as %s: only what is plain', (name, expected) => {
    const summary = renderSummary(fleet({ ...member(1), name }, member(2)), (text) =>
      text.replace('secret', '***'),
    );
    expect(summary).toContain(`\n    ${expected} :00:00:01.000`);
  });

  test('of a dry run says of each VM whether it can be restarted', () => {
    const unfit = member(2, { ...NOTHING, error: new ActionError('not_running', 'No.') });
    const outcome = { ...fleet(member(1, NOTHING), unfit), isDryRun: true };
    expect(renderSummary(outcome, same)).toContain('<p>1 cannot be restarted, 1 can be restarted</p>');
    expect(renderSummary(outcome, same)).toContain('<td nowrap>mac-1</td><td nowrap>can be restarted</td>');
  });

  test('stays below 1 MiB, and says what was left out', () => {
    const nasty = '<😀&'.repeat(300);
    const vms = Array.from({ length: 1_500 }, (_, number) => ({
      ...broken(number, nasty),
      name: `${nasty}${number}`,
    }));
    const summary = renderSummary(fleet(...vms), same);
    expect(Buffer.byteLength(summary)).toBeLessThan(1024 * 1024);
    const shown = rows(summary).length;
    expect(summary).toContain(`<p>${1_500 - shown} more are left out: see the output results.</p>`);
    expect(shown).toBeGreaterThan(50);
  });

  test('lets no text from outside mean anything', () => {
    const hostile = '<img src=x> [a](http://evil.example) `c`\n\n# g';
    const vm = { ...broken(1, hostile), name: hostile };
    const summary = renderSummary(fleet(vm, member(2)), (text) => text.replaceAll('\n', ' '));
    expect(summary).not.toMatch(/<img|\[a\]|`c`|^#|:\/\//m);
  });
});
