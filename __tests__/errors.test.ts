import { describe, expect, test } from '@jest/globals';
import {
  ActionError,
  asActionError,
  causeChain,
  describeCause,
  explainCancellation,
  isTransient,
} from '../src/errors.ts';

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

describe('asActionError', () => {
  test('keeps an ActionError as it is', () => {
    const error = new ActionError('timed_out', 'too late');
    expect(asActionError(error)).toBe(error);
    expect(error).toMatchObject({ name: 'ActionError', hint: undefined, isTransient: false });
    expect('cause' in error).toBe(false);
  });

  test.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['thrown text', 'thrown text'],
    [undefined, 'undefined'],
  ])('treats %p as a bug in the action', (thrown, what) => {
    const error = asActionError(thrown);
    expect(error).toMatchObject({
      code: 'internal_error',
      message: `Something unexpected went wrong: ${what}.`,
      cause: thrown,
      hint: expect.stringContaining('report'),
    });
  });
});

describe('the error of a canceled step', () => {
  const canceled = new ActionError('cancelled', 'Canceled.', { hint: 'Nothing.' });

  test('also says what the step leaves behind', () => {
    const explained = explainCancellation(canceled, 'A restart was sent.', { hint: 'Check the VM.' });
    expect(explained).toMatchObject({
      code: 'cancelled',
      message: 'Canceled. A restart was sent.',
      hint: 'Check the VM.',
      cause: canceled,
    });
    expect(explainCancellation(canceled, 'No restart was sent.').hint).toBeUndefined();
  });

  test('is the only one that does', () => {
    const other = new ActionError('timed_out', 'Too late.');
    expect(explainCancellation(other, 'A restart was sent.')).toBe(other);
  });
});

test.each<[string, unknown, boolean]>([
  [
    'an error that more time might have resolved',
    new ActionError('timed_out', 'x', { isTransient: true }),
    true,
  ],
  ['any other error', new ActionError('timed_out', 'x'), false],
  ['an error from elsewhere', Object.assign(new Error('x'), { isTransient: true }), false],
])('%s is transient: %s', (_, thrown, expected) => {
  expect(isTransient(thrown)).toBe(expected);
});

describe('describeCause', () => {
  const refused = withCode('connect ECONNREFUSED ::1:80', 'ECONNREFUSED');
  test.each<[string, unknown, string]>([
    [
      'the buried cause',
      new Error('fetch failed', { cause: new Error('request', { cause: refused }) }),
      refused.message,
    ],
    ['the first address tried', new AggregateError([refused, new Error('other')], ''), refused.message],
    ['an empty AggregateError', new AggregateError([], 'none worked'), 'none worked'],
    [
      'the cause of an empty AggregateError',
      new AggregateError([], 'none worked', { cause: refused }),
      refused.message,
    ],
    ['errors that are no list', Object.assign(new Error('odd'), { errors: 'many' }), 'odd'],
    ['a reason that is no text', Object.assign(new Error('odd'), { reason: 7 }), 'odd'],
    [
      'the code beside the message',
      withCode('certificate has expired', 'CERT_HAS_EXPIRED'),
      'certificate has expired (CERT_HAS_EXPIRED)',
    ],
    [
      'what OpenSSL says',
      Object.assign(withCode('4007:error:0A00010B:wrong', 'ERR_SSL'), { reason: 'wrong version number' }),
      'wrong version number',
    ],
    ['the code alone', withCode('', 'ETIMEDOUT'), 'ETIMEDOUT'],
    ['the name alone', new RangeError(''), 'RangeError'],
    ['what is no error', new Error('outer', { cause: 'a text' }), 'a text'],
    ['a code that is no text', Object.assign(new Error('odd'), { code: 7 }), 'odd'],
  ])('says %s', (_, thrown, text) => {
    expect(describeCause(thrown)).toBe(text);
  });
});

test('a circular chain of causes ends', () => {
  const error = new Error('a');
  error.cause = error;
  expect(causeChain(error)).toHaveLength(10);
});
