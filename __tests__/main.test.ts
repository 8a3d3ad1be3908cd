import { execFileSync } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { EOL, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import nock from 'nock';
import { Dispatcher } from 'undici';
import { serve } from '../simulator/server.ts';
import { DEFAULT_WORLD, World } from '../simulator/world.ts';
import { systemClock } from '../src/clock.ts';
import { readInputs } from '../src/inputs/inputs.ts';
import { main, run as runStep } from '../src/main.ts';
import { cancelOnSignals } from '../src/process.ts';
import { saveDrains } from '../src/report/outputs.ts';
import { createTerminal } from '../src/report/terminal.ts';
import { playStep } from './simulation/play-step.ts';
import { GITHUB_TOKEN, playOnStage } from './simulation/stage.ts';
import { createFakeClock, createPausingClock } from './support/fake-clock.ts';
import { ID } from './support/instances.ts';
import { captureStdout } from './support/log.ts';
import { talking } from './support/loopback.ts';
import { wireRunner } from './support/runners.ts';

const ORIGIN = 'http://controller.example:8090';
const ONE = `/api/v1/vm?id=${ID}`;
const OTHER_ID = ID.replace('c2', 'd2');
const VALID = { controller_url: ORIGIN, instance_id: ID, dry_run: 'true' };
const RUNNING = {
  status: 'OK',
  body: {
    instance_id: ID,
    instance_state: 'Started',
    ts: '2024-10-13T11:10:07.604Z',
    vminfo: {
      status: 'running',
      start_date: '2024-10-13T10:51:34Z',
      timestamp: '2024-10-13T13:10:02.690025+02:00',
    },
  },
};

// @actions/core finds its files once.
const folder = mkdtempSync(join(tmpdir(), 'main-'));
let log: ReturnType<typeof captureStdout>;
const environment = { ...process.env };

function file(name: string): string {
  return readFileSync(join(folder, name), 'utf8').replaceAll(EOL, '\n');
}

/** Runs the step in this process: its exit code. */
async function run(
  inputs: Readonly<Record<string, string>>,
  endWithin = jest.fn<(ms: number) => void>(),
  step = main,
): Promise<typeof process.exitCode> {
  for (const [name, value] of Object.entries(inputs)) process.env[`INPUT_${name.toUpperCase()}`] = value;
  await step(cancelOnSignals(), endWithin);
  expect(endWithin).toHaveBeenCalledTimes(1);
  for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.removeAllListeners(event);
  const { exitCode } = process;
  process.exitCode = undefined;
  return exitCode;
}

beforeEach(() => {
  nock.disableNetConnect();
  process.env = {
    ...environment,
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
  };
  for (const name of ['output', 'summary']) writeFileSync(join(folder, name), '');
  log = captureStdout();
});

afterEach(() => {
  process.env = environment;
  nock.abortPendingRequests();
  nock.cleanAll();
});

afterAll(() => {
  nock.restore();
  rmSync(folder, { recursive: true });
});

test('a dry run succeeds, with outputs and a summary', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  expect(await run(VALID)).toBe(0);
  expect(file('output')).toMatch(/^restarted<<(.*)\nfalse\n\1$/m);
  expect(file('summary')).toMatch(/^<h3>VM can be restarted &#40;dry run&#41;<\/h3>\n.*<\/table>\n$/s);
  expect(log.lines()).toContain(`Controller: ${ORIGIN}/`);
  expect(log.lines().filter((line) => line.startsWith('::warning::'))).toEqual([]);
});

const API = 'https://api.github.example';
const RUNNERS = '/orgs/octo-org/actions/runners';
const ASKED = { ...VALID, runner_name: 'mac-7', runner_scope: 'octo-org', github_token: 'hunter2-token' };

describe('with runner_name', () => {
  beforeEach(() => {
    process.env['GITHUB_API_URL'] = API;
  });

  test('a dry run also reads the runner, and changes nothing', async () => {
    nock(ORIGIN).get(ONE).reply(200, RUNNING);
    nock(API)
      .get(RUNNERS)
      .query({ per_page: 100 })
      .reply(200, { total_count: 1, runners: [wireRunner({ busy: true })] });
    expect(await run(ASKED)).toBe(0);
    expect(log.lines()).toContain('Dry run: Runner "mac-7" (ID 23) is online, busy');
    expect(log.lines()).toContainEqual(expect.stringMatching(/^::debug::GitHub answered 1 requests/));
    expect(file('output')).toMatch(/^runner_status<<(.*)\n\n\1$/m);
    expect(nock.isDone()).toBe(true);
  });

  test('the external ID in runner_name is read from the list, even if only a later list has the VM', async () => {
    nock(ORIGIN).get(ONE).reply(200, RUNNING);
    const { body: vm } = RUNNING;
    const listed = { instance_id: ID, external_id: 'mac-7', vm };
    for (const body of [[], [listed]]) nock(ORIGIN).get('/api/v1/vm').reply(200, { status: 'OK', body });
    nock(API)
      .get(RUNNERS)
      .query(true)
      .reply(200, { total_count: 1, runners: [wireRunner()] });
    const clock = createPausingClock();
    const host = { clock, signal: clock.signal, random: () => 0, environment: { GITHUB_API_URL: API } };
    const { outcome, lines } = await playStep(host, { ...ASKED, runner_name: '{external_id}' });
    expect([outcome.error, nock.isDone()]).toEqual([undefined, true]);
    expect(lines).toContain('Dry run: Runner "mac-7" (ID 23) is online, idle');
  });

  test('the only VM does not wait for others to join its reads', async () => {
    nock(ORIGIN).get(ONE).reply(200, RUNNING);
    nock(API)
      .get(RUNNERS)
      .query({ per_page: 100 })
      .reply(200, { total_count: 1, runners: [wireRunner()] });
    nock(API).get(/runs/).times(6).reply(200, { total_count: 0, workflow_runs: [] });
    const clock = createPausingClock();
    const environment = { GITHUB_API_URL: API, GITHUB_REPOSITORY: 'octo-org/app' };
    const { outcome } = await playStep({ clock, signal: clock.signal, random: () => 0, environment }, ASKED);
    expect([outcome.error, nock.isDone()]).toEqual([undefined, true]);
    // Limits of requests are sleeps, too.
    expect(clock.sleeps.filter((ms) => ms < 1_000)).toEqual([]);
  });

  test('a VM with an address of this machine causes a warning', async () => {
    const vminfo = { ...RUNNING.body.vminfo, ip: '127.0.0.1' };
    nock(ORIGIN)
      .get(ONE)
      .reply(200, { ...RUNNING, body: { ...RUNNING.body, vminfo } });
    nock(API)
      .get(RUNNERS)
      .query(true)
      .reply(200, { total_count: 1, runners: [wireRunner()] });
    expect(await run(ASKED)).toBe(0);
    expect(log.lines()).toContainEqual(
      expect.stringMatching(/^::warning::The VM .* have the same address, 127\.0\.0\.1\./),
    );
  });

  test('an error quotes what GitHub says, but not the token in it', async () => {
    nock(ORIGIN).get(ONE).reply(200, RUNNING);
    const message = 'API rate limit exceeded for hunter2-token';
    nock(API).get(RUNNERS).query(true).reply(403, { message }, { 'retry-after': '3600' });
    expect(await run(ASKED)).toBe(1);
    expect(file('output')).toMatch(/^error_code<<(.*)\ngithub_api_failed\n\1$/m);
    expect(log.lines().at(-1)).toMatch(
      /^::error title=.*it answered HTTP 403 \("API rate limit exceeded for \*\*\*"\)/,
    );
    const others = log.lines().filter((line) => !line.startsWith('::add-mask::'));
    expect([...others, file('summary'), file('output')].join()).not.toContain('hunter2-token');
  });

  test('what GitHub says is shown, but not the token in it', async () => {
    nock(ORIGIN).get(ONE).reply(200, RUNNING);
    nock(API)
      .get(RUNNERS)
      .query(true)
      .reply(200, { total_count: 1, runners: [wireRunner({ name: 'mac-hunter2-token' })] });
    expect(await run({ ...ASKED, runner_name: 'mac-*' })).toBe(0);
    expect(log.lines()).toContain('Dry run: Runner "mac-***" (ID 23) is online, idle');
    const others = log.lines().filter((line) => !line.startsWith('::add-mask::'));
    expect([...others, file('summary')].join()).not.toContain('hunter2-token');
  });

  describe('the post step', () => {
    const left = JSON.stringify([{ id: 23, name: 'mac-7', names: ['pool-a'], owner: '9001-1795953600' }]);

    async function runPost(state: string, inputs: Readonly<Record<string, string>>): Promise<string[]> {
      process.env['STATE_drains'] = state;
      for (const [name, value] of Object.entries(inputs)) process.env[`INPUT_${name.toUpperCase()}`] = value;
      const endWithin = jest.fn<(ms: number) => void>();
      const clock = createPausingClock();
      jest.spyOn(systemClock, 'now').mockImplementation(clock.now);
      jest.spyOn(systemClock, 'sleep').mockImplementation(clock.sleep);
      await main(clock.signal, endWithin);
      // Whatever still blocks the process: it ends.
      expect(endWithin.mock.calls).toEqual([[1_000]]);
      return log.lines().filter((line) => !/^::(add-mask|debug)::/.test(line));
    }

    test('restores the labels of runners that a killed step has left drained', async () => {
      const labels = [{ id: 1, name: 'pool-a.drained-9001-1795953600', type: 'custom' }];
      const date = { date: 'Sun, 29 Nov 2026 12:00:00 GMT' };
      nock(API).get(`${RUNNERS}/23`).reply(200, wireRunner({ labels }), date);
      nock(API)
        .post(`${RUNNERS}/23/labels`, { labels: ['pool-a'] })
        .reply(200, {});
      nock(API).delete(`${RUNNERS}/23/labels/pool-a.drained-9001-1795953600`).reply(404, {});
      const restored = wireRunner({ labels: [{ id: 2, name: 'pool-a', type: 'custom' }] });
      nock(API).get(`${RUNNERS}/23`).times(3).reply(200, restored, date);
      expect(await runPost(left, ASKED)).toEqual(['The labels of runner "mac-7" are restored']);
      expect(nock.isDone()).toBe(true);
    });

    test.each([301, 401, 403, 404])(
      'tries for three minutes, even if GitHub answers HTTP %i',
      async (status) => {
        nock(API).persist().get(`${RUNNERS}/23`).reply(status, {});
        nock(API).persist().get(RUNNERS).query(true).reply(status, {});
        const lines = await runPost(left, ASKED);
        expect(lines.at(-1)).toMatch(
          /^::warning::The labels of runner "mac-7" \(ID 23\) were not restored: the post step gave up after 3 min\. /,
        );
      },
    );

    test('warns of a runner that GitHub hides, but lists', async () => {
      nock(API).persist().get(`${RUNNERS}/23`).reply(404, {});
      nock(API)
        .get(RUNNERS)
        .query(true)
        .reply(200, { total_count: 1, runners: [wireRunner()] });
      const lines = await runPost(left, ASKED);
      expect(lines.at(-1)).toMatch(
        /^::warning::The labels of runner "mac-7" \(ID 23\) were not restored: the post step gave up after 3 min\. /,
      );
    });

    test('finds what the step saved: nothing once all labels are restored', () => {
      saveDrains([{ id: 23, name: 'mac-7', names: ['pool-a'], owner: '9001-1795953600' }]);
      saveDrains([]);
      const saved = log.lines().filter((line) => line.startsWith('::save-state'));
      expect(saved).toEqual([`::save-state name=drains::${left}`, '::save-state name=drains::']);
    });

    test('reads only the inputs that it needs: others may be invalid', async () => {
      const date = { date: 'Sun, 29 Nov 2026 12:00:00 GMT' };
      nock(API).get(`${RUNNERS}/23`).times(3).reply(200, wireRunner(), date);
      const others = { controller_url: 'nowhere', runner_name: '', idle_for: 'long' };
      expect(await runPost(left, { ...ASKED, ...others })).toEqual([
        'The labels of runner "mac-7" are restored',
      ]);
    });

    test.each([
      ['the token', { github_token: '' }],
      ['the scope', { runner_scope: 'a/b/c' }],
    ])('says that it lacks %s', async (_, inputs) => {
      expect(await runPost(left, { ...ASKED, ...inputs })).toEqual([
        expect.stringMatching(
          `^::warning::The labels of drained runners were not restored: An input is invalid:.*${Object.keys(inputs)}: `,
        ),
      ]);
    });

    test('says that the address of the API is wrong', async () => {
      process.env['GITHUB_API_URL'] = 'nowhere';
      expect(await runPost(left, ASKED)).toEqual([expect.stringContaining('GITHUB_API_URL (environment)')]);
    });

    test('says why it could not restore them', async () => {
      expect(await runPost(left, { ...ASKED, github_token: 'no token' })).toEqual([
        expect.stringMatching(
          /^::warning::The labels of drained runners were not restored: An input is invalid:/,
        ),
      ]);
    });
  });

  test('the VM that the step runs on is refused before anything is sent, and named', async () => {
    Object.assign(process.env, { RUNNER_NAME: 'mac-7', GITHUB_REPOSITORY: 'octo-org/app' });
    expect(await run(ASKED)).toBe(1);
    expect(file('output')).toMatch(/^error_code<<(.*)\nself_restart\n\1$/m);
    expect(file('output')).toMatch(new RegExp(`^instance_id<<(.*)\n${ID}\n\\1$`, 'm'));
  });
});

test('the VM that the step runs in is refused even if only the list has its name', async () => {
  Object.assign(process.env, { RUNNER_NAME: 'mac-7', RUNNER_ENVIRONMENT: 'self-hosted' });
  const { body: vm } = RUNNING;
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  nock(ORIGIN)
    .get('/api/v1/vm')
    .reply(200, { status: 'OK', body: [{ instance_id: ID, external_id: 'mac-7', vm }] });
  expect(await run(VALID)).toBe(1);
  expect(file('output')).toMatch(/^error_code<<(.*)\nself_restart\n\1$/m);
});

test('the VM that the step runs in is refused even if it was renamed since the list', async () => {
  Object.assign(process.env, { RUNNER_NAME: 'mac-7', RUNNER_ENVIRONMENT: 'self-hosted' });
  const { body: vm } = RUNNING;
  nock(ORIGIN)
    .get('/api/v1/vm')
    .reply(200, { status: 'OK', body: [{ instance_id: ID, external_id: 'mac-7', vm }] })
    .get(ONE)
    .reply(200, { ...RUNNING, body: { ...vm, external_id: 'mac-9', name: 'vm-9' } });
  expect(await run({ ...VALID, instance_id: '', external_id: 'mac-7' })).toBe(1);
  expect(file('output')).toMatch(/^error_code<<(.*)\nself_restart\n\1$/m);
});

test('says which proxy it uses, and warns if certificates are not verified', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  process.env['HTTP_PROXY'] = 'http://me:hunter2@proxy.example:3128';
  expect(await run({ ...VALID, skip_tls_verify: 'true' })).toBe(0);
  expect(log.lines()).toContain(`Controller: ${ORIGIN}/ through the proxy proxy.example:3128`);
  expect(log.lines().filter((line) => line.startsWith('::warning::'))).toEqual([
    '::warning::skip_tls_verify is set: any machine in between can pretend to be the controller and read the secrets.',
  ]);
  expect(log.lines().filter((line) => line.includes('hunter2') && !line.startsWith('::add-mask::'))).toEqual(
    [],
  );
});

