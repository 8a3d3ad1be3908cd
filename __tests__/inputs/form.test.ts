import { describe, expect, test } from '@jest/globals';
import { ActionError } from '../../src/errors.ts';
import {
  all,
  complete,
  createForm,
  type Field,
  isGiven,
  readSecret,
  requireBoth,
} from '../../src/inputs/form.ts';
import { boolean, optionalText } from '../../src/inputs/parsers.ts';

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('a field', () => {
  test('has the value that was read, or that of its default', () => {
    const { read } = createForm({ INPUT_DRY_RUN: ' true\n', INPUT_JOB_SUMMARY: ' ' });
    expect(read('dry_run', boolean)).toEqual({ value: true });
    expect(read('job_summary', boolean)).toEqual({ value: true });
    expect(read('usb_device', optionalText)).toEqual({ value: undefined });
  });

  test('that is invalid has no value, and the form has a problem', () => {
    const form = createForm({ INPUT_DRY_RUN: 'yes' });
    expect(form.read('dry_run', boolean)).toBeUndefined();
    expect(form.problems).toEqual(['dry_run: "yes" is neither true nor false']);
  });

  test('may be made of several, all of which must be valid', () => {
    const one = { value: 1 };
    const none: Field<string | undefined> = { value: undefined };
    expect(all({ one, none })).toEqual({ value: { one: 1, none: undefined } });
    expect(all({ one, none: undefined })).toBeUndefined();
    expect(all({})).toEqual({ value: {} });
  });
});

test('a secret can be read even if its value is unused', () => {
  expect(readSecret(createForm({ INPUT_ROOT_TOKEN: 'hunter2\n' }), 'root_token')).toEqual({
    value: 'hunter2',
  });
});

test('an input is given if it is not blank, valid or not', () => {
  const form = createForm({ INPUT_TIMEOUT: 'soon', INPUT_DRY_RUN: '\n ' });
  expect([isGiven(form, 'timeout'), isGiven(form, 'dry_run'), isGiven(form, 'idle_for')]).toEqual([
    true,
    false,
    false,
  ]);
  expect(form.problems).toEqual([]);
});

describe('two inputs that need each other', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['both', { INPUT_A: '1', INPUT_B: '2' }, []],
    ['neither', { INPUT_A: ' ' }, []],
    ['the first', { INPUT_A: '1' }, ['b']],
    ['the second', { INPUT_B: '1' }, ['a']],
  ])('%s', (_, environment, empty) => {
    const form = createForm(environment);
    requireBoth(form, 'a', 'b');
    expect(form.problems).toEqual(
      empty.map((name) => expect.stringMatching(`^${name}: it is empty, but [ab] is given: give both`)),
    );
  });
});

describe('a form', () => {
  test('without problems yields its value', () => {
    expect(complete(createForm({}), { value: 7 })).toBe(7);
  });

  test.each<[string, Field<number>, string[]]>([
    ['one problem', { value: 7 }, ['a: wrong']],
    ['several', undefined, ['a: wrong', 'b: wrong, too']],
  ])('with %s never yields one', (_, field, problems) => {
    const form = createForm({});
    form.problems.push(...problems);
    const error = thrownBy(() => complete(form, field));
    if (!(error instanceof ActionError)) throw new Error('it yielded a value');
    expect(error.code).toBe('invalid_input');
    expect(error.message.split('\n- ').slice(1)).toEqual(problems);
  });
});
