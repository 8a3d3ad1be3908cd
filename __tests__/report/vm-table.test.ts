import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import type { StepOutcome } from '../../src/fleet/step-outcome.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { broken, fleet, member, mixed, NOTHING, same } from '../support/outcomes.ts';

describe('the summary', () => {
  const rows = (summary: string) =>
    [...summary.matchAll(/<tr><td>(\d+)<\/td>/g)].map(([, number]) => Number(number));

  test('has the counts, failures first, and a picture', () => {
    const summary = renderSummary(mixed, same);
    expect(summary).toContain('<h3>1 of 5 VMs failed, 1 not verified: timed&#95;out</h3>');
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
      '<h3>1 of 2 VMs not verified: timed&#95;out</h3>',
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

  test('has no counts if every VM was restarted, which the title says', () => {
    const [title, next] = renderSummary(fleet(member(1), member(2)), same).split('\n');
    expect([title, next]).toEqual(['<h3>2 of 2 VMs restarted</h3>', '<table>']);
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
    const held = member(1, {
      ...NOTHING,
      moments: { started: 0, sent: 1_000 },
      leftAlone: new LeftAlone('not started'),
    });
    expect(renderSummary(fleet(held, held), same)).not.toContain('mermaid');
  });

  test('has no column if no VM has a value for it', () => {
    const headings = (outcome: StepOutcome) =>
      [...renderSummary(outcome, same).matchAll(/<th>(.*?)<\/th>/g)].map(([, heading]) => heading);
    expect(headings(fleet(member(1), member(2)))).toEqual([
      'no.',
      'VM',
      'outcome',
      'last boot',
      'verified after',
    ]);
    const notStarted = member(1, { ...NOTHING, leftAlone: new LeftAlone('not started') });
    expect(headings(fleet(notStarted, notStarted))).toEqual(['no.', 'VM', 'outcome']);
    expect(headings(mixed)).toEqual(['no.', 'VM', 'outcome', 'last boot', 'verified after', 'what happened']);
  });

  test('of a fleet in which nothing was sent has no picture', () => {
    const summary = renderSummary(fleet(member(1, NOTHING), member(2, NOTHING)), same);
    expect(summary).not.toContain('mermaid');
    expect(summary).not.toContain('What to do');
  });

  test('shows what is known about runner, guest and VMs in progress', () => {
    const vm = member(1, {
      runner: { status: 'online', backAt: 1 },
      guest: { status: 'up', upAt: 1 },
      endedAt: undefined,
    });
    const summary = renderSummary(fleet(vm, vm), same);
    expect(summary).toContain('<td>online</td><td>up</td>');
    expect(summary).not.toContain('mermaid');
  });

  test('has only as many bars as are readable', () => {
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

  test('gives text from outside no meaning', () => {
    const hostile = '<img src=x> [a](http://evil.example) `c`\n\n# g';
    const vm = { ...broken(1, hostile), name: hostile };
    const summary = renderSummary(fleet(vm, member(2)), (text) => text.replaceAll('\n', ' '));
    expect(summary).not.toMatch(/<img|\[a\]|`c`|^#|:\/\//m);
  });
});
