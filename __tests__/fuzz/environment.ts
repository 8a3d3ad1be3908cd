import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc, { type Arbitrary } from 'fast-check';
import { parse } from 'yaml';
import { createAuthority } from '../../simulator/certificates.ts';
import { DEFAULT_WORLD, World } from '../../simulator/world.ts';
import type { Environment } from '../../src/inputs/form.ts';
import { nastyText } from './nasty.ts';

/** One VM, whose agent reports often. */
export const WORLD = { vms: 1, nodes: 1, heartbeatMs: 1_000, stopMs: 300, startMs: 300, pickUpMs: 100 };
const [RECORD] = new World({ ...DEFAULT_WORLD, ...WORLD, startsAt: 0 }).records;
const INSTANCE_ID = RECORD?.instanceId ?? '';
const EXTERNAL_ID = RECORD?.externalId ?? '';
export const API_KEY_ID = 'ci';

export const KEY_PAIR = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PASSPHRASE = 'passphrase-hunter2';
const authority = await createAuthority();

const encrypted = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const;
/** Keys and certificates. A case contains only these names: the values are long, and differ in each process. */
const NAMED: Readonly<Record<string, string>> = {
  '{RSA KEY}': KEY_PAIR.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  '{BARE RSA KEY}': KEY_PAIR.privateKey.export({ type: 'pkcs1', format: 'der' }).toString('base64'),
  '{ENCRYPTED KEY}': authority.key.export({ type: 'pkcs8', format: 'pem', ...encrypted }).toString(),
  '{EC KEY}': authority.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  '{CERTIFICATE}': authority.certificate,
};

/** Secrets with characters that encodings change. */
export const SECRETS: Readonly<Record<string, string>> = {
  root_token: 'root hunter2/<&>"?%é\\',
  vnc_password: "vnc+hunter2='::##[",
  headers: 'gateway-hunter2~key',
  client_key_passphrase: PASSPHRASE,
  github_token: 'ghp_hunter2+/=~hunter2',
};

/** No instance has this ID. */
const OTHER_ID = '0d9d8a32-1c0b-4a0e-9a3d-5f1f6f7d2b11';
const BASIC = Buffer.from(`me:${SECRETS['headers']}`).toString('base64');
/** Each contains the secret in a different place. */
const HEADERS = [
  `X-Key: ${SECRETS['headers']}`,
  `X-Key: id=7, token="${SECRETS['headers']}"`,
  `X-Key: me:${SECRETS['headers']}`,
  `X-Key: {"key":"${SECRETS['headers']}"}`,
  `X-Key: Basic ${BASIC}`,
];

/** Valid values of the inputs; for variables that are not listed, see {@link change}. */
const RIGHT: Readonly<Record<string, readonly string[]>> = {
  controller_url: ['http://controller.example:8090', 'https://[::1]/anka/', 'http://me@controller.example'],
  instance_id: [INSTANCE_ID, INSTANCE_ID.toUpperCase(), `${INSTANCE_ID}\n${OTHER_ID}`],
  external_id: [EXTERNAL_ID, 'run*', `${EXTERNAL_ID}\n*\n`],
  used_by_job: ['build', 'test*\nlint'],
  run_id: ['7001', '1'],
  max_vms: ['2000', '1', '3'],
  max_parallel: ['1', '7', '25%'],
  max_failures: ['0', '3', '50 %'],
  usb_device: ['iPhone 1'],
  timeout: ['10', '20s', '2m', '24h'],
  request_timeout: ['0.1', '3s'],
  poll_interval: ['auto', '0.2s', '5'],
  dry_run: ['true', 'False'],
  job_summary: ['true', 'FALSE'],
  skip_tls_verify: ['true', 'false'],
  api_key_id: [API_KEY_ID],
  api_key: ['{RSA KEY}', '{BARE RSA KEY}', '{EC KEY}', '{CERTIFICATE}'],
  client_cert: ['{CERTIFICATE}'],
  client_key: ['{EC KEY}', '{ENCRYPTED KEY}'],
  ca_cert: ['{CERTIFICATE}'],
  runner_name: [EXTERNAL_ID, '{external_id}'],
  runner_scope: ['octo-org', 'octo-org/app', 'enterprises/octo-corp'],
  when_busy: ['wait', 'fail', 'skip', 'ignore'],
  idle_for: ['0s', '30', '2m'],
  busy_timeout: ['1', '2m'],
  wait_for_runner: ['true', 'False'],
  runner_timeout: ['10s', '8m'],
  guest_check: ['none', 'ssh'],
  guest_timeout: ['10', '2m'],
  RUNNER_NAME: [EXTERNAL_ID, 'vm-1'],
  ...Object.fromEntries(Object.entries(SECRETS).map(([name, secret]) => [name, [secret]])),
  headers: [...HEADERS, `Authorization: Bearer ${SECRETS['headers']}\r\nX-A: b`],
};

const { inputs }: { inputs: Record<string, unknown> } = parse(readFileSync('action.yml', 'utf8'));
const NAMES = Object.keys(inputs);
const OTHERS = ['http_proxy', 'HTTPS_PROXY', 'NO_PROXY', 'GITHUB_API_URL', 'RUNNER_NAME'];