test.each([
  ['15s', []],
  ['14s', [expect.stringMatching(/^::warning::timeout is 14\.0 s: that is barely enough /)]],
])('a timeout of %s is warned of where it is too short for a proof', async (timeout, warnings) => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  expect(await run({ ...VALID, timeout })).toBe(0);
  expect(log.lines().filter((line) => line.startsWith('::warning::'))).toEqual(warnings);
});

test('no summary is written with job_summary: false', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  expect(await run({ ...VALID, job_summary: 'false' })).toBe(0);
  expect(file('summary')).toBe('');
});

test('invalid inputs fail it, and every output is set all the same', async () => {
  expect(await run({ ...VALID, timeout: 'soon', vnc_password: 'hunter2' })).toBe(1);
  expect(log.lines()[0]).toBe('::add-mask::hunter2');
  expect(file('output')).toMatch(/^restarted<<(.*)\nfalse\n\1$/m);
  expect(file('output')).toMatch(/^error_code<<(.*)\ninvalid_input\n\1$/m);
  expect(file('summary')).toContain('timeout');
});

test('outputs that cannot be written fail it', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  process.env['GITHUB_OUTPUT'] = join(folder, 'missing');
  expect(await run(VALID)).toBe(1);
  expect(log.lines()).toContainEqual(
    expect.stringMatching(/^::error title=VM can be restarted \(dry run\)%2C outputs not written::.*missing/),
  );
});

