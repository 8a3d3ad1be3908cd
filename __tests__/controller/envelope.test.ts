import { describe, expect, test } from '@jest/globals';
import {
  hostOf,
  isRedirect,
  isSuccess,
  parseEnvelope,
  readEnvelope,
  redirected,
  whatItIs,
} from '../../src/controller/envelope.ts';
import { ActionError } from '../../src/errors.ts';
import { UnusableAnswer } from '../../src/http/json.ts';
import type { Answer } from '../../src/http/transport.ts';

const CALL = 'GET /api/v1/vm';

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

/** Code (or nature), message and hint of what reading the answer throws. */
function thrownFor(given: Answer): (string | undefined)[] {
  try {
    readEnvelope(CALL, given, 'Knock first.');
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
  [300, false, true],
  [399, false, true],
  [400, false, false],
])('HTTP %i: success %p, redirect %p', (status, success, redirect) => {
  expect([isSuccess(answer(status, '')), isRedirect(answer(status, ''))]).toEqual([success, redirect]);
});

describe('an envelope', () => {
  test.each([
    ['{"status":"OK","body":[1]}', { status: 'OK', body: [1] }],
    ['{"status":"OK"}', { status: 'OK', body: undefined }],
    ['{"status":"FAIL","message":"no such VM"}', { status: 'FAIL', message: 'no such VM' }],
    ['{"status":"FAIL","message":""}', { status: 'FAIL', message: '(no message)' }],
    ['{"status":"FAIL","message":7}', { status: 'FAIL', message: '(no message)' }],
    ['{"status":"ok"}', undefined],
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
    expect(parseEnvelope(answer(200, text))).toEqual({ status: 'FAIL', message });
  });

  test('that says FAIL counts, whatever the HTTP status', () => {
    const failed = { status: 'FAIL', message: 'no' };
    for (const status of [200, 404, 500]) {
      expect(readEnvelope(CALL, answer(status, JSON.stringify(failed)), '')).toEqual(failed);
    }
  });
});

test.each([
  ['', 'an empty body'],
  [' \n', 'an empty body'],
  ['\n<html>', 'an HTML page, not JSON'],
  [' {"a":', "JSON that is cut off or not the API's"],
  ['[1', "JSON that is cut off or not the API's"],
  ['Not found {[<', 'text, not JSON'],
])('%j is %s', (text, expected) => {
  expect(whatItIs(answer(200, text))).toBe(expected);
});

describe('what is no envelope, or may not be read', () => {
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
    ['success with nothing', answer(204, ''), ['passing', 'it answered HTTP 204 with an empty body']],
    ...[' {"status":"OK', '{"state":"up"}', '[{"id":1}]'].map((text): [string, Answer, string[]] => [
      `success with ${text}`,
      answer(200, text),
      ['passing', "it answered HTTP 200 with JSON that is cut off or not the API's"],
    ]),
    [
      '401',
      answer(401, FAIL),
      ['authentication_failed', `The controller does not let ${CALL} in (HTTP 401).`, 'Knock first.'],
    ],
    [
      '403 of the controller',
      answer(403, FAIL, { proxy: 'proxy.example:3128' }),
      [
        'permission_denied',
        `The controller denies ${CALL} (HTTP 403).`,
        'The step needs the permissions to list and to restart instances: add them to a group of its user or key.',
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
      '403 of somebody else',
      answer(403, '<html>'),
      [
        'permission_denied',
        `${CALL} is denied (HTTP 403), but not by the controller: the answer is an HTML page, not JSON.`,
        'Check controller_url (is a path prefix missing?), and whether a gateway wants something (see headers).',
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
      ['protocol_error', `${CALL} was answered with HTTP 404 and text, not JSON.`, CHECK_URL],
    ],
    [
      '400 that wants a certificate',
      answer(400, 'No required SSL certificate was sent'),
      [
        'protocol_error',
        `${CALL} was answered with HTTP 400 and text, not JSON.`,
        'The server wants a client certificate, or another one: see client_cert and client_key.',
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
      [
        'protocol_error',
        `${CALL} was answered with HTTP 500 and JSON that is cut off or not the API's.`,
        CHECK_URL,
      ],
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
  ])('to %j tells only the host', (location, expected) => {
    expect(hostOf(location)).toBe(expected);
    expect(redirected(CALL, answer(307, '', { location })).message).toBe(
      `${CALL} was redirected to ${expected} (HTTP 307).`,
    );
  });
});
