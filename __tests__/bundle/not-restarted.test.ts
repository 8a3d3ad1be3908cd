import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Fault, Interventions } from '../../simulator/server.ts';
import type { World } from '../../simulator/world.ts';
import {
  begin,
  commandsIn,
  type Edit,
  type Ended,
  edited,
  end,
  isPoll,
  isRestart,
  nameOf,
  PATIENT,
  play,
  setting,
} from '../support/scenario.ts';

// The committed bundle as a process, against the simulator: what must not end in "restarted".

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

function onRestart(when: 'before' | 'after', fault: Fault): () => Interventions {
  return () => ({
    [when]: (request: Parameters<typeof isRestart>[0]) => (isRestart(request) ? fault : undefined),
  });
}

const TOO_DEEP = '['.repeat(1_000) + ']'.repeat(1_000);

const reported = ({ exitCode, outputs, posts }: Ended) => [
  exitCode,
  outputs['restarted'],
  outputs['error_code'],
  posts,
];

describe('nothing is sent', () => {
  test('if inputs are invalid: the error names all of them', async () => {
    const { exitCode, simulator, outputs, log } = await play({
      inputs: { instance_id: 'x', timeout: '0', dry_run: 'perhaps' },
    });
    expect([exitCode, simulator.requests]).toEqual([1, []]);
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'invalid_input', status: '' });
    const [annotation, ...others] = commandsIn(log).filter((line) => line.startsWith('::error'));
    expect(annotation).toMatch(/instance_id: "x".*%0A- timeout: "0".*%0A- dry_run: "perhaps"/);
    expect(others).toEqual([]);
  });

  test('if the timeout is too short: most likely minutes were meant', async () => {
    const { exitCode, simulator, outputs, log } = await play({ inputs: { timeout: '5' } });
    expect([exitCode, outputs['error_code'], simulator.requests]).toEqual([1, 'invalid_input', []]);
    expect(log).toMatch(/^::error .*timeout: "5" is not between 10s and 24h; did you mean 5m\?/m);
  });

  test('if the instance does not exist', async () => {
    const { outputs, story } = await play({ isShort: true, inputs: { ...PATIENT, instance_id: UNKNOWN_ID } });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'instance_not_found' });
    expect([...new Set(story)]).toEqual(['GET one', 'GET all']);
  });

  test('if two have the external ID', async () => {
    const interventions = (world: World) => {
      world.start({ template: world.templates[0]?.id ?? '', count: 1, externalId: 'runner-1' });
      return {};
    };
    const { outputs, log, story, record } = await play({
      interventions,
      isShort: true,
      inputs: { ...PATIENT, external_id: 'runner-1' },
    });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'ambiguous_target', instance_id: '' });
    expect(log).toContain(`${record.instanceId} (Started, node ${record.node?.id})`);
    // While the second instance has no VM, the step reads the first. But the second gets a VM before the step has decided.
    expect(['GET all', 'GET one']).toEqual(expect.arrayContaining(story));
  });

  test.each<[string, string, Edit]>([
    ['it is stopped', 'not_running', setting({}, { status: 'stopped' })],
    ['it is in Error', 'not_running', setting({ instance_state: 'Error' })],
    ['its start_date is the zero date', 'cannot_verify', setting({}, { start_date: '0001-01-01T00:00:00Z' })],
  ])('where %s', async (_, code, edit) => {
    const interventions = () => ({
      after: (request: Parameters<typeof isPoll>[0], reaction: Parameters<typeof edited>[0]) =>
        isPoll(request) ? edited(reaction, edit) : undefined,
    });
    const { outputs, posts } = await play({ interventions, isShort: true, inputs: PATIENT });
    expect([outputs['restarted'], outputs['error_code'], posts]).toEqual(['false', code, 0]);
  });

  test('if the controller is older than 1.44 and knows no start_date', async () => {
    const { outputs, posts } = await play({
      world: { controllerVersion: '1.43.0' },
      isShort: true,
      inputs: PATIENT,
    });
    expect([outputs['error_code'], posts]).toEqual(['cannot_verify', 0]);
  });

  test.each<[string, Fault, string]>([
    [
      'wants credentials',
      { kind: 'answer', status: 401, body: '{"status":"FAIL","message":"Authentication Required"}' },
      'authentication_failed',
    ],
    [
      'denies it',
      { kind: 'answer', status: 403, body: '{"status":"FAIL","message":"no"}' },
      'permission_denied',
    ],
    ['is none', { kind: 'answer', status: 404, body: '<html>nginx</html>' }, 'protocol_error'],
    [
      'redirects',
      { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:1/x' }, body: '' },
      'protocol_error',
    ],
    ['keeps answering HTML', { kind: 'answer', body: '<html>' }, 'protocol_error'],
    ['answers JSON too deep to read', { kind: 'answer', body: TOO_DEEP }, 'protocol_error'],
    ['fails in words of its own', { kind: 'answer', body: '{"status":"ERROR"}' }, 'protocol_error'],
  ])('where the controller %s: that is a mistake', async (_, fault, code) => {
    const ended = await play({
      interventions: () => ({ before: () => fault }),
      isShort: true,
      inputs: PATIENT,
    });
    expect(reported(ended)).toEqual([1, 'false', code, 0]);
    expect(ended.summary).toContain('<b>What to do:</b>');
  });

  test.each<[string, Fault]>([
    ['keeps failing', { kind: 'answer', status: 503, body: '' }],
    ['keeps hanging up', { kind: 'reset' }],
    ['never answers', { kind: 'hang' }],
    ['never ends its answer', { kind: 'hang in body', start: '{' }],
  ])('where the controller %s: that may pass, until the timeout', async (_, fault) => {
    const ended = await play({ interventions: () => ({ before: () => fault }), isShort: true });
    expect(reported(ended)).toEqual([1, 'false', 'controller_unreachable', 0]);
    expect(ended.summary).toContain('<b>What to do:</b>');
  });

  test.each<[string, Fault, string]>([
    [
      'FAIL with HTTP 500',
      { kind: 'answer', status: 500, body: '{"status":"FAIL","message":"database is locked"}' },
      'HTTP 500 and FAIL: "database is locked"',
    ],
    [
      'another failure than FAIL',
      { kind: 'answer', body: '{"status":"ERROR","message":"no"}' },
      'ERROR: "no"',
    ],
  ])('where the controller says %s: it is quoted', async (_, fault, quote) => {
    const { log } = await play({ interventions: () => ({ before: () => fault }), isShort: true });
    expect(log).toContain(`The controller gave no usable answer: it answered ${quote}\n`);
  });

  test('if nothing listens', async () => {
    const { outputs } = await play({ isShort: true, inputs: { controller_url: 'http://127.0.0.1:1' } });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'controller_unreachable' });
  });

  test('if no connection can be made', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const controller_url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { outputs, log } = await play({
      isShort: true,
      inputs: { controller_url, request_timeout: '3s' },
    });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'controller_unreachable' });
    expect(log).toContain('timed out while connecting');
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});