describe('while a request hangs', () => {
  const hanging = () => nock(ORIGIN).get(ONE).delay(3_600_000).reply(200, RUNNING);

  test.each(['SIGINT', 'SIGTERM'] as const)('%s cancels it', async (signal) => {
    hanging();
    setImmediate(() => process.emit(signal, signal));
    expect(await run(VALID)).toBe(1);
    expect(file('output')).toMatch(/^error_code<<(.*)\ncancelled\n\1$/m);
    expect(log.lines().at(-1)).toContain(`The step was canceled (${signal}). No restart had been sent.`);
  });

  test('an uncaught error ends it with a report', async () => {
    hanging();
    setImmediate(() => (process as EventEmitter).emit('uncaughtException', new TypeError('bug')));
    expect(await run(VALID)).toBe(1);
    expect(file('output')).toMatch(/^error_code<<(.*)\ninternal_error\n\1$/m);
  });
});

/** Refuses every request. */
class DeafNetwork extends Dispatcher {
  destroyed = 0;

  override dispatch(_: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    handler.onResponseError?.({} as Dispatcher.DispatchController, new Error('deaf'));
    return true;
  }

  override async destroy(): Promise<void> {
    this.destroyed++;
  }
}

test.each([
  ['the controller', {}],
  ['the controller and GitHub', { INPUT_RUNNER_NAME: 'mac-7', INPUT_GITHUB_TOKEN: 'hunter2-token' }],
])('ends every connection to %s, however it ends', async (_, more) => {
  const { signal } = new AbortController();
  const given = { INPUT_CONTROLLER_URL: ORIGIN, INPUT_INSTANCE_ID: ID, INPUT_RUNNER_SCOPE: '', ...more };
  const opened: DeafNetwork[] = [];
  const open = () => {
    const network = new DeafNetwork();
    opened.push(network);
    return network;
  };
  const outcome = await runStep(
    readInputs({ ...given, GITHUB_REPOSITORY: 'octo-org/app' }, () => {}),
    {
      terminal: createTerminal(),
      signal,
      random: () => 0,
      dispatchers: { openReader: open, openWriter: open },
      addresses: [],
      clock: createFakeClock((_, given) => given !== signal),
    },
  );
  expect(outcome.error).toMatchObject({ code: 'controller_unreachable' });
  expect(opened.map(({ destroyed }) => destroyed)).toEqual(opened.map(() => 1));
});

