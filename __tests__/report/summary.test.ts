import { describe, expect, test } from '@jest/globals';
import type { VmOutcome } from '../../src/fleet/step-outcome.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { renderSummary, writeSummary } from '../../src/report/summary.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { instance, NEW_BOOT, OLD_BOOT, restarted } from '../support/instances.ts';
import { captureStdout } from '../support/log.ts';
import { failure, NOTHING_DONE, one, SUCCESS, same } from '../support/outcomes.ts';

const hostile = '<img src=x> [a](http://evil.example) `c` **d** | _e_ @f #1 &amp; www.evil.example\n\n# g';

describe('job summary', () => {
  const { clean } = createTerminal();

  test('of a restart that went well: one table', () => {
    const lines = renderSummary(one(SUCCESS), clean).split('\n');
    expect(lines.slice(0, 2)).toEqual(['<h3>VM restarted</h3>', '<table>']);
    expect(lines).toContain(
      `<tr><td>start date</td><td><code>${NEW_BOOT}</code>, previously <code>${OLD_BOOT}</code></td></tr>`,
    );
    expect(lines).toContain('<tr><td>verified after</td><td><code>7.3 s</code></td></tr>');
  });

  test('shows the earlier value if it was different', () => {
    const before = instance({
      name: 'old',
      state: 'Pulling',
      status: 'stopped',
      nodeId: 'a',
      hostIp: '192.0.2.1',
      ip: undefined,
      vncPort: undefined,
      portForwarding: [],
    });
    const rows = renderSummary(one({ ...SUCCESS, before, last: restarted(10, { externalId: 'new' }) }), clean)
      .split('\n')
      .flatMap((line) => {
        const [, ...row] = /^<tr><td>(.+?)<\/td><td>(.*?)<\/td><\/tr>$/.exec(line) ?? [];
        return row.length === 0 ? [] : [row];
      });
    const code = (text: string, before?: string) =>
      `<code>${text}</code>${before === undefined ? '' : `, previously <code>${before}</code>`}`;
    expect(rows).toEqual([
      ['instance', code('c2af6080-3ae3-4cd3-64e5-2193f31b9aa5')],
      ['external id', code('new', 'runner-1')],
      ['name', code('vm-1', 'old')],
      ['instance state', code('Started', 'Pulling')],
      ['VM status', code('running', 'stopped')],
      ['start date', code(NEW_BOOT, OLD_BOOT)],
      ['node', code('72650d46-8ebe-4547-bb6c-8eb76e957b0a', 'a')],
      ['host IP', code('192.0.2.70', '192.0.2.1')],
      ['VM IP', code('192.168.64.25')],
      ['VNC port', code('5900')],
      ['SSH port', code('10001')],
      ['verified after', code('7.3 s')],
    ]);
  });

  test('is one block, of lines that end', () => {
    const lines = renderSummary(one({ ...SUCCESS, durationMs: undefined }), clean).split('\n');
    expect(lines.slice(-2)).toEqual(['<tr><td>SSH port</td><td><code>10001</code></td></tr>', '</table>']);
  });

  test.each([
    ['Zürich, 東京; e\u0301 10:51/x-y.', 'Zürich, 東京; e\u0301 10:51/x-y.'],
    ['http://x', 'http&#58;&#47;&#47;x'],
    ['🚀', '&#128640;'],
    ['a_b', 'a&#95;b'],
    ['"', '&#34;'],
  ])('%j is %s', (message, shown) => {
    expect(renderSummary(one(failure(message)), clean).split('\n')[1]).toBe(`<p>${shown}</p>`);
  });

  test('of a runner that came back: its status, a chart, and a table if charts are not shown', () => {
    const moments = { started: 0, gateAsked: 0, gateAnswered: 61_000, sent: 61_000, verified: 68_000 };
    const last = restarted(10, { reportedAt: undefined });
    const outcome: VmOutcome = { ...SUCCESS, moments, last, runner: { status: 'online', backAt: 168_000 } };
    const lines = renderSummary(one(outcome), clean).split('\n');
    expect(lines).toContain('<tr><td>runner</td><td><code>online</code></td></tr>');
    expect(outputsOf(one({ ...outcome, durationMs: 0 }), same).duration).toBe('0.0');
    expect(lines.slice(lines.indexOf('</table>') + 1)).toEqual([
      '',
      '```mermaid',
      'gantt',
      '    dateFormat HH:mm:ss.SSS',
      '    axisFormat %H:%M:%S',
      '    wait until no job runs :00:00:00.000, 00:01:01.000',
      '    restart sent → VM verified :00:01:01.000, 00:01:08.000',
      '    VM verified → runner back :00:01:08.000, 00:02:48.000',
      '```',
      '',
      '<table>',
      '<tr><th></th><th>from</th><th>duration</th></tr>',
      '<tr><td>wait until no job runs</td><td>0.0 s</td><td>61.0 s</td></tr>',
      '<tr><td>restart sent → VM verified</td><td>61.0 s</td><td>7.0 s</td></tr>',
      '<tr><td>VM verified → runner back</td><td>68.0 s</td><td>100.0 s</td></tr>',
      '</table>',
    ]);
    expect(outputsOf(one(outcome), same).runner_status).toBe('online');
  });

  test('has neither if no runner was guarded, or nothing was waited for', () => {
    const moments = { started: 0, sent: 0, verified: 7_000 };
    expect(renderSummary(one({ ...SUCCESS, moments }), clean)).not.toContain('mermaid');
    const runner = { status: undefined, backAt: undefined };
    expect(renderSummary(one({ ...NOTHING_DONE, runner }), clean)).toBe(
      '<h3>VM can be restarted &#40;dry run&#41;</h3>',
    );
  });

  test('has no chart of what took longer than a day', () => {
    const moments = {
      started: 0,
      gateAsked: 0,
      gateAnswered: 90_000_000,
      sent: 90_000_000,
      verified: 90_007_000,
    };
    const runner = { status: undefined, backAt: undefined };
    const summary = renderSummary(one({ ...SUCCESS, moments, runner }), clean);
    expect(summary).not.toMatch(/mermaid|\n\n/);
    expect(summary).toContain('<td>90000.0 s</td>');
  });

  test('of a failure before anything was seen: the reason and what to do', () => {
    expect(renderSummary(one(failure('One.\n- Two.', { hint: 'Do it!' })), clean)).toBe(
      '<h3>VM not restarted: vm&#95;failed</h3>\n<p>One.</p>\n<ul><li>Two.</li></ul>\n<p><b>What to do:</b> Do it&#33;</p>',
    );
    expect(renderSummary(one(failure('One.')), clean)).not.toContain('What to do');
  });

  test('of a VM that was left alone says why', () => {
    const outcome: VmOutcome = { ...NOTHING_DONE, leftAlone: new LeftAlone('busy', 'A "job".') };
    expect(renderSummary(one(outcome), clean)).toBe(
      '<h3>VM left alone: its runner has a job</h3>\n<p>A &#34;job&#34;.</p>',
    );
    expect(JSON.parse(outputsOf(one({ ...outcome, target: SUCCESS.target }), clean).results)[0].message).toBe(
      'A "job".',
    );
  });

  test('of a failure after something was seen has the table, too', () => {
    const summary = renderSummary(one({ ...failure('One.'), last: instance() }), clean);
    expect(summary).toContain(`<tr><td>start date</td><td><code>${OLD_BOOT}</code></td></tr>`);
    const unknown = renderSummary(one({ ...failure('One.'), last: instance({ nodeId: undefined }) }), clean);
    expect(unknown).toContain('<tr><td>node</td><td></td></tr>');
  });

  test('gives text from outside no meaning as HTML or Markdown', () => {
    const summary = renderSummary(
      one({ ...failure(hostile, { hint: hostile }), last: instance({ name: hostile }) }),
      clean,
    );
    const own = summary.replace(/<\/?(h3|p|b|li|table|tr|th|td|code)>|&#\d+;/g, '');
    expect(own).not.toMatch(/[<>&`*|_[\]()@#\\!]|:\/\//);
    expect(summary).not.toMatch(/\n\s*\n/);
  });

  test.each([
    ['a restart', { restarted: 'true' as const }],
    ['a runner of unknown status', { runner: { status: undefined, backAt: undefined } }],
  ])('of %s says nothing of a duration or runner that is not known', (_, changes) => {
    const summary = renderSummary(one({ ...NOTHING_DONE, last: instance(), ...changes }), clean);
    expect(summary).not.toMatch(/duration|runner<|undefined/);
  });

  test('shows a guest, and when it was up', () => {
    const guest = { status: 'up', upAt: 9_000 } as const;
    const moments = { started: 1_000, sent: 2_000, verified: 5_000 };
    const summary = renderSummary(one({ ...SUCCESS, proof: restarted(10), moments, guest }), clean);
    expect(summary).toContain('<tr><td>guest</td><td><code>up</code></td></tr>');
    expect(summary).toContain('<tr><td>VM verified → guest up</td><td>4.0 s</td><td>4.0 s</td></tr>');
  });

  test('that cannot be written is only a warning', async () => {
    const log = captureStdout();
    delete process.env['GITHUB_STEP_SUMMARY'];
    await writeSummary(one(SUCCESS), createTerminal());
    expect(log.lines()).toEqual([
      expect.stringMatching(/^::warning::The job summary could not be written: .*GITHUB_STEP_SUMMARY/),
    ]);
  });
});