describe('the controller will not restart it', () => {
  test('it refuses', async () => {
    const refusal: Fault = { kind: 'answer', body: '{"status":"FAIL","message":"usb device not found"}' };
    const { exitCode, outputs, log, world, story } = await play({
      interventions: onRestart('before', refusal),
    });
    expect([exitCode, outputs['restarted'], outputs['error_code']]).toEqual([1, 'false', 'restart_refused']);
    expect(log).toContain('The controller refused the restart: "usb device not found".');
    expect([story, world.restarts]).toEqual([['GET one', 'POST restart'], []]);
  });

  test('it does not know how', async () => {
    const interventions = (): Interventions => ({
      before(request) {
        if (isRestart(request)) return { kind: 'answer', status: 404, body: '404 page not found' };
        return nameOf(request) === 'GET status'
          ? { kind: 'answer', body: '{"status":"OK","body":{"version":"1.43.2-abc"}}' }
          : undefined;
      },
    });
    const { outputs, log, story } = await play({ interventions });
    expect(outputs).toMatchObject({ restarted: 'false', error_code: 'restart_unsupported' });
    expect(log).toContain('reports version "1.43.2-abc"');
    expect(story).toEqual(['GET one', 'POST restart', 'GET status']);
  });
});

describe('it stays unknown', () => {
  /** Time passes fast, but even a slow machine gets as far as the restart. */
  const LONG_ENOUGH = { timeout: '40s' };

  test.each<[string, Fault]>([
    ['reset', { kind: 'reset' }],
    ['answered with 502', { kind: 'answer', status: 502, body: '<html>' }],
    ['never answered', { kind: 'hang' }],
  ])('where the restart was not carried out, but %s', async (_, fault) => {
    const inputs = { ...LONG_ENOUGH, request_timeout: '3s' };
    const { exitCode, outputs, world, posts, log } = await play({
      interventions: onRestart('before', fault),
      isShort: true,
      inputs,
    });
    expect([exitCode, outputs['restarted'], outputs['error_code'], posts]).toEqual([
      1,
      'unknown',
      'timed_out',
      1,
    ]);
    expect(world.restarts).toEqual([]);
    expect(log).toContain('It is unclear whether the controller accepted it');
    expect(log).toContain('up to a day later');
  });

  test('if the VM is terminated during the wait', async () => {
    const interventions = (world: { terminate: (id: string) => void }) => ({
      after(request: Parameters<typeof isRestart>[0]) {
        if (isRestart(request)) world.terminate(JSON.parse(request.body).instance_id);
        return undefined;
      },
    });
    const { outputs } = await play({ interventions });
    expect(outputs).toMatchObject({
      restarted: 'unknown',
      error_code: 'vm_failed',
      instance_state: 'Terminating',
      duration: '',
    });
  });

  test('if time runs out: the message says what was missing', async () => {
    const { outputs, log } = await play({
      world: { pickUpMs: 3_600_000 },
      isShort: true,
      inputs: LONG_ENOUGH,
    });
    expect(outputs).toMatchObject({ restarted: 'unknown', error_code: 'timed_out', duration: '' });
    expect(outputs['start_date']).toBe(outputs['previous_start_date']);
    expect(log).toMatch(
      /Missing: start_date is .*, not a new one\. Last seen: .* The last new report came .* Answers: .*\d+ waiting for start_date/,
    );
  });

  test('if the controller is lost after the restart was sent', async () => {
    let isSent = false;
    const interventions = (): Interventions => ({
      before: () => (isSent ? { kind: 'hang' } : undefined),
      after: (request) => {
        isSent ||= isRestart(request);
        return undefined;
      },
    });
    const { outputs, log } = await play({
      interventions,
      isShort: true,
      inputs: { ...LONG_ENOUGH, request_timeout: '3s' },
    });
    expect(outputs).toMatchObject({ restarted: 'unknown', error_code: 'timed_out' });
    expect(log).toContain('Missing: any usable answer.');
  });
});