describe('several VMs', () => {
  const inputs = { runner_name: '{external_id}', runner_scope: 'octo-org', github_token: GITHUB_TOKEN };

  test.each([
    ['that a pattern matches', { external_id: 'runner-*' }],
    ['that jobs used', { used_by_job: 'test*', run_id: '7001' }],
  ])('share their reads of GitHub: %s', async (_, targets) => {
    const { outcome, requests } = await playOnStage(
      { ...inputs, ...targets, dry_run: 'true' },
      {
        world: { vms: 3 },
        github: {},
        preludeMs: 120_000,
        prepare: ({ github }) => {
          github.runs.add({ jobs: [1, 2, 3].map((number) => ({ name: `test ${number}`, forMs: 30_000 })) });
        },
      },
    );
    expect(outcome.vms.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    expect(requests.filter(({ name }) => name === 'GET runners')).toHaveLength(1);
  });
});

describe('the guest', () => {
  test('is not checked unless the step is asked to', async () => {
    const { vm } = await playOnStage({});
    expect([vm.restarted, vm.guest]).toEqual(['true', undefined]);
  });

  test('is checked where the controller says that it is', async () => {
    const server = await talking((socket) => socket.end('SSH-2.0-real\r\n'));
    const clock = createPausingClock();
    const startsAt = Date.now();
    const now = () => startsAt + clock.now();
    const world = new World({ ...DEFAULT_WORLD, startsAt: now(), nodeIp: '127.0.0.1', ports: [server.port] });
    // Its sockets do not say whose address they are connected to.
    nock.restore();
    const simulator = await serve({ world, port: 0, now });
    const host = { clock, signal: clock.signal, random: () => 0, environment: {} };
    const { outcome } = await playStep(host, {
      controller_url: simulator.url,
      instance_id: world.records[0]?.instanceId ?? '',
      poll_interval: '1s',
      guest_check: 'ssh',
    });
    await simulator.close();
    server.close();
    nock.activate();
    expect(outcome.vms[0]).toMatchObject({ error: undefined, guest: { status: 'up' } });
  });
});

test('from the moment that the restart may be sent, the outputs say so', async () => {
  let announced = '';
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  nock(ORIGIN)
    .post('/api/v1/rpc/vm/restart')
    .reply(200, () => {
      announced = file('output');
      return { status: 'FAIL', message: 'no' };
    });
  expect(await run({ ...VALID, dry_run: 'false' })).toBe(1);
  expect(announced).toMatch(/^restarted<<(.*)\nunknown\n\1$/m);
  expect(announced).toContain(`\n${ID}\n`);
  expect(announced).toContain('\n2024-10-13T10:51:34Z\n');
  expect(file('output').lastIndexOf('\nfalse\n')).toBeGreaterThan(file('output').lastIndexOf('\nunknown\n'));
});

test('outputs that cannot be written keep the restart from being sent', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  const restart = nock(ORIGIN).post('/api/v1/rpc/vm/restart').reply(200, { status: 'OK' });
  process.env['GITHUB_OUTPUT'] = join(folder, 'missing');
  expect(await run({ ...VALID, dry_run: 'false' })).toBe(1);
  expect(restart.isDone()).toBe(false);
  nock.cleanAll();
  const annotations = log.lines().filter((line) => line.startsWith('::error'));
  expect(annotations).toEqual([
    expect.stringMatching(
      /internal_error%2C outputs not written::The outputs cannot be written, so no restart was sent: .*missing.*Check the file that GITHUB_OUTPUT names/,
    ),
  ]);
});

