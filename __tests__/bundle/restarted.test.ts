import { describe, expect, test } from '@jest/globals';
import type { Interventions } from '../../simulator/server.ts';
import { type Edit, edited, isPoll, isRestart, play, setting } from '../support/scenario.ts';

// The committed bundle as a process, against the simulator: what ends in "restarted".

/** Edits the first `count` answers after the restart was carried out, so that a condition is met late. */
function late(count: number, edit: Edit): () => Interventions {
  let left = count;
  return () => ({
    after(request, reaction) {
      if (!isPoll(request) || !isNew(reaction.body) || left === 0) return undefined;
      left--;
      return edited(reaction, edit);
    },
  });
}

const today = new Date().toISOString().slice(0, 4);
const IN_A_YEAR = new Date(Date.now() + 365 * 86_400_000).toISOString();

/** The simulator's VMs have run for at least an hour, so a start_date within the last minute is new. */
function isNew(body: string): boolean {
  const [, start = ''] = /"start_date":"([^"]+)"/.exec(body) ?? [];
  return Date.now() - Date.parse(start) < 60_000;
}

test('a restart that succeeds', async () => {
  const { exitCode, story, world, record, outputs, summary, log } = await play({
    inputs: { vnc_password: 'hunter2' },
  });
  expect(exitCode).toBe(0);
  expect(story).toEqual(['GET one', 'POST restart', 'GET one']);
  expect(world.restarts).toEqual([record.instanceId]);
  expect(outputs).toEqual({
    restarted: 'true',
    start_date: expect.stringMatching(new RegExp(`^${today}-.*Z$`)),
    previous_start_date: expect.any(String),
    instance_id: record.instanceId,
    external_id: 'runner-1',
    instance_state: 'Started',
    status: 'running',
    node_id: record.node?.id,
    host_ip: record.node?.ip,
    ip: record.vm?.ip,
    vnc_port: '5901',
    ssh_port: '10000',
    port_forwarding: expect.stringContaining('"guest_port":22'),
    duration: expect.stringMatching(/^\d+\.\d$/),
    runner_status: '',
    guest_status: '',
    results: expect.stringContaining('"outcome":"restarted"'),
    remaining: '',
    matrix: '[]',
    error_code: '',
  });
  expect(outputs['start_date']).not.toBe(outputs['previous_start_date']);
  expect(summary).toContain('<h3>VM restarted</h3>');
  expect(log).toMatch(/^Restarted and verified in \d+\.\d s: /m);
});

test('newly forwarded ports are reported', async () => {
  const { outputs, summary, record } = await play({ world: { nodes: 1, reassignsPorts: true } });
  expect([outputs['restarted'], outputs['ssh_port']]).toEqual(['true', '10003']);
  expect(outputs['port_forwarding']).toContain('"host_port":10003');
  expect(summary).toContain('10003');
  expect(record.vm?.sshPort).toBe(10_003);
});

test('the request carries what was given, and nothing else', async () => {
  const { simulator, record } = await play({ inputs: { vnc_password: ' p w ', usb_device: ' iPhone ' } });
  expect(simulator.requests.filter(isRestart).map(({ body }) => JSON.parse(body))).toEqual([
    { instance_id: record.instanceId, vnc_password: ' p w ', usb_device: 'iPhone' },
  ]);
  const blank = await play({ inputs: { vnc_password: '', usb_device: ' ' } });
  expect(blank.simulator.requests.filter(isRestart).map(({ body }) => JSON.parse(body))).toEqual([
    { instance_id: blank.record.instanceId },
  ]);
});

test('found through its external ID', async () => {
  const { story, outputs } = await play({ inputs: { external_id: 'runner-2' } });
  expect(story).toEqual(['GET all', 'GET one', 'POST restart', 'GET one']);
  expect(outputs).toMatchObject({ restarted: 'true', external_id: 'runner-2' });
});

test('a dry run changes nothing', async () => {
  const { exitCode, story, outputs, world, log } = await play({ inputs: { dry_run: 'true' } });
  expect([exitCode, story, world.restarts]).toEqual([0, ['GET one'], []]);
  expect(outputs).toMatchObject({ restarted: 'false', error_code: '', status: 'running' });
  expect(log).toContain('Dry run: nothing was changed. Would restart instance');
});

