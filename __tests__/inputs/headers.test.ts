import { expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import { type Inputs, readInputs } from '../../src/inputs/inputs.ts';
import { ID } from '../support/instances.ts';

let secrets: string[];

function read({ headers }: { readonly headers: string }): Inputs {
  secrets = [];
  const variables = {
    INPUT_CONTROLLER_URL: 'https://controller.example',
    INPUT_INSTANCE_ID: ID,
    INPUT_HEADERS: headers,
  };
  return readInputs(variables, (...all) => secrets.push(...all));
}

function problemsOf(given: { readonly headers: string }): string[] {
  try {
    read(given);
  } catch (error) {
    if (error instanceof ActionError) return error.message.split('\n- ').slice(1);
    throw error;
  }
  return [];
}

test('headers are read line by line, and their values are secrets', () => {
  const headers = '\nX-Gateway-Key:  hunter2 \r\n\r\nAuthorization: Bearer t0ken-t0ken\nX-Colon: a:b\n';
  expect(read({ headers }).headers).toEqual({
    'x-gateway-key': 'hunter2',
    authorization: 'Bearer t0ken-t0ken',
    'x-colon': 'a:b',
  });
  expect(secrets).toEqual(['hunter2', 'Bearer t0ken-t0ken', 't0ken-t0ken', 'a:b', 'b']);
});

test('the credentials inside Authorization and Cookie are secrets, too', () => {
  const basic = Buffer.from('me:B4sicPassw0rd').toString('base64');
  const cookie = 'a=1; session=S3ssion-ID; b=2';
  read({ headers: `Authorization: Basic ${basic}\nCookie: ${cookie}` });
  expect(secrets).toEqual([`Basic ${basic}`, basic, 'B4sicPassw0rd', cookie, 'S3ssion-ID']);
});

test.each<[string, string[]]>([
  ['key=12345678', ['12345678']],
  ['key=1234567', []],
  ['one-one-one,two-two-two; three-three', ['one-one-one', 'two-two-two', 'three-three']],
  ['dG9rZW4tdG9rZQ==', ['dG9rZW4tdG9rZQ==']],
  ['key=dG9rZW4tdG9rZQ==', ['dG9rZW4tdG9rZQ==']],
  ['key=dG9rZW4tdG9rZXM=', ['dG9rZW4tdG9rZXM=']],
  ['basic   bWU6cGE6c3M=', ['bWU6cGE6c3M=', 'pa:ss']],
  ['Not Basic bWU6cGE6c3M=', ['bWU6cGE6c3M=']],
  ['Basic bWU6cGE6cGFz more', ['bWU6cGE6cGFz']],
  ['Basic OnBhc3M=', ['OnBhc3M=', 'pass']],
  ['Basic bWU6', []],
  ['Basic Sm9obiBEb2U6aHVudGVyMg==', ['Sm9obiBEb2U6aHVudGVyMg==', 'hunter2']],
  ['Basic bWU6IHBhIHNzIA==', ['bWU6IHBhIHNzIA==', ' pa ss ']],
  ['Basic bWU6dHJ1ZQ==', ['bWU6dHJ1ZQ==']],
  ['me:hunter2', ['me:hunter2', 'hunter2']],
  ['me: hunt:er2', ['hunt:er2', 'hunt:er2']],
  ['me too: hunter2', []],
  ['me:', []],
  ['me:true', []],
])('%j: %j in it are secrets', (value, expected) => {
  read({ headers: `X-Key: ${value}` });
  expect(secrets).toEqual([value, ...expected]);
});

test.each<[string, string[], string[]]>([
  ['token="abcd"', ['abcd'], ['token']],
  ['key="hunter2", other="a b c"', ['hunter2', 'a b c'], ['key']],
  ['{"token":"hunter2"}', ['hunter2'], ['token', ':']],
  ['{"token" : true, "b": ["pa\\"ss"]}', ['pa\\"ss', 'pa"ss'], ['token', 'true']],
  ['{"a":"p\\u00f6ss"}', ['p\\u00f6ss', 'pöss'], ['a']],
  ['a="pa\\ss\\"2"', ['pa\\ss\\"2', 'pass"2'], ['a']],
  ['a="hunter2', ['hunter2'], ['a']],
  ['a="hunter2\\', ['hunter2'], ['a']],
  ['"true" "false" "null" ""', [], ['true', 'false', 'null', '']],
])('%s: %j in it are secrets, %j are not', (value, hidden, shown) => {
  read({ headers: `X-Key: ${value}` });
  expect(secrets).toEqual(expect.arrayContaining([value, ...hidden]));
  expect(shown.filter((word) => secrets.includes(word))).toEqual([]);
  // Nor is the name of a field, together with the text around it.
  expect(secrets.filter((secret) => secret !== value && /"\s*:$/.test(secret))).toEqual([]);
});

test.each(['true', 'false', 'null'])(
  'the value %s is not a secret, because masking it would ruin outputs',
  (word) => {
    read({ headers: `X-Debug: ${word}` });
    expect(secrets).toEqual([]);
  },
);

test('as many headers, and as many characters, as are allowed', () => {
  const lines = Array.from({ length: 99 }, (_, index) => `x-${index}: y`).join('\n');
  const headers = `${lines}\nx-last: `;
  const last = 'z'.repeat(16_000 - headers.length);
  expect(read({ headers: `${headers}${last}` }).headers).toMatchObject({ 'x-0': 'y', 'x-last': last });
});

test('too many headers are refused', () => {
  const headers = Array.from({ length: 101 }, (_, index) => `x-${index}: y`).join('\n');
  expect(problemsOf({ headers })).toEqual([
    expect.stringMatching(/^headers: \d+ characters in 101 lines; at most 16000 in 100 are allowed$/),
  ]);
  expect(secrets).toEqual([]);
});

test.each([
  ['hunter2', 'line 1 is not of the form "Name: value"'],
  ['X-Fine: a\nbad name: hunter2', 'line 2 is not of the form "Name: value"'],
  ['X-Empty:', 'line 1 is not of the form "Name: value"'],
  [': hunter2', 'line 1 is not of the form "Name: value"'],
  ['X-Odd: hunter\u00002', 'line 1 is not of the form "Name: value"'],
  ['X-Far: hünter→2', 'line 1 is not of the form "Name: value"'],
  ['X-A: 1\nx-a: 2', 'line 2: x-a is given twice'],
  [
    'hunter2\nX-Fine: a\nHost: b\nx-fine: hunter2',
    'line 1 is not of the form "Name: value"; line 3: Host belongs to the connection and cannot be set; line 4: x-fine is given twice',
  ],
])('%j is refused', (headers, problem) => {
  expect(problemsOf({ headers })).toEqual([`headers: ${problem}`]);
});

test.each([
  'Host',
  'content-length',
  'Content-Type',
  'Transfer-Encoding',
  'CONNECTION',
  'Keep-Alive',
  'Upgrade',
  'Expect',
  'TE',
  'Trailer',
  'HTTP2-Settings',
  'Proxy-Authorization',
  'Proxy-Connection',
])('%s is refused, because it belongs to the connection', (name) => {
  expect(problemsOf({ headers: `X-Fine: a\n${name}: hunter2` })).toEqual([
    `headers: line 2: ${name} belongs to the connection and cannot be set`,
  ]);
});

test('blank lines are ignored', () => {
  expect(read({ headers: 'X-A: a\n \t\n\nX-B: b' }).headers).toEqual({ 'x-a': 'a', 'x-b': 'b' });
});

test('white space around a line is ignored', () => {
  expect(read({ headers: ' \u00a0X-A: a\u00a0 \n\tX-B: b\t' }).headers).toEqual({ 'x-a': 'a', 'x-b': 'b' });
});