test.each([
  ['too long', () => join(folder, 'x'.repeat(300))],
  ['a link to itself', () => join(folder, 'loop')],
  ['below a file', () => join(folder, 'summary', 'output')],
  ['a folder', () => folder],
])('a path for outputs that is %s leads to one annotation', async (_, pathOf) => {
  rmSync(join(folder, 'loop'), { force: true });
  symlinkSync('loop', join(folder, 'loop'));
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  process.env['GITHUB_OUTPUT'] = pathOf();
  expect(await run({ ...VALID, dry_run: 'false' })).toBe(1);
  nock.cleanAll();
  expect(log.lines().filter((line) => line.startsWith('::error'))).toEqual([
    expect.stringMatching(/^::error title=.*outputs not written::The outputs cannot be written/),
  ]);
});

test('a step that is cancelled before it begins says so in its outputs', async () => {
  process.nextTick(() => process.emit('SIGTERM', 'SIGTERM'));
  expect(await run(VALID)).toBe(1);
  expect(file('output')).toMatch(/^restarted<<(.*)\nfalse\n\1$/m);
  expect(file('output')).toMatch(/^error_code<<(.*)\ncancelled\n\1$/m);
});

test('several VMs are one step, with one annotation', async () => {
  nock(ORIGIN).get('/api/v1/vm').reply(401, {});
  expect(await run({ ...VALID, instance_id: `${ID}\n${OTHER_ID}` })).toBe(1);
  expect(file('output')).toMatch(/^error_code<<(.*)\nauthentication_failed\n\1$/m);
  expect(file('output')).toMatch(new RegExp(`^remaining<<(.*)\n${ID}\n${OTHER_ID}\n\\1$`, 'm'));
  expect(file('summary')).toContain(
    '<h3>2 of 2 VMs cannot be restarted &#40;dry run&#41;: authentication&#95;failed</h3>',
  );
  expect(log.lines().filter((line) => line.startsWith('::error'))).toHaveLength(1);
});