describe('only once it is proved', () => {
  test.each<[string, Edit, string]>([
    [
      'the state is late',
      setting({ instance_state: 'Stopping' }),
      'instance_state is "Stopping", not "Started"',
    ],
    ['the status is late', setting({}, { status: 'stopped' }), 'status is "stopped", not "running"'],
    ['the date is late', setting({}, { start_date: undefined }), 'start_date is none, not a new one'],
    [
      'the date is the zero date',
      setting({}, { start_date: '0001-01-01T00:00:00Z' }),
      'start_date is 0001-01-01T00:00:00Z',
    ],
    [
      'the date is a year later than its own report',
      setting({}, { start_date: IN_A_YEAR }),
      `start_date ${IN_A_YEAR} is later than the report that shows it`,
    ],
    [
      'vminfo is missing',
      setting({ vminfo: undefined }),
      'status is "none", not "running"; start_date is none',
    ],
  ])('%s', async (_, edit, waiting) => {
    const { exitCode, outputs, log, posts } = await play({ interventions: late(3, edit) });
    expect([exitCode, outputs['restarted'], posts]).toEqual([0, 'true', 1]);
    expect(log).toContain(`waiting: ${waiting}`);
    // If nothing has changed, only the debug log has a line.
    expect(log.split(waiting).length).toBeGreaterThan(3);
  });

  test('the old instant, written at another offset, is the old instant', async () => {
    const inAuckland = (date: string) =>
      `${new Date(Date.parse(date) + 13 * 3_600_000).toISOString().slice(0, -1)}+13:00`;
    let polls = 0;
    let old = '';
    const { outputs, log } = await play({
      interventions: () => ({
        after(request, reaction) {
          if (!isPoll(request)) return undefined;
          return edited(reaction, (_, vminfo) => {
            if (polls++ === 0) old = String(vminfo['start_date']);
            else if (polls < 6) vminfo['start_date'] = inAuckland(old);
          });
        },
      }),
    });
    expect(outputs['restarted']).toBe('true');
    expect(log).toContain('+13:00, not a new one');
    expect(outputs['start_date']).not.toContain('+13:00');
  });

  test('a new date in an answer older than the baseline proves nothing', async () => {
    const { outputs, log } = await play({
      interventions: late(3, (instance, vminfo) => {
        instance['ts'] = '2020-01-01T00:00:00Z';
        vminfo['timestamp'] = '2020-01-01T00:00:00Z';
        vminfo['start_date'] = '2019-12-31T00:00:00Z';
      }),
    });
    expect(outputs['start_date']).toMatch(new RegExp(`^${today}`));
    expect(log).toContain(
      'waiting: the answer is older than one seen before (of 2020-01-01T00:00:00Z and 2020-01-01T00:00:00Z)',
    );
  });

  test('the message, left over from earlier, is never judged', async () => {
    const { outputs } = await play({
      interventions: late(100, setting({ message: 'Unexpected VM state: "stopped"' })),
    });
    expect(outputs['restarted']).toBe('true');
  });
});

describe('despite temporary faults', () => {
  // The agent stops for long enough that Error, absence and "deleted" are seen.
  const slow = { stopMs: 300, startMs: 1_800, heartbeatMs: 300 };

  test.each([
    [
      '1.46.0',
      'instance_state is "Error", which is a failure if it lasts for 30 s; status is "deleted", not "running"',
    ],
    ['1.46.0', 'the controller does not list the instance'],
    ['1.48.0', 'status is "stopped", not "running"'],
    ['1.50.1', 'status is "stopped", not "running"'],
  ])('controller %s: %s', async (controllerVersion, waiting) => {
    const { exitCode, outputs, log, posts } = await play({ world: { ...slow, controllerVersion } });
    expect([exitCode, outputs['restarted'], posts]).toEqual([0, 'true', 1]);
    expect(log).toContain(`waiting: ${waiting}`);
  });

  test.each<[string, ReturnType<NonNullable<Interventions['before']>>]>([
    [
      '502 with HTML',
      {
        kind: 'answer',
        status: 502,
        headers: { 'content-type': 'text/html' },
        body: '<html>Bad Gateway</html>',
      },
    ],
    ['429 with Retry-After', { kind: 'answer', status: 429, headers: { 'retry-after': '1' }, body: '' }],
    ['resets', { kind: 'reset' }],
    ['JSON that is cut off', { kind: 'answer', body: '{"status":"OK","body":{"instance_id"' }],
    ['JSON over 1 MiB', { kind: 'answer', body: `{"status":"OK","body":"${'x'.repeat(2 * 1024 * 1024)}"}` }],
    ['headers that never arrive', { kind: 'hang' }],
    ['a body that never ends', { kind: 'hang in body', start: '{"status":"OK"' }],
  ])('%s, on every other poll', async (_, fault) => {
    let polls = 0;
    const interventions = () => ({
      before: (request: Parameters<typeof isPoll>[0]) =>
        isPoll(request) && polls++ % 2 === 0 ? fault : undefined,
    });
    const { exitCode, outputs, log, posts } = await play({
      interventions,
      inputs: { request_timeout: '0.3s' },
    });
    expect([exitCode, outputs['restarted'], posts]).toEqual([0, 'true', 1]);
    expect(log).toContain('The controller gave no usable answer: ');
  });

  test.each<[string, Partial<Interventions>]>([
    ['lost', { after: (request) => (isRestart(request) ? { kind: 'reset' } : undefined) }],
    ['never finished', { after: (request) => (isRestart(request) ? { kind: 'hang' } : undefined) }],
    [
      'cut off',
      { after: (request) => (isRestart(request) ? { kind: 'hang in body', start: '{"sta' } : undefined) },
    ],
    [
      '502',
      {
        after: (request) =>
          isRestart(request) ? { kind: 'answer', status: 502, body: '<html>' } : undefined,
      },
    ],
  ])('the answer to the restart is %s, but it was carried out', async (_, interventions) => {
    const { exitCode, outputs, world, log, posts } = await play({
      interventions: () => interventions,
      inputs: { request_timeout: '0.5s' },
    });
    expect([exitCode, outputs['restarted'], posts, world.restarts.length]).toEqual([0, 'true', 1, 1]);
    expect(log).toContain('It is unclear whether the restart was accepted; looking for a new boot');
  });

  test('the restart meets 429: it was not carried out, so it is sent again', async () => {
    let posts = 0;
    const busy = { kind: 'answer', status: 429, body: '' } as const;
    const { outputs, world } = await play({
      interventions: () => ({
        before: (request) => (isRestart(request) && posts++ === 0 ? busy : undefined),
      }),
    });
    expect([outputs['restarted'], posts, world.restarts.length]).toEqual(['true', 2, 1]);
  });
});
