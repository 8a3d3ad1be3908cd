import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { failedStep, type VmOutcome } from '../../src/fleet/step-outcome.ts';
import { announceOutputs, cut, outputsOf, saveDrains } from '../../src/report/outputs.ts';
import { titleOf } from '../../src/report/report.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { createTerminal } from '../../src/report/terminal.ts';
import { LeftAlone } from '../../src/restart/outcome.ts';
import { ID, instance, NEW_BOOT, OLD_BOOT, restarted } from '../support/instances.ts';
import { captureStdout } from '../support/log.ts';
import {
  broken,
  failure,
  fleet,
  id,
  member,
  mixed,
  NOTHING,
  NOTHING_DONE,
  one,
  SUCCESS,
  same,
} from '../support/outcomes.ts';

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

  test('of a guest that was waited for, and the date of the proved boot if later answers lack it', () => {
    const last = restarted(20, { startDate: undefined, startDateText: undefined });
    const guest = { status: 'up', upAt: 9_000 } as const;
    expect(outputsOf(one({ ...SUCCESS, last, proof: restarted(10), guest }), same)).toMatchObject({
      guest_status: 'up',
      start_date: NEW_BOOT,
    });
  });

  test('contain the earlier external ID if it is gone, and the dates as far as known', () => {
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

  test('are empty if not even the VM is known', () => {
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

  test('are empty if nothing is known', () => {
    const outputs = Object.entries(outputsOf(one(failure('x')), same)).filter(([, value]) => value !== '');
    expect(outputs).toEqual([
      ['restarted', 'false'],
      ['results', expect.stringContaining('"outcome":"failed","error_code":"vm_failed","message":"x"')],
      ['matrix', '[]'],
      ['error_code', 'vm_failed'],
    ]);
  });

  test('name the target if the controller never showed it', () => {
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

  test('are not damaged if a secret happens to be part of them', () => {
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
    const hex = Buffer.from('hunter2').toString('hex');
    terminal.mask('hunter2');
    expect(
      outputsOf(one({ ...SUCCESS, last: restarted(10, { hostIp: hex }) }), terminal.clean),
    ).toMatchObject({
      host_ip: '***',
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
])('the documented word %s is output even if a secret is a part of it', (word) => {
  const outputs = outputsOf(one({ ...SUCCESS, last: instance({ state: word, status: word }) }), () => '***');
  expect([outputs.instance_state, outputs.status]).toEqual([word, word]);
});

describe('the outputs of several VMs', () => {
  test('contain nothing about one VM, and everything about each', () => {
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

  test('leave out of remaining and matrix what needs no restart, and what is not running', () => {
    const skippedAs = (why: LeftAlone['why']) => ({ ...NOTHING, leftAlone: new LeftAlone(why) });
    const outcome = fleet(
      member(1, skippedAs('needless')),
      member(2, skippedAs('not running')),
      member(3, skippedAs('busy')),
    );
    expect(outputsOf(outcome, same)).toMatchObject({
      remaining: id(3),
      matrix: JSON.stringify([{ name: 'mac-3', instance_id: id(3) }]),
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

  test('contain nothing that is masked', () => {
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
  ])('of %d VMs stay below what GitHub accepts', (count, _, fields) => {
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
  ])('of many VMs contain %s', (_, count, without) => {
    const vms = Array.from({ length: count }, (__, number) => broken(number, 'x'.repeat(80)));
    const [first] = JSON.parse(outputsOf(fleet(...vms), same).results);
    const [whole] = JSON.parse(outputsOf(fleet(broken(0, 'x'.repeat(80))), same).results);
    expect(first).toEqual(
      Object.fromEntries(Object.entries(whole).filter(([name]) => !without.includes(name))),
    );
  });

  test('that are many account for the other outputs', () => {
    const vms = Array.from({ length: 1_500 }, (_, number) => member(number, NOTHING));
    const { results, remaining, matrix } = outputsOf(fleet(...vms), same);
    expect(results.length + remaining.length + matrix.length).toBeLessThanOrEqual(450_000);
  });

  test('a message is truncated only if there is no room', () => {
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

describe('what is written before a restart is sent', () => {
  const environment = { ...process.env };
  let log: ReturnType<typeof captureStdout>;

  beforeEach(() => {
    // Without a file for it, @actions/core prints everything.
    process.env = { ...environment, GITHUB_OUTPUT: '', GITHUB_STATE: '' };
    log = captureStdout();
  });

  afterEach(() => {
    process.env = environment;
  });

  test('the outputs, as far as they are known', () => {
    announceOutputs(one(SUCCESS), createTerminal());
    expect(log.lines()).toContain(`::set-output name=instance_id::${ID}`);
  });

  test('outputs that cannot be written are an error: nothing could be reported later', () => {
    process.env['GITHUB_OUTPUT'] = join('missing', 'folder', 'output');
    const announce = () => announceOutputs(one(SUCCESS), createTerminal());
    expect(announce).toThrow(ActionError);
    expect(announce).toThrow(
      expect.objectContaining({
        code: 'internal_error',
        message: expect.stringMatching(
          /^The outputs cannot be written, so no restart was sent: .*missing.*output/,
        ),
        hint: 'Check the file that GITHUB_OUTPUT names, and the disk of the machine that runs the step.',
        cause: expect.any(Error),
      }),
    );
  });

  test('the drains for the post step; nothing if there are none', () => {
    const drain = { id: 23, name: 'mac-7', names: ['macos'], owner: '9001-1764421200' };
    saveDrains([drain]);
    saveDrains([]);
    expect(log.lines()).toEqual([
      `::save-state name=drains::${JSON.stringify([drain])}`,
      '::save-state name=drains::',
    ]);
  });
});