const testWherePipesAreFiles = process.platform === 'win32' ? test.skip : test;

testWherePipesAreFiles('outputs and state are not written to a pipe, which may have no reader', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  process.env['GITHUB_OUTPUT'] = pipe;
  process.env['GITHUB_STATE'] = pipe;
  expect(await run(VALID)).toBe(0);
  expect(log.lines()).toContain(
    '::warning::GITHUB_STATE names a pipe, not a file: the state is printed instead.',
  );
  expect(process.env['GITHUB_STATE']).toBeUndefined();
  expect(log.lines()).toContain(
    '::warning::GITHUB_OUTPUT names a pipe, not a file: the outputs are printed instead.',
  );
  expect(log.lines()).toContain('::set-output name=restarted::false');
});

test('without a file for them, outputs are printed', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  delete process.env['GITHUB_OUTPUT'];
  expect(await run(VALID)).toBe(0);
  expect(log.lines()).toContain('::set-output name=restarted::false');
});

test('a VM with the name of the runner that the step runs on is not restarted', async () => {
  const own = { ...RUNNING, body: { ...RUNNING.body, external_id: 'mac-7', name: 'mgmt-mac-7' } };
  nock(ORIGIN).get(ONE).reply(200, own);
  process.env['RUNNER_NAME'] = 'mac-7';
  expect(await run({ ...VALID, dry_run: 'false' })).toBe(1);
  expect(file('output')).toMatch(/^error_code<<(.*)\nself_restart\n\1$/m);
});

