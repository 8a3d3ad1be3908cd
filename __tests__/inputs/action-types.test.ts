import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readInputs } from '../../src/inputs/inputs.ts';

interface Typed {
  readonly type: string;
  readonly 'allowed-values'?: readonly string[];
  readonly separator?: string;
  readonly 'list-item'?: Typed;
}
interface TypesFile {
  readonly inputs: Record<string, Typed>;
  readonly outputs: Record<string, Typed>;
}
interface ActionFile {
  readonly inputs: Record<string, { readonly default?: string }>;
  readonly outputs: Record<string, unknown>;
}

const types: TypesFile = parse(readFileSync('action-types.yml', 'utf8'));
const action: ActionFile = parse(readFileSync('action.yml', 'utf8'));

/** Whether the action rejects this value of this input, no matter what it reports about other inputs. */
function isRefused(input: string, value: string): boolean {
  try {
    readInputs({ [`INPUT_${input.toUpperCase()}`]: value }, () => {});
  } catch (error) {
    return error instanceof Error && new RegExp(`^- ${input}: `, 'm').test(error.message);
  }
  return false;
}

test('action-types.yml types what action.yml declares, in the same order', () => {
  expect(Object.keys(types.inputs)).toEqual(Object.keys(action.inputs));
  expect(Object.keys(types.outputs)).toEqual(Object.keys(action.outputs));
});

test('it has the form that the typing of actions asks for', () => {
  for (const typed of [...Object.values(types.inputs), ...Object.values(types.outputs)]) {
    const keys = { enum: ['allowed-values'], list: ['separator', 'list-item'] }[typed.type] ?? [];
    expect(['string', 'boolean', 'integer', 'float', 'enum', 'list']).toContain(typed.type);
    expect(Object.keys(typed)).toEqual(['type', ...keys]);
  }
});

const closed = Object.entries(types.inputs).flatMap(([name, { type, 'allowed-values': values }]) => {
  const allowed = type === 'boolean' ? ['true', 'false'] : values;
  return allowed === undefined ? [] : [{ name, allowed }];
});

describe('an input with a fixed set of values', () => {
  test.each(closed)('$name takes these, and no other', ({ name, allowed }) => {
    expect(allowed.filter((value) => isRefused(name, value))).toEqual([]);
    expect(isRefused(name, 'other')).toBe(true);
  });

  test.each(closed)('$name has one of them as its default, if it has one', ({ name, allowed }) => {
    expect([...allowed, undefined]).toContain(action.inputs[name]?.default);
  });
});
