import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority, type Issued, privatePem } from '../../simulator/certificates.ts';
import { ActionError } from '../../src/errors.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { ID } from '../support/instances.ts';

// The inputs (and the environment) that say how to reach a controller, and how to authenticate.

const WHY_EMPTY =
  'If it comes from a secret: does that secret exist for this repository and event? (Forks and Dependabot get none.)';
const half = (empty: string, given: string) =>
  `${empty}: it is empty, but ${given} is given: give both or neither. ${WHY_EMPTY}`;

const folder = mkdtempSync(join(tmpdir(), 'ways-in-'));
const PASSPHRASE = 'open sesame';
let secrets: string[];
let rsa: Issued;
let ec: Issued;
let ca: string;

beforeAll(async () => {
  const authority = await createAuthority();
  ca = authority.certificate;
  rsa = await authority.issue({ name: 'rsa', algorithm: 'RSA' });
  ec = await authority.issue({ name: 'ec' });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function read(
  given: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Inputs {
  secrets = [];
  const all = { controller_url: 'https://controller.example', instance_id: ID, ...given };
  const variables = Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  return readInputs({ ...environment, ...Object.fromEntries(variables) }, (...all) => secrets.push(...all));
}

function problemsOf(
  given: Readonly<Record<string, string>>,
  environment?: Readonly<Record<string, string>>,
): string[] {
  try {
    read(given, environment);
  } catch (error) {
    if (error instanceof ActionError) return error.message.split('\n- ').slice(1);
    throw error;
  }
  return [];
}

function pem(key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1', passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type: type as 'pkcs8', format: 'pem', ...encryption }).toString();
}

describe('root token', () => {
  test('is a secret, and so is the form in which it is sent', () => {
    expect(read({ root_token: 'hunter2-hunter2\n' }).identity).toEqual({
      kind: 'root_token',
      token: 'hunter2-hunter2',
    });
    expect(secrets).toEqual(['hunter2-hunter2', Buffer.from('root:hunter2-hunter2').toString('base64')]);
  });

  test('has at least 10 characters, and a shorter one is not hidden: it might be a word of the message', () => {
    expect(problemsOf({ root_token: 'hunter2' })).toEqual([
      'root_token: 7 characters; a root token has at least 10',
    ]);
    expect(secrets).toEqual([]);
    expect(read({ root_token: 'hunter2345' }).identity).toEqual({ kind: 'root_token', token: 'hunter2345' });
  });
});

describe('user API key', () => {
  test.each<[string, 'pkcs1' | 'pkcs8']>([
    ['PKCS#1', 'pkcs1'],
    ['PKCS#8', 'pkcs8'],
  ])('in %s', (_, type) => {
    const { identity } = read({ api_key_id: ' ci ', api_key: pem(rsa.key, type) });
    expect(identity).toMatchObject({ kind: 'api_key', id: 'ci' });
    expect(identity.kind === 'api_key' && identity.key.equals(rsa.key)).toBe(true);
    expect(secrets).toContain(pem(rsa.key, type));
  });

  test.each<[string, (text: string) => string]>([
    ['line breaks as two characters', (text) => text.replaceAll('\n', '\\n')],
    ['CRLF', (text) => text.replaceAll('\n', '\r\n')],
    ['CR', (text) => text.replaceAll('\n', '\r')],
    ['no line break at its end', (text) => text.trim()],
    ['white space around it', (text) => `\n  ${text}\n\n`],
  ])('pasted with %s', (_, mangle) => {
    const mangled = mangle(privatePem(rsa.key));
    expect(read({ api_key_id: 'ci', api_key: mangled }).identity.kind).toBe('api_key');
    expect(secrets).toContain(mangled.trim());
    expect(secrets).toContain(privatePem(rsa.key));
  });

  test('from a file', () => {
    const path = join(folder, 'key.pem');
    writeFileSync(path, privatePem(rsa.key));
    expect(read({ api_key_id: 'ci', api_key: path }).identity.kind).toBe('api_key');
    expect(secrets).toContain(privatePem(rsa.key));
  });

  const bare = (type: 'pkcs1' | 'pkcs8') => rsa.key.export({ type, format: 'der' }).toString('base64');
  const wrapped = (text: string, lineBreak: string) => text.replace(/.{76}/g, `$&${lineBreak}`);

  describe.each(['pkcs1', 'pkcs8'] as const)('as the controller hands it out, bare base64 of %s', (type) => {
    test.each<[string, (text: string) => string]>([
      ['as it is', (text) => text],
      ['in lines', (text) => wrapped(text, '\r\n')],
      ['with line breaks as two characters', (text) => wrapped(text, '\\n')],
      ['with white space around it', (text) => `\n ${text} \n`],
      ['without padding', (text) => text.replace(/=+$/, '')],
    ])('%s', (_, mangle) => {
      const given = mangle(bare(type));
      const { identity } = read({ api_key_id: 'ci', api_key: given });
      expect(identity.kind === 'api_key' && identity.key.equals(rsa.key)).toBe(true);
      expect(secrets).toEqual(expect.arrayContaining([given.trim(), bare(type), pem(rsa.key, type)]));
    });

    test('from a file, whose path is not secret', () => {
      const path = join(folder, `bare-${type}`);
      const text = `${wrapped(bare(type), '\n')}\n`;
      writeFileSync(path, text);
      expect(read({ api_key_id: 'ci', api_key: path }).identity.kind).toBe('api_key');
      expect(secrets).toEqual(expect.arrayContaining([text, bare(type), pem(rsa.key, type)]));
      expect(secrets).not.toContain(path);
    });

    test('is hidden if the key is given as PEM', () => {
      read({ api_key_id: 'ci', api_key: pem(rsa.key, type) });
      expect(secrets).toContain(bare(type));
    });
  });

  test('that is base64 of something else is a problem, and a secret all the same', () => {
    const given = Buffer.from('hunter2'.repeat(60)).toString('base64');
    expect(problemsOf({ api_key_id: 'ci', api_key: given })).toEqual([
      'api_key: it is base64, but not of a private key',
    ]);
    expect(secrets).toContain(given);
  });

  test('that is base64 of a key of another kind is a problem', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    const given = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
    expect(problemsOf({ api_key_id: 'ci', api_key: given })).toEqual(['api_key: it is not an RSA key']);
  });

  test.each([299, 20_001])('base64 of %i characters is not a key', (length) => {
    expect(problemsOf({ api_key_id: 'ci', api_key: 'A'.repeat(length) })).toEqual([
      'api_key: it is neither PEM text nor the path of a file that can be read',
    ]);
  });

  test.each<[string, () => string, string]>([
    [
      'a mangled key',
      () => privatePem(rsa.key).replaceAll('-', '_'),
      'it is neither PEM text nor the path of a file that can be read',
    ],
    [
      'a file that is not there',
      () => join(folder, 'missing.pem'),
      'it is neither PEM text nor the path of a file that can be read',
    ],
    ['a folder', () => folder, 'it is neither PEM text nor the path of a file that can be read'],
    [
      'PEM of what is no key, and has no padding',
      () => `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(400)}\n-----END PRIVATE KEY-----`,
      'it contains no readable private key',
    ],
    [
      'what is no key',
      () => '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----',
      'it contains no readable private key',
    ],
    ['a key of another kind', () => privatePem(ec.key), 'it is not an RSA key'],
    [
      'an encrypted key',
      () => pem(rsa.key, 'pkcs8', PASSPHRASE),
      'it is encrypted, and no passphrase is given',
    ],
  ])('%s is a problem that gives nothing away', (_, given, problem) => {
    const problems = problemsOf({ api_key_id: 'ci', api_key: given() });
    expect(problems).toEqual([`api_key: ${problem}`]);
  });

  test('a file without PEM text is a problem', () => {
    const path = join(folder, 'text');
    writeFileSync(path, 'hello');
    expect(problemsOf({ api_key_id: 'ci', api_key: path })).toEqual([
      'api_key: it is a file without PEM text',
    ]);
  });

  test('a text too large to be a key is not taken for one', () => {
    const large = privatePem(rsa.key).repeat(20);
    const problem = `${large.trim().length} characters with a private key among them; at most 20000 are allowed`;
    expect(problemsOf({ api_key_id: 'ci', api_key: large })).toEqual([`api_key: ${problem}`]);
  });

  test.each([
    [20_000, []],
    [20_001, ['api_key: 20001 characters with a private key among them; at most 20000 are allowed']],
  ])('a file of %i characters with a key: %j', (length, problems) => {
    const path = join(folder, 'padded.pem');
    writeFileSync(path, privatePem(rsa.key).padEnd(length));
    expect(problemsOf({ api_key_id: 'ci', api_key: path })).toEqual(problems);
  });

  test('a file too large to be a key is not read, and neither is anything but a file', () => {
    const path = join(folder, 'large');
    writeFileSync(path, 'x'.repeat(1024 * 1024 + 1));
    for (const api_key of [path, '/dev/null']) {
      expect(problemsOf({ api_key_id: 'ci', api_key })).toEqual([
        'api_key: it is neither PEM text nor the path of a file that can be read',
      ]);
    }
  });

  test('without its ID is a problem', () => {
    expect(problemsOf({ api_key: privatePem(rsa.key) })).toEqual([half('api_key_id', 'api_key')]);
  });

  test('without the key is a problem', () => {
    expect(problemsOf({ api_key_id: 'ci', api_key: ' \n' })).toEqual([half('api_key', 'api_key_id')]);
  });

  test('beside a root token is a problem, as is half of it', () => {
    const root = { root_token: 'hunter2-hunter2' };
    const api_key = privatePem(rsa.key);
    const two =
      'root_token, api_key_id, api_key: two ways to authenticate are given; give the root token or the API key';
    expect(problemsOf({ ...root, api_key_id: 'ci', api_key })).toEqual([two]);
    expect(problemsOf({ ...root, api_key_id: 'ci' })).toEqual([two, half('api_key', 'api_key_id')]);
    expect(problemsOf({ ...root, api_key })).toEqual([two, half('api_key_id', 'api_key')]);
    // Although the value itself is wrong, too.
    expect(problemsOf({ root_token: 'short', api_key_id: 'ci', api_key })).toEqual([
      expect.stringMatching(/^root_token: 5 characters/),
      two,
    ]);
  });
});

describe('client certificate', () => {
  test.each<[string, () => Issued, 'pkcs1' | 'pkcs8' | 'sec1', string | undefined]>([
    ['RSA, PKCS#1', () => rsa, 'pkcs1', undefined],
    ['RSA, PKCS#8', () => rsa, 'pkcs8', undefined],
    ['RSA, PKCS#1, encrypted', () => rsa, 'pkcs1', PASSPHRASE],
    ['RSA, PKCS#8, encrypted', () => rsa, 'pkcs8', PASSPHRASE],
    ['EC, SEC1', () => ec, 'sec1', undefined],
    ['EC, PKCS#8', () => ec, 'pkcs8', undefined],
    ['EC, SEC1, encrypted', () => ec, 'sec1', PASSPHRASE],
    ['EC, PKCS#8, encrypted', () => ec, 'pkcs8', PASSPHRASE],
  ])('%s', (_, issued, type, passphrase) => {
    const { certificate, key } = issued();
    const given = { client_cert: certificate, client_key: pem(key, type, passphrase) };
    const { tls } = read({
      ...given,
      ...(passphrase === undefined ? {} : { client_key_passphrase: passphrase }),
    });
    expect(tls).toMatchObject({ cert: certificate, key: privatePem(key) });
    expect(secrets).toContain(given.client_key);
    if (passphrase !== undefined) expect(secrets).toContain(passphrase);
  });

  test('may bring its chain', () => {
    expect(read({ client_cert: rsa.certificate + ca, client_key: privatePem(rsa.key) }).tls.cert).toBe(
      `${rsa.certificate}${ca}`,
    );
  });

  test.each<[string, () => Record<string, string>, string]>([
    [
      'the key of another',
      () => ({ client_cert: ec.certificate, client_key: privatePem(rsa.key) }),
      'client_key: it is not the key of the (first) certificate in client_cert',
    ],
    ['no key', () => ({ client_cert: ec.certificate }), half('client_key', 'client_cert')],
    ['no certificate', () => ({ client_key: privatePem(ec.key) }), half('client_cert', 'client_key')],
    [
      'a passphrase for nothing',
      () => ({ client_key_passphrase: PASSPHRASE }),
      'client_key_passphrase: it is given, but client_key is empty',
    ],
    [
      'a wrong passphrase',
      () => ({
        client_cert: ec.certificate,
        client_key: pem(ec.key, 'pkcs8', PASSPHRASE),
        client_key_passphrase: 'wrong',
      }),
      'client_key, client_key_passphrase: the passphrase does not open it',
    ],
    [
      'a missing passphrase',
      () => ({ client_cert: ec.certificate, client_key: pem(ec.key, 'pkcs8', PASSPHRASE) }),
      'client_key, client_key_passphrase: it is encrypted, and no passphrase is given',
    ],
    [
      'the key in both places',
      () => ({ client_cert: privatePem(ec.key), client_key: privatePem(ec.key) }),
      'client_cert: it contains no certificate (-----BEGIN CERTIFICATE-----)',
    ],
    [
      'what is no certificate',
      () => ({
        client_cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
        client_key: privatePem(ec.key),
      }),
      'client_cert: it contains 1 certificates, at least one of which cannot be read',
    ],
    [
      'a certificate that is none',
      () => ({ client_cert: 'missing.pem', client_key: privatePem(ec.key) }),
      'client_cert: it is neither PEM text nor the path of a file that can be read',
    ],
    [
      'a key that is none',
      () => ({ client_cert: ec.certificate, client_key: 'missing.pem' }),
      'client_key: it is neither PEM text nor the path of a file that can be read',
    ],
  ])('with %s is a problem', (_, given, problem) => {
    expect(problemsOf(given())).toEqual([problem]);
  });

  test('that OpenSSL does not accept is a problem: its key is too short', async () => {
    const weak = await (await createAuthority()).issue({ name: 'weak', algorithm: 'weak' });
    expect(problemsOf({ client_cert: weak.certificate, client_key: privatePem(weak.key) })).toEqual([
      'client_cert: it cannot be used: ee key too small',
    ]);
  });

  test('a key in place of the certificate is still a secret', () => {
    problemsOf({ client_cert: privatePem(ec.key), client_key: privatePem(ec.key) });
    expect(secrets.filter((secret) => secret === privatePem(ec.key)).length).toBeGreaterThanOrEqual(2);
  });
});

describe('server certificate', () => {
  test('may be signed by a private CA', () => {
    expect(read({ ca_cert: ca }).tls).toMatchObject({ ca, rejectUnauthorized: true });
    expect(secrets).toEqual([]);
  });

  test('may be any certificate if verification is off', () => {
    const { tls, warnings } = read({ skip_tls_verify: 'true' });
    expect(tls.rejectUnauthorized).toBe(false);
    expect(warnings).toEqual([
      expect.stringMatching(/^skip_tls_verify is set: any machine in between can pretend/),
    ]);
  });

  test('may be signed by one of many CAs, in a file of up to 1 MiB', () => {
    const path = join(folder, 'bundle.pem');
    const many = ca.repeat(Math.ceil(25_000 / ca.length));
    writeFileSync(path, many.padEnd(1024 * 1024, '\n'));
    expect(read({ ca_cert: path }).tls.ca).toBe(many);
    expect(read({ ca_cert: many }).tls.ca).toBe(many);
  });

  test.each<[string, () => string, string]>([
    ['nothing', () => 'my-ca', 'it is neither PEM text nor the path of a file that can be read'],
    ['a key', () => privatePem(ec.key), 'it contains no certificate (-----BEGIN CERTIFICATE-----)'],
  ])('a CA that is %s is a problem', (_, given, problem) => {
    expect(problemsOf({ ca_cert: given() })).toEqual([`ca_cert: ${problem}`]);
  });
});

test.each<[Record<string, string>]>([
  [{ root_token: 'hunter2-hunter2' }],
  [{ api_key_id: 'ci', api_key: 'KEY' }],
])('an Authorization header beside %j is refused', (given) => {
  const way = 'api_key' in given ? { ...given, api_key: privatePem(rsa.key) } : given;
  expect(problemsOf({ headers: 'authorization: Basic x', ...way })).toEqual([
    'headers: Authorization is another way to authenticate; leave it out, or root_token, api_key_id and api_key',
  ]);
});

test('an Authorization header beside half an API key is one more problem', () => {
  const own =
    'headers: Authorization is another way to authenticate; leave it out, or root_token, api_key_id and api_key';
  expect(problemsOf({ headers: 'Authorization: x', api_key_id: 'ci' })).toEqual([
    half('api_key', 'api_key_id'),
    own,
  ]);
  expect(problemsOf({ headers: 'Authorization: x', api_key: privatePem(rsa.key) })).toEqual([
    half('api_key_id', 'api_key'),
    own,
  ]);
});

test('invalid headers are the only problem with any form of authentication', () => {
  expect(problemsOf({ headers: 'nonsense', root_token: 'hunter2-hunter2' })).toEqual([
    'headers: line 1 is not of the form "Name: value"',
  ]);
});

describe('proxy', () => {
  test('comes from the environment, and its password is a secret in each form', () => {
    const { proxy } = read({}, { HTTPS_PROXY: 'http://me:p%40ss@proxy.example:3128' });
    expect(proxy?.host).toBe('proxy.example:3128');
    expect(secrets).toEqual(['p%40ss', 'p@ss', Buffer.from('me:p@ss').toString('base64')]);
  });

  test('a password without a user is a secret, too', () => {
    read({}, { HTTPS_PROXY: 'http://:p%40ss@proxy.example' });
    expect(secrets).toEqual(expect.arrayContaining(['p@ss', 'p%40ss']));
  });

  test('may have a token in the place of the user', () => {
    read({}, { HTTPS_PROXY: 'http://t0ken%40t0ken@proxy.example' });
    expect(secrets).toEqual([Buffer.from('t0ken@t0ken:').toString('base64'), 't0ken%40t0ken', 't0ken@t0ken']);
  });

  test('without credentials has no secrets', () => {
    expect(read({}, { https_proxy: 'proxy.example:3128' }).proxy?.host).toBe('proxy.example:3128');
    expect(secrets).toEqual([]);
  });

  test('is used though NO_PROXY has entries of unknown form: they are warned about, once', () => {
    const environment = {
      HTTPS_PROXY: 'http://proxy.example:3128',
      NO_PROXY: '10.*, 10.0.0.0/8,https://controller.example,10.*',
      GITHUB_REPOSITORY: 'octo-org/app',
    };
    const given = { runner_name: 'mac-7', github_token: 'hunter2' };
    const excludes = (entry: string) =>
      `NO_PROXY (environment): "${entry}" excludes nothing; give a host name, an IP address, or a range such as 10.0.0.0/8.`;
    expect(read(given, environment).warnings).toEqual([
      excludes('10.*'),
      excludes('https://controller.example'),
    ]);
    expect(read(given, { ...environment, HTTPS_PROXY: '' }).warnings).toEqual([]);
    expect(read({ controller_url: 'http://localhost' }, environment).warnings).toEqual([]);
  });

  test('that makes no sense is a problem', () => {
    expect(problemsOf({}, { HTTPS_PROXY: 'socks5://me:hunter2@proxy.example' })).toEqual([
      'HTTPS_PROXY (environment): it must be of the form http(s)://[user:password@]host[:port]',
    ]);
  });
});

test('a 4096 bit key is one, too', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
  expect(read({ api_key_id: 'ci', api_key: privatePem(privateKey) }).identity.kind).toBe('api_key');
});
