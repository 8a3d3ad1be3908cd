import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority, privatePem } from '../../simulator/certificates.ts';
import { type Daemon, freePort, startDaemon } from '../support/daemon.ts';
import { play } from '../support/scenario.ts';
import type { Way } from '../support/ways.ts';

// A real squid between the step and a simulated controller: with a password, forwarding http and tunnelling https.

const HOST = 'controller.example';
const PASSWORD = 'hunter2-hunter2';

let folder: string;
let port: number;
let squid: Daemon;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'squid-'));
  // squid drops its root privileges.
  chmodSync(folder, 0o777);
  port = await freePort();
  const hash = execFileSync('openssl', ['passwd', '-1', PASSWORD]).toString().trim();
  writeFileSync(join(folder, 'passwords'), `me:${hash}\n`);
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 ${HOST}\n`);
  writeFileSync(
    join(folder, 'squid.conf'),
    `http_port 127.0.0.1:${port}
     hosts_file ${folder}/hosts
     auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/passwords
     acl known proxy_auth REQUIRED
     acl forbidden dstdomain forbidden.example
     http_access deny forbidden
     http_access allow known
     http_access deny all
     cache deny all
     pinger_enable off
     shutdown_lifetime 0 seconds
     pid_filename ${folder}/squid.pid
     cache_log ${folder}/cache.log
     access_log stdio:${folder}/access.log
     coredump_dir ${folder}`,
  );
  squid = await startDaemon('squid', { args: ['-N', '-f', join(folder, 'squid.conf')], port });
});

afterAll(async () => {
  await squid.stop();
  rmSync(folder, { recursive: true });
});

function through(
  scheme: 'http' | 'https',
  { password = PASSWORD, host = HOST }: { password?: string; host?: string } = {},
): Way {
  return {
    url: (url) => url.replace('127.0.0.1', host),
    environment: { [`${scheme.toUpperCase()}_PROXY`]: `http://me:${password}@127.0.0.1:${port}` },
  };
}

async function secured(way: Way): Promise<Way> {
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue({ name: HOST, hosts: [HOST] });
  return {
    ...way,
    secure: { cert: certificate, key: privatePem(key) },
    inputs: { ca_cert: authority.certificate },
  };
}

const logged = () => readFileSync(join(folder, 'access.log'), 'utf8');

describe('squid', () => {
  test('forwards http', async () => {
    const { exitCode, outputs, posts, world, log } = await play({
      way: through('http'),
      inputs: { vnc_password: 'a secret' },
    });
    expect([exitCode, outputs['restarted'], posts, world.restarts.length]).toEqual([0, 'true', 1, 1]);
    expect(logged()).toMatch(new RegExp(`POST http://${HOST}:\\d+/api/v1/rpc/vm/restart`));
    expect(log).toContain(`through the proxy 127.0.0.1:${port}`);
    expect(
      log.split('\n').filter((line) => line.includes(PASSWORD) && !line.startsWith('::add-mask::')),
    ).toEqual([]);
  });

  test('tunnels https', async () => {
    const { exitCode, outputs, posts, world } = await play({ way: await secured(through('https')) });
    expect([exitCode, outputs['restarted'], posts, world.restarts.length]).toEqual([0, 'true', 1, 1]);
    expect(logged()).toMatch(new RegExp(`CONNECT ${HOST}:\\d+`));
  });

  test.each(['http', 'https'] as const)('that wants another password is named (%s)', async (scheme) => {
    const way = through(scheme, { password: 'wrong' });
    const { outputs, log, posts } = await play({
      way: scheme === 'http' ? way : await secured(way),
      inputs: { timeout: '10s' },
    });
    expect([outputs['restarted'], outputs['error_code'], posts]).toEqual([
      'false',
      'controller_unreachable',
      0,
    ]);
    expect(log).toContain('the proxy requires other credentials (HTTP 407)');
  });

  test.each(['http', 'https'] as const)('that forbids the controller is named (%s)', async (scheme) => {
    const way = through(scheme, { host: 'forbidden.example' });
    const { outputs, log } = await play({
      way: scheme === 'http' ? way : await secured(way),
      inputs: { timeout: '10s' },
    });
    expect([outputs['restarted'], outputs['error_code']]).toEqual(['false', 'controller_unreachable']);
    expect(log).toMatch(/[Tt]he proxy .*refuses .*\(HTTP 403\)/);
  });

  test('that cannot find the controller is waited for', async () => {
    const { outputs, log } = await play({
      way: through('http', { host: 'unknown.invalid' }),
      inputs: { timeout: '10s' },
    });
    expect([outputs['restarted'], outputs['error_code']]).toEqual(['false', 'controller_unreachable']);
    expect(log).toMatch(/it answered HTTP 50[23]/);
  });
});
