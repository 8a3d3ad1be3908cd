import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { endProcessWithin } from '../src/process.ts';

describe('a process that something still keeps alive', () => {
  let exit: jest.Spied<typeof process.exit>;
  let replace: jest.Spied<NonNullable<typeof process.execve>>;
  const { execve, exitCode, platform } = process;

  beforeEach(() => {
    jest.useFakeTimers();
    exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
    replace = jest.spyOn(process as Required<NodeJS.Process>, 'execve').mockReturnValue(undefined as never);
  });
  afterEach(() => {
    jest.useRealTimers();
    Reflect.set(process, 'execve', execve);
    process.exitCode = exitCode;
    Object.defineProperty(process, 'platform', { value: platform });
  });

  async function ended(code: number | undefined, on: string): Promise<void> {
    process.exitCode = code;
    Object.defineProperty(process, 'platform', { value: on });
    endProcessWithin(300);
    await jest.advanceTimersByTimeAsync(299);
    expect(exit).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
  }

  test.each([
    [undefined, 0],
    [0, 0],
    [1, 1],
  ])('with the exit code %p is replaced by one that ends with %i', async (code, expected) => {
    await ended(code, 'linux');
    const program = [process.execPath, '-e', `process.exit(${expected})`];
    expect(replace.mock.calls).toEqual([[process.execPath, program, {}]]);
    expect(exit).toHaveBeenCalledTimes(1);
  });

  test('is replaced by one that gets the paths of libraries, and no NODE_OPTIONS', async () => {
    const { env } = process;
    const paths = { LD_LIBRARY_PATH: '/a', DYLD_LIBRARY_PATH: '/b', DYLD_FALLBACK_LIBRARY_PATH: '/c' };
    process.env = { NODE_OPTIONS: '--import=x', PATH: '/bin', ...paths };
    await ended(0, 'linux');
    process.env = env;
    expect(replace.mock.calls[0]?.[2]).toEqual(paths);
  });

  test('just ends if it cannot be replaced', async () => {
    replace.mockImplementation(() => {
      throw new Error('not supported here');
    });
    await ended(1, 'darwin');
    expect(exit).toHaveBeenCalledTimes(1);
  });

  test('just ends on Windows, where a process cannot be replaced', async () => {
    await ended(1, 'win32');
    expect(replace).not.toHaveBeenCalled();
    expect(exit).toHaveBeenCalledTimes(1);
  });

  test('just ends under a Node that cannot replace it', async () => {
    Reflect.set(process, 'execve', undefined);
    await ended(1, 'linux');
    expect(exit).toHaveBeenCalledTimes(1);
  });
});
