import { describe, expect, test } from '@jest/globals';
import {
  describeBody,
  hostOfRedirect,
  isRedirect,
  isRefusal,
  isSuccess,
  parseEnvelope,
  readEnvelope,
  redirected,
} from '../../src/controller/envelope.ts';
import { ActionError } from '../../src/errors.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { Answer } from '../../src/http/transport.ts';

const CALL = 'GET /api/v1/vm';
const URL_ASKED = 'https://anka.example/p/api/v1/vm';
const THE_CALL = { name: CALL, url: URL_ASKED, deniedHint: 'Knock first.' };

function answer(status: number, text: string, changes: Partial<Answer> = {}): Answer {
  return {
    status,
    text,
    headers: {},
    location: undefined,
    proxy: undefined,
    retryAfterMs: undefined,
    ...changes,
  };
}

/** Code (or nature), message and hint of the error that reading the answer throws. */
function thrownFor(given: Answer): (string | undefined)[] {
  try {
    readEnvelope(THE_CALL, given);
  } catch (error) {
    if (error instanceof ActionError) return [error.code, error.message, error.hint];
    if (error instanceof UnusableAnswer) return [error.nature, error.message];
    throw error;
  }
  return [];
}

test.each([
  [199, false, false],
  [200, true, false],
  [299, true, false],
  [300, false, false],
  [301, false, true],
  [303, false, true],
  [304, false, false],
  [308, false, true],
  [399, false, false],
  [400, false, false],
])('HTTP %i: success %p, redirect %p', (status, success, redirect) => {
  expect([isSuccess(answer(status, '')), isRedirect(answer(status, ''))]).toEqual([success, redirect]);
});

