import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Authority, createAuthority, type Issued, privatePem } from '../../simulator/certificates.ts';
import type { Interventions, RunningSimulator } from '../../simulator/server.ts';
import { serve } from '../../simulator/server.ts';
import { type StepResult, startStep } from '../../simulator/step.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import { type Daemon, freePort, startDaemon } from '../support/daemon.ts';

// A real nginx in front of simulated controllers: TLS, mutual TLS, HTTP/2, a path prefix, replicas.

const QUICK = { ...DEFAULT_WORLD, heartbeatMs: 150, stopMs: 40, startMs: 40, pickUpMs: 20 };

let folder: string;
let authority: Authority;
let client: Issued;
let world: World;
let simulators: RunningSimulator[];
let nginx: Daemon | undefined;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  mkdirSync(join(folder, 'temp'));
  authority = await createAuthority();
  client = await authority.issue({ name: 'client', algorithm: 'RSA' });
  const server = await authority.issue({ name: 'nginx', hosts: ['127.0.0.1'], algorithm: 'RSA' });
  writeFileSync(join(folder, 'ca.pem'), authority.certificate);
  writeFileSync(join(folder, 'server.pem'), server.certificate);
  writeFileSync(join(folder, 'server.key'), privatePem(server.key));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  world = new World({ ...QUICK, startsAt: Date.now() });
  simulators = [];
});

afterEach(async () => {
  await nginx?.stop();
  nginx = undefined;
  for (const simulator of simulators) await simulator.close();
});

/** One more replica of the same controller: they share the world as controllers share etcd. */
async function startReplica(onPort = 0, interventions: Interventions = {}): Promise<number> {
  const simulator = await serve({ world, port: onPort, now: Date.now, interventions });
  simulators.push(simulator);
  return Number(new URL(simulator.url).port);
}

interface Front {
  readonly listen?: string;
  readonly server?: string;
  readonly location?: string;
  readonly upstreams: readonly number[];
}

const TLS = `ssl_certificate server.pem; ssl_certificate_key server.key;`;

async function startNginx({
  listen = '',
  server = '',
  location = 'location / {',
  upstreams,
}: Front): Promise<void> {
  port = await freePort();
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/temp/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
     events { worker_connections 64; }
     http {
       access_log ${folder}/access.log combined; ${temp.join(' ')}
       log_format protocol '$server_protocol $request_method'; access_log ${folder}/protocol.log protocol;
       upstream controllers { ${upstreams.map((one) => `server 127.0.0.1:${one};`).join(' ')} }
       server {
         listen 127.0.0.1:${port} ${listen}; ${server}
         ${location} proxy_pass http://controllers; proxy_next_upstream off; proxy_read_timeout 5s; }
       }
     }`,
  );
  nginx = await startDaemon('nginx', { args: ['-p', folder, '-c', join(folder, 'nginx.conf')], port });
}

async function run(inputs: Readonly<Record<string, string>>): Promise<StepResult> {
  const instance_id = world.records[0]?.instanceId ?? '';
  const base = { instance_id, timeout: '20s', poll_interval: '0.2s', request_timeout: '3s' };
  const step = await startStep({ action: '.', inputs: { ...base, ...inputs } });
  return step.finished;
}

const posts = () =>
  simulators.flatMap(({ requests }) => requests).filter(({ method }) => method === 'POST').length;

function expectSuccess({ exitCode, outputs }: StepResult): void {
  expect([exitCode, outputs['restarted'], posts(), world.restarts.length]).toEqual([0, 'true', 1, 1]);
}

test('TLS with a private CA', async () => {
  await startNginx({ listen: 'ssl', server: TLS, upstreams: [await startReplica()] });
  expectSuccess(await run({ controller_url: `https://127.0.0.1:${port}`, ca_cert: join(folder, 'ca.pem') }));
});