/** A valid environment, except for some variables, which can be any text. */
export function anyEnvironment(): Arbitrary<Environment> {
  const inputs = NAMES.map((name) => [name, `INPUT_${name.toUpperCase()}`] as const);
  const variables = [...inputs, ...OTHERS.map((name) => [name, name] as const)];
  const changes = fc.record(
    Object.fromEntries(variables.map(([name, variable]) => [variable, change(name)])),
  );
  return fc.tuple(rightEnvironment(), changes).map(([right, changed]) => {
    const kept = Object.entries(changed).filter(([, value]) => value !== undefined);
    return { ...right, ...Object.fromEntries(kept) };
  });
}

/** The new value of a variable: mostly none; otherwise a valid text, a valid text with an insertion, or any text. */
function change(name: string): Arbitrary<string | undefined> {
  const right = RIGHT[name] ?? ['http://me:secret@proxy.example:3128', '*'];
  const nearly = fc
    .record({ text: fc.constantFrom(...right), at: fc.nat({ max: 60 }), piece: nastyText() })
    .map(({ text, at, piece }) => text.slice(0, at) + piece + text.slice(at));
  return fc.oneof(
    { weight: 60, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.constantFrom(...right) },
    { weight: 3, arbitrary: nearly },
    { weight: 3, arbitrary: nastyText() },
  );
}

/** A valid environment: a step gets as far as its first request. */
export function rightEnvironment(): Arbitrary<Environment> {
  const targets: readonly Environment[] = [
    { INPUT_INSTANCE_ID: INSTANCE_ID },
    { INPUT_EXTERNAL_ID: EXTERNAL_ID },
  ];
  const target = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...targets) },
    { weight: 1, arbitrary: fc.constant<Environment>({ INPUT_EXTERNAL_ID: 'runner-*' }) },
  );
  const identity = fc.constantFrom<Environment>(
    {},
    {},
    { INPUT_ROOT_TOKEN: SECRETS['root_token'] },
    { INPUT_API_KEY_ID: API_KEY_ID, INPUT_API_KEY: '{RSA KEY}' },
    { INPUT_API_KEY_ID: API_KEY_ID, INPUT_API_KEY: '{BARE RSA KEY}' },
  );
  const rest = fc.record({
    INPUT_CONTROLLER_URL: fc.constantFrom(
      'http://controller.example:8090',
      'https://controller.example/anka',
    ),
    INPUT_TIMEOUT: fc.constantFrom('10s', '30s'),
    INPUT_REQUEST_TIMEOUT: fc.constantFrom('1s', '10s'),
    INPUT_POLL_INTERVAL: fc.constantFrom('auto', '3s'),
    INPUT_DRY_RUN: fc.constantFrom('false', 'false', 'false', 'true'),
    INPUT_VNC_PASSWORD: fc.constantFrom(undefined, SECRETS['vnc_password']),
    INPUT_HEADERS: fc.constantFrom(undefined, ...HEADERS),
    INPUT_GUEST_CHECK: fc.constantFrom(undefined, 'ssh'),
    INPUT_GUEST_TIMEOUT: fc.constantFrom('10s', '20s'),
    RUNNER_NAME: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(undefined, 'elsewhere') },
      { weight: 1, arbitrary: fc.constantFrom(EXTERNAL_ID, 'VM-1') },
    ),
  });
  const runner = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Environment>({}) },
    { weight: 1, arbitrary: withRunner() },
  );
  return fc.tuple(target, identity, rest, runner).map((parts) => Object.assign({}, ...parts));
}

/** The additional variables if the step watches a runner. */
function withRunner(): Arbitrary<Environment> {
  return fc.record({
    INPUT_RUNNER_NAME: fc.constantFrom(EXTERNAL_ID, '{external_id}'),
    INPUT_RUNNER_SCOPE: fc.constantFrom('octo-org', 'octo-org/app', 'enterprises/octo-corp'),
    INPUT_GITHUB_TOKEN: fc.constant(SECRETS['github_token']),
    INPUT_WHEN_BUSY: fc.constantFrom('wait', 'ignore'),
    INPUT_IDLE_FOR: fc.constantFrom('0s', '30s', '90s'),
    INPUT_BUSY_TIMEOUT: fc.constantFrom('1s', '1m'),
    INPUT_WAIT_FOR_RUNNER: fc.constantFrom('true', 'true', 'false'),
    INPUT_RUNNER_TIMEOUT: fc.constantFrom('2s', '7m'),
    GITHUB_REPOSITORY: fc.constantFrom('octo-org/app', undefined),
    GITHUB_API_URL: fc.constantFrom(undefined, 'http://github.example/api/v3'),
  });
}

/** The environment with keys and certificates instead of their names. */
export function resolve(environment: Environment): Environment {
  const fill = (text: string) =>
    Object.entries(NAMED).reduce((filled, [name, value]) => filled.replaceAll(name, () => value), text);
  return Object.fromEntries(
    Object.entries(environment).map(([name, text]) => [name, text === undefined ? undefined : fill(text)]),
  );
}

/** The secrets that the environment really contains as secrets. */
export function secretsIn(environment: Environment): string[] {
  const held = Object.entries(SECRETS).filter(([name, secret]) =>
    [secret, BASIC].some((form) => environment[`INPUT_${name.toUpperCase()}`]?.includes(form)),
  );
  return held.map(([, secret]) => secret);
}
