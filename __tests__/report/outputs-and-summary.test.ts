import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { failedStep, nothingKnown, type StepOutcome, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import { titleOf } from '../../src/report/conclusion.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { report } from '../../src/report/report.ts';
import { renderSummary, writeSummary } from '../../src/report/summary.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { ID, instance, NEW_BOOT, OLD_BOOT, restarted } from '../support/instances.ts';
import { captureStdout } from '../support/log.ts';

const SUCCESS: VmOutcome = {
  name: ID,
  target: { by: 'instance_id', id: ID },
  endedAt: undefined,
  restarted: 'true',
  before: instance(),
  last: restarted(10, { externalId: undefined }),
  durationMs: 7_349,
  moments: {},
  error: undefined,
};

const NOTHING_DONE = nothingKnown({ name: '', target: undefined });

/** A step about one VM. */
function one(vm: VmOutcome): StepOutcome {
  return { vms: [vm], isDryRun: false, mostFailures: 0, error: vm.error };
}

const same = (text: string) => text;

const hostile = '<img src=x> [a](http://evil.example) `c` **d** | _e_ @f #1 &amp; www.evil.example\n\n# g';

function failure(message: string, details: ConstructorParameters<typeof ActionError>[2] = {}): VmOutcome {
  return { ...NOTHING_DONE, error: new ActionError('vm_failed', message, details) };
}

describe('outputs', () => {
  test('of a restart that went well', () => {
    expect(outputsOf(one(SUCCESS), same)).toEqual({
      restarted: 'true',
      start_date: NEW_BOOT,
      previous_start_date: OLD_BOOT,
      instance_id: 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5',
      external_id: 'runner-1',
      instance_state: 'Started',
      status: 'running',
      node_id: '72650d46-8ebe-4547-bb6c-8eb76e957b0a',
      host_ip: '192.0.2.70',
      ip: '192.168.64.25',
      vnc_port: '5900',
      ssh_port: '10001',
      port_forwarding: '[{"guest_port":22,"host_port":10001,"protocol":"tcp","name":"ssh"}]',
      duration: '7.3',
      runner_status: '',
      guest_status: '',
      results: expect.stringMatching(
        /^\[\{"instance_id":"[^"]+","external_id":"runner-1","outcome":"restarted",/,
      ),
      remaining: '',
      matrix: '[]',
      error_code: '',
    });
  });

  test('of a guest that was waited for, and the date of the proved boot where later answers lack it', () => {
    const last = restarted(20, { startDate: undefined, startDateText: undefined });
    const guest = { status: 'up', upAt: 9_000 } as const;
    expect(outputsOf(one({ ...SUCCESS, last, proof: restarted(10), guest }), same)).toMatchObject({
      guest_status: 'up',
      start_date: NEW_BOOT,
    });
  });

  test('name the external ID that was before, where it is no more, and the dates as far as known', () => {
    const { before, last } = SUCCESS;
    expect(outputsOf(one({ ...NOTHING_DONE, before }), same)).toMatchObject({
      external_id: 'runner-1',
      previous_start_date: OLD_BOOT,
      start_date: '',
      port_forwarding: '',
    });
    expect(outputsOf(one({ ...NOTHING_DONE, last }), same)).toMatchObject({
      external_id: '',
      previous_start_date: '',
      start_date: NEW_BOOT,
    });
    expect(
      outputsOf(one({ ...SUCCESS, before: instance({ startDate: undefined }) }), same).previous_start_date,
    ).toBe('');
    expect(outputsOf(one({ ...SUCCESS, last: instance({ externalId: 'other' }) }), same).external_id).toBe(
      'other',
    );
  });

  test('of ports: the one that leads to SSH, whichever it is', () => {
    const port = (guestPort: number, hostPort: number) => ({
      guestPort,
      hostPort,
      protocol: 'tcp',
      name: undefined,
    });
    const last = instance({ portForwarding: [port(5900, 1), port(22, 2), port(222, 3)] });
    expect(outputsOf(one({ ...NOTHING_DONE, last }), same).ssh_port).toBe('2');
  });

  test('are empty where not even the VM is known', () => {
    const outcome = failedStep(new ActionError('invalid_input', 'x'));
    const outputs = Object.entries(outputsOf(outcome, same)).filter(([, value]) => value !== '');
    expect(outputs).toEqual([
      ['restarted', 'false'],
      ['results', '[]'],
      ['matrix', '[]'],
      ['error_code', 'invalid_input'],
    ]);
    expect(titleOf(outcome)).toBe('VM not restarted: invalid_input');
    expect(renderSummary(outcome, same)).toBe('<h3>VM not restarted: invalid&#95;input</h3>\n<p>x</p>');
    const { error: _, ...vague } = outcome;
    expect(renderSummary({ ...vague, error: undefined }, same)).toBe('<h3>No VM to restart</h3>');
  });

  test('are empty where nothing is known', () => {
    const outputs = Object.entries(outputsOf(one(failure('x')), same)).filter(([, value]) => value !== '');
    expect(outputs).toEqual([
      ['restarted', 'false'],
      ['results', expect.stringContaining('"outcome":"failed","error_code":"vm_failed","message":"x"')],
      ['matrix', '[]'],
      ['error_code', 'vm_failed'],
    ]);
  });

  test('name what was asked for, where the controller never showed it', () => {
    const { error } = failure('x');
    const of = (target: VmOutcome['target'], last?: VmOutcome['last']) => {
      const outputs = outputsOf(one({ ...NOTHING_DONE, target, last, error }), (text) => `shown ${text}`);
      return [outputs.instance_id, outputs.external_id];
    };
    expect(of({ by: 'instance_id', id: ID })).toEqual([ID, 'shown ']);
    expect(of({ by: 'external_id', id: '::x::' })).toEqual(['', 'shown ::x::']);
    expect(of({ by: 'external_id', id: 'x' }, instance())).toEqual([ID, 'shown runner-1']);
  });

  test('of an instance that says little', () => {
    const last = instance({
      externalId: undefined,
      status: undefined,
      startDate: undefined,
      nodeId: undefined,
      hostIp: undefined,
      ip: undefined,
      vncPort: undefined,
      portForwarding: [{ guestPort: 80, hostPort: 8080, protocol: undefined, name: undefined }],
    });
    expect(outputsOf(one({ ...NOTHING_DONE, last }), same)).toMatchObject({
      external_id: '',
      status: '',
      start_date: '',
      node_id: '',
      host_ip: '',
      ip: '',
      vnc_port: '',
      ssh_port: '',
      port_forwarding: '[{"guest_port":80,"host_port":8080,"protocol":"","name":""}]',
    });
  });

  test('are not mutilated where a secret happens to be a part of them', () => {
    const terminal = createTerminal();
    captureStdout();
    for (const secret of ['1000', '2024', 'runn', '192.']) terminal.mask(secret);
    const free = {
      nodeId: 'node-1000',
      portForwarding: [{ guestPort: 22, hostPort: 10_001, protocol: 'tcp', name: '2024' }],
    };
    expect(outputsOf(one({ ...SUCCESS, last: restarted(10, free) }), terminal.clean)).toMatchObject({
      status: 'running',
      start_date: NEW_BOOT,
      ssh_port: '10001',
      ip: '192.168.64.25',
      node_id: 'node-***',
      port_forwarding: '[{"guest_port":22,"host_port":10001,"protocol":"tcp","name":"***"}]',
    });
    const zoned = restarted(10, { ip: 'fe80::1%runner', hostIp: 'runner.example', instanceId: 'runner-7' });
    expect(outputsOf(one({ ...SUCCESS, last: zoned }), terminal.clean)).toMatchObject({
      ip: 'fe80::1%***er',
      host_ip: '***er.example',
      instance_id: '***er-7',
    });
    expect(
      outputsOf(one({ ...SUCCESS, last: restarted(10, { status: 'running away' }) }), terminal.clean).status,
    ).toBe('***ing away');
  });
});

test.each([
  'Scheduling',
  'Pulling',
  'Started',
  'Stopping',
  'Stopped',
  'Terminating',
  'Terminated',
  'Error',
  'Pushing',
  'running',
  'stopped',
  'suspended',
  'deleted',
])('the documented word %s is put out even if a secret is a part of it', (word) => {
  const outputs = outputsOf(one({ ...SUCCESS, last: instance({ state: word, status: word }) }), () => '***');
  expect([outputs.instance_state, outputs.status]).toEqual([word, word]);
});

describe('report', () => {
  let log: ReturnType<typeof captureStdout>;
  beforeEach(() => {
    log = captureStdout();
    delete process.env['GITHUB_OUTPUT'];
  });

  test('sets harmless outputs, and prints no annotation on success', () => {
    report(one({ ...SUCCESS, last: restarted(10, { status: '##[error]\nx' }) }), createTerminal());
    expect(log.lines()).toContain('::set-output name=status::# #[error]\\u000ax');
    expect(log.lines().filter((line) => line.startsWith('::error'))).toEqual([]);
  });

  test('prints one annotation on failure, and the chain of causes to the debug log', () => {
    const cause = Object.assign(new Error('inner'), { stack: undefined, cause: 'root' });
    report(one(failure('What failed.', { hint: 'What to do.', cause })), createTerminal());
    expect(log.lines().filter((line) => line.startsWith('::error'))).toEqual([
      '::error title=VM not restarted%3A vm_failed::What failed.%0AWhat to do.',
    ]);
    const debug = log.lines().filter((line) => line.startsWith('::debug::'));
    expect(debug[0]).toBe('::debug::ActionError: What failed.');
    expect(debug.slice(-2)).toEqual(['::debug::inner', '::debug::root']);
  });

  test('sets the outputs before anybody is told of the failure', () => {
    report(one(failure('What failed.')), createTerminal());
    const [first, ...others] = log.lines();
    expect(first).toBe('::set-output name=restarted::false');
    expect(others.findLastIndex((line) => line.startsWith('::set-output'))).toBeLessThan(
      others.findIndex((line) => /^::(debug|error)/.test(line)),
    );
  });

  test('tells of the failure even where the outputs cannot be set', () => {
    process.env['GITHUB_OUTPUT'] = join(tmpdir(), 'missing', 'outputs');
    expect(report(one(failure('What failed.', { hint: 'What to do.' })), createTerminal())).toBe(false);
    const annotations = log.lines().filter((line) => line.startsWith('::error'));
    expect(annotations).toEqual([
      expect.stringMatching(
        /^::error title=VM not restarted%3A vm_failed%2C outputs not written::What failed\.%0AThe outputs could not be written: Missing file at path: .*%0AWhat to do\.$/,
      ),
    ]);
  });

  test('says whether all is well', () => {
    expect(report(one(SUCCESS), createTerminal())).toBe(true);
    expect(report(one(failure('What failed.')), createTerminal())).toBe(false);
  });

  test('can do without a hint', () => {
    report(one(failure('What failed.')), createTerminal());
    expect(log.lines()).toContain('::error title=VM not restarted%3A vm_failed::What failed.');
  });
});

test.each<[Partial<VmOutcome>, string]>([
  [SUCCESS, 'VM restarted'],
  [{}, 'VM can be restarted (dry run)'],
  [failure('x'), 'VM not restarted: vm_failed'],
  [{ ...failure('x'), restarted: 'unknown' }, 'VM restart not verified: vm_failed'],
  [{ ...failure('x'), restarted: 'true' }, 'VM restarted, but not its runner: vm_failed'],
  [
    { ...failure('x'), restarted: 'true', guest: { status: 'not_up', upAt: undefined } },
    'VM restarted, but not its guest: vm_failed',
  ],
  [
    { ...failure('x'), restarted: 'true', guest: { status: 'up', upAt: 1 } },
    'VM restarted, but not its runner: vm_failed',
  ],
  [{ ...failure('x'), guest: { status: undefined, upAt: undefined } }, 'VM not restarted: vm_failed'],
  [{ leftAlone: 'skipped' }, 'VM left alone: its runner has a job'],
  [{ leftAlone: 'skipped', skippedAs: 'needless' }, 'VM left alone: it needs no restart'],
  [{ leftAlone: 'skipped', skippedAs: 'not running' }, 'VM left alone: it is not running'],
  [{ leftAlone: 'not_started' }, 'VM not restarted: its turn never came'],
])('title %#', (changes, title) => {
  expect(titleOf(one({ ...NOTHING_DONE, ...changes }))).toBe(title);
});

describe('job summary', () => {
  const { clean } = createTerminal();

  test('of a restart that went well: one table', () => {
    const lines = renderSummary(one(SUCCESS), clean).split('\n');
    expect(lines.slice(0, 2)).toEqual(['<h3>VM restarted</h3>', '<table>']);
    expect(lines).toContain(
      `<tr><td>start date</td><td><code>${NEW_BOOT}</code>, before <code>${OLD_BOOT}</code></td></tr>`,
    );
    expect(lines).toContain('<tr><td>verified after</td><td><code>7.3 s</code></td></tr>');
  });

  test('shows what was before where it was something else', () => {
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
      `<code>${text}</code>${before === undefined ? '' : `, before <code>${before}</code>`}`;
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

  test('of a runner that came back: its status, a chart, and a table for whoever shows none', () => {
    const moments = { started: 0, heldUp: 0, cleared: 61_000, sent: 61_000, verified: 68_000 };
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
      '    restart sent to VM verified :00:01:01.000, 00:01:08.000',
      '    VM verified to runner back :00:01:08.000, 00:02:48.000',
      '```',
      '',
      '<table>',
      '<tr><th></th><th>from</th><th>duration</th></tr>',
      '<tr><td>wait until no job runs</td><td>0.0 s</td><td>61.0 s</td></tr>',
      '<tr><td>restart sent to VM verified</td><td>61.0 s</td><td>7.0 s</td></tr>',
      '<tr><td>VM verified to runner back</td><td>68.0 s</td><td>100.0 s</td></tr>',
      '</table>',
    ]);
    expect(outputsOf(one(outcome), same).runner_status).toBe('online');
  });

  test('has neither where no runner was looked after, or nothing was waited for', () => {
    const moments = { started: 0, sent: 0, verified: 7_000 };
    expect(renderSummary(one({ ...SUCCESS, moments }), clean)).not.toContain('mermaid');
    const runner = { status: undefined, backAt: undefined };
    expect(renderSummary(one({ ...NOTHING_DONE, runner }), clean)).toBe(
      '<h3>VM can be restarted &#40;dry run&#41;</h3>',
    );
  });

  test('has no chart of what took longer than a day', () => {
    const moments = { started: 0, heldUp: 0, cleared: 90_000_000, sent: 90_000_000, verified: 90_007_000 };
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

  test('of a VM that was left alone says what for', () => {
    const outcome: VmOutcome = { ...NOTHING_DONE, leftAlone: 'skipped', leftAloneFor: 'A "job".' };
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
    ['a runner nobody knows of', { runner: { status: undefined, backAt: undefined } }],
  ])('of %s says nothing of a duration or runner that is not known', (_, changes) => {
    const summary = renderSummary(one({ ...NOTHING_DONE, last: instance(), ...changes }), clean);
    expect(summary).not.toMatch(/duration|runner<|undefined/);
  });

  test('tells of a guest, and when it was up', () => {
    const guest = { status: 'up', upAt: 9_000 } as const;
    const moments = { started: 1_000, sent: 2_000, verified: 5_000 };
    const summary = renderSummary(one({ ...SUCCESS, proof: restarted(10), moments, guest }), clean);
    expect(summary).toContain('<tr><td>guest</td><td><code>up</code></td></tr>');
    expect(summary).toContain('<tr><td>VM verified to guest up</td><td>4.0 s</td><td>4.0 s</td></tr>');
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
