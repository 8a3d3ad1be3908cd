import { constants, generateKeyPairSync, type KeyObject, publicEncrypt } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthentication } from '../../simulator/authentication.ts';
import {
  type Credentials,
  createCredentials,
  type Post,
  type PostRequest,
} from '../../src/controller/credentials.ts';
import type { HttpResult } from '../../src/http/transport.ts';

function answered(status: number, text = '', retryAfterMs?: number): HttpResult {
  return { answer: { status, text, headers: {}, location: undefined, retryAfterMs, proxy: undefined } };
}

const never: Post = () => Promise.reject(new Error('there is nothing to ask'));

test('without an identity, requests go as they are', async () => {
  const credentials = createCredentials({ kind: 'none' }, () => {});
  await expect(credentials.authorize(never)).resolves.toEqual({ headers: {} });
  expect(credentials.renew()).toBe(false);
  expect(credentials.deniedHint).toContain('give root_token');
});

test.each(['Authorization', 'authorization'])('an own %s header is what a 401 is about', (name) => {
  const own = { 'x-own': 'v', [name]: 'Basic eDp5' };
  const { deniedHint } = createCredentials({ kind: 'none' }, () => {}, own);
  expect(deniedHint).toMatch(/^The Authorization header given in headers is not accepted/);
  const root = createCredentials({ kind: 'root_token', token: 'hunter2-hunter2' }, () => {}, own);
  expect(root.deniedHint).toContain('Check root_token');
});

test('any other header of the user changes nothing', () => {
  const { deniedHint } = createCredentials({ kind: 'none' }, () => {}, { 'x-own': 'v' });
  expect(deniedHint).toContain('give root_token');
});

test('the root token is the password of root', async () => {
  const credentials = createCredentials({ kind: 'root_token', token: 'hunter2-hunter2' }, () => {});
  const authorization = 'Basic cm9vdDpodW50ZXIyLWh1bnRlcjI=';
  await expect(credentials.authorize(never)).resolves.toEqual({ headers: { authorization } });
  expect(credentials.renew()).toBe(false);
  expect(credentials.deniedHint).toContain('Check root_token');
});

