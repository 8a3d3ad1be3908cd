import { afterEach, jest } from '@jest/globals';

let planted: string[] = [];

/** Replaces some of what a module of `src` exports until the end of the test: import what uses it after that. */
export async function plant<T extends object>(path: string, change: (real: T) => Partial<T>): Promise<void> {
  const real: T = await import(path);
  planted.push(path);
  jest.unstable_mockModule(path, () => ({ ...real, ...change(real) }));
}

afterEach(() => {
  for (const path of planted) jest.unstable_unmockModule(path);
  planted = [];
  jest.resetModules();
});