describe('cancelling', () => {
  /** Blocks one kind of request permanently, and resolves when the first of them has arrived. */
  function holding(name: string) {
    let arrive = () => {};
    const reached = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const interventions = (): Interventions => ({
      before(request) {
        if (nameOf(request) !== name) return undefined;
        arrive();
        return { kind: 'hang' };
      },
    });
    return { reached, interventions };
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('with %s before the restart was sent', async (signal) => {
    const { reached, interventions } = holding('GET one');
    const scenario = await begin({ interventions, inputs: { timeout: '1h', request_timeout: '10m' } });
    await reached;
    scenario.step.process.kill(signal);
    const { exitCode, outputs, log, posts, summary } = await end(scenario);
    expect([exitCode, outputs['restarted'], outputs['error_code'], posts]).toEqual([
      1,
      'false',
      'cancelled',
      0,
    ]);
    expect(log).toContain(`The step was canceled (${signal}). No restart had been sent.`);
    expect(summary).toContain('cancelled');
  });

  test.each(['POST restart', 'GET all'])(
    'while %s is under way, after the restart may have been sent',
    async (request) => {
      const { reached, interventions } = holding(request);
      // On old controllers, an instance vanishes for a moment during a restart. The step then requests the whole list.
      const world = { controllerVersion: '1.46.0', heartbeatMs: 100 };
      const scenario = await begin({
        interventions,
        world,
        inputs: { timeout: '1h', request_timeout: '10m' },
      });
      await reached;
      scenario.step.process.kill('SIGINT');
      const { exitCode, outputs, log, posts } = await end(scenario);
      expect([exitCode, outputs['restarted'], outputs['error_code'], posts]).toEqual([
        1,
        'unknown',
        'cancelled',
        1,
      ]);
      expect(log).toContain(
        'The restart had been sent, or may have been, and is not verified: the VM may still restart.',
      );
    },
  );

  test('between two polls', async () => {
    const scenario = await begin({ inputs: { timeout: '1h', poll_interval: '10m' } });
    await new Promise<void>((resolve) => {
      scenario.step.process.stdout?.on('data', (text) => {
        if (String(text).includes('The controller accepted the restart')) resolve();
      });
    });
    scenario.step.process.kill('SIGINT');
    const { outputs } = await end(scenario);
    expect(outputs).toMatchObject({ restarted: 'unknown', error_code: 'cancelled' });
  });
});

describe('text from outside', () => {
  const PASSWORD = 'hunter2-hunter2';
  const evil = [
    '\n::error::owned',
    '\r::set-output name=restarted::owned',
    ' ##[error]owned',
    '\u2028::add-mask::owned',
    '<img src=x onerror=owned()>',
    '[owned](http://evil.example)',
    '| `owned` | @owned',
    PASSWORD,
    Buffer.from(PASSWORD).toString('base64'),
    Buffer.from(PASSWORD).toString('hex'),
  ].join(' ');
  const hostile: Interventions = {
    after(request, reaction) {
      if (!isPoll(request)) return undefined;
      return edited(reaction, (instance, vminfo) => {
        const texts = { message: evil, name: evil, external_id: evil, node_id: evil.slice(0, 190) };
        Object.assign(instance, texts, { startup_script: { stdout: 'token-in-script' } });
        Object.assign(vminfo, {
          vnc_connection_string: `vnc://:secret-in-string@x`,
          ip: evil,
          host_ip: evil,
        });
        if (Array.isArray(vminfo['port_forwarding'])) vminfo['port_forwarding'][0].name = evil.slice(0, 190);
      });
    },
  };

  test.each<[string, () => Interventions]>([
    ['a restart that goes well', () => hostile],
    [
      'a refusal',
      () => ({
        ...hostile,
        before: (request) =>
          isRestart(request)
            ? { kind: 'answer', body: JSON.stringify({ status: 'FAIL', message: evil }) }
            : undefined,
      }),
    ],
    [
      'a failure',
      () => ({
        ...hostile,
        before: (request) => (isRestart(request) ? { kind: 'answer', status: 404, body: evil } : undefined),
      }),
    ],
    [
      'a timeout',
      () => ({
        after: (request, reaction) =>
          isPoll(request)
            ? edited(reaction, (instance, vminfo) => {
                Object.assign(instance, { message: evil });
                if (reaction.body.includes('Started')) vminfo['status'] = 'running';
                delete vminfo['timestamp'];
              })
            : undefined,
        before: (request) => (isRestart(request) ? { kind: 'answer', status: 500, body: evil } : undefined),
      }),
    ],
  ])('is harmless after %s', async (_, interventions) => {
    const { log, outputs, summary } = await play({
      interventions,
      isShort: true,
      inputs: { vnc_password: PASSWORD },
    });
    const lines = log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    const written = [...lines, ...Object.values(outputs), summary].join('\n');
    expect(written).toContain('owned');
    expect(
      commandsIn(lines.join('\n')).filter(
        (line) => !/^::(debug|warning|error title=VM [\w ]+%3A \w+)::/.test(line),
      ),
    ).toEqual([]);
    expect(commandsIn(Object.values(outputs).join('\n'))).toEqual([]);
    expect(summary).not.toMatch(/<img|\]\(|`|\|/);
    for (const secret of [
      PASSWORD,
      Buffer.from(PASSWORD).toString('base64'),
      Buffer.from(PASSWORD).toString('hex'),
      'token-in-script',
      'secret-in-string',
    ]) {
      expect(written).not.toContain(secret);
    }
  });

  test('a password too short to be masked is refused', async () => {
    const { log, outputs, summary, story } = await play({ inputs: { vnc_password: 'xQ7' } });
    expect([outputs['error_code'], story]).toEqual(['invalid_input', []]);
    expect(log).toContain('vnc_password: 3 characters; a secret has at least 4, or it could not be masked');
    expect([log, summary, ...Object.values(outputs)].join()).not.toContain('xQ7');
  });
});