test('HTTP/1.1, even if HTTP/2 is offered', async () => {
  const { readFileSync } = await import('node:fs');
  writeFileSync(join(folder, 'protocol.log'), '');
  await startNginx({ listen: 'ssl http2', server: TLS, upstreams: [await startReplica()] });
  expectSuccess(await run({ controller_url: `https://127.0.0.1:${port}`, ca_cert: authority.certificate }));
  await nginx?.stop();
  nginx = undefined;
  const protocols = new Set(readFileSync(join(folder, 'protocol.log'), 'utf8').trim().split('\n'));
  expect([...protocols].sort()).toEqual(['HTTP/1.1 GET', 'HTTP/1.1 POST']);
});

describe('mutual TLS', () => {
  const verify = () => `${TLS} ssl_client_certificate ${folder}/ca.pem; ssl_verify_client on;`;
  const inputs = () => ({
    controller_url: `https://127.0.0.1:${port}`,
    ca_cert: authority.certificate,
    timeout: '10s',
  });

  beforeEach(async () => {
    await startNginx({ listen: 'ssl', server: verify(), upstreams: [await startReplica()] });
  });

  test('with a certificate and an encrypted key', async () => {
    const encrypted = client.key.export({
      type: 'pkcs1',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    });
    const key = { client_key: encrypted.toString(), client_key_passphrase: 'open sesame' };
    expectSuccess(await run({ ...inputs(), client_cert: client.certificate, ...key }));
  });

  test('without a certificate', async () => {
    const { outputs, log } = await run(inputs());
    expect([outputs['restarted'], outputs['error_code']]).toEqual(['false', 'protocol_error']);
    expect(log).toContain(
      'The server requires a client certificate, or a different one: see client_cert and client_key.',
    );
  });

  test("with another client's certificate", async () => {
    const other = await (await createAuthority('Another CA')).issue({ name: 'client' });
    const { outputs, log } = await run({
      ...inputs(),
      client_cert: other.certificate,
      client_key: privatePem(other.key),
    });
    expect([outputs['restarted'], outputs['error_code']]).toEqual(['false', 'protocol_error']);
    expect(log).toContain('see client_cert and client_key');
  });
});

describe('a path prefix', () => {
  beforeEach(async () => {
    await startNginx({
      location: 'location /anka/ { rewrite ^/anka(/.*)$ $1 break;',
      upstreams: [await startReplica()],
    });
  });

  test('is kept', async () => {
    expectSuccess(await run({ controller_url: `http://127.0.0.1:${port}/anka/` }));
  });

  test('that is missing is suspected', async () => {
    const { outputs, log } = await run({ controller_url: `http://127.0.0.1:${port}` });
    expect(outputs['error_code']).toBe('permission_denied');
    expect(log).toContain('is a path prefix missing?');
  });
});

describe('two replicas', () => {
  test('one of which is restarted in the middle of the wait', async () => {
    // The agent takes a second, in which a replica goes away and comes back.
    world = new World({ ...QUICK, startsAt: Date.now(), stopMs: 900 });
    const first = await startReplica();
    let polls = 0;
    const second = await startReplica(0, {
      after(request) {
        if (request.method === 'GET' && ++polls === 2) {
          void simulators[0]?.close().then(() => setTimeout(() => void startReplica(first), 400));
        }
        return undefined;
      },
    });
    await startNginx({ upstreams: [first, second] });
    const result = await run({ controller_url: `http://127.0.0.1:${port}` });
    expectSuccess(result);
    expect(result.log).toContain('The controller gave no usable answer: it answered HTTP 502');
  });

  test('that both go away after the restart was sent', async () => {
    const replica = await startReplica(0, {
      after(request) {
        if (request.method === 'POST') setImmediate(() => void simulators[0]?.close());
        return undefined;
      },
    });
    await startNginx({ upstreams: [replica] });
    const { outputs } = await run({ controller_url: `http://127.0.0.1:${port}`, timeout: '10s' });
    expect([outputs['restarted'], outputs['error_code'], posts()]).toEqual(['unknown', 'timed_out', 1]);
  });
});

test('connections that nginx closes after each request are not an error', async () => {
  await startNginx({ server: 'keepalive_requests 1;', upstreams: [await startReplica()] });
  const result = await run({ controller_url: `http://127.0.0.1:${port}` });
  expectSuccess(result);
  expect(result.log).not.toContain('no usable answer');
});
