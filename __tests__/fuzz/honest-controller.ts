import type { KeyObject } from 'node:crypto';
import { createAuthentication } from '../../simulator/authentication.ts';
import type { SeenRequest } from '../../simulator/controller-api.ts';

/** Secrets in an instance's record that must not get into any log. */
export const HIDDEN = ['vnc-hunter2-old', 'registration-hunter2-token'];

export const INSTANCE_ID = 'c2af6080-3ae3-4cd3-64e5-2193f31b9aa5';
export const EXTERNAL_ID = 'runner-1';
export const API_KEY_ID = 'ci';

/** The simulated worlds of the proof write the handshake as the vendor's clients need it; here it is as the prose has it. */
const OTHER_FORMS = ['url-safe', 'unpadded', 'line break', 'encoded'] as const;

export interface HonestAnswer {
  readonly status: number;
  readonly body: string;
  /** The body is base64 of what it says. */
  readonly isEncoded?: boolean;
}

export interface HonestController {
  answer(request: SeenRequest, now: number): HonestAnswer;
  /** Tokens of the sessions that it opened. */
  readonly tokens: readonly string[];
}

/** A controller with one VM, which a restart boots anew, and the GitHub of the runner in it. The instance has every documented field. */
export function createHonestController(publicKey: KeyObject | undefined): HonestController {
  const authentication = createAuthentication(
    publicKey === undefined ? {} : { apiKey: { id: API_KEY_ID, publicKey }, handshakeForms: OTHER_FORMS },
  );
  const tokens: string[] = [];
  let bootedAt: number | undefined;

  /** The answer where the request is not let in, or is a part of a handshake. */
  function authenticate({ method, path, headers, body }: SeenRequest, now: number): HonestAnswer | undefined {
    const answered = authentication.check({ method, path, body, authorization: headers.authorization, now });
    const isEncoded = path.endsWith('/shake') && answered?.status === 200;
    if (isEncoded) tokens.push(tokenIn(answered.body));
    return answered && { ...answered, isEncoded };
  }

  function react({ method, path }: SeenRequest, now: number): HonestAnswer {
    const url = new URL(path, 'http://controller');
    if (url.pathname.includes('/actions/runs')) return jobsOf(url.pathname);
    if (url.pathname.includes('/actions/runners')) return gitHub(url.pathname, now - (bootedAt ?? now));
    if (method === 'POST') bootedAt = now;
    if (method === 'POST') return ok(undefined);
    if (url.pathname.endsWith('/status')) return ok({ status: 'Running', version: '1.50.1-5e3c3f5b' });
    const instance = instanceAt(now, bootedAt ?? now - 3_600_000);
    const item = { external_id: EXTERNAL_ID, instance_id: INSTANCE_ID, name: null, vm: instance };
    return ok(url.search === '' ? [item] : instance);
  }

  const answer = (request: SeenRequest, now: number) => authenticate(request, now) ?? react(request, now);
  return { answer, tokens };
}

const RUNNER_ID = 23;
const OFFLINE_MS = 20_000;

/** GitHub has one runner, which is idle, and offline for a while after a restart. */
function gitHub(path: string, sinceBootMs: number): HonestAnswer {
  const status = sinceBootMs > 0 && sinceBootMs < OFFLINE_MS ? 'offline' : 'online';
  const labels = [{ id: 5, name: 'self-hosted', type: 'read-only' }];
  const runner = {
    id: RUNNER_ID,
    name: EXTERNAL_ID,
    os: 'macos',
    status,
    busy: false,
    ephemeral: false,
    labels,
  };
  const body = path.endsWith('/runners') ? { total_count: 1, runners: [runner] } : runner;
  return { status: 200, body: JSON.stringify(body) };
}

/** One run is in progress, that of the step: its job is on a machine of GitHub's own. */
function jobsOf(path: string): HonestAnswer {
  const job = {
    id: 71,
    run_id: 7,
    name: 'reset',
    status: 'in_progress',
    runner_id: 1_000,
    runner_name: 'GitHub Actions 1',
  };
  const runs = { total_count: 1, workflow_runs: [{ id: 7, name: 'CI', status: 'in_progress' }] };
  const body = path.endsWith('/jobs') ? { total_count: 1, jobs: [job] } : runs;
  return { status: 200, body: JSON.stringify(body) };
}

function ok(body: unknown): HonestAnswer {
  return { status: 200, body: JSON.stringify({ status: 'OK', message: '', body }) };
}

function tokenIn(body: string): string {
  const { data }: { data: { token: string } } = JSON.parse(Buffer.from(body, 'base64').toString());
  return data.token;
}

function instanceAt(now: number, bootedAt: number) {
  const [vncPassword, token] = HIDDEN;
  return {
    instance_id: INSTANCE_ID,
    instance_state: 'Started',
    message: 'Unexpected VM state: "stopped"',
    anka_registry: 'http://registry.example:8089',
    vmid: 'a4c52e39',
    tag: 'latest',
    version: '3',
    vminfo: vmAt(now, bootedAt, vncPassword),
    node_id: '72650d46-8ebe-4547-bb6c-8eb76e957b0a',
    inflight_reqid: '7f620141',
    group_id: 'g',
    ts: new Date(now).toISOString(),
    cr_time: '2024-10-12T15:40:42.858477+02:00',
    progress: 0,
    name: 'vm-1',
    external_id: EXTERNAL_ID,
    metadata: { a: 'b' },
    arch: 'arm64',
    vlan: '',
    startup_script: { return_code: 0, did_timeout: false, stdout: token, stderr: token, errors: [token] },
  };
}

function vmAt(now: number, bootedAt: number, vncPassword: string | undefined) {
  return {
    uuid: '0e42b576-4d36-482b-8f57-73c005fe8101',
    name: 'mgmtManaged-1',
    status: 'running',
    version: '',
    start_date: new Date(bootedAt).toISOString().replace(/\.\d+/, ''),
    stop_date: '0001-01-01T00:00:00Z',
    timestamp: new Date(now).toISOString(),
    cpu_cores: 4,
    ram: '4G',
    host_ip: '192.0.2.70',
    ip: '192.168.64.25',
    vnc_port: 5900,
    vnc_connection_string: `vnc://:${vncPassword}@192.0.2.70:5900`,
    port_forwarding: [{ guest_port: 22, host_port: 10_001, protocol: 'tcp', name: 'ssh' }],
  };
}