describe('a user API key', () => {
  let keys: { privateKey: KeyObject; publicKey: KeyObject };
  let credentials: Credentials;
  let secrets: string[];
  let asked: string[];

  beforeAll(() => {
    keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  });

  beforeEach(() => {
    [secrets, asked] = [[], []];
    credentials = createCredentials({ kind: 'api_key', id: 'ci', key: keys.privateKey }, (...all) =>
      secrets.push(...all),
    );
  });

  /** A real handshake; some of its answers are replaced. */
  function post(
    replace: (request: PostRequest, real: string) => HttpResult | undefined = () => undefined,
  ): Post {
    const gate = createAuthentication({ apiKey: { id: 'ci', publicKey: keys.publicKey } });
    return async (request) => {
      asked.push(request.path);
      const real = gate.check({
        method: 'POST',
        path: request.path,
        body: JSON.stringify(request.body),
        authorization: undefined,
        now: 0,
      });
      return replace(request, real?.body ?? '') ?? answered(real?.status ?? 0, real?.body);
    };
  }

  const onHand = (exchange: HttpResult) =>
    post(({ path }) => (path.endsWith('/hand') ? exchange : undefined));
  const onShake = (exchange: HttpResult) =>
    post(({ path }) => (path.endsWith('/shake') ? exchange : undefined));
  const encrypt = (padding: object) =>
    publicEncrypt(
      { key: keys.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, ...padding },
      Buffer.from('secret'),
    );

  test('opens a session with one handshake, and keeps to it', async () => {
    const first = await credentials.authorize(post());
    expect(asked).toEqual(['/tap/v1/hand', '/tap/v1/shake']);
    const [, bearer = ''] =
      /^Bearer (.+)$/.exec('headers' in first ? (first.headers['authorization'] ?? '') : '') ?? [];
    const session = JSON.parse(Buffer.from(bearer, 'base64').toString());
    expect(session).toEqual({ userName: 'ci', token: expect.any(String), sessionId: expect.any(String) });
    expect(secrets).toEqual([expect.stringMatching(/./), bearer, session.token, session.sessionId]);
    await expect(credentials.authorize(never)).resolves.toEqual(first);
  });

  test('reports the decrypted secret before it is sent', async () => {
    const encrypted = encrypt({ oaepHash: 'sha256' }).toString('base64');
    const known: string[][] = [];
    const exchange = post(({ path }) => {
      if (path.endsWith('/hand')) return answered(200, encrypted);
      known.push([...secrets]);
      return answered(401);
    });
    await credentials.authorize(exchange);
    expect(known).toEqual([['secret']]);
  });

  test('opens a new one once the session has run out', async () => {
    const first = await credentials.authorize(post());
    expect(credentials.renew()).toBe(true);
    expect(await credentials.authorize(post())).not.toEqual(first);
    expect(credentials.deniedHint).toContain('api_key');
  });

  test.each<[string, (base64: string) => string]>([
    [
      'of the URL-safe alphabet, without padding',
      (text) => Buffer.from(text, 'base64').toString('base64url'),
    ],
    ['with a line break at its end', (text) => `${text}\r\n`],
  ])('reads base64 %s', async (_, rewrite) => {
    const rewriting = post(({ path }, real) =>
      path.endsWith('/hand') ? answered(200, rewrite(real)) : undefined,
    );
    await expect(credentials.authorize(rewriting)).resolves.toHaveProperty('headers');
  });

  test('reads the session as base64 of its JSON, too', async () => {
    const json = '{"id":"ci","data":{"userName":"ci","token":"t0ken","sessionId":"s"}}';
    await credentials.authorize(onShake(answered(200, Buffer.from(json).toString('base64'))));
    expect(secrets).toContain('t0ken');
  });

  test('treats long texts beside the token as secrets, but not empty or short ones', async () => {
    const json =
      '{"data":{"userName":"someone-long","token":"t0ken","sessionId":"","region":"eu-west","signature":"s1gnatur","groups":["a","b","c","d","e","f","g","h"]}}';
    await credentials.authorize(onShake(answered(200, json)));
    expect(secrets.slice(2)).toEqual(['t0ken', 's1gnatur']);
  });

  test.each<[string, HttpResult]>([
    ['denied', answered(401)],
    ['unknown', answered(404, '{"status":"FAIL","message":"no"}')],
    ['FAILed', answered(200, '{"status":"FAIL","message":"no"}')],
  ])('is reported as no good where it is %s', async (_, exchange) => {
    await expect(credentials.authorize(onHand(exchange))).resolves.toMatchObject({
      refused: {
        code: 'authentication_failed',
        message: expect.stringMatching(
          /^The controller does not accept the user API key \(HTTP \d+ to \/tap\/v1\/hand\)\.$/,
        ),
        hint: 'Check api_key_id, and that user API keys are enabled on this controller (1.19 or later).',
      },
    });
  });

  test.each<[string, HttpResult]>([
    ['something that is not there', answered(404, '404 page not found')],
    ['a page', answered(403, '<html>')],
  ])('that is answered with %s is most likely asked for at the wrong address', async (_, result) => {
    await expect(credentials.authorize(onHand(result))).resolves.toMatchObject({
      refused: {
        code: 'authentication_failed',
        message: expect.stringMatching(
          /^The handshake of the user API key failed: POST \/tap\/v1\/hand was /,
        ),
        hint: expect.stringContaining('is its path prefix right'),
      },
    });
  });

  test.each<[string, object]>([
    ['for another hash', { oaepHash: 'sha1' }],
    ['with another padding', { padding: constants.RSA_PKCS1_PADDING }],
  ])('is reported as no good where it cannot decrypt what was encrypted %s', async (_, padding) => {
    const exchange = answered(200, encrypt(padding).toString('base64'));
    await expect(credentials.authorize(onHand(exchange))).resolves.toMatchObject({
      refused: {
        code: 'authentication_failed',
        message: 'The handshake failed: api_key cannot decrypt what was encrypted for api_key_id.',
        hint: 'Check that api_key is the private key of the user API key that api_key_id names.',
      },
    });
  });

  const lost: HttpResult = {
    noAnswer: { mayHaveBeenSent: true, nature: 'passing', reason: 'reset', hint: '', cause: undefined },
  };

  test.each<[string, () => Post, string]>([
    ['the first answer is lost', () => onHand(lost), 'reset'],
    ['the second answer is lost', () => onShake(lost), 'reset'],
    [
      'the controller is down',
      () => onHand(answered(503)),
      'the handshake (/tap/v1/hand) was answered with HTTP 503',
    ],
    [
      'the controller is busy',
      () => onShake(answered(429)),
      'the handshake (/tap/v1/shake) was answered with HTTP 429',
    ],
    [
      'HTML comes back first',
      () => onHand(answered(200, '<html>')),
      'the handshake (/tap/v1/hand) was answered with an HTML page, not JSON',
    ],
    [
      'half of the secret comes back',
      () => onHand(answered(200, 'AAAA')),
      'the handshake (/tap/v1/hand) was answered with',
    ],
    [
      'something stands before the secret',
      () => onHand(answered(200, `!${encrypt({ oaepHash: 'sha256' }).toString('base64')}`)),
      'the handshake (/tap/v1/hand) was answered with text, not JSON',
    ],
    [
      'something stands after the secret',
      () => onHand(answered(200, `${encrypt({ oaepHash: 'sha256' }).toString('base64')}!`)),
      'the handshake (/tap/v1/hand) was answered with text, not JSON',
    ],
    [
      'HTML comes back then',
      () => onShake(answered(200, '<html>')),
      'the handshake (/tap/v1/shake) was answered with an HTML page',
    ],
    ['there is no token', () => onShake(answered(200, '{"data":{}}')), 'was answered with'],
    [
      'the token is a novel',
      () => onShake(answered(200, JSON.stringify({ data: { token: 'x'.repeat(5_000) } }))),
      'was answered with',
    ],
    [
      'the session is nested deeper than it could be written',
      () =>
        onShake(answered(200, `{"data":{"token":"t0ken","a":${'['.repeat(99_999)}${']'.repeat(99_999)}}}`)),
      'was answered with',
    ],
    [
      'the token has several lines',
      () => onShake(answered(200, '{"data":{"token":"a\\nb"}}')),
      'was answered with',
    ],
    ['the token is empty', () => onShake(answered(200, '{"data":{"token":""}}')), 'was answered with'],
    ['there are no data', () => onShake(answered(200, 'bnVsbA==')), 'was answered with'],
  ])('counts the request as never sent where %s', async (_, poster, reason) => {
    const result = await credentials.authorize(poster());
    expect(result).toMatchObject({
      noAnswer: { mayHaveBeenSent: false, reason: expect.stringContaining(reason) },
    });
    // Nothing from the answer, except perhaps the secret in the request.
    expect(secrets).toEqual(asked.includes('/tap/v1/shake') ? [expect.stringMatching(/./)] : []);
  });

  test('asks to check address and key if the answer most likely comes from another server', async () => {
    const fault = { nature: 'mistake', hint: expect.stringMatching(/controller_url.*api_key/) };
    await expect(credentials.authorize(onHand(answered(200, '<html>')))).resolves.toMatchObject({
      noAnswer: { ...fault, cause: { name: 'UnusableAnswer', ...fault } },
    });
  });

  test('passes on when to retry, and what to check', async () => {
    await expect(credentials.authorize(onHand(answered(503, '', 7_000)))).resolves.toEqual({
      noAnswer: {
        mayHaveBeenSent: false,
        nature: 'passing',
        reason: 'the handshake (/tap/v1/hand) was answered with HTTP 503',
        hint: 'Check the controller, and any gateway in front of it.',
        retryAfterMs: 7_000,
        cause: undefined,
      },
    });
  });

  test.each<[string, (length: number) => string, number]>([
    ['an answer', (length) => '{"data":{"token":"t0ken"}}'.padEnd(length), 6_000],
    ['a session', (length) => `{"data":{"token":"${'x'.repeat(length - 12)}"}}`, 4_000],
  ])('accepts %s of this many characters, but not more', async (_, json, most) => {
    await expect(credentials.authorize(onShake(answered(200, json(most + 1))))).resolves.toHaveProperty(
      'noAnswer',
    );
    await expect(credentials.authorize(onShake(answered(200, json(most))))).resolves.toHaveProperty(
      'headers',
    );
  });

  test.each(['hand', 'shake'])('is not sent to the target of a redirect of /%s', async (step) => {
    const exchange = {
      answer: {
        status: 301,
        text: '',
        headers: {},
        location: 'https://evil.example/x',
        retryAfterMs: undefined,
        proxy: undefined,
      },
    };
    await expect(
      credentials.authorize(step === 'hand' ? onHand(exchange) : onShake(exchange)),
    ).resolves.toMatchObject({
      refused: {
        code: 'protocol_error',
        message: `POST /tap/v1/${step} was redirected to "evil.example" (HTTP 301).`,
      },
    });
  });

  test('treats a secret that has grown too old like a session that has run out', async () => {
    await expect(credentials.authorize(onShake(answered(400)))).resolves.toMatchObject({
      answer: { status: 401 },
    });
  });

  test('that is not an RSA key decrypts nothing', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const wrong = createCredentials({ kind: 'api_key', id: 'ci', key: privateKey }, () => {});
    await expect(wrong.authorize(post())).resolves.toHaveProperty('noAnswer');
  });
});