test('the end of the process is scheduled before anything is written, with the exit code set', async () => {
  const endWithin = jest.fn<(ms: number) => void>(() => {
    expect([file('output'), file('summary'), log.lines().join(), process.exitCode]).toEqual(['', '', '', 1]);
  });
  await main(cancelOnSignals(), endWithin);
  for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.removeAllListeners(event);
  process.exitCode = undefined;
  expect(endWithin).toHaveBeenCalledWith(1_000);
  expect(endWithin.mock.results[0]?.type).toBe('return');
  expect(file('output')).toContain('invalid_input');
});

test.each([
  ['for one VM', ID],
  ['for several', `${ID}\n${OTHER_ID}`],
])('a step that was cancelled has less time for its report: %s', async (_, instance_id) => {
  const endWithin = jest.fn<(ms: number) => void>();
  nock(ORIGIN).persist().get(/vm/).delay(3_600_000).reply(200, RUNNING);
  setImmediate(() => process.emit('SIGINT', 'SIGINT'));
  expect(await run({ ...VALID, instance_id }, endWithin)).toBe(1);
  expect(endWithin).toHaveBeenCalledWith(400);
});

test('the outputs are set before anything is printed about them', async () => {
  let printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    if (String(text).includes('::error')) expect(file('output')).toContain('invalid_input');
    return true;
  });
  await run({ ...VALID, timeout: 'soon' });
  expect(printed).toContain('::error');
});

test('a report that fails does not let the step pass', async () => {
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  await main(cancelOnSignals(), () => {});
  (process as EventEmitter).emit('uncaughtException', new TypeError('bug'));
  expect(process.exitCode).toBe(1);
  process.exitCode = undefined;
  for (const event of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.removeAllListeners(event);
});

// The event is read when @actions/github is loaded. Everything is loaded again, which no other test may follow.
test.each([
  ['the step', ''],
  ['the post step', '[]'],
])('a damaged workflow event changes nothing: %s', async (_, left) => {
  process.env['GITHUB_API_URL'] = API;
  jest.resetModules();
  const { main: fresh } = await import('../src/main.ts');
  process.env['STATE_drains'] = left;
  process.env['GITHUB_EVENT_PATH'] = join(folder, 'event');
  writeFileSync(join(folder, 'event'), '{"action":');
  nock(ORIGIN).get(ONE).reply(200, RUNNING);
  nock(API)
    .get(RUNNERS)
    .query(true)
    .reply(200, { total_count: 1, runners: [wireRunner()] });
  expect(await run(ASKED, undefined, fresh)).toBe(left === '' ? 0 : undefined);
  expect(log.lines().filter((line) => line.startsWith('::warning::'))).toEqual([]);
});
