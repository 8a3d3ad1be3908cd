import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** The range of a number on the command line. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** Whether it can have a fraction. */
  readonly isShare?: boolean;
}

/** Reads a number; `fallback` if the option is absent. @throws Error for anything else, or outside the range */
export type NumberReader = (name: string, fallback: number, range: Range) => number;

export function createNumberReader(values: Readonly<Record<string, unknown>>): NumberReader {
  return (name, fallback, { min, max, isShare = false }) => {
    const value = values[name];
    if (value === undefined) return fallback;
    const number = Number(value);
    const isFit = value !== '' && number >= min && number <= max && (isShare || Number.isInteger(number));
    if (isFit) return number;
    const kind = isShare ? 'number' : 'whole number';
    throw new Error(`--${name} must be a ${kind} from ${min} to ${max}, not ${JSON.stringify(value)}`);
  };
}

/**
 * Reads the options of a script. `--help` prints the usage and ends the process. Unknown options, and those that `read` throws for, end it
 * with a message and exit code 2.
 */
export function readOptions<T extends ParseArgsOptionsConfig, Options>(
  usage: string,
  options: T,
  read: (values: ReturnType<typeof parseArgs<{ options: T }>>['values'], number: NumberReader) => Options,
): Options {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } });
    if ('help' in values) return end(usage, 0);
    return read(values as Parameters<typeof read>[0], createNumberReader(values));
  } catch (error) {
    return end(`${error instanceof Error ? error.message : error}\n\n${usage}`, 2);
  }
}

function end(text: string, code: number): never {
  console.log(text);
  process.exit(code);
}