test('any 3xx with a location is a redirect', () => {
  const located = (status: number) => answer(status, '', { location: '/' });
  expect([300, 399, 299, 400].map((status) => isRedirect(located(status)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

describe('an envelope', () => {
  test.each([
    ['{"status":"OK","body":[1]}', { status: 'OK', body: [1] }],
    ['{"status":"OK"}', { status: 'OK', body: undefined }],
    ['{"status":"FAIL","message":"no such VM"}', { status: 'failure', word: 'FAIL', message: 'no such VM' }],
    [
      '{"status":"ERROR","message":"no such VM"}',
      { status: 'failure', word: 'ERROR', message: 'no such VM' },
    ],
    ['{"status":"FAIL","message":""}', { status: 'failure', word: 'FAIL', message: '(no message)' }],
    ['{"status":"FAIL","message":7}', { status: 'failure', word: 'FAIL', message: '(no message)' }],
    ['{"status":"ok"}', { status: 'failure', word: 'ok', message: '(no message)' }],
    ['{"status":404}', undefined],
    ['{"status":""}', undefined],
    ['{}', undefined],
    ['[]', undefined],
    ['"OK"', undefined],
    ['null', undefined],
    ['<html>', undefined],
  ])('%s', (text, expected) => {
    expect(parseEnvelope(answer(200, text))).toEqual(expected);
  });

  test.each([
    [1_000, 'x'.repeat(1_000)],
    [1_001, '(a text of 1001 characters)'],
  ])('with a message of %i characters', (length, message) => {
    const text = JSON.stringify({ status: 'FAIL', message: 'x'.repeat(length) });
    expect(parseEnvelope(answer(200, text))).toEqual({ status: 'failure', word: 'FAIL', message });
  });

  test.each(['FAIL', 'ERROR'])('that says %s counts with any HTTP status', (word) => {
    const text = JSON.stringify({ status: word, message: 'no' });
    for (const status of [200, 404, 500]) {
      expect(readEnvelope(THE_CALL, answer(status, text))).toEqual({
        status: 'failure',
        word,
        message: 'no',
      });
    }
  });

  test.each([
    ['{"status":"FAIL"}', true],
    ['{"status":"ERROR"}', false],
    ['{"status":"OK"}', false],
    ['{}', false],
  ])('is a refusal of the controller itself: %s %p', (text, expected) => {
    expect(isRefusal(parseEnvelope(answer(200, text)))).toBe(expected);
  });
});

test.each([
  ['', 'an empty body'],
  [' \n', 'an empty body'],
  ['\n<html>', 'an HTML page, not JSON'],
  [' {"a":', 'JSON that is cut off'],
  ['[1', 'JSON that is cut off'],
  ['{}', "JSON that is not this API's"],
  ['[1]', "JSON that is not this API's"],
  ['7', "JSON that is not this API's"],
  ['{\0"\0', 'text, not JSON'],
  ['{"status":"OK"}', 'OK'],
  ['{"status":"FAIL","message":"no"}', 'FAIL: "no"'],
  ['Not found {[<', 'text, not JSON'],
])('%j is %s', (text, expected) => {
  expect(describeBody(answer(200, text))).toBe(expected);
});

describe('an answer without an envelope, or without permission', () => {
  const FAIL = '{"status":"FAIL","message":"no"}';
  const CHECK_URL =
    'Check controller_url: is this the controller (not its registry), and is the path prefix right?';

  test.each<[string, Answer, (string | undefined)[]]>([
    ['success with text', answer(200, 'hello'), ['mistake', 'it answered HTTP 200 with text, not JSON']],
    [
      'success with a page',
      answer(200, '\n<html>'),
      ['mistake', 'it answered HTTP 200 with an HTML page, not JSON'],
    ],
    ['success with nothing', answer(204, ''), ['mistake', 'it answered HTTP 204 with an empty body']],
    [
      'success with half of an envelope',
      answer(200, ' {"status":"OK'),
      ['passing', 'it answered HTTP 200 with JSON that is cut off'],
    ],
    [
      'success with JSON too deep to read',
      answer(200, '{"a":'.repeat(201)),
      ['mistake', 'it answered HTTP 200 with JSON that is nested too deeply or has too many parts'],
    ],
    [
      'success with UTF-16',
      answer(200, [...'{"status":"OK"}'].join('\0')),
      ['mistake', 'it answered HTTP 200 with text, not JSON'],
    ],
    ...['{}', '[]', '{"errors":[]}', '{"state":"up"}', '[{"id":1}]'].map(
      (text): [string, Answer, string[]] => [
        `success with ${text}`,
        answer(200, text),
        ['mistake', "it answered HTTP 200 with JSON that is not this API's"],
      ],
    ),
    [
      '401',
      answer(401, FAIL),
      [
        'authentication_failed',
        `Authentication failed: the controller answered ${CALL} with HTTP 401.`,
        'Knock first.',
      ],
    ],
    [
      '403 of the controller',
      answer(403, FAIL, { proxy: 'proxy.example:3128' }),
      [
        'permission_denied',
        `The controller denies ${CALL} (HTTP 403).`,
        'The step needs permission to list and restart instances: add it to a group of its user or key.',
      ],
    ],
    [
      '403 of a proxy',
      answer(403, '<html>', { proxy: 'proxy.example:3128' }),
      [
        'controller_unreachable',
        `The proxy proxy.example:3128 refuses ${CALL} (HTTP 403).`,
        'Have the proxy allow the host and port in controller_url, or add the controller to NO_PROXY.',
      ],
    ],
    [
      '403 of another server',
      answer(403, '<html>'),
      [
        'permission_denied',
        `${CALL} is denied (HTTP 403), but not by the controller: the answer is an HTML page, not JSON.`,
        'Check controller_url (is a path prefix missing?), and whether a gateway requires something (see headers).',
      ],
    ],
    [
      '302',
      answer(302, '', { location: 'https://login.example/?token=x' }),
      [
        'protocol_error',
        `${CALL} was redirected to "login.example" (HTTP 302).`,
        'Redirects are not followed. Put the address of the controller itself into controller_url.',
      ],
    ],
    [
      '404',
      answer(404, 'gone'),
      [
        'protocol_error',
        `GET ${URL_ASKED} was answered with HTTP 404 and text, not JSON.`,
        'Give only the base address in controller_url, as in https://anka.example.com: no path of the API or of the web page. Is this the controller (not its registry), and is the path prefix right?',
      ],
    ],
    ...[300, 304].map((status): [string, Answer, string[]] => [
      `${status}`,
      answer(status, ''),
      [
        'protocol_error',
        `${CALL} was answered with HTTP ${status} and an empty body.`,
        'Most likely a cache or gateway in front of the controller answers in its place: configure it to forward requests.',
      ],
    ]),
    ...[undefined, 'proxy.example:3128'].map((proxy): [string, Answer, string[]] => [
      `407 (${proxy})`,
      answer(407, '', { proxy }),
      [
        'controller_unreachable',
        `${proxy === undefined ? 'A proxy' : `The proxy ${proxy}`} requires other credentials for ${CALL} (HTTP 407).`,
        'Put user and password into the URL in HTTP_PROXY or HTTPS_PROXY, or add the controller to NO_PROXY.',
      ],
    ]),
    [
      '410',
      answer(410, ''),
      ['protocol_error', `${CALL} was answered with HTTP 410 and an empty body.`, CHECK_URL],
    ],
    [
      '400 that wants a certificate',
      answer(400, 'No required SSL certificate was sent'),
      [
        'protocol_error',
        `${CALL} was answered with HTTP 400 and text, not JSON.`,
        'The server requires a client certificate, or a different one: see client_cert and client_key.',
      ],
    ],
    [
      '400 that wants TLS',
      answer(400, 'Client sent an HTTP request to an HTTPS server.'),
      [
        'protocol_error',
        `${CALL} was answered with HTTP 400 and text, not JSON.`,
        'The server speaks TLS there: controller_url should begin with https://.',
      ],
    ],
    [
      'an error in an envelope that says OK',
      answer(500, '{"status":"OK"}'),
      ['protocol_error', `${CALL} was answered with HTTP 500 and OK.`, CHECK_URL],
    ],
  ])('%s', (_, given, expected) => {
    expect(thrownFor(given)).toEqual(expected);
  });
});

describe('a redirect', () => {
  test.each<[string | undefined, string]>([
    [undefined, 'nowhere'],
    ['/login', 'another path'],
    ['mailto:me@login.example', 'another path'],
    ['https://me:hunter2@login.example:8443/a?b#c', '"login.example:8443"'],
  ])('to %j shows only the host', (location, expected) => {
    expect(hostOfRedirect(location)).toBe(expected);
    expect(redirected(CALL, answer(307, '', { location })).message).toBe(
      `${CALL} was redirected to ${expected} (HTTP 307).`,
    );
  });
});
